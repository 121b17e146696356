/* api_search.c - GET /sms/messages/: the filters, and the list.
 * Refuses to know SQL.  Promises: the date filter is understood in each of its spellings. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api_list.h"
#include "clock.h"
#include "phone.h"
#include "status.h"
#include "text.h"

#define DAYS_BACK  90
#define FILTER_MAX 256
#define DATE_KEY   "sent_date"

struct search {
    struct api_list list; /* the first: slice() and free() get this address */
    struct store_reader *reader;
    struct store_message_query query;
    char account[FILTER_MAX], recipient[FILTER_MAX], tag[FILTER_MAX];
};

static enum err search_row(void *ctx, const struct store_message *m)
{
    struct search *s = ctx;
    if (!api_list_row(&s->list, m->id))
        return OK;
    return status_message(m, s->list.out);
}

static enum err search_slice(struct api_list *l, size_t limit)
{
    struct search *s = (struct search *)l;
    s->query.before_id = l->before_id;
    s->query.limit = limit;
    return store_message_list(s->reader, &s->query, search_row, s);
}

static void search_free(struct api_list *l)
{
    free(l);
}

/* ---- sent_date ---- */

struct range {
    int64_t from_ms, before_ms, today_ms;
    bool invalid;
};

static void narrow(struct range *r, int64_t from_ms, int64_t before_ms)
{
    if (from_ms > r->from_ms)
        r->from_ms = from_ms;
    if (before_ms < r->before_ms)
        r->before_ms = before_ms;
}

/* What stands behind "sent_date": an operator, the date. */
static void add_condition(struct range *r, const char *s)
{
    int64_t day_ms, next_ms;
    size_t n = strspn(s, "=<>");
    if (n > 1 && *s == '=') /* sent_date=>=D: the operator is in the value */
        s++, n--;
    bool after = *s == '>', before = *s == '<', equal = s[n > 0 ? n - 1 : 0] == '=';
    if (n == 0 || clk_parse_date(s + n, &day_ms) || day_ms < r->today_ms - DAYS_BACK * CLK_DAY_MS) {
        r->invalid = true;
        return;
    }
    next_ms = day_ms + CLK_DAY_MS;
    if (after)
        narrow(r, equal ? day_ms : next_ms, INT64_MAX);
    else if (before)
        narrow(r, INT64_MIN, equal ? next_ms : day_ms);
    else
        narrow(r, day_ms, next_ms);
}

/* On the wire: sent_date=D, sent_date%3E=D, sent_date%3ED (a key without a value), and unencoded. */
static bool date_item(void *ctx, const char *key, const char *value)
{
    char text[96];
    struct range *r = ctx;
    int n = snprintf(text, sizeof text, "%s%s%s", key, value ? "=" : "", value ? value : "");
    if (!text_starts_nocase(key, DATE_KEY))
        return true;
    size_t len = n < (int)sizeof text ? http_unescape(text) : 0;
    if (len != strlen(text) || len < strlen(DATE_KEY))
        r->invalid = true;
    else if (strchr("=<>", text[strlen(DATE_KEY)]))
        add_condition(r, text + strlen(DATE_KEY)); /* or the end: no date */
    return true;
}

/* ---- the other filters ---- */

static bool state_filter(struct http_request *rq, struct store_message_query *q)
{
    char word[FILTER_MAX];
    enum err e = api_query_value(rq, "status", word, sizeof word);
    q->state = -1;
    if (e == ERR_NOT_FOUND)
        return true;
    for (int s = STORE_QUEUED; !e && s <= STORE_FAIL; s++) {
        if (text_equal_nocase(word, store_state_str((enum store_state)s)))
            q->state = s;
    }
    if (q->state < 0)
        api_invalid(rq, "status", "One of QUEUED, DELIVERING, DELIVERED and FAIL is wanted.");
    return q->state >= 0;
}

/* A + that was not escaped arrives as a space. */
static bool recipient_filter(struct http_request *rq, struct search *s)
{
    char text[FILTER_MAX];
    const char *why = "Not a phone number.";
    enum err e = api_query_value(rq, "recipient", text, sizeof text);
    if (e == ERR_NOT_FOUND)
        return true;
    if (!e && text[0] == ' ')
        text[0] = '+';
    if (e || phone_normalise(text, s->recipient, &why)) {
        api_invalid(rq, "recipient", why);
        return false;
    }
    s->query.recipient = s->recipient;
    return true;
}

static bool tag_filter(struct http_request *rq, struct search *s)
{
    enum err e = api_query_value(rq, "tag", s->tag, sizeof s->tag);
    if (e == ERR_NOT_FOUND)
        return true;
    if (e)
        api_invalid(rq, "tag", "Not valid UTF-8, or too long.");
    s->query.tag = s->tag;
    return e == OK;
}

static bool date_filter(struct http_request *rq, struct store_message_query *q)
{
    int64_t today_ms = clk_wall_ms() / CLK_DAY_MS * CLK_DAY_MS;
    struct range r = {today_ms - DAYS_BACK * CLK_DAY_MS, INT64_MAX, today_ms, false};
    http_query(rq, date_item, &r);
    q->accepted_from_ms = r.from_ms;
    q->accepted_before_ms = r.before_ms;
    if (r.invalid)
        api_invalid(rq, DATE_KEY, "Invalid sent_date");
    return !r.invalid;
}

void api_messages_list(struct api_call *call)
{
    struct search *s = calloc(1, sizeof *s);
    if (!s) {
        api_store_error(call->rq, ERR_NO_MEMORY);
        return;
    }
    s->list.slice = search_slice;
    s->list.free = search_free;
    s->reader = call->api->reader;
    s->query.account = call->account->name;
    if (date_filter(call->rq, &s->query) && state_filter(call->rq, &s->query) &&
        recipient_filter(call->rq, s) && tag_filter(call->rq, s) && api_list_page(call, &s->list))
        api_list_answer(call, &s->list);
    else
        free(s);
}
