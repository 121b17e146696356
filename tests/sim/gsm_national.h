/* National language shift tables by their identifiers, 23.038 6.2.1.2.4.  Knows no TPDU.
   NULL where there is none. */
#ifndef SIM_GSM_NATIONAL_H
#define SIM_GSM_NATIONAL_H

#include <stdint.h>

#define GSM_NATIONAL 14
extern const uint16_t *const gsm_national_locking[GSM_NATIONAL];
extern const uint16_t *const gsm_national_single[GSM_NATIONAL];

#endif
