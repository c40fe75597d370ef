/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Opening a database of ours. Floor 2.
 *
 * Both databases are opened with locking_mode=EXCLUSIVE: no shared memory file beside the WAL, no lock calls per
 * transaction, and a stranger cannot write in between. Temporary tables stay in memory. The page cache is small: the
 * journal writes and reads in order, so a large one would only hold pages that are not needed again.
 *
 * A version number above ours is found in the file's header, or in its WAL (SQLite's file format, §1.3: user_version at
 * offset 60, application_id at 68, big endian), before SQLite has the file, so that a file of a later version is not
 * even recovered.
 *
 * A file of an earlier version is opened as it is. The steps it lacks are run by db_upgrade(), once its owner has made
 * sure that it is the right file and that its keys are there: a refusal leaves it untouched.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "db.h"
#include "db-internal.h"
#include "salvage-wal.h"

#define HEADER_SIZE 100
#define HEADER_WRITE_VERSION 18 /* offset: 1 or 2 */
#define HEADER_MAGIC "SQLite format 3" /* with its 0 byte */
#define DB_MODE 0600

static bool header_is_newer(const uint8_t header[static HEADER_SIZE], const DbFormat *format) {
        uint32_t version, application_id;

        if (memcmp(header, HEADER_MAGIC, sizeof(HEADER_MAGIC)) != 0)
                return false; /* SQLite says what is wrong, or puts it right from its journal */
        memcpy(&version, header + 60, sizeof(version));
        memcpy(&application_id, header + 68, sizeof(application_id));
        return be32toh(application_id) == format->application_id && be32toh(version) > format->version;
}

/**
 * db_check_version() - whether a later version wrote a file
 * @path:       of the file
 * @format:     what it should be
 *
 * The first page counts as it stands in the WAL, if it stands there.
 *
 * Return: 0, also if there is none; DB_E_NEWER; < 0.
 */
int db_check_version(const char *path, const DbFormat *format) {
        _cleanup_wal_ Wal wal = { .fd = -1 };
        _cleanup_close_ int fd = -1;
        uint8_t header[HEADER_SIZE], page[SALVAGE_PAGE_SIZE];
        int r;

        r = wal_read(path, &wal);
        if (r < 0)
                return r;
        for (size_t i = wal.n_valid; i > 0; i--)
                if (wal.pages[i - 1] == 1 && wal_read_page(&wal, i - 1, page) > 0)
                        return header_is_newer(page, format) ? DB_E_NEWER : 0;
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0)
                return errno == ENOENT ? 0 : -errno;
        if (pread(fd, header, sizeof(header), 0) != (ssize_t)sizeof(header))
                return 0;
        return header_is_newer(header, format) ? DB_E_NEWER : 0;
}

/* Makes the file with its final mode, since SQLite would use the umask. */
static int db_prepare_file(const char *path, const DbFormat *format) {
        _cleanup_close_ int fd = -1;
        struct stat st;

        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, DB_MODE);
        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (st.st_size == 0)
                return fchmod(fd, DB_MODE) < 0 ? -errno : 0;
        return db_check_version(path, format);
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
        if (!answer)
                return -ENOMEM;
        return strcmp(answer, mode) == 0 ? 0 : -EOPNOTSUPP;
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

/* Runs the steps from one version to ours: all or nothing. */
static int db_run_steps(Db *db, const DbFormat *format, int64_t version) {
        _cleanup_transaction_ Db *transaction = NULL;
        char sql[128];
        int r;

        r = db_begin(db, &transaction);
        for (int64_t i = version; r >= 0 && i < format->version; i++)
                r = db_execute(db, format->steps[i]);
        if (r < 0)
                return r;
        /* always fits */
        (void)snprintf(sql, sizeof(sql), "PRAGMA application_id=%u; PRAGMA user_version=%u", format->application_id,
                       format->version);
        r = db_execute(db, sql);
        return r < 0 ? r : db_commit(&transaction);
}

/**
 * db_upgrade() - bring a file of an earlier version up to ours
 * @db:         from db_open()
 * @format:     the same
 *
 * Return: 0, also when there was nothing to do; < 0: it is as it was.
 */
int db_upgrade(Db *db, const DbFormat *format) {
        int64_t version;
        int r;

        r = db_number(db, "PRAGMA user_version", &version);
        if (r <= 0)
                return r < 0 ? r : -EBADMSG;
        return version < format->version ? db_run_steps(db, format, version) : 0;
}

static int db_create(Db *db, const DbFormat *format) {
        int r;

        r = db_sync_folder(db);
        return r < 0 ? r : db_run_steps(db, format, 0);
}

static int db_check_identity(Db *db, const DbFormat *format) {
        int64_t application_id, version;
        int r;

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

static int db_check_format(Db *db, const DbFormat *format) {
        int64_t schema;
        int r;

        r = db_number(db, "PRAGMA schema_version", &schema);
        if (r <= 0)
                return r < 0 ? r : -EBADMSG;
        return schema == 0 ? db_create(db, format) : db_check_identity(db, format);
}

static void db_harden(Db *db) {
        sqlite3_extended_result_codes(db->sqlite, 1);
        /* These only make the library stricter; one that does not know them is no less right. */
        (void)sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);      /* see above */
        (void)sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL); /* see above */
}

static int db_configure(Db *db, const DbFormat *format) {
        int r;

        db_harden(db);
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

/* A write version that SQLite does not know makes a file read-only, too; none of ours has one. */
static bool has_foreign_version(const char *path) {
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        uint8_t version = 0;

        return fd >= 0 && pread(fd, &version, 1, HEADER_WRITE_VERSION) == 1 && version > 2;
}

/* Where a file cannot be opened for writing SQLite takes it read-only and says so at the first write, and at every one
 * after it until the next start. So that is asked now. Taking the lock writes nothing. Along the way ROLLBACK is prepared,
 * which must not want for memory when it is needed. */
static int db_check_writable(Db *db, const char *path) {
        _cleanup_transaction_ Db *transaction = NULL;
        int r = -EROFS;

        if (sqlite3_db_readonly(db->sqlite, "main") == 0)
                r = db_begin(db, &transaction);
        return r == -EROFS && has_foreign_version(path) ? db_damaged(db) : r;
}

/**
 * db_open() - open a database of ours, or make it
 * @path:       of the file, made with mode 0600 if it is not there
 * @format:     what it must be; borrowed
 * @ret:        owned by the caller; untouched on failure
 *
 * Return: 0: it is of our version or, until db_upgrade(), of an earlier one; DB_E_NEWER or DB_E_BUSY: nothing was
 * touched; -EBADMSG if it is damaged or not ours; < 0.
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
        if (r == 0)
                r = db_check_writable(db, path);
        if (r != 0)
                db = db_abandon(db); /* what is refused is left as it is, its WAL included */
        if (r == -EBUSY)
                return DB_E_BUSY;
        if (r != 0)
                return r;
        *ret = TAKE_PTR(db);
        return 0;
}

static bool has_wal(const char *path) {
        _cleanup_free_ char *wal = NULL;
        struct stat st;

        return asprintf(&wal, "%s-wal", path) < 0 || (stat(wal, &st) >= 0 && st.st_size > 0);
}

/* A name in which SQLite reads nothing but a name; see its "URI Filenames". */
static int uri_append_path(Bytes *uri, const char *path) {
        int r = 0;

        for (const char *p = path; r >= 0 && *p; p++) {
                char escaped[4] = { *p };

                if (strchr("%?#", *p))
                        (void)snprintf(escaped, sizeof(escaped), "%%%02x", (unsigned char)*p); /* always fits */
                r = bytes_append_string(uri, escaped);
        }
        return r;
}

/* Of a database in WAL mode whose WAL is gone the file is all there is; SQLite would make files beside it to read it,
 * unless it is told that nothing changes. */
static int db_open_read_only(const char *path, const DbFormat *format, Db *db) {
        bool is_whole = strcmp(format->journal_mode, "wal") == 0 && !has_wal(path);
        _cleanup_bytes_ Bytes uri = { 0 };
        int r;

        r = bytes_append_string(&uri, "file:");
        if (r >= 0)
                r = uri_append_path(&uri, path);
        if (r >= 0)
                r = bytes_append_string(&uri, is_whole ? "?mode=ro&immutable=1" : "?mode=ro");
        if (r < 0)
                return r;
        return db_error(db, sqlite3_open_v2((const char *)uri.data, &db->sqlite,
                                            SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX |
                                                            SQLITE_OPEN_NOFOLLOW,
                                            NULL));
}

/**
 * db_open_copy() - open a database of ours to read it
 * @path:       of the file
 * @format:     what it must be; borrowed
 * @ret:        owned by the caller; untouched on failure
 *
 * Nothing is written, and what is in the file is not trusted. The caller sees to it that nobody writes to it meanwhile.
 *
 * Return: 0; DB_E_NEWER; -EBUSY: a daemon has it open; -EROFS: it would have to be recovered first; -EBADMSG if it is
 * damaged or not ours; < 0.
 */
int db_open_copy(const char *path, const DbFormat *format, Db **ret) {
        _cleanup_(db_freep) Db *db = calloc(1, sizeof(*db));
        int r;

        if (!db)
                return -ENOMEM;
        r = db_open_read_only(path, format, db);
        if (r < 0)
                return r;
        db_harden(db);
        r = db_check_identity(db, format);
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

/**
 * db_open_damaged() - open a damaged database for what can still be read
 * @path:       of the file
 * @ret:        to be closed with db_abandon(); untouched on failure
 *
 * Neither its format nor its schema is checked, and any statement may fail.
 *
 * Return: 0; < 0.
 */
int db_open_damaged(const char *path, Db **ret) {
        Db *db = calloc(1, sizeof(*db));
        int r;

        if (!db)
                return -ENOMEM;
        r = db_error(db, sqlite3_open_v2(path, &db->sqlite,
                                         SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW, NULL));
        if (r >= 0)
                r = db_execute(db, "PRAGMA locking_mode=EXCLUSIVE; PRAGMA temp_store=MEMORY; PRAGMA mmap_size=0;"
                                   "PRAGMA writable_schema=ON; PRAGMA cell_size_check=ON");
        if (r < 0) {
                db_abandon(db);
                return r;
        }
        *ret = db;
        return 0;
}

/**
 * db_abandon() - close a database and leave file and WAL as they are
 * @db:         or NULL
 *
 * Return: NULL.
 */
Db *db_abandon(Db *db) {
        if (db && db->sqlite)
                /* The WAL stays: SQLite would else copy it over, into pages that are damaged. Cannot fail. */
                (void)sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        return db_free(db);
}
