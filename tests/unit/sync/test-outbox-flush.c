/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include "fakes.h"

#define NOT_DONE 1

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

static void on_flushed(int r, void *userdata) {
        int *result = userdata;

        assert_int_equal(*result, NOT_DONE); /* once */
        *result = r;
}

static void run_to_request(World *w) {
        while (!store_is_asked(&w->store) && journal_answer_one(&w->journal))
                ;
}

static void with_nothing_to_send_it_is_done(void **state) {
        World *w = *state;
        int result = NOT_DONE;

        assert_int_equal(outbox_flush(w->outbox, on_flushed, &result), 0);
        assert_int_equal(result, NOT_DONE); /* never from within */
        settle(w);
        assert_int_equal(result, 0);
        assert_int_equal(w->store.n_puts, 0);
}

static void it_commits_first_and_sends_without_the_interval(void **state) {
        World *w = *state;
        int result = NOT_DONE;

        world_record(w, LANE_TRACK, PURPOSE_LOCATION, 2);
        assert_int_equal(outbox_flush(w->outbox, on_flushed, &result), 0);
        assert_int_equal(w->journal.n_commits, 1);
        world_record_quietly(w, LANE_TRACK, PURPOSE_LOCATION, 1); /* durable by that commit */
        settle(w);
        assert_int_equal(result, 0);
        assert_int_equal(journal_count(&w->journal, RECORD_STORED), 3);
}

static void it_waits_for_all_lanes_and_deletions(void **state) {
        World *w = *state;
        int result = NOT_DONE;

        world_record(w, LANE_ALARM, PURPOSE_LOCATION, 1);
        settle(w);
        world_erase(w, PURPOSE_LOCATION, false);
        for (int lane = 0; lane < LANE_MAX; lane++)
                world_record_quietly(w, (Lane)lane, PURPOSE_DIAGNOSTICS, 3);
        assert_int_equal(outbox_flush(w->outbox, on_flushed, &result), 0);
        for (unsigned i = 0; i < N_LANES_SENT + 1; i++) {
                run_to_request(w);
                assert_int_equal(result, NOT_DONE);
                store_answer(&w->store, STORE_DONE);
        }
        settle(w);
        assert_int_equal(result, 0);
        assert_int_equal(w->journal.counters.objects_doomed, 0);
}

static void it_fails_when_the_store_refuses_and_is_not_asked_again(void **state) {
        World *w = *state;
        int result = NOT_DONE;

        world_record(w, LANE_TRACK, PURPOSE_LOCATION, 1);
        assert_int_equal(outbox_flush(w->outbox, on_flushed, &result), 0);
        run_to_request(w);
        store_answer(&w->store, STORE_HELD);
        assert_int_equal(result, -EAGAIN);
        assert_string_equal(outbox_last_error(w->outbox), "The store.");
        assert_int_equal(outbox_state(w->outbox), OUTBOX_STATE_HELD);
}

static void deletions_that_fail_fail_it_after_the_uploads(void **state) {
        World *w = *state;
        int result = NOT_DONE;

        world_record(w, LANE_ALARM, PURPOSE_LOCATION, 1);
        settle(w);
        world_erase(w, PURPOSE_LOCATION, false);
        world_record_quietly(w, LANE_TRACK, PURPOSE_DIAGNOSTICS, 1);
        assert_int_equal(outbox_flush(w->outbox, on_flushed, &result), 0);
        journal_answer_all(&w->journal);
        store_answer(&w->store, STORE_HELD);
        assert_int_equal(result, NOT_DONE);
        settle(w);
        assert_int_equal(result, -EAGAIN);
        assert_int_equal(journal_count(&w->journal, RECORD_STORED), 1);
}

static void it_does_not_sit_out_a_backoff(void **state) {
        World *w = *state;
        int result = NOT_DONE;

        world_record(w, LANE_ALARM, PURPOSE_LOCATION, 1);
        run_to_request(w);
        store_answer_after(&w->store, STORE_HELD, USEC_PER_DAY);
        assert_int_equal(outbox_flush(w->outbox, on_flushed, &result), 0);
        settle(w);
        assert_int_equal(result, 0);
        assert_int_equal(journal_count(&w->journal, RECORD_STORED), 1);
}

static void a_lane_without_consent_is_not_waited_for(void **state) {
        World *w = *state;
        int result = NOT_DONE;

        w->gate.allows[PURPOSE_LOCATION] = false;
        world_record(w, LANE_TRACK, PURPOSE_LOCATION, 1);
        assert_int_equal(outbox_flush(w->outbox, on_flushed, &result), 0);
        settle(w);
        assert_int_equal(result, 0);
        assert_int_equal(w->store.n_puts, 0);
}

static void in_the_middle_of_an_upload_it_waits_for_the_rest(void **state) {
        World *w = *state;
        int result = NOT_DONE;

        world_record(w, LANE_TRACK, PURPOSE_LOCATION, 8);
        run_to_request(w);
        world_record(w, LANE_TRACK, PURPOSE_LOCATION, 2);
        assert_int_equal(outbox_flush(w->outbox, on_flushed, &result), 0);
        store_answer(&w->store, STORE_DONE);
        settle(w);
        assert_int_equal(result, 0);
        assert_int_equal(journal_count(&w->journal, RECORD_STORED), 10);
}

static void what_comes_later_is_not_waited_for(void **state) {
        World *w = *state;
        int result = NOT_DONE;

        world_record(w, LANE_TRACK, PURPOSE_LOCATION, 2);
        assert_int_equal(outbox_flush(w->outbox, on_flushed, &result), 0);
        run_to_request(w);
        world_record(w, LANE_TRACK, PURPOSE_LOCATION, 2);
        store_answer(&w->store, STORE_DONE);
        settle(w);
        assert_int_equal(result, 0);
        assert_int_equal(journal_count(&w->journal, RECORD_PENDING), 2);
}

static void parked_records_do_not_hold_it_up(void **state) {
        World *w = *state;
        int result = NOT_DONE;

        world_record(w, LANE_TRACK, PURPOSE_LOCATION, 5);
        w->journal.records[2].is_bad = true;
        assert_int_equal(outbox_flush(w->outbox, on_flushed, &result), 0);
        settle(w);
        assert_int_equal(result, 0);
        assert_int_equal(journal_count(&w->journal, RECORD_PARKED), 1);
        assert_int_equal(journal_count(&w->journal, RECORD_STORED), 4);
}

static void two_at_a_time_both_end(void **state) {
        World *w = *state;
        int first = NOT_DONE, second = NOT_DONE;

        world_record(w, LANE_TRACK, PURPOSE_LOCATION, 2);
        assert_int_equal(outbox_flush(w->outbox, on_flushed, &first), 0);
        run_to_request(w);
        assert_int_equal(outbox_flush(w->outbox, on_flushed, &second), 0);
        settle(w);
        assert_int_equal(first, 0);
        assert_int_equal(second, 0);
}

static void a_commit_that_fails_fails_it_and_sends_all_the_same(void **state) {
        World *w = *state;
        int result = NOT_DONE;

        world_record(w, LANE_TRACK, PURPOSE_LOCATION, 2);
        w->journal.fail_answers = -EIO;
        assert_int_equal(outbox_flush(w->outbox, on_flushed, &result), 0);
        w->journal.fail_answers = 0;
        settle(w);
        assert_int_equal(result, -EAGAIN);
        assert_int_equal(journal_count(&w->journal, RECORD_STORED), 2);
}

static void a_commit_that_is_not_taken_ends_it(void **state) {
        World *w = *state;
        int result = NOT_DONE;

        w->journal.fail_calls = JOURNAL_E_FULL;
        assert_int_equal(outbox_flush(w->outbox, on_flushed, &result), -EAGAIN);
        w->journal.fail_calls = 0;
        settle(w);
        assert_int_equal(result, NOT_DONE);
}

static void a_failure_before_its_commit_is_not_its_own(void **state) {
        World *w = *state;
        int result = NOT_DONE;

        world_record(w, LANE_ALARM, PURPOSE_LOCATION, 1);
        run_to_request(w);
        assert_int_equal(outbox_flush(w->outbox, on_flushed, &result), 0);
        store_answer(&w->store, STORE_HELD);
        settle(w);
        assert_int_equal(result, 0);
        assert_int_equal(journal_count(&w->journal, RECORD_STORED), 1);
}

static void freed_in_the_middle_it_is_cancelled(void **state) {
        for (unsigned n = 0; n < 8; n++) {
                World *w;
                int first = NOT_DONE, second = NOT_DONE;

                assert_int_equal(setup(state), 0);
                w = *state;
                world_record(w, LANE_TRACK, PURPOSE_LOCATION, 1);
                assert_int_equal(outbox_flush(w->outbox, on_flushed, &first), 0);
                for (unsigned i = 0; i < n && !store_is_asked(&w->store); i++)
                        (void)journal_answer_one(&w->journal);
                assert_int_equal(outbox_flush(w->outbox, on_flushed, &second), 0);
                world_end(w);
                assert_int_equal(first, -ECANCELED);
                assert_int_equal(second, -ECANCELED);
        }
}

static void without_a_store_it_is_refused(void **state) {
        World *w = *state;
        int result = NOT_DONE;

        world_end(w);
        w->options.store = NULL;
        assert_int_equal(outbox_new(NULL, &w->options, &w->outbox), 0);
        assert_int_equal(outbox_flush(w->outbox, on_flushed, &result), -EOPNOTSUPP);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
                TEST(with_nothing_to_send_it_is_done),
                TEST(it_commits_first_and_sends_without_the_interval),
                TEST(it_waits_for_all_lanes_and_deletions),
                TEST(it_fails_when_the_store_refuses_and_is_not_asked_again),
                TEST(deletions_that_fail_fail_it_after_the_uploads),
                TEST(it_does_not_sit_out_a_backoff),
                TEST(a_lane_without_consent_is_not_waited_for),
                TEST(in_the_middle_of_an_upload_it_waits_for_the_rest),
                TEST(what_comes_later_is_not_waited_for),
                TEST(parked_records_do_not_hold_it_up),
                TEST(two_at_a_time_both_end),
                TEST(a_commit_that_fails_fails_it_and_sends_all_the_same),
                TEST(a_commit_that_is_not_taken_ends_it),
                TEST(a_failure_before_its_commit_is_not_its_own),
                cmocka_unit_test(freed_in_the_middle_it_is_cancelled),
                TEST(without_a_store_it_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
