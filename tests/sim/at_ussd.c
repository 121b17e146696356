/* USSD: a balance that knows what was spent, and a menu of two steps (27.007 7.15).
   Refuses to know SMS.
   Promises that the menu's state lives in the session and ends with it. */
#include "at.h"
#include "event.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ussd_page {
    const char *menu; /* where one has to be; "" outside any session */
    const char *keys;
    const char *text; /* %B is the balance */
    const char *next; /* menu afterwards, or NULL: the session ends */
};

static const struct ussd_page pages[] = {
    {"", "*100#", "Balance: %B GBP", NULL},
    {"", "*101#", "残高は %B ポンドです", NULL},
    {"", "*123#", "1 Balance\n2 Number\n0 End", "top"},
    {"top", "1", "Balance: %B GBP\n0 End", "leaf"},
    {"top", "2", "Your number: %N\n0 End", "leaf"},
    {"top", "0", "Bye", NULL},
    {"leaf", "0", "Bye", NULL},
    {"push", "1", "Thank you", NULL},
};

static const struct ussd_page *page_for(const char *menu, const char *keys)
{
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++)
        if (!strcmp(pages[i].menu, menu) && !strcmp(pages[i].keys, keys))
            return &pages[i];
    return NULL;
}

static void fill(const struct modem *m, const char *text, struct str *out)
{
    long b = m->card->balance_cents;
    for (; *text; text++) {
        if (text[0] == '%' && text[1] == 'B')
            str_fmt(out, "%ld.%02ld", b / 100, labs(b % 100));
        else if (text[0] == '%' && text[1] == 'N')
            str_puts(out, m->card->number);
        else {
            str_add(out, text, 1);
            continue;
        }
        text++;
    }
}

static bool all_7bit(const char *utf8)
{
    uint8_t septet[2];
    unsigned n;
    for (uint32_t c; (c = utf8_next(&utf8));)
        if (!gsm_is_7bit(c, septet, &n))
            return false;
    return true;
}

static void answer(void *arg)
{
    struct modem *m = arg;
    if (m->at.cusd)
        line_urc(m, "%s", m->ussd_answer);
}

/* 23.038 6.1.2.3: seven spare bits at the end are filled with a CR. */
static void pack(const char *utf8, struct str *hex)
{
    struct gsm_units u;
    uint8_t septet[GSM_UD_MAX * 8 / 7 + 2] = {0}, packed[GSM_UD_MAX];
    unsigned udl = 0;
    if (!gsm_units(&u, utf8, GSM_7BIT))
        return;
    size_t n = u.n < 159 ? u.n : 159;
    memcpy(septet, u.unit, n);
    if (n % 8 == 7)
        septet[n++] = '\r';
    unsigned octets = gsm_pack(NULL, 0, septet, n, GSM_7BIT, packed, &udl);
    str_hex(hex, packed, octets);
    gsm_units_free(&u);
}

static void unpack(const char *hex, struct str *utf8)
{
    struct gsm_sms sms = {0};
    int n = hex_octets(hex, strlen(hex), sms.ud, sizeof sms.ud);
    str_puts(utf8, "");
    if (n <= 0)
        return;
    sms.ud_n = (unsigned)n;
    sms.udl = (unsigned)n * 8 / 7;
    gsm_text(&sms, utf8);
    if (n % 7 == 0 && utf8->n && strchr("@\r", utf8->p[utf8->n - 1]))
        utf8->p[--utf8->n] = '\0';
}

static void prepare_text(struct modem *m, const char *utf8, int status)
{
    struct str coded = {0};
    bool plain = all_7bit(utf8);
    if (plain && m->profile->ussd_packed) {
        pack(utf8, &coded);
    } else if (plain) {
        at_string(m, utf8, &coded);
    } else { /* 27.007: UCS-2 comes as hexadecimal */
        struct gsm_units u;
        gsm_units(&u, utf8, GSM_UCS2);
        str_hex(&coded, u.unit, u.n);
        gsm_units_free(&u);
    }
    snprintf(m->ussd_answer, sizeof m->ussd_answer, "+CUSD: %d,\"%s\",%d", status,
             coded.p ? coded.p : "", plain ? 15 : 72);
    str_free(&coded);
}

static void prepare(struct modem *m, const struct ussd_page *page)
{
    struct str text = {0};
    fill(m, page->text, &text);
    prepare_text(m, text.p, page->next ? 1 : 0);
    str_free(&text);
}

void ussd_push(struct modem *m, const char *utf8, bool asks)
{
    m->at.menu = asks ? "push" : NULL;
    prepare_text(m, utf8, asks ? 1 : 0);
    answer(m);
}

static int request(struct modem *m, const char *coded)
{
    struct str keys = {0};
    if (m->profile->ussd_packed)
        unpack(coded, &keys);
    else
        at_unstring(m, coded, &keys);
    event_note(EV_USSD, m->index, "%s", keys.p);
    const struct ussd_page *page = page_for(m->at.menu ? m->at.menu : "", keys.p);
    m->at.menu = page ? page->next : NULL;
    if (page)
        prepare(m, page);
    else
        snprintf(m->ussd_answer, sizeof m->ussd_answer, "+CUSD: 4"); /* not supported */
    str_free(&keys);
    timer_set(&m->ussd, modem_options.ussd_delay_us, answer, m);
    return AT_OK;
}

static int cusd(struct at_call *c)
{
    int n = 0;
    struct modem *m = c->m;
    if (c->op == AT_TEST)
        line_info(m, "+CUSD: (0-2)");
    if (c->op == AT_READ)
        line_info(m, "+CUSD: %d", m->at.cusd);
    if (c->op != AT_SET)
        return AT_OK;
    if (!at_int(c, 0, 0, 0, 2, &n))
        return AT_CME(50);
    if (n == 2) {
        m->at.menu = NULL;
        timer_stop(&m->ussd);
        return AT_OK;
    }
    m->at.cusd = n;
    if (c->argc < 2)
        return AT_OK;
    if (m->profile->ussd_after_mode && !m->at.ussd_on)
        return AT_ERROR;
    return modem_sms_service(m) ? request(m, c->argv[1]) : AT_CME(30);
}

const struct at_row at_ussd[] = {
    {"+CUSD", cusd, false},
    {NULL, NULL, false},
};
