config_fuzz_OBJ := src/config_check.o src/config_help.o src/config_keys.o src/config_value.o
