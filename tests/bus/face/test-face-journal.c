/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The face over the real gate and the real journal: what a caller sees of a consent from its grant to its withdrawal,
 * and after a restart.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "face.h"
#include "trailkeep/parse.h"

#define N_RECORDS 20

static void on_committed(int r, void *userdata) {
        assert_int_equal(r, 0);
        *(bool *)userdata = true;
}

static void record_some(Face *face) {
        bool is_committed = false;
        char subject[] = "s-1", source[] = "gnss", payload[] = "{\"type\":\"Feature\"}";

        for (unsigned i = 0; i < N_RECORDS; i++) {
                Record record = { .kind = RECORD_FIX,
                                  .generation = gate_generation(face->gate, PURPOSE_LOCATION),
                                  .time_ms = INT64_C(1795455203000) + i * 1000,
                                  .subject = subject,
                                  .source = source,
                                  .payload = payload };

                assert_int_equal(gate_submit(face->gate, &record), 0);
        }
        assert_int_equal(journal_commit(face->journal, on_committed, &is_committed), 0);
        face_wait(face, &is_committed);
}

static void grant(Face *face) {
        Reply reply;

        assert_replied(face_call(face, &reply, CONSENT, "Grant", "sa{sv}", "location", 0));
        reply_clear(&reply);
        assert_true(gate_allows(face->gate, PURPOSE_LOCATION));
}

static uint64_t lane_counter(Face *face, const char *wanted_lane, const char *wanted) {
        uint64_t value, found = UINT64_MAX;
        const char *lane, *name;
        Reply reply;

        assert_replied(face_get(face, &reply, "/org/trailkeep", DEVICE, "Lanes"));
        assert_true(sd_bus_message_enter_container(reply.message, 'a', "{sa{st}}") > 0);
        while (sd_bus_message_enter_container(reply.message, 'e', "sa{st}") > 0) {
                assert_true(sd_bus_message_read(reply.message, "s", &lane) > 0);
                assert_true(sd_bus_message_enter_container(reply.message, 'a', "{st}") > 0);
                while (sd_bus_message_read(reply.message, "{st}", &name, &value) > 0)
                        if (strcmp(lane, wanted_lane) == 0 && strcmp(name, wanted) == 0)
                                found = value;
                assert_true(sd_bus_message_exit_container(reply.message) >= 0);
                assert_true(sd_bus_message_exit_container(reply.message) >= 0);
        }
        reply_clear(&reply);

        return found;
}

static uint64_t summarized_records(Face *face) {
        uint64_t records;
        Reply reply;

        assert_replied(face_call(face, &reply, DATA, "Summary", NULL));
        assert_true(sd_bus_message_enter_container(reply.message, 'a', "{sa{sv}}") > 0);
        assert_true(sd_bus_message_enter_container(reply.message, 'e', "sa{sv}") > 0);
        assert_true(sd_bus_message_skip(reply.message, "s") > 0); /* location is the first */
        assert_true(sd_bus_message_enter_container(reply.message, 'a', "{sv}") > 0);
        assert_true(sd_bus_message_enter_container(reply.message, 'e', "sv") > 0);
        assert_true(sd_bus_message_skip(reply.message, "s") > 0);
        assert_true(sd_bus_message_read(reply.message, "v", "t", &records) > 0);
        reply_clear(&reply);

        return records;
}

static void restart(Face *face) {
        char text[512] = "";

        face->bus = bus_free(face->bus);
        face->gate = gate_free(face->gate);
        below_close(face);
        below_open(face);
        assert_int_equal(gate_new(face->journal, &clock_system, "s-1", &face->gate), 0);
        if (face_open(face, text) < 0)
                fail_msg("%s", text);
}

static void test_what_is_recorded_is_counted(void **state) {
        Face *face = *state;

        grant(face);
        assert_int_equal(lane_counter(face, "track", "recorded"), 0);
        record_some(face);
        assert_int_equal(lane_counter(face, "track", "recorded"), N_RECORDS);
        assert_int_equal(lane_counter(face, "track", "pending"), N_RECORDS);
        assert_int_equal(summarized_records(face), N_RECORDS);
}

static void test_withdrawal_destroys_what_is_not_sent(void **state) {
        Face *face = *state;
        uint64_t records;
        Reply reply;

        grant(face);
        record_some(face);
        assert_replied(face_call(face, &reply, CONSENT, "Withdraw", "sa{sv}", "location", 0));
        assert_int_equal(face_dictionary_find(reply.message, "records", "t"), 1);
        assert_true(sd_bus_message_read(reply.message, "t", &records) > 0);
        assert_int_equal(records, N_RECORDS);
        reply_clear(&reply);
        assert_int_equal(summarized_records(face), 0);
        assert_int_equal(lane_counter(face, "track", "pending"), 0);
}

static void test_erasure_goes_on_until_it_is_reclaimed(void **state) {
        Face *face = *state;
        int is_reclaimed = false;
        char path[128];
        const char *object;
        Reply reply;

        grant(face);
        record_some(face);
        assert_replied(face_call(face, &reply, DATA, "Erase", "a{sv}", 0));
        assert_true(sd_bus_message_read(reply.message, "o", &object) > 0);
        (void)snprintf(path, sizeof(path), "%s", object); /* fits */
        reply_clear(&reply);

        /* No waiting in between: the journal tells the bus, and the test ends at the deadline of its suite. */
        while (!is_reclaimed) {
                face_turn(face);
                assert_replied(face_get(face, &reply, path, ERASURE, "Reclaimed"));
                assert_true(sd_bus_message_read(reply.message, "b", &is_reclaimed) > 0);
                reply_clear(&reply);
        }
        assert_true(gate_allows(face->gate, PURPOSE_LOCATION));
}

static void test_consent_is_the_same_after_a_restart(void **state) {
        Face *face = *state;
        uint64_t generation;
        Reply reply;

        grant(face);
        generation = gate_generation(face->gate, PURPOSE_LOCATION);
        restart(face);
        assert_true(gate_is_ledger_trusted(face->gate));
        assert_true(gate_allows(face->gate, PURPOSE_LOCATION));
        assert_int_equal(gate_generation(face->gate, PURPOSE_LOCATION), generation);

        assert_replied(face_call(face, &reply, CONSENT, "Withdraw", "sa{sv}", "location", 1, "keep", "b", 1));
        reply_clear(&reply);
        restart(face);
        assert_true(gate_is_ledger_trusted(face->gate));
        assert_false(gate_allows(face->gate, PURPOSE_LOCATION));
        assert_true(gate_generation(face->gate, PURPOSE_LOCATION) > generation);
}

static void test_erasures_are_known_after_a_restart(void **state) {
        Face *face = *state;
        const char *object;
        char path[128];
        Reply reply;

        assert_replied(face_call(face, &reply, DATA, "Erase", "a{sv}", 0));
        assert_true(sd_bus_message_read(reply.message, "o", &object) > 0);
        (void)snprintf(path, sizeof(path), "%s", object); /* fits */
        reply_clear(&reply);
        restart(face);
        assert_replied(face_call(face, &reply, DATA, "ListErasures", NULL));
        assert_true(sd_bus_message_enter_container(reply.message, 'a', "(oa{sv})") > 0);
        assert_true(sd_bus_message_enter_container(reply.message, 'r', "oa{sv}") > 0);
        assert_true(sd_bus_message_read(reply.message, "o", &object) > 0);
        assert_string_equal(object, path);
        reply_clear(&reply);
        assert_replied(face_get(face, &reply, path, ERASURE, "Purposes"));
        reply_clear(&reply);
}

static void test_stop_in_the_middle_of_a_withdrawal_still_writes_it(void **state) {
        Face *face = *state;
        Reply reply;

        grant(face);
        record_some(face);
        face_send(face, &reply, CONSENT, "Withdraw", "sa{sv}", "location", 0);
        while (gate_allows(face->gate, PURPOSE_LOCATION))
                assert_true(sd_event_run(face->event, DEADLINE_USEC) >= 0);
        restart(face);
        face_wait(face, &reply.is_done); /* answered, or told that the daemon stopped: either may come first */
        reply_clear(&reply);
        assert_false(gate_allows(face->gate, PURPOSE_LOCATION));
        assert_int_equal(summarized_records(face), 0);
}

#define face_test(f) cmocka_unit_test_setup_teardown(f, face_setup, face_teardown)

int main(void) {
        static const struct CMUnitTest tests[] = {
                face_test(test_what_is_recorded_is_counted),
                face_test(test_withdrawal_destroys_what_is_not_sent),
                face_test(test_erasure_goes_on_until_it_is_reclaimed),
                face_test(test_consent_is_the_same_after_a_restart),
                face_test(test_erasures_are_known_after_a_restart),
                face_test(test_stop_in_the_middle_of_a_withdrawal_still_writes_it),
        };

        return cmocka_run_group_tests_name("face-journal", tests, NULL, NULL);
}
