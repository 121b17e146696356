/* Messages shown as JSON: decoding happens here, when somebody looks, not when an SMS arrives.
   Refuses to know who asks.
   Promises what a phone would show that decodes part by part, and a remark where that is wrong. */
#include "handset.h"

#include <stdlib.h>

void part_text(const struct part *p, struct str *utf8)
{
    struct gsm_sms sms;
    if (!gsm_submit(p->tpdu, p->n, &sms))
        gsm_text(&sms, utf8);
}

static const struct part *part_numbered(const struct message *m, unsigned seq)
{
    const struct part *p = m->parts;
    while (p && p->seq != seq)
        p = p->next;
    return p;
}

void message_text(const struct message *m, struct str *utf8, const char **remark)
{
    str_puts(utf8, "");
    for (unsigned seq = 1; seq <= m->total; seq++) {
        const struct part *p = part_numbered(m, seq);
        struct gsm_sms sms;
        if (!p || gsm_submit(p->tpdu, p->n, &sms))
            continue;
        const char *wrong = gsm_text(&sms, utf8);
        if (wrong && remark)
            *remark = wrong;
    }
}

static void part_json(const struct part *p, struct str *out)
{
    static const char *const state[] = {"held", "arrived", "failed"};
    struct gsm_sms sms;
    struct str text = {0}, hex = {0};
    if (gsm_submit(p->tpdu, p->n, &sms))
        return;
    gsm_text(&sms, &text);
    str_hex(&hex, p->tpdu, p->n);
    str_puts(out, out->p[out->n - 1] == '[' ? "{" : ",{");
    str_int(out, "seq", p->seq);
    str_int(out, "modem", p->modem);
    str_int(out, "mr", p->mr);
    str_pair(out, "state", state[p->state]);
    str_int(out, "t_ms", p->wall_us / 1000);
    str_pair(out, "text", text.p);
    str_int(out, "udl", sms.udl);
    str_int(out, "pid", sms.pid);
    str_int(out, "dcs", sms.dcs);
    str_bool(out, "srr", sms.report_wanted);
    str_bool(out, "rd", sms.reject_duplicates);
    if (sms.vp_n == 1)
        str_int(out, "vp", sms.vp[0]);
    str_int(out, "duplicates", p->duplicates);
    str_pair(out, "tpdu", hex.p);
    str_puts(out, "}");
    str_free(&text);
    str_free(&hex);
}

void message_json(const struct message *m, struct str *out)
{
    struct str text = {0};
    const char *remark = NULL;
    message_text(m, &text, &remark);
    str_puts(out, "{");
    str_int(out, "index", m->index);
    str_pair(out, "number", m->of->number);
    str_pair(out, "text", text.p);
    str_bool(out, "complete", m->arrived == m->total);
    str_int(out, "total", m->total);
    str_int(out, "have", m->arrived);
    if (m->total > 1)
        str_int(out, "ref", m->ref);
    str_int(out, "modem", m->sender);
    if (m->parts) {
        str_pair(out, "alphabet",
                 gsm_alphabet_name(
                     gsm_alphabet_of(m->parts->tpdu[4 + (m->parts->tpdu[2] + 1) / 2 + 1])));
        str_int(out, "t_ms", m->parts->wall_us / 1000);
    }
    str_pair(out, "remark", remark);
    str_key(out, "parts");
    str_puts(out, "[");
    for (const struct part *p = m->parts; p; p = p->next)
        part_json(p, out);
    str_puts(out, "]}");
    str_free(&text);
}
