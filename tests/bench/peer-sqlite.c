/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Measured: one table of SQLite with the journal's settings (WAL, synchronous=FULL, exclusive, pages of 4096 bytes).
 * Built twice, the second time against SQLCipher with a raw key. Neither has a thread of its own.
 */
#include <stdio.h>
#include <stdlib.h>
#ifdef SQLITE_HAS_CODEC
#include <sqlcipher/sqlite3.h>
#else
#include <sqlite3.h>
#endif
#include "peer.h"

struct Peer {
        const PeerSetup *setup;
        sqlite3 *sqlite;
        sqlite3_stmt *begin, *insert, *commit;
};

static void run_sql(Peer *peer, const char *sql) {
        must(sqlite3_exec(peer->sqlite, sql, NULL, NULL, NULL) == SQLITE_OK, sql);
}

static void run_statement(sqlite3_stmt *statement, const char *what) {
        must(sqlite3_step(statement) == SQLITE_DONE, what);
        (void)sqlite3_reset(statement); /* repeats the step's result */
}

static sqlite3_stmt *prepare(Peer *peer, const char *sql) {
        sqlite3_stmt *statement = NULL;

        must(sqlite3_prepare_v2(peer->sqlite, sql, -1, &statement, NULL) == SQLITE_OK, sql);
        return statement;
}

Peer *peer_open(const PeerSetup *setup) {
        Peer *peer = calloc(1, sizeof(*peer));
        char path[4096];

        must(peer, "calloc");
        peer->setup = setup;
        must(snprintf(path, sizeof(path), "%s/rows.db", setup->folder) < (int)sizeof(path), "naming the file");
        must(sqlite3_open_v2(path, &peer->sqlite,
                             SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK,
             "sqlite3_open_v2");
#ifdef SQLITE_HAS_CODEC
        run_sql(peer, "PRAGMA key = \"x'000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f'\";"
                      "PRAGMA cipher_page_size=4096");
#endif
        run_sql(peer, "PRAGMA locking_mode=EXCLUSIVE; PRAGMA page_size=4096; PRAGMA journal_mode=WAL;"
                      "PRAGMA synchronous=FULL; PRAGMA secure_delete=OFF; PRAGMA journal_size_limit=4194304;"
                      "PRAGMA wal_autocheckpoint=1000; PRAGMA cache_size=-256;"
                      "CREATE TABLE track(id INTEGER PRIMARY KEY, body BLOB NOT NULL)");
        peer->begin = prepare(peer, "BEGIN IMMEDIATE");
        peer->insert = prepare(peer, "INSERT INTO track(body) VALUES(?)");
        peer->commit = prepare(peer, "COMMIT");
        return peer;
}

void peer_commit(Peer *peer, unsigned n_records) {
        run_statement(peer->begin, "BEGIN");
        for (unsigned i = 0; i < n_records; i++) {
                must(sqlite3_bind_blob(peer->insert, 1, peer->setup->payload, (int)peer->setup->payload_bytes,
                                       SQLITE_STATIC) == SQLITE_OK,
                     "binding a value");
                run_statement(peer->insert, "INSERT");
        }
        run_statement(peer->commit, "COMMIT");
}

void peer_close(Peer *peer) {
        must(sqlite3_finalize(peer->begin) == SQLITE_OK && sqlite3_finalize(peer->insert) == SQLITE_OK &&
                     sqlite3_finalize(peer->commit) == SQLITE_OK && sqlite3_close(peer->sqlite) == SQLITE_OK,
             "closing");
        free(peer);
}
