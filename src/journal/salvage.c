/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A damaged or missing journal.db: what holds is carried over to a new one. Floor 2.
 *
 *   journal.db  --rows whose seal holds-->  journal.db.part  -> journal.db.salvaged -> journal.db
 *        `-------------------------------------------------------------------------> journal.db.damaged-N
 *
 *   salvage-wal.c, salvage-pages.c  what may be a row, from pages of which nothing is believed
 *   salvage-rows.c   rows and objects that prove themselves      salvage-small.c  what has no seal
 *   salvage-fill.c   cursors, counters, states; the places of lost rows
 *
 * The vault, which has the keys, is whole, or nothing is opened. The new file is filled under a name of its own, and
 * renamed once all of it is on the medium; a crash before leaves the old one in place and is done again, a crash behind
 * it is finished by the next start. So nothing is ever in between.
 *
 * The rules are: no unsent record is lost if its seal holds; none is sent again under another name if it can be known
 * that the store has it; what may lie in the store is in the catalogue, or doomed. Where two of them conflict the first
 * one wins.
 *
 * The damaged file is removed at once when nothing living in it was lost. Else it is kept, with its WAL, until the keys of
 * all parcels of that time are destroyed: what it holds cannot be read by then. So an erasure covers it without touching
 * it. Of more than FILES_MAX the oldest goes.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "marks.h"
#include "salvage.h"
#include "trailkeep/file.h"

#define FILES_MAX 4
#define NAME_MAX_SIZE 64

static void salvage_done(Salvage *salvage) {
        db_rollbackp(&salvage->transaction);
        db_free(salvage->catalogue.db);
        parcel_free(salvage->parcel);
}

/* Files in the state folder, relative to it. */
static int state_remove(Engine *engine, const char *name) {
        return unlinkat(engine->dir_fd, name, 0) < 0 && errno != ENOENT ? negative_errno() : 0;
}

/* 0 as well when there is none. */
static int state_rename(Engine *engine, const char *from, const char *to) {
        return renameat(engine->dir_fd, from, engine->dir_fd, to) < 0 && errno != ENOENT ? negative_errno() : 0;
}

static bool state_has(Engine *engine, const char *name) {
        return faccessat(engine->dir_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int state_sync(Engine *engine) {
        return fsync(engine->dir_fd) < 0 ? negative_errno() : 0;
}

static void damaged_name(char name[static NAME_MAX_SIZE], uint64_t id, const char *suffix) {
        (void)snprintf(name, NAME_MAX_SIZE, "journal.db.damaged-%llu%s", (unsigned long long)id, suffix); /* fits */
}

static int quarantine_remove(Engine *engine, uint64_t id) {
        char name[NAME_MAX_SIZE];
        int r;

        damaged_name(name, id, "-wal");
        r = state_remove(engine, name);
        damaged_name(name, id, "");
        return r < 0 ? r : state_remove(engine, name);
}

static int salvage_begin(Salvage *salvage) {
        static const char *const leftovers[] = { "journal.db.part", "journal.db.part-wal", "journal.db.part-journal" };
        _cleanup_free_ char *path = path_join(salvage->engine->dir, leftovers[0]);
        Vault *vault = salvage->engine->vault;
        JournalError error;
        int64_t last = 0;
        int r;

        if (!path)
                return -ENOMEM;
        for (size_t i = 0; i < ELEMENTSOF(leftovers); i++) {
                r = state_remove(salvage->engine, leftovers[i]);
                if (r < 0)
                        return r;
        }
        r = damage_next_id(vault, &salvage->damage.id);
        if (r >= 0)
                r = db_number(vault_db(vault), "SELECT seq FROM sqlite_sequence WHERE name = 'parcel'", &last);
        for (unsigned lane = 0; r >= 0 && lane < LANE_MAX; lane++)
                r = mark_load(vault, (Lane)lane, &salvage->marks[lane]);
        if (r < 0)
                return r;
        salvage->damage.last_parcel = (uint64_t)last;
        r = lanes_open(path, vault_scope(vault), &salvage->catalogue.db, &error);
        return r > 0 ? -EIO : r;
}

/* All of it is on the medium when this returns. */
static int salvage_carry_over(Salvage *salvage) {
        _cleanup_free_ char *path = path_join(salvage->engine->dir, "journal.db");
        int r;

        if (!path)
                return -ENOMEM;
        r = salvage_rows(salvage, path);
        if (r >= 0)
                r = salvage_small(salvage, path);
        if (r >= 0)
                r = salvage_lanes(salvage);
        if (r >= 0)
                r = salvage_fill(salvage);
        if (r >= 0)
                r = db_execute(salvage->catalogue.db, "PRAGMA wal_checkpoint(TRUNCATE)");
        salvage->catalogue.db = db_free(salvage->catalogue.db);
        return r;
}

/* Of the vault alone: there is no journal.db to go with it. */
static int vault_note(Engine *engine, int (*note)(Vault *vault, const Damage *damage), const Damage *damage) {
        _cleanup_transaction_ Db *transaction = NULL;
        int r;

        r = db_begin(vault_db(engine->vault), &transaction);
        if (r >= 0)
                r = note(engine->vault, damage);
        if (r < 0)
                return r;
        r = db_commit(&transaction);
        engine->is_doubtful |= r < 0;
        return r;
}

static int note_finished(Vault *vault, const Damage *damage) {
        return damages_finish(vault);
}

static int note_file_gone(Vault *vault, const Damage *damage) {
        return damage_drop_file(vault, damage->id);
}

/* Puts the new file in place of the old one. */
static int salvage_adopt(Engine *engine, uint64_t id, bool keeps_file) {
        char name[NAME_MAX_SIZE];
        int r;

        damaged_name(name, id, "");
        r = state_rename(engine, "journal.db", name);
        damaged_name(name, id, "-wal");
        if (r >= 0)
                r = state_rename(engine, "journal.db-wal", name);
        if (r >= 0)
                r = state_sync(engine);
        if (r >= 0)
                r = state_rename(engine, "journal.db.salvaged", "journal.db");
        if (r >= 0 && !keeps_file)
                r = quarantine_remove(engine, id);
        if (r >= 0)
                r = state_sync(engine);
        return r < 0 ? r : vault_note(engine, note_finished, NULL);
}

static int quarantine_limit(Engine *engine) {
        Damage damage = { .id = 0 }, oldest = { .id = 0 };
        size_t n = 0;
        int r;

        while ((r = damage_next_file(engine->vault, damage.id + 1, &damage)) > 0)
                if (n++ == 0)
                        oldest = damage;
        if (r < 0 || n <= FILES_MAX)
                return r;
        r = quarantine_remove(engine, oldest.id);
        return r < 0 ? r : vault_note(engine, note_file_gone, &oldest);
}

/**
 * engine_salvage() - carry over to a new journal.db what holds of the old one
 * @engine:     whose vault is open; journal.db is closed, and open parcels stay open
 * @kind:       what is wrong with it
 *
 * Return: 0: journal.db is in place and closed, and the damage is noted; < 0: the old one is where it was, and this can
 * be called again.
 */
int engine_salvage(Engine *engine, DamageKind kind) {
        _cleanup_(salvage_done) Salvage salvage = { .engine = engine };
        Damage *damage = &salvage.damage;
        int r;

        engine->db = db_abandon(engine->db);
        engine->reading = parcel_free(engine->reading);
        damage->kind = kind;
        damage->realtime_ms = (int64_t)(clock_realtime_usec(engine->clock) / USEC_PER_MSEC);
        r = salvage_begin(&salvage);
        if (r < 0)
                return r;
        salvage.catalogue.aead = vault_catalogue_aead(engine->vault);
        salvage.catalogue.scope = vault_scope(engine->vault);
        r = salvage_carry_over(&salvage);
        if (r < 0)
                return r;
        damage->has_file = kind == DAMAGE_BROKEN && (damage->lost > 0 || damage->objects_lost > 0);
        r = vault_note(engine, damage_insert, damage);
        if (r >= 0)
                r = state_rename(engine, "journal.db.part", "journal.db.salvaged");
        if (r >= 0)
                r = state_sync(engine);
        if (r >= 0)
                r = salvage_adopt(engine, damage->id, damage->has_file);
        return r < 0 ? r : quarantine_limit(engine);
}

/**
 * engine_finish_salvage() - finish what a crash interrupted
 * @engine:     whose vault is open, and journal.db is not
 *
 * Return: 0; < 0.
 */
int engine_finish_salvage(Engine *engine) {
        int64_t has_file = 0;
        uint64_t id;
        int r;

        if (!state_has(engine, "journal.db.salvaged"))
                return 0;
        r = damage_next_id(engine->vault, &id);
        if (r >= 0)
                r = db_number(vault_db(engine->vault), "SELECT has_file FROM damage WHERE id = ?", &has_file,
                              DB_INT(id));
        return r < 0 ? r : salvage_adopt(engine, id, has_file != 0);
}

/**
 * engine_drop_damaged() - remove damaged files of which nothing lives any more
 * @engine:     the engine
 *
 * Return: 0; < 0: to be tried again.
 */
int engine_drop_damaged(Engine *engine) {
        Damage damage = { .id = 0 };
        int r;

        while ((r = damage_next_file(engine->vault, damage.id + 1, &damage)) > 0) {
                int64_t parcel;

                r = db_number(vault_db(engine->vault), "SELECT id FROM parcel WHERE fate <= 3 AND id <= ? LIMIT 1",
                              &parcel, DB_INT(damage.last_parcel));
                if (r < 0)
                        return r;
                if (r > 0)
                        continue;
                r = quarantine_remove(engine, damage.id);
                if (r >= 0)
                        r = state_sync(engine);
                if (r >= 0)
                        r = vault_note(engine, note_file_gone, &damage);
                if (r < 0)
                        return r;
        }
        return r;
}
