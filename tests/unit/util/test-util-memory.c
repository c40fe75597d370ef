/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each allocation of util fails in turn: -ENOMEM, nothing leaked, nothing changed, no file left behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "fail-allocation.h"
#include "trailkeep/bytes.h"
#include "trailkeep/file.h"

static void test_growing(void **state) {
        _cleanup_bytes_ Bytes bytes = { 0 };
        char text[100];

        memset(text, 'x', sizeof(text));
        assert_int_equal(bytes_append(&bytes, text, 50), 0);
        fail_allocation_start(1);
        assert_int_equal(bytes_append(&bytes, text, 100), -ENOMEM);
        assert_true(fail_allocation_stop());
        assert_int_equal(bytes.size, 50);
        assert_int_equal(bytes.data[49], 'x');
        assert_int_equal(bytes.data[50], 0);
        assert_int_equal(bytes_append(&bytes, text, 100), 0);
}

static void test_files(void **state) {
        char dir[] = "/tmp/trailkeep-memory-XXXXXX", path[64], deep[64];
        bool has_failed = true;

        assert_non_null(mkdtemp(dir));
        snprintf(path, sizeof(path), "%s/file", dir);
        snprintf(deep, sizeof(deep), "%s/a/b", dir);
        for (size_t n = 1; has_failed; n++) {
                _cleanup_bytes_ Bytes bytes = { 0 };
                int r;

                fail_allocation_start(n);
                r = file_write_atomic(path, "x", 1, 0600, true);
                if (r == 0)
                        r = file_read(path, 10, &bytes);
                if (r == 0)
                        r = dir_make(deep, 0700);
                has_failed = fail_allocation_stop();
                assert_int_equal(r, has_failed ? -ENOMEM : 0);
        }
        assert_int_equal(unlink(path), 0);
        assert_int_equal(rmdir(deep), 0);
        *strrchr(deep, '/') = 0;
        assert_int_equal(rmdir(deep), 0);
        assert_int_equal(rmdir(dir), 0); /* so it was empty */
}

static void test_joining_paths(void **state) {
        fail_allocation_start(1);
        assert_null(path_join("a", "b"));
        assert_true(fail_allocation_stop());
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_growing),
                cmocka_unit_test(test_files),
                cmocka_unit_test(test_joining_paths),
        };

        return cmocka_run_group_tests_name("util-memory", tests, NULL, NULL);
}
