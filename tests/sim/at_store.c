/* Commands about stored messages, PDU mode: +CPMS +CMGL +CMGR +CMGD (27.005 3.2, 3.4, 3.5).
   Refuses to know what the PDUs say.
   Promises that reading marks as read and that deletion is logged. */
#include "at.h"
#include "event.h"

#include <stdio.h>
#include <string.h>

static bool memory_named(const struct modem *m, int which, const char *name, char *letter)
{
    const char *allowed = m->profile->memories[which];
    if (!allowed || strlen(name) != 2 || !strstr(allowed, name))
        return false;
    *letter = !strcmp(name, "ME") ? 'M' : !strcmp(name, "SR") ? 'R' : name[0];
    return true;
}

static void memories_quoted(const char *list, struct str *out)
{
    str_puts(out, "(");
    for (const char *p = list; *p; p += p[2] ? 3 : 2)
        str_fmt(out, "%s\"%.2s\"", p == list ? "" : ",", p);
    str_puts(out, ")");
}

static int cpms_test(struct at_call *c)
{
    struct str text = {0};
    const struct profile *p = c->m->profile;
    for (int i = 0; i < 3 && p->memories[i]; i++) {
        str_puts(&text, i ? "," : "");
        memories_quoted(p->memories[i], &text);
    }
    line_info(c->m, p->cpms_nested ? "+CPMS: (%s)" : "+CPMS: %s", text.p);
    str_free(&text);
    return AT_OK;
}

static int cpms(struct at_call *c)
{
    struct modem *m = c->m;
    struct str text = {0};
    char mem[3];
    if (c->op == AT_TEST)
        return cpms_test(c);
    memcpy(mem, m->at.mem, 3);
    if (c->argc > 3)
        return AT_CMS(302);
    if (c->op == AT_READ && m->profile->cpms_calms)
        m->at.calm = true;
    for (int i = 0; i < c->argc; i++)
        if (!memory_named(m, i, c->argv[i], &mem[i]))
            return AT_CMS(302);
    memcpy(m->at.mem, mem, 3);
    for (int i = 0; i < 3 && m->profile->memories[i]; i++) {
        struct store *s = modem_store(m, mem[i]);
        str_puts(&text, i ? "," : "");
        if (c->op == AT_READ)
            str_fmt(&text, "\"%s\",", s->name);
        str_fmt(&text, "%u,%u", s->used, s->size);
    }
    line_info(m, "+CPMS: %s", text.p);
    str_free(&text);
    if (c->op == AT_SET)
        net_unblock(m->card);
    return AT_OK;
}

static void show(struct modem *m, const char *command, int index, struct slot *s)
{
    char head[48], place[16] = "";
    if (index >= 0)
        snprintf(place, sizeof place, "%d,", index);
    snprintf(head, sizeof head, "%s: %s%d,,%d", command, place, s->stat, s->n - s->smsc_n);
    line_info_pdu(m, head, s->pdu, s->n);
}

static int cmgl(struct at_call *c)
{
    struct store *s = modem_store(c->m, c->m->at.mem[0]);
    int stat = 0;
    if (c->op == AT_TEST)
        line_info(c->m, "+CMGL: (0-4)");
    if (c->op == AT_TEST || c->op == AT_READ)
        return AT_OK;
    if (!at_int(c, 0, 0, 0, 4, &stat))
        return AT_CMS(302);
    if (c->m->at.text)
        return AT_CMS(305);
    for (unsigned i = 0; i < s->size; i++)
        if (s->slot[i].used && (stat == 4 || s->slot[i].stat == stat)) {
            show(c->m, "+CMGL", (int)i + c->m->profile->first_index, &s->slot[i]);
            if (!s->slot[i].stat)
                s->slot[i].stat = 1;
        }
    return AT_OK;
}

static struct slot *slot_at(struct at_call *c, struct store *s, unsigned *at)
{
    int index = 0, first = c->m->profile->first_index;
    if (!c->argc || !at_int(c, 0, -1, first, first + (int)s->size - 1, &index) || index < first)
        return NULL;
    *at = (unsigned)(index - first);
    return &s->slot[*at];
}

static int cmgr(struct at_call *c)
{
    unsigned at = 0;
    if (c->op != AT_SET)
        return AT_OK;
    if (c->m->at.text)
        return AT_CMS(305);
    struct slot *slot = slot_at(c, modem_store(c->m, c->m->at.mem[0]), &at);
    if (slot && !slot->used && c->m->profile->empty_slot_ok) {
        line_info(c->m, "+CMGR: 0,,0");
        return AT_OK;
    }
    if (!slot || !slot->used)
        return AT_CMS(321);
    show(c->m, "+CMGR", -1, slot);
    if (!slot->stat)
        slot->stat = 1;
    return AT_OK;
}

static void drop(struct modem *m, struct store *s, unsigned at)
{
    if (!s->slot[at].used)
        return;
    store_drop(s, at);
    m->at.full_told = false;
    event_note(EV_DELETE, m->index, "%s %u", s->name, at + m->profile->first_index);
}

/* 27.005 3.5.4: delflag 1 read; 2 read and sent; 3 read, sent and unsent; 4 all */
static void drop_by_flag(struct modem *m, struct store *s, int flag)
{
    static const uint8_t stats[5] = {0, 1 << 1, 1 << 1 | 1 << 3, 1 << 1 | 1 << 2 | 1 << 3, 15};
    for (unsigned i = 0; i < s->size; i++)
        if (stats[flag] >> s->slot[i].stat & 1)
            drop(m, s, i);
}

static int cmgd(struct at_call *c)
{
    struct store *s = modem_store(c->m, c->m->at.mem[0]);
    int flag = 0;
    unsigned at = 0;
    if (c->op == AT_TEST)
        line_info(c->m, "+CMGD: (%d-%d),(0-4)", c->m->profile->first_index,
                  c->m->profile->first_index + (int)s->size - 1);
    if (c->op != AT_SET)
        return AT_OK;
    if (!at_int(c, 1, 0, 0, 4, &flag))
        return AT_CMS(302);
    if (flag)
        drop_by_flag(c->m, s, flag);
    else if (slot_at(c, s, &at))
        drop(c->m, s, at);
    else
        return AT_CMS(321);
    net_unblock(c->m->card); /* RP-SMMA: there is space again */
    return AT_OK;
}

const struct at_row at_store[] = {
    {"+CPMS", cpms, false}, {"+CMGL", cmgl, false}, {"+CMGR", cmgr, false},
    {"+CMGD", cmgd, false}, {NULL, NULL, false},
};
