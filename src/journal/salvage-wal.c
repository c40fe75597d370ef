/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The write-ahead log (SQLite's file format, §4). Floor 2.
 *
 *   header   32 bytes, big endian: magic 0x377f0682 or 0x377f0683, format, page size, number of the checkpoint,
 *            two salts, two checksums of the 24 bytes before
 *   frame    24 bytes: number of the page, pages of the database if this frame ends a commit, else 0, the two salts,
 *            two checksums; then the page
 *
 * The checksums run on from frame to frame, over the first 8 bytes of each frame's header and its page, in 32-bit words
 * of the byte order that the magic number says. SQLite takes frames as long as salts and checksums hold, up to the last
 * that ends a commit, and passes over the rest without a word. That is right after a power cut, which tears what was
 * not synced; it would lose what was acknowledged where a bit flipped in the middle.
 *
 * With synchronous=FULL a commit is synced before the next one is begun, and the header before its first frame. So a
 * frame that does not hold was torn if nothing follows the commit that it belongs to, and is damaged if something does.
 * A frame of an earlier round of the file has other salts and does not count.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "salvage-wal.h"
#include "trailkeep/file.h"

#define WAL_HEADER_SIZE 32
#define WAL_MAGIC 0x377f0682U /* the lowest bit says that the words are big endian */
#define FRAME_SIZE ((off_t)WAL_FRAME_HEADER_SIZE + SALVAGE_PAGE_SIZE)

typedef struct WalSum {
        uint32_t a, b;
        bool is_big;
} WalSum;

static uint32_t read_u32(const uint8_t *bytes) {
        uint32_t value;

        memcpy(&value, bytes, sizeof(value));
        return be32toh(value);
}

static uint32_t read_word(const uint8_t *bytes, bool is_big) {
        uint32_t value;

        memcpy(&value, bytes, sizeof(value));
        return is_big ? be32toh(value) : le32toh(value);
}

static void sum_add(WalSum *sum, const uint8_t *bytes, size_t size) {
        for (size_t i = 0; i + 8 <= size; i += 8) {
                sum->a += read_word(bytes + i, sum->is_big) + sum->b;
                sum->b += read_word(bytes + i + 4, sum->is_big) + sum->a;
        }
}

/* Where the walk along the frames is. */
typedef struct WalWalk {
        Wal *wal;
        WalSum sum;
        uint8_t salts[8];
        bool is_broken;    /* a frame did not hold */
        bool is_committed; /* of frames behind that one: the last of these salts ended a commit */
} WalWalk;

/* One flipped bit does not make a frame one of an earlier round, whose second salt has nothing in common with ours. */
static bool walk_knows_salts(const WalWalk *walk, const uint8_t *salts) {
        size_t n_same = 0;

        for (size_t i = 0; i < sizeof(walk->salts); i++)
                n_same += salts[i] == walk->salts[i];
        return n_same + 1 >= sizeof(walk->salts);
}

static void walk_frame(WalWalk *walk, size_t i, const uint8_t *header, const uint8_t *page) {
        bool is_of_this_round = walk_knows_salts(walk, header + 8);
        bool is_commit = read_u32(header + 4) != 0;

        walk->wal->pages[i] = read_u32(header);
        if (!walk->is_broken) {
                sum_add(&walk->sum, header, 8);
                sum_add(&walk->sum, page, SALVAGE_PAGE_SIZE);
                if (memcmp(header + 8, walk->salts, sizeof(walk->salts)) == 0 &&
                    read_u32(header + 16) == walk->sum.a && read_u32(header + 20) == walk->sum.b) {
                        if (is_commit)
                                walk->wal->n_valid = i + 1;
                        return;
                }
                walk->is_broken = true;
        } else if (is_of_this_round && walk->is_committed)
                walk->wal->is_damaged = true;
        if (is_of_this_round)
                walk->is_committed = is_commit;
}

static int walk_frames(WalWalk *walk) {
        uint8_t frame[FRAME_SIZE];

        for (size_t i = 0; i < walk->wal->n_frames; i++) {
                ssize_t n = pread(walk->wal->fd, frame, sizeof(frame), WAL_HEADER_SIZE + (off_t)i * FRAME_SIZE);

                if (n == (ssize_t)sizeof(frame))
                        walk_frame(walk, i, frame, frame + WAL_FRAME_HEADER_SIZE);
                else
                        /* The medium cannot read it: that is no torn write. */
                        walk->is_broken = walk->wal->is_damaged = true;
        }
        return 0;
}

/* Begins the walk; false when the header does not hold. */
static bool walk_begin(WalWalk *walk) {
        uint8_t header[WAL_HEADER_SIZE];

        if (pread(walk->wal->fd, header, sizeof(header), 0) != (ssize_t)sizeof(header))
                return false;
        walk->sum.is_big = read_u32(header) & 1;
        sum_add(&walk->sum, header, 24);
        memcpy(walk->salts, header + 16, sizeof(walk->salts));
        return (read_u32(header) & ~1U) == WAL_MAGIC && read_u32(header + 8) == SALVAGE_PAGE_SIZE &&
               read_u32(header + 24) == walk->sum.a && read_u32(header + 28) == walk->sum.b;
}

static char *wal_path(const char *db_path) {
        size_t n = strlen(db_path) + sizeof("-wal");
        char *path = malloc(n);

        if (path)
                (void)snprintf(path, n, "%s-wal", db_path); /* always fits */
        return path;
}

static int wal_load(const char *db_path, Wal *wal) {
        _cleanup_free_ char *path = wal_path(db_path);
        WalWalk walk = { .wal = wal };
        struct stat st;

        if (!path)
                return -ENOMEM;
        wal->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (wal->fd < 0)
                return errno == ENOENT ? 0 : -errno;
        if (fstat(wal->fd, &st) < 0)
                return -errno;
        if (st.st_size < WAL_HEADER_SIZE + FRAME_SIZE)
                return 0;
        wal->n_frames = (size_t)((st.st_size - WAL_HEADER_SIZE) / FRAME_SIZE);
        wal->pages = calloc(wal->n_frames, sizeof(*wal->pages));
        if (!wal->pages)
                return -ENOMEM;
        if (!walk_begin(&walk))
                walk.is_broken = wal->is_damaged = true;
        return walk_frames(&walk);
}

/**
 * wal_read() - find out what the write-ahead log holds
 * @db_path:    of the database it belongs to
 * @ret:        for wal_done(), also on failure
 *
 * Return: 0, also if there is none; < 0.
 */
int wal_read(const char *db_path, Wal *ret) {
        *ret = (Wal){ .fd = -1 };
        return wal_load(db_path, ret);
}

/**
 * wal_done() - close it
 * @wal:        empty afterwards
 */
void wal_done(Wal *wal) {
        close_fdp(&wal->fd);
        free(wal->pages);
        *wal = (Wal){ .fd = -1 };
}

/**
 * wal_read_page() - the page in a frame
 * @wal:        from wal_read()
 * @frame:      counted from 0
 * @page:       filled when 1 is returned
 *
 * Return: 1; 0 if the medium cannot read it.
 */
int wal_read_page(const Wal *wal, size_t frame, uint8_t page[static SALVAGE_PAGE_SIZE]) {
        off_t offset = WAL_HEADER_SIZE + (off_t)frame * FRAME_SIZE + WAL_FRAME_HEADER_SIZE;

        return pread(wal->fd, page, SALVAGE_PAGE_SIZE, offset) == SALVAGE_PAGE_SIZE;
}
