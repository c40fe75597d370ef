/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tables. Their numbers are stored, so they are written out here and may only grow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include "trailkeep/purpose.h"

static void test_numbers_and_names_of_purposes_never_change(void **state) {
        static const char *const names[] = { "location",      "audio",   "video", "picture",   "diagnostics",
                                             "notifications", "sharing", "maps",  "analytics", "updates" };
        Purpose purpose;

        assert_int_equal(ELEMENTSOF(names), PURPOSE_MAX);
        for (unsigned i = 0; i < ELEMENTSOF(names); i++) {
                assert_string_equal(purpose_to_string(i), names[i]);
                assert_int_equal(purpose_from_string(names[i], &purpose), 0);
                assert_int_equal(purpose, i);
        }
}

static void test_unknown_purpose_is_refused(void **state) {
        static const char *const names[] = { "", "Location", "location ", "locatio", "everything" };
        Purpose purpose = PURPOSE_MAPS;

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                assert_int_equal(purpose_from_string(names[i], &purpose), -EINVAL);
        assert_int_equal(purpose, PURPOSE_MAPS);
}

static void test_numbers_and_names_of_lanes_never_change(void **state) {
        static const char *const names[][2] = {
                { "alarm", "alarms" }, { "event", "events" }, { "track", "tracks" }, { "diagnostics", "diagnostics" },
                { "media", "media" },
        };

        assert_int_equal(ELEMENTSOF(names), LANE_MAX);
        for (unsigned i = 0; i < LANE_MAX; i++) {
                assert_string_equal(lane_to_string(i), names[i][0]);
                assert_string_equal(lane_to_folder(i), names[i][1]);
        }
}

static void test_every_kind_has_its_purpose_and_lane(void **state) {
        static const struct {
                const char *name;
                Purpose purpose;
                Lane lane;
        } kinds[] = {
                { "fix", PURPOSE_LOCATION, LANE_TRACK },
                { "alarm", PURPOSE_NOTIFICATIONS, LANE_ALARM },
                { "event", PURPOSE_DIAGNOSTICS, LANE_EVENT },
                { "diagnostic", PURPOSE_DIAGNOSTICS, LANE_DIAGNOSTICS },
                { "audio-init", PURPOSE_AUDIO, LANE_MEDIA },
                { "audio", PURPOSE_AUDIO, LANE_MEDIA },
                { "video-init", PURPOSE_VIDEO, LANE_MEDIA },
                { "video", PURPOSE_VIDEO, LANE_MEDIA },
                { "picture", PURPOSE_PICTURE, LANE_MEDIA },
        };

        assert_int_equal(ELEMENTSOF(kinds), RECORD_KIND_MAX);
        for (unsigned i = 0; i < RECORD_KIND_MAX; i++) {
                assert_string_equal(record_kind_to_string(i), kinds[i].name);
                assert_int_equal(record_kind_purpose(i), kinds[i].purpose);
                assert_int_equal(record_kind_lane(i), kinds[i].lane);
        }
}

static void test_retention(void **state) {
        for (unsigned i = 0; i < PURPOSE_MAX; i++)
                assert_in_range(purpose_retention_days(i), 1, 365);
        assert_int_equal(purpose_retention_days(PURPOSE_LOCATION), 30);
        assert_int_equal(purpose_retention_days(PURPOSE_AUDIO), 7);
        assert_int_equal(purpose_retention_days(PURPOSE_VIDEO), 7);
        assert_int_equal(purpose_retention_days(PURPOSE_PICTURE), 7);
        assert_int_equal(lane_retention_days(LANE_ALARM), 90);
        assert_int_equal(lane_retention_days(LANE_TRACK), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_numbers_and_names_of_purposes_never_change),
                cmocka_unit_test(test_unknown_purpose_is_refused),
                cmocka_unit_test(test_numbers_and_names_of_lanes_never_change),
                cmocka_unit_test(test_every_kind_has_its_purpose_and_lane),
                cmocka_unit_test(test_retention),
        };

        return cmocka_run_group_tests_name("purpose", tests, NULL, NULL);
}
