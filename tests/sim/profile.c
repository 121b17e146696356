/* The table of dialects, see profile.h.
   Refuses to know how they are spoken.
   Promises nothing about hardware: each row is drawn from manuals and reports, not from a recording. */
#include "profile.h"

#include <stddef.h>
#include <string.h>

static const char *const generic_boot[] = {"+CPIN: READY", "SMS Ready", NULL};
static const char *const generic_chatter[] = {"RING",
                                              "+CREG: 1",
                                              "^RSSI:17",
                                              "+ZUSIMR:2",
                                              "#QSS: 1",
                                              "+QIND: \"csq\",20,99",
                                              "Call Ready",
                                              "*PSUTTZ: 2026,1,2,3,4,5,\"+36\",0",
                                              "+CIEV: \"MESSAGE\",1",
                                              "_OSIGQ: 3,0",
                                              NULL};
static const char *const huawei_boot[] = {"^SYSSTART", "^SIMST:1", "^SRVST:2", NULL};
static const char *const huawei_chatter[] = {"^RSSI:18",
                                             "^MODE:5,4",
                                             "^HCSQ:\"WCDMA\",30,30,58",
                                             "^DSFLOWRPT:0000000A,00000000,00000000",
                                             "^BOOT:20433017,0,0,0,75",
                                             NULL};
static const char *const sim800_boot[] = {"RDY",        "+CFUN: 1",  "+CPIN: READY",
                                          "Call Ready", "SMS Ready", NULL};
static const char *const sim800_chatter[] = {"OVER-VOLTAGE WARNNING", "+CIEV: 10,\"00101\"",
                                             "*PSUTTZ: 2026,1,2,3,4,5,\"+36\",0", "DST: 0", NULL};

const struct profile profiles[] = {
    {
        .name = "generic",
        .maker = "Simulated",
        .model = "SIM-1",
        .revision = "1.0",
        .boot = generic_boot,
        .chatter = generic_chatter,
        .ports = {{0, ROLE_AT}},
        .port_n = 1,
        .prompt = "\r\n> ",
        .cnmi_range = "(0-2),(0-3),(0,2),(0-2),(0,1)",
        .memories = {"SM,ME,SR", "SM,ME", "SM,ME"},
        .first_index = 1,
        .csms1 = true,
        .ds1 = true,
        .ds2 = true,
    },
    {
        .name = "huawei", /* counts from 0, chatters on */
        .maker = "huawei",
        .model = "E173",
        .revision = "11.126.16.04.284",
        .boot = huawei_boot,
        .chatter = huawei_chatter,
        .ports = {{2, ROLE_AT}, {0, ROLE_AT_PPP}, {1, ROLE_SILENT}},
        .port_n = 3,
        .prompt = "\r\n> ",
        .cnmi_range = "(0,1,2),(0,1,2,3),(0,2),(0,1,2),(0,1)",
        .memories = {"SM,ME,SR", "SM,ME", "SM,ME"},
        .first_index = 0,
        .csms1 = true,
        .ds1 = true,
        .ds2 = true,
    },
    {
        .name = "sim800", /* no storage for reports */
        .maker = "SIMCOM_Ltd",
        .model = "SIMCOM_SIM800L",
        .revision = "Revision:1418B05SIM800L24",
        .boot = sim800_boot,
        .chatter = sim800_chatter,
        .ports = {{0, ROLE_AT}},
        .port_n = 1,
        .prompt = "\r\n> ",
        .cnmi_range = "(0-2),(0-3),(0,2),(0-1),(0-1)",
        .memories = {"SM,ME", "SM,ME", "SM,ME"},
        .first_index = 1,
        .csms1 = true,
        .ds1 = true,
    },
    {.name = NULL},
};

const char *role_name(enum role r)
{
    static const char *const names[] = {"at", "ppp", "nmea", "silent"};
    return names[r];
}

const struct profile *profile_named(const char *name)
{
    for (const struct profile *p = profiles; p->name; p++)
        if (!strcmp(p->name, name))
            return p;
    return NULL;
}
