/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "faults.h"
#include <errno.h>
#include <openssl/crypto.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "medium.h"

static struct {
        atomic_int source; /* armed; FAULT_SOURCE_MAX: none */
        atomic_uint n_done, fail_at;
        atomic_bool is_lasting;
        sqlite3_mem_methods sqlite;
} faults = { .source = FAULT_SOURCE_MAX };

static bool is_failing(FaultSource source) {
        unsigned n, at;

        if (atomic_load(&faults.source) != (int)source)
                return false;
        n = atomic_fetch_add(&faults.n_done, 1) + 1;
        at = atomic_load(&faults.fail_at);
        return n == at || (n > at && atomic_load(&faults.is_lasting));
}

void faults_arm(FaultSource source, unsigned n, bool is_lasting) {
        if (source == FAULT_MEDIUM) {
                medium_fail_at(n, is_lasting);
                return;
        }
        medium_fail_at(0, false);
        atomic_store(&faults.n_done, 0);
        atomic_store(&faults.fail_at, n);
        atomic_store(&faults.is_lasting, is_lasting);
        atomic_store(&faults.source, source);
}

bool faults_disarm(void) {
        bool is_reached = medium_failed() != NULL;

        medium_never_fail();
        if (atomic_exchange(&faults.source, FAULT_SOURCE_MAX) != FAULT_SOURCE_MAX)
                is_reached |= atomic_load(&faults.n_done) >= atomic_load(&faults.fail_at);
        return is_reached;
}

const char *fault_source_to_string(FaultSource source) {
        static const char *const names[FAULT_SOURCE_MAX] = {
                [FAULT_MEDIUM] = "the medium",
                [FAULT_MEMORY] = "memory",
                [FAULT_SQLITE_MEMORY] = "SQLite's memory",
                [FAULT_OPENSSL_MEMORY] = "OpenSSL's memory",
                [FAULT_SQLITE_CALL] = "SQLite's calls",
        };

        return names[source];
}

/* Declares the real function and defines what the linker puts in its place. */
#define WRAP(type, name, parameters, arguments, failed, source)         \
        type __real_##name parameters;                                  \
        type __wrap_##name parameters;                                  \
        type __wrap_##name parameters {                                 \
                return is_failing(source) ? (failed) : __real_##name arguments; \
        }

static void *no_memory(void) {
        errno = ENOMEM;
        return NULL;
}

WRAP(void *, malloc, (size_t size), (size), no_memory(), FAULT_MEMORY)
WRAP(void *, calloc, (size_t n, size_t size), (n, size), no_memory(), FAULT_MEMORY)
WRAP(void *, realloc, (void *memory, size_t size), (memory, size), no_memory(), FAULT_MEMORY)
WRAP(void *, reallocarray, (void *memory, size_t n, size_t size), (memory, n, size), no_memory(), FAULT_MEMORY)
WRAP(char *, strdup, (const char *s), (s), no_memory(), FAULT_MEMORY)
WRAP(char *, strndup, (const char *s, size_t n), (s, n), no_memory(), FAULT_MEMORY)
WRAP(void *, mmap64, (void *at, size_t size, int protection, int flags, int fd, off64_t offset),
     (at, size, protection, flags, fd, offset), (no_memory(), MAP_FAILED), FAULT_MEMORY)

/* Which failure SQLite reports changes with n. */
static int sqlite_failure(void) {
        static const int codes[] = { SQLITE_IOERR, SQLITE_NOMEM, SQLITE_FULL };

        return codes[atomic_load(&faults.fail_at) % 3];
}

WRAP(int, sqlite3_open_v2, (const char *path, sqlite3 **ret, int flags, const char *vfs), (path, ret, flags, vfs),
     (*ret = NULL, SQLITE_NOMEM), FAULT_SQLITE_CALL)
WRAP(int, sqlite3_exec, (sqlite3 *db, const char *sql, int (*f)(void *, int, char **, char **), void *data, char **error),
     (db, sql, f, data, error), sqlite_failure(), FAULT_SQLITE_CALL)
WRAP(int, sqlite3_prepare_v3,
     (sqlite3 *db, const char *sql, int n, unsigned flags, sqlite3_stmt **ret, const char **tail),
     (db, sql, n, flags, ret, tail), (*ret = NULL, sqlite_failure()), FAULT_SQLITE_CALL)
/* SQLite ends a transaction that is rolled back whatever happens: that one never fails. */
WRAP(int, sqlite3_step, (sqlite3_stmt *statement), (statement),
     strcmp(sqlite3_sql(statement), "ROLLBACK") == 0 ? __real_sqlite3_step(statement) : sqlite_failure(),
     FAULT_SQLITE_CALL)
WRAP(int, sqlite3_bind_null, (sqlite3_stmt *statement, int i), (statement, i), SQLITE_NOMEM, FAULT_SQLITE_CALL)
WRAP(int, sqlite3_bind_int64, (sqlite3_stmt *statement, int i, sqlite3_int64 value), (statement, i, value),
     SQLITE_NOMEM, FAULT_SQLITE_CALL)
WRAP(int, sqlite3_bind_blob64,
     (sqlite3_stmt *statement, int i, const void *data, sqlite3_uint64 n, void (*done)(void *)),
     (statement, i, data, n, done), SQLITE_NOMEM, FAULT_SQLITE_CALL)
WRAP(int, sqlite3_bind_text64,
     (sqlite3_stmt *statement, int i, const char *text, sqlite3_uint64 n, void (*done)(void *), unsigned char encoding),
     (statement, i, text, n, done, encoding), SQLITE_NOMEM, FAULT_SQLITE_CALL)

static void *sqlite_malloc(int size) {
        return is_failing(FAULT_SQLITE_MEMORY) ? NULL : faults.sqlite.xMalloc(size);
}

static void *sqlite_realloc(void *memory, int size) {
        return is_failing(FAULT_SQLITE_MEMORY) ? NULL : faults.sqlite.xRealloc(memory, size);
}

static void *openssl_malloc(size_t size, const char *file, int line) {
        return is_failing(FAULT_OPENSSL_MEMORY) ? NULL : __real_malloc(size);
}

static void *openssl_realloc(void *memory, size_t size, const char *file, int line) {
        return is_failing(FAULT_OPENSSL_MEMORY) ? NULL : __real_realloc(memory, size);
}

static void openssl_free(void *memory, const char *file, int line) {
        free(memory);
}

void faults_install(void) {
        sqlite3_mem_methods methods;

        disk_must(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &faults.sqlite) == SQLITE_OK);
        methods = faults.sqlite;
        methods.xMalloc = sqlite_malloc;
        methods.xRealloc = sqlite_realloc;
        disk_must(sqlite3_config(SQLITE_CONFIG_MALLOC, &methods) == SQLITE_OK);
        disk_must(CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free) == 1);
}
