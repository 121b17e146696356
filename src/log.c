/* log.c - one line an event, to standard error.
 * Knows nobody above it.  Promises: one write(2) a line; control bytes are escaped. */
#include "log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "text.h"

#define LINE_MAX_BYTES 4096

static _Atomic int current = LOG_LVL_INFO;

static const struct {
    const char *word;
    char syslog; /* systemd's sd-daemon(3) prefix */
} levels[] = {
    [LOG_LVL_ERROR] = {"error", '3'}, [LOG_LVL_WARN] = {"warn", '4'},
    [LOG_LVL_INFO] = {"info", '6'},   [LOG_LVL_DEBUG] = {"debug", '7'},
    [LOG_LVL_TRACE] = {"trace", '7'},
};

void log_set_level(enum log_level level)
{
    atomic_store(&current, (int)level);
}

enum log_level log_level(void)
{
    return (enum log_level)atomic_load_explicit(&current, memory_order_relaxed);
}

enum err log_level_parse(const char *word, enum log_level *level)
{
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        if (text_equal_nocase(word, levels[i].word)) {
            *level = (enum log_level)i;
            return OK;
        }
    }
    return ERR_SYNTAX;
}

/* Copies text with control bytes as \xNN; returns what was written. */
static size_t escape(char *out, size_t size, const char *text)
{
    size_t n = 0;
    for (; *text && n + 5 < size; text++) {
        unsigned char c = (unsigned char)*text;
        if (c >= 0x20 && c != 0x7F)
            out[n++] = (char)c;
        else
            n += (size_t)snprintf(out + n, size - n, "\\x%02x", c);
    }
    return n;
}

/* journald takes our lines with its own time; others get ours. */
static size_t prefix(char *out, size_t size, enum log_level level, const char *module)
{
    char when[CLK_TEXT_MAX];
    int64_t now = clk_wall_ms();
    if (getenv("JOURNAL_STREAM"))
        return (size_t)snprintf(out, size, "<%c>%s: ", levels[level].syslog, module);
    return (size_t)snprintf(out, size, "%s.%03d %-5s %s: ", clk_format(now, when),
                            (int)(now % 1000), levels[level].word, module);
}

void log_write(enum log_level level, const char *module, const char *fmt, ...)
{
    char text[LINE_MAX_BYTES], line[LINE_MAX_BYTES + 128];
    va_list args;
    if (level > log_level())
        return;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    size_t n = prefix(line, sizeof line, level, module);
    n += escape(line + n, sizeof line - n - 1, text);
    line[n++] = '\n';
    if (write(STDERR_FILENO, line, n) < 0)
        return; /* nowhere left to say so */
}

const char *log_number(const char *number, char out[LOG_NUMBER_MAX])
{
    size_t n = strlen(number);
    if (log_level() >= LOG_LVL_DEBUG || n < 8)
        snprintf(out, LOG_NUMBER_MAX, "%.40s", number);
    else
        snprintf(out, LOG_NUMBER_MAX, "%.5s…%s", number, number + n - 2);
    return out;
}
