/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The fixture's look at the files of the state folder, past the journal. */
#include <dirent.h>
#include <errno.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include "fixture.h"
#include "trailkeep/file.h"

/* A file that the journal's thread has just removed is empty. */
static void file_take(const char *path, Bytes *ret) {
        int r = file_read(path, 64 << 20, ret);

        assert_true(r == 0 || r == -ENOENT);
}

static bool file_holds(const char *path, const void *bytes, size_t size) {
        _cleanup_bytes_ Bytes content = { 0 };

        file_take(path, &content);
        return content.size > 0 && memmem(content.data, content.size, bytes, size);
}

static bool folder_holds(const char *dir, const void *bytes, size_t size) {
        DIR *d = opendir(dir);
        const struct dirent *entry;
        bool found = false;

        assert_non_null(d);
        while (!found && (entry = readdir(d))) {
                _cleanup_free_ char *path = path_join(dir, entry->d_name);
                struct stat st;

                if (entry->d_name[0] == '.' || stat(path, &st) < 0)
                        continue;
                found = S_ISDIR(st.st_mode) ? folder_holds(path, bytes, size) : file_holds(path, bytes, size);
        }
        (void)closedir(d);
        return found;
}

bool state_holds(Fixture *f, const void *bytes, size_t size) {
        return folder_holds(f->dir, bytes, size);
}

static void folder_read(const char *dir, Bytes *ret) {
        DIR *d = opendir(dir);
        const struct dirent *entry;

        assert_non_null(d);
        while ((entry = readdir(d))) {
                _cleanup_free_ char *path = path_join(dir, entry->d_name);
                _cleanup_bytes_ Bytes content = { 0 };
                struct stat st;

                if (entry->d_name[0] == '.' || stat(path, &st) < 0)
                        continue;
                if (S_ISDIR(st.st_mode)) {
                        folder_read(path, ret);
                        continue;
                }
                file_take(path, &content);
                if (content.size > 0)
                        assert_int_equal(bytes_append(ret, content.data, content.size), 0);
        }
        (void)closedir(d);
}

void state_read(Fixture *f, Bytes *ret) {
        folder_read(f->dir, ret);
}

bool text_in_state(Fixture *f, const char *text) {
        return state_holds(f, text, strlen(text));
}

static sqlite3 *sql_open(Fixture *f, const char *file) {
        _cleanup_free_ char *path = fixture_path(f, file);
        sqlite3 *db = NULL;

        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        return db;
}

int64_t sql_number(Fixture *f, const char *file, const char *sql) {
        sqlite3 *db = sql_open(f, file);
        sqlite3_stmt *statement = NULL;
        int64_t number;

        assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
        number = sqlite3_column_int64(statement, 0);
        (void)sqlite3_finalize(statement);
        (void)sqlite3_close(db);
        return number;
}

void sql_run(Fixture *f, const char *file, const char *sql) {
        sqlite3 *db = sql_open(f, file);

        assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
        (void)sqlite3_close(db);
}

Bytes sql_blob(Fixture *f, const char *file, const char *sql) {
        sqlite3 *db = sql_open(f, file);
        sqlite3_stmt *statement = NULL;
        Bytes bytes = { 0 };

        assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
        assert_int_equal(bytes_append(&bytes, sqlite3_column_blob(statement, 0),
                                      (size_t)sqlite3_column_bytes(statement, 0)),
                         0);
        (void)sqlite3_finalize(statement);
        (void)sqlite3_close(db);
        return bytes;
}
