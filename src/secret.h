/* secret.h - tokens and webhook secrets that nobody chose: made once, kept in a file.
 * Knows no account.  Promises: mode 0600, on disk before it is used, never in the log. */
#ifndef SMSBRIDGE_SECRET_H
#define SMSBRIDGE_SECRET_H

#include "err.h"

#define SECRET_MAX 130

/* A maker writes a new secret; hash_webhook_secret_make() fits. */
typedef enum err secret_make(char *out);
/* 32 random characters of A-Za-z0-9. */
enum err secret_make_token(char *out) MUST_CHECK;
/* The first line of dir/name; the file is made with make() when it is missing.
 * ERR_IO (errno), ERR_EMPTY: the file is there and holds nothing, ERR_FULL. */
enum err secret_file(const char *dir, const char *name, secret_make *make,
                     char out[SECRET_MAX]) MUST_CHECK;

#endif
