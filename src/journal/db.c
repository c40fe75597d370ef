/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A thin face on SQLite. Floor 2.
 *
 * Both databases are opened with locking_mode=EXCLUSIVE: no shared memory file beside the WAL, no lock calls per
 * transaction, and a stranger cannot write in between. Temporary tables stay in memory. The page cache is small: the
 * journal writes and reads in order, so a large one would only hold pages that are not needed again. Statements are
 * prepared once and kept; looking one up compares addresses first, since nearly all SQL here is literal.
 *
 * A version number above ours is found in the file's header (SQLite's file format, §1.3: user_version at offset 60,
 * application_id at 68, big endian) before SQLite has the file, so that a file of a later version is not even
 * recovered.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "db.h"

#define HEADER_SIZE 100
#define HEADER_MAGIC "SQLite format 3" /* with its 0 byte */
#define DB_MODE 0600

typedef struct DbStatement {
        char *sql;
        const char *address; /* of the literal it was made from */
        sqlite3_stmt *statement;
} DbStatement;

struct Db {
        sqlite3 *sqlite;
        DbStatement *statements;
        size_t n_statements;
};

/* The one place where SQLite's codes become ours. */
static int db_error(Db *db, int code) {
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
                return -EBADMSG;
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
        return system_errno > 0 ? -system_errno : -EIO;
}

/* Makes the file with its final mode, since SQLite would use the umask, and looks at the version. */
static int db_prepare_file(const char *path, const DbFormat *format) {
        _cleanup_close_ int fd = -1;
        uint8_t header[HEADER_SIZE];
        uint32_t version, application_id;
        ssize_t n;

        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, DB_MODE);
        if (fd < 0)
                return -errno;
        n = pread(fd, header, sizeof(header), 0);
        if (n < 0)
                return -errno;
        if (n == 0)
                return fchmod(fd, DB_MODE) < 0 ? -errno : 0;
        if (n < (ssize_t)sizeof(header) || memcmp(header, HEADER_MAGIC, sizeof(HEADER_MAGIC)) != 0)
                return 0; /* SQLite says what is wrong, or puts it right from its journal */
        memcpy(&version, header + 60, sizeof(version));
        memcpy(&application_id, header + 68, sizeof(application_id));
        if (be32toh(application_id) == format->application_id && be32toh(version) > format->version)
                return DB_E_NEWER;
        return 0;
}

/**
 * db_execute() - run SQL that has neither values nor rows
 * @db:         the database
 * @sql:        one or more statements
 *
 * Return: 0; < 0. What the statements before a failed one did stays, unless in a transaction.
 */
int db_execute(Db *db, const char *sql) {
        return db_error(db, sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL));
}

static int db_set_journal_mode(Db *db, const char *mode) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        const char *answer;
        char sql[64];
        int r;

        (void)snprintf(sql, sizeof(sql), "PRAGMA journal_mode=%s", mode); /* always fits */
        r = db_start_values(db, sql, NULL, 0, &statement);
        if (r < 0)
                return r;
        r = db_step(db, statement);
        if (r < 0)
                return r;
        answer = (const char *)sqlite3_column_text(statement, 0);
        return answer && strcmp(answer, mode) == 0 ? 0 : -EOPNOTSUPP;
}

/* What was made and unmade on the way to a new database must not come back after a power cut: SQLite leaves its first
 * rollback journal's removal unsynced, and as a hot journal it would empty the file. */
static int db_sync_folder(Db *db) {
        _cleanup_free_ char *dir = strdup(sqlite3_db_filename(db->sqlite, "main"));
        _cleanup_close_ int fd = -1;
        char *slash;

        slash = dir ? strrchr(dir, '/') : NULL;
        if (!slash)
                return -ENOMEM;
        slash[1] = 0;
        fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        return fsync(fd) < 0 ? -errno : 0;
}

static int db_create(Db *db, const DbFormat *format) {
        _cleanup_transaction_ Db *transaction = NULL;
        char sql[128];
        int r;

        r = db_sync_folder(db);
        if (r < 0)
                return r;
        r = db_begin(db, &transaction);
        if (r < 0)
                return r;
        r = db_execute(db, format->schema);
        if (r < 0)
                return r;
        /* always fits */
        (void)snprintf(sql, sizeof(sql), "PRAGMA application_id=%u; PRAGMA user_version=%u", format->application_id,
                       format->version);
        r = db_execute(db, sql);
        if (r < 0)
                return r;
        return db_commit(&transaction);
}

static int db_check_format(Db *db, const DbFormat *format) {
        int64_t application_id, version, schema;
        int r;

        r = db_number(db, "PRAGMA schema_version", &schema);
        if (r <= 0)
                return r < 0 ? r : -EBADMSG;
        if (schema == 0)
                return db_create(db, format);
        r = db_number(db, "PRAGMA application_id", &application_id);
        if (r <= 0)
                return r < 0 ? r : -EBADMSG;
        r = db_number(db, "PRAGMA user_version", &version);
        if (r <= 0)
                return r < 0 ? r : -EBADMSG;
        /* A later version whose header only the WAL has, or a file that is not ours. */
        if (application_id != format->application_id || version < 1)
                return -EBADMSG;
        return version > format->version ? DB_E_NEWER : 0;
}

static int db_configure(Db *db, const DbFormat *format) {
        int r;

        sqlite3_extended_result_codes(db->sqlite, 1);
        /* The first two only make the library stricter; one that does not know them is no less right. */
        (void)sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);       /* see above */
        (void)sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);  /* see above */
        (void)sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_LOOKASIDE, NULL, 256, 32); /* else it stays at 48 KiB */
        r = db_execute(db, "PRAGMA locking_mode=EXCLUSIVE; PRAGMA temp_store=MEMORY; PRAGMA mmap_size=0;"
                           "PRAGMA page_size=4096; PRAGMA auto_vacuum=NONE; PRAGMA cell_size_check=ON");
        if (r < 0)
                return r;
        r = db_set_journal_mode(db, format->journal_mode);
        if (r < 0)
                return r;
        r = db_execute(db, format->pragmas);
        if (r < 0)
                return r;
        return db_check_format(db, format);
}

/**
 * db_open() - open a database of ours, or make it
 * @path:       of the file, made with mode 0600 if it is not there
 * @format:     what it must be; borrowed
 * @ret:        owned by the caller; untouched on failure
 *
 * Return: 0; DB_E_NEWER or DB_E_BUSY: nothing was touched; -EBADMSG if it is damaged or not ours; < 0.
 */
int db_open(const char *path, const DbFormat *format, Db **ret) {
        _cleanup_(db_freep) Db *db = NULL;
        int r;

        r = db_prepare_file(path, format);
        if (r != 0)
                return r;
        db = calloc(1, sizeof(*db));
        if (!db)
                return -ENOMEM;
        r = db_error(db, sqlite3_open_v2(path, &db->sqlite,
                                         SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW, NULL));
        if (r < 0)
                return r;
        r = db_configure(db, format);
        if (r == -EBUSY)
                return DB_E_BUSY;
        if (r != 0)
                return r;
        *ret = TAKE_PTR(db);
        return 0;
}

/**
 * db_free() - close a database
 * @db:         or NULL
 *
 * Return: NULL.
 */
Db *db_free(Db *db) {
        if (!db)
                return NULL;
        for (size_t i = 0; i < db->n_statements; i++) {
                sqlite3_finalize(db->statements[i].statement);
                free(db->statements[i].sql);
        }
        free(db->statements);
        /* Fails only while statements are in use, and those have just gone. */
        (void)sqlite3_close(db->sqlite);
        free(db);
        return NULL;
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

/**
 * db_begin() - start a transaction that will write
 * @db:         the database
 * @ret_transaction: a variable with _cleanup_transaction_; untouched on failure
 *
 * Return: 0; < 0.
 */
int db_begin(Db *db, Db **ret_transaction) {
        int r;

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

        /* After some failures SQLite has rolled back by itself. */
        if (db && sqlite3_get_autocommit(db->sqlite) == 0)
                (void)!db_run(db, "ROLLBACK"); /* a failed one is made up for by the next opening */
        *transaction = NULL;
}
