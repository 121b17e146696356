/* ctl.c - `smsbridge`, the command line client: words to requests, answers to tables.
 * Knows the REST API only.  Promises: exit status 0 done, 1 refused or failed, 2 usage, 3 not reachable;
 * tables for people on standard output, JSON with --json, everything else on standard error. */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "ctl.h"
#include "ctl_show.h"
#include "text.h"

/* ---- asking ---- */

json_t *ctl_get_or_say(struct ctl *c, const char *path, const json_t *body, long wanted,
                       int *exit_status)
{
    struct ctl_answer answer;
    if (ctl_ask(c, path, body, &answer)) {
        fprintf(stderr, "smsbridge: the daemon is not reachable: %s\n", ctl_why(c));
        *exit_status = UNREACHABLE;
        return NULL;
    }
    if (answer.status == wanted && answer.body)
        return answer.body;
    show_refusal(stderr, answer.status, answer.body);
    json_decref(answer.body);
    *exit_status = FAILED;
    return NULL;
}

int ctl_get(struct ctl *c, const struct options *o, const char *path,
            void (*show)(FILE *, const json_t *))
{
    int exit_status = DONE;
    json_t *body = ctl_get_or_say(c, path, NULL, 200, &exit_status);
    if (!body)
        return exit_status;
    if (o->json)
        show_json(stdout, body);
    else
        show(stdout, body);
    json_decref(body);
    return DONE;
}

/* ---- commands ---- */

const char *ctl_text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value ? value : "";
}

static bool is_final(const json_t *status)
{
    const char *word = ctl_text(status, "status");
    return strcmp(word, "DELIVERED") == 0 || strcmp(word, "FAIL") == 0;
}

/* Asks twice a second until the status is final; a progress line on a terminal. */
static json_t *wait_final(struct ctl *c, const struct options *o, const char *path,
                          int *exit_status)
{
    const struct timespec pause = {.tv_nsec = 500000000};
    int64_t started_ms = clk_mono_ms();
    bool terminal = isatty(STDERR_FILENO);
    for (;;) {
        json_t *status = ctl_get_or_say(c, path, NULL, 200, exit_status);
        int64_t waited_ms = clk_mono_ms() - started_ms;
        if (terminal && status)
            fprintf(stderr, "\r%-12s %4llds", ctl_text(status, "status"),
                    (long long)(waited_ms / 1000));
        if (!status || is_final(status) || waited_ms > o->timeout_s * CLK_SECOND_MS) {
            if (terminal)
                fprintf(stderr, "\r%20s\r", "");
            return status;
        }
        json_decref(status);
        clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
    }
}

static int show_status(struct ctl *c, const struct options *o, const char *msgid)
{
    char path[256];
    int exit_status = DONE;
    snprintf(path, sizeof path, "/sms/messages/%.64s/", msgid);
    json_t *status = o->wait ? wait_final(c, o, path, &exit_status)
                             : ctl_get_or_say(c, path, NULL, 200, &exit_status);
    if (!status)
        return exit_status;
    if (o->json)
        show_json(stdout, status);
    else
        show_message(stdout, status);
    if (strcmp(ctl_text(status, "status"), "FAIL") == 0 || (o->wait && !is_final(status)))
        exit_status = FAILED;
    json_decref(status);
    return exit_status;
}

static void set_text(json_t *object, const char *key, const char *value)
{
    if (value)
        json_object_set_new(object, key, json_string(value));
}

json_t *ctl_message(const struct options *o, const char *recipient, const char *text)
{
    json_t *request = json_object();
    set_text(request, "recipient", recipient);
    set_text(request, "message", text);
    set_text(request, "sender", o->sender ? o->sender : "smsbridge");
    set_text(request, "track_link", o->track ? "true" : NULL);
    set_text(request, "callbackurl", o->callbackurl);
    set_text(request, "lt_callbackurl", o->lt_callbackurl);
    if (json_object_get(request, "message"))
        return request;
    fprintf(stderr, "smsbridge: the text is not UTF-8\n");
    json_decref(request);
    return NULL;
}

static int run_send(struct ctl *c, const struct options *o, char **args)
{
    int exit_status = DONE;
    if (!o->csv != !!args[0] || (args[0] && !args[1])) {
        fprintf(stderr, "usage: smsbridge send RECIPIENT TEXT | --csv FILE\n");
        return USAGE;
    }
    if (o->csv)
        return ctl_send_csv(c, o);
    json_t *request = ctl_message(o, args[0], args[1]);
    if (!request)
        return USAGE;
    json_t *answer = ctl_get_or_say(c, "/sms/messages/", request, 201, &exit_status);
    json_decref(request);
    if (!answer)
        return exit_status;
    const char *msgid = ctl_text(json_array_get(answer, 0), "msgid");
    if (o->wait)
        exit_status = show_status(c, o, msgid);
    else if (o->json)
        show_json(stdout, answer);
    else
        puts(msgid);
    json_decref(answer);
    return exit_status;
}

static int run_status(struct ctl *c, const struct options *o, char **args)
{
    return show_status(c, o, args[0]);
}

static int run_list(struct ctl *c, const struct options *o, char **args)
{
    char path[128];
    (void)args;
    snprintf(path, sizeof path, "/sms/messages/?limit=%.10s", o->limit);
    return ctl_get(c, o, path, show_messages);
}

static int run_inbox(struct ctl *c, const struct options *o, char **args)
{
    char path[128];
    (void)args;
    snprintf(path, sizeof path, "/sms/inbox/?limit=%.10s", o->limit);
    return ctl_get(c, o, path, show_inbox);
}

static int run_preview(struct ctl *c, const struct options *o, char **args)
{
    int exit_status = DONE;
    json_t *request = json_object();
    set_text(request, "message", args[0]);
    set_text(request, "track_link", o->track ? "true" : NULL);
    json_t *answer = ctl_get_or_say(c, "/sms/preview", request, 200, &exit_status);
    json_decref(request);
    if (!answer)
        return exit_status;
    if (o->json)
        show_json(stdout, answer);
    else
        show_preview(stdout, answer);
    json_decref(answer);
    return DONE;
}

static const struct command commands[] = {
    {"send", 0, 2, run_send, "[--track] [--wait] RECIPIENT TEXT | --csv FILE",
     "send an SMS; prints its msgid, with --wait its final status; or one for each row of a file"},
    {"status", 1, 1, run_status, "[--wait] MSGID", "the status of a message, its link and its tap"},
    {"list", 0, 0, run_list, "[--limit N]", "the newest messages"},
    {"inbox", 0, 0, run_inbox, "[--limit N]", "the newest received SMS"},
    {"links", 0, 0, ctl_links, "[--limit N]", "the newest short links, and who tapped"},
    {"tail", 0, 0, ctl_tail, "[--timeout SECONDS]", "what happens, while it happens"},
    {"callbacks", 0, 2, ctl_callbacks, "[--limit N] | retry ID",
     "callbacks that were given up; one of them once more"},
    {"modems", 0, 1, ctl_modems, "[MODEM]", "the modems, and why one is not ready; all of one"},
    {"reset", 1, 1, ctl_reset, "MODEM", "start a modem again"},
    {"ussd", 1, 2, ctl_ussd, "MODEM CODE | --cancel MODEM",
     "ask the network (*100#), and answer its menus"},
    {"trace", 1, 1, ctl_trace, "[--unmasked] [--timeout SECONDS] MODEM",
     "what is said to a modem and by it, numbers and texts masked: a transcript"},
    {"doctor", 0, 0, ctl_doctor, "[-c FILE]",
     "what keeps modems from working, and the command that mends it; changes nothing"},
    {"preview", 1, 1, run_preview, "[--track] TEXT",
     "alphabet, parts and final text, without sending"},
};

/* ---- the command line ---- */

static void usage(FILE *to)
{
    fprintf(to, "usage: smsbridge [OPTIONS] COMMAND …\n\ncommands:\n");
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        fprintf(to, "  %-9s %s\n             %s\n", commands[i].name, commands[i].usage,
                commands[i].help);
    fprintf(
        to,
        "\noptions:\n"
        "  --url URL              of the daemon; default $SMSBRIDGE_URL, http://127.0.0.1:8080\n"
        "  --account SID[:TOKEN]  default $SMSBRIDGE_ACCOUNT, main; its token from "
        "$SMSBRIDGE_TOKEN,\n"
        "                         ./smsbridge-data/token or /var/lib/smsbridge/token\n"
        "  --json                 the daemon's JSON instead of tables\n"
        "  --track                replace the first link by a short one and see whether it is "
        "tapped\n"
        "  --wait                 until the message is delivered or failed, --timeout SECONDS "
        "(300)\n"
        "  --sender NAME          --callbackurl URL   --lt-callbackurl URL   --limit N (20)\n"
        "  --csv FILE             columns recipient,text; msgids go to FILE.result, and what is "
        "there "
        "is not sent again\n"
        "  -c, --config FILE      of the daemon, for doctor; default "
        "/etc/smsbridge/smsbridged.conf\n"
        "  --help                 --version\n"
        "\nexit status: 0 done, 1 refused or failed, 2 usage, 3 daemon not reachable\n");
}

enum {
    OPT_URL = 256,
    OPT_ACCOUNT,
    OPT_SENDER,
    OPT_CALLBACKURL,
    OPT_LT_CALLBACKURL,
    OPT_LIMIT,
    OPT_CSV,
    OPT_TIMEOUT,
    OPT_CANCEL,
    OPT_HELP,
    OPT_VERSION
};
static const struct option long_options[] = {
    {"url", required_argument, NULL, OPT_URL},
    {"account", required_argument, NULL, OPT_ACCOUNT},
    {"sender", required_argument, NULL, OPT_SENDER},
    {"callbackurl", required_argument, NULL, OPT_CALLBACKURL},
    {"lt-callbackurl", required_argument, NULL, OPT_LT_CALLBACKURL},
    {"limit", required_argument, NULL, OPT_LIMIT},
    {"csv", required_argument, NULL, OPT_CSV},
    {"config", required_argument, NULL, 'c'},
    {"timeout", required_argument, NULL, OPT_TIMEOUT},
    {"json", no_argument, NULL, 'j'},
    {"track", no_argument, NULL, 't'},
    {"wait", no_argument, NULL, 'w'},
    {"cancel", no_argument, NULL, OPT_CANCEL},
    {"unmasked", no_argument, NULL, 'u'},
    {"help", no_argument, NULL, OPT_HELP},
    {"version", no_argument, NULL, OPT_VERSION},
    {NULL, 0, NULL, 0},
};

/* Where an option's word goes. */
static const char **word_of(struct options *o, int option)
{
    switch (option) {
    case OPT_URL:
        return &o->url;
    case OPT_ACCOUNT:
        return &o->account;
    case OPT_SENDER:
        return &o->sender;
    case OPT_CALLBACKURL:
        return &o->callbackurl;
    case OPT_LT_CALLBACKURL:
        return &o->lt_callbackurl;
    case OPT_LIMIT:
        return &o->limit;
    case OPT_CSV:
        return &o->csv;
    case 'c':
        return &o->config;
    default:
        return NULL;
    }
}

static int take_timeout(struct options *o, const char *text)
{
    int64_t seconds;
    if (text_int(text, 1, 86400, &seconds)) {
        fprintf(stderr, "smsbridge: --timeout takes seconds, 1 to 86400\n");
        return USAGE;
    }
    o->timeout_s = o->wait_s = (int)seconds;
    return -1;
}

/* -1: go on, else the exit status. */
static int parse(struct options *o, int argc, char **argv)
{
    int option, exit_status = -1;
    while (exit_status < 0 &&
           (option = getopt_long(argc, argv, "c:jtw", long_options, NULL)) != -1) {
        const char **word = word_of(o, option);
        if (word)
            *word = optarg;
        else if (option == 'j')
            o->json = true;
        else if (option == 't')
            o->track = true;
        else if (option == 'w')
            o->wait = true;
        else if (option == OPT_CANCEL)
            o->cancel = true;
        else if (option == 'u')
            o->unmasked = true;
        else if (option == OPT_TIMEOUT)
            exit_status = take_timeout(o, optarg);
        else if (option == OPT_HELP)
            return usage(stdout), DONE;
        else if (option == OPT_VERSION)
            return puts("smsbridge " SMSBRIDGE_VERSION), DONE;
        else
            return usage(stderr), USAGE;
    }
    return exit_status;
}

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    }
    return NULL;
}

int main(int argc, char **argv)
{
    struct options o = {.limit = "20", .timeout_s = 300};
    struct ctl *ctl;
    int exit_status = parse(&o, argc, argv);
    if (exit_status >= 0)
        return exit_status;
    const struct command *command = optind < argc ? find(argv[optind]) : NULL;
    if (!command) {
        usage(stderr);
        return USAGE;
    }
    int given = argc - optind - 1;
    if (given < command->args_min || given > command->args_max) {
        fprintf(stderr, "usage: smsbridge %s %s\n", command->name, command->usage);
        return USAGE;
    }
    enum err e = ctl_open(o.url, o.account, &ctl);
    if (e)
        ctl = NULL;
    if (e && command->run != ctl_doctor) {
        fprintf(stderr, "smsbridge: no token: give --account SID:TOKEN, or set SMSBRIDGE_TOKEN\n");
        return USAGE;
    }
    exit_status = command->run(ctl, &o, argv + optind + 1);
    ctl_close(ctl);
    return exit_status;
}
