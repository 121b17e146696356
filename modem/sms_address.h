/* sms_address.h - address fields: 3GPP TS 23.040 9.1.2.5.
 * Knows no TPDU.  Promises: any octets are safe; what it writes is UTF-8 without control characters. */
#ifndef SMSBRIDGE_SMS_ADDRESS_H
#define SMSBRIDGE_SMS_ADDRESS_H

#include "sms.h"

#define SMS_ADDRESS_OCTETS_MAX      12
#define SMS_ADDRESS_SEMI_OCTETS_MAX 20

/* Type of number: bits 6 to 4 of the type of address. */
#define SMS_TON_INTERNATIONAL 1
#define SMS_TON_NAME          5
uint8_t sms_address_ton(uint8_t type);

/* value: (semi_octets + 1) / 2 octets behind the type of address; SMS_ADDRESS_SEMI_OCTETS_MAX at most. */
void sms_address_text(uint8_t type, const uint8_t *value, unsigned semi_octets,
                      char out[SMS_ADDR_MAX]);
/* "+" and digits, or digits: length, type and value.  ERR_SYNTAX: neither; ERR_RANGE: more than 20 digits. */
enum err sms_address_encode(const char *number, uint8_t out[SMS_ADDRESS_OCTETS_MAX],
                            size_t *n) MUST_CHECK;

#endif
