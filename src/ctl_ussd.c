/* ctl_ussd.c - `smsbridge ussd`: a code, the network's answer, and its menus.
 * Knows the REST API only.  Promises: the network's text reaches the terminal without control characters. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"
#include "ctl_show.h"

#define ANSWER_MAX 192

/* One step; NULL: said, *exit_status set. */
static json_t *ask(struct ctl *c, const struct options *o, const char *path, const char *code,
                   int *exit_status)
{
    json_t *request = json_object();
    json_object_set_new(request, "code", json_string(code));
    if (o->wait_s)
        json_object_set_new(request, "timeout", json_integer(o->wait_s));
    if (!json_object_get(request, "code")) {
        fprintf(stderr, "smsbridge: the code is not UTF-8\n");
        json_decref(request);
        *exit_status = USAGE;
        return NULL;
    }
    json_t *answer = ctl_get_or_say(c, path, request, 200, exit_status);
    json_decref(request);
    return answer;
}

static void show(const struct options *o, const json_t *answer)
{
    if (o->json)
        show_json(stdout, answer);
    else
        show_text(stdout, ctl_text(answer, "text"));
}

/* A line from the terminal; false: the person has had enough. */
static bool read_answer(char out[ANSWER_MAX])
{
    fprintf(stderr, "answer (empty: end): ");
    if (!fgets(out, ANSWER_MAX, stdin))
        return false;
    out[strcspn(out, "\r\n")] = '\0';
    return *out != '\0';
}

static int cancel(struct ctl *c, const char *path)
{
    struct ctl_answer answer;
    if (ctl_delete(c, path, &answer)) {
        fprintf(stderr, "smsbridge: the daemon is not reachable: %s\n", ctl_why(c));
        return UNREACHABLE;
    }
    if (answer.status != 204)
        show_refusal(stderr, answer.status, answer.body);
    json_decref(answer.body);
    return answer.status == 204 ? DONE : FAILED;
}

int ctl_ussd(struct ctl *c, const struct options *o, char **args)
{
    char path[128], line[ANSWER_MAX];
    int exit_status = DONE;
    const char *code = args[1];
    if (!ctl_modem_path(args[0], "ussd", path, sizeof path))
        return USAGE;
    if (o->cancel)
        return cancel(c, path);
    if (!code) {
        fprintf(stderr, "usage: smsbridge ussd MODEM CODE\n");
        return USAGE;
    }
    while (code) {
        json_t *answer = ask(c, o, path, code, &exit_status);
        if (!answer)
            return exit_status;
        bool question = strcmp(ctl_text(answer, "state"), "question") == 0;
        show(o, answer);
        json_decref(answer);
        if (!question)
            return DONE;
        if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO)) {
            fprintf(stderr, "the network waits for an answer: smsbridge ussd %s ANSWER\n", args[0]);
            return DONE;
        }
        code = read_answer(line) ? line : NULL;
    }
    return cancel(c, path);
}
