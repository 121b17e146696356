/* config_keys.h - the one table of sections and keys, and how each type of value is read; config*.c only.
 * Refuses to know files and lines.  Promises: bounds, default and help stand in one row and nowhere else. */
#ifndef SMSBRIDGE_CONFIG_KEYS_H
#define SMSBRIDGE_CONFIG_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "err.h"

enum config_kind {
    CONFIG_DAEMON,
    CONFIG_API,
    CONFIG_LINKS,
    CONFIG_CALLBACKS,
    CONFIG_INBOX,
    CONFIG_QUEUE,
    CONFIG_ACCOUNT, /* from here on [kind NAME] */
    CONFIG_MODEM,
    CONFIG_KIND_COUNT
};
/* The word in the brackets. */
const char *config_kind_str(enum config_kind kind);
/* ERR_NOT_FOUND. */
enum err config_kind_parse(const char *word, enum config_kind *kind) MUST_CHECK;
bool config_kind_named(enum config_kind kind);

enum config_type {
    KEY_TEXT,     /* min to max bytes, NUL-terminated in size bytes, as is every text */
    KEY_FILE,     /* a path that can be read now, or "" */
    KEY_URL,      /* http or https, or "" */
    KEY_BASE,     /* a URL that a path is put behind: its last slashes are dropped */
    KEY_DIGITS,   /* min to max digits, or "" */
    KEY_PHONE,    /* the same, after one optional + */
    KEY_INT,      /* int, min to max */
    KEY_BAUD,     /* uint32_t */
    KEY_DECIMAL,  /* double */
    KEY_BOOL,     /* bool */
    KEY_DURATION, /* int64_t, ms */
    KEY_PAUSES,   /* struct config_pauses: 1 to `most`, each min to max ms */
    KEY_LIST,     /* struct config_list */
    KEY_LISTENS,  /* struct config_listens: one at least */
    KEY_CHOICE,   /* an enum: the words of `choices`, in its order */
    KEY_TYPE_COUNT
};

struct config_key {
    enum config_kind kind;
    const char *key;
    enum config_type type;
    int64_t min, max;
    const char *fallback; /* as one would write it */
    size_t offset, size;  /* in struct config; in its own struct for [account] and [modem] */
    unsigned most;        /* of KEY_PAUSES */
    const char *choices;  /* of KEY_CHOICE: "json|form" */
    bool later;           /* read and bounded, but without effect yet */
    const char *help;
};
extern const struct config_key config_keys[];
extern const size_t config_key_count;

/* NULL: no such key there. */
const struct config_key *config_key_find(enum config_kind kind, const char *key);
/* What is right instead of an unknown key or section, as a sentence. */
void config_key_hint(enum config_kind kind, const char *key, char *out, size_t size);
void config_kind_hint(const char *word, char *out, size_t size);
/* "1 to 3650", "json or form": the rule of a key in words. */
void config_key_rule(const struct config_key *key, char *out, size_t size);

/* Reads text into the key's place in base (struct config, config_account or config_modem).
 * ERR_SYNTAX, ERR_RANGE: nothing is written; why is "" or what config_key_rule() does not say. */
#define CONFIG_DETAIL_MAX 160
enum err config_value_parse(const struct config_key *key, const char *text, void *base,
                            char why[CONFIG_DETAIL_MAX]) MUST_CHECK;
/* "90d", "500ms": the way one would write it. */
const char *config_duration_str(int64_t ms, char out[24]);

#endif
