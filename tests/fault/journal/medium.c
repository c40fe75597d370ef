/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Both names of a call where the C library has two, so that it does not matter what a caller was compiled with; here
 * neither is renamed to the other, hence the two lines below.
 */
#undef _FILE_OFFSET_BITS
#undef _TIME_BITS
#undef _FORTIFY_SOURCE
#include "medium.h"
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FDS_MAX 4096
#define EXPORT __attribute__((visibility("default"), used))

/* The library's own. */
#define REAL(name)                                                                            \
        ({                                                                                    \
                static void *_Atomic _real;                                                   \
                if (!atomic_load(&_real))                                                     \
                        atomic_store(&_real, dlsym(RTLD_NEXT, #name));                        \
                (__typeof__(&name))atomic_load(&_real);                                       \
        })

typedef struct WatchedFd {
        bool is_watched;
        uint32_t file;
        char path[DISK_PATH_MAX]; /* below the folder */
} WatchedFd;

static struct {
        char folder[DISK_PATH_MAX];
        size_t n_folder; /* 0: none */
        DiskLog *log;
        WatchedFd fds[FDS_MAX];
        atomic_uint n_done, fail_at;
        atomic_bool is_lasting;
        const char *_Atomic failed;
} medium;

void medium_watch(const char *folder) {
        medium.n_folder = folder ? strlen(folder) : 0;
        disk_copy_path(medium.folder, folder ? folder : "");
        memset(medium.fds, 0, sizeof(medium.fds));
}

void medium_record(DiskLog *log) {
        medium.log = log;
}

void medium_fail_at(unsigned n, bool is_lasting) {
        atomic_store(&medium.n_done, 0);
        atomic_store(&medium.failed, NULL);
        atomic_store(&medium.is_lasting, is_lasting);
        atomic_store(&medium.fail_at, n);
}

void medium_never_fail(void) {
        unsigned n = atomic_load(&medium.n_done);

        atomic_store(&medium.fail_at, 0);
        atomic_store(&medium.n_done, n);
}

unsigned medium_count(void) {
        return atomic_load(&medium.n_done);
}

const char *medium_failed(void) {
        return atomic_load(&medium.failed);
}

/* Counts a call on the medium. Returns whether it is to fail, with errno set. */
static bool is_failing(const char *call) {
        static const int reasons[] = { EROFS, ENOSPC, EIO, EDQUOT };
        unsigned n = atomic_fetch_add(&medium.n_done, 1) + 1, at = atomic_load(&medium.fail_at);

        if (at == 0 || n < at || (n > at && !atomic_load(&medium.is_lasting)))
                return false;
        atomic_store(&medium.failed, call);
        errno = reasons[at % 4];
        return true;
}

/* Path below the folder; NULL: it lies elsewhere. */
static const char *watched_path(int dir_fd, const char *path, char buffer[static DISK_PATH_MAX]) {
        if (medium.n_folder == 0)
                return NULL;
        if (path[0] != '/') {
                path = strcmp(path, ".") == 0 ? "" : path; /* the folder itself */
                if (dir_fd < 0 || dir_fd >= FDS_MAX || !medium.fds[dir_fd].is_watched)
                        return NULL;
                disk_must(snprintf(buffer, DISK_PATH_MAX, "%s%s%s", medium.fds[dir_fd].path,
                                   medium.fds[dir_fd].path[0] && path[0] ? "/" : "", path) < DISK_PATH_MAX);
                return buffer;
        }
        if (strncmp(path, medium.folder, medium.n_folder) != 0)
                return NULL;
        path += medium.n_folder;
        if (*path != '/' && *path != 0)
                return NULL;
        disk_must(snprintf(buffer, DISK_PATH_MAX, "%s", path + (*path == '/')) < DISK_PATH_MAX);
        for (size_t n = strlen(buffer); n > 0 && buffer[n - 1] == '/'; n--)
                buffer[n - 1] = 0; /* as SQLite names a folder */
        return buffer;
}

static WatchedFd *watched_fd(int fd) {
        return fd >= 0 && fd < FDS_MAX && medium.fds[fd].is_watched ? &medium.fds[fd] : NULL;
}

static void note_name(OperationType type, const char *name, const char *to, uint32_t file) {
        Operation operation = { .type = type, .file = file };

        if (!medium.log)
                return;
        disk_copy_path(operation.name, name);
        disk_copy_path(operation.to, to);
        disk_log_note(medium.log, &operation);
}

static void note_file(const WatchedFd *fd, const Operation *operation) {
        Operation copy = *operation;

        if (!medium.log)
                return;
        copy.file = fd->file;
        disk_copy_path(copy.name, fd->path);
        disk_log_note(medium.log, &copy);
}

typedef struct Opening {
        int dir_fd;
        const char *path;
        int flags;
        mode_t mode;
} Opening;

static void note_open(int fd, const Opening *opening, const char *path, bool is_new) {
        WatchedFd *watched = &medium.fds[fd];
        struct stat st;

        disk_must(fd < FDS_MAX && fstat(fd, &st) == 0 && !(opening->flags & O_APPEND));
        *watched = (WatchedFd){ .is_watched = true };
        disk_copy_path(watched->path, path);
        if (S_ISDIR(st.st_mode) || !medium.log)
                return;
        watched->file = disk_log_file(medium.log, path, is_new);
        watched->is_watched = watched->file != DISK_FOLDER;
        if (watched->is_watched && !is_new && opening->flags & O_TRUNC)
                note_file(watched, &(Operation){ .type = OPERATION_TRUNCATE });
}

static int watch_open(const Opening *opening) {
        char buffer[DISK_PATH_MAX];
        const char *path = watched_path(opening->dir_fd, opening->path, buffer);
        bool is_new;
        int fd;

        if (!path)
                return REAL(openat)(opening->dir_fd, opening->path, opening->flags, opening->mode);
        is_new = opening->flags & O_CREAT && faccessat(opening->dir_fd, opening->path, F_OK, AT_SYMLINK_NOFOLLOW) < 0;
        if (is_failing("open"))
                return -1;
        fd = REAL(openat)(opening->dir_fd, opening->path, opening->flags, opening->mode);
        if (fd >= 0)
                note_open(fd, opening, path, is_new);
        return fd;
}

static ssize_t watch_pwrite(int fd, const void *data, size_t size, int64_t offset) {
        WatchedFd *watched = watched_fd(fd);
        bool is_to_fail = watched && is_failing("write");
        int saved = errno;
        ssize_t n;

        n = REAL(pwrite64)(fd, data, is_to_fail ? size / 2 : size, offset);
        if (watched && n > 0)
                note_file(watched, &(Operation){ .type = OPERATION_WRITE, .offset = offset, .data = data,
                                                 .size = (size_t)n });
        if (!is_to_fail)
                return n;
        errno = saved;
        return -1;
}

static int watch_truncate(int fd, int64_t size) {
        WatchedFd *watched = watched_fd(fd);
        int r;

        if (watched && is_failing("ftruncate"))
                return -1;
        r = REAL(ftruncate64)(fd, size);
        if (watched && r == 0)
                note_file(watched, &(Operation){ .type = OPERATION_TRUNCATE, .offset = size });
        return r;
}

static int watch_fallocate(int fd, int mode, int64_t offset, int64_t size) {
        WatchedFd *watched = watched_fd(fd);
        int r;

        if (watched && is_failing("fallocate"))
                return -1;
        r = REAL(fallocate64)(fd, mode, offset, size);
        disk_must(!watched || (mode & ~FALLOC_FL_KEEP_SIZE) == 0); /* holes would have to be recorded, too */
        if (watched && r == 0 && mode == 0)
                note_file(watched, &(Operation){ .type = OPERATION_EXTEND, .offset = offset + size });
        return r;
}

static int watch_sync(int fd) {
        WatchedFd *watched = watched_fd(fd);
        struct stat st;

        if (!watched)
                return REAL(fsync)(fd);
        if (is_failing("sync"))
                return -1;
        if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
                note_name(OPERATION_SYNC_FOLDER, watched->path, "", DISK_FOLDER);
        else
                note_file(watched, &(Operation){ .type = OPERATION_SYNC });
        return 0;
}

/* A name goes: of a file or of a folder. */
static int watch_remove(int dir_fd, const char *path, int flags) {
        char buffer[DISK_PATH_MAX];
        const char *watched = watched_path(dir_fd, path, buffer);
        int r;

        if (watched && is_failing("unlink"))
                return -1;
        r = REAL(unlinkat)(dir_fd, path, flags);
        if (watched && r == 0)
                note_name(OPERATION_REMOVE, watched, "", DISK_FOLDER);
        return r;
}

static int watch_mkdir(int dir_fd, const char *path, mode_t mode) {
        char buffer[DISK_PATH_MAX];
        const char *watched = watched_path(dir_fd, path, buffer);
        int r;

        if (watched && is_failing("mkdir"))
                return -1;
        r = REAL(mkdirat)(dir_fd, path, mode);
        if (watched && r == 0)
                note_name(OPERATION_MAKE, watched, "", DISK_FOLDER);
        return r;
}

/* Another name for a file, within the folder; by a link or by renaming. */
static void note_move(OperationType type, const char *from, const char *to) {
        if (medium.log)
                note_name(type, from, to, disk_log_file(medium.log, from, false));
}

EXPORT int renameat(int from_fd, const char *from, int to_fd, const char *to) {
        char buffer[DISK_PATH_MAX], to_buffer[DISK_PATH_MAX];
        const char *watched = watched_path(from_fd, from, buffer), *watched_to = watched_path(to_fd, to, to_buffer);
        int r;

        disk_must(!watched == !watched_to);
        if (watched && is_failing("rename"))
                return -1;
        r = REAL(renameat)(from_fd, from, to_fd, to);
        if (watched && r == 0)
                note_move(OPERATION_RENAME, watched, watched_to);
        return r;
}

EXPORT int linkat(int from_fd, const char *from, int to_fd, const char *to, int flags) {
        char buffer[DISK_PATH_MAX], to_buffer[DISK_PATH_MAX];
        const char *watched = watched_path(from_fd, from, buffer), *watched_to = watched_path(to_fd, to, to_buffer);
        int r;

        disk_must(!watched == !watched_to);
        if (watched && is_failing("link"))
                return -1;
        r = REAL(linkat)(from_fd, from, to_fd, to, flags);
        if (watched && r == 0)
                note_move(OPERATION_LINK, watched, watched_to);
        return r;
}

EXPORT int rename(const char *from, const char *to) {
        return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

EXPORT int link(const char *from, const char *to) {
        return linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

EXPORT int unlinkat(int dir_fd, const char *path, int flags) {
        return watch_remove(dir_fd, path, flags);
}

EXPORT int unlink(const char *path) {
        return watch_remove(AT_FDCWD, path, 0);
}

EXPORT int rmdir(const char *path) {
        return watch_remove(AT_FDCWD, path, AT_REMOVEDIR);
}

EXPORT int mkdirat(int dir_fd, const char *path, mode_t mode) {
        return watch_mkdir(dir_fd, path, mode);
}

EXPORT int mkdir(const char *path, mode_t mode) {
        return watch_mkdir(AT_FDCWD, path, mode);
}

EXPORT int open(const char *path, int flags, ...) {
        va_list arguments;
        mode_t mode;

        va_start(arguments, flags);
        mode = va_arg(arguments, mode_t);
        va_end(arguments);
        return watch_open(&(Opening){ AT_FDCWD, path, flags, mode });
}

EXPORT int open64(const char *path, int flags, ...) {
        va_list arguments;
        mode_t mode;

        va_start(arguments, flags);
        mode = va_arg(arguments, mode_t);
        va_end(arguments);
        return watch_open(&(Opening){ AT_FDCWD, path, flags | O_LARGEFILE, mode });
}

EXPORT int openat(int dir_fd, const char *path, int flags, ...) {
        va_list arguments;
        mode_t mode;

        va_start(arguments, flags);
        mode = va_arg(arguments, mode_t);
        va_end(arguments);
        return watch_open(&(Opening){ dir_fd, path, flags, mode });
}

EXPORT int openat64(int dir_fd, const char *path, int flags, ...) {
        va_list arguments;
        mode_t mode;

        va_start(arguments, flags);
        mode = va_arg(arguments, mode_t);
        va_end(arguments);
        return watch_open(&(Opening){ dir_fd, path, flags | O_LARGEFILE, mode });
}

/* What the fortified header makes of calls without a mode. */
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int dir_fd, const char *path, int flags);
int __openat64_2(int dir_fd, const char *path, int flags);

EXPORT int __open_2(const char *path, int flags) {
        return watch_open(&(Opening){ AT_FDCWD, path, flags, 0 });
}

EXPORT int __open64_2(const char *path, int flags) {
        return watch_open(&(Opening){ AT_FDCWD, path, flags | O_LARGEFILE, 0 });
}

EXPORT int __openat_2(int dir_fd, const char *path, int flags) {
        return watch_open(&(Opening){ dir_fd, path, flags, 0 });
}

EXPORT int __openat64_2(int dir_fd, const char *path, int flags) {
        return watch_open(&(Opening){ dir_fd, path, flags | O_LARGEFILE, 0 });
}

EXPORT int close(int fd) {
        if (fd >= 0 && fd < FDS_MAX)
                medium.fds[fd].is_watched = false;
        return REAL(close)(fd);
}

EXPORT ssize_t write(int fd, const void *data, size_t size) {
        ssize_t n;
        off64_t offset;

        if (!watched_fd(fd))
                return REAL(write)(fd, data, size);
        offset = lseek64(fd, 0, SEEK_CUR);
        disk_must(offset >= 0);
        n = watch_pwrite(fd, data, size, offset);
        if (n > 0)
                disk_must(lseek64(fd, n, SEEK_CUR) >= 0);
        return n;
}

EXPORT ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) {
        return watch_pwrite(fd, data, size, offset);
}

EXPORT ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset) {
        return watch_pwrite(fd, data, size, offset);
}

EXPORT int ftruncate(int fd, off_t size) {
        return watch_truncate(fd, size);
}

EXPORT int ftruncate64(int fd, off64_t size) {
        return watch_truncate(fd, size);
}

EXPORT int fallocate(int fd, int mode, off_t offset, off_t size) {
        return watch_fallocate(fd, mode, offset, size);
}

EXPORT int fallocate64(int fd, int mode, off64_t offset, off64_t size) {
        return watch_fallocate(fd, mode, offset, size);
}

EXPORT int posix_fallocate(int fd, off_t offset, off_t size) {
        return watch_fallocate(fd, 0, offset, size) < 0 ? errno : 0;
}

EXPORT int posix_fallocate64(int fd, off64_t offset, off64_t size) {
        return watch_fallocate(fd, 0, offset, size) < 0 ? errno : 0;
}

EXPORT int fsync(int fd) {
        return watch_sync(fd);
}

EXPORT int fdatasync(int fd) {
        return watch_sync(fd);
}
