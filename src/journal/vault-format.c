/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The tables of vault.db, from version to version. Floor 2. What they hold stands at the head of vault.c.
 */
#include "vault.h"

/* From each version to the next. What a version once was is never changed. */
static const char *const vault_steps[] = {
        /* 1 */
        "CREATE TABLE vault(id INTEGER PRIMARY KEY CHECK (id = 1), installation BLOB NOT NULL,"
        " incarnation INTEGER NOT NULL, salt BLOB NOT NULL, ledger_key BLOB NOT NULL,"
        " catalogue_key BLOB NOT NULL, ledger_head BLOB NOT NULL, powered_on_usec INTEGER NOT NULL,"
        " boot BLOB NOT NULL, boottime_usec INTEGER NOT NULL);"
        "CREATE TABLE parcel(id INTEGER PRIMARY KEY AUTOINCREMENT, lane INTEGER NOT NULL,"
        " purpose INTEGER NOT NULL, algorithm INTEGER NOT NULL, fate INTEGER NOT NULL,"
        " opened_on_usec INTEGER NOT NULL, erasure BLOB NOT NULL, key BLOB NOT NULL, label BLOB NOT NULL,"
        " extent BLOB NOT NULL);"
        "CREATE TABLE ledger(seq INTEGER PRIMARY KEY, commitment BLOB NOT NULL, hash BLOB NOT NULL,"
        " entry BLOB NOT NULL);"
        "CREATE TRIGGER ledger_keep_update BEFORE UPDATE ON ledger BEGIN"
        " SELECT RAISE(ABORT, 'the ledger is append-only'); END;"
        "CREATE TRIGGER ledger_keep_delete BEFORE DELETE ON ledger BEGIN"
        " SELECT RAISE(ABORT, 'the ledger is append-only'); END;"
        "CREATE TABLE erasure(request INTEGER PRIMARY KEY, reclaimed INTEGER NOT NULL DEFAULT 0,"
        " body BLOB NOT NULL);",
        /* 2 */
        "CREATE TABLE session(id INTEGER PRIMARY KEY, body BLOB NOT NULL);"
        "CREATE TABLE mark(lane INTEGER PRIMARY KEY, body BLOB NOT NULL);"
        "CREATE TABLE damage(id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, realtime_ms INTEGER NOT NULL,"
        " records INTEGER NOT NULL, lost INTEGER NOT NULL, objects_lost INTEGER NOT NULL,"
        " last_parcel INTEGER NOT NULL, has_file INTEGER NOT NULL, is_done INTEGER NOT NULL, is_seen INTEGER NOT NULL);"
        "CREATE TABLE evidence(strand INTEGER NOT NULL, seq INTEGER NOT NULL, chain INTEGER NOT NULL,"
        " kind INTEGER NOT NULL, ref INTEGER NOT NULL, n INTEGER NOT NULL, digest BLOB NOT NULL,"
        " made_on_usec INTEGER NOT NULL, clock INTEGER NOT NULL, before BLOB NOT NULL, tag BLOB NOT NULL,"
        " PRIMARY KEY(strand, seq)) WITHOUT ROWID;"
        "CREATE TABLE evidence_head(strand INTEGER PRIMARY KEY, chain BLOB NOT NULL, first BLOB NOT NULL,"
        " seq BLOB NOT NULL, tag BLOB NOT NULL, key BLOB NOT NULL, seal BLOB NOT NULL);"
        "CREATE TABLE ledger_volume(id INTEGER PRIMARY KEY CHECK (id = 1), body BLOB NOT NULL);",
};

static const DbFormat format = {
        .application_id = 0x746b7674,
        .version = ELEMENTSOF(vault_steps),
        .journal_mode = "truncate",
        .pragmas = "PRAGMA synchronous=FULL; PRAGMA secure_delete=ON; PRAGMA cache_size=-128",
        .steps = vault_steps,
};

/**
 * vault_format() - what a vault.db is
 *
 * Return: the format, for good.
 */
const DbFormat *vault_format(void) {
        return &format;
}

/**
 * vault_open_copy() - open a vault to read what is in plain text
 * @path:       of vault.db
 * @ret:        owned by the caller; untouched on failure
 *
 * Return: as db_open_copy().
 */
int vault_open_copy(const char *path, Db **ret) {
        return db_open_copy(path, &format, ret);
}
