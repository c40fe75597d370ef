/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Each method and property as the owner sees it.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "face.h"
#include "trailkeep/parse.h"

static void grant_location(Face *face) {
        Reply reply;

        assert_replied(face_call(face, &reply, CONSENT, "Grant", "sa{sv}", "location", 0));
        reply_clear(&reply);
}

static void test_status_properties(void **state) {
        static const struct {
                const char *interface, *property, *value;
        } rows[] = {
                        {DEVICE, "Version", TRAILKEEP_TEST_VERSION},
                        {DEVICE, "State", "running"},
                        {DEVICE, "GnssState", "stopped"},
                        {DEVICE, "TrueTime", "none"},
                        {SYNC, "State", "idle"},
                        {SYNC, "LastError", ""},
        };
        Face *face = *state;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                const char *value;
                Reply reply;

                assert_replied(face_get(face, &reply, "/org/trailkeep", rows[i].interface, rows[i].property));
                assert_true(sd_bus_message_read(reply.message, "s", &value) > 0);
                assert_string_equal(value, rows[i].value);
                reply_clear(&reply);
        }
}

static void test_first_key_of_the_evidence_comes_in_a_file_that_is_sealed(void **state) {
        Face *face = *state;
        char text[64] = "";
        Reply reply;
        int fd;

        assert_replied(face_call(face, &reply, JOURNAL, "StartEvidence", NULL));
        assert_true(sd_bus_message_read(reply.message, "h", &fd) > 0);
        assert_int_equal(read(fd, text, sizeof(text) - 1), 14);
        assert_string_equal(text, "the first key\n");
        assert_int_equal(write(fd, "x", 1), -1);
        assert_int_equal(ftruncate(fd, 0), -1);
        assert_non_null(strstr(fake_journal_entry(face->journal, 0), "evidence-started"));
        assert_null(strstr(fake_journal_entry(face->journal, 0), "the first key"));
        reply_clear(&reply);
}

static void test_counters(void **state) {
        Face *face = *state;
        const char *lane, *name;
        uint64_t value;
        Reply reply;

        face->stock.counters.lanes[LANE_ALARM] = (JournalLaneCounters){
                        .recorded = 21, .pending = 6, .stored = 5, .parked = 4, .expired = 2, .evicted = 1, .erased = 3,
                        .bytes = 77};
        assert_replied(face_get(face, &reply, "/org/trailkeep", DEVICE, "Lanes"));
        assert_true(sd_bus_message_enter_container(reply.message, 'a', "{sa{st}}") > 0);
        assert_true(sd_bus_message_enter_container(reply.message, 'e', "sa{st}") > 0);
        assert_true(sd_bus_message_read(reply.message, "s", &lane) > 0);
        assert_string_equal(lane, "alarm");
        assert_true(sd_bus_message_enter_container(reply.message, 'a', "{st}") > 0);
        assert_true(sd_bus_message_read(reply.message, "{st}", &name, &value) > 0);
        assert_string_equal(name, "recorded");
        assert_int_equal(value, 21);
        assert_true(sd_bus_message_read(reply.message, "{st}", &name, &value) > 0);
        assert_string_equal(name, "pending");
        assert_int_equal(value, 6);
        reply_clear(&reply);
}

static void test_true_time_and_who_is_held_off(void **state) {
        Face *face = *state;
        const char *value;
        Reply reply;

        face->true_time.proof.sources = 1U << TRUE_TIME_GNSS | 1U << TRUE_TIME_KERNEL;
        face->true_time.state = TRUE_TIME_AGREED;
        face->true_time.latest[TRUE_TIME_GNSS] = (TrueTimeObservation){.source = TRUE_TIME_GNSS, .utc_usec = INT64_MAX};
        face->true_time.known = 1U << TRUE_TIME_GNSS;
        assert_replied(face_get(face, &reply, "/org/trailkeep", DEVICE, "TrueTime"));
        assert_true(sd_bus_message_read(reply.message, "s", &value) > 0);
        assert_string_equal(value, "gnss+kernel");
        reply_clear(&reply);
        assert_replied(face_get(face, &reply, "/org/trailkeep", DEVICE, "ClocksHeldOff"));
        assert_true(sd_bus_message_read(reply.message, "as", 1, &value) > 0);
        assert_string_equal(value, "gnss");
        reply_clear(&reply);
}

static void test_oldest_pending_is_an_age(void **state) {
        Face *face = *state;
        const char *lane;
        uint64_t age_s;
        Reply reply;

        face->stock.counters.lanes[LANE_TRACK].has_oldest_pending = true;
        face->stock.counters.lanes[LANE_TRACK].oldest_pending_boottime_usec =
                (int64_t)(clock_boottime_usec(&clock_system) - 100 * USEC_PER_SEC);
        assert_replied(face_get(face, &reply, "/org/trailkeep", DEVICE, "OldestPending"));
        assert_true(sd_bus_message_enter_container(reply.message, 'a', "{st}") > 0);
        assert_true(sd_bus_message_read(reply.message, "{st}", &lane, &age_s) > 0);
        assert_string_equal(lane, "track");
        assert_in_range(age_s, 100, 130);
        assert_true(sd_bus_message_at_end(reply.message, false) > 0);
        reply_clear(&reply);
}

static void test_errors_of_modules_make_it_degraded(void **state) {
        Face *face = *state;
        const char *module, *sentence, *value;
        Reply reply;

        face->outbox.error = "the store is away";
        assert_replied(face_get(face, &reply, "/org/trailkeep", DEVICE, "LastErrors"));
        assert_true(sd_bus_message_enter_container(reply.message, 'a', "{ss}") > 0);
        assert_true(sd_bus_message_read(reply.message, "{ss}", &module, &sentence) > 0);
        assert_string_equal(module, "sync");
        assert_string_equal(sentence, "the store is away");
        assert_true(sd_bus_message_at_end(reply.message, false) > 0);
        reply_clear(&reply);

        assert_replied(face_get(face, &reply, "/org/trailkeep", DEVICE, "State"));
        assert_true(sd_bus_message_read(reply.message, "s", &value) > 0);
        assert_string_equal(value, "degraded");
        reply_clear(&reply);
}

static void test_the_state_of_the_card_is_shown(void **state) {
        Face *face = *state;
        const char *module, *sentence, *value;
        Reply reply;

        assert_replied(face_get(face, &reply, "/org/trailkeep", JOURNAL, "MediaState"));
        assert_true(sd_bus_message_read(reply.message, "s", &value) > 0);
        assert_string_equal(value, "ok");
        reply_clear(&reply);

        face->stock.counters.media_state = JOURNAL_MEDIA_MISSING;
        (void)snprintf(face->stock.media_trouble, sizeof(face->stock.media_trouble), "There is no card.");
        assert_replied(face_get(face, &reply, "/org/trailkeep", JOURNAL, "MediaState"));
        assert_true(sd_bus_message_read(reply.message, "s", &value) > 0);
        assert_string_equal(value, "missing");
        reply_clear(&reply);
        assert_replied(face_get(face, &reply, "/org/trailkeep", DEVICE, "LastErrors"));
        assert_true(sd_bus_message_enter_container(reply.message, 'a', "{ss}") > 0);
        assert_true(sd_bus_message_read(reply.message, "{ss}", &module, &sentence) > 0);
        assert_string_equal(module, "media");
        assert_string_equal(sentence, "There is no card.");
        reply_clear(&reply);
}

static void test_last_fix_has_what_was_reported_and_no_more(void **state) {
        Face *face = *state;
        double value;
        int32_t mode;
        Reply reply;

        grant_location(face);
        face->gnss.fix = (Fix){ .time_ms = TIME_MS_NONE, .mode = 2, .status = -1, .lat_deg = 12.5, .lon_deg = -7.25,
                                .alt_hae_m = NAN, .alt_msl_m = NAN, .speed_mps = 0, .track_deg = NAN, .climb_mps = NAN,
                                .eph_m = NAN, .epv_m = NAN, .eps_mps = NAN, .hdop = NAN, .satellites_used = -1 };
        face->gnss.has_fix = true;
        assert_replied(face_call(face, &reply, DEVICE, "GetLastFix", NULL));
        assert_int_equal(face_dictionary_find(reply.message, "mode", "i"), 1);
        assert_true(sd_bus_message_read(reply.message, "i", &mode) > 0);
        assert_int_equal(mode, 2);
        assert_int_equal(face_dictionary_find(reply.message, "lat", "d"), 1);
        assert_true(sd_bus_message_read(reply.message, "d", &value) > 0);
        assert_true(fabs(value - 12.5) < 1e-12);
        assert_int_equal(face_dictionary_find(reply.message, "speed", "d"), 1); /* zero is reported, absent is not */
        for (size_t i = 0; i < 4; i++)
                assert_int_equal(face_dictionary_find(reply.message,
                                                      ((const char *[]){"time", "status", "altHAE", "uSat"})[i], NULL),
                                 0);
        reply_clear(&reply);
}

static void test_installation(void **state) {
        Face *face = *state;
        const char *value;
        Reply reply;

        assert_replied(face_call(face, &reply, DEVICE, "GetInstallation", NULL));
        assert_true(sd_bus_message_read(reply.message, "s", &value) > 0);
        assert_int_equal(strlen(value), 36);
        reply_clear(&reply);
}

static bool is_listed_as_granted(Face *face, Purpose purpose, bool *ret_has_role) {
        int is_granted;
        Reply reply;

        assert_replied(face_call(face, &reply, CONSENT, "List", NULL));
        assert_true(sd_bus_message_enter_container(reply.message, 'a', "a{sv}") > 0);
        for (Purpose i = 0; i < purpose; i++)
                assert_true(sd_bus_message_skip(reply.message, "a{sv}") > 0);
        assert_true(sd_bus_message_enter_container(reply.message, 'a', "{sv}") > 0);
        assert_true(sd_bus_message_skip(reply.message, "{sv}") > 0);
        assert_true(sd_bus_message_enter_container(reply.message, 'e', "sv") > 0);
        assert_true(sd_bus_message_skip(reply.message, "s") > 0);
        assert_true(sd_bus_message_read(reply.message, "v", "b", &is_granted) > 0);
        assert_true(sd_bus_message_exit_container(reply.message) > 0);
        *ret_has_role = !sd_bus_message_at_end(reply.message, false);
        reply_clear(&reply);

        return is_granted;
}

static void test_grant_list_withdraw(void **state) {
        Face *face = *state;
        bool has_role;
        const char *path;
        int is_kept;
        Reply reply;

        assert_false(is_listed_as_granted(face, PURPOSE_LOCATION, &has_role));
        assert_false(has_role);
        grant_location(face);
        assert_true(is_listed_as_granted(face, PURPOSE_LOCATION, &has_role));
        assert_true(has_role);
        assert_false(is_listed_as_granted(face, PURPOSE_AUDIO, &has_role));
        grant_location(face); /* again: nothing to do, and no error */

        assert_replied(face_call(face, &reply, CONSENT, "Withdraw", "sa{sv}", "location", 0));
        assert_int_equal(face_dictionary_find(reply.message, "kept", "b"), 1);
        assert_true(sd_bus_message_read(reply.message, "b", &is_kept) > 0);
        assert_false(is_kept);
        assert_int_equal(face_dictionary_find(reply.message, "erasure", "o"), 1);
        assert_true(sd_bus_message_read(reply.message, "o", &path) > 0);
        assert_string_equal(path, "/org/trailkeep/erasure/7");
        reply_clear(&reply);
        assert_false(gate_allows(face->gate, PURPOSE_LOCATION));
}

static void test_withdraw_and_keep(void **state) {
        Face *face = *state;
        Reply reply;

        grant_location(face);
        assert_replied(face_call(face, &reply, CONSENT, "Withdraw", "sa{sv}", "location", 1, "keep", "b", 1));
        assert_int_equal(face_dictionary_find(reply.message, "kept", "b"), 1);
        assert_int_equal(face_dictionary_find(reply.message, "erasure", "o"), 0);
        reply_clear(&reply);
        assert_int_equal(fake_journal_n_erasures(face->journal), 0);
}

static void test_summary_has_every_purpose(void **state) {
        Face *face = *state;
        size_t n = 0;
        Reply reply;

        face->stock.summary[PURPOSE_LOCATION] = (JournalPurposeSummary){ .records = 3, .bytes = 400, .parcels = 1,
                                                                         .oldest_ms = 10, .newest_ms = TIME_MS_NONE };
        assert_replied(face_call(face, &reply, DATA, "Summary", NULL));
        assert_true(sd_bus_message_enter_container(reply.message, 'a', "{sa{sv}}") > 0);
        while (sd_bus_message_skip(reply.message, "{sa{sv}}") > 0)
                n++;
        assert_int_equal(n, PURPOSE_MAX);
        reply_clear(&reply);
}

static void test_erase_gives_an_object_that_is_there_at_once(void **state) {
        Face *face = *state;
        const char *path;
        int64_t since_ms, until_ms;
        uint64_t records;
        Reply reply, property;

        assert_replied(face_call(face, &reply, DATA, "Erase", "a{sv}", 1, "purposes", "as", 1, "location"));
        assert_true(sd_bus_message_read(reply.message, "o", &path) > 0);

        assert_replied(face_get(face, &property, path, ERASURE, "Records"));
        assert_true(sd_bus_message_read(property.message, "t", &records) > 0);
        assert_int_equal(records, 300);
        reply_clear(&property);
        assert_replied(face_get(face, &property, path, ERASURE, "Since"));
        assert_true(sd_bus_message_read(property.message, "x", &since_ms) > 0);
        reply_clear(&property);
        assert_replied(face_get(face, &property, path, ERASURE, "Until"));
        assert_true(sd_bus_message_read(property.message, "x", &until_ms) > 0);
        reply_clear(&property);
        reply_clear(&reply);
}

static void test_all_properties_of_an_erasure(void **state) {
        Face *face = *state;
        int64_t until_ms;
        Reply reply;

        assert_replied(face_call(face, &reply, DATA, "Erase", "a{sv}", 0));
        reply_clear(&reply);
        face_send_to(face, &reply, "/org/trailkeep/erasure/7", PROPERTIES, "GetAll", "s", ERASURE);
        face_wait(face, &reply.is_done);
        assert_replied(&reply);
        assert_int_equal(face_dictionary_find(reply.message, "Purposes", "as"), 1);
        assert_int_equal(face_dictionary_find(reply.message, "ObjectsDeleted", "t"), 1);
        assert_int_equal(face_dictionary_find(reply.message, "Until", "x"), 1);
        assert_true(sd_bus_message_read(reply.message, "x", &until_ms) > 0);
        assert_true(until_ms == INT64_MAX);
        reply_clear(&reply);
}

static void test_erasures_are_listed(void **state) {
        Face *face = *state;
        const char *path;
        Reply reply;

        assert_replied(face_call(face, &reply, DATA, "Erase", "a{sv}", 0));
        reply_clear(&reply);
        assert_replied(face_call(face, &reply, DATA, "ListErasures", NULL));
        assert_true(sd_bus_message_enter_container(reply.message, 'a', "(oa{sv})") > 0);
        assert_true(sd_bus_message_enter_container(reply.message, 'r', "oa{sv}") > 0);
        assert_true(sd_bus_message_read(reply.message, "o", &path) > 0);
        assert_string_equal(path, "/org/trailkeep/erasure/7");
        reply_clear(&reply);
}

static void test_flush_answers_when_all_is_sent(void **state) {
        Face *face = *state;
        Reply reply;

        face_send(face, &reply, SYNC, "Flush", NULL);
        while (!face->outbox.done)
                face_turn(face);
        assert_false(reply.is_done);
        fake_outbox_complete(&face->outbox, 0);
        face_wait(face, &reply.is_done);
        assert_replied(&reply);
        reply_clear(&reply);
}

#define face_test(f) cmocka_unit_test_setup_teardown(f, face_setup, face_teardown)

int main(void) {
        static const struct CMUnitTest tests[] = {
                face_test(test_status_properties),
                face_test(test_first_key_of_the_evidence_comes_in_a_file_that_is_sealed),
                face_test(test_counters),
                face_test(test_true_time_and_who_is_held_off),
                face_test(test_oldest_pending_is_an_age),
                face_test(test_errors_of_modules_make_it_degraded),
                face_test(test_the_state_of_the_card_is_shown),
                face_test(test_last_fix_has_what_was_reported_and_no_more),
                face_test(test_installation),
                face_test(test_grant_list_withdraw),
                face_test(test_withdraw_and_keep),
                face_test(test_summary_has_every_purpose),
                face_test(test_erase_gives_an_object_that_is_there_at_once),
                face_test(test_all_properties_of_an_erasure),
                face_test(test_erasures_are_listed),
                face_test(test_flush_answers_when_all_is_sent),
        };

        return cmocka_run_group_tests_name("face-methods", tests, NULL, NULL);
}
