/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Writing a segment. Floor 2.
 *
 * What is written before its row is committed counts for nothing: until then `end` stays where it is, and the next try
 * writes at the same place. Two exceptions make it go on behind: after an I/O error the medium may be bad there, and
 * the row may have been committed all the same.
 *
 * Each commit begins at a new block, so that no block that was synced is ever written again: a power cut in the middle
 * of a write can then damage nothing that was promised.
 *
 * Space is asked for in steps, beyond the end of the file, so that its size says how much was written. That is a help
 * and no more: where the file system cannot, or has not that much, the write itself tells.
 *
 * The file is open during a commit only: between two commits a card can be unmounted.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "segment.h"

#define BLOCK ((uint64_t)4096)
#define STEP ((uint64_t)2 * 1024 * 1024)

static uint64_t round_up(uint64_t value, uint64_t unit) {
        return (value + unit - 1) / unit * unit;
}

static int segment_make(Segments *segments, Segment *segment, const char *name) {
        int dir_fd = segments_dir_fd(segments), fd;

        fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0 && errno == EEXIST) {
                /* Numbers of parcels are never used twice, so whatever this is nothing refers to it. */
                if (unlinkat(dir_fd, name, 0) < 0)
                        return negative_errno();
                fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        }
        if (fd < 0)
                return negative_errno();
        segment->fd = fd;
        segment->is_made = true;
        return 0;
}

static int segment_open(Segments *segments, Segment *segment) {
        char name[SEGMENT_NAME_MAX];

        segment_name(segment->parcel, name);
        if (!segment->is_made)
                return segment_make(segments, segment, name);
        segment->fd = openat(segments_dir_fd(segments), name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        return segment->fd < 0 ? negative_errno() : 0;
}

static void segment_allocate(Segment *segment, uint64_t end) {
        uint64_t wanted = round_up(end, STEP);

        if (end <= segment->allocated)
                return;
        /* See the head of the file. */
        (void)!fallocate(segment->fd, FALLOC_FL_KEEP_SIZE, (off_t)segment->allocated,
                         (off_t)(wanted - segment->allocated));
        segment->allocated = wanted;
}

/**
 * segment_begin() - make ready to write behind what is there
 * @segments:   entered
 * @segment:    changed
 * @n_bytes:    as many as will be written
 * @ret_offset: where they will lie; untouched on failure
 *
 * Return: 0; < 0.
 */
int segment_begin(Segments *segments, Segment *segment, uint64_t n_bytes, uint64_t *ret_offset) {
        int r;

        if (segment->fd < 0) {
                r = segment_open(segments, segment);
                if (r < 0)
                        return r;
                segment->planned = round_up(segment->end, BLOCK);
        }
        segment_allocate(segment, segment->planned + n_bytes);
        *ret_offset = segment->planned;
        return 0;
}

/**
 * segment_write() - write on, behind segment_begin() and what was written since
 * @segment:    changed
 * @data:       what to write
 * @n_bytes:    its size
 *
 * Return: 0: not synced yet; < 0.
 */
int segment_write(Segment *segment, const void *data, size_t n_bytes) {
        size_t done = 0;

        while (done < n_bytes) {
                ssize_t n = pwrite(segment->fd, (const uint8_t *)data + done, n_bytes - done,
                                   (off_t)(segment->planned + done));

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return negative_errno();
                if (n == 0)
                        return -EIO;
                done += (size_t)n;
        }
        segment->planned += n_bytes;
        return 0;
}

/**
 * segment_sync() - put on the medium what was appended
 * @segments:   entered
 * @segment:    changed; nothing is done when nothing was appended
 *
 * Return: 0; < 0.
 */
int segment_sync(Segments *segments, Segment *segment) {
        if (segment->fd < 0)
                return 0;
        if (fdatasync(segment->fd) < 0)
                return negative_errno();
        if (!segment->is_listed && fsync(segments_dir_fd(segments)) < 0)
                return negative_errno();
        segment->is_listed = true;
        return 0;
}

/**
 * segment_settle() - the commit is over
 * @segment:    changed: what was appended counts, or is forgotten
 * @r:          how it ended: >= 0, or < 0
 */
void segment_settle(Segment *segment, int r) {
        if (segment->fd < 0)
                return;
        close_fdp(&segment->fd);
        if (r >= 0 || r == -EIO)
                segment->end = segment->planned;
        segment->planned = segment->end;
}

/**
 * segment_is_here() - whether the file is still in the folder
 * @segments:   entered
 * @segment:    borrowed
 *
 * Return: 1: it is, or is not made yet; 0: it is not; < 0.
 */
int segment_is_here(Segments *segments, const Segment *segment) {
        char name[SEGMENT_NAME_MAX];
        struct stat st;

        if (!segment->is_made)
                return 1;
        segment_name(segment->parcel, name);
        if (fstatat(segments_dir_fd(segments), name, &st, AT_SYMLINK_NOFOLLOW) >= 0)
                return 1;
        return errno == ENOENT ? 0 : negative_errno();
}

/**
 * segment_finish() - give back the space that was asked for and not used
 * @segments:   entered
 * @segment:    borrowed; of a parcel that is closed
 *
 * Return: 0; < 0: harmless, it is done when the folder is tidied.
 */
int segment_finish(Segments *segments, const Segment *segment) {
        _cleanup_close_ int fd = -1;
        char name[SEGMENT_NAME_MAX];

        if (!segment->is_made)
                return 0;
        segment_name(segment->parcel, name);
        fd = openat(segments_dir_fd(segments), name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0)
                return negative_errno();
        return ftruncate(fd, (off_t)segment->end) < 0 ? negative_errno() : 0;
}
