/* config_keys.c - every section and key of the configuration: one row each.
 * Refuses to know files, lines and how a value is read.
 * Promises: what --help-config prints, what is bounded and what is filled in is the same row. */
#include "config_keys.h"

#include <string.h>

#include "clock.h"

#define IN(field) offsetof(struct config, field), sizeof(((struct config *)0)->field)
#define IN_ACCOUNT(field)                                                                          \
    offsetof(struct config_account, field), sizeof(((struct config_account *)0)->field)
#define IN_MODEM(field)                                                                            \
    offsetof(struct config_modem, field), sizeof(((struct config_modem *)0)->field)
#define PATH_MAX_BYTES (CONFIG_TEXT_MAX - 1)
#define URL_MAX_BYTES  (CONFIG_URL_MAX - 1)

/* kind, key, type, min, max, default, place; then .most .choices .later; .help */
/* clang-format off */
const struct config_key config_keys[] = {
    {CONFIG_DAEMON, "state_dir", KEY_TEXT, 1, PATH_MAX_BYTES, "/var/lib/smsbridge", IN(daemon.state_dir),
     .help = "smsbridge.db and the tokens; ./smsbridge-data when not run as the service"},
    {CONFIG_DAEMON, "keep", KEY_DURATION, CLK_DAY_MS, 3650 * CLK_DAY_MS, "400d", IN(daemon.keep_ms),
     .help = "how long messages and inbox are kept"},
    {CONFIG_DAEMON, "log_level", KEY_CHOICE, 0, 0, "info", IN(daemon.log_level),
     .choices = "error|warn|info|debug|trace",
     .help = "trace writes the AT dialogue, in the transcripts' format"},
    {CONFIG_DAEMON, "quirks_dir", KEY_TEXT, 0, PATH_MAX_BYTES, "quirks.d", IN(daemon.quirks_dir),
     .help = "*.conf with rows for modems of your own (docs/modems.md), beside this file; empty: none"},

    {CONFIG_API, "listen", KEY_LISTENS, 0, 0, "127.0.0.1:8080", IN(api.listen),
     .help = "where the operator's programs come in; several: [::1]:8080, unix:/run/smsbridge/api.sock"},
    {CONFIG_API, "public_url", KEY_BASE, 0, URL_MAX_BYTES, "", IN(api.public_url),
     .help = "what `url` in a status begins with; empty: from the Host header"},
    {CONFIG_API, "tls_cert", KEY_FILE, 0, PATH_MAX_BYTES, "", IN(api.tls_cert),
     .help = "PEM file with the certificate and its chain, to serve https ourselves"},
    {CONFIG_API, "tls_key", KEY_FILE, 0, PATH_MAX_BYTES, "", IN(api.tls_key),
     .help = "PEM file with the certificate's key"},
    {CONFIG_API, "rate", KEY_INT, 0, 100000, "50", IN(api.rate),
     .help = "requests a second and account; 0: unlimited"},
    {CONFIG_API, "kannel", KEY_BOOL, 0, 0, "no", IN(api.kannel),
     .help = "serve Kannel's GET /cgi-bin/sendsms too (docs/api.md)"},
    {CONFIG_API, "alertmanager_to", KEY_LIST, 0, 0, "", IN(api.alertmanager_to),
     .help = "recipients of POST /hooks/alertmanager"},

    {CONFIG_LINKS, "listen", KEY_LISTENS, 0, 0, "127.0.0.1:8081", IN(links.listen),
     .help = "where the public's taps come in: redirects and nothing else"},
    {CONFIG_LINKS, "base_url", KEY_BASE, 0, URL_MAX_BYTES, "", IN(links.base_url),
     .help = "what short links begin with, e.g. https://s.example.com; "
             "empty: http:// and listen, which works on this machine only"},
    {CONFIG_LINKS, "days", KEY_INT, 1, 3650, "90", IN(links.days),
     .help = "how long a short link works"},
    {CONFIG_LINKS, "slug_length", KEY_INT, 7, 16, "10", IN(links.slug_length),
     .help = "random characters of a short link"},
    {CONFIG_LINKS, "trusted_proxies", KEY_TEXT, 0, URL_MAX_BYTES, "", IN(links.trusted_proxies),
     .help = "addresses or CIDR whose X-Forwarded-For is believed"},
    {CONFIG_LINKS, "count_tools", KEY_BOOL, 0, 0, "yes", IN(links.count_tools),
     .help = "curl and the like count as a person's tap"},
    {CONFIG_LINKS, "tls_cert", KEY_FILE, 0, PATH_MAX_BYTES, "", IN(links.tls_cert),
     .help = "PEM file with the certificate and its chain, to serve https ourselves"},
    {CONFIG_LINKS, "tls_key", KEY_FILE, 0, PATH_MAX_BYTES, "", IN(links.tls_key),
     .help = "PEM file with the certificate's key"},

    {CONFIG_CALLBACKS, "format", KEY_CHOICE, 0, 0, "json", IN(callbacks.format),
     .choices = "json|form",
     .help = "form: flat form fields instead of the status object"},
    {CONFIG_CALLBACKS, "schedule", KEY_PAUSES, 0, 7 * CLK_DAY_MS,
     "0, 5s, 5m, 30m, 2h, 5h, 10h, 14h, 20h, 24h", IN(callbacks.schedule), .most = 10,
     .help = "the pause before each try; their number is the number of tries"},
    {CONFIG_CALLBACKS, "timeout", KEY_DURATION, CLK_SECOND_MS, 2 * CLK_MINUTE_MS, "15s",
     IN(callbacks.timeout_ms), .help = "of one try, connecting included"},
    {CONFIG_CALLBACKS, "allow", KEY_TEXT, 0, URL_MAX_BYTES, "loopback, private, external",
     IN(callbacks.allow), .help = "where callbacks may go: these words and CIDR; link-local, metadata, "
                                  "reserved addresses and our own listeners only by CIDR"},

    {CONFIG_INBOX, "url", KEY_URL, 0, URL_MAX_BYTES, "", IN(inbox.url),
     .help = "every inbound SMS is POSTed here; empty: nowhere"},
    {CONFIG_INBOX, "webhook_secret", KEY_TEXT, 0, CONFIG_TOKEN_MAX - 1, "", IN(inbox.webhook_secret),
     .help = "whsec_… that signs these POSTs; empty: that of the first account"},
    {CONFIG_INBOX, "partial_after", KEY_DURATION, CLK_SECOND_MS, 30 * CLK_DAY_MS, "24h",
     IN(inbox.partial_after_ms), .help = "a set still incomplete then is delivered, marked as partial"},
    {CONFIG_INBOX, "opt_out", KEY_LIST, 0, 0, "STOP, STOPALL, UNSUBSCRIBE, CANCEL, END, QUIT, 停止",
     IN(inbox.opt_out),
     .help = "an inbound text that is one of these: no more SMS to that number"},
    {CONFIG_INBOX, "opt_in", KEY_LIST, 0, 0, "START, UNSTOP", IN(inbox.opt_in),
     .help = "an inbound text that takes an opt-out back"},

    {CONFIG_QUEUE, "uncertain", KEY_CHOICE, 0, 0, "resend", IN(queue.uncertain),
     .choices = "resend|fail",
     .help = "a part that may have gone out and that nothing settles in time"},
    {CONFIG_QUEUE, "uncertain_after", KEY_DURATION, CLK_SECOND_MS, 7 * CLK_DAY_MS, "10m",
     IN(queue.uncertain_after_ms), .help = "how long a late answer or a report may settle it"},
    {CONFIG_QUEUE, "retry", KEY_PAUSES, 100, 7 * CLK_DAY_MS, "5s, 15s, 1m, 5m, 15m, 1h",
     IN(queue.retry), .most = CONFIG_PAUSES_MAX,
     .help = "pauses after transient errors; the last repeats until the validity ends"},
    {CONFIG_QUEUE, "transliterate", KEY_BOOL, 0, 0, "no", IN(queue.transliterate), .later = true,
     .help = "curly quotes, dashes and the like to GSM 7-bit where that saves a part"},
    {CONFIG_QUEUE, "national_shift", KEY_BOOL, 0, 0, "yes", IN(queue.national_shift),
     .help = "GSM 7-bit with a language's tables where that saves parts; old phones may lack accents"},
    {CONFIG_QUEUE, "discover", KEY_BOOL, 0, 0, "yes", IN(queue.discover),
     .help = "take modems that no [modem] section names"},

    {CONFIG_ACCOUNT, "token_file", KEY_FILE, 0, PATH_MAX_BYTES, "", IN_ACCOUNT(token_file),
     .help = "the auth token, on one line; the SID is NAME"},
    {CONFIG_ACCOUNT, "token", KEY_TEXT, 0, CONFIG_TOKEN_MAX - 1, "", IN_ACCOUNT(token),
     .help = "the token itself, for tests, instead of token_file"},
    {CONFIG_ACCOUNT, "webhook_secret", KEY_TEXT, 0, CONFIG_TOKEN_MAX - 1, "", IN_ACCOUNT(webhook_secret),
     .help = "whsec_… that signs this account's callbacks; empty: made on first start"},
    {CONFIG_ACCOUNT, "cost", KEY_DECIMAL, 0, 1000000, "0", IN_ACCOUNT(cost),
     .help = "a part's price, shown in the status"},
    {CONFIG_ACCOUNT, "credits", KEY_DECIMAL, 0, 1000000000, "0", IN_ACCOUNT(credits),
     .help = "what GET /you/credits/ answers"},
    {CONFIG_ACCOUNT, "admin", KEY_BOOL, 0, 0, "no", IN_ACCOUNT(admin),
     .help = "sees modems, inbox and callbacks; a single account always does"},

    {CONFIG_MODEM, "port", KEY_TEXT, 0, MODEM_PATH_MAX - 1, "", IN_MODEM(modem.port),
     .help = "a device (/dev/smsbridge/NAME), a pty, tcp:host:port"},
    {CONFIG_MODEM, "imei", KEY_DIGITS, 14, 16, "", IN_MODEM(imei),
     .help = "or: whichever port has this modem"},
    {CONFIG_MODEM, "baud", KEY_BAUD, 300, 4000000, "115200", IN_MODEM(modem.baud),
     .help = "of a serial port"},
    {CONFIG_MODEM, "pin", KEY_DIGITS, 4, 8, "", IN_MODEM(modem.pin),
     .help = "tried once with a card; with iccid: sent to that card only"},
    {CONFIG_MODEM, "iccid", KEY_DIGITS, 18, 22, "", IN_MODEM(modem.iccid),
     .help = "the card that pin belongs to"},
    {CONFIG_MODEM, "smsc", KEY_PHONE, 3, 20, "", IN_MODEM(modem.smsc),
     .help = "the service centre; empty: what the SIM says"},
    {CONFIG_MODEM, "senders", KEY_LIST, 0, 0, "", IN_MODEM(senders),
     .help = "`sender` values that prefer this modem"},
    {CONFIG_MODEM, "prefixes", KEY_LIST, 0, 0, "", IN_MODEM(prefixes),
     .help = "recipients that prefer this modem, e.g. +81, +44"},
    {CONFIG_MODEM, "per_minute", KEY_INT, 0, 60000, "0", IN_MODEM(per_minute),
     .help = "SMS at most; 0: unlimited"},
    {CONFIG_MODEM, "per_day", KEY_INT, 0, 10000000, "0", IN_MODEM(per_day),
     .help = "SMS at most; 0: unlimited"},
    {CONFIG_MODEM, "roaming", KEY_BOOL, 0, 0, "no", IN_MODEM(modem.roaming),
     .help = "send while roaming"},
    {CONFIG_MODEM, "init", KEY_TEXT, 0, MODEM_INIT_MAX - 1, "", IN_MODEM(modem.init),
     .help = "extra AT commands, separated by |"},
    {CONFIG_MODEM, "power_command", KEY_TEXT, 0, MODEM_COMMAND_MAX - 1, "", IN_MODEM(modem.power_command),
     .help = "last rung of recovery: program and arguments, no shell"},
};
/* clang-format on */
const size_t config_key_count = sizeof(config_keys) / sizeof(config_keys[0]);

static const char *const kinds[CONFIG_KIND_COUNT] = {
    [CONFIG_DAEMON] = "daemon",       [CONFIG_API] = "api",     [CONFIG_LINKS] = "links",
    [CONFIG_CALLBACKS] = "callbacks", [CONFIG_INBOX] = "inbox", [CONFIG_QUEUE] = "queue",
    [CONFIG_ACCOUNT] = "account",     [CONFIG_MODEM] = "modem",
};

const char *config_kind_str(enum config_kind kind)
{
    return kinds[kind];
}

bool config_kind_named(enum config_kind kind)
{
    return kind >= CONFIG_ACCOUNT;
}

enum err config_kind_parse(const char *word, enum config_kind *kind)
{
    for (unsigned i = 0; i < CONFIG_KIND_COUNT; i++) {
        if (strcmp(word, kinds[i]) != 0)
            continue;
        *kind = (enum config_kind)i;
        return OK;
    }
    return ERR_NOT_FOUND;
}

const struct config_key *config_key_find(enum config_kind kind, const char *key)
{
    for (size_t i = 0; i < config_key_count; i++) {
        if (config_keys[i].kind == kind && strcmp(config_keys[i].key, key) == 0)
            return &config_keys[i];
    }
    return NULL;
}

/* ---- what was meant ---- */
#define WORD_MAX 32

static unsigned least(unsigned a, unsigned b, unsigned c)
{
    unsigned ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Levenshtein's distance; words longer than any of ours are far away from all of them. */
static unsigned distance(const char *a, const char *b)
{
    unsigned row[WORD_MAX + 1];
    size_t n = strlen(b);
    if (strlen(a) > WORD_MAX || n > WORD_MAX)
        return WORD_MAX;
    for (unsigned j = 0; j <= n; j++)
        row[j] = j;
    for (unsigned i = 1; a[i - 1]; i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= n; j++) {
            unsigned up = row[j];
            row[j] = least(up + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = up;
        }
    }
    return row[n];
}

/* Near enough to be a slip of the finger. */
static bool is_slip(const char *word, unsigned d)
{
    return d <= 3 && d < strlen(word);
}

static const struct config_key *nearest(enum config_kind kind, const char *word)
{
    const struct config_key *best = NULL;
    unsigned best_distance = WORD_MAX;
    for (size_t i = 0; i < config_key_count; i++) {
        unsigned d = distance(word, config_keys[i].key);
        if (config_keys[i].kind != kind || d >= best_distance || !is_slip(word, d))
            continue;
        best = &config_keys[i];
        best_distance = d;
    }
    return best;
}

static void list_keys(enum config_kind kind, char *out, size_t size)
{
    size_t at = (size_t)snprintf(out, size, "its keys are");
    for (size_t i = 0; i < config_key_count && at < size; i++) {
        if (config_keys[i].kind == kind)
            at += (size_t)snprintf(out + at, size - at, " %s", config_keys[i].key);
    }
}

void config_key_hint(enum config_kind kind, const char *key, char *out, size_t size)
{
    const struct config_key *near = nearest(kind, key);
    if (near) {
        (void)snprintf(out, size, "did you mean %s?", near->key);
        return;
    }
    for (unsigned k = 0; k < CONFIG_KIND_COUNT; k++) {
        if (!config_key_find((enum config_kind)k, key))
            continue;
        (void)snprintf(out, size, "that key belongs into [%s%s]", kinds[k],
                       config_kind_named((enum config_kind)k) ? " NAME" : "");
        return;
    }
    list_keys(kind, out, size);
}

void config_kind_hint(const char *word, char *out, size_t size)
{
    for (unsigned k = 0; k < CONFIG_KIND_COUNT; k++) {
        if (!is_slip(word, distance(word, kinds[k])))
            continue;
        (void)snprintf(out, size, "did you mean [%s%s]?", kinds[k],
                       config_kind_named((enum config_kind)k) ? " NAME" : "");
        return;
    }
    (void)snprintf(out, size,
                   "there are [daemon] [api] [links] [callbacks] [inbox] [queue] "
                   "[account NAME] [modem NAME]");
}
