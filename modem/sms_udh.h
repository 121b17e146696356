/* sms_udh.h - the user data header: 3GPP TS 23.040 9.2.3.24.
 * Knows no text and no address.  Promises: any octets are safe; reads nothing past TP-UDL or TP-UD. */
#ifndef SMSBRIDGE_SMS_UDH_H
#define SMSBRIDGE_SMS_UDH_H

#include "sms.h"

#define SMS_SEPTETS_MAX 160 /* in TP-UD, 9.2.3.16 */

/* What the information elements said; zeros where none did. */
struct sms_udh {
    struct sms_concat concat;
    uint16_t port_dst, port_src;
    uint8_t lang_single, lang_lock;
    struct sms_waiting waiting;
};

/* Octets of TP-UD in use. */
unsigned sms_ud_octets(const struct sms_ud *ud);
/* Octets of the header with its length octet; 0: none, or one that is longer than TP-UD and so is no header. */
unsigned sms_udh_octets(const struct sms_ud *ud);
/* The last valid element of a kind counts.  Elements that do not fill the header exactly: the whole of it is ignored. */
void sms_udh_read(const struct sms_ud *ud, struct sms_udh *out);

#endif
