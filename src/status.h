/* status.h - rows as the world sees them: the JSON of a message's status and of an inbound SMS.
 * Refuses to know HTTP and where a row comes from.  Pure; any thread.
 * Promises: the same bytes for GET, for the lists and for the callbacks; valid JSON whatever the row holds. */
#ifndef SMSBRIDGE_STATUS_H
#define SMSBRIDGE_STATUS_H

#include "buf.h"
#include "store.h"

/* The object of GET /sms/messages/<msgid>/, appended to out.  The result is out's. */
enum err status_message(const struct store_message *m, struct buf *out);
/* The same as flat form fields (callbacks.format = form), urlencoded. */
enum err status_message_form(const struct store_message *m, struct buf *out);
/* The object of GET /sms/inbox/<id>/. */
enum err status_inbox(const struct store_inbox *m, struct buf *out);
enum err status_inbox_form(const struct store_inbox *m, struct buf *out);

/* A JSON string with its quotes; NULL: null.  What is not UTF-8 becomes U+FFFD. */
void status_json_string(struct buf *out, const char *text);
/* A JSON number, without an exponent or needless digits: 0, 7, 0.05. */
void status_json_number(struct buf *out, double value);

#endif
