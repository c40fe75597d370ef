/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A medium that fails: the n-th write, sync or truncation of a whole life of a journal, once or from then on, for each
 * n until none is left to fail. Whatever was reported as done must hold at the next start, and what failed must be
 * said.
 */
#include "life.h"
#include <errno.h>
#include "medium.h"

static void no_step(const Reported *reported) {
}

/* Returns whether the failure was reached. */
static bool live_with_failure(unsigned n, bool is_lasting) {
        Reported reported = { 0 };
        void *state = NULL;
        bool is_reached;

        assert_int_equal(fixture_setup(&state), 0);
        medium_watch(((Fixture *)state)->dir);
        medium_fail_at(n, is_lasting);
        live(state, &reported, no_step);
        is_reached = medium_count() >= n;
        medium_never_fail();
        check_what_was_reported(state, &reported);
        assert_int_equal(fixture_teardown(&state), 0);
        return is_reached;
}

static void test_a_single_failure_at_any_place(void **state) {
        unsigned n = 1;

        while (live_with_failure(n, false))
                n++;
        assert_true(n > 100);
}

static void test_failing_from_any_place_on(void **state) {
        unsigned n = 1;

        while (live_with_failure(n, true))
                n++;
        assert_true(n > 100);
}

/* Returns whether the failure was reached. One subject's data is erased while another's is being recorded. */
static bool erase_with_failure(unsigned n, bool is_lasting) {
        const JournalErasure erasure = { .purposes = ALL_PURPOSES, .subject = SUBJECT_A, .since_ms = TIME_MS_NONE,
                                         .until_ms = TIME_MS_NONE };
        JournalReceipt receipt;
        Fixture *f = NULL;
        bool is_reached, is_erased;

        assert_int_equal(fixture_setup((void **)&f), 0);
        medium_watch(f->dir);
        assert_int_equal(fixture_open(f), 0);
        append(f, 3);
        assert_int_equal(append_record(f, RECORD_FIX, SUBJECT_B, START_REALTIME_MS), 0);
        assert_int_equal(commit(f), 0);
        assert_int_equal(append_record(f, RECORD_FIX, SUBJECT_B, START_REALTIME_MS), 0); /* waits; goes with the erasure */
        medium_fail_at(n, is_lasting);
        is_erased = erase(f, &erasure, &receipt) == 0;
        is_reached = medium_count() >= n;
        medium_never_fail();
        append(f, 3);
        assert_int_equal(append_record(f, RECORD_FIX, SUBJECT_B, START_REALTIME_MS), 0);
        assert_int_equal(commit(f), 0);
        send_all(f, LANE_TRACK);
        check_counters(f);
        assert_int_equal(lane_counters(f, LANE_TRACK)->recorded, 9);
        assert_int_equal(lane_counters(f, LANE_TRACK)->parked, 0);
        assert_int_equal(lane_counters(f, LANE_TRACK)->pending, 0);
        assert_int_equal(lane_counters(f, LANE_TRACK)->stored + lane_counters(f, LANE_TRACK)->erased, 9);
        if (is_erased)
                assert_int_equal(lane_counters(f, LANE_TRACK)->erased, 3);
        fixture_reopen(f);
        check_counters(f);
        assert_int_equal(lane_counters(f, LANE_TRACK)->recorded, 9);
        assert_int_equal(fixture_teardown((void **)&f), 0);
        return is_reached;
}

/* A commit that fails at its very end may count all the same: memory must agree with the medium then. */
static void test_what_an_erasure_spares_outlives_its_failure(void **state) {
        unsigned n = 1;

        while (erase_with_failure(n, false))
                n++;
        assert_true(n > 10);
        for (n = 1; erase_with_failure(n, true); n++)
                ;
}

/* Returns whether the failure was reached. */
static bool rotate_with_failure(unsigned n, bool is_lasting) {
        Fixture *f = NULL;
        bool is_reached;

        assert_int_equal(fixture_setup((void **)&f), 0);
        medium_watch(f->dir);
        assert_int_equal(fixture_open(f), 0);
        append(f, 3);
        medium_fail_at(n, is_lasting);
        (void)rotate(f, "{}"); /* either way all must be readable */
        is_reached = medium_count() >= n;
        medium_never_fail();
        append(f, 3);
        fixture_reopen(f);
        send_all(f, LANE_TRACK);
        assert_int_equal(lane_counters(f, LANE_TRACK)->stored, 6);
        assert_int_equal(lane_counters(f, LANE_TRACK)->parked, 0);
        assert_int_equal(fixture_teardown((void **)&f), 0);
        return is_reached;
}

static void ignore_done(int r, void *userdata) {
}

static int prove_time(Fixture *f) {
        const TrueTimeProof proof = {
                .sources = 1U << TRUE_TIME_STORE,
                .offset_usec = (int64_t)f->realtime_usec - (int64_t)f->boottime_usec,
                .uncertainty_usec = USEC_PER_SEC,
                .boottime_usec = f->boottime_usec,
        };

        return journal_prove_time(f->journal, &proof, ignore_done, f);
}

/* Returns whether the failure was reached. True time is proven after forty days without power. */
static bool expire_with_failure(unsigned n, bool is_lasting) {
        JournalBatch *batch = NULL;
        Fixture *f = NULL;
        bool is_reached;

        assert_int_equal(fixture_setup((void **)&f), 0);
        medium_watch(f->dir);
        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(prove_time(f), 0);
        append(f, 3);
        fixture_close(f);
        f->realtime_usec += 40 * USEC_PER_DAY;
        f->boottime_usec = USEC_PER_MINUTE;
        assert_int_equal(fixture_open(f), 0);
        medium_fail_at(n, is_lasting);
        assert_int_equal(prove_time(f), 0);
        for (int i = 0; i < 2; i++) {
                (void)try_read_batch(f, LANE_TRACK, 10, &batch); /* whether it fails or not, nothing is read */
                assert_null(batch);
        }
        is_reached = medium_count() >= n;
        medium_never_fail();
        fixture_reopen(f);
        assert_int_equal(prove_time(f), 0); /* it may not have been written before */
        assert_null(read_batch(f, LANE_TRACK, 10));
        assert_int_equal(lane_counters(f, LANE_TRACK)->expired, 3);
        assert_int_equal(lane_counters(f, LANE_TRACK)->pending, 0);
        check_counters(f);
        assert_int_equal(fixture_teardown((void **)&f), 0);
        return is_reached;
}

static void test_what_is_due_is_never_read_however_its_end_fails(void **state) {
        unsigned n = 1;

        while (expire_with_failure(n, false))
                n++;
        assert_true(n > 10);
        for (n = 1; expire_with_failure(n, true); n++)
                ;
}

static int count_entry(uint64_t seq, const char *body, void *userdata) {
        ++*(int *)userdata;
        return 0;
}

/* Returns whether the failure was reached. The ledger must be whole, before its bodies are closed or after. */
static bool erase_everything_with_failure(unsigned n, bool is_lasting) {
        const JournalErasure everything = { .purposes = ALL_PURPOSES, .since_ms = TIME_MS_NONE,
                                            .until_ms = TIME_MS_NONE, .is_everything = true, .ledger_body = "{}" };
        bool is_reached, is_erased;
        JournalReceipt receipt;
        int n_entries = 0;
        Fixture *f = NULL;

        assert_int_equal(fixture_setup((void **)&f), 0);
        medium_watch(f->dir);
        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(ledger_append_entry(f, "{}"), 0);
        assert_int_equal(ledger_append_entry(f, "{}"), 0);
        append(f, 3);
        medium_fail_at(n, is_lasting);
        is_erased = erase(f, &everything, &receipt) == 0;
        is_reached = medium_count() >= n;
        medium_never_fail();
        assert_int_equal(ledger_append_entry(f, "{}"), 0);
        fixture_reopen(f);
        assert_int_equal(journal_ledger_replay(f->journal, count_entry, &n_entries), 0);
        assert_true(n_entries == 2 || (!is_erased && n_entries == 3));
        assert_int_equal(fixture_teardown((void **)&f), 0);
        return is_reached;
}

static void test_erasure_of_everything_leaves_a_whole_ledger_wherever_it_fails(void **state) {
        unsigned n = 1;

        while (erase_everything_with_failure(n, false))
                n++;
        assert_true(n > 5);
        for (n = 1; erase_everything_with_failure(n, true); n++)
                ;
}

static void test_rotation_that_fails_anywhere_costs_nothing(void **state) {
        unsigned n = 1;

        while (rotate_with_failure(n, false))
                n++;
        assert_true(n > 5);
        for (n = 1; rotate_with_failure(n, true); n++)
                ;
}

static void test_rows_wait_in_memory_and_are_durable_in_the_end(void **state) {
        Fixture *f = *state;
        int r = 0, n = 0;

        medium_watch(f->dir);
        assert_int_equal(fixture_open(f), 0);
        append(f, 5);
        medium_fail_at(1, true);
        for (int i = 0; i < 5; i++)
                assert_int_equal(append_record(f, RECORD_FIX, SUBJECT_A, START_REALTIME_MS), 0);
        assert_int_equal(commit(f), -ENOSPC);
        assert_int_equal(f->n_failed, 1);
        assert_true(journal_counters(f->journal)->is_failing);
        assert_int_equal(journal_counters(f->journal)->state, JOURNAL_STATE_FULL);
        assert_int_equal(lane_counters(f, LANE_TRACK)->recorded, 5);
        while (n < 10000 && (r = append_record(f, RECORD_FIX, SUBJECT_A, START_REALTIME_MS)) == 0)
                n++;
        assert_int_equal(r, JOURNAL_E_FULL);
        assert_int_equal(n, 4096 - 5);
        assert_int_equal(commit(f), -ENOSPC);
        assert_int_equal(f->n_failed, 1); /* said once */
        medium_never_fail();
        while (f->n_recovered == 0)
                fixture_turn(f); /* by itself, at the next try */
        assert_false(journal_counters(f->journal)->is_failing);
        assert_int_equal(lane_counters(f, LANE_TRACK)->recorded, 5 + 4096 + 1); /* and that one was refused */
        fixture_reopen(f);
        assert_int_equal(lane_counters(f, LANE_TRACK)->pending, 5 + 4096 + 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_a_single_failure_at_any_place),
                cmocka_unit_test(test_failing_from_any_place_on),
                cmocka_unit_test(test_what_an_erasure_spares_outlives_its_failure),
                cmocka_unit_test(test_what_is_due_is_never_read_however_its_end_fails),
                cmocka_unit_test(test_rotation_that_fails_anywhere_costs_nothing),
                cmocka_unit_test(test_erasure_of_everything_leaves_a_whole_ledger_wherever_it_fails),
                cmocka_unit_test_setup_teardown(test_rows_wait_in_memory_and_are_durable_in_the_end, fixture_setup,
                                                fixture_teardown),
        };

        return cmocka_run_group_tests_name("fault journal io", tests, NULL, NULL);
}
