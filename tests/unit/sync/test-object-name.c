/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include "build-config.h"
#include "object-name.h"
#include "trailkeep/parse.h"
#include "trailkeep/store.h"

#define RELEASE_MS ((int64_t)TRAILKEEP_RELEASE_DATE_UNIX * 1000)
#define NOVEMBER_23_MS INT64_C(1795435200123) /* 2026-11-23T12:00:00.123Z */
#define YEAR_MS (INT64_C(365) * 24 * 3600 * 1000)

typedef struct Sample {
        Record records[3];
        Record *pointers[3];
        uint64_t ids[3];
        JournalBatch batch;
} Sample;

static const JournalBatch *sample(Sample *s, Lane lane, int64_t a_ms, int64_t b_ms, int64_t c_ms) {
        const int64_t times[] = { a_ms, b_ms, c_ms };

        *s = (Sample){};
        for (size_t i = 0; i < 3; i++) {
                s->records[i].time_ms = times[i];
                s->pointers[i] = &s->records[i];
                s->ids[i] = UINT64_C(0xab) << 20 | (i + 1);
        }
        s->batch = (JournalBatch){ .lane = lane, .first = s->ids[0], .last = s->ids[2], .n_records = 3,
                                   .records = s->pointers, .ids = s->ids };
        return &s->batch;
}

static void assert_name_begins(const JournalBatch *batch, const char *expected) {
        _cleanup_free_ char *name = NULL;

        assert_int_equal(store_object_name(batch, &name), 0);
        assert_memory_equal(name, expected, strlen(expected));
        assert_string_equal(name + strlen(name) - strlen(".geojsons.gz"), ".geojsons.gz");
        assert_null(strstr(name, ".."));
}

static void day_folder_and_ordered_id_of_the_first_fix(void **state) {
        Sample s;

        /* UUID version 7 begins with the time in ms: 1795435200123 = 0x01a20846fe7b */
        assert_name_begins(sample(&s, LANE_TRACK, NOVEMBER_23_MS, NOVEMBER_23_MS + 1000, NOVEMBER_23_MS + 86400000),
                           "tracks/2026/11/23/01a20846-fe7b-7");
}

static void each_lane_has_its_folder(void **state) {
        Sample s;

        assert_name_begins(sample(&s, LANE_ALARM, NOVEMBER_23_MS, 0, 0), "alarms/2026/11/23/");
        assert_name_begins(sample(&s, LANE_EVENT, NOVEMBER_23_MS, 0, 0), "events/2026/11/23/");
        assert_name_begins(sample(&s, LANE_DIAGNOSTICS, NOVEMBER_23_MS, 0, 0), "diagnostics/2026/11/23/");
}

static void times_nobody_believes_are_skipped(void **state) {
        Sample s;

        assert_name_begins(sample(&s, LANE_TRACK, TIME_MS_NONE, 0, NOVEMBER_23_MS), "tracks/2026/11/23/");
        assert_name_begins(sample(&s, LANE_TRACK, RELEASE_MS - 1, RELEASE_MS + 20 * YEAR_MS, NOVEMBER_23_MS),
                           "tracks/2026/11/23/");
}

static void from_the_release_for_twenty_years(void **state) {
        Sample s;

        assert_name_begins(sample(&s, LANE_TRACK, RELEASE_MS, 0, 0), "tracks/2026/11/01/");
        assert_name_begins(sample(&s, LANE_TRACK, RELEASE_MS + 20 * YEAR_MS - 1, 0, 0), "tracks/2046/10/");
}

static void without_a_time_undated_and_ordered_by_record_id(void **state) {
        Sample s;

        assert_name_begins(sample(&s, LANE_TRACK, TIME_MS_NONE, TIME_MS_NONE, TIME_MS_NONE),
                           "tracks/undated/000000000ab00001-");
        assert_name_begins(sample(&s, LANE_TRACK, RELEASE_MS - 1, INT64_MAX, INT64_MIN),
                           "tracks/undated/000000000ab00001-");
}

static void a_part_of_a_batch(void **state) {
        _cleanup_free_ char *name = NULL;
        Sample s;

        sample(&s, LANE_TRACK, NOVEMBER_23_MS, TIME_MS_NONE, NOVEMBER_23_MS + 86400000);
        assert_int_equal(object_name_new(&s.batch, 1, 3, &name), 0);
        assert_memory_equal(name, "tracks/2026/11/24/", 18);
}

static void names_are_never_the_same(void **state) {
        _cleanup_free_ char *a = NULL, *b = NULL;
        Sample s;

        sample(&s, LANE_TRACK, NOVEMBER_23_MS, 0, 0);
        assert_int_equal(store_object_name(&s.batch, &a), 0);
        assert_int_equal(store_object_name(&s.batch, &b), 0);
        assert_string_not_equal(a, b);
}

static void an_empty_part_has_no_name(void **state) {
        char *name = NULL;
        Sample s;

        sample(&s, LANE_TRACK, NOVEMBER_23_MS, 0, 0);
        assert_int_equal(object_name_new(&s.batch, 1, 1, &name), -EINVAL);
        assert_int_equal(object_name_new(&s.batch, 2, 4, &name), -EINVAL);
        assert_null(name);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(day_folder_and_ordered_id_of_the_first_fix),
                cmocka_unit_test(each_lane_has_its_folder),
                cmocka_unit_test(times_nobody_believes_are_skipped),
                cmocka_unit_test(from_the_release_for_twenty_years),
                cmocka_unit_test(without_a_time_undated_and_ordered_by_record_id),
                cmocka_unit_test(a_part_of_a_batch),
                cmocka_unit_test(names_are_never_the_same),
                cmocka_unit_test(an_empty_part_has_no_name),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
