/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Everything at any moment in any order: records, answers good and bad, withdrawals, grants, erasures, flushes,
 * restarts, time. The fakes assert throughout that nothing goes out without consent or without an intent, that one
 * request runs at a time and that nothing is acknowledged that is not in the store. At the end, when the world
 * behaves, all must be well.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "fakes.h"

#define N_WORLDS 2000
#define N_EVENTS 400

/* What came to pass in all worlds: a test in which nothing happens shows nothing. */
typedef struct Totals {
        unsigned n_stored, n_parked, n_erased, n_splits, n_deleted, n_cancelled;
} Totals;

typedef struct Flushes {
        unsigned n_begun, n_ended;
} Flushes;

static uint32_t dice; /* the same on every machine */

static unsigned roll(unsigned sides) {
        dice = dice * 1664525 + 1013904223;
        return (dice >> 8) % sides;
}

static void on_flushed(int r, void *userdata) {
        assert_true(r == 0 || r == -EAGAIN || r == -ECANCELED);
        ((Flushes *)userdata)->n_ended++;
}

static void answer_store(World *w) {
        static const StoreOutcome outcomes[] = { STORE_RETRY, STORE_HELD, STORE_TOO_LARGE, STORE_REJECTED };

        if (!store_is_asked(&w->store))
                return;
        switch (roll(6)) {
        case 0:
                store_answer_doubtful(&w->store, roll(2));
                break;
        case 1:
                store_answer_after(&w->store, outcomes[roll(w->store.slot->is_deletion ? 2 : 4)],
                                   roll(3) * USEC_PER_SEC);
                break;
        default:
                store_answer_by_content(&w->store);
        }
}

static void restart(World *w) {
        w->outbox = outbox_free(w->outbox);
        while (journal_answer_one(&w->journal))
                ;
        world_open(w);
}

static void something_happens(World *w, Flushes *flushes) {
        Lane lane = (Lane)roll(LANE_MAX);
        Purpose purpose = roll(2) ? PURPOSE_LOCATION : PURPOSE_DIAGNOSTICS;

        switch (roll(30)) {
        case 0 ... 3:
                if (w->gate.allows[purpose] && w->journal.n_records < 800) {
                        world_record_quietly(w, lane, purpose, 1 + roll(4));
                        w->journal.records[w->journal.n_records - 1].is_bad = roll(8) == 0;
                        w->journal.records[w->journal.n_records - 1].is_large = roll(4) == 0;
                        outbox_wake(w->outbox, lane);
                }
                break;
        case 4:
                world_withdraw(w, purpose, roll(4) > 0);
                break;
        case 5 ... 6:
                world_grant(w, purpose);
                break;
        case 7:
                if (roll(6) == 0)
                        world_erase(w, purpose, roll(2));
                break;
        case 8:
                if (outbox_flush(w->outbox, on_flushed, flushes) == 0)
                        flushes->n_begun++;
                break;
        case 9:
                if (roll(4) == 0)
                        restart(w);
                break;
        case 10:
                w->journal.fail_answers = roll(3) ? 0 : -EIO;
                w->journal.fail_calls = roll(3) ? 0 : JOURNAL_E_FULL;
                break;
        case 11 ... 15:
                time_move(w, roll(3) * roll(100) * USEC_PER_SEC / 4);
                break;
        case 16 ... 22:
                answer_store(w);
                break;
        default:
                (void)journal_answer_one(&w->journal);
        }
}

/* Each record at most once in what lies in the store and is not doomed. */
static void assert_no_record_twice(const Journal *journal) {
        for (size_t i = 0; i < journal->n_records; i++) {
                const FakeRecord *record = &journal->records[i];
                unsigned n = 0;

                for (size_t k = 0; k < journal->n_objects; k++) {
                        const FakeObject *object = &journal->objects[k];

                        n += object->state == OBJECT_STORED && object->lane == record->lane &&
                             record->id >= object->first && record->id <= object->last;
                }
                assert_true(n <= 1);
                if (record->state == RECORD_STORED)
                        assert_int_equal(n, 1);
        }
}

static void the_world_behaves(World *w) {
        w->journal.fail_answers = w->journal.fail_calls = 0;
        world_grant(w, PURPOSE_LOCATION);
        world_grant(w, PURPOSE_DIAGNOSTICS);
        for (unsigned i = 0; i < 20; i++) {
                settle(w);
                time_move(w, USEC_PER_HOUR);
        }
        settle(w);
}

static void add(Totals *totals, const World *w) {
        totals->n_stored += journal_count(&w->journal, RECORD_STORED);
        totals->n_parked += journal_count(&w->journal, RECORD_PARKED);
        totals->n_erased += journal_count(&w->journal, RECORD_ERASED);
        totals->n_splits += w->journal.n_splits;
        totals->n_deleted += w->journal.n_deleted;
        totals->n_cancelled += w->store.n_cancelled;
}

static void one_world(uint32_t seed, Totals *totals) {
        static World w;
        Flushes flushes = {};
        uint64_t delay;

        dice = seed;
        world_begin(&w);
        world_open(&w);
        for (unsigned i = 0; i < N_EVENTS; i++)
                something_happens(&w, &flushes);
        the_world_behaves(&w);

        for (size_t i = 0; i < w.journal.n_records; i++)
                assert_true(w.journal.records[i].lane == LANE_MEDIA ? w.journal.records[i].state != RECORD_STORED
                                                                    : w.journal.records[i].state != RECORD_PENDING);
        assert_int_equal(w.journal.counters.objects_doomed, 0);
        assert_int_equal(outbox_state(w.outbox), OUTBOX_STATE_IDLE);
        assert_string_equal(outbox_last_error(w.outbox), "");
        assert_false(timer_armed_for(&delay));
        assert_int_equal(flushes.n_ended, flushes.n_begun);
        for (size_t i = 0; i < w.journal.n_objects; i++)
                if (w.journal.objects[i].state == OBJECT_STORED || w.journal.objects[i].state == OBJECT_DELETED)
                        assert_int_equal(w.journal.objects[i].is_in_store, w.journal.objects[i].state == OBJECT_STORED);
        assert_no_record_twice(&w.journal);
        add(totals, &w);
        world_end(&w);
}

static void all_is_well_in_the_end(void **state) {
        Totals totals = {};

        for (uint32_t seed = 1; seed <= N_WORLDS; seed++)
                one_world(seed, &totals);
        assert_true(totals.n_stored > 10 * N_WORLDS);
        assert_true(totals.n_parked > N_WORLDS / 2);
        assert_true(totals.n_erased > 10 * N_WORLDS);
        assert_true(totals.n_splits > N_WORLDS / 2);
        assert_true(totals.n_deleted > N_WORLDS);
        assert_true(totals.n_cancelled > N_WORLDS / 2);
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(all_is_well_in_the_end) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
