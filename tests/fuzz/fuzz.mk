config_fuzz_OBJ := src/config_check.o src/config_help.o src/config_keys.o src/config_value.o
at_lex_fuzz_OBJ := modem/at_lex.o modem/at_args.o
at_fuzz_OBJ := modem/at_lex.o modem/at_args.o modem/at_trace.o
sms_decode_fuzz_OBJ := $(SMS_OBJ)
sms_text_fuzz_OBJ := $(SMS_OBJ)
link_fuzz_OBJ := src/words.o src/link.o src/link_text.o src/link_host.o src/link_read.o src/link_find.o src/link_guard.o src/link_words.o src/link_slug.o src/url.o src/url_policy.o src/agent.o src/agent_words.o
form_fuzz_OBJ := $(API_FIELDS_OBJ)
json_fuzz_OBJ := $(API_FIELDS_OBJ)
url_fuzz_OBJ := src/url.o src/url_policy.o
http_fuzz_OBJ := src/http.o src/http_answer.o src/http_form.o src/http_listen.o src/http_start.o
# The two files that it includes stay out; so do the programs' own.
header_fuzz_OBJ := $(sort $(patsubst %.c,%.o,$(filter-out src/api_auth.c src/redirect.c src/main.c src/daemon.c src/farm%.c src/ctl%.c,$(wildcard src/*.c))) \
	$(MODEM_OBJ_ALL))
ussd_fuzz_OBJ := modem/modem_text.o $(SMS_OBJ)
at_mask_fuzz_OBJ := modem/at_mask.o modem/at_mask_pdu.o
quirks_fuzz_OBJ := src/quirks_file.o modem/quirks.o modem/quirks_user.o modem/fault.o
alert_fuzz_OBJ := src/alert.o src/hash.o $(API_FIELDS_OBJ)
