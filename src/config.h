/* config.h - one INI file becomes one struct; inih's only home is config.c.
 * Refuses to know what a value is used for: it judges form and bounds, what needs url.h or hash.h main judges.
 * Promises: every value has a default that works; after config_load() was OK nothing is half configured,
 * else `why` names file, line and what would be right.  Read-only after loading: any thread. */
#ifndef SMSBRIDGE_CONFIG_H
#define SMSBRIDGE_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>

#include "err.h"
#include "log.h"
#include "modem.h"

#define CONFIG_PATH        "/etc/smsbridge/smsbridged.conf"
#define CONFIG_WHY_MAX     512
#define CONFIG_TEXT_MAX    256  /* paths */
#define CONFIG_URL_MAX     1024 /* URLs, lists kept as text */
#define CONFIG_NAME_MAX    42   /* of an account; "account NAME" has to fit inih's 50 */
#define CONFIG_TOKEN_MAX   129
#define CONFIG_ITEMS_MAX   32
#define CONFIG_ITEM_MAX    64
#define CONFIG_PAUSES_MAX  16
#define CONFIG_LISTENS_MAX 8
#define CONFIG_MEMBERS_MAX 256 /* accounts, modems: of each */

struct config_list {
    unsigned n;
    char item[CONFIG_ITEMS_MAX][CONFIG_ITEM_MAX];
};
struct config_pauses {
    unsigned n;
    int64_t ms[CONFIG_PAUSES_MAX];
};
/* Resolved without a name server: an IPv4 or IPv6 address and port, or a path (AF_UNIX). */
struct config_listens {
    char text[CONFIG_URL_MAX]; /* the whole list as written, for http.h */
    unsigned n;
    struct config_listen {
        struct sockaddr_storage address;
        socklen_t len;
        char text[112]; /* as written */
    } item[CONFIG_LISTENS_MAX];
};

enum config_format { CONFIG_FORMAT_JSON, CONFIG_FORMAT_FORM };
enum config_uncertain { CONFIG_UNCERTAIN_RESEND, CONFIG_UNCERTAIN_FAIL };

struct config_daemon {
    char state_dir
        [CONFIG_TEXT_MAX]; /* default: $STATE_DIRECTORY of systemd, else ./smsbridge-data */
    int64_t keep_ms;
    enum log_level log_level;
    char quirks_dir[CONFIG_TEXT_MAX]; /* a path by now; "": none */
};
struct config_api {
    struct config_listens listen;
    char public_url[CONFIG_URL_MAX]; /* "": from the Host header; no slash at its end */
    char tls_cert[CONFIG_TEXT_MAX], tls_key[CONFIG_TEXT_MAX]; /* both or neither */
    int rate; /* a second and account; 0: unlimited */
    bool kannel;
    struct config_list alertmanager_to;
};
struct config_links {
    struct config_listens listen;
    char base_url[CONFIG_URL_MAX]; /* "": http:// and the first of listen; no slash at its end */
    int days;
    int slug_length;
    char trusted_proxies[CONFIG_URL_MAX]; /* for url_nets_parse() */
    bool count_tools;
    char tls_cert[CONFIG_TEXT_MAX], tls_key[CONFIG_TEXT_MAX];
};
struct config_callbacks {
    enum config_format format;
    struct config_pauses schedule; /* 1 to 10 */
    int64_t timeout_ms;
    char allow[CONFIG_URL_MAX]; /* for url_policy_parse() */
};
struct config_inbox {
    char url[CONFIG_URL_MAX]; /* "": none */
    char webhook_secret[CONFIG_TOKEN_MAX];
    int64_t partial_after_ms;
    struct config_list opt_out, opt_in;
};
struct config_queue {
    enum config_uncertain uncertain;
    int64_t uncertain_after_ms;
    struct config_pauses retry; /* 1 at least */
    bool transliterate;
    bool national_shift;
    bool discover;
};
struct config_account {
    char name[CONFIG_NAME_MAX];
    char token[CONFIG_TOKEN_MAX]; /* never "": what token_file holds, or token */
    char token_file[CONFIG_TEXT_MAX];
    char webhook_secret[CONFIG_TOKEN_MAX]; /* "": main makes one */
    double cost, credits;
    bool admin; /* a single account always is */
};
struct config_modem {
    struct modem_config modem; /* modem.name, and port "" where only imei says which */
    char imei[MODEM_ID_MAX];
    struct config_list senders, prefixes;
    int per_minute, per_day; /* 0: unlimited */
};

struct config_set; /* which keys the file set, and where: config_where(), config_unused() */

struct config {
    struct config_daemon daemon;
    struct config_api api;
    struct config_links links;
    struct config_callbacks callbacks;
    struct config_inbox inbox;
    struct config_queue queue;
    struct config_account *account; /* accounts of them; 0: main makes one */
    unsigned accounts;
    struct config_modem *modem;
    unsigned modems;
    struct config_modem found; /* the defaults: of a modem that no section names */
    char path[CONFIG_TEXT_MAX]; /* "" while no file was read */
    struct config_set *set;
    unsigned sets;
};

/* path NULL: CONFIG_PATH where there is one, else the defaults.  A path that was given has to be there.
 * why: CONFIG_WHY_MAX bytes, "FILE:LINE: what is wrong, and what would be right" when not OK.
 * ERR_NOT_FOUND, ERR_IO: the file; ERR_SYNTAX, ERR_RANGE, ERR_CONFLICT: what it says; ERR_FULL, ERR_NO_MEMORY. */
enum err config_load(const char *path, struct config **out, char *why) MUST_CHECK;
/* NULL is fine.  Secrets are wiped. */
void config_free(struct config *c);

/* Where a value comes from, to blame it: "FILE:12: [account main] webhook_secret", or the section and key
 * alone where the file does not set it.  section as in the file.  `out` is returned. */
const char *config_where(const struct config *c, const char *section, const char *key,
                         char out[CONFIG_WHY_MAX]);
/* Every key that the file sets to something, and that has no effect in this version yet. */
void config_unused(const struct config *c,
                   void (*each)(void *ctx, const char *section, const char *key, unsigned line),
                   void *ctx);
/* Every section and key with its bounds, default and meaning: --help-config. */
void config_help(FILE *to);

#endif
