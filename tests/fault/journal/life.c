/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "life.h"

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

void live(Fixture *f, Reported *reported, LifeStep step) {
        JournalReceipt receipt;

        if (fixture_open(f) != 0)
                return;
        append_some(f, 5);
        if (commit(f) == 0)
                reported->n_durable = 5;
        step(reported);
        try_send(f, reported);
        step(reported);
        reported->has_ledger = ledger_append_entry(f, "{\"n\":1}") == 0;
        step(reported);
        fixture_advance(f, 11 * USEC_PER_MINUTE);
        append_some(f, 5);
        if (commit(f) == 0)
                reported->n_durable = 10;
        step(reported);
        reported->is_erased = erase(f, &everything, &receipt) == 0;
        step(reported);
        fixture_close(f);
}

static int count_entry(uint64_t seq, const char *body, void *userdata) {
        ++*(int *)userdata;
        return 0;
}

static void check_erased(Fixture *f) {
        assert_int_equal(lane_counters(f, LANE_TRACK)->pending, 0);
        assert_null(read_batch(f, LANE_TRACK, 10));
        assert_int_equal(journal_counters(f->journal)->objects_stored, 0);
}

void check_what_was_reported(Fixture *f, const Reported *reported) {
        const JournalLaneCounters *lane;
        int n_entries = 0, r;

        r = fixture_open(f);
        if (r != 0)
                print_error("# %s\n", f->error.text);
        assert_int_equal(r, 0);
        assert_int_equal(journal_ledger_replay(f->journal, count_entry, &n_entries), 0);
        assert_true(n_entries >= reported->has_ledger);
        check_counters(f);
        lane = lane_counters(f, LANE_TRACK);
        assert_true(lane->recorded >= reported->n_durable);
        assert_true(lane->recorded <= 10);
        if (reported->is_erased)
                check_erased(f);
        send_all(f, LANE_TRACK);
        check_counters(f);
        lane = lane_counters(f, LANE_TRACK);
        assert_true(lane->stored + lane->erased >= reported->n_stored);
        assert_int_equal(lane->parked, 0);
        assert_int_equal(lane->pending, 0);
}
