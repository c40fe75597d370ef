/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * journal.db. Floor 2.
 *
 * An SQLite database (application_id 0x746b6a6e "tkjn", user_version 2) in WAL with synchronous=FULL, pages of 4096
 * bytes, no auto_vacuum and secure_delete OFF (Debian's library has it ON by default): one fdatasync for a commit, and
 * nothing in it is worth overwriting, since bodies and labels are sealed.
 *
 *   journal   one row, id 1: installation, the vault's that this file belongs to
 *   lane      id (enum Lane), cursor, stored, parked, expired, erased, objects, evicted: see below; seal: of these, see
 *             lane-states.c; NULL: of an earlier version, until the next start
 *   alarm, event, track, diagnostics: the rows of a lane
 *     id      parcel << 20 | n, n counting from 0 without holes within a parcel
 *     body    sealed under the parcel's key (aead.c), additional data as in seal.c; the plain text is that of record.c
 *   media     the same, but the plain text begins with offset and length (packed numbers) of the bytes in the parcel's
 *             segment, see segments.c, and their seal's tag (16 bytes); length 0: it has none
 *   object    see objects.c       gap       see gaps.c
 *   parked    lane, first, last (record ids, both inclusive), reason: the cursor has passed them, shown until resolved
 *   dead      parcel, lane: its key is destroyed and it is counted; rows may still be there
 *   applied   erasure, objects: what that erasure of the vault means for this file is done; how many objects it doomed
 *
 * There is no index over rows beside their id, which costs more flash than the encryption, and no counter is written
 * when rows are: they are counted at start, by two seeks for each parcel behind the cursor. For each lane always
 *
 *   records ever durable = stored + parked + expired + evicted + erased + rows behind the cursor in living parcels
 *
 * A parcel's share moves into expired, evicted or erased in the transaction that enters it into dead, so that it is counted once
 * whatever happens. Rows are deleted from the lowest id up, in slices, which keeps what is left of a parcel free of
 * holes.
 */
#include <errno.h>
#include <string.h>
#include "journal-error.h"
#include "lanes.h"

_Static_assert(LANE_MEDIA == 4 && LANE_MAX == 5, "the second step says so");

/* From each version to the next. What a version once was is never changed. */
static const char *const lanes_steps[] = {
        /* 1 */
        "CREATE TABLE journal(id INTEGER PRIMARY KEY CHECK (id = 1), installation BLOB NOT NULL);"
        "CREATE TABLE lane(id INTEGER PRIMARY KEY, cursor INTEGER NOT NULL, stored INTEGER NOT NULL,"
        " parked INTEGER NOT NULL, expired INTEGER NOT NULL, erased INTEGER NOT NULL,"
        " objects INTEGER NOT NULL);"
        "CREATE TABLE alarm(id INTEGER PRIMARY KEY, body BLOB NOT NULL);"
        "CREATE TABLE event(id INTEGER PRIMARY KEY, body BLOB NOT NULL);"
        "CREATE TABLE track(id INTEGER PRIMARY KEY, body BLOB NOT NULL);"
        "CREATE TABLE diagnostics(id INTEGER PRIMARY KEY, body BLOB NOT NULL);"
        "CREATE TABLE object(id INTEGER PRIMARY KEY AUTOINCREMENT, lane INTEGER NOT NULL,"
        " purpose INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, state INTEGER NOT NULL,"
        " erasure INTEGER, label BLOB NOT NULL);"
        "CREATE INDEX object_open ON object(lane, first) WHERE state <= 2;"
        "CREATE INDEX object_doomed ON object(erasure) WHERE state = 4;"
        "CREATE TABLE parked(lane INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,"
        " reason TEXT NOT NULL, PRIMARY KEY(lane, first)) WITHOUT ROWID;"
        "CREATE TABLE dead(parcel INTEGER PRIMARY KEY, lane INTEGER NOT NULL);"
        "CREATE TABLE applied(erasure INTEGER PRIMARY KEY, objects INTEGER NOT NULL);",
        /* 2 */
        "CREATE TABLE gap(id INTEGER PRIMARY KEY AUTOINCREMENT, lane INTEGER NOT NULL, purpose INTEGER NOT NULL,"
        " reason INTEGER NOT NULL, parcel INTEGER NOT NULL, body BLOB NOT NULL);"
        "CREATE TABLE media(id INTEGER PRIMARY KEY, body BLOB NOT NULL);"
        "INSERT INTO lane VALUES(4, 0, 0, 0, 0, 0, 0);"
        "ALTER TABLE lane ADD COLUMN evicted INTEGER NOT NULL DEFAULT 0;"
        "ALTER TABLE lane ADD COLUMN seal BLOB;",
};

static const DbFormat lanes_format = {
        .application_id = 0x746b6a6e,
        .version = ELEMENTSOF(lanes_steps),
        .journal_mode = "wal",
        .pragmas = "PRAGMA synchronous=FULL; PRAGMA secure_delete=OFF; PRAGMA journal_size_limit=4194304;"
                   "PRAGMA wal_autocheckpoint=1000; PRAGMA cache_size=-256", /* LANES_WAL_PAGES */
        .steps = lanes_steps,
};

static int lanes_create(Db *db, const SealScope *scope) {
        _cleanup_transaction_ Db *transaction = NULL;
        int r;

        r = db_begin(db, &transaction);
        if (r < 0)
                return r;
        r = db_run(db, "INSERT INTO journal VALUES(1, ?)", DB_BLOB(scope->installation, INSTALLATION_SIZE));
        for (unsigned lane = 0; r >= 0 && lane < LANE_MAX; lane++)
                r = db_run(db, "INSERT OR IGNORE INTO lane VALUES(?, 0, 0, 0, 0, 0, 0, 0, NULL)", DB_INT(lane));
        return r < 0 ? r : db_commit(&transaction);
}

/* Returns 1 when it belongs to the vault, 0 when it is new, -EXDEV when it belongs to another one. */
static int lanes_check_owner(Db *db, const SealScope *scope) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r;

        r = db_start(db, "SELECT installation FROM journal", &statement);
        if (r < 0)
                return r;
        r = db_step(db, statement);
        if (r <= 0)
                return r;
        if (sqlite3_column_bytes(statement, 0) != INSTALLATION_SIZE ||
            memcmp(sqlite3_column_blob(statement, 0), scope->installation, INSTALLATION_SIZE) != 0)
                return -EXDEV;
        return 1;
}

/**
 * lanes_check_version() - whether a later version wrote journal.db
 * @path:       of the file
 * @error:      filled when it did
 *
 * Return: 0; JOURNAL_E_NEWER; < 0.
 */
int lanes_check_version(const char *path, JournalError *error) {
        int r = db_check_version(path, &lanes_format);

        return r == DB_E_NEWER ? journal_refuse_file(error, r, path) : r;
}

/**
 * lanes_open() - open journal.db, or make it
 * @path:       of the file
 * @scope:      of the vault it belongs to
 * @ret:        owned by the caller; untouched on failure
 * @error:      filled on failure
 *
 * Return: 0; -EBADMSG: it is damaged, nothing was said or touched; JOURNAL_E_CORRUPT: it is another vault's;
 * JOURNAL_E_NEWER, JOURNAL_E_BUSY; < 0.
 */
int lanes_open(const char *path, const SealScope *scope, Db **ret, JournalError *error) {
        _cleanup_(db_freep) Db *db = NULL;
        int r;

        r = db_open(path, &lanes_format, &db);
        if (r == -EBADMSG)
                return r;
        if (r != 0)
                return journal_refuse_file(error, r, path);
        r = lanes_check_owner(db, scope);
        if (r == 0)
                r = lanes_create(db, scope);
        else if (r > 0)
                r = db_upgrade(db, &lanes_format);
        if (r == -EXDEV)
                return journal_refuse(error, JOURNAL_E_CORRUPT,
                                      "%s does not belong to the vault.db beside it; both were left as they are: put "
                                      "together what belongs together", path);
        if (r == -EBADMSG) {
                db = db_abandon(db);
                return r;
        }
        if (r < 0)
                return journal_refuse_file(error, r, path);
        *ret = TAKE_PTR(db);
        return 0;
}

/**
 * lanes_open_copy() - open journal.db to read what is in plain text
 * @path:       of the file
 * @ret:        owned by the caller; untouched on failure
 *
 * Return: as db_open_copy().
 */
int lanes_open_copy(const char *path, Db **ret) {
        return db_open_copy(path, &lanes_format, ret);
}

/**
 * lane_insert() - add a row
 * @db:         journal.db, within a transaction
 * @lane:       where
 * @id:         of the record
 * @body:       sealed
 *
 * Return: 0; -EEXIST; < 0.
 */
int lane_insert(Db *db, Lane lane, uint64_t id, const Bytes *body) {
        LANE_SQL(insert, "INSERT INTO ", "(id, body) VALUES(?, ?)");

        return db_run(db, insert[lane], DB_INT(id), DB_BYTES(body));
}

/**
 * lane_bounds() - the lowest and the highest row in a range
 * @db:         journal.db
 * @lane:       where
 * @from:       lowest id
 * @to:         highest id
 * @ret_bounds: lowest and highest id, filled when 1 is returned
 *
 * Return: 1; 0 if there is no row; < 0.
 */
int lane_bounds(Db *db, Lane lane, uint64_t from, uint64_t to, uint64_t ret_bounds[static 2]) {
        LANE_SQL(lowest, "SELECT min(id) FROM ", " WHERE id BETWEEN ? AND ?");
        LANE_SQL(highest, "SELECT max(id) FROM ", " WHERE id BETWEEN ? AND ?");
        int64_t first, last;
        int r;

        r = db_number(db, lowest[lane], &first, DB_INT(from), DB_INT(to));
        if (r <= 0)
                return r;
        r = db_number(db, highest[lane], &last, DB_INT(from), DB_INT(to));
        if (r <= 0)
                return r < 0 ? r : db_damaged(db);
        ret_bounds[0] = (uint64_t)first;
        ret_bounds[1] = (uint64_t)last;
        return 1;
}

/**
 * lane_count() - number of rows in a range that lies within one parcel
 * @db:         journal.db
 * @lane:       where
 * @from:       lowest id
 * @to:         highest id
 * @ret:        the number; untouched on failure
 *
 * Return: 0; < 0.
 */
int lane_count(Db *db, Lane lane, uint64_t from, uint64_t to, uint64_t *ret) {
        uint64_t bounds[2] = { 0 };
        int r;

        if (from > to) {
                *ret = 0;
                return 0;
        }
        r = lane_bounds(db, lane, from, to, bounds);
        if (r < 0)
                return r;
        *ret = r > 0 ? bounds[1] - bounds[0] + 1 : 0;
        return 0;
}

/**
 * lane_start_rows() - read rows in order
 * @db:         journal.db
 * @lane:       where
 * @from:       lowest id
 * @to:         highest id
 * @ret:        statement with the columns id and body; given back with db_finish(); untouched on failure
 *
 * Return: 0; < 0.
 */
int lane_start_rows(Db *db, Lane lane, uint64_t from, uint64_t to, sqlite3_stmt **ret) {
        LANE_SQL(select, "SELECT id, body FROM ", " WHERE id BETWEEN ? AND ? ORDER BY id");

        return db_start(db, select[lane], ret, DB_INT(from), DB_INT(to));
}

/**
 * lane_delete() - delete rows
 * @db:         journal.db, within a transaction
 * @lane:       where
 * @from:       lowest id
 * @to:         highest id
 *
 * Return: 0; < 0.
 */
int lane_delete(Db *db, Lane lane, uint64_t from, uint64_t to) {
        LANE_SQL(delete, "DELETE FROM ", " WHERE id BETWEEN ? AND ?");

        return db_run(db, delete[lane], DB_INT(from), DB_INT(to));
}

/**
 * parked_insert() - note a range that the store will not have
 * @db:         journal.db, within a transaction
 * @lane:       where
 * @first:      lowest id
 * @last:       highest id
 * @reason:     why; shown, so without anybody's data in it
 *
 * Return: 0; -EEXIST; < 0.
 */
int parked_insert(Db *db, Lane lane, uint64_t first, uint64_t last, const char *reason) {
        return db_run(db, "INSERT INTO parked VALUES(?, ?, ?, ?)", DB_INT(lane), DB_INT(first), DB_INT(last),
                      DB_TEXT(reason));
}

/**
 * parked_count() - number of parked records in a range
 * @db:         journal.db
 * @lane:       where
 * @from:       lowest id
 * @to:         highest id
 * @ret:        the number; untouched on failure
 *
 * Return: 0; < 0.
 */
int parked_count(Db *db, Lane lane, uint64_t from, uint64_t to, uint64_t *ret) {
        int64_t n = 0;
        int r;

        r = db_number(db, "SELECT sum(last - first + 1) FROM parked WHERE lane = ? AND first BETWEEN ? AND ?", &n,
                      DB_INT(lane), DB_INT(from), DB_INT(to));
        if (r < 0)
                return r;
        *ret = (uint64_t)n;
        return 0;
}

/**
 * parked_delete() - forget the parked ranges within a range
 * @db:         journal.db, within a transaction
 * @lane:       where
 * @from:       lowest id
 * @to:         highest id
 *
 * Return: 0; < 0.
 */
int parked_delete(Db *db, Lane lane, uint64_t from, uint64_t to) {
        return db_run(db, "DELETE FROM parked WHERE lane = ? AND first BETWEEN ? AND ?", DB_INT(lane), DB_INT(from),
                      DB_INT(to));
}

/**
 * dead_insert() - note that a parcel is counted and its rows are to go
 * @db:         journal.db, within a transaction
 * @parcel:     its key is destroyed
 * @lane:       of the parcel
 *
 * Return: 1; 0 if it was noted before; < 0.
 */
int dead_insert(Db *db, uint64_t parcel, Lane lane) {
        int r;

        r = db_run(db, "INSERT OR IGNORE INTO dead VALUES(?, ?)", DB_INT(parcel), DB_INT(lane));
        return r < 0 ? r : (int)db_changes(db);
}

/**
 * dead_delete() - its rows are gone
 * @db:         journal.db, within a transaction
 * @parcel:     which
 *
 * Return: 0; < 0.
 */
int dead_delete(Db *db, uint64_t parcel) {
        return db_run(db, "DELETE FROM dead WHERE parcel = ?", DB_INT(parcel));
}

/**
 * dead_next() - a parcel whose rows are to go
 * @db:         journal.db
 * @ret_parcel: filled when 1 is returned
 * @ret_lane:   filled when 1 is returned
 *
 * Return: 1; 0 if there is none; < 0.
 */
int dead_next(Db *db, uint64_t *ret_parcel, Lane *ret_lane) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r;

        r = db_start(db, "SELECT parcel, lane FROM dead ORDER BY parcel LIMIT 1", &statement);
        if (r < 0)
                return r;
        r = db_step(db, statement);
        if (r <= 0)
                return r;
        if (db_column_u64(statement, 1) >= LANE_MAX)
                return db_damaged(db);
        *ret_parcel = db_column_u64(statement, 0);
        *ret_lane = (Lane)sqlite3_column_int(statement, 1);
        return 1;
}
