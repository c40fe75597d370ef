/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Finding that journal.db is damaged, and going on. Floor 2. What is then done to it is salvage.c's.
 *
 *   at start     there is none although the vault has given out numbers; SQLite does not take it; its WAL holds commits
 *                that SQLite would pass over
 *                a cursor is behind what the vault remembers, or rows are fewer than the vault says, as in an older copy
 *   at any time  SQLite or a reader finds something that cannot be: journal.db is replaced between two jobs. Rows that
 *                wait in memory stay there, parcels that are open stay open, and the next commit goes to the new file
 */
#include <errno.h>
#include <string.h>
#include "engine.h"
#include "journal-error.h"
#include "root.h"
#include "salvage-pages.h"
#include "trailkeep/file.h"

/* Returns 1 when something has ever been recorded with this vault. */
static int vault_has_history(Vault *vault) {
        int64_t last = 0;
        int r;

        r = db_number(vault_db(vault), "SELECT seq FROM sqlite_sequence WHERE name = 'parcel'", &last);
        return r < 0 ? r : last > 0;
}

/* What is wrong before SQLite has the file; a kind or < 0. */
static int find_damage(Engine *engine, const char *path) {
        int r;

        if (!file_has_content(path)) {
                r = vault_has_history(engine->vault);
                return r > 0 ? DAMAGE_MISSING : r;
        }
        r = pages_wal_is_damaged(path);
        return r > 0 ? DAMAGE_BROKEN : r;
}

static int refuse_salvage(JournalError *error, int r, const char *path) {
        if (r == -ENOSPC)
                return journal_refuse(error, r, "%s is damaged, and there is no room to carry over what holds of it; "
                                                "nothing was lost by that: make room, as much as it takes itself", path);
        return journal_refuse(error, r, "%s is damaged, and what holds of it could not be carried over: %s; it was left "
                                        "as it is", path, strerror(-r));
}

/* With the room that is kept for what must not fail, if it takes that. */
static int carry_over(Engine *engine, DamageKind kind) {
        int r = engine_salvage(engine, kind);

        return r < 0 && engine_yield_reserve(engine, r) ? engine_salvage(engine, kind) : r;
}

static int open_whole(Engine *engine, const char *path, JournalError *error) {
        int r = lanes_open(path, vault_scope(engine->vault), &engine->db, error);

        return r == 0 ? engine_bound_wal(engine) : r;
}

/**
 * engine_open_lanes() - open journal.db, make it, or replace it if it is damaged or gone
 * @engine:     whose vault is open
 * @error:      filled on failure
 *
 * Return: 0; JOURNAL_E_CORRUPT: it is another vault's; JOURNAL_E_NEWER, JOURNAL_E_BUSY: nothing was touched; < 0.
 */
int engine_open_lanes(Engine *engine, JournalError *error) {
        _cleanup_free_ char *path = path_join(engine->dir, "journal.db");
        int kind, r;

        if (!path)
                return journal_refuse(error, -ENOMEM, "out of memory");
        r = engine_finish_salvage(engine);
        if (r >= 0)
                r = lanes_check_version(path, error);
        if (r > 0)
                return r;
        kind = r < 0 ? r : find_damage(engine, path);
        if (kind < 0)
                return journal_refuse_file(error, kind, path);
        r = kind == DAMAGE_NONE ? open_whole(engine, path, error) : -EBADMSG;
        if (r != -EBADMSG)
                return r;
        r = carry_over(engine, kind == DAMAGE_NONE ? DAMAGE_BROKEN : (DamageKind)kind);
        if (r < 0)
                return refuse_salvage(error, r, path);
        r = open_whole(engine, path, error);
        return r == -EBADMSG ? refuse_salvage(error, r, path) : r;
}

/**
 * engine_replace_lanes() - replace a damaged journal.db between two jobs
 * @engine:     whose journal.db is damaged, or closed since an earlier try failed
 *
 * Return: 0: what it means is still to be caught up with, open parcels are open, and rows wait; < 0: journal.db is closed,
 * and nothing can be done but to try again.
 */
int engine_replace_lanes(Engine *engine) {
        _cleanup_free_ char *path = path_join(engine->dir, "journal.db");
        JournalError error; /* its sentence is for a start */
        int r;

        if (!path)
                return -ENOMEM;
        engine->db = db_abandon(engine->db);
        engine->is_behind = true;
        r = engine->is_doubtful ? vault_reload(engine->vault) : 0;
        if (r >= 0)
                r = carry_over(engine, DAMAGE_BROKEN);
        if (r >= 0)
                r = open_whole(engine, path, &error);
        return r > 0 ? -EIO : r;
}

/**
 * engine_acknowledge_damage() - show what was damaged no more
 * @engine:     the engine
 *
 * Return: 0: it is on the medium; < 0: it is still shown.
 */
int engine_acknowledge_damage(Engine *engine) {
        _cleanup_transaction_ Db *transaction = NULL;
        int r;

        if (engine->damage.n_damages == 0)
                return 0;
        r = engine_vault_begin(engine, &transaction);
        if (r >= 0)
                r = damages_acknowledge(engine->vault);
        if (r >= 0)
                r = engine_vault_commit(engine, &transaction);
        if (r < 0)
                return r;
        engine->damage = (JournalDamage){ 0 };
        return 0;
}
