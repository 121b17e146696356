/* sms_field.h - the fields of a TPDU that are neither address nor text: coding scheme, time stamp, validity period.
 * Knows no TPDU.  Promises: every value of every octet means something. */
#ifndef SMSBRIDGE_SMS_FIELD_H
#define SMSBRIDGE_SMS_FIELD_H

#include "sms.h"

/* TP-DCS: 23.038 clause 4.  Compressed text counts as 8-bit data: nobody is known to send it. */
struct sms_coding {
    enum sms_alphabet alphabet;
    int8_t message_class; /* 0 to 3; -1: none */
    struct sms_waiting waiting;
};
struct sms_coding sms_dcs_read(uint8_t dcs);
/* For a submit, general data coding group; flash is class 0. */
uint8_t sms_dcs_make(enum sms_alphabet alphabet, bool flash);

/* Service centre time stamp, seven octets: 23.040 9.2.3.11.  UTC; -1: not a date. */
#define SMS_SCTS_OCTETS 7
int64_t sms_scts_read(const uint8_t *octets);

/* TP-VP, relative: 9.2.3.12.1.  The step at or below; 5 minutes at least, 63 weeks at most. */
uint8_t sms_validity_make(uint32_t seconds);

#endif
