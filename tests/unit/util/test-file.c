/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files and folders, in a folder of each test's own that must hold no leftovers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "trailkeep/file.h"

static int setup(void **state) {
        char *dir = strdup("/tmp/trailkeep-file-XXXXXX");

        assert_non_null(dir);
        assert_non_null(mkdtemp(dir));
        *state = dir;
        umask(027);
        return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
        return remove(path);
}

static int teardown(void **state) {
        assert_int_equal(nftw(*state, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
        free(*state);
        return 0;
}

static unsigned count_entries(const char *dir) {
        unsigned n = 0;
        DIR *d = opendir(dir);

        assert_non_null(d);
        for (struct dirent *entry = readdir(d); entry; entry = readdir(d))
                n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
        closedir(d);
        return n;
}

static void assert_contents(const char *path, const char *expected) {
        _cleanup_bytes_ Bytes bytes = { 0 };

        assert_int_equal(file_read(path, 1000, &bytes), 0);
        assert_int_equal(bytes.size, strlen(expected));
        if (bytes.size > 0)
                assert_string_equal((char *)bytes.data, expected);
}

static mode_t mode_of(const char *path) {
        struct stat st;

        assert_int_equal(stat(path, &st), 0);
        return st.st_mode & 07777;
}

static void test_written_file_is_read_back_with_its_mode(void **state) {
        _cleanup_free_ char *path = path_join(*state, "f");

        assert_int_equal(file_write_atomic(path, "abc", 3, 0444, false), 0);
        assert_contents(path, "abc");
        assert_int_equal(mode_of(path), 0444);
        assert_int_equal(file_write_atomic(path, "", 0, 0666, true), 0);
        assert_contents(path, "");
        assert_int_equal(mode_of(path), 0666);
        assert_int_equal(count_entries(*state), 1);
}

static void test_file_is_not_replaced_unless_asked(void **state) {
        _cleanup_free_ char *path = path_join(*state, "f");

        assert_int_equal(file_write_atomic(path, "old", 3, 0600, false), 0);
        assert_int_equal(file_write_atomic(path, "new", 3, 0600, false), -EEXIST);
        assert_contents(path, "old");
        assert_int_equal(file_write_atomic(path, "new", 3, 0600, true), 0);
        assert_contents(path, "new");
        assert_int_equal(count_entries(*state), 1);
}

static void test_dangling_link_counts_as_being_there(void **state) {
        _cleanup_free_ char *path = path_join(*state, "f");

        assert_int_equal(symlink("nowhere", path), 0);
        assert_int_equal(file_write_atomic(path, "new", 3, 0600, false), -EEXIST);
        assert_int_equal(count_entries(*state), 1);
}

static void test_failed_write_leaves_nothing(void **state) {
        _cleanup_free_ char *path = path_join(*state, "missing/f"), *dir = path_join(*state, "d"), *inside = NULL;

        assert_int_equal(file_write_atomic(path, "x", 1, 0600, true), -ENOENT);
        assert_int_equal(mkdir(dir, 0700), 0);
        inside = path_join(dir, "keep");
        assert_int_equal(file_write_atomic(inside, "x", 1, 0600, true), 0);
        assert_int_equal(file_write_atomic(dir, "x", 1, 0600, true), -EISDIR);
        assert_int_equal(count_entries(*state), 1);
}

static void test_path_that_names_no_file_is_refused(void **state) {
        static const char *const paths[] = { "", "/", "/tmp/", "/tmp/.", "/tmp/..", ".", ".." };

        for (size_t i = 0; i < ELEMENTSOF(paths); i++)
                assert_int_equal(file_write_atomic(paths[i], "x", 1, 0600, true), -EINVAL);
}

static void test_relative_path_is_in_the_current_folder(void **state) {
        _cleanup_close_ int before = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        assert_true(before >= 0);
        assert_int_equal(chdir(*state), 0);
        assert_int_equal(file_write_atomic("f", "x", 1, 0600, true), 0);
        assert_contents("f", "x");
        assert_int_equal(fchdir(before), 0);
}

static void test_reading_is_bounded_exactly(void **state) {
        _cleanup_free_ char *path = path_join(*state, "f");
        _cleanup_bytes_ Bytes bytes = { 0 };
        static const char big[10000] = { 1 };

        assert_int_equal(file_write_atomic(path, big, sizeof(big), 0600, true), 0);
        assert_int_equal(file_read(path, sizeof(big) - 1, &bytes), -EFBIG);
        assert_null(bytes.data);
        assert_int_equal(file_read(path, 0, &bytes), -EFBIG);
        assert_int_equal(file_read(path, sizeof(big), &bytes), 0);
        assert_int_equal(bytes.size, sizeof(big));
        assert_memory_equal(bytes.data, big, sizeof(big));
}

static void test_what_is_no_file_is_not_read(void **state) {
        _cleanup_free_ char *fifo = path_join(*state, "fifo"), *missing = path_join(*state, "missing");
        _cleanup_bytes_ Bytes bytes = { 0 };

        assert_int_equal(mkfifo(fifo, 0600), 0);
        assert_int_equal(file_read(fifo, 10, &bytes), -EINVAL);
        assert_int_equal(file_read("/dev/zero", 10, &bytes), -EINVAL);
        assert_int_equal(file_read(*state, 10, &bytes), -EISDIR);
        assert_int_equal(file_read(missing, 10, &bytes), -ENOENT);
        assert_null(bytes.data);
}

static void test_file_without_a_size_is_read(void **state) {
        _cleanup_bytes_ Bytes bytes = { 0 };

        assert_int_equal(file_read("/proc/self/status", 65536, &bytes), 0);
        assert_true(bytes.size > 10);
        assert_int_equal(bytes.data[bytes.size], 0);
}

static void test_folders_are_made_with_those_above(void **state) {
        _cleanup_free_ char *deep = path_join(*state, "a//b/c/"), *middle = path_join(*state, "a/b"),
                            *file = path_join(*state, "f"), *below = path_join(*state, "f/x");

        assert_int_equal(dir_make(deep, 0700), 0);
        assert_int_equal(mode_of(deep), 0700);
        assert_int_equal(mode_of(middle), 0755);
        assert_int_equal(dir_make(deep, 0777), 0);
        assert_int_equal(mode_of(deep), 0700);
        assert_int_equal(dir_make("/", 0700), 0);
        assert_int_equal(dir_make("", 0700), -EINVAL);
        assert_int_equal(file_write_atomic(file, "x", 1, 0600, true), 0);
        assert_int_equal(dir_make(file, 0700), -ENOTDIR);
        assert_int_equal(dir_make(below, 0700), -ENOTDIR);
}

static void test_paths_are_joined_with_one_slash(void **state) {
        static const char *const cases[][3] = {
                { "/a", "b", "/a/b" },
                { "/a/", "b", "/a/b" },
                { "/", "b", "/b" },
                { "", "b", "b" },
                { "a", "", "a/" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_free_ char *path = path_join(cases[i][0], cases[i][1]);

                assert_string_equal(path, cases[i][2]);
        }
}

static void test_closing_keeps_errno(void **state) {
        int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

        assert_true(fd >= 0);
        errno = EXDEV;
        close_fdp(&fd);
        assert_int_equal(fd, -1);
        close_fdp(&fd);
        assert_int_equal(errno, EXDEV);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_written_file_is_read_back_with_its_mode, setup, teardown),
                cmocka_unit_test_setup_teardown(test_file_is_not_replaced_unless_asked, setup, teardown),
                cmocka_unit_test_setup_teardown(test_dangling_link_counts_as_being_there, setup, teardown),
                cmocka_unit_test_setup_teardown(test_failed_write_leaves_nothing, setup, teardown),
                cmocka_unit_test_setup_teardown(test_path_that_names_no_file_is_refused, setup, teardown),
                cmocka_unit_test_setup_teardown(test_relative_path_is_in_the_current_folder, setup, teardown),
                cmocka_unit_test_setup_teardown(test_reading_is_bounded_exactly, setup, teardown),
                cmocka_unit_test_setup_teardown(test_what_is_no_file_is_not_read, setup, teardown),
                cmocka_unit_test_setup_teardown(test_file_without_a_size_is_read, setup, teardown),
                cmocka_unit_test_setup_teardown(test_folders_are_made_with_those_above, setup, teardown),
                cmocka_unit_test(test_paths_are_joined_with_one_slash),
                cmocka_unit_test(test_closing_keeps_errno),
        };

        return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}
