/* api_body.c - a request's body into named values.
 * Refuses to know which value is right.
 * Promises: see api_body.h; JSON is looked over for its depth before a parser recurses into it. */
#include "api_body.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "http.h"
#include "text.h"

#define DEPTH_MAX 8     /* the deepest that a field of ours needs is 2 */
#define LIST_MAX  20000 /* items of a list; what is too many for a field is for the field to say */

static const char *const names[API_FIELDS] = {
    [API_TRACK_LINK] = "track_link",
    [API_MESSAGE] = "message",
    [API_RECIPIENT] = "recipient",
    [API_SENDER] = "sender",
    [API_CALLBACKURL] = "callbackurl",
    [API_LT_CALLBACKURL] = "lt_callbackurl",
    [API_TAGS] = "tags",
    [API_VALIDITY] = "validity",
    [API_ON_UNCERTAIN] = "on_uncertain",
    [API_SEND_AT] = "send_at",
    [API_PRIORITY] = "priority",
    [API_FLASH] = "flash",
    [API_MODEM] = "modem",
    [API_CODE] = "code",
    [API_TIMEOUT] = "timeout",
};

const char *api_field_name(enum api_field f)
{
    return names[f];
}

struct parse {
    struct api_arena *arena;
    struct api_body *out;
};

/* API_FIELDS: none of ours, ignored. */
static enum api_field find_field(const char *name)
{
    for (int f = 0; f < API_FIELDS; f++) {
        if (strcmp(names[f], name) == 0)
            return (enum api_field)f;
    }
    /* the seed's typo; and how PHP sends a list */
    if (strcmp(name, "lt_callbackur") == 0)
        return API_LT_CALLBACKURL;
    return strcmp(name, "tags[]") == 0 ? API_TAGS : API_FIELDS;
}

static enum err add_item(struct parse *p, struct api_value *list, const struct api_value *item)
{
    if (list->count == LIST_MAX)
        return ERR_FULL;
    if (list->count == list->room) {
        size_t room = list->room ? list->room * 2 : 4;
        struct api_value *items = api_arena_take(p->arena, room * sizeof *items);
        if (!items)
            return ERR_NO_MEMORY;
        if (list->count)
            memcpy(items, list->items, list->count * sizeof *items);
        list->items = items;
        list->room = room;
    }
    list->items[list->count++] = *item;
    return OK;
}

/* ---- forms ---- */

/* Tags may come several times, as a list; other fields once. */
static enum err add_again(struct parse *p, struct api_value *value, bool tags,
                          const struct api_value *more)
{
    if (!tags || more->kind != API_TEXT || (value->kind != API_TEXT && value->kind != API_LIST)) {
        value->kind = API_TWICE;
        return OK;
    }
    if (value->kind == API_TEXT) {
        struct api_value first = *value;
        *value = (struct api_value){.kind = API_LIST};
        enum err e = add_item(p, value, &first);
        if (e)
            return e;
    }
    return add_item(p, value, more);
}

static enum err form_field(void *ctx, const char *name, const char *text, size_t n, bool file)
{
    struct parse *p = ctx;
    enum api_field f = find_field(name);
    if (f == API_FIELDS)
        return OK;
    struct api_value more = {.kind = file ? API_FILE : API_TEXT, .n = n};
    more.text = api_arena_copy(p->arena, text, n);
    if (!more.text)
        return ERR_NO_MEMORY;
    struct api_value *value = &p->out->field[f];
    if (value->kind != API_ABSENT)
        return add_again(p, value, f == API_TAGS, &more);
    *value = more;
    return OK;
}

/* ---- JSON ---- */

/* Brackets outside strings: a parser that recurses is spared a hostile depth. */
bool api_json_too_deep(const char *s, size_t n)
{
    unsigned depth = 0;
    bool inside = false;
    for (size_t i = 0; i < n; i++) {
        if (inside && s[i] == '\\')
            i++;
        else if (s[i] == '"')
            inside = !inside;
        else if (!inside && (s[i] == '[' || s[i] == '{') && ++depth > DEPTH_MAX)
            return true;
        else if (!inside && (s[i] == ']' || s[i] == '}') && depth > 0)
            depth--;
    }
    return false;
}

static enum err json_text(struct parse *p, const char *s, size_t n, struct api_value *out)
{
    out->kind = API_TEXT;
    out->text = api_arena_copy(p->arena, s, n);
    out->n = n;
    return out->text ? OK : ERR_NO_MEMORY;
}

/* A number reads as its digits: some clients send recipients and senders so. */
static enum err json_number_text(struct parse *p, const json_t *json, struct api_value *out)
{
    char text[64];
    int n = json_is_integer(json)
                ? snprintf(text, sizeof text, "%" JSON_INTEGER_FORMAT, json_integer_value(json))
                : snprintf(text, sizeof text, "%.15g", json_real_value(json));
    return json_text(p, text, (size_t)n, out);
}

static enum err json_value(struct parse *p, json_t *json, bool in_list, struct api_value *out)
{
    static const struct api_value truth = {.kind = API_BOOL, .text = "true", .n = 4},
                                  falsehood = {.kind = API_BOOL, .text = "false", .n = 5};
    size_t i;
    json_t *item;
    enum err e = OK;
    *out = (struct api_value){.kind = API_OTHER};
    if (json_is_string(json))
        return json_text(p, json_string_value(json), json_string_length(json), out);
    if (json_is_number(json))
        return json_number_text(p, json, out);
    if (json_is_null(json))
        out->kind = API_NULL;
    if (json_is_boolean(json))
        *out = json_is_true(json) ? truth : falsehood;
    if (!json_is_array(json) || in_list)
        return OK;
    out->kind = API_LIST;
    json_array_foreach(json, i, item)
    {
        struct api_value value;
        e = e ? e : json_value(p, item, true, &value);
        e = e ? e : add_item(p, out, &value);
    }
    return e;
}

static enum err json_fields(struct parse *p, json_t *object)
{
    const char *name;
    json_t *json;
    json_object_foreach(object, name, json)
    {
        enum api_field f = find_field(name);
        struct api_value value;
        if (f == API_FIELDS)
            continue;
        enum err e = json_value(p, json, false, &value);
        if (e)
            return e;
        if (p->out->field[f].kind == API_ABSENT)
            p->out->field[f] = value;
        else
            p->out->field[f].kind = API_TWICE; /* lt_callbackurl and its alias */
    }
    return OK;
}

/* jansson's words, which may quote half a character of the body. */
static enum err json_refused(const json_error_t *error, char why[API_BODY_WHY_MAX])
{
    bool clean = text_utf8_check(error->text, strlen(error->text)) == OK;
    snprintf(why, API_BODY_WHY_MAX, "JSON parse error - %.200s: line %d column %d",
             clean ? error->text : "not JSON", error->line, error->column);
    return ERR_SYNTAX;
}

static enum err parse_json(struct parse *p, const char *body, size_t n, char why[API_BODY_WHY_MAX])
{
    json_error_t error;
    if (api_json_too_deep(body, n)) {
        snprintf(why, API_BODY_WHY_MAX, "JSON parse error - nested too deeply");
        return ERR_SYNTAX;
    }
    json_t *json =
        json_loadb(body, n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    if (!json)
        return json_refused(&error, why);
    enum err e = OK;
    if (json_is_object(json)) {
        e = json_fields(p, json);
    } else {
        snprintf(why, API_BODY_WHY_MAX, "Invalid data. Expected an object.");
        e = ERR_SYNTAX;
    }
    json_decref(json);
    return e;
}

/* ---- by type ---- */

static bool is_type(const char *content_type, const char *type)
{
    size_t n = strlen(type);
    return text_starts_nocase(content_type, type) && strchr("; \t", content_type[n]);
}

static enum err parse_multipart(struct parse *p, const char *content_type, const char *body,
                                size_t n, char why[API_BODY_WHY_MAX])
{
    enum err e = http_form_multipart(content_type, body, n, form_field, p);
    if (e == ERR_SYNTAX)
        snprintf(why, API_BODY_WHY_MAX, "Multipart form parse error");
    return e;
}

enum err api_body_parse(struct api_arena *arena, const char *content_type, const char *body,
                        size_t n, struct api_body *out, char why[API_BODY_WHY_MAX])
{
    struct parse p = {arena, out};
    enum err e;
    *out = (struct api_body){0};
    why[0] = '\0';
    if ((!content_type && n == 0) || (content_type && !*content_type && n == 0))
        e = OK;
    else if (content_type && is_type(content_type, "application/x-www-form-urlencoded"))
        e = http_form_urlencoded(body, n, form_field, &p);
    else if (content_type && is_type(content_type, "multipart/form-data"))
        e = parse_multipart(&p, content_type, body, n, why);
    else if (content_type && is_type(content_type, "application/json"))
        e = parse_json(&p, body, n, why);
    else
        e = ERR_UNSUPPORTED;
    if (e == ERR_FULL) {
        snprintf(why, API_BODY_WHY_MAX, "Too many values in a list.");
        e = ERR_SYNTAX;
    }
    return e;
}
