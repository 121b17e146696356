/* farm_found.c - the modems that are looked for: which worker a found modem is.
 * Refuses to know USB.  A modem is its IMEI: [modem NAME] imei= is NAME wherever it is plugged in; others are m and
 * the last six digits, and keep name and memory as long as the daemon runs.
 * Promises: one worker a modem; of two that claim the same IMEI at once the second is named by its place. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "farm_private.h"
#include "log.h"

#define NAME_DIGITS 6
#define LISTEN_MS   5000 /* to an answer under way when an earlier program died */

/* ---- whose ---- */

static void name_by_place(const struct modem_found *m, char name[MODEM_NAME_MAX])
{
    snprintf(name, MODEM_NAME_MAX, "usb%.27s", m->place);
}

/* The one that is there already, else one with that IMEI (both without one: that had its name from this place) that is
 * nowhere. */
static struct worker *find_worker(struct farm *f, const struct modem_found *m)
{
    struct worker *free_one = NULL;
    char here[MODEM_NAME_MAX];
    name_by_place(m, here);
    for (size_t i = 0; i < farm_count(f); i++) {
        struct worker *w = &f->workers[i];
        bool same = w->imei[0] && modem_same_imei(w->imei, m->imei);
        if (!w->roams)
            continue;
        if (strcmp(w->place, m->place) == 0 && (same || !m->imei[0]))
            return w;
        bool was_here = strcmp(w->name, here) == 0;
        if (!w->place[0] && was_here && (same || (!m->imei[0] && !w->imei[0])))
            return w;
        if (same && !w->place[0] && !free_one)
            free_one = w;
    }
    return free_one;
}

/* A section with port= serves it: there is nothing to do. */
static bool has_port_of_its_own(struct farm *f, const struct modem_found *m)
{
    bool has = false;
    for (size_t i = 0; !has && i < farm_count(f); i++) {
        struct worker *w = &f->workers[i];
        pthread_mutex_lock(&w->lock);
        has = !w->roams && w->status.state != MODEM_GONE &&
              modem_same_imei(w->status.who.imei, m->imei);
        pthread_mutex_unlock(&w->lock);
    }
    return has;
}

static bool imei_is_taken(struct farm *f, const char *imei)
{
    for (size_t i = 0; i < farm_count(f); i++)
        if (f->workers[i].roams && modem_same_imei(f->workers[i].imei, imei))
            return true;
    return false;
}

/* m123456; where that is another's, the whole IMEI; without one, or with a copied one, the place: usb1-1.4. */
static void name_it(struct farm *f, const struct modem_found *m, char name[MODEM_NAME_MAX])
{
    size_t n = strlen(m->imei);
    snprintf(name, MODEM_NAME_MAX, "m%s", n > NAME_DIGITS ? m->imei + n - NAME_DIGITS : m->imei);
    if (farm_has(f, name))
        snprintf(name, MODEM_NAME_MAX, "m%s", m->imei);
    if (!m->imei[0] || imei_is_taken(f, m->imei))
        name_by_place(m, name);
}

static struct worker *new_worker(struct farm *f, const struct modem_found *m)
{
    struct modem_config config = *f->options.found;
    name_it(f, m, config.name);
    snprintf(config.imei, sizeof config.imei, "%s", m->imei);
    config.port[0] = '\0';
    enum err e = farm_has(f, config.name) ? ERR_CONFLICT : farm_add(f, &config);
    if (e) {
        log_error("farm", "modem imei=%s at %s cannot be used: %s", m->imei, m->place, err_str(e));
        return NULL;
    }
    log_info("farm", "found modem=%s imei=%s place=%s%s", config.name, m->imei, m->place,
             m->imei[0] ? "" : " (it does not tell its IMEI: named by its USB socket)");
    return &f->workers[farm_count(f) - 1];
}

/* ---- on the discovering thread ---- */

static void found(void *ctx, const struct modem_found *m)
{
    struct farm *f = ctx;
    struct worker *w = find_worker(f, m);
    if (!w && (m->ports.n == 0 || !f->options.found || has_port_of_its_own(f, m)))
        return;
    if (!w && !(w = new_worker(f, m)))
        return;
    snprintf(w->place, sizeof w->place, "%s", m->ports.n ? m->place : "");
    w->seen = true;
    modem_set_ports(w->modem, &m->ports);
}

/* Those that wait for a modem nobody has seen yet say what may be in its way. */
static void obstacle(void *ctx, const char *sentence)
{
    struct farm *f = ctx;
    struct modem_ports nowhere = {.late_mr = -1};
    snprintf(nowhere.why, sizeof nowhere.why, "not plugged in%s%.140s", *sentence ? "; " : "",
             sentence);
    for (size_t i = 0; i < farm_count(f); i++)
        if (f->workers[i].roams && !f->workers[i].seen)
            modem_set_ports(f->workers[i].modem, &nowhere);
}

/* ---- life ---- */

/* On the modem's thread. */
void farm_stranger(void *ctx, const char *modem, const char *port, const char *imei)
{
    struct worker *w = ctx;
    struct farm *f = w->farm;
    log_warn("farm", "modem=%s port=%s has another modem, imei=%s", modem, port, imei);
    pthread_mutex_lock(&f->lock);
    if (f->discover)
        discover_again(f->discover, port);
    pthread_mutex_unlock(&f->lock);
}

/* Was anything under way when an earlier program died?  On which modem, the store knows; where that one is, nobody. */
static int listen_ms(struct farm *f)
{
    uint64_t part = 0;
    enum err e = store_part_in_doubt(f->options.store, NULL, clk_wall_ms(), &part);
    return e || part ? LISTEN_MS : 0;
}

static bool anybody_roams(struct farm *f)
{
    for (size_t i = 0; i < farm_count(f); i++)
        if (f->workers[i].roams)
            return true;
    return f->options.found != NULL;
}

enum err farm_discover(struct farm *f)
{
    const struct farm_options *o = &f->options;
    struct discover_options options = {.found = found, .obstacle = obstacle, .ctx = f};
    if (!anybody_roams(f))
        return OK;
    f->reserved = calloc(o->count ? o->count : 1, sizeof *f->reserved);
    f->ports = calloc(o->count ? o->count : 1, sizeof *f->ports);
    if (!f->reserved || !f->ports)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < o->count; i++) {
        if (!o->modems[i].port[0])
            continue;
        memcpy(f->ports[options.reserved_count], o->modems[i].port, sizeof f->ports[0]);
        f->reserved[options.reserved_count] = f->ports[options.reserved_count];
        options.reserved_count++;
    }
    options.reserved = f->reserved;
    options.listen_ms = listen_ms(f);
    struct discover *d = NULL;
    enum err e = discover_start(&options, &d);
    pthread_mutex_lock(&f->lock);
    f->discover = d;
    pthread_mutex_unlock(&f->lock);
    return e;
}

void farm_undiscover(struct farm *f)
{
    pthread_mutex_lock(&f->lock);
    struct discover *d = f->discover;
    f->discover = NULL;
    pthread_mutex_unlock(&f->lock);
    discover_stop(d);
}
