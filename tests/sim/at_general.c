/* Commands of V.250 and the general ones of 27.007.
   Refuses to know SMS.
   Promises the answers of a real modem, with and without prefixes as those have it. */
#include "at.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

static int flag(struct at_call *c, bool *what)
{
    int on = 0;
    if (!at_int(c, 0, 0, 0, 1, &on))
        return AT_ERROR;
    *what = on;
    return AT_OK;
}

static int echo(struct at_call *c)
{
    if (fault_take(c->m->faults, FAULT_ECHO, c->name, NULL))
        return AT_OK;
    return flag(c, &c->m->now->echo);
}

static int verbose(struct at_call *c)
{
    return flag(c, &c->m->now->verbose);
}

static int quiet(struct at_call *c)
{
    return flag(c, &c->m->now->quiet);
}

static int reset_profile(struct at_call *c)
{
    if (c->m->profile->z_hangs && c->name[0] == 'Z') {
        hang_set(c->m, "restart", "silent");
        return AT_SILENT;
    }
    c->m->now->echo = c->m->now->verbose = true;
    c->m->now->quiet = false;
    c->m->now->cmee = 0;
    return AT_OK;
}

static int nothing(struct at_call *c)
{
    (void)c;
    return AT_OK;
}

static int identify(struct at_call *c)
{
    const struct profile *p = c->m->profile;
    line_info(c->m, "%s\r\n%s\r\nRevision: %s", p->maker, p->model, p->revision ? p->revision : "");
    return AT_OK;
}

static int bare(struct at_call *c, const char *text)
{
    if (c->op == AT_SET || c->op == AT_READ)
        return AT_CME(50);
    if (c->op == AT_DO)
        line_info(c->m, "%s", text);
    return AT_OK;
}

static int maker(struct at_call *c)
{
    return bare(c, c->m->profile->maker);
}

static int model(struct at_call *c)
{
    return bare(c, c->m->profile->model);
}

static int revision(struct at_call *c)
{
    return c->m->profile->revision ? bare(c, c->m->profile->revision) : AT_ERROR;
}

static int serial(struct at_call *c)
{
    const char *suffix = c->m->profile->imei_suffix;
    char text[48];
    snprintf(text, sizeof text, "%s%s", c->m->imei, suffix ? suffix : "");
    return bare(c, text);
}

static int cmee(struct at_call *c)
{
    if (c->op == AT_TEST)
        line_info(c->m, "+CMEE: (0-2)");
    else if (c->op == AT_READ)
        line_info(c->m, "+CMEE: %d", c->m->now->cmee);
    else if (!at_int(c, 0, 0, 0, 2, &c->m->now->cmee))
        return AT_CME(50);
    return AT_OK;
}

static int cscs(struct at_call *c)
{
    if (c->op == AT_TEST)
        line_info(c->m, "+CSCS: (\"GSM\",\"IRA\",\"UCS2\")");
    if (c->op == AT_READ)
        line_info(c->m, "+CSCS: \"%s\"", c->m->at.cscs);
    if (c->op != AT_SET)
        return AT_OK;
    if (c->argc != 1 ||
        (strcmp(c->argv[0], "GSM") && strcmp(c->argv[0], "IRA") && strcmp(c->argv[0], "UCS2")))
        return AT_CME(50);
    snprintf(c->m->at.cscs, sizeof c->m->at.cscs, "%s", c->argv[0]);
    return AT_OK;
}

static int cclk(struct at_call *c)
{
    int zone = net_options.zone_quarters;
    time_t now = (time_t)(loop_wall_us() / 1000000 + zone * 900);
    struct tm tm = {0};
    char text[32];
    if (c->op != AT_READ)
        return AT_OK;
    gmtime_r(&now, &tm);
    strftime(text, sizeof text, "%m/%d,%H:%M:%S", &tm);
    line_info(c->m, "+CCLK: \"%02d/%s%+03d\"",
              c->m->profile->year4 ? tm.tm_year + 1900 : tm.tm_year % 100, text, zone);
    return AT_OK;
}

static int cfun(struct at_call *c)
{
    int fun = 1, restart = 0;
    if (c->op == AT_TEST)
        line_info(c->m, "+CFUN: (0,1,4),(0,1)");
    if (c->op == AT_READ && c->m->profile->cfun_text)
        line_info(c->m, "%s", c->m->profile->cfun_text);
    else if (c->op == AT_READ)
        line_info(c->m, "+CFUN: %d", c->m->at.cfun);
    if (c->op == AT_TEST || c->op == AT_READ)
        return AT_OK;
    if (!at_int(c, 0, 1, 0, 4, &fun) || !at_int(c, 1, 0, 0, 1, &restart) || fun == 2 || fun == 3)
        return AT_CME(50);
    if (restart) {
        modem_reset(c->m);
        line_put(c->m, "\r\nOK\r\n", 6);
        return AT_LATER;
    }
    c->m->at.cfun = fun;
    if (fun == 1)
        manner_busy_from_now(c->m);
    modem_radio(c->m, fun == 1);
    return AT_OK;
}

static int clip(struct at_call *c)
{
    if (c->op == AT_READ)
        line_info(c->m, "+CLIP: %d,1", c->m->at.clip);
    return c->op == AT_SET ? flag(c, &c->m->at.clip) : AT_OK;
}

static int hang_up(struct at_call *c)
{
    modem_hang_up(c->m);
    return AT_OK;
}

/* V.250 6.2.10; 0 is autobaud */
static int ipr(struct at_call *c)
{
    int rate = 0;
    if (c->op == AT_READ)
        line_info(c->m, "+IPR: %d", c->m->rate_fixed ? 115200 : 0);
    if (c->op == AT_SET && !at_int(c, 0, 0, 0, 4000000, &rate))
        return AT_CME(50);
    if (c->op == AT_SET)
        c->m->rate_fixed = rate != 0;
    return AT_OK;
}

static void list_name(const char *name, void *arg)
{
    line_info(arg, "AT%s", name);
}

static int clac(struct at_call *c)
{
    if (c->op == AT_DO)
        at_each_name(list_name, c->m);
    return AT_OK;
}

const struct at_row at_general[] = {
    {"E", echo, true},          {"V", verbose, true},        {"Q", quiet, true},
    {"Z", reset_profile, true}, {"&F", reset_profile, true}, {"&W", nothing, true},
    {"&D", nothing, true},      {"&C", nothing, true},       {"X", nothing, true},
    {"H", hang_up, true},       {"+CHUP", hang_up, true},    {"+CLIP", clip, false},
    {"I", identify, true},      {"+CGMI", maker, true},      {"+GMI", maker, true},
    {"+CGMM", model, true},     {"+GMM", model, true},       {"+CGMR", revision, true},
    {"+GMR", revision, true},   {"+CGSN", serial, true},     {"+GSN", serial, true},
    {"+CMEE", cmee, true},      {"+CSCS", cscs, true},       {"+CCLK", cclk, true},
    {"+CFUN", cfun, true},      {"+CLAC", clac, true},       {"+IPR", ipr, true},
    {"+ICF", nothing, true},    {"+IFC", nothing, true},     {NULL, NULL, false},
};
