/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each allocation of reading a configuration fails in turn: said so, nothing leaked, the output untouched. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "fail-allocation.h"
#include "trailkeep/config.h"
#include "trailkeep/file.h"

static const char main_text[] = "[Device]\nStateDirectory=/a/b\nSubject=x\n[Store]\nUrl=https://a/b\n";
static const char drop_in_text[] = "[Gnss]\nGpsd=[::1]:1\nDistance=5\n";

static void test_loading(void **state) {
        char dir[] = "/tmp/trailkeep-memory-XXXXXX", path[64], drop_ins[64], drop_in[80];
        bool has_failed = true;

        assert_non_null(mkdtemp(dir));
        snprintf(path, sizeof(path), "%s/c", dir);
        snprintf(drop_ins, sizeof(drop_ins), "%s/c.d", dir);
        snprintf(drop_in, sizeof(drop_in), "%s/x.conf", drop_ins);
        assert_int_equal(dir_make(drop_ins, 0700), 0);
        assert_int_equal(file_write_atomic(path, main_text, strlen(main_text), 0600, true), 0);
        assert_int_equal(file_write_atomic(drop_in, drop_in_text, strlen(drop_in_text), 0600, true), 0);

        for (size_t n = 1; has_failed; n++) {
                ConfigError error = { "" };
                Config *config = NULL;
                int r;

                fail_allocation_start(n);
                r = config_load(path, &config, &error);
                has_failed = fail_allocation_stop();
                assert_int_equal(r, has_failed ? -ENOMEM : 0);
                assert_int_equal(config != NULL, !has_failed);
                assert_int_equal(strlen(error.text) > 0, has_failed);
                config_free(config);
        }
        assert_int_equal(unlink(drop_in), 0);
        assert_int_equal(rmdir(drop_ins), 0);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(rmdir(dir), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_loading),
        };

        return cmocka_run_group_tests_name("config-memory", tests, NULL, NULL);
}
