/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A vault that is older than journal.db: somebody put it back from a backup. Floor 2.
 *
 * Numbers of parcels and erasures are never used twice, and journal.db relies on that: what has a number behind the
 * cursor counts as settled, and an erasure that stands in applied counts as done. An older vault would give them out
 * again, and what is recorded then would be taken for what is in the store already. So parcels go on behind the highest
 * number that journal.db has seen, and erasures that the vault does not know are forgotten there. After any other start
 * there is nothing to do.
 */
#include <stdio.h>
#include "engine.h"

static int used_parcel(Engine *engine, const char *sql, uint64_t *used) {
        int64_t id = 0;
        int r;

        r = db_number(engine->db, sql, &id);
        if (r >= 0)
                *used = MAX(*used, parcel_of((uint64_t)id));
        return MIN(r, 0);
}

/* What is stored lies behind the cursor, what is intended has its rows. */
static int last_used_parcel(Engine *engine, uint64_t *ret) {
        uint64_t used = 0;
        char sql[64];
        int r;

        r = used_parcel(engine, "SELECT max(cursor) FROM lane", &used);
        if (r >= 0)
                r = used_parcel(engine, "SELECT max(last) FROM object INDEXED BY object_doomed WHERE state = 4", &used);
        for (unsigned lane = 0; r >= 0 && lane < LANE_MAX; lane++) {
                (void)snprintf(sql, sizeof(sql), "SELECT max(id) FROM %s", lane_to_string((Lane)lane)); /* always fits */
                r = used_parcel(engine, sql, &used);
        }
        if (r < 0)
                return r;
        *ret = used;
        return 0;
}

static int skip_parcels(Engine *engine, uint64_t used) {
        _cleanup_transaction_ Db *transaction = NULL;
        Db *db = vault_db(engine->vault);
        int r;

        r = engine_vault_begin(engine, &transaction);
        if (r >= 0)
                r = db_run(db, "UPDATE sqlite_sequence SET seq = ? WHERE name = 'parcel'", DB_INT(used));
        if (r >= 0 && db_changes(db) == 0)
                r = db_run(db, "INSERT INTO sqlite_sequence(name, seq) VALUES('parcel', ?)", DB_INT(used));
        return r < 0 ? r : engine_vault_commit(engine, &transaction);
}

static int forget_erasures(Engine *engine) {
        _cleanup_transaction_ Db *transaction = NULL;
        int64_t last = 0;
        int r;

        r = db_number(vault_db(engine->vault), "SELECT max(request) FROM erasure", &last);
        if (r >= 0)
                r = db_begin(engine->db, &transaction);
        if (r >= 0)
                r = db_run(engine->db, "DELETE FROM applied WHERE erasure > ?", DB_INT(last));
        if (r >= 0)
                r = db_run(engine->db, "UPDATE object INDEXED BY object_doomed SET erasure = NULL"
                                       " WHERE state = 4 AND erasure > ?", DB_INT(last));
        return r < 0 ? r : db_commit(&transaction);
}

/**
 * engine_outrun() - give out no number again that journal.db has seen
 * @engine:     the engine, at start, with the cursors loaded
 *
 * Return: 0; < 0.
 */
int engine_outrun(Engine *engine) {
        uint64_t used;
        int64_t last = 0;
        int r;

        r = last_used_parcel(engine, &used);
        if (r >= 0)
                r = db_number(vault_db(engine->vault), "SELECT seq FROM sqlite_sequence WHERE name = 'parcel'", &last);
        if (r >= 0 && used > (uint64_t)last)
                r = skip_parcels(engine, used);
        return r < 0 ? r : forget_erasures(engine);
}
