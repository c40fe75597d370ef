/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
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

static unsigned count_in_store(const World *w) {
        unsigned n = 0;

        for (size_t i = 0; i < w->journal.n_objects; i++)
                n += w->journal.objects[i].is_in_store;
        return n;
}

/* So many objects of location in the store. */
static void store_some(World *w, unsigned n) {
        for (unsigned i = 0; i < n; i++) {
                world_record(w, LANE_ALARM, PURPOSE_LOCATION, 1);
                settle(w);
        }
        assert_int_equal(count_in_store(w), n);
}

static void what_was_erased_is_deleted_and_forgotten(void **state) {
        World *w = *state;
        uint64_t delay;

        store_some(w, 3);
        world_erase(w, PURPOSE_LOCATION, false);
        run_to_request(w);
        assert_int_equal(outbox_state(w->outbox), OUTBOX_STATE_SENDING);
        settle(w);
        assert_int_equal(count_in_store(w), 0);
        assert_int_equal(w->journal.n_deleted, 3);
        assert_int_equal(w->journal.counters.objects_doomed, 0);
        assert_int_equal(outbox_state(w->outbox), OUTBOX_STATE_IDLE);
        assert_false(timer_armed_for(&delay));
}

static void what_an_earlier_start_left_doomed_is_deleted(void **state) {
        World *w = *state;

        store_some(w, 2);
        w->outbox = outbox_free(w->outbox);
        for (size_t i = 0; i < w->journal.n_objects; i++)
                w->journal.objects[i].state = OBJECT_DOOMED;
        world_open(w);
        time_move(w, 0);
        settle(w);
        assert_int_equal(count_in_store(w), 0);
        assert_int_equal(w->journal.n_deleted, 2);
}

static void deletions_outrank_uploads_and_need_no_consent(void **state) {
        World *w = *state;

        store_some(w, 2);
        memset(w->gate.allows, 0, sizeof(w->gate.allows));
        w->gate.allows[PURPOSE_DIAGNOSTICS] = true;
        world_record_quietly(w, LANE_ALARM, PURPOSE_DIAGNOSTICS, 1);
        world_erase(w, PURPOSE_LOCATION, false);
        outbox_wake(w->outbox, LANE_ALARM);
        settle(w);
        assert_int_equal(w->store.n_deletes, 2);
        assert_int_equal(count_in_store(w), 1);
        assert_memory_equal(w->store.last_name, "alarms/", 7); /* the upload came last */
        assert_true(journal_find_name(&w->journal, w->store.last_name)->is_in_store);
}

static void a_withdrawal_cuts_the_upload_and_deletes_what_may_have_arrived(void **state) {
        World *w = *state;
        FakeObject *object;
        uint64_t delay;

        world_record(w, LANE_ALARM, PURPOSE_LOCATION, 1);
        run_to_request(w);
        object = journal_find_name(&w->journal, w->store.last_name);
        world_withdraw(w, PURPOSE_LOCATION, false);
        assert_int_equal(w->store.n_cancelled, 1); /* before it returned */
        settle(w);
        assert_int_equal(w->store.n_deletes, 1);
        assert_int_equal(object->state, OBJECT_DOOMED); /* still in doubt, and shown so */

        object->is_in_store = true; /* the server completes what it had */
        assert_true(timer_armed_for(&delay));
        assert_int_equal(delay, 10 * USEC_PER_SEC);
        time_move(w, delay);
        settle(w);
        assert_int_equal(w->store.n_deletes, 2);
        assert_int_equal(object->state, OBJECT_DELETED);
        assert_false(object->is_in_store);
        assert_false(timer_armed_for(&delay));
}

static void a_broken_upload_that_is_then_erased_is_deleted_twice(void **state) {
        World *w = *state;

        world_record(w, LANE_ALARM, PURPOSE_LOCATION, 1);
        run_to_request(w);
        store_answer_doubtful(&w->store, false);
        world_withdraw(w, PURPOSE_LOCATION, false);
        settle(w);
        time_move(w, 10 * USEC_PER_SEC);
        settle(w);
        assert_int_equal(w->store.n_deletes, 2);
        assert_int_equal(w->journal.counters.objects_doomed, 0);
}

static void a_refused_upload_that_is_then_erased_is_deleted_once(void **state) {
        World *w = *state;

        world_record(w, LANE_ALARM, PURPOSE_LOCATION, 1);
        run_to_request(w);
        store_answer(&w->store, STORE_HELD);
        world_withdraw(w, PURPOSE_LOCATION, false);
        settle(w);
        assert_int_equal(w->store.n_deletes, 1);
        assert_int_equal(w->journal.counters.objects_doomed, 0);
}

static void an_erasure_cuts_the_upload_and_deletes_what_may_have_arrived(void **state) {
        World *w = *state;

        world_record(w, LANE_ALARM, PURPOSE_LOCATION, 1);
        run_to_request(w);
        world_erase(w, PURPOSE_LOCATION, true); /* by request: consent stays */
        assert_int_equal(w->store.n_cancelled, 1); /* before it returned */
        settle(w);
        time_move(w, 10 * USEC_PER_SEC);
        settle(w);
        assert_int_equal(w->journal.n_acks, 0);
        assert_int_equal(w->store.n_deletes, 2);
        assert_int_equal(count_in_store(w), 0);
        assert_int_equal(outbox_state(w->outbox), OUTBOX_STATE_IDLE);
        assert_string_equal(outbox_last_error(w->outbox), "");
}

static void an_upload_that_an_erasure_spares_is_the_same_object_again(void **state) {
        World *w = *state;
        FakeObject *object;

        store_some(w, 1);
        world_record(w, LANE_ALARM, PURPOSE_DIAGNOSTICS, 1);
        run_to_request(w);
        object = journal_find_name(&w->journal, w->store.last_name);
        world_erase(w, PURPOSE_LOCATION, false);
        assert_int_equal(w->store.n_cancelled, 1);
        settle(w);
        assert_int_equal(w->journal.counters.objects_doomed, 0);
        assert_int_equal(object->state, OBJECT_STORED);
        assert_int_equal(w->journal.n_objects, 2);
        assert_int_equal(count_in_store(w), 1);
}

static void erased_while_it_is_acknowledged_it_is_deleted(void **state) {
        World *w = *state;

        world_record(w, LANE_ALARM, PURPOSE_LOCATION, 1);
        run_to_request(w);
        store_answer(&w->store, STORE_DONE);
        world_withdraw(w, PURPOSE_LOCATION, false);
        world_erase(w, PURPOSE_LOCATION, false);
        settle(w);
        assert_int_equal(count_in_store(w), 0);
        assert_int_equal(w->journal.counters.objects_doomed, 0);
}

static void a_store_that_refuses_deletions_still_takes_uploads(void **state) {
        World *w = *state;
        uint64_t delay;

        store_some(w, 1);
        world_erase(w, PURPOSE_LOCATION, false);
        run_to_request(w);
        store_answer(&w->store, STORE_HELD);
        assert_int_equal(outbox_state(w->outbox), OUTBOX_STATE_HELD);
        world_record(w, LANE_ALARM, PURPOSE_LOCATION, 1);
        settle(w);
        assert_int_equal(journal_count(&w->journal, RECORD_STORED), 1);
        assert_int_equal(w->journal.counters.objects_doomed, 1);
        assert_int_equal(outbox_state(w->outbox), OUTBOX_STATE_HELD);
        assert_string_equal(outbox_last_error(w->outbox), "The store.");

        assert_true(timer_armed_for(&delay));
        time_move(w, delay);
        settle(w);
        assert_int_equal(w->journal.counters.objects_doomed, 0);
        assert_int_equal(outbox_state(w->outbox), OUTBOX_STATE_IDLE);
        assert_string_equal(outbox_last_error(w->outbox), "");
}

static void a_store_that_refuses_uploads_still_takes_deletions(void **state) {
        World *w = *state;

        store_some(w, 1);
        world_record(w, LANE_ALARM, PURPOSE_DIAGNOSTICS, 1);
        run_to_request(w);
        store_answer(&w->store, STORE_HELD);
        world_erase(w, PURPOSE_LOCATION, false);
        settle(w);
        assert_int_equal(w->journal.counters.objects_doomed, 0);
        assert_int_equal(outbox_state(w->outbox), OUTBOX_STATE_HELD);
}

static void the_journal_fails_while_deleting_and_nothing_is_forgotten(void **state) {
        World *w = *state;

        store_some(w, 1);
        world_erase(w, PURPOSE_LOCATION, false);
        run_to_request(w);
        w->journal.fail_answers = -EIO;
        store_answer(&w->store, STORE_DONE);
        journal_answer_all(&w->journal);
        assert_int_equal(outbox_state(w->outbox), OUTBOX_STATE_WAITING);
        w->journal.fail_answers = 0;
        w->journal.fail_calls = JOURNAL_E_FULL;
        time_move(w, 3 * USEC_PER_SEC);
        assert_int_equal(outbox_state(w->outbox), OUTBOX_STATE_WAITING);
        w->journal.fail_calls = 0;
        time_move(w, USEC_PER_MINUTE);
        settle(w);
        assert_int_equal(w->journal.counters.objects_doomed, 0);
        assert_int_equal(outbox_state(w->outbox), OUTBOX_STATE_IDLE);
}

static void news_while_the_list_is_read_is_not_missed(void **state) {
        World *w = *state;

        store_some(w, 1);
        outbox_wake_doomed(w->outbox); /* reads an empty list */
        world_erase(w, PURPOSE_LOCATION, false);
        settle(w);
        assert_int_equal(w->journal.counters.objects_doomed, 0);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
                TEST(what_was_erased_is_deleted_and_forgotten),
                TEST(what_an_earlier_start_left_doomed_is_deleted),
                TEST(deletions_outrank_uploads_and_need_no_consent),
                TEST(a_withdrawal_cuts_the_upload_and_deletes_what_may_have_arrived),
                TEST(a_broken_upload_that_is_then_erased_is_deleted_twice),
                TEST(a_refused_upload_that_is_then_erased_is_deleted_once),
                TEST(an_erasure_cuts_the_upload_and_deletes_what_may_have_arrived),
                TEST(an_upload_that_an_erasure_spares_is_the_same_object_again),
                TEST(erased_while_it_is_acknowledged_it_is_deleted),
                TEST(a_store_that_refuses_deletions_still_takes_uploads),
                TEST(a_store_that_refuses_uploads_still_takes_deletions),
                TEST(the_journal_fails_while_deleting_and_nothing_is_forgotten),
                TEST(news_while_the_list_is_read_is_not_missed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
