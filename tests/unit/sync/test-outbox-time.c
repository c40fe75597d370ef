/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The store is asked what time it is before anything is sent that may have expired while the power was off. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "fakes.h"

static bool is_known;

static bool is_time_known(void *userdata) {
        return is_known;
}

static int setup(void **state) {
        static World w;

        world_begin(&w);
        w.options.is_time_known = is_time_known;
        is_known = false;
        *state = &w;
        return 0;
}

static int teardown(void **state) {
        world_end(*state);
        return 0;
}

/* Twenty records of an earlier boot, and the outbox at its first request. */
static World *open_with_old_records(void **state) {
        World *w = *state;

        world_record_quietly(w, LANE_TRACK, PURPOSE_LOCATION, 20);
        world_open(w);
        time_move(w, 0);
        while (!store_is_asked(&w->store) && journal_answer_one(&w->journal))
                ;
        return w;
}

static void the_store_is_asked_before_a_batch_is_read(void **state) {
        World *w = open_with_old_records(state);

        assert_int_equal(w->store.n_asks, 1);
        assert_int_equal(w->journal.n_reads, LANE_TRACK); /* of those before it, which have nothing */
        assert_int_equal(outbox_state(w->outbox), OUTBOX_STATE_SENDING);
        is_known = true;
        store_answer(&w->store, STORE_DONE);
        settle(w);
        assert_int_equal(w->store.n_asks, 1);
        assert_int_equal(journal_count(&w->journal, RECORD_STORED), 20);
}

/* Gone between the answer and the batch. */
static void what_the_answer_lets_expire_is_not_sent(void **state) {
        World *w = open_with_old_records(state);

        world_erase(w, PURPOSE_LOCATION, true);
        store_answer(&w->store, STORE_DONE);
        settle(w);
        assert_int_equal(w->store.n_puts, 0);
        assert_int_equal(outbox_state(w->outbox), OUTBOX_STATE_IDLE);
}

static void any_answer_will_do_and_it_is_asked_once(void **state) {
        World *w = open_with_old_records(state);

        store_answer(&w->store, STORE_HELD); /* nobody may look at the folder, and there is no Date */
        settle(w);
        assert_int_equal(w->store.n_asks, 1);
        assert_int_equal(journal_count(&w->journal, RECORD_STORED), 20);
        assert_string_equal(outbox_last_error(w->outbox), "");
}

static void without_an_answer_nothing_is_sent(void **state) {
        World *w = open_with_old_records(state);

        store_answer(&w->store, STORE_RETRY);
        settle(w);
        assert_int_equal(w->store.n_puts, 0);
        assert_int_equal(outbox_state(w->outbox), OUTBOX_STATE_WAITING);
        time_move(w, 10 * USEC_PER_MINUTE);
        assert_int_equal(w->store.n_asks, 2);
        store_answer(&w->store, STORE_DONE);
        settle(w);
        assert_int_equal(journal_count(&w->journal, RECORD_STORED), 20);
}

static void whoever_knows_the_time_is_not_asked(void **state) {
        World *w;

        is_known = true;
        w = open_with_old_records(state);
        settle(w);
        assert_int_equal(w->store.n_asks, 0);
        assert_int_equal(journal_count(&w->journal, RECORD_STORED), 20);
}

static void records_of_this_boot_need_no_question(void **state) {
        World *w = *state;

        w->journal.is_all_new = true;
        w = open_with_old_records(state);
        settle(w);
        assert_int_equal(w->store.n_asks, 0);
        assert_int_equal(journal_count(&w->journal, RECORD_STORED), 20);
}

static void an_erasure_cuts_the_question_short(void **state) {
        World *w = open_with_old_records(state);

        outbox_wake_doomed(w->outbox);
        assert_int_equal(w->store.n_cancelled, 1);
        settle(w);
        assert_int_equal(w->store.n_asks, 2);
        assert_int_equal(journal_count(&w->journal, RECORD_STORED), 20);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
                TEST(the_store_is_asked_before_a_batch_is_read),
                TEST(what_the_answer_lets_expire_is_not_sent),
                TEST(any_answer_will_do_and_it_is_asked_once),
                TEST(without_an_answer_nothing_is_sent),
                TEST(whoever_knows_the_time_is_not_asked),
                TEST(records_of_this_boot_need_no_question),
                TEST(an_erasure_cuts_the_question_short),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
