/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fail-vfs.h"
#include <sqlite3.h>
#include <stdatomic.h>
#include <string.h>
#include "fail-vfs-log.h"

/* The real file lies behind this one in the same memory. */
typedef struct FailFile {
        sqlite3_file base;
        const char *name;   /* SQLite's own, which lives as long as the file */
        bool is_new_journal; /* the folder is synced with it the first time */
} FailFile;

static struct {
        sqlite3_vfs vfs;
        sqlite3_vfs *real;
        sqlite3_io_methods methods;
        atomic_uint n_done, fail_at;
        atomic_bool is_lasting, is_recording;
} shim;

static sqlite3_file *real_file(sqlite3_file *file) {
        return (sqlite3_file *)(void *)((FailFile *)(void *)file + 1);
}

static bool is_to_fail(void) {
        unsigned n = atomic_fetch_add(&shim.n_done, 1) + 1, at = atomic_load(&shim.fail_at);

        return at > 0 && (n == at || (n > at && atomic_load(&shim.is_lasting)));
}

static int shim_close(sqlite3_file *file) {
        return real_file(file)->pMethods->xClose(real_file(file));
}

static int shim_read(sqlite3_file *file, void *data, int size, sqlite3_int64 offset) {
        return real_file(file)->pMethods->xRead(real_file(file), data, size, offset);
}

static void record(sqlite3_file *file, OperationType type, sqlite3_int64 offset, const void *data, int size) {
        const char *name = ((FailFile *)(void *)file)->name;

        if (name && atomic_load(&shim.is_recording))
                fail_vfs_note(&(Operation){
                                .type = type, .name = name, .offset = offset, .data = data, .size = (size_t)size});
}

static int shim_write(sqlite3_file *file, const void *data, int size, sqlite3_int64 offset) {
        record(file, OPERATION_WRITE, offset, data, size);
        if (is_to_fail()) {
                /* Half of it arrives, as on a full medium. */
                (void)real_file(file)->pMethods->xWrite(real_file(file), data, size / 2, offset);
                return SQLITE_FULL;
        }
        return real_file(file)->pMethods->xWrite(real_file(file), data, size, offset);
}

static int shim_truncate(sqlite3_file *file, sqlite3_int64 size) {
        record(file, OPERATION_TRUNCATE, size, NULL, 0);
        return is_to_fail() ? SQLITE_IOERR_TRUNCATE : real_file(file)->pMethods->xTruncate(real_file(file), size);
}

static int shim_sync(sqlite3_file *file, int flags) {
        FailFile *fail_file = (FailFile *)(void *)file;

        record(file, OPERATION_SYNC, 0, NULL, 0);
        if (fail_file->is_new_journal)
                record(file, OPERATION_SYNC_FOLDER, 0, NULL, 0);
        fail_file->is_new_journal = false;
        return is_to_fail() ? SQLITE_IOERR_FSYNC : SQLITE_OK;
}

static int shim_file_size(sqlite3_file *file, sqlite3_int64 *size) {
        return real_file(file)->pMethods->xFileSize(real_file(file), size);
}

static int shim_lock(sqlite3_file *file, int level) {
        return real_file(file)->pMethods->xLock(real_file(file), level);
}

static int shim_unlock(sqlite3_file *file, int level) {
        return real_file(file)->pMethods->xUnlock(real_file(file), level);
}

static int shim_check_lock(sqlite3_file *file, int *result) {
        return real_file(file)->pMethods->xCheckReservedLock(real_file(file), result);
}

static int shim_control(sqlite3_file *file, int op, void *argument) {
        return real_file(file)->pMethods->xFileControl(real_file(file), op, argument);
}

static int shim_sector_size(sqlite3_file *file) {
        return real_file(file)->pMethods->xSectorSize(real_file(file));
}

static int shim_characteristics(sqlite3_file *file) {
        return real_file(file)->pMethods->xDeviceCharacteristics(real_file(file));
}

static int shim_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *file, int flags, int *ret_flags) {
        int code = shim.real->xOpen(shim.real, name, real_file(file), flags, ret_flags);

        ((FailFile *)(void *)file)->name = name;
        ((FailFile *)(void *)file)->is_new_journal =
                (flags & SQLITE_OPEN_CREATE) && (flags & (SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL));
        file->pMethods = code == SQLITE_OK ? &shim.methods : NULL;
        return code;
}

static int shim_delete(sqlite3_vfs *vfs, const char *name, int is_folder_synced) {
        FailFile file = { .name = name };

        record(&file.base, OPERATION_DELETE, 0, NULL, 0);
        if (is_folder_synced)
                record(&file.base, OPERATION_SYNC_FOLDER, 0, NULL, 0);
        return shim.real->xDelete(shim.real, name, is_folder_synced);
}

void fail_vfs_install(void) {
        shim.real = sqlite3_vfs_find(NULL);
        shim.vfs = *shim.real;
        shim.vfs.zName = "fail";
        shim.vfs.szOsFile = (int)sizeof(FailFile) + shim.real->szOsFile;
        shim.vfs.xOpen = shim_open;
        shim.vfs.xDelete = shim_delete;
        /* Version 1: no shared memory, which exclusive locking does without. */
        shim.methods = (sqlite3_io_methods){
                .iVersion = 1,
                .xClose = shim_close,
                .xRead = shim_read,
                .xWrite = shim_write,
                .xTruncate = shim_truncate,
                .xSync = shim_sync,
                .xFileSize = shim_file_size,
                .xLock = shim_lock,
                .xUnlock = shim_unlock,
                .xCheckReservedLock = shim_check_lock,
                .xFileControl = shim_control,
                .xSectorSize = shim_sector_size,
                .xDeviceCharacteristics = shim_characteristics,
        };
        (void)sqlite3_vfs_register(&shim.vfs, 1);
}

void fail_vfs_at(unsigned n, bool is_lasting) {
        atomic_store(&shim.n_done, 0);
        atomic_store(&shim.is_lasting, is_lasting);
        atomic_store(&shim.fail_at, n);
}

void fail_vfs_never(void) {
        fail_vfs_at(0, false);
}

unsigned fail_vfs_count(void) {
        return atomic_load(&shim.n_done);
}

void fail_vfs_record(void) {
        fail_vfs_forget();
        atomic_store(&shim.is_recording, true);
}

void fail_vfs_stop_recording(void) {
        atomic_store(&shim.is_recording, false);
}
