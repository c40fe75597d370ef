/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "fakes.h"

static int setup(void **state) {
        static World w;

        world_begin(&w);
        world_open(&w);
        time_move(&w, 0);
        settle(&w);
        *state = &w;
        return 0;
}

static int teardown(void **state) {
        world_end(*state);
        return 0;
}

static void run_to_request(World *w) {
        while (!store_is_asked(&w->store) && journal_answer_one(&w->journal))
                ;
}

static void fail_once(World *w, StoreOutcome outcome, uint64_t retry_after_usec) {
        run_to_request(w);
        store_answer_after(&w->store, outcome, retry_after_usec);
        assert_false(store_is_asked(&w->store));
}

static void the_network_fails_and_the_same_object_is_tried_again(void **state) {
        World *w = *state;
        uint64_t delay;
        char name[128];

        world_record(w, LANE_ALARM, PURPOSE_LOCATION, 2);
        fail_once(w, STORE_RETRY, 0);
        snprintf(name, sizeof(name), "%s", w->store.last_name);
        assert_int_equal(outbox_state(w->outbox), OUTBOX_STATE_WAITING);
        assert_string_equal(outbox_last_error(w->outbox), "The network.");
        assert_true(timer_armed_for(&delay));
        assert_in_range(delay, 0, 2 * USEC_PER_SEC);

        time_move(w, delay);
        settle(w);
        assert_string_equal(w->store.last_name, name);
        assert_int_equal(w->journal.n_intents, 1);
        assert_int_equal(journal_count(&w->journal, RECORD_STORED), 2);
        assert_int_equal(outbox_state(w->outbox), OUTBOX_STATE_IDLE);
        assert_string_equal(outbox_last_error(w->outbox), "");
}

static void delays_grow_to_their_caps_and_not_beyond(void **state) {
        World *w = *state;
        uint64_t delay, longest_usec[STORE_OUTCOME_MAX] = {};

        world_record(w, LANE_ALARM, PURPOSE_LOCATION, 1);
        for (unsigned i = 0; i < 200; i++) {
                StoreOutcome outcome = i < 100 ? STORE_RETRY : STORE_HELD;

                fail_once(w, outcome, 0);
                assert_true(timer_armed_for(&delay));
                longest_usec[outcome] = MAX(longest_usec[outcome], delay);
                time_move(w, delay);
        }
        /* with full jitter the longest of a hundred is nearly the cap */
        assert_in_range(longest_usec[STORE_RETRY], 4 * USEC_PER_MINUTE, 5 * USEC_PER_MINUTE);
        assert_in_range(longest_usec[STORE_HELD], 12 * USEC_PER_MINUTE, 15 * USEC_PER_MINUTE);
}

static void retry_after_is_waited_out_by_alarms_too(void **state) {
        World *w = *state;
        uint64_t delay;

        world_record(w, LANE_ALARM, PURPOSE_LOCATION, 1);
        fail_once(w, STORE_RETRY, 600 * USEC_PER_SEC);
        assert_true(timer_armed_for(&delay));
        assert_true(delay >= 600 * USEC_PER_SEC);
        world_record(w, LANE_ALARM, PURPOSE_LOCATION, 1);
        time_move(w, 600 * USEC_PER_SEC - 1);
        settle(w);
        assert_int_equal(w->store.n_puts, 1);
        time_move(w, 3 * USEC_PER_SEC);
        settle(w);
        assert_int_equal(journal_count(&w->journal, RECORD_STORED), 2);
}

static void a_backoff_of_ours_is_not_waited_out_by_alarms(void **state) {
        World *w = *state;

        world_record(w, LANE_TRACK, PURPOSE_LOCATION, 8);
        for (unsigned i = 0; i < 10; i++) {
                uint64_t delay;

                fail_once(w, STORE_RETRY, 0);
                assert_true(timer_armed_for(&delay));
                if (i < 9)
                        time_move(w, delay);
        }
        world_record(w, LANE_ALARM, PURPOSE_LOCATION, 1);
        settle(w);
        assert_int_equal(journal_count(&w->journal, RECORD_STORED), 9);
}

static void tracks_do_wait_it_out(void **state) {
        World *w = *state;
        unsigned n_puts;
        uint64_t delay;

        world_record(w, LANE_TRACK, PURPOSE_LOCATION, 8);
        fail_once(w, STORE_HELD, 0);
        assert_true(timer_armed_for(&delay));
        n_puts = w->store.n_puts;
        world_record(w, LANE_TRACK, PURPOSE_LOCATION, 8);
        world_record(w, LANE_EVENT, PURPOSE_LOCATION, 8);
        settle(w);
        assert_int_equal(w->store.n_puts, delay > 0 ? n_puts : n_puts + 3);
}

static void the_account_is_refused_and_nothing_is_lost(void **state) {
        World *w = *state;

        world_record(w, LANE_TRACK, PURPOSE_LOCATION, 8);
        fail_once(w, STORE_HELD, 0);
        assert_int_equal(outbox_state(w->outbox), OUTBOX_STATE_HELD);
        assert_string_equal(outbox_last_error(w->outbox), "The store.");
        assert_int_equal(journal_count(&w->journal, RECORD_PENDING), 8);
        assert_int_equal(w->journal.n_splits + w->journal.n_parks, 0);
        time_move(w, 20 * USEC_PER_SEC);
        settle(w);
        assert_int_equal(journal_count(&w->journal, RECORD_STORED), 8);
        assert_int_equal(outbox_state(w->outbox), OUTBOX_STATE_IDLE);
        assert_string_equal(outbox_last_error(w->outbox), "");
}

static void a_repeated_error_is_told_once(void **state) {
        World *w = *state;
        unsigned n_changes;
        uint64_t delay;

        world_record(w, LANE_TRACK, PURPOSE_LOCATION, 8);
        fail_once(w, STORE_HELD, 0);
        n_changes = w->n_changes;
        assert_true(timer_armed_for(&delay));
        time_move(w, delay);
        fail_once(w, STORE_HELD, 0);
        assert_in_range(w->n_changes, n_changes, n_changes + 2); /* sending and held again, no new sentence */
}

static void refusing_one_object_shows_that_the_store_works(void **state) {
        World *w = *state;

        world_record(w, LANE_ALARM, PURPOSE_LOCATION, 1);
        fail_once(w, STORE_HELD, 0);
        time_move(w, 20 * USEC_PER_SEC);
        run_to_request(w);
        store_answer(&w->store, STORE_REJECTED);
        assert_string_equal(outbox_last_error(w->outbox), "");
        settle(w);
        assert_int_equal(outbox_state(w->outbox), OUTBOX_STATE_IDLE);
}

static void trouble_ends_when_there_is_nothing_left_to_send(void **state) {
        World *w = *state;
        uint64_t delay;

        world_record(w, LANE_TRACK, PURPOSE_LOCATION, 8);
        fail_once(w, STORE_HELD, 0);
        world_withdraw(w, PURPOSE_LOCATION, false);
        settle(w); /* its deletion */
        time_move(w, 30 * USEC_PER_SEC);
        settle(w);
        assert_int_equal(outbox_state(w->outbox), OUTBOX_STATE_IDLE);
        assert_string_equal(outbox_last_error(w->outbox), "");
        assert_false(timer_armed_for(&delay));
}

static void the_journal_takes_no_calls_for_a_while(void **state) {
        static const int outcomes[] = { JOURNAL_E_FULL, -ENOMEM };

        for (size_t i = 0; i < ELEMENTSOF(outcomes); i++)
                for (unsigned n = 0; n < 3; n++) { /* refusing the reading, the intent, the acknowledgement */
                        World *w = *state;

                        world_end(w);
                        assert_int_equal(setup(state), 0);
                        if (n == 0)
                                w->journal.fail_calls = outcomes[i];
                        world_record(w, LANE_ALARM, PURPOSE_LOCATION, 1);
                        if (n == 1) {
                                w->journal.fail_calls = outcomes[i];
                                assert_true(journal_answer_one(&w->journal));
                        } else if (n == 2) {
                                run_to_request(w);
                                w->journal.fail_calls = outcomes[i];
                                store_answer(&w->store, STORE_DONE);
                        }
                        assert_int_equal(outbox_state(w->outbox), OUTBOX_STATE_WAITING);
                        assert_true(strlen(outbox_last_error(w->outbox)) > 0);
                        w->journal.fail_calls = 0;
                        time_move(w, 5 * USEC_PER_SEC);
                        settle(w);
                        assert_int_equal(journal_count(&w->journal, RECORD_STORED), 1);
                        assert_int_equal(outbox_state(w->outbox), OUTBOX_STATE_IDLE);
                }
}

static void the_journal_answers_with_errors_for_a_while(void **state) {
        World *w = *state;
        uint64_t delay;

        world_record(w, LANE_ALARM, PURPOSE_LOCATION, 2);
        run_to_request(w);
        w->journal.fail_answers = -EIO;
        store_answer(&w->store, STORE_DONE); /* the acknowledgement fails */
        for (unsigned i = 0; i < 10; i++) {
                journal_answer_all(&w->journal);
                assert_int_equal(outbox_state(w->outbox), OUTBOX_STATE_WAITING);
                assert_true(timer_armed_for(&delay));
                time_move(w, delay); /* and so does each reading */
        }
        w->journal.fail_answers = 0;
        time_move(w, USEC_PER_HOUR);
        settle(w);
        time_move(w, USEC_PER_HOUR);
        settle(w);
        assert_int_equal(journal_count(&w->journal, RECORD_STORED), 2);
        assert_int_equal(w->journal.n_intents, 1); /* the same object again */
}

static void the_store_cannot_even_be_asked(void **state) {
        World *w = *state;

        w->store.fail_calls = -ENOMEM;
        world_record(w, LANE_ALARM, PURPOSE_LOCATION, 1);
        settle(w);
        assert_int_equal(outbox_state(w->outbox), OUTBOX_STATE_WAITING);
        w->store.fail_calls = 0;
        time_move(w, 5 * USEC_PER_SEC);
        settle(w);
        assert_int_equal(journal_count(&w->journal, RECORD_STORED), 1);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
                TEST(the_network_fails_and_the_same_object_is_tried_again),
                TEST(delays_grow_to_their_caps_and_not_beyond),
                TEST(retry_after_is_waited_out_by_alarms_too),
                TEST(a_backoff_of_ours_is_not_waited_out_by_alarms),
                TEST(tracks_do_wait_it_out),
                TEST(the_account_is_refused_and_nothing_is_lost),
                TEST(a_repeated_error_is_told_once),
                TEST(refusing_one_object_shows_that_the_store_works),
                TEST(trouble_ends_when_there_is_nothing_left_to_send),
                TEST(the_journal_takes_no_calls_for_a_while),
                TEST(the_journal_answers_with_errors_for_a_while),
                TEST(the_store_cannot_even_be_asked),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
