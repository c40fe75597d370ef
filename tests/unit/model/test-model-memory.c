/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each allocation of model, and of jansson below it, fails in turn: -ENOMEM, nothing leaked, the output untouched. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include "fail-allocation.h"
#include "trailkeep/fix.h"
#include "trailkeep/record.h"

static void test_records(void **state) {
        bool has_failed = true;

        for (size_t n = 1; has_failed; n++) {
                _cleanup_(record_freep) Record *record = NULL, *back = NULL;
                _cleanup_bytes_ Bytes bytes = { 0 }, feature = { 0 };
                int r;

                fail_allocation_start(n);
                r = record_new(RECORD_FIX, "s", "s", 0, "{\"a\":1}", &record);
                if (r == 0)
                        r = record_encode(record, &bytes);
                if (r == 0)
                        r = record_decode(bytes.data, bytes.size, "s", "s", &back);
                if (r == 0)
                        r = record_feature_with_id(back, 1, &feature);
                has_failed = fail_allocation_stop();
                assert_int_equal(r, has_failed ? -ENOMEM : 0);
                assert_int_equal(feature.size > 0, !has_failed);
        }
}

static void test_fixes(void **state) {
        bool has_failed = true;
        Fix fix = fix_absent;

        fix.mode = 3;
        fix.lat_deg = 1.5;
        fix.lon_deg = 2.5;
        fix.alt_hae_m = 3.5;
        fix.time_ms = 0;
        fix.speed_mps = 4.5;
        fix.satellites_used = 5;
        snprintf(fix.device, sizeof(fix.device), "/dev/x");
        json_set_alloc_funcs(fail_allocation_malloc, free);
        for (size_t n = 1; has_failed; n++) {
                char *json = NULL;
                int r;

                fail_allocation_start(n);
                r = fix_to_geojson(&fix, &json);
                has_failed = fail_allocation_stop();
                assert_int_equal(r, has_failed ? -ENOMEM : 0);
                assert_int_equal(json != NULL, !has_failed);
                string_wipe_free(json);
                assert_true(n < 1000);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_records),
                cmocka_unit_test(test_fixes),
        };

        return cmocka_run_group_tests_name("model-memory", tests, NULL, NULL);
}
