/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A thin face on SQLite: opening a file of ours, statements that are prepared once, transactions that roll back unless
 * committed, and SQLite's codes as ours. Floor 2, private to the journal.
 */
#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "trailkeep/bytes.h"
#include "trailkeep/macros.h"

typedef struct Db Db;

#define DB_PAGE_BYTES 4096 /* as PRAGMA page_size says */

enum {
        DB_E_NEWER = 1, /* outcome of db_open(): a later version wrote it */
        DB_E_BUSY,      /* of db_open(): somebody else has it open */
};

/* What a file of ours is. */
typedef struct DbFormat {
        uint32_t application_id; /* PRAGMA application_id */
        uint32_t version;        /* PRAGMA user_version: the number of steps */
        const char *journal_mode; /* in lower case, as SQLite answers */
        const char *pragmas;     /* run at each opening */
        const char *const *steps; /* SQL from each version to the next; a new file is at 0 */
} DbFormat;

typedef enum DbValueType { DB_VALUE_NULL, DB_VALUE_INT, DB_VALUE_BLOB, DB_VALUE_TEXT } DbValueType;

typedef struct DbValue {
        DbValueType type;
        int64_t number;
        const void *data; /* borrowed until the statement is reset */
        size_t size;
} DbValue;

#define DB_NULL ((DbValue){ .type = DB_VALUE_NULL })
#define DB_INT(x) ((DbValue){ .type = DB_VALUE_INT, .number = (int64_t)(x) })
#define DB_BLOB(p, n) ((DbValue){ .type = DB_VALUE_BLOB, .data = (p), .size = (n) })
#define DB_BYTES(b) DB_BLOB((b)->data, (b)->size)
#define DB_TEXT(s) ((DbValue){ .type = DB_VALUE_TEXT, .data = (s), .size = strlen(s) })

int db_check_version(const char *path, const DbFormat *format) _must_check_; /* DB_E_NEWER; opens and makes nothing */
int db_open(const char *path, const DbFormat *format, Db **ret) _must_check_;
int db_upgrade(Db *db, const DbFormat *format) _must_check_;
int db_open_copy(const char *path, const DbFormat *format, Db **ret) _must_check_; /* to be read only */
Db *db_free(Db *db);
DEFINE_CLEANUP(Db, db_free);
int db_execute(Db *db, const char *sql) _must_check_;

/* Damage: once something was read that cannot be, is_damaged() says so. */
int db_damaged(Db *db) _must_check_; /* for a reader that finds it: -EBADMSG */
bool db_is_damaged(const Db *db);
int db_check(Db *db) _must_check_; /* the structure of the whole file */
int db_open_damaged(const char *path, Db **ret) _must_check_; /* to read what can be read; nothing is written */
Db *db_abandon(Db *db); /* closes it without writing anything */

/* Statements: db_start(), then db_step() until it returns 0; the cleanup puts the statement back. */
int db_start_values(Db *db, const char *sql, const DbValue *values, size_t n_values, sqlite3_stmt **ret) _must_check_;
int db_step(Db *db, sqlite3_stmt *statement) _must_check_; /* 1: a row; 0: there is none left; < 0 */
void db_finish(sqlite3_stmt *statement);
static inline void db_finishp(sqlite3_stmt **statement) {
        db_finish(*statement);
}
#define _cleanup_statement_ _cleanup_(db_finishp)
#define DB_COUNT(...) (sizeof((const DbValue[]){ __VA_ARGS__ }) / sizeof(DbValue))
#define db_start(db, sql, ret, ...) \
        db_start_values(db, sql, (const DbValue[]){ __VA_ARGS__ }, DB_COUNT(__VA_ARGS__), ret)

/* One statement without rows. */
int db_run_values(Db *db, const char *sql, const DbValue *values, size_t n_values) _must_check_;
#define db_run(db, sql, ...) db_run_values(db, sql, (const DbValue[]){ __VA_ARGS__ }, DB_COUNT(__VA_ARGS__))
uint64_t db_changes(Db *db); /* rows the last statement changed */

typedef struct DbSize {
        uint64_t bytes;      /* of its pages, those included that only the WAL has yet */
        uint64_t free_bytes; /* of them: of pages that are empty and are used before it grows */
        uint64_t file_bytes, wal_bytes; /* of the files */
} DbSize;
int db_get_size(Db *db, DbSize *ret) _must_check_;

/* One number: 1 and the number, 0 when there is no row or it is NULL. */
int db_number_values(Db *db, const char *sql, const DbValue *values, size_t n_values, int64_t *ret) _must_check_;
#define db_number(db, sql, ret, ...) \
        db_number_values(db, sql, (const DbValue[]){ __VA_ARGS__ }, DB_COUNT(__VA_ARGS__), ret)

static inline uint64_t db_column_u64(sqlite3_stmt *statement, int column) {
        return (uint64_t)sqlite3_column_int64(statement, column);
}

/* A BLOB; only read through, valid until the next step, never freed. */
static inline Bytes db_column_bytes(sqlite3_stmt *statement, int column) {
        return (Bytes){ .data = (uint8_t *)sqlite3_column_blob(statement, column),
                        .size = (size_t)sqlite3_column_bytes(statement, column) };
}

/* A transaction lives in a variable with _cleanup_transaction_ and is rolled back unless committed. */
int db_begin(Db *db, Db **ret_transaction) _must_check_;
int db_commit(Db **transaction) _must_check_;
void db_rollbackp(Db **transaction);
#define _cleanup_transaction_ _cleanup_(db_rollbackp)
