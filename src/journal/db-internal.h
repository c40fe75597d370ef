/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What db.c and db-open.c share of a database. Floor 2, private to these two.
 */
#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include "trailkeep/macros.h"

typedef struct DbStatement {
        char *sql;
        const char *address; /* of the literal it was made from */
        sqlite3_stmt *statement;
} DbStatement;

struct Db {
        sqlite3 *sqlite;
        DbStatement *statements;
        size_t n_statements;
        bool has_size;   /* nothing was run since its size was asked for */
        DbSize size;
        bool is_damaged; /* SQLite or a reader found something that cannot be */
        bool has_failed; /* the last transaction */
};

int db_error(struct Db *db, int code) _must_check_; /* SQLite's code as ours */
