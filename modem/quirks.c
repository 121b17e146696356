/* quirks.c - one row a family, the narrow ones first.
 * Knows no port and no dialogue.  Promises: no ATZ, no AT&F, no +CFUN=1,1 in any row (docs/modems.md).
 * Each row names the transcript that shows it; rows without one come from manuals and reports only. */
#include "quirks.h"

#include <stddef.h>
#include <string.h>

#include "text.h"

/* Manufacturer's codes: the standard leaves 512 and up to them (27.005 3.2.5). */
static const struct fault_row cinterion_faults[] = {
    {FAULT_CMS, 515, 515, FAULT_BUSY, false, FAULT_WAIT, "the modem is busy", NULL, NULL,
     FAULT_PAUSES},
    {FAULT_CMS, 516, 520, FAULT_REFUSED, false, FAULT_GO_ON, "the modem finds our PDU invalid",
     NULL, NULL, FAULT_PAUSES},
    {FAULT_CMS, 522, 522, FAULT_BUSY, false, FAULT_WAIT, "the modem does not allow it just now",
     NULL, NULL, FAULT_PAUSES},
    {FAULT_CMS, 532, 532, FAULT_BUSY, false, FAULT_WAIT, "the SIM is not ready", NULL, NULL,
     FAULT_PAUSES},
    {FAULT_CMS, 535, 535, FAULT_BUSY, false, FAULT_WAIT, "the protocol stack is busy", NULL, NULL,
     FAULT_PAUSES},
    {0},
};

static const struct fault_row wavecom_faults[] = {
    {FAULT_CMS, 512, 512, FAULT_BUSY, false, FAULT_NETWORK, "no connection to the network's switch",
     NULL, NULL, FAULT_PAUSES},
    {FAULT_CMS, 513, 513, FAULT_BUSY, false, FAULT_NETWORK, "the radio link failed", NULL, NULL,
     FAULT_PAUSES},
    {FAULT_CMS, 514, 514, FAULT_BUSY, false, FAULT_SUSPECT, "the network's switch gave an error",
     NULL, NULL, FAULT_PAUSES},
    {FAULT_CMS, 515, 515, FAULT_BUSY, false, FAULT_WAIT, "the modem is still starting", NULL, NULL,
     FAULT_PAUSES},
    {0},
};

static const struct quirks rows[] = {
    /* transcripts/huawei_e173.at */
    {.name = "huawei",
     .manufacturer = "huawei",
     .init = {"AT^CURC=0", "AT^USSDMODE=0"},
     .pin = {"AT^CPIN?", "^CPIN", NULL, 3},
     .iccid_query = "AT^ICCID?",
     .cnmi_mode_1 = true,
     .ussd_packed = true},
    {.name = "zte",
     .manufacturer = "zte",
     .init = {"AT+ZCDRUN=8", "AT+ZOPRT=5"},
     .pin = {"AT+ZPINPUK=?", "+ZPINPUK", NULL, 0}},
    /* transcripts/sim800.at */
    {.name = "simcom-2g",
     .manufacturer = "simcom",
     .model = "SIM8",
     .pin = {"AT+SPIC", "+SPIC", NULL, 0},
     .prompt_ms = 15000},
    {.name = "simcom-2g",
     .manufacturer = "simcom",
     .model = "SIM9",
     .pin = {"AT+SPIC", "+SPIC", NULL, 0},
     .prompt_ms = 15000},
    {.name = "simcom",
     .manufacturer = "simcom",
     .pin = {"AT+SPIC", "+SPIC", NULL, 0},
     .cnmi_mode_1 = true},
    {.name = "quectel-serial",
     .manufacturer = "quectel",
     .model = "M",
     .pin = {"AT+QTRPIN", "+QTRPIN", NULL, 0},
     .iccid_query = "AT+QCCID"},
    /* transcripts/ec25.at */
    {.name = "quectel",
     .manufacturer = "quectel",
     .init = {"AT+QURCCFG=\"urcport\",\"usbat\"", "AT+QINDCFG=\"csq\",0"},
     .pin = {"AT+QPINC?", "+QPINC", "SC", 1},
     .iccid_query = "AT+QCCID",
     .cnmi_mode_1 = true},
    {.name = "telit",
     .manufacturer = "telit",
     .init = {"AT#SELINT=2"},
     .pin = {"AT#PCT", "#PCT", NULL, 0},
     .iccid_query = "AT#CCID"},
    {.name = "sierra", .manufacturer = "sierra", .pin = {"AT+CPINC?", "+CPINC", NULL, 0}},
    {.name = "u-blox", .manufacturer = "u-blox", .pin = {"AT+UPINCNT", "+UPINCNT", NULL, 0}},
    /* transcripts/cinterion.at */
    {.name = "cinterion",
     .manufacturer = "cinterion",
     .init = {"AT^SCFG=\"URC/DstIfc\",\"app\""},
     .pin = {"AT^SPIC=\"SC\"", "^SPIC", NULL, 0},
     .iccid_query = "AT^SCID",
     .faults = cinterion_faults},
    {.name = "siemens",
     .manufacturer = "siemens",
     .pin = {"AT^SPIC", "^SPIC", NULL, 0},
     .iccid_query = "AT^SCID",
     .faults = cinterion_faults},
    /* transcripts/wavecom.at */
    {.name = "wavecom", .manufacturer = "wavecom", .init = {"AT+WIND=0"}, .faults = wavecom_faults},
    {.name = "option", .manufacturer = "option", .pin = {"AT_OERCN?", "_OERCN", NULL, 0}},
    /* Reports +CDS, refuses +CNMA, and stops delivering when it is not acknowledged. */
    {.name = "novatel", .manufacturer = "novatel", .no_direct = true, .cnmi_mode_1 = true},
};

/* transcripts/generic.at */
static const struct quirks generic = {.name = "generic", .manufacturer = ""};

/* "SIMCOM_SIM800L" and "Quectel_M95" carry the maker's name in front. */
static const char *behind_maker(const char *model)
{
    const char *mark = strrchr(model, '_');
    return mark ? mark + 1 : model;
}

const struct quirks *quirks_find(const char *manufacturer, const char *model)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (!text_starts_nocase(manufacturer, rows[i].manufacturer))
            continue;
        if (!rows[i].model || text_starts_nocase(behind_maker(model), rows[i].model))
            return &rows[i];
    }
    return &generic;
}
