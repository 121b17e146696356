/* ctl_show.h - what the daemon answered, for people.
 * Knows no HTTP.  Promises: control characters in hostile texts never reach the terminal. */
#ifndef SMSBRIDGE_CTL_SHOW_H
#define SMSBRIDGE_CTL_SHOW_H

#include <jansson.h>
#include <stdio.h>

void show_json(FILE *to, const json_t *value);
/* Why a request was refused: the fields and their sentences, or the HTTP status alone. */
void show_refusal(FILE *to, long status, const json_t *body);
void show_message(FILE *to, const json_t *message); /* one, a line a field */
void show_messages(FILE *to, const json_t *list);   /* a table */
void show_inbox(FILE *to, const json_t *list);
/* A text of several lines as it is, without its control characters. */
void show_text(FILE *to, const char *text);
void show_modems(FILE *to, const json_t *list);
void show_links(FILE *to, const json_t *list);
void show_callbacks(FILE *to, const json_t *list);
/* One event of GET /events/ as a line: its kind, and what is worth telling of it. */
void show_event(FILE *to, const char *kind, const json_t *data);
void show_preview(FILE *to, const json_t *preview);

#endif
