/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The marker that says whose a folder of segments is. Floor 2.
 *
 * A file of the name trailkeep-media, with the installation in 32 hexadecimal digits and a newline. An empty one is
 * filled in, and so is one that was torn while it was: to make it is how a person says that this folder may be used, on
 * a new card as on one that comes from another box. Nothing else is ever written to a folder without it, since where no card is mounted there is a folder of
 * the system's own disk.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "segments.h"

#define MARKER_MAX 64

/* In place, since vfat has no modes that a new file could be given. */
static int marker_claim(int dir_fd, const char *installation) {
        char text[SEGMENTS_INSTALLATION_MAX + 1];
        _cleanup_close_ int fd = -1;
        ssize_t n;

        fd = openat(dir_fd, SEGMENTS_MARKER, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0)
                return negative_errno();
        n = snprintf(text, sizeof(text), "%s\n", installation);
        if (pwrite(fd, text, (size_t)n, 0) != n)
                return negative_errno();
        return fdatasync(fd) < 0 ? negative_errno() : 0;
}

/**
 * segments_check_marker() - whose a folder is
 * @dir_fd:     the folder
 * @installation: ours; an empty marker, or the beginning of ours, becomes ours
 * @ret:        what the system says of the marker; filled when >= 0 is returned
 *
 * Return: 1: ours; 0: somebody else's; -ENOENT: there is no marker; < 0.
 */
int segments_check_marker(int dir_fd, const char *installation, struct stat *ret) {
        char text[MARKER_MAX] = "";
        _cleanup_close_ int fd = -1;
        bool is_begun;
        ssize_t n;
        int r;

        fd = openat(dir_fd, SEGMENTS_MARKER, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0)
                return negative_errno();
        n = pread(fd, text, sizeof(text) - 1, 0);
        if (n < 0)
                return negative_errno();
        text[strcspn(text, "\r\n")] = 0;
        is_begun = strlen(text) < strlen(installation) && strncmp(text, installation, strlen(text)) == 0;
        r = is_begun ? marker_claim(dir_fd, installation) : 0;
        if (r < 0 || fstat(fd, ret) < 0)
                return r < 0 ? r : negative_errno();
        return is_begun || strcmp(text, installation) == 0;
}
