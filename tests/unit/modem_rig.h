/* modem_rig.h - a modem thread, its far side and its core, for one test. */
#ifndef MODEM_RIG_H
#define MODEM_RIG_H

#include <stdbool.h>

#include "../../modem/modem_private.h"
#include "modem_peer.h"
#include "modem_told.h"

#define WAIT_MS 10000
#define ICCID   "8994100101423151769"
#define SOMEONE "+4917112345678"
#define OK_     "\r\nOK\r\n"
/* mr 41, delivered, to SOMEONE: by hand after 23.040 9.2.2.3 */
#define REPORT_PDU  "0006290D91947111325476F8621050310125006210503101350000"
#define REPORT      "\r\n+CDS: 26\r\n" REPORT_PDU "\r\n"
#define DELIVER_PDU "07917283010010F5040BC87238880900F10000993092516195800AE8329BFD4697D9EC37"
#define DELIVER     "\r\n+CMT: ,28\r\n" DELIVER_PDU "\r\n"
#define INCOMING    "incoming 27838890001 hellohello"

struct rig {
    struct peer *peer;
    struct told *told;
    struct modem *modem;
    struct modem_config config;
};

/* Fails the test, and says what was told until then. */
void rig_want(struct rig *r, bool so, const char *what, const char *file, int line);
#define WANT(r, so)   rig_want(r, so, #so, __FILE__, __LINE__)
#define TOLD(r, text) WANT(r, told_wait((r)->told, text, WAIT_MS))

/* Set up and torn down by cmocka; *state is the rig, its modem not started. */
int rig_make(void **state);
int rig_drop(void **state);
#define RIG_TEST(f) cmocka_unit_test_setup_teardown(f, rig_make, rig_drop)

void rig_start(struct rig *r); /* plugs it in */
void rig_start_ready(struct rig *r);
void rig_stop(struct rig *r);
void rig_send(struct rig *r, const char *recipient);
/* The next message goes out as if nothing had been; it is the part-th of this test. */
void rig_still_sends(struct rig *r, unsigned part);

/* One command of each step from open to ready. */
#define RIG_STAGES 20
extern const char *const rig_stages[RIG_STAGES];

/* Short waits, and argv[1]: only tests that match it.  TRACE=1 shows the dialogue. */
void rig_main(int argc, char **argv);

#endif
