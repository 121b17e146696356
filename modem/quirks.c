/* quirks.c - one row a family, the narrow ones first.
 * Knows no port and no dialogue.  Promises: no ATZ, no AT&F, no +CFUN=1,1 in any row (docs/modems.md).
 * Each row names the transcript that shows it. */
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

/* ---- PIN attempts left: who asks how (docs/modems.md, f) ---- */

/* clang-format off */
#define HUAWEI_PIN         {"AT^CPIN?", "^CPIN", NULL, 3}   /* <state>,<n>,PUK,PIN,… */
#define ZTE_PIN            {"AT+ZPINPUK=?", "+ZPINPUK", NULL, 0}
#define SIMCOM_PIN         {"AT+SPIC", "+SPIC", NULL, 0}
#define QUECTEL_PIN        {"AT+QPINC?", "+QPINC", "SC", 1}
#define QUECTEL_SERIAL_PIN {"AT+QTRPIN", "+QTRPIN", NULL, 0}
#define TELIT_PIN          {"AT#PCT", "#PCT", NULL, 0}      /* of the code that is wanted now: asked while that is the PIN */
#define U_BLOX_PIN         {"AT+UPINCNT", "+UPINCNT", NULL, 0}
#define CINTERION_PIN      {"AT^SPIC=\"SC\"", "^SPIC", NULL, 0}
#define SIEMENS_PIN        {"AT^SPIC", "^SPIC", NULL, 0}    /* the same as Telit's */
#define SIERRA_PIN         {"AT+CPINC?", "+CPINC", NULL, 0}
#define OPTION_PIN         {"AT_OERCN?", "_OERCN", NULL, 0}
#define LONGCHEER_PIN      {"AT+CPNNUM", "PIN1=", NULL, 0}  /* PIN1=3; PUK1=10; … */
#define ALCATEL_PIN        {"AT+PNNM?", "+PNNM", NULL, 0}
#define ICERA_PIN          {"AT%PINNUM?", "%PINNUM", NULL, 0}
#define MBM_PIN            {"AT*EPIN?", "*EPIN", NULL, 0}
#define XMM_PIN            {"AT+XPINCNT", "+XPINCNT", NULL, 0}

/* 27.007's first.  The others only where it tells nothing: a modem that does not know a question says ERROR. */
static const struct quirks_pin ways[] = {
    {"AT+CPINR", "+CPINR", "SIM PIN", 1},
    HUAWEI_PIN, ZTE_PIN, SIMCOM_PIN, QUECTEL_PIN, QUECTEL_SERIAL_PIN, TELIT_PIN, U_BLOX_PIN, CINTERION_PIN,
    SIERRA_PIN, OPTION_PIN, LONGCHEER_PIN, ALCATEL_PIN, ICERA_PIN, MBM_PIN, XMM_PIN,
};
/* clang-format on */

const struct quirks_pin *quirks_pin_way(unsigned i)
{
    return i < sizeof ways / sizeof *ways ? &ways[i] : NULL;
}

/* ---- families ---- */

static const struct quirks rows[] = {
    {.name = "huawei",
     .transcript = "huawei_e173.at",
     .manufacturer = "huawei",
     .init = {"AT^CURC=0", "AT^USSDMODE=0"},
     .pin = HUAWEI_PIN,
     .iccid_query = "AT^ICCID?",
     .cnmi_mode_1 = true,
     .ussd_packed = true},
    /* +CPMS? ends the flood of +ZUSIMR, which else fills the stick's buffers until it crashes. */
    {.name = "zte",
     .transcript = "zte_mf190.at",
     .manufacturer = "zte",
     .init = {"AT+ZCDRUN=8", "AT+ZOPRT=5", "AT+CPMS?"},
     .pin = ZTE_PIN,
     .iccid_query = "AT+ZGETICCID"},
    {.name = "simcom-2g",
     .transcript = "sim800.at",
     .manufacturer = "simcom",
     .model = "SIM8",
     .pin = SIMCOM_PIN,
     .prompt_ms = 15000},
    {.name = "simcom-2g",
     .transcript = "sim900.at",
     .manufacturer = "simcom",
     .model = "SIM9",
     .pin = SIMCOM_PIN,
     .prompt_ms = 15000},
    {.name = "simcom",
     .transcript = "sim7600.at",
     .manufacturer = "simcom",
     .pin = SIMCOM_PIN,
     .iccid_query = "AT+CICCID",
     .cnmi_mode_1 = true},
    {.name = "quectel-serial",
     .transcript = "m95.at",
     .manufacturer = "quectel",
     .model = "M",
     .pin = QUECTEL_SERIAL_PIN,
     .iccid_query = "AT+QCCID"},
    {.name = "quectel",
     .transcript = "ec25.at",
     .manufacturer = "quectel",
     .init = {"AT+QURCCFG=\"urcport\",\"usbat\"", "AT+QINDCFG=\"csq\",0"},
     .pin = QUECTEL_PIN,
     .iccid_query = "AT+QCCID",
     .cnmi_mode_1 = true},
    {.name = "telit",
     .transcript = "telit_he910.at",
     .manufacturer = "telit",
     .init = {"AT#SELINT=2"},
     .pin = TELIT_PIN,
     .iccid_query = "AT#CCID"},
    {.name = "sierra",
     .transcript = "sierra_mc7455.at",
     .manufacturer = "sierra",
     .pin = SIERRA_PIN,
     .iccid_query = "AT!ICCID?"},
    {.name = "u-blox", .transcript = "pin.at", .manufacturer = "u-blox", .pin = U_BLOX_PIN},
    {.name = "cinterion",
     .transcript = "cinterion.at",
     .manufacturer = "cinterion",
     .init = {"AT^SCFG=\"URC/DstIfc\",\"app\""},
     .pin = CINTERION_PIN,
     .iccid_query = "AT^SCID",
     .faults = cinterion_faults},
    {.name = "siemens",
     .transcript = "siemens_mc35i.at",
     .manufacturer = "siemens",
     .pin = SIEMENS_PIN,
     .iccid_query = "AT^SCID",
     .faults = cinterion_faults},
    {.name = "wavecom",
     .transcript = "wavecom.at",
     .manufacturer = "wavecom",
     .init = {"AT+WIND=0"},
     .faults = wavecom_faults},
    {.name = "option", .transcript = "option_icon.at", .manufacturer = "option", .pin = OPTION_PIN},
    /* Reports +CDS, refuses +CNMA, and stops delivering when it is not acknowledged. */
    {.name = "novatel",
     .transcript = "novatel.at",
     .manufacturer = "novatel",
     .no_direct = true,
     .cnmi_mode_1 = true},
    {.name = "longcheer",
     .transcript = "longcheer.at",
     .manufacturer = "longcheer",
     .pin = LONGCHEER_PIN},
    {.name = "alcatel",
     .transcript = "alcatel_x200.at",
     .manufacturer = "alcatel",
     .pin = ALCATEL_PIN},
    {.name = "icera", .transcript = "icera.at", .manufacturer = "icera", .pin = ICERA_PIN},
    {.name = "mbm", .transcript = "mbm_f5521gw.at", .manufacturer = "ericsson", .pin = MBM_PIN},
    {.name = "xmm",
     .transcript = "xmm_l850.at",
     .manufacturer = "fibocom",
     .model = "L8",
     .pin = XMM_PIN},
};

static const struct quirks generic = {
    .name = "generic", .transcript = "generic.at", .manufacturer = ""};

/* "SIMCOM_SIM800L" and "Quectel_M95" carry the maker's name in front. */
static const char *behind_maker(const char *model)
{
    const char *mark = strrchr(model, '_');
    return mark ? mark + 1 : model;
}

bool quirks_fits(const struct quirks *row, const char *manufacturer, const char *model)
{
    if (!text_starts_nocase(manufacturer, row->manufacturer))
        return false;
    return !row->model || text_starts_nocase(model, row->model) ||
           text_starts_nocase(behind_maker(model), row->model);
}

const struct quirks *quirks_find(const char *manufacturer, const char *model)
{
    const struct quirks *mine = quirks_user_find(manufacturer, model);
    if (mine)
        return mine;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (quirks_fits(&rows[i], manufacturer, model))
            return &rows[i];
    return &generic;
}
