/* ctl_modems.c - `smsbridge modems` and `smsbridge reset`.
 * Knows the REST API only. */
#include <stdio.h>
#include <string.h>

#include "ctl.h"
#include "ctl_show.h"

#define NAME_BYTES 31

bool ctl_modem_path(const char *name, const char *last, char *out, size_t size)
{
    static const char plain[] =
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_.~";
    char segment[3 * NAME_BYTES + 1] = "";
    size_t n = 0;
    if (!*name || strlen(name) > NAME_BYTES) {
        fprintf(stderr,
                "smsbridge: that is not the name of a modem: `smsbridge modems` lists them\n");
        return false;
    }
    for (; *name; name++) {
        bool as_it_is = strchr(plain, *name) != NULL;
        n += (size_t)snprintf(segment + n, sizeof segment - n, as_it_is ? "%c" : "%%%02X",
                              (unsigned char)*name);
    }
    snprintf(out, size, "/modems/%s/%s", segment, last);
    return true;
}

int ctl_modems(struct ctl *c, const struct options *o, char **args)
{
    char path[128];
    if (!args[0])
        return ctl_get(c, o, "/modems/", show_modems);
    return ctl_modem_path(args[0], "", path, sizeof path) ? ctl_get(c, o, path, show_message)
                                                          : USAGE;
}

int ctl_reset(struct ctl *c, const struct options *o, char **args)
{
    char path[128];
    int exit_status = DONE;
    if (!ctl_modem_path(args[0], "reset", path, sizeof path))
        return USAGE;
    json_t *nothing = json_object();
    json_t *answer = ctl_get_or_say(c, path, nothing, 202, &exit_status);
    json_decref(nothing);
    if (answer && o->json)
        show_json(stdout, answer);
    else if (answer)
        puts(ctl_text(answer, "detail"));
    json_decref(answer);
    return exit_status;
}
