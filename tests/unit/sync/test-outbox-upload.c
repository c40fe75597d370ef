/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "fakes.h"

static int setup(void **state) {
        static World w;

        world_begin(&w);
        *state = &w;
        return 0;
}

static int teardown(void **state) {
        world_end(*state);
        return 0;
}

/* Started, and what that asks for answered. */
static World *open_idle(void **state) {
        World *w = *state;

        world_open(w);
        time_move(w, 0);
        settle(w);
        return w;
}

/* Until the store is asked or nothing happens any more. */
static void run_to_request(World *w) {
        while (!store_is_asked(&w->store) && journal_answer_one(&w->journal))
                ;
}

static void a_start_with_nothing_looks_once_and_sleeps(void **state) {
        World *w = open_idle(state);
        uint64_t delay;

        assert_int_equal(w->journal.n_reads, N_LANES_SENT);
        assert_int_equal(w->journal.n_lists, 1);
        assert_int_equal(w->store.n_puts + w->store.n_deletes, 0);
        assert_int_equal(outbox_state(w->outbox), OUTBOX_STATE_IDLE);
        assert_string_equal(outbox_last_error(w->outbox), "");
        assert_int_equal(w->n_changes, 0);
        assert_false(timer_armed_for(&delay));
}

static void what_an_earlier_start_left_is_sent(void **state) {
        World *w = *state;

        world_record_quietly(w, LANE_TRACK, PURPOSE_LOCATION, 20);
        open_idle(state);
        assert_int_equal(journal_count(&w->journal, RECORD_STORED), 20);
        assert_int_equal(w->store.n_puts, 3); /* 8 and 8 of one parcel, 4 of the next */
}

static void an_object_goes_intent_put_ack(void **state) {
        World *w = open_idle(state);

        world_record(w, LANE_ALARM, PURPOSE_LOCATION, 1);
        assert_int_equal(w->journal.n_reads, N_LANES_SENT + 1);
        assert_true(journal_answer_one(&w->journal));
        assert_int_equal(w->journal.n_intents, 1);
        assert_false(store_is_asked(&w->store)); /* not before the intent is durable */
        assert_true(journal_answer_one(&w->journal));
        assert_true(store_is_asked(&w->store));
        assert_int_equal(outbox_state(w->outbox), OUTBOX_STATE_SENDING);
        assert_int_equal(w->journal.n_acks, 0);
        store_answer(&w->store, STORE_DONE);
        assert_int_equal(w->journal.n_acks, 1);
        assert_int_equal(outbox_state(w->outbox), OUTBOX_STATE_SENDING);
        settle(w);
        assert_int_equal(outbox_state(w->outbox), OUTBOX_STATE_IDLE);
        assert_int_equal(w->n_changes, 2);
        assert_int_equal(w->n_settled, 1);
        assert_int_equal(journal_count(&w->journal, RECORD_STORED), 1);
}

static void a_track_waits_for_the_interval(void **state) {
        World *w = open_idle(state);
        uint64_t delay;

        world_record(w, LANE_TRACK, PURPOSE_LOCATION, 1);
        time_move(w, 20 * USEC_PER_SEC);
        world_record(w, LANE_TRACK, PURPOSE_LOCATION, 1);
        assert_true(timer_armed_for(&delay));
        assert_int_equal(delay, 40 * USEC_PER_SEC); /* since the oldest */
        time_move(w, 40 * USEC_PER_SEC - 1);
        assert_int_equal(w->journal.n_reads, N_LANES_SENT);
        time_move(w, 1);
        settle(w);
        assert_int_equal(w->store.n_puts, 1);
        assert_int_equal(journal_count(&w->journal, RECORD_STORED), 2);
        assert_false(timer_armed_for(&delay));
}

static void a_full_object_goes_at_once(void **state) {
        World *w = open_idle(state);

        world_record(w, LANE_TRACK, PURPOSE_LOCATION, 7);
        settle(w);
        assert_int_equal(w->store.n_puts, 0);
        world_record(w, LANE_TRACK, PURPOSE_LOCATION, 1);
        settle(w);
        assert_int_equal(w->store.n_puts, 1);
        assert_int_equal(journal_count(&w->journal, RECORD_STORED), 8);
}

static void what_comes_while_sending_waits_for_the_next_interval(void **state) {
        World *w = open_idle(state);
        uint64_t delay;

        world_record(w, LANE_TRACK, PURPOSE_LOCATION, 3);
        time_move(w, 60 * USEC_PER_SEC);
        run_to_request(w);
        world_record(w, LANE_TRACK, PURPOSE_LOCATION, 1);
        settle(w);
        assert_int_equal(w->store.n_puts, 1);
        assert_int_equal(journal_count(&w->journal, RECORD_PENDING), 1);
        assert_true(timer_armed_for(&delay));
        assert_int_equal(delay, 60 * USEC_PER_SEC);
        assert_int_equal(outbox_state(w->outbox), OUTBOX_STATE_IDLE);
}

static void lanes_go_by_urgency(void **state) {
        World *w = *state;
        static const Lane lanes[] = { LANE_DIAGNOSTICS, LANE_TRACK, LANE_EVENT, LANE_ALARM };

        for (size_t i = 0; i < ELEMENTSOF(lanes); i++)
                world_record_quietly(w, lanes[i], PURPOSE_LOCATION, 1);
        world_open(w);
        time_move(w, 0);
        for (int lane = LANE_ALARM; lane < N_LANES_SENT; lane++) {
                run_to_request(w);
                assert_memory_equal(w->store.last_name, lane_to_folder((Lane)lane), strlen(lane_to_folder((Lane)lane)));
                store_answer(&w->store, STORE_DONE);
        }
}

static void media_is_held_and_nothing_of_it_lost(void **state) {
        World *w = *state;
        uint64_t delay;

        world_record_quietly(w, LANE_MEDIA, PURPOSE_VIDEO, 3);
        open_idle(state);
        world_record(w, LANE_MEDIA, PURPOSE_VIDEO, 20);
        outbox_purpose_changed(w->outbox, PURPOSE_VIDEO, true);
        settle(w);
        assert_int_equal(w->journal.n_reads, 2 * N_LANES_SENT); /* at the start, and for the grant */
        assert_int_equal(w->journal.n_intents + w->store.n_puts, 0);
        assert_int_equal(journal_count(&w->journal, RECORD_PENDING), 23);
        assert_int_equal(outbox_state(w->outbox), OUTBOX_STATE_IDLE);
        assert_false(timer_armed_for(&delay));
}

static void an_intent_that_is_open_is_the_same_object(void **state) {
        World *w = open_idle(state);
        char name[128];

        world_record(w, LANE_ALARM, PURPOSE_LOCATION, 3);
        run_to_request(w);
        snprintf(name, sizeof(name), "%s", w->store.last_name);
        w->outbox = outbox_free(w->outbox); /* as a crash would, but tidier */
        assert_int_equal(w->store.n_cancelled, 1);

        open_idle(state);
        assert_string_equal(w->store.last_name, name);
        assert_int_equal(w->journal.n_intents, 1);
        assert_int_equal(journal_count(&w->journal, RECORD_STORED), 3);
}

static void too_large_is_divided_until_it_fits(void **state) {
        World *w = open_idle(state);

        world_record_quietly(w, LANE_TRACK, PURPOSE_LOCATION, 8);
        for (size_t i = 0; i < 8; i++)
                w->journal.records[i].is_large = true;
        outbox_wake(w->outbox, LANE_TRACK);
        settle(w);
        assert_int_equal(journal_count(&w->journal, RECORD_STORED), 8);
        assert_int_equal(w->journal.n_splits, 7);
        assert_int_equal(w->journal.n_acks, 8);
        assert_int_equal(w->journal.n_parks, 0);
}

static void a_record_that_is_too_large_alone_is_parked(void **state) {
        World *w = open_idle(state);

        world_record(w, LANE_ALARM, PURPOSE_LOCATION, 1);
        run_to_request(w);
        store_answer(&w->store, STORE_TOO_LARGE);
        settle(w);
        assert_int_equal(journal_count(&w->journal, RECORD_PARKED), 1);
        assert_int_equal(outbox_state(w->outbox), OUTBOX_STATE_IDLE);
        world_record(w, LANE_ALARM, PURPOSE_LOCATION, 1); /* and the lane goes on */
        settle(w);
        assert_int_equal(journal_count(&w->journal, RECORD_STORED), 1);
}

static void the_one_that_is_refused_is_found_and_parked(void **state) {
        for (size_t bad = 0; bad < 8; bad++) {
                World *w;

                assert_int_equal(setup(state), 0);
                w = open_idle(state);
                world_record_quietly(w, LANE_TRACK, PURPOSE_LOCATION, 8);
                w->journal.records[bad].is_bad = true;
                outbox_wake(w->outbox, LANE_TRACK);
                settle(w);
                assert_int_equal(journal_count(&w->journal, RECORD_STORED), 7);
                assert_int_equal(w->journal.records[bad].state, RECORD_PARKED);
                assert_int_equal(w->journal.n_splits, 3);
                assert_string_equal(outbox_last_error(w->outbox), "");
                if (bad < 7)
                        world_end(w);
        }
}

static void a_record_that_cannot_be_written_is_parked(void **state) {
        World *w = open_idle(state);

        world_record_quietly(w, LANE_TRACK, PURPOSE_LOCATION, 4);
        w->store.fail_calls = -EBADMSG;
        time_move(w, 0);
        outbox_wake(w->outbox, LANE_TRACK);
        time_move(w, 60 * USEC_PER_SEC);
        settle(w);
        assert_int_equal(journal_count(&w->journal, RECORD_PARKED), 4);
        assert_int_equal(w->store.n_puts, 0);
}

static void without_consent_nothing_is_sent_and_nothing_spins(void **state) {
        World *w = open_idle(state);
        uint64_t delay;

        w->gate.allows[PURPOSE_LOCATION] = false;
        world_record(w, LANE_ALARM, PURPOSE_LOCATION, 1);
        world_record(w, LANE_TRACK, PURPOSE_LOCATION, 8);
        settle(w);
        time_move(w, USEC_PER_DAY);
        settle(w);
        assert_int_equal(w->store.n_puts, 0);
        assert_int_equal(w->journal.n_intents, 0);
        assert_in_range(w->journal.n_calls, 1, 12);
        assert_false(timer_armed_for(&delay));
        assert_int_equal(outbox_state(w->outbox), OUTBOX_STATE_IDLE);
        assert_string_equal(outbox_last_error(w->outbox), "");

        world_grant(w, PURPOSE_LOCATION);
        settle(w);
        assert_int_equal(journal_count(&w->journal, RECORD_STORED), 9);
}

static void a_purpose_that_is_off_does_not_stop_other_lanes(void **state) {
        World *w = open_idle(state);

        w->gate.allows[PURPOSE_LOCATION] = false;
        world_record(w, LANE_ALARM, PURPOSE_LOCATION, 1);
        world_record(w, LANE_DIAGNOSTICS, PURPOSE_DIAGNOSTICS, 8);
        settle(w);
        assert_int_equal(w->store.n_puts, 1);
}

static void withdrawn_between_intent_and_put_nothing_is_sent(void **state) {
        World *w = open_idle(state);

        world_record(w, LANE_ALARM, PURPOSE_LOCATION, 1);
        assert_true(journal_answer_one(&w->journal)); /* the intent is under way */
        assert_int_equal(w->journal.n_intents, 1);
        w->gate.allows[PURPOSE_LOCATION] = false; /* nobody tells the outbox */
        settle(w);
        assert_int_equal(w->store.n_puts, 0);
}

static void withdrawn_and_kept_it_is_the_same_object_later(void **state) {
        World *w = open_idle(state);
        char name[128];

        world_record(w, LANE_ALARM, PURPOSE_LOCATION, 1);
        run_to_request(w);
        snprintf(name, sizeof(name), "%s", w->store.last_name);
        world_withdraw(w, PURPOSE_LOCATION, true);
        assert_false(store_is_asked(&w->store)); /* before it returned */
        settle(w);
        assert_int_equal(w->store.n_deletes, 0);
        assert_int_equal(outbox_state(w->outbox), OUTBOX_STATE_IDLE);

        world_grant(w, PURPOSE_LOCATION);
        settle(w);
        assert_string_equal(w->store.last_name, name);
        assert_int_equal(journal_count(&w->journal, RECORD_STORED), 1);
}

static void another_purpose_is_withdrawn_and_the_upload_goes_on(void **state) {
        World *w = open_idle(state);

        world_record(w, LANE_ALARM, PURPOSE_LOCATION, 1);
        run_to_request(w);
        world_withdraw(w, PURPOSE_DIAGNOSTICS, false);
        assert_true(store_is_asked(&w->store));
        settle(w);
        assert_int_equal(journal_count(&w->journal, RECORD_STORED), 1);
}

static void erased_before_its_intent_is_quiet(void **state) {
        World *w = open_idle(state);

        world_record(w, LANE_ALARM, PURPOSE_LOCATION, 1);
        world_erase(w, PURPOSE_LOCATION, true); /* between the reading and its answer */
        settle(w);
        assert_int_equal(w->journal.n_intents, 1); /* which finds that it is gone */
        assert_int_equal(w->store.n_puts, 0);
        assert_int_equal(outbox_state(w->outbox), OUTBOX_STATE_IDLE);
        assert_string_equal(outbox_last_error(w->outbox), "");
}

static void an_alarm_cuts_a_track_short(void **state) {
        World *w = open_idle(state);
        char track[128];

        world_record(w, LANE_TRACK, PURPOSE_LOCATION, 8);
        run_to_request(w);
        snprintf(track, sizeof(track), "%s", w->store.last_name);
        world_record(w, LANE_ALARM, PURPOSE_LOCATION, 1);
        assert_int_equal(w->store.n_cancelled, 1);
        run_to_request(w);
        assert_memory_equal(w->store.last_name, "alarms/", 7);
        store_answer(&w->store, STORE_DONE);
        run_to_request(w);
        assert_string_equal(w->store.last_name, track);
        settle(w);
        assert_int_equal(journal_count(&w->journal, RECORD_STORED), 9);
}

static void an_alarm_does_not_cut_an_alarm_or_a_deletion(void **state) {
        World *w = open_idle(state);

        world_record(w, LANE_ALARM, PURPOSE_LOCATION, 1);
        run_to_request(w);
        world_record(w, LANE_ALARM, PURPOSE_LOCATION, 1);
        assert_true(store_is_asked(&w->store));
        settle(w);
        world_erase(w, PURPOSE_LOCATION, false);
        run_to_request(w);
        world_record(w, LANE_ALARM, PURPOSE_DIAGNOSTICS, 1);
        assert_true(store_is_asked(&w->store));
        assert_int_equal(w->store.n_cancelled, 0);
        settle(w);
        assert_int_equal(w->journal.counters.objects_doomed, 0);
        assert_int_equal(journal_count(&w->journal, RECORD_STORED), 1);
}

static void without_a_store_nothing_ever_happens(void **state) {
        World *w = *state;
        uint64_t delay;

        w->options.store = NULL;
        assert_int_equal(outbox_new(NULL, &w->options, &w->outbox), 0);
        time_move(w, 0);
        world_record(w, LANE_ALARM, PURPOSE_LOCATION, 1);
        outbox_wake_doomed(w->outbox);
        world_withdraw(w, PURPOSE_LOCATION, false);
        world_grant(w, PURPOSE_LOCATION);
        time_move(w, USEC_PER_DAY);
        assert_int_equal(w->journal.n_calls, 0);
        assert_int_equal(outbox_state(w->outbox), OUTBOX_STATE_OFF);
        assert_false(timer_armed_for(&delay));
}

static void freed_at_every_step_late_answers_reach_nobody(void **state) {
        for (unsigned n = 0; n < 12; n++) {
                World *w;
                unsigned i;

                assert_int_equal(setup(state), 0);
                w = *state;
                world_record_quietly(w, LANE_TRACK, PURPOSE_LOCATION, 2);
                world_open(w);
                time_move(w, 0);
                for (i = 0; i < n; i++)
                        if (store_is_asked(&w->store))
                                store_answer(&w->store, STORE_DONE);
                        else if (!journal_answer_one(&w->journal))
                                break;
                if (n < 11)
                        world_end(w);
        }
}

static void every_state_has_a_name(void **state) {
        world_open(*state);
        for (int i = 0; i < OUTBOX_STATE_MAX; i++)
                assert_non_null(outbox_state_to_string((OutboxState)i));
        assert_null(outbox_state_to_string(OUTBOX_STATE_MAX));
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
                TEST(a_start_with_nothing_looks_once_and_sleeps),
                TEST(what_an_earlier_start_left_is_sent),
                TEST(an_object_goes_intent_put_ack),
                TEST(a_track_waits_for_the_interval),
                TEST(a_full_object_goes_at_once),
                TEST(what_comes_while_sending_waits_for_the_next_interval),
                TEST(lanes_go_by_urgency),
                TEST(media_is_held_and_nothing_of_it_lost),
                TEST(an_intent_that_is_open_is_the_same_object),
                TEST(too_large_is_divided_until_it_fits),
                TEST(a_record_that_is_too_large_alone_is_parked),
                TEST(the_one_that_is_refused_is_found_and_parked),
                TEST(a_record_that_cannot_be_written_is_parked),
                TEST(without_consent_nothing_is_sent_and_nothing_spins),
                TEST(a_purpose_that_is_off_does_not_stop_other_lanes),
                TEST(withdrawn_between_intent_and_put_nothing_is_sent),
                TEST(withdrawn_and_kept_it_is_the_same_object_later),
                TEST(another_purpose_is_withdrawn_and_the_upload_goes_on),
                TEST(erased_before_its_intent_is_quiet),
                TEST(an_alarm_cuts_a_track_short),
                TEST(an_alarm_does_not_cut_an_alarm_or_a_deletion),
                TEST(without_a_store_nothing_ever_happens),
                TEST(freed_at_every_step_late_answers_reach_nobody),
                TEST(every_state_has_a_name),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
