/* Septets and letters (23.038 6.2.1).  Knows no TPDU.
   Promises a letter for every septet below 128. */
#ifndef SIM_GSM_ALPHABET_H
#define SIM_GSM_ALPHABET_H

#include <stdint.h>

uint32_t gsm_letter(unsigned septet);
uint32_t gsm_extended(unsigned septet); /* the septet after an escape */

#endif
