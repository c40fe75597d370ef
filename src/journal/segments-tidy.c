/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tidying the folder of the segments. Floor 2.
 *
 * A crash leaves what was written and not committed: at the end of a segment, or a whole file. Erasing and expiring
 * while the card is away leaves files whose key is destroyed. None of it can be read or is referred to; it takes up
 * space, and here it goes.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "segments.h"

#define DIGITS "0123456789abcdef"
#define BLOCK_UNIT 512                 /* of st_blocks */
#define CUT_MIN ((uint64_t)512 * 1024) /* allocated beyond the end: more than any cluster of a card */

static bool parse_name(const char *name, uint64_t *ret_parcel) {
        uint64_t parcel = 0;

        if (strlen(name) != SEGMENT_NAME_MAX - 1 || strspn(name, DIGITS) != SEGMENT_NAME_MAX - 1)
                return false;
        for (; *name; name++)
                parcel = parcel << 4 | (uint64_t)(strchr(DIGITS, *name) - DIGITS);
        *ret_parcel = parcel;
        return true;
}

static int tidy_cut(int dir_fd, const char *name, uint64_t end) {
        _cleanup_close_ int fd = -1;
        struct stat st;

        fd = openat(dir_fd, name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0)
                return negative_errno();
        if ((uint64_t)st.st_size <= end && (uint64_t)st.st_blocks * BLOCK_UNIT < end + CUT_MIN)
                return 0;
        /* Never longer: what is missing must be seen to be missing. */
        return ftruncate(fd, (off_t)MIN((uint64_t)st.st_size, end)) < 0 ? negative_errno() : 0;
}

static int tidy_one(int dir_fd, const char *name, SegmentJudge judge, void *userdata) {
        uint64_t parcel, end = 0;
        int r;

        if (!parse_name(name, &parcel))
                return 0; /* not ours */
        r = judge(parcel, &end, userdata);
        if (r < 0)
                return r;
        switch ((SegmentVerdict)r) {
        case SEGMENT_KEEP:
                return 0;
        case SEGMENT_CUT:
                return tidy_cut(dir_fd, name, end);
        case SEGMENT_REMOVE:
                return unlinkat(dir_fd, name, 0) < 0 && errno != ENOENT ? negative_errno() : 0;
        }
        return -EINVAL;
}

/**
 * segments_tidy() - remove and cut what nothing refers to
 * @segments:   entered
 * @judge:      says of each segment what is to become of it
 * @userdata:   for @judge
 *
 * Return: 0: the folder is tidy; < 0: it is not, to be tried again.
 */
int segments_tidy(Segments *segments, SegmentJudge judge, void *userdata) {
        int dir_fd = segments_dir_fd(segments), fd, r = 0;
        const struct dirent *entry;
        DIR *dir;

        fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return negative_errno();
        dir = fdopendir(fd);
        if (!dir) {
                close_fdp(&fd);
                return -ENOMEM;
        }
        for (errno = 0; r >= 0 && (entry = readdir(dir)); errno = 0)
                r = tidy_one(dir_fd, entry->d_name, judge, userdata);
        if (r >= 0 && errno != 0)
                r = negative_errno();
        (void)closedir(dir); /* it was only read */
        if (r >= 0)
                segments_set_untidy(segments, false);
        return r;
}
