# What each unit test links besides the ground floor: NAME_test_OBJ = modem/gsm7.o src/link.o …
hash_test_OBJ := src/hash.o
config_test_OBJ := src/config.o src/config_check.o src/config_help.o src/config_keys.o src/config_value.o
redirect_limit_test_OBJ := src/redirect_limit.o
at_args_test_OBJ := modem/at_args.o
at_lex_test_OBJ := modem/at_lex.o modem/at_args.o
at_test_OBJ := modem/at.o modem/at_lex.o modem/at_args.o modem/at_trace.o
