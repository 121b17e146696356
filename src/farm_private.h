/* farm_private.h - what farm.c and farm_found.c share. */
#ifndef SMSBRIDGE_FARM_PRIVATE_H
#define SMSBRIDGE_FARM_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "farm.h"
#include "metrics.h"
#include "signal_log.h"

#define FARM_FOUND_MAX 64 /* modems beside those that have a section */

struct worker {
    struct farm *farm;
    struct modem *modem;
    char name[MODEM_NAME_MAX];
    bool roams;               /* it goes where its IMEI is */
    char imei[MODEM_ID_MAX];  /* then: the one that is meant; "": the place is */
    char place[MODEM_NAME_MAX]; /* where it is; "": not plugged in; the discovering thread only */
    bool seen;                /* it was somewhere once; the same */
    char iccid[MODEM_ID_MAX]; /* of the card in it now; its own thread only */
    struct sms_job_times {
        char msgid[STORE_MSGID_LEN + 1];
        int64_t queued_ms, claimed_ms;
    } now;            /* of the part in hand; its own thread only */
    atomic_bool idle; /* the last claim found nothing */
    atomic_uint_fast64_t sent, failed, received;
    pthread_mutex_t lock; /* guards status */
    struct modem_status status;
    struct farm_calls calls; /* the same lock */
    struct signal_log signal; /* the same */
    struct trace *trace;
    struct metric_set *metrics; /* its own; outlives us */
};

struct farm {
    struct farm_options options;
    pthread_mutex_t lock;              /* guards discover */
    struct discover *discover;         /* NULL: nobody looks */
    char (*ports)[MODEM_PATH_MAX];     /* that sections name */
    const char **reserved;             /* into ports */
    size_t room;
    atomic_size_t count; /* grows; what is below stays as it is */
    struct worker workers[];
};

static inline size_t farm_count(struct farm *f)
{
    return atomic_load(&f->count);
}

/* One more, from the thread that starts the farm, then from the discovering one.  ERR_FULL, ERR_NO_MEMORY, ERR_IO. */
enum err farm_add(struct farm *f, const struct modem_config *config) MUST_CHECK;

/* ---- farm_found.c ---- */
/* Starts to look for modems, where any is to be found. */
enum err farm_discover(struct farm *f) MUST_CHECK;
void farm_undiscover(struct farm *f);
void farm_stranger(void *ctx, const char *modem, const char *port, const char *imei);

#endif
