/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fail-card.h"
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/types.h>
#include <unistd.h>

Card card;

int __real_openat64(int dir_fd, const char *path, int flags, ...);
int __wrap_openat64(int dir_fd, const char *path, int flags, ...);
ssize_t __real_pread64(int fd, void *data, size_t size, off_t offset);
ssize_t __wrap_pread64(int fd, void *data, size_t size, off_t offset);
ssize_t __real_pwrite64(int fd, const void *data, size_t size, off_t offset);
ssize_t __wrap_pwrite64(int fd, const void *data, size_t size, off_t offset);
int __real_fallocate64(int fd, int mode, off_t offset, off_t size);
int __wrap_fallocate64(int fd, int mode, off_t offset, off_t size);
int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_ftruncate64(int fd, off_t size);
int __wrap_ftruncate64(int fd, off_t size);
int __real_unlinkat(int dir_fd, const char *path, int flags);
int __wrap_unlinkat(int dir_fd, const char *path, int flags);

static bool fails(CardCall call) {
        card.n_calls[call]++;
        card.n_all++;
        errno = card.error;
        if (card.countdown > 0)
                return --card.countdown == 0;
        return !card.is_counting && card.fails[call];
}

int __wrap_openat64(int dir_fd, const char *path, int flags, ...) {
        mode_t mode = 0;
        va_list args;

        va_start(args, flags);
        if (flags & O_CREAT)
                mode = va_arg(args, mode_t);
        va_end(args);
        return fails(CARD_OPEN) ? -1 : __real_openat64(dir_fd, path, flags, mode);
}

ssize_t __wrap_pread64(int fd, void *data, size_t size, off_t offset) {
        return fails(CARD_READ) ? -1 : __real_pread64(fd, data, size, offset);
}

/* A half of it, as a card that fills up does. */
ssize_t __wrap_pwrite64(int fd, const void *data, size_t size, off_t offset) {
        if (!fails(CARD_WRITE))
                return __real_pwrite64(fd, data, size, offset);
        (void)!__real_pwrite64(fd, data, size / 2, offset);
        errno = card.error;
        return -1;
}

int __wrap_fallocate64(int fd, int mode, off_t offset, off_t size) {
        return fails(CARD_ALLOCATE) ? -1 : __real_fallocate64(fd, mode, offset, size);
}

static int after_sync(int r) {
        if (r == 0 && card.synced)
                card.synced(card.userdata);
        return r;
}

int __wrap_fdatasync(int fd) {
        return fails(CARD_SYNC) ? -1 : after_sync(__real_fdatasync(fd));
}

int __wrap_fsync(int fd) {
        return fails(CARD_SYNC) ? -1 : after_sync(__real_fsync(fd));
}

int __wrap_ftruncate64(int fd, off_t size) {
        return fails(CARD_CUT) ? -1 : __real_ftruncate64(fd, size);
}

int __wrap_unlinkat(int dir_fd, const char *path, int flags) {
        return fails(CARD_UNLINK) ? -1 : __real_unlinkat(dir_fd, path, flags);
}
