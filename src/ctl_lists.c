/* ctl_lists.c - `smsbridge links` and `smsbridge callbacks`.
 * Knows the REST API only. */
#include <stdio.h>
#include <string.h>

#include "ctl.h"
#include "ctl_show.h"
#include "text.h"

int ctl_links(struct ctl *c, const struct options *o, char **args)
{
    char path[128];
    (void)args;
    snprintf(path, sizeof path, "/links/?limit=%.10s", o->limit);
    return ctl_get(c, o, path, show_links);
}

static int retry(struct ctl *c, const struct options *o, const char *id)
{
    char path[128];
    int64_t number;
    struct ctl_answer answer;
    if (text_int(id, 0, INT64_MAX, &number)) {
        fprintf(stderr, "smsbridge: an id is a number: `smsbridge callbacks` lists them\n");
        return USAGE;
    }
    snprintf(path, sizeof path, "/callbacks/%lld/retry", (long long)number);
    json_t *nothing = json_object();
    enum err e = ctl_ask(c, path, nothing, &answer);
    json_decref(nothing);
    if (e)
        fprintf(stderr, "smsbridge: the daemon is not reachable: %s\n", ctl_why(c));
    else if (answer.status != 204)
        show_refusal(stderr, answer.status, answer.body);
    else
        puts(o->json ? "{}" : "it is due again");
    json_decref(answer.body);
    return e ? UNREACHABLE : answer.status == 204 ? DONE : FAILED;
}

int ctl_callbacks(struct ctl *c, const struct options *o, char **args)
{
    char path[128];
    if (args[0] && strcmp(args[0], "retry") == 0 && args[1])
        return retry(c, o, args[1]);
    if (args[0]) {
        fprintf(stderr, "usage: smsbridge callbacks [retry ID]\n");
        return USAGE;
    }
    snprintf(path, sizeof path, "/callbacks/?state=failed&limit=%.10s", o->limit);
    return ctl_get(c, o, path, show_callbacks);
}
