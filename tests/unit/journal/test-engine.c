/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the journal's thread does, without the thread: when it wants to be woken.
 */
#include "fixture.h"
#include <errno.h>
#include "engine.h"

static int engine_setup(void **state) {
        Fixture *f;

        assert_int_equal(fixture_setup(state), 0);
        f = *state;
        f->options.retention_usec[PURPOSE_LOCATION] = 2 * USEC_PER_DAY;
        assert_int_equal(engine_new(&f->options, &f->clock, &f->engine, &f->error), 0);
        return 0;
}

static int engine_teardown(void **state) {
        Fixture *f = *state;

        f->engine = engine_free(f->engine);
        return fixture_teardown(state);
}

static void engine_add_fix(Fixture *f) {
        _cleanup_(record_freep) Record *record = NULL;
        RowList rows = { 0 };
        uint32_t lanes;
        Row *row;

        assert_int_equal(record_new(RECORD_FIX, SUBJECT_A, "gnss", START_REALTIME_MS, "{}", &record), 0);
        assert_int_equal(row_new(record, f->boottime_usec, &row), 0);
        rows_push(&rows, row);
        engine_append(f->engine, &rows);
        assert_int_equal(engine_commit(f->engine, &lanes), 0);
}

static void engine_send_all(Fixture *f) {
        _cleanup_(journal_batch_freep) JournalBatch *batch = NULL;
        uint64_t object;

        assert_int_equal(engine_read_batch(f->engine, LANE_TRACK, 100, 10000, &batch), 0);
        assert_non_null(batch);
        assert_int_equal(engine_put_intent(f->engine, LANE_TRACK, batch->first, batch->last, "x", &object), 0);
        assert_int_equal(engine_ack_object(f->engine, object), 0);
}

/* Does what is due when it is due, until nothing is or so many times. Returns how many times. */
static unsigned engine_keep_until_quiet(Fixture *f, unsigned max) {
        for (unsigned n = 0; n < max; n++) {
                uint64_t in_usec = engine_keep_in_usec(f->engine);

                if (in_usec == USEC_INFINITY)
                        return n;
                fixture_advance(f, MAX(in_usec, USEC_PER_SEC));
                assert_int_equal(engine_keep(f->engine), 0);
        }
        return max;
}

static void test_nothing_is_due_when_nothing_is_kept(void **state) {
        Fixture *f = *state;

        assert_int_equal(engine_keep_in_usec(f->engine), USEC_INFINITY);
}

/* Closing the parcel lets it go, since the store has it; after that there is nothing to wake up for. */
static void test_nothing_is_due_when_the_store_has_all(void **state) {
        Fixture *f = *state;

        engine_add_fix(f);
        engine_send_all(f);
        assert_in_range(engine_keep_until_quiet(f, 10), 1, 3);
        fixture_advance(f, 100 * USEC_PER_DAY);
        assert_int_equal(engine_keep_in_usec(f->engine), USEC_INFINITY);
}

static void test_nothing_is_due_after_all_has_expired(void **state) {
        Fixture *f = *state;

        engine_add_fix(f);
        assert_in_range(engine_keep_until_quiet(f, 100), 40, 55); /* powered-on time is written hourly */
        assert_int_equal(f->engine->lanes[LANE_TRACK].expired, 1);
}

static JournalState state_after(Fixture *f, int r) {
        EngineReport report;

        engine_note_failure(f->engine, r);
        engine_report(f->engine, &report);
        assert_int_equal(report.counters.is_failing, r < 0);
        assert_int_equal(report.failure[0] != 0, r < 0);
        assert_int_equal(journal_state_sentence(report.counters.state)[0] != 0, r < 0);
        return report.counters.state;
}

static void test_each_failure_has_its_state(void **state) {
        Fixture *f = *state;

        assert_int_equal(state_after(f, -ENOSPC), JOURNAL_STATE_FULL);
        assert_int_equal(state_after(f, -EDQUOT), JOURNAL_STATE_FULL);
        assert_int_equal(state_after(f, -EROFS), JOURNAL_STATE_READ_ONLY);
        assert_int_equal(state_after(f, -EIO), JOURNAL_STATE_FAILING);
        assert_int_equal(state_after(f, 0), JOURNAL_STATE_OK);
        for (unsigned i = 0; i < JOURNAL_STATE_MAX; i++)
                assert_non_null(journal_state_to_string((JournalState)i));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_nothing_is_due_when_nothing_is_kept, engine_setup, engine_teardown),
                cmocka_unit_test_setup_teardown(test_nothing_is_due_when_the_store_has_all, engine_setup, engine_teardown),
                cmocka_unit_test_setup_teardown(test_nothing_is_due_after_all_has_expired, engine_setup, engine_teardown),
                cmocka_unit_test_setup_teardown(test_each_failure_has_its_state, engine_setup, engine_teardown),
        };

        return cmocka_run_group_tests_name("journal engine", tests, NULL, NULL);
}
