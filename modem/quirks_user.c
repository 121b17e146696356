/* quirks_user.c - rows for families of the user's own, key by key.
 * Knows no file: somebody reads one and hands the keys over before any modem starts.
 * Promises: a row that was accepted can neither reset a modem nor cost an attempt of a PIN; fixed room. */
#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "modem.h"
#include "quirks.h"
#include "text.h"

#define COMMAND_MAX  96
#define FAULTS_MAX   16
#define VENDOR_CODES 512 /* 27.005 3.2.5 leaves these to the manufacturer */
#define PROMPT_MAX   60000
#define ARGUMENT_MAX 15

struct user_row {
    struct quirks q;
    char name[40], transcript[128], manufacturer[48], model[48];
    char init[QUIRKS_INIT_MAX][COMMAND_MAX], pin_query[COMMAND_MAX], iccid_query[COMMAND_MAX];
    char pin_prefix[24], pin_key[24];
    struct fault_row faults[FAULTS_MAX + 1];
    char texts[FAULTS_MAX][80];
    unsigned fault_count;
};

static struct user_row rows[MODEM_QUIRKS_MAX];
static unsigned row_count; /* finished ones */

#define SAY(...) (void)snprintf(why, size, __VA_ARGS__)

/* ---- commands that no row may have ---- */

/* The rest of an extended command, from its sign to the next ";". */
static enum err check_extended(const char *command, char *why, size_t size)
{
    static const struct {
        const char *start, *reason;
    } bad[] = {
        {"+CFUN=1,", "+CFUN=1,1 is the recovery's last step and no init command: it makes some "
                     "sticks disks again"},
        {"+CPIN=", "the PIN is sent by the PIN guard only: `pin` of the [modem] section"},
        {"+CLCK=", "it asks for the PIN and may cost an attempt"},
        {"+CPWD=", "it asks for the PIN and may cost an attempt"},
        {"+CRESET", "it would restart the modem at every start"},
        {"^RESET", "it would restart the modem at every start"},
        {"!RESET", "it would restart the modem at every start"},
        {"#REBOOT", "it would restart the modem at every start"},
        {"+CMGS", "it would send an SMS at every start"},
        {"+CMGD", "it would delete messages before they were read"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (strncmp(command, bad[i].start, strlen(bad[i].start)) == 0) {
            SAY("%s", bad[i].reason);
            return ERR_DENIED;
        }
    }
    return OK;
}

/* V.250 5.2: basic commands stand one behind the other, extended ones end with ";". */
static enum err check_all(const char *s, char *why, size_t size)
{
    enum err e = OK;
    while (*s && e == OK) {
        if (*s == 'Z' || strncmp(s, "&F", 2) == 0) {
            SAY("ATZ and AT&F lose the modem's settings; some hang at once");
            return ERR_DENIED;
        }
        if (strchr("+^*#$%!_", *s)) {
            e = check_extended(s, why, size);
            s += strcspn(s, ";");
        } else if (*s == '&' && s[1]) {
            s++;
        }
        if (*s)
            s++;
    }
    return e;
}

/* In capitals and without blanks, as the modem reads it. */
enum err modem_command_check(const char *command, char *why, size_t size)
{
    char plain[MODEM_INIT_MAX];
    size_t n = 0;
    if (!text_starts_nocase(command, "AT") || strlen(command) >= sizeof plain) {
        SAY("a command begins with AT");
        return ERR_SYNTAX;
    }
    for (const char *s = command + 2; *s; s++) {
        if (*s < ' ' || *s > '~') {
            SAY("only printable ASCII may stand in a command");
            return ERR_SYNTAX;
        }
        if (*s != ' ')
            plain[n++] = (char)toupper((unsigned char)*s);
    }
    plain[n] = '\0';
    return check_all(plain, why, size);
}

/* ---- kinds of values ---- */

typedef enum err setter(struct user_row *row, const char *value, char *why, size_t size);

static enum err put_text(char *out, size_t max, const char *value, char *why, size_t size)
{
    if (!*value || strlen(value) >= max) {
        SAY("it should be: 1 to %zu characters", max - 1);
        return ERR_RANGE;
    }
    return text_copy(out, max, value);
}

static enum err put_command(char *out, const char *value, char *why, size_t size)
{
    enum err e = modem_command_check(value, why, size);
    return e ? e : put_text(out, COMMAND_MAX, value, why, size);
}

static enum err put_bool(bool *out, const char *value, char *why, size_t size)
{
    *out = text_equal_nocase(value, "yes");
    if (*out || text_equal_nocase(value, "no"))
        return OK;
    SAY("it should be: yes or no");
    return ERR_SYNTAX;
}

static enum err put_int(int *out, int max, const char *value, char *why, size_t size)
{
    int64_t n;
    if (text_int(value, 0, max, &n) != OK) {
        SAY("it should be: a number from 0 to %d", max);
        return ERR_RANGE;
    }
    *out = (int)n;
    return OK;
}

/* The piece up to `mark`, without blanks around it; *at moves behind the mark. */
static void piece(const char **at, char mark, char *out, size_t max)
{
    const char *s = *at + strspn(*at, " \t");
    const char *end = strchr(s, mark);
    size_t n = end ? (size_t)(end - s) : strlen(s);
    *at = end ? end + 1 : s + n;
    while (n && (s[n - 1] == ' ' || s[n - 1] == '\t'))
        n--;
    if (n >= max)
        n = max - 1;
    memcpy(out, s, n);
    out[n] = '\0';
}

/* ---- keys ---- */

#define TEXT_KEY(key, target)                                                                      \
    static enum err set_##key(struct user_row *row, const char *value, char *why, size_t size)     \
    {                                                                                              \
        row->q.target = row->key;                                                                  \
        return put_text(row->key, sizeof row->key, value, why, size);                              \
    }
#define BOOL_KEY(key)                                                                              \
    static enum err set_##key(struct user_row *row, const char *value, char *why, size_t size)     \
    {                                                                                              \
        return put_bool(&row->q.key, value, why, size);                                            \
    }
#define COMMAND_KEY(key, target)                                                                   \
    static enum err set_##key(struct user_row *row, const char *value, char *why, size_t size)     \
    {                                                                                              \
        row->q.target = row->key;                                                                  \
        return put_command(row->key, value, why, size);                                            \
    }

TEXT_KEY(transcript, transcript)
TEXT_KEY(manufacturer, manufacturer)
TEXT_KEY(model, model)
TEXT_KEY(pin_prefix, pin.prefix)
TEXT_KEY(pin_key, pin.key)
COMMAND_KEY(pin_query, pin.query)
COMMAND_KEY(iccid_query, iccid_query)
BOOL_KEY(no_direct)
BOOL_KEY(cnmi_mode_1)
BOOL_KEY(ussd_packed)

static enum err set_pin_argument(struct user_row *row, const char *value, char *why, size_t size)
{
    return put_int(&row->q.pin.argument, ARGUMENT_MAX, value, why, size);
}

static enum err set_prompt_ms(struct user_row *row, const char *value, char *why, size_t size)
{
    return put_int(&row->q.prompt_ms, PROMPT_MAX, value, why, size);
}

/* AT^CURC=0 | AT^USSDMODE=0 */
static enum err set_init(struct user_row *row, const char *value, char *why, size_t size)
{
    char command[MODEM_INIT_MAX];
    enum err e = OK;
    for (int i = 0; *value && e == OK; i++) {
        if (i == QUIRKS_INIT_MAX) {
            SAY("it should be: %d commands at most, separated by |", QUIRKS_INIT_MAX);
            return ERR_FULL;
        }
        piece(&value, '|', command, sizeof command);
        row->q.init[i] = row->init[i];
        e = put_command(row->init[i], command, why, size);
    }
    return e;
}

static const struct {
    const char *word;
    enum fault_class class;
} classes[] = {{"refused", FAULT_REFUSED},
               {"busy", FAULT_BUSY},
               {"modem", FAULT_MODEM},
               {"uncertain", FAULT_UNCERTAIN}};

static const struct {
    const char *word;
    enum fault_action action;
} actions[] = {
    {"go_on", FAULT_GO_ON},     {"wait", FAULT_WAIT},   {"network", FAULT_NETWORK},
    {"sim", FAULT_SIM},         {"card", FAULT_CARD},   {"smsc", FAULT_SMSC},
    {"restore", FAULT_RESTORE}, {"sweep", FAULT_SWEEP}, {"no_vp", FAULT_NO_VP},
    {"suspect", FAULT_SUSPECT},
};

static enum err fault_codes(const char *text, struct fault_row *row)
{
    int64_t first, last;
    char low[16];
    bool cms = text_starts_nocase(text, "CMS ");
    if (!cms && !text_starts_nocase(text, "CME "))
        return ERR_SYNTAX;
    text += 4;
    piece(&text, '-', low, sizeof low);
    if (text_int(low, VENDOR_CODES, 65535, &first) != OK)
        return ERR_RANGE;
    last = first;
    if (*text && text_int(text, first, 65535, &last) != OK)
        return ERR_RANGE;
    row->kind = cms ? FAULT_CMS : FAULT_CME;
    row->first = (int)first;
    row->last = (int)last;
    return OK;
}

static enum err fault_words(const char *class, const char *action, const char *sure,
                            struct fault_row *row)
{
    bool class_known = false, action_known = false;
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        if (text_equal_nocase(class, classes[i].word)) {
            row->class = classes[i].class;
            class_known = true;
        }
    }
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
        if (text_equal_nocase(action, actions[i].word)) {
            row->action = actions[i].action;
            action_known = true;
        }
    }
    row->sure = text_equal_nocase(sure, "certain");
    bool sure_known = row->sure || text_equal_nocase(sure, "doubtful");
    return class_known && action_known && sure_known ? OK : ERR_SYNTAX;
}

/* error = CMS 513-514, busy, network, certain, the radio link failed */
static enum err set_error(struct user_row *row, const char *value, char *why, size_t size)
{
    char codes[32], class[16], action[16], sure[16];
    struct fault_row fault = {0};
    if (row->fault_count == FAULTS_MAX) {
        SAY("more than %d errors in one row", FAULTS_MAX);
        return ERR_FULL;
    }
    char *text = row->texts[row->fault_count];
    piece(&value, ',', codes, sizeof codes);
    piece(&value, ',', class, sizeof class);
    piece(&value, ',', action, sizeof action);
    piece(&value, ',', sure, sizeof sure);
    piece(&value, '\n', text, sizeof row->texts[0]);
    if (fault_codes(codes, &fault) != OK) {
        SAY("it should begin with: CMS or CME, and a code from %d to 65535 or a range, as CMS "
            "513-514",
            VENDOR_CODES);
        return ERR_RANGE;
    }
    if (fault_words(class, action, sure, &fault) != OK || !*text) {
        SAY("it should be: CODES, refused|busy|modem|uncertain, "
            "go_on|wait|network|sim|card|smsc|restore|sweep|no_vp|suspect, certain|doubtful, "
            "words for people");
        return ERR_SYNTAX;
    }
    fault.text = text;
    row->faults[row->fault_count++] = fault;
    row->q.faults = row->faults;
    return OK;
}

static const struct {
    const char *key;
    setter *set;
    bool many;
} keys[] = {
    {"manufacturer", set_manufacturer, false}, {"model", set_model, false},
    {"transcript", set_transcript, false},     {"init", set_init, false},
    {"pin_query", set_pin_query, false},       {"pin_prefix", set_pin_prefix, false},
    {"pin_key", set_pin_key, false},           {"pin_argument", set_pin_argument, false},
    {"iccid_query", set_iccid_query, false},   {"no_direct", set_no_direct, false},
    {"cnmi_mode_1", set_cnmi_mode_1, false},   {"ussd_packed", set_ussd_packed, false},
    {"prompt_ms", set_prompt_ms, false},       {"error", set_error, true},
};
#define KEYS (sizeof keys / sizeof *keys)

static unsigned keys_set; /* of the row that is being filled, a bit each */
static bool filling;

static void say_keys(char *why, size_t size)
{
    size_t n = (size_t)snprintf(why, size, "there are:");
    for (size_t i = 0; i < KEYS && n < size; i++)
        n += (size_t)snprintf(why + n, size - n, " %s", keys[i].key);
}

/* ---- rows ---- */

enum err modem_quirk_begin(const char *name, char *why, size_t size)
{
    filling = false;
    if (row_count == MODEM_QUIRKS_MAX) {
        SAY("more than %d rows", MODEM_QUIRKS_MAX);
        return ERR_FULL;
    }
    for (unsigned i = 0; i < row_count; i++) {
        if (strcmp(rows[i].name, name) == 0) {
            SAY("there is another row of this name");
            return ERR_CONFLICT;
        }
    }
    struct user_row *row = &rows[row_count];
    memset(row, 0, sizeof *row);
    keys_set = 0;
    filling = true;
    row->q.name = row->name;
    return put_text(row->name, sizeof row->name, name, why, size);
}

enum err modem_quirk_set(const char *key, const char *value, char *why, size_t size)
{
    if (!filling) {
        SAY("it stands outside of a row");
        return ERR_CONFLICT;
    }
    for (size_t i = 0; i < KEYS; i++) {
        if (strcmp(keys[i].key, key) != 0)
            continue;
        if (!keys[i].many && keys_set & 1U << i) {
            SAY("it stands twice in one row");
            return ERR_CONFLICT;
        }
        keys_set |= 1U << i;
        return keys[i].set(&rows[row_count], value, why, size);
    }
    say_keys(why, size);
    return ERR_NOT_FOUND;
}

enum err modem_quirk_end(char *why, size_t size)
{
    const struct quirks *q = &rows[row_count].q;
    if (!filling || !q->manufacturer) {
        SAY("the row needs manufacturer: how the modem's answer to AT+CGMI begins");
        return ERR_SYNTAX;
    }
    if (!q->pin.query != !q->pin.prefix) {
        SAY("pin_query and pin_prefix belong together");
        return ERR_CONFLICT;
    }
    filling = false;
    row_count++;
    return OK;
}

void modem_quirks_forget(void)
{
    row_count = 0;
    filling = false;
}

const struct quirks *quirks_user_find(const char *manufacturer, const char *model)
{
    for (unsigned i = 0; i < row_count; i++)
        if (quirks_fits(&rows[i].q, manufacturer, model))
            return &rows[i].q;
    return NULL;
}
