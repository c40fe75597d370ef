/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The file "reserve" in the state folder. Floor 2.
 *
 * 8 MiB, or an eighth of a small file system, allocated and never read. On a full disk it is emptied, and for a
 * moment there is room: to destroy keys, to write down a withdrawal, to delete what makes more room. It is taken again
 * as soon as that is possible, as far as it is.
 *
 * fallocate() where the file system has it. Elsewhere random bytes are written, since zeroes are nothing to a file
 * system that compresses (UBIFS). The file itself stays when it is emptied: making one may need room too.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include "reserve.h"
#include "trailkeep/file.h"
#include "trailkeep/id.h"

#define LOG_MODULE "journal"
#include "trailkeep/log.h"

#define RESERVE_MODE 0600
#define RESERVE_MAX_BYTES (UINT64_C(8) * 1024 * 1024)
#define RESERVE_SHARE 8 /* of the file system */
#define STEP_BYTES ((size_t)64 * 1024)

static int reserve_open_file(const Reserve *reserve, int flags) {
        int fd = open(reserve->path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | flags, RESERVE_MODE);

        return fd < 0 ? negative_errno() : fd;
}

/**
 * reserve_open() - find out how large the reserve is and is to be
 * @dir:        state folder
 * @ret:        freed with reserve_done(); untouched on failure
 *
 * Nothing is written. Where nothing is known about the file system, none is kept.
 *
 * Return: 0; -ENOMEM.
 */
int reserve_open(const char *dir, Reserve *ret) {
        Reserve reserve = { .path = path_join(dir, "reserve") };
        struct statvfs fs;
        struct stat st;

        if (!reserve.path)
                return -ENOMEM;
        if (statvfs(dir, &fs) >= 0)
                reserve.bytes = MIN((uint64_t)fs.f_blocks * fs.f_frsize / RESERVE_SHARE, RESERVE_MAX_BYTES);
        reserve.bytes -= reserve.bytes % STEP_BYTES;
        if (stat(reserve.path, &st) >= 0)
                reserve.held_bytes = MIN((uint64_t)st.st_size, (uint64_t)st.st_blocks * 512);
        *ret = reserve;
        return 0;
}

/**
 * reserve_done() - forget the reserve; the file stays
 * @reserve:    empty afterwards
 */
void reserve_done(Reserve *reserve) {
        free(reserve->path);
        *reserve = (Reserve){ 0 };
}

static int reserve_write(int fd, uint64_t from, uint64_t to) {
        uint8_t step[STEP_BYTES];

        for (uint64_t at = from; at < to; at += sizeof(step)) {
                int r = random_bytes(step, sizeof(step));
                ssize_t n;

                if (r < 0)
                        return r;
                n = pwrite(fd, step, sizeof(step), (off_t)at);
                if (n < (ssize_t)sizeof(step))
                        return n < 0 ? negative_errno() : -ENOSPC;
        }
        return 0;
}

static int reserve_allocate(int fd, uint64_t from, uint64_t to) {
        if (fallocate(fd, 0, (off_t)from, (off_t)(to - from)) >= 0)
                return 0;
        return errno == EOPNOTSUPP || errno == ENOSYS ? reserve_write(fd, from, to) : negative_errno();
}

/**
 * reserve_take() - make it whole, or as large as there is room
 * @reserve:    changed
 *
 * A file system that refuses to allocate for another reason than a lack of room has no reserve to wait for.
 *
 * Return: 0: it is whole; -ENOSPC or -EDQUOT: it is not; < 0: nothing can be written at all.
 */
int reserve_take(Reserve *reserve) {
        _cleanup_close_ int fd = -1;
        uint64_t goal = reserve->bytes;
        struct statvfs fs;
        int r = 0;

        if (reserve_is_whole(reserve))
                return 0;
        fd = reserve_open_file(reserve, O_CREAT);
        if (fd < 0)
                return fd;
        if (fstatvfs(fd, &fs) >= 0)
                goal = MIN(goal, reserve->held_bytes + (uint64_t)fs.f_bavail * fs.f_frsize);
        goal -= goal % STEP_BYTES;
        if (goal > reserve->held_bytes)
                r = reserve_allocate(fd, reserve->held_bytes, goal);
        if (r >= 0) {
                reserve->held_bytes = MAX(reserve->held_bytes, goal);
                return reserve_is_whole(reserve) ? 0 : -ENOSPC;
        }
        /* What was allocated before it failed is not counted on. */
        if (ftruncate(fd, (off_t)reserve->held_bytes) >= 0 && (r == -ENOSPC || r == -EDQUOT))
                return r;
        log_debug("no room can be reserved: %s", strerror(-r));
        reserve->bytes = 0;
        return 0;
}

/**
 * reserve_give() - let go of it, so that there is room for a moment
 * @reserve:    changed
 *
 * Return: whether there is more room now than before.
 */
bool reserve_give(Reserve *reserve) {
        _cleanup_close_ int fd = -1;

        if (reserve->held_bytes == 0)
                return false;
        fd = reserve_open_file(reserve, 0);
        if (fd >= 0 && ftruncate(fd, 0) < 0)
                return false;
        reserve->held_bytes = 0;
        if (fd < 0)
                return false; /* somebody has removed it */
        /* Some file systems hand out freed blocks only once that is on the medium; where that fails they say so to
         * whoever needs them. */
        (void)!fsync(fd);
        return true;
}
