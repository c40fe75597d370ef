/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The folder of the segments. Floor 2.
 *
 *   <state>/segments/       made with the first bytes of media, or
 *   <MediaDir>/             a folder that somebody made, on a card perhaps
 *       trailkeep-media     in MediaDir only: the installation the folder belongs to, 32 hexadecimal digits and a
 *                           newline; an empty one is filled in, which is how a card is made this box's
 *       0000000000000abc    the segment of a parcel, named by its number: 16 hexadecimal digits
 *
 * A segment holds the bytes of the parcel's records one after another, each sealed under the parcel's key (aead.c) with
 * additional data of the kind BLOB and the record's id (seal.c). Where each one lies stands in its row in the table
 * media, sealed too, and only there: what no row refers to is nothing. Each commit begins at a multiple of 4096 bytes.
 *
 *            bytes written -> synced -> row committed = durable
 *   segment    `--------------------------------'  one file for each parcel, so that a key is destroyed with its file
 *
 * A folder without the marker is never written to: where no card is mounted there is an empty folder of the system's
 * disk. Nothing here is opened for longer than one commit or one reading, so that a card can be unmounted; whose it is
 * is asked each time.
 *
 *   OK <-> MISSING     no folder, or no marker in it         OK <-> FULL        no space
 *   OK <-> FOREIGN     the marker of another installation    OK <-> READ_ONLY   of the file system or its rights
 *   OK <-> FAILING     anything else that the system said
 *
 * A state other than OK is left when the next try goes well; who tries and when is the journal's matter. MISSING and
 * FOREIGN can be neither read nor written.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include "segments.h"
#include "trailkeep/file.h"

#define FOLDER "segments"
#define FOLDER_MODE 0700
#define MARKER SEGMENTS_MARKER
#define ROOM_MIN ((uint64_t)4 * 1024 * 1024) /* with less free a full medium counts as full still */

struct Segments {
        char *path;
        char installation[SEGMENTS_INSTALLATION_MAX];
        bool is_card; /* MediaDir=: has a marker, comes and goes */
        int dir_fd;   /* while entered */
        unsigned n_entered;
        struct stat marker; /* of the last card, to see that it is another one */
        bool is_untidy;
        int read_fd; /* while entered; < 0: none */
        uint64_t read_parcel;
        JournalMediaState state;
        char trouble[JOURNAL_MEDIA_TEXT_MAX];
};

/**
 * segments_new() - where segments lie
 * @state_dir:  of the journal
 * @media_dir:  another folder for them; NULL or "": below @state_dir
 * @installation: 32 hexadecimal digits
 * @ret:        owned by the caller; untouched on failure. Nothing was looked at yet
 *
 * Return: 0; -ENOMEM.
 */
int segments_new(const char *state_dir, const char *media_dir, const char *installation, Segments **ret) {
        _cleanup_(segments_freep) Segments *segments = NULL;
        struct stat st;

        segments = calloc(1, sizeof(*segments));
        if (!segments)
                return -ENOMEM;
        segments->dir_fd = segments->read_fd = -1;
        segments->is_card = media_dir && media_dir[0];
        segments->path = segments->is_card ? strdup(media_dir) : path_join(state_dir, FOLDER);
        if (!segments->path)
                return -ENOMEM;
        /* always fits */
        (void)snprintf(segments->installation, sizeof(segments->installation), "%s", installation);
        segments->is_untidy = segments->is_card || stat(segments->path, &st) >= 0;
        *ret = TAKE_PTR(segments);
        return 0;
}

/**
 * segments_free() - forget the folder
 * @segments:   or NULL
 *
 * Return: NULL.
 */
Segments *segments_free(Segments *segments) {
        if (!segments)
                return NULL;
        close_fdp(&segments->read_fd);
        close_fdp(&segments->dir_fd);
        free(segments->path);
        free(segments);
        return NULL;
}

/**
 * segments_state() - how the folder is
 * @segments:   borrowed
 *
 * Return: as of the last try.
 */
JournalMediaState segments_state(const Segments *segments) {
        return segments->state;
}

/**
 * segments_trouble() - what is wrong with the folder
 * @segments:   borrowed
 *
 * Return: one whole sentence, borrowed; "" while it is well.
 */
const char *segments_trouble(const Segments *segments) {
        return segments->trouble;
}

static _printf_(3, 4) void segments_set(Segments *segments, JournalMediaState state, const char *format, ...) {
        va_list args;

        segments->state = state;
        va_start(args, format);
        /* cut off if the path is that long */
        (void)vsnprintf(segments->trouble, sizeof(segments->trouble), format, args);
        va_end(args);
}

#define STAYS "what is recorded of media waits in memory while there is room, all else goes on"

static void segments_set_missing(Segments *segments) {
        segments_set(segments, JOURNAL_MEDIA_MISSING,
                     "%s has no file " MARKER ": no card is there, or a new one; " STAYS ". Insert the card, or make "
                     "this folder the box's: touch %s/" MARKER ".",
                     segments->path, segments->path);
}

static void segments_set_foreign(Segments *segments) {
        segments_set(segments, JOURNAL_MEDIA_FOREIGN,
                     "%s belongs to another installation and was left as it is; " STAYS ". Insert this box's card, or "
                     "hand this one over: truncate -s 0 %s/" MARKER ".",
                     segments->path, segments->path);
}

/**
 * segments_fail() - what went wrong becomes the state
 * @segments:   changed
 * @r:          < 0 of a call on the folder or on a segment; otherwise nothing happens
 *
 * Return: @r.
 */
int segments_fail(Segments *segments, int r) {
        switch (-r) {
        case ENOSPC:
        case EDQUOT:
        case EFBIG:
                segments_set(segments, JOURNAL_MEDIA_FULL,
                             "%s has no space; " STAYS ". Make room, or insert a larger card.", segments->path);
                return r;
        case EROFS:
        case EACCES:
        case EPERM:
                segments_set(segments, JOURNAL_MEDIA_READ_ONLY,
                             "%s cannot be written to (%s); " STAYS ". Move the card's write lock, or give the folder "
                             "to the user of the daemon.", segments->path, strerror(-r));
                return r;
        case ENOENT:
        case ENOTDIR:
        case ENODEV:
        case ENXIO:
        case ENOMEDIUM:
        case ENOTCONN:
                segments_set_missing(segments);
                return r;
        }
        if (r < 0)
                segments_set(segments, JOURNAL_MEDIA_FAILING,
                             "%s does not work (%s); " STAYS ". Check the card and its file system, or insert another.",
                             segments->path, strerror(-r));
        return r;
}

/**
 * segments_recover() - something was written, or could be
 * @segments:   changed
 */
void segments_recover(Segments *segments) {
        segments->state = JOURNAL_MEDIA_OK;
        segments->trouble[0] = 0;
}

/**
 * segments_has_room() - whether a folder that was full or read-only may be so no more
 * @segments:   entered; its state is changed if the file system is read-only
 *
 * Return: whether it is worth a try.
 */
bool segments_has_room(Segments *segments) {
        struct statvfs st;

        if (fstatvfs(segments->dir_fd, &st) < 0)
                return segments_fail(segments, negative_errno()) >= 0;
        if (st.f_flag & ST_RDONLY)
                return segments_fail(segments, -EROFS) >= 0;
        if (faccessat(segments->dir_fd, ".", W_OK | X_OK, 0) < 0)
                return segments_fail(segments, negative_errno()) >= 0;
        return segments->state != JOURNAL_MEDIA_FULL || (uint64_t)st.f_bavail * st.f_frsize >= ROOM_MIN;
}

static bool is_same_card(const struct stat *a, const struct stat *b) {
        return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
               a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* A folder of ours is of no other installation, since the state folder is not. */
static int segments_check_card(Segments *segments) {
        struct stat st = { 0 };
        int r;

        r = segments_check_marker(segments->dir_fd, segments->installation, &st);
        if (r < 0) {
                (void)segments_fail(segments, r); /* returned as being away */
                return SEGMENTS_E_AWAY;
        }
        if (r == 0) {
                segments_set_foreign(segments);
                return SEGMENTS_E_AWAY;
        }
        segments->is_untidy |= !is_same_card(&st, &segments->marker);
        segments->marker = st;
        return 0;
}

/**
 * segments_enter() - open the folder, and see whose it is
 * @segments:   changed
 *
 * Return: 0: until segments_leave(), once for each; SEGMENTS_E_AWAY: it cannot be used now, see segments_state().
 */
int segments_enter(Segments *segments) {
        int r = 0;

        if (segments->n_entered > 0) {
                segments->n_entered++;
                return 0;
        }
        segments->dir_fd = open(segments->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (segments->dir_fd < 0) {
                /* A folder of ours that is not made yet is no trouble. */
                if (segments->is_card || errno != ENOENT)
                        (void)segments_fail(segments, negative_errno()); /* returned as being away */
                return SEGMENTS_E_AWAY;
        }
        if (segments->is_card)
                r = segments_check_card(segments);
        if (r != 0) {
                close_fdp(&segments->dir_fd);
                return r;
        }
        if (segments->state == JOURNAL_MEDIA_MISSING || segments->state == JOURNAL_MEDIA_FOREIGN)
                segments_recover(segments);
        segments->n_entered = 1;
        return 0;
}

/**
 * segments_leave() - close the folder
 * @segments:   entered
 */
void segments_leave(Segments *segments) {
        if (--segments->n_entered > 0)
                return;
        close_fdp(&segments->read_fd);
        close_fdp(&segments->dir_fd);
}

/**
 * segments_prepare() - make the folder below the state folder, if that is where segments lie
 * @segments:   not entered
 *
 * Return: 0; < 0.
 */
int segments_prepare(Segments *segments) {
        return segments->is_card ? 0 : dir_make(segments->path, FOLDER_MODE);
}

/**
 * segments_dir_fd() - the folder
 * @segments:   entered
 *
 * Return: descriptor, borrowed.
 */
int segments_dir_fd(const Segments *segments) {
        return segments->dir_fd;
}

/**
 * segments_is_untidy() - whether there may be files that nothing refers to
 * @segments:   borrowed
 *
 * Return: whether segments_tidy() has something to look for.
 */
bool segments_is_untidy(const Segments *segments) {
        return segments->is_untidy;
}

/**
 * segments_set_untidy() - note that files are left over, or that there are none
 * @segments:   changed
 * @is_untidy:  which of both
 */
void segments_set_untidy(Segments *segments, bool is_untidy) {
        segments->is_untidy = is_untidy;
}

/**
 * segment_name() - name of the file of a parcel
 * @parcel:     its number
 * @ret:        the name
 */
void segment_name(uint64_t parcel, char ret[static SEGMENT_NAME_MAX]) {
        (void)snprintf(ret, SEGMENT_NAME_MAX, "%016" PRIx64, parcel); /* always fits */
}

/* The last one stays open until the folder is left: a batch is of one parcel. */
static int segments_open_to_read(Segments *segments, uint64_t parcel) {
        char name[SEGMENT_NAME_MAX];

        if (segments->read_fd >= 0 && segments->read_parcel == parcel)
                return 0;
        close_fdp(&segments->read_fd);
        segment_name(parcel, name);
        segments->read_fd = openat(segments->dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (segments->read_fd < 0 && errno == ENOENT)
                return segments->is_card ? SEGMENTS_E_AWAY : SEGMENTS_E_LOST; /* there may be several cards */
        if (segments->read_fd < 0)
                return negative_errno();
        segments->read_parcel = parcel;
        return 0;
}

/**
 * segments_read() - a part of a segment
 * @segments:   entered
 * @parcel:     whose
 * @offset:     where it begins
 * @length:     in bytes
 * @ret:        appended to; as it was on failure
 *
 * Return: 0; SEGMENTS_E_AWAY: the file is on no card that is here; SEGMENTS_E_UNREADABLE; SEGMENTS_E_LOST: it ends
 * before; < 0.
 */
int segments_read(Segments *segments, uint64_t parcel, uint64_t offset, uint64_t length, Bytes *ret) {
        size_t done = 0;
        int r;

        r = segments_open_to_read(segments, parcel);
        if (r != 0)
                return r;
        r = bytes_reserve(ret, (size_t)length);
        if (r < 0)
                return r;
        while (done < length) {
                ssize_t n = pread(segments->read_fd, ret->data + ret->size + done, (size_t)length - done,
                                  (off_t)(offset + done));

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return errno == EIO ? SEGMENTS_E_UNREADABLE : negative_errno();
                if (n == 0)
                        return SEGMENTS_E_LOST;
                done += (size_t)n;
        }
        ret->size += (size_t)length;
        ret->data[ret->size] = 0;
        return 0;
}

/**
 * segments_remove() - delete a segment
 * @segments:   entered
 * @parcel:     whose
 *
 * Return: 0, also when it is not there; < 0.
 */
int segments_remove(Segments *segments, uint64_t parcel) {
        char name[SEGMENT_NAME_MAX];

        segment_name(parcel, name);
        return unlinkat(segments->dir_fd, name, 0) < 0 && errno != ENOENT ? negative_errno() : 0;
}
