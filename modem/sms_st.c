/* sms_st.c - TP-Status in words: 3GPP TS 23.040 9.2.3.15.
 * Knows no TPDU.  Promises: every value has an outcome and words; reserved ones count as 0x63, as the clause says. */
#include "sms.h"

#define RESERVED_AS 0x63

static const struct status {
    uint8_t first, last;
    enum sms_outcome outcome;
    const char *words;
} statuses[] = {
    /* Short message transaction completed */
    {0x00, 0x00, SMS_DELIVERED, "Short message received by the SME"},
    {0x01, 0x01, SMS_DELIVERED,
     "Short message forwarded by the SC to the SME but the SC is unable to confirm delivery"},
    {0x02, 0x02, SMS_FAILED_FOR_GOOD, "Short message replaced by the SC"},
    {0x10, 0x1F, SMS_DELIVERED, "Transaction completed, value specific to the SC"},
    /* Temporary error, SC still trying to transfer SM */
    {0x20, 0x20, SMS_STILL_TRYING, "Congestion"},
    {0x21, 0x21, SMS_STILL_TRYING, "SME busy"},
    {0x22, 0x22, SMS_STILL_TRYING, "No response from SME"},
    {0x23, 0x23, SMS_STILL_TRYING, "Service rejected"},
    {0x24, 0x24, SMS_STILL_TRYING, "Quality of service not available"},
    {0x25, 0x25, SMS_STILL_TRYING, "Error in SME"},
    {0x30, 0x3F, SMS_STILL_TRYING, "Temporary error, SC still trying, value specific to the SC"},
    /* Permanent error, SC is not making any more transfer attempts */
    {0x40, 0x40, SMS_FAILED_FOR_GOOD, "Remote procedure error"},
    {0x41, 0x41, SMS_FAILED_FOR_GOOD, "Incompatible destination"},
    {0x42, 0x42, SMS_FAILED_FOR_GOOD, "Connection rejected by SME"},
    {0x43, 0x43, SMS_FAILED_FOR_GOOD, "Not obtainable"},
    {0x44, 0x44, SMS_FAILED_FOR_GOOD, "Quality of service not available"},
    {0x45, 0x45, SMS_FAILED_FOR_GOOD, "No interworking available"},
    {0x46, 0x46, SMS_FAILED_FOR_GOOD, "SM Validity Period Expired"},
    {0x47, 0x47, SMS_FAILED_FOR_GOOD, "SM Deleted by originating SME"},
    {0x48, 0x48, SMS_FAILED_FOR_GOOD, "SM Deleted by SC Administration"},
    {0x49, 0x49, SMS_FAILED_FOR_GOOD, "SM does not exist"},
    {0x50, 0x5F, SMS_FAILED_FOR_GOOD, "Permanent error, value specific to the SC"},
    /* Temporary error, SC is not making any more transfer attempts */
    {0x60, 0x60, SMS_GIVEN_UP, "Congestion"},
    {0x61, 0x61, SMS_GIVEN_UP, "SME busy"},
    {0x62, 0x62, SMS_GIVEN_UP, "No response from SME"},
    {RESERVED_AS, RESERVED_AS, SMS_GIVEN_UP, "Service rejected"},
    {0x64, 0x64, SMS_GIVEN_UP, "Quality of service not available"},
    {0x65, 0x65, SMS_GIVEN_UP, "Error in SME"},
    {0x70, 0x7F, SMS_GIVEN_UP, "Temporary error, SC has given up, value specific to the SC"},
};

static const struct status *status_of(uint8_t st)
{
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++)
        if (statuses[i].first <= st && st <= statuses[i].last)
            return &statuses[i];
    return status_of(RESERVED_AS);
}

enum sms_outcome sms_st_outcome(uint8_t st)
{
    return status_of(st)->outcome;
}

const char *sms_st_str(uint8_t st)
{
    return status_of(st)->words;
}
