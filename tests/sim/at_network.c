/* Commands about the network: registration, operator, signal.
   Refuses to know SMS.
   Promises the states that the control socket set. */
#include "at.h"

#include <string.h>
#include <strings.h>

static int reg(struct at_call *c)
{
    struct modem *m = c->m;
    int which = !strcasecmp(c->name, "+CREG") ? 0 : !strcasecmp(c->name, "+CGREG") ? 1 : 2;
    int *urc = &m->at.reg_urc[which];
    if (c->op == AT_TEST)
        line_info(m, "%s: (0-2)", c->name);
    else if (c->op == AT_READ && *urc == 2 && m->reg)
        line_info(m, "%s: 2,%d,\"1A2B\",\"00C3D4E5\"", c->name, m->reg);
    else if (c->op == AT_READ && m->profile->creg_after_ok) {
        line_put(m, "\r\nOK\r\n", 6);
        line_info(m, "%s: %d,%d", c->name, *urc, m->reg);
        return AT_SILENT;
    } else if (c->op == AT_READ)
        line_info(m, "%s: %d,%d", c->name, *urc, m->reg);
    else if (!at_int(c, 0, 0, 0, 2, urc))
        return AT_CME(50);
    return AT_OK;
}

static int csq(struct at_call *c)
{
    if (c->op == AT_TEST)
        line_info(c->m, "+CSQ: (0-31,99),(0-7,99)");
    else
        line_info(c->m, "+CSQ: %d,99", c->m->reg ? c->m->signal : 99);
    return AT_OK;
}

static int cops(struct at_call *c)
{
    if (c->op == AT_TEST)
        line_info(c->m, "+COPS: (2,\"Simnet Mobile\",\"Simnet\",\"23415\",7),,(0-4),(0-2)");
    if (c->op == AT_READ && modem_sms_service(c->m))
        line_info(c->m, "+COPS: 0,0,\"Simnet Mobile\",7");
    else if (c->op == AT_READ)
        line_info(c->m, "+COPS: 0");
    if (c->op == AT_SET && c->m->profile->cops_wedges && !strcmp(c->argv[0], "0")) {
        hang_set(c->m, "restart", "silent");
        return AT_SILENT;
    }
    return AT_OK;
}

const struct at_row at_network[] = {
    {"+CREG", reg, true}, {"+CGREG", reg, true},  {"+CEREG", reg, true},
    {"+CSQ", csq, true},  {"+COPS", cops, false}, {NULL, NULL, false},
};
