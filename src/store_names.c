/* store_names.c - accounts, modems and SIMs by number: rows refer to them by a small integer.
 * Refuses to know what they do.  Promises: what is remembered here is on disk, or was rolled back
 * and forgotten. */
#include <stdio.h>
#include <string.h>

#include "store_private.h"
#include "text.h"

static const struct {
    const char *find, *make;
} tables[] = {
    [DB_ACCOUNT] = {"SELECT id FROM account WHERE name=?1", "INSERT INTO account(name) VALUES(?1)"},
    [DB_MODEM] = {"SELECT id FROM modem WHERE name=?1", "INSERT INTO modem(name) VALUES(?1)"},
    [DB_SIM] = {"SELECT id FROM sim WHERE name=?1", "INSERT INTO sim(name) VALUES(?1)"},
};

static void remember(struct db *db, enum db_table table, const char *name, int64_t id)
{
    if (strlen(name) >= sizeof db->names[0].name)
        return;
    if (db->n_names == DB_NAMES)
        db->n_names = 0; /* many more names than modems: begin again */
    struct db_name *n = &db->names[db->n_names++];
    n->table = table;
    n->id = id;
    (void)text_copy(n->name, sizeof n->name, name);
}

enum err name_find(struct db *db, enum db_table table, const char *name, int64_t *id)
{
    for (unsigned i = 0; i < db->n_names; i++)
        if (db->names[i].table == table && !strcmp(db->names[i].name, name)) {
            *id = db->names[i].id;
            return OK;
        }
    int64_t found;
    enum err e = db_value(db, &found, 0, tables[table].find, ARGS(TEXT(name)));
    if (e)
        return e;
    if (!found)
        return ERR_NOT_FOUND;
    remember(db, table, name, found);
    *id = found;
    return OK;
}

enum err name_id(struct db *db, enum db_table table, const char *name, int64_t *id)
{
    enum err e = name_find(db, table, name, id);
    if (e != ERR_NOT_FOUND)
        return e;
    e = db_run(db, tables[table].make, ARGS(TEXT(name)));
    if (e)
        return e;
    *id = db_last_id(db);
    remember(db, table, name, *id);
    return OK;
}

enum err name_of_modem(struct db *db, int64_t id, char out[MODEM_NAME_MAX])
{
    sqlite3_stmt *q = NULL;
    out[0] = '\0';
    for (unsigned i = 0; i < db->n_names; i++) {
        if (db->names[i].table == DB_MODEM && db->names[i].id == id) {
            (void)text_copy(out, MODEM_NAME_MAX, db->names[i].name);
            return OK;
        }
    }
    enum err e = id > 0 ? db_row(db, &q, "SELECT name FROM modem WHERE id=?1", ARGS(INT(id))) : OK;
    if (q && !e)
        (void)text_copy(out, MODEM_NAME_MAX, db_text(q, 0));
    db_done(q);
    return e == ERR_EMPTY ? OK : e;
}

void names_forget(struct db *db)
{
    db->n_names = 0;
}

const char *sim_key(const char *modem, const char *iccid, char out[SIM_KEY_MAX])
{
    if (iccid && iccid[0])
        (void)snprintf(out, SIM_KEY_MAX, "%s", iccid);
    else
        (void)snprintf(out, SIM_KEY_MAX, "modem %s", modem ? modem : "");
    return out;
}

enum err sim_id(struct db *db, const char *modem, const char *iccid, int64_t *id)
{
    char key[SIM_KEY_MAX];
    return name_id(db, DB_SIM, sim_key(modem, iccid, key), id);
}

struct db_sim *sim_memory(struct db *db, int64_t id)
{
    for (unsigned i = 0; i < db->n_sims; i++)
        if (db->sims[i].id == id)
            return &db->sims[i];
    if (db->n_sims == DB_NAMES)
        db->n_sims = 0;
    db->sims[db->n_sims] = (struct db_sim){.id = id, .last_mr = -1, .kept_mr = -1};
    return &db->sims[db->n_sims++];
}

enum err random_id(const char *prefix, char out[RANDOM_ID_MAX])
{
    unsigned char octets[16];
    char hex[2 * sizeof octets + 1];
    enum err e = text_random(octets, sizeof octets);
    if (e)
        return e;
    text_hex_encode(octets, sizeof octets, hex);
    (void)snprintf(out, RANDOM_ID_MAX, "%s%s", prefix, hex);
    return OK;
}
