/* ctl_csv.c - `smsbridge send --csv FILE`: an SMS for each row, and what became of it beside it.
 * Knows the REST API only.
 * Promises: a row that FILE.result names is not sent again; one that it does not name, because we were stopped
 * before it was written, is not either within 24 h: the same row has the same Idempotency-Key. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "ctl.h"
#include "ctl_show.h"
#include "text.h"

#define FIELD_MAX 8192
#define COLUMNS   8 /* those that are read; more are ignored */
#define TRIES_MAX 60
#define BAR       30
#define KEY_MAX   64

struct row {
    struct buf field[COLUMNS];
    int fields;
};

struct csv {
    FILE *in, *result;
    struct row row;
    int recipient, text; /* columns */
    size_t rows, at, sent, failed, known;
    char (*done)[KEY_MAX]; /* by row: the key that the result file has */
    bool bar;
};

/* RFC 4180: quotes around what holds commas, quotes (doubled) or line ends.  False: the end. */
static bool read_row(FILE *in, struct row *row)
{
    int c = getc(in);
    bool quoted = false;
    for (int i = 0; i < COLUMNS; i++)
        buf_clear(&row->field[i]);
    row->fields = 0;
    if (c == EOF)
        return false;
    for (; c != EOF && (quoted || c != '\n'); c = getc(in)) {
        char byte = (char)c;
        struct buf *field = row->fields < COLUMNS ? &row->field[row->fields] : NULL;
        if (c == '"') {
            int next = quoted ? getc(in) : EOF;
            if (quoted && next == '"' && field)
                buf_add(field, "\"", 1);
            else if (quoted)
                ungetc(next, in), quoted = false;
            else
                quoted = true;
        } else if (c == ',' && !quoted) {
            row->fields++;
        } else if (field && (quoted || c != '\r')) {
            buf_add(field, &byte, 1);
        }
    }
    row->fields++;
    return true;
}

static int column(const struct row *row, const char *name)
{
    for (int i = 0; i < row->fields && i < COLUMNS; i++) {
        const char *title = buf_str(&row->field[i]);
        title +=
            strncmp(title, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0; /* a spreadsheet's byte order mark */
        if (text_equal_nocase(title, name))
            return i;
    }
    return -1;
}

/* FNV-1a, twice: a key that tells rows apart; nobody gains by a collision with his own. */
static uint64_t mix(uint64_t h, const char *s)
{
    do
        h = (h ^ (unsigned char)*s) * UINT64_C(1099511628211);
    while (*s++);
    return h;
}

static void make_key(const struct options *o, const char *recipient, const char *text, size_t row,
                     char key[KEY_MAX])
{
    uint64_t h[2] = {UINT64_C(14695981039346656037), UINT64_C(0x9E3779B97F4A7C15)};
    for (int i = 0; i < 2; i++)
        h[i] = mix(mix(mix(h[i], recipient), text), o->sender ? o->sender : "");
    snprintf(key, KEY_MAX, "csv-%zu-%016" PRIx64 "%016" PRIx64, row, h[0], h[1]);
}

/* One line, whatever is in it. */
static void put_field(FILE *to, const char *s)
{
    putc('"', to);
    for (; *s; s++) {
        if (*s == '"')
            putc('"', to);
        putc((unsigned char)*s < ' ' ? ' ' : *s, to);
    }
    putc('"', to);
}

/* On disk before the next row is sent. */
static bool put_result(struct csv *f, const char *key, const char *msgid, const char *recipient,
                       const char *error)
{
    fprintf(f->result, "%s,%s,", key, msgid);
    put_field(f->result, recipient);
    putc(',', f->result);
    put_field(f->result, error);
    putc('\n', f->result);
    return fflush(f->result) == 0 && fsync(fileno(f->result)) == 0;
}

static void show_bar(const struct csv *f)
{
    int full = f->rows ? (int)(f->at * BAR / f->rows) : BAR;
    if (f->bar)
        fprintf(stderr, "\r[%.*s%*s] %zu/%zu  failed %zu", full, "##############################",
                BAR - full, "", f->at, f->rows, f->failed);
}

/* Throttled or busy: again after a second, as it is told by Retry-After at most a few. */
static enum err ask(struct ctl *c, const json_t *request, const char *key, struct ctl_answer *out)
{
    const struct timespec pause = {.tv_sec = 1};
    for (int tries = 0;; tries++) {
        enum err e = ctl_ask_once(c, "/sms/messages/", request, key, out);
        if (e || (out->status != 429 && out->status != 503) || tries == TRIES_MAX)
            return e;
        json_decref(out->body);
        clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
    }
}

/* What a refused row is told in the result: the same JSON; it is tried again next time. */
static int send_row(struct ctl *c, const struct options *o, struct csv *f)
{
    struct ctl_answer answer;
    char key[KEY_MAX];
    const char *recipient = buf_str(&f->row.field[f->recipient]);
    const char *text = buf_str(&f->row.field[f->text]);
    json_t *request = ctl_message(o, recipient, text);
    if (!request)
        return f->failed++, DONE;
    make_key(o, recipient, text, f->at, key);
    if (strcmp(f->done[f->at], key) == 0) {
        json_decref(request);
        return f->known++, DONE;
    }
    enum err e = ask(c, request, key, &answer);
    json_decref(request);
    if (e) {
        fprintf(stderr, "\nsmsbridge: the daemon is not reachable: %s\n", ctl_why(c));
        return UNREACHABLE;
    }
    bool good = answer.status == 201;
    char *said = good ? NULL : json_dumps(answer.body, JSON_COMPACT | JSON_ENCODE_ANY);
    *(good ? &f->sent : &f->failed) += 1;
    bool kept = put_result(f, key, ctl_text(json_array_get(answer.body, 0), "msgid"), recipient,
                           good   ? ""
                           : said ? said
                                  : "refused");
    free(said);
    json_decref(answer.body);
    if (!kept)
        fprintf(stderr, "\nsmsbridge: the result file: %s\n", strerror(errno));
    return kept ? DONE : FAILED;
}

static bool head(struct csv *f)
{
    rewind(f->in);
    bool any = read_row(f->in, &f->row);
    f->recipient = any ? column(&f->row, "recipient") : -1;
    f->text = any ? column(&f->row, "text") : -1;
    return f->recipient >= 0 && f->text >= 0;
}

/* "csv-12-0123…,MSGID,…": by lines, so that one torn by a crash spoils no other. */
static void take_result(struct csv *f, const char *line)
{
    int64_t row;
    char number[24] = "";
    size_t n = strcspn(line, ","),
           digits = strncmp(line, "csv-", 4) ? 0 : strspn(line + 4, "0123456789");
    if (digits == 0 || digits >= sizeof number || n >= KEY_MAX || line[n] != ',' ||
        strcspn(line + n + 1, ",") != 32)
        return;
    memcpy(number, line + 4, digits);
    if (text_int(number, 1, (int64_t)f->rows, &row) == OK)
        snprintf(f->done[row], KEY_MAX, "%.*s", (int)n, line);
}

/* How many rows there are, and which were sent before. */
static enum err look(struct csv *f)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t n, last = 0;
    while (read_row(f->in, &f->row))
        f->rows++;
    f->done = calloc(f->rows + 1, sizeof *f->done);
    rewind(f->result);
    while (f->done && (n = getline(&line, &size, f->result)) > 0) {
        last = line[n - 1];
        if (last == '\n')
            take_result(f, line);
    }
    fseek(f->result, 0, SEEK_END);
    if (last && last != '\n')
        putc('\n', f->result);
    free(line);
    return f->done ? OK : ERR_NO_MEMORY;
}

static int send_rows(struct ctl *c, const struct options *o, struct csv *f)
{
    int exit_status = DONE;
    for (f->at = 1; exit_status == DONE && read_row(f->in, &f->row); f->at++) {
        exit_status = send_row(c, o, f);
        show_bar(f);
    }
    if (f->bar)
        fputc('\n', stderr);
    if (o->json)
        printf("{\"sent\":%zu,\"known\":%zu,\"failed\":%zu}\n", f->sent, f->known, f->failed);
    else
        printf("sent %zu, sent before %zu, refused %zu: %s.result\n", f->sent, f->known, f->failed,
               o->csv);
    return exit_status ? exit_status : f->failed ? FAILED : DONE;
}

static int open_both(const char *name, struct csv *f)
{
    char result[4096];
    f->in = fopen(name, "r");
    if (f->in && snprintf(result, sizeof result, "%s.result", name) < (int)sizeof result)
        f->result = fopen(result, "a+");
    if (f->result)
        return DONE;
    fprintf(stderr, "smsbridge: %s%s: %s\n", name, f->in ? ".result" : "", strerror(errno));
    return FAILED;
}

int ctl_send_csv(struct ctl *c, const struct options *o)
{
    struct csv f = {.bar = isatty(STDERR_FILENO)};
    for (int i = 0; i < COLUMNS; i++)
        buf_init(&f.row.field[i], FIELD_MAX);
    int exit_status = open_both(o->csv, &f);
    if (exit_status == DONE && !head(&f)) {
        fprintf(stderr, "smsbridge: %s: the first line names the columns: recipient,text\n",
                o->csv);
        exit_status = USAGE;
    }
    if (exit_status == DONE && (look(&f) || !head(&f)))
        exit_status = FAILED;
    if (exit_status == DONE)
        exit_status = send_rows(c, o, &f);
    for (int i = 0; i < COLUMNS; i++)
        buf_free(&f.row.field[i]);
    if (f.in)
        fclose(f.in);
    if (f.result)
        fclose(f.result);
    free(f.done);
    return exit_status;
}
