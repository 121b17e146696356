/* log.h - one line an event, key=value, to standard error.
 * Knows nobody above it.  Promises: one write(2) a line, control bytes escaped (a hostile text cannot
 * forge a line), journald's <n> prefixes when standard error is the journal.  Any thread.
 * No secrets; texts of messages at trace only; numbers shortened (log_number) above debug. */
#ifndef SMSBRIDGE_LOG_H
#define SMSBRIDGE_LOG_H

#include "err.h"

enum log_level { LOG_LVL_ERROR, LOG_LVL_WARN, LOG_LVL_INFO, LOG_LVL_DEBUG, LOG_LVL_TRACE };

void log_set_level(enum log_level level);
enum log_level log_level(void);
/* "error warn info debug trace" to a level; ERR_SYNTAX for any other word. */
enum err log_level_parse(const char *word, enum log_level *level) MUST_CHECK;

/* module: the file's prefix, e.g. "modem".  fmt: "name=%s step=%s". No newline at its end. */
void log_write(enum log_level level, const char *module, const char *fmt, ...) PRINTF_LIKE(3, 4);

#define log_error(module, ...) log_write(LOG_LVL_ERROR, module, __VA_ARGS__)
#define log_warn(module, ...)  log_write(LOG_LVL_WARN, module, __VA_ARGS__)
#define log_info(module, ...)  log_write(LOG_LVL_INFO, module, __VA_ARGS__)
#define log_debug(module, ...)                                                                     \
    do {                                                                                           \
        if (log_level() >= LOG_LVL_DEBUG)                                                          \
            log_write(LOG_LVL_DEBUG, module, __VA_ARGS__);                                         \
    } while (0)
#define log_trace(module, ...)                                                                     \
    do {                                                                                           \
        if (log_level() >= LOG_LVL_TRACE)                                                          \
            log_write(LOG_LVL_TRACE, module, __VA_ARGS__);                                         \
    } while (0)

/* A phone number fit for the log: whole at debug and below, else "+8190…78".  `out` is returned. */
#define LOG_NUMBER_MAX 48
const char *log_number(const char *number, char out[LOG_NUMBER_MAX]);

#endif
