/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A medium that fails: the n-th write, sync or truncation of a whole life of a journal, once or from then on, for each
 * n until none is left to fail. Whatever was reported as done must hold at the next start, and what failed must be
 * said.
 */
#include "fixture.h"
#include <errno.h>
#include <stdlib.h>
#include "fail-vfs.h"

/* What was reported, in the order of the life below. */
typedef struct Reported {
        uint64_t n_durable, n_stored;
        bool is_erased, has_ledger;
} Reported;

static const JournalErasure everything = {.purposes = ALL_PURPOSES, .since_ms = TIME_MS_NONE, .until_ms = TIME_MS_NONE};

static void append_some(Fixture *f, size_t n) {
        for (size_t i = 0; i < n; i++)
                assert_int_equal(append_record(f, RECORD_FIX, SUBJECT_A, START_REALTIME_MS), 0);
}

/* Sends what it can; what was acknowledged is counted. */
static void try_send(Fixture *f, Reported *reported) {
        _cleanup_(journal_batch_freep) JournalBatch *batch = NULL;
        uint64_t object;

        if (try_read_batch(f, LANE_TRACK, 3, &batch) < 0 || !batch)
                return;
        object = batch->object;
        if (object == 0 && put_intent(f, LANE_TRACK, batch->first, batch->last, "tracks/x", &object) != 0)
                return;
        if (ack(f, object) == 0)
                reported->n_stored += batch->n_records;
}

static void live(Fixture *f, Reported *reported) {
        JournalReceipt receipt;

        if (fixture_open(f) != 0)
                return;
        append_some(f, 5);
        if (commit(f) == 0)
                reported->n_durable = 5;
        try_send(f, reported);
        reported->has_ledger = ledger_append_entry(f, "{\"n\":1}") == 0;
        fixture_advance(f, 11 * USEC_PER_MINUTE);
        append_some(f, 5);
        if (commit(f) == 0)
                reported->n_durable = 10;
        if (erase(f, &everything, &receipt) == 0)
                reported->is_erased = true;
        fixture_close(f);
}

static int count_entry(uint64_t seq, const char *body, void *userdata) {
        ++*(int *)userdata;
        return 0;
}

static void check_what_was_reported(Fixture *f, const Reported *reported) {
        const JournalLaneCounters *lane;
        int n_entries = 0;

        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(journal_ledger_replay(f->journal, count_entry, &n_entries), 0);
        if (reported->has_ledger)
                assert_true(n_entries >= 1);
        check_counters(f);
        lane = lane_counters(f, LANE_TRACK);
        assert_true(lane->recorded >= reported->n_durable);
        assert_true(lane->recorded <= 10);
        if (reported->is_erased) {
                assert_int_equal(lane->pending, 0);
                assert_null(read_batch(f, LANE_TRACK, 10));
                assert_int_equal(journal_counters(f->journal)->objects_stored, 0);
        }
        send_all(f, LANE_TRACK);
        check_counters(f);
        lane = lane_counters(f, LANE_TRACK);
        assert_true(lane->stored + lane->erased >= reported->n_stored);
        assert_int_equal(lane->pending, 0);
}

/* Returns whether the failure was reached. */
static bool live_with_failure(unsigned n, bool is_lasting) {
        Reported reported = { 0 };
        void *state = NULL;
        bool is_reached;

        assert_int_equal(fixture_setup(&state), 0);
        fail_vfs_at(n, is_lasting);
        live(state, &reported);
        is_reached = fail_vfs_count() >= n;
        fail_vfs_never();
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

static void test_rows_wait_in_memory_and_are_durable_in_the_end(void **state) {
        Fixture *f = *state;
        int r = 0, n = 0;

        assert_int_equal(fixture_open(f), 0);
        append(f, 5);
        fail_vfs_at(1, true);
        append_some(f, 5);
        assert_int_equal(commit(f), -ENOSPC);
        assert_int_equal(f->n_failed, 1);
        assert_true(journal_counters(f->journal)->is_failing);
        assert_int_equal(lane_counters(f, LANE_TRACK)->recorded, 5);
        while (n < 10000 && (r = append_record(f, RECORD_FIX, SUBJECT_A, START_REALTIME_MS)) == 0)
                n++;
        assert_int_equal(r, JOURNAL_E_FULL);
        assert_int_equal(n, 4096 - 5);
        assert_int_equal(commit(f), -ENOSPC);
        assert_int_equal(f->n_failed, 1); /* said once */
        fail_vfs_never();
        while (f->n_recovered == 0)
                fixture_turn(f); /* by itself, at the next try */
        assert_false(journal_counters(f->journal)->is_failing);
        assert_int_equal(lane_counters(f, LANE_TRACK)->recorded, 5 + 4096);
        fixture_reopen(f);
        assert_int_equal(lane_counters(f, LANE_TRACK)->pending, 5 + 4096);
}

static int install(void **state) {
        fail_vfs_install();
        return 0;
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_a_single_failure_at_any_place),
                cmocka_unit_test(test_failing_from_any_place_on),
                cmocka_unit_test_setup_teardown(test_rows_wait_in_memory_and_are_durable_in_the_end, fixture_setup,
                                                fixture_teardown),
        };

        return cmocka_run_group_tests_name("fault journal io", tests, install, NULL);
}
