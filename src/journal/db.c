/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Statements and transactions on SQLite. Floor 2. Opening is in db-open.c.
 *
 * Statements are prepared once and kept; looking one up compares addresses first, since nearly all SQL here is literal.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include "db.h"
#include "db-internal.h"

/**
 * db_error() - the one place where SQLite's codes become ours
 * @db:         that gave it
 * @code:       what it gave, extended or not
 *
 * Return: 0; < 0.
 */
int db_error(Db *db, int code) {
        int system_errno;

        switch (code & 0xff) {
        case SQLITE_OK:
        case SQLITE_ROW:
        case SQLITE_DONE:
                return 0;
        case SQLITE_FULL:
                return -ENOSPC;
        case SQLITE_NOMEM:
                return -ENOMEM;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
        case SQLITE_FORMAT:
                return db_damaged(db);
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
                return -EBUSY;
        case SQLITE_READONLY:
                return -EROFS;
        case SQLITE_PERM:
                return -EACCES;
        case SQLITE_CONSTRAINT:
                return -EEXIST;
        case SQLITE_TOOBIG:
                return -EFBIG;
        }
        system_errno = db->sqlite ? sqlite3_system_errno(db->sqlite) : 0;
        /* Where a file cannot be opened for writing SQLite tries to read it and does not make it, then reports why the
         * second failed, or that it cannot write there: true, and of no use to anybody. */
        if (system_errno == ENOENT || system_errno == EBADF)
                return -EIO;
        return system_errno > 0 ? -system_errno : -EIO;
}

/**
 * db_damaged() - note that something was read that cannot be
 * @db:         where
 *
 * Return: -EBADMSG.
 */
int db_damaged(Db *db) {
        db->is_damaged = true;
        return -EBADMSG;
}

/**
 * db_is_damaged() - whether something was read that cannot be
 * @db:         the database
 *
 * Return: whether it was.
 */
bool db_is_damaged(const Db *db) {
        return db->is_damaged;
}

/**
 * db_execute() - run SQL that has neither values nor rows
 * @db:         the database
 * @sql:        one or more statements
 *
 * Return: 0; < 0. What the statements before a failed one did stays, unless in a transaction.
 */
int db_execute(Db *db, const char *sql) {
        db->has_size = false;
        return db_error(db, sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL));
}

static sqlite3_stmt *db_find_statement(Db *db, const char *sql) {
        for (size_t i = 0; i < db->n_statements; i++)
                if (db->statements[i].address == sql && strcmp(db->statements[i].sql, sql) == 0)
                        return db->statements[i].statement;
        for (size_t i = 0; i < db->n_statements; i++)
                if (strcmp(db->statements[i].sql, sql) == 0)
                        return db->statements[i].statement;
        return NULL;
}

static int db_add_statement(Db *db, const char *sql, sqlite3_stmt **ret) {
        DbStatement added = { .address = sql };
        DbStatement *statements;
        int r;

        statements = realloc(db->statements, (db->n_statements + 1) * sizeof(*statements));
        if (!statements)
                return -ENOMEM;
        db->statements = statements;
        added.sql = strdup(sql);
        if (!added.sql)
                return -ENOMEM;
        r = db_error(db, sqlite3_prepare_v3(db->sqlite, sql, -1, SQLITE_PREPARE_PERSISTENT, &added.statement, NULL));
        if (r < 0) {
                free(added.sql);
                return r;
        }
        statements[db->n_statements++] = added;
        *ret = added.statement;
        return 0;
}

static int db_bind(sqlite3_stmt *statement, int i, const DbValue *value) {
        switch (value->type) {
        case DB_VALUE_NULL:
                return sqlite3_bind_null(statement, i);
        case DB_VALUE_INT:
                return sqlite3_bind_int64(statement, i, value->number);
        case DB_VALUE_BLOB:
                return sqlite3_bind_blob64(statement, i, value->data, value->size, SQLITE_STATIC);
        case DB_VALUE_TEXT:
                return sqlite3_bind_text64(statement, i, value->data, value->size, SQLITE_STATIC, SQLITE_UTF8);
        }
        return SQLITE_MISUSE;
}

/**
 * db_start_values() - get a statement ready; use db_start()
 * @db:         the database
 * @sql:        one statement; prepared at its first use
 * @values:     for its parameters in order; what they point to must live until db_finish()
 * @n_values:   number of them
 * @ret:        belongs to @db; given back with db_finish(); untouched on failure
 *
 * Return: 0; < 0.
 */
int db_start_values(Db *db, const char *sql, const DbValue *values, size_t n_values, sqlite3_stmt **ret) {
        sqlite3_stmt *statement = db_find_statement(db, sql);
        int r;

        if (!statement) {
                r = db_add_statement(db, sql, &statement);
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < n_values; i++) {
                r = db_error(db, db_bind(statement, (int)i + 1, &values[i]));
                if (r < 0) {
                        db_finish(statement);
                        return r;
                }
        }
        *ret = statement;
        return 0;
}

/**
 * db_step() - go to the next row
 * @db:         the database
 * @statement:  from db_start()
 *
 * Return: 1: there is a row; 0: there is none left; < 0.
 */
int db_step(Db *db, sqlite3_stmt *statement) {
        int code = sqlite3_step(statement);

        return code == SQLITE_ROW ? 1 : db_error(db, code);
}

/**
 * db_finish() - give a statement back
 * @statement:  from db_start(), or NULL
 */
void db_finish(sqlite3_stmt *statement) {
        if (!statement)
                return;
        /* It repeats the failure of the last step, which was reported there. */
        (void)sqlite3_reset(statement);
        (void)sqlite3_clear_bindings(statement); /* cannot fail */
}

/**
 * db_run_values() - run one statement that gives no rows; use db_run()
 * @db:         the database
 * @sql:        the statement
 * @values:     for its parameters, in order
 * @n_values:   number of them
 *
 * Return: 0; -EEXIST if a constraint or a trigger forbids it; < 0.
 */
int db_run_values(Db *db, const char *sql, const DbValue *values, size_t n_values) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r;

        db->has_size = false;
        r = db_start_values(db, sql, values, n_values, &statement);
        if (r < 0)
                return r;
        do
                r = db_step(db, statement);
        while (r > 0);
        return r;
}

/**
 * db_changes() - what the last statement did
 * @db:         the database
 *
 * Return: number of rows it inserted, changed or deleted.
 */
uint64_t db_changes(Db *db) {
        return (uint64_t)sqlite3_changes64(db->sqlite);
}

static uint64_t file_bytes(const char *path) {
        struct stat st;

        return path && stat(path, &st) >= 0 ? (uint64_t)st.st_size : 0;
}

/**
 * db_get_size() - how large a database is
 * @db:         the database
 * @ret:        filled on success
 *
 * Remembered until something is run: SQLite prepares a PRAGMA anew at each use, which costs more than a row.
 *
 * Return: 0; < 0.
 */
int db_get_size(Db *db, DbSize *ret) {
        const char *path = sqlite3_db_filename(db->sqlite, "main");
        int64_t n_pages = 0, n_free = 0;
        int r;

        if (db->has_size) {
                *ret = db->size;
                return 0;
        }
        r = db_number(db, "PRAGMA page_count", &n_pages);
        if (r >= 0)
                r = db_number(db, "PRAGMA freelist_count", &n_free);
        if (r < 0)
                return r;
        db->size = (DbSize){
                .bytes = (uint64_t)n_pages * DB_PAGE_BYTES,
                .free_bytes = (uint64_t)n_free * DB_PAGE_BYTES,
                .file_bytes = file_bytes(path),
                .wal_bytes = file_bytes(sqlite3_filename_wal(path)),
        };
        db->has_size = true;
        *ret = db->size;
        return 0;
}

/**
 * db_number_values() - run one statement that gives one number; use db_number()
 * @db:         the database
 * @sql:        the statement
 * @values:     for its parameters, in order
 * @n_values:   number of them
 * @ret:        first column of the first row; untouched unless 1 is returned
 *
 * Return: 1; 0 if there is no row or it is NULL; < 0.
 */
int db_number_values(Db *db, const char *sql, const DbValue *values, size_t n_values, int64_t *ret) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r;

        r = db_start_values(db, sql, values, n_values, &statement);
        if (r < 0)
                return r;
        r = db_step(db, statement);
        if (r <= 0)
                return r;
        if (sqlite3_column_type(statement, 0) == SQLITE_NULL)
                return 0;
        *ret = sqlite3_column_int64(statement, 0);
        return 1;
}

/* After a transaction that failed. Where opening its journal for writing failed SQLite has it read-only and, under
 * exclusive locking, never opens it again: every transaction would fail until the next start, long after the medium is
 * well. Giving the lock up closes it, and the next transaction opens it anew. In WAL mode this does nothing. */
static int db_let_go(Db *db) {
        int r = 0;

        if (sqlite3_get_autocommit(db->sqlite) == 0)
                r = db_run(db, "ROLLBACK");
        if (r >= 0)
                r = db_execute(db, "PRAGMA locking_mode=NORMAL; SELECT count(*) FROM sqlite_schema;"
                                   "PRAGMA locking_mode=EXCLUSIVE");
        db->has_failed = r < 0;
        return r;
}

/**
 * db_begin() - start a transaction that will write
 * @db:         the database
 * @ret_transaction: a variable with _cleanup_transaction_; untouched on failure
 *
 * Return: 0; < 0.
 */
int db_begin(Db *db, Db **ret_transaction) {
        int r = db->has_failed ? db_let_go(db) : 0;

        if (r >= 0)
                r = db_run(db, "BEGIN IMMEDIATE");
        if (r < 0)
                return r;
        *ret_transaction = db;
        return 0;
}

/**
 * db_commit() - make a transaction last
 * @transaction: emptied on success; on failure still to be rolled back
 *
 * Return: 0: it is on the medium; < 0: nothing of it counts.
 */
int db_commit(Db **transaction) {
        int r;

        r = db_run(*transaction, "COMMIT");
        if (r < 0)
                return r;
        *transaction = NULL;
        return 0;
}

/**
 * db_rollbackp() - undo a transaction that was not committed
 * @transaction: emptied; may be empty
 */
void db_rollbackp(Db **transaction) {
        Db *db = *transaction;

        if (!db)
                return;
        /* After some failures SQLite has rolled back by itself. */
        if (sqlite3_get_autocommit(db->sqlite) == 0)
                (void)!db_run(db, "ROLLBACK"); /* a failed one is made up for by the next db_begin() */
        db->has_failed = true;
        *transaction = NULL;
}

/**
 * db_check() - check the structure of the whole file
 * @db:         the database
 *
 * Reads all of it. Where SQLite could not read a page, or had no memory for it, it says so in the place where it would
 * name a damage, and that is not one: who takes it for one tells somebody to throw away what is whole.
 *
 * Return: 0; -EBADMSG if it is damaged; < 0: not known.
 */
int db_check(Db *db) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        const char *answer, *code;
        int r;

        r = db_start(db, "PRAGMA quick_check(1)", &statement);
        if (r >= 0)
                r = db_step(db, statement);
        if (r < 0)
                return r;
        answer = (const char *)sqlite3_column_text(statement, 0);
        if (!answer)
                return -ENOMEM;
        if (strcmp(answer, "ok") == 0)
                return 0;
        code = strstr(answer, "error code=");
        r = code ? db_error(db, (int)strtol(code + strlen("error code="), NULL, 10)) : 0;
        return r < 0 ? r : -EBADMSG;
}
