/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "small-fs.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define FS_OPTIONS "size=16m,mode=0700"
#define BALLAST "ballast"

static bool write_line(const char *path, const char *line) {
        FILE *file = fopen(path, "we");
        bool is_written;

        if (!file)
                return false;
        is_written = fputs(line, file) >= 0;
        return fclose(file) == 0 && is_written;
}

/* An ordinary user becomes root of a user namespace of its own, in which tmpfs may be mounted. */
static bool enter_namespace(void) {
        char uid_map[32], gid_map[32];

        (void)snprintf(uid_map, sizeof(uid_map), "0 %u 1\n", getuid());
        (void)snprintf(gid_map, sizeof(gid_map), "0 %u 1\n", getgid());
        if (getuid() == 0 && unshare(CLONE_NEWNS) == 0)
                return true;
        if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
                return false;
        return write_line("/proc/self/setgroups", "deny\n") && write_line("/proc/self/uid_map", uid_map) &&
               write_line("/proc/self/gid_map", gid_map);
}

bool small_fs_prepare(void) {
        if (enter_namespace() && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0)
                return true;
        printf("1..0 # SKIP no file system can be mounted here: %s\n", strerror(errno));
        return false;
}

int small_fs_setup(void **state) {
        Fixture *f;

        assert_int_equal(fixture_setup(state), 0);
        f = *state;
        assert_int_equal(mkdir(f->dir, 0700), 0);
        assert_int_equal(mount("none", f->dir, "tmpfs", MS_NOSUID | MS_NODEV, FS_OPTIONS), 0);
        return 0;
}

int small_fs_teardown(void **state) {
        Fixture *f = *state;

        fixture_close(f);
        assert_int_equal(umount(f->dir), 0);
        return fixture_teardown(state);
}

void small_fs_fill(Fixture *f) {
        _cleanup_free_ char *path = fixture_path(f, BALLAST);
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        static const char block[4096];
        ssize_t n;

        assert_true(fd >= 0);
        while ((n = write(fd, block, sizeof(block))) > 0)
                ;
        assert_true(n < 0);
        assert_int_equal(errno, ENOSPC);
}

void small_fs_empty(Fixture *f, unsigned n_kib) {
        _cleanup_free_ char *path = fixture_path(f, BALLAST);
        struct stat st;

        if (n_kib == UINT_MAX) {
                assert_int_equal(unlink(path), 0);
                return;
        }
        assert_int_equal(stat(path, &st), 0);
        assert_true(st.st_size > (off_t)n_kib * 1024);
        assert_int_equal(truncate(path, st.st_size - (off_t)n_kib * 1024), 0);
}
