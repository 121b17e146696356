/* ctl_trace.c - `smsbridge trace`: a modem's dialogue as it happens, a transcript for who can mend it.
 * Knows the REST API only.  Promises: nothing but printable ASCII reaches the terminal. */
#include <stdio.h>
#include <string.h>

#include "ctl.h"
#include "ctl_show.h"

/* Lines that are under way; "#" alone is the daemon's sign of life. */
struct lines {
    bool drop; /* the line begun is one of those, as far as it is known */
    bool begins;
};

static bool show(void *ctx, const char *bytes, size_t n)
{
    struct lines *l = ctx;
    for (size_t i = 0; i < n; i++) {
        bool end = bytes[i] == '\n';
        if (l->begins && bytes[i] == '#') {
            l->drop = true;
        } else {
            if (l->drop && !end)
                putchar('#');
            if (!l->drop || !end)
                putchar(end || (bytes[i] >= ' ' && bytes[i] <= '~') ? bytes[i] : '.');
            l->drop = false;
        }
        l->begins = end;
    }
    return fflush(stdout) == 0;
}

int ctl_trace(struct ctl *c, const struct options *o, char **args)
{
    char path[160];
    struct lines lines = {.begins = true};
    struct ctl_answer answer;
    if (!ctl_modem_path(args[0], o->unmasked ? "trace?unmasked=1" : "trace", path, sizeof path))
        return USAGE;
    enum err e = ctl_follow(c, path, o->wait_s, show, &lines, &answer);
    if (answer.status && answer.status != 200)
        show_refusal(stderr, answer.status, answer.body);
    else if (e)
        fprintf(stderr, "smsbridge: the daemon is not reachable: %s\n", ctl_why(c));
    json_decref(answer.body);
    if (answer.status == 0)
        return UNREACHABLE;
    return answer.status == 200 && e == OK ? DONE : FAILED;
}
