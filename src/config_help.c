/* config_help.c - the table of the configuration as a file that could be used: --help-config.
 * Refuses to know files.  Promises: packaging/smsbridged.conf is exactly this (a test compares). */
#include "config_keys.h"

static const char *const head =
    "# smsbridged.conf: every key with its default, as a comment.  Remove the # to change one.\n"
    "# Durations: 500ms 30s 5m 2h 90d.  Lists: commas.  ; begins a comment, behind a value too.\n"
    "# Files with tokens and keys: readable by the daemon alone.\n";

static void help_section(enum config_kind kind, FILE *to)
{
    bool named = config_kind_named(kind);
    (void)fprintf(to, "\n%s[%s%s]\n", named ? "#" : "", config_kind_str(kind),
                  named ? " NAME" : "");
}

void config_help(FILE *to)
{
    char rule[200];
    (void)fputs(head, to);
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        if (i == 0 || config_keys[i - 1].kind != key->kind)
            help_section(key->kind, to);
        config_key_rule(key, rule, sizeof(rule));
        (void)fprintf(to, "# %s\n# (%s)%s\n#%s =%s%s\n", key->help, rule,
                      key->later ? " without effect in this version" : "", key->key,
                      key->fallback[0] ? " " : "", key->fallback);
    }
}
