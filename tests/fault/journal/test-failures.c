/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every n-th call fails: of the medium, of our memory, of SQLite's, of OpenSSL's, and SQLite's calls themselves. A life
 * with everything in it (mixed.h) is lived step by step; each step is tried again with the next call failing, until
 * none is left to fail. What failed says why, has changed nothing that can be seen, and works the next time; at the end
 * of the life the journal must hold what was reported on the way (check.c).
 *
 * With TRAILKEEP_FAULT_EVERY no call of a start is left out, which takes minutes.
 */
#include "check.h"
#include <errno.h>
#include "faults.h"
#include "medium.h"

#define STEPS 60
#define EVERY_UP_TO 250 /* a start has thousands of allocations of SQLite's; behind these only some fail */
#define SEED 7

typedef struct Seen {
        uint64_t lanes[LANE_MAX][5];
        uint64_t n_expired; /* what is due goes with whichever call comes next, whether that fails or not */
        uint64_t n_stored[2][PURPOSE_MAX]; /* objects; how much is kept of what is stored is nobody's concern */
        size_t n_doomed, n_erasures;
} Seen;

static void look(Fixture *f, Seen *ret) {
        static uint64_t objects[64];
        static char names[64][80];
        JournalErasureState states[16];

        memset(ret, 0, sizeof(*ret));
        for (size_t i = 0; i < 2; i++) {
                JournalPurposeSummary sums[PURPOSE_MAX];

                summary(f, i == 0 ? SUBJECT_A : SUBJECT_B, sums);
                for (size_t purpose = 0; purpose < PURPOSE_MAX; purpose++)
                        ret->n_stored[i][purpose] = sums[purpose].objects_stored;
        }
        ret->n_doomed = list_doomed(f, objects, names);
        ret->n_erasures = list_erasures(f, states);
        for (unsigned lane = 0; lane < LANE_MAX; lane++) {
                const JournalLaneCounters *c = lane_counters(f, (Lane)lane);
                const uint64_t counted[] = { c->recorded, c->pending, c->stored, c->parked, c->erased };

                ret->n_expired += c->expired;
                memcpy(ret->lanes[lane], counted, sizeof(counted));
        }
}

static bool is_clear(int r) {
        return r == -ENOMEM || r == -EIO || r == -ENOSPC || r == -EDQUOT || r == -EROFS;
}

/* Whether a step that failed may show all the same: rows that wait become durable with whatever comes next; a commit of
 * the vault that failed at its very end holds (ARCHITECTURE.md), and says that it is in doubt. */
static bool may_show(const MixedStep *step, FaultSource source) {
        if (step->type == STEP_APPEND || step->type == STEP_ERASE || step->type == STEP_DELETE)
                return true;
        return step->type == STEP_SEND && source == FAULT_MEDIUM;
}

typedef struct Trial {
        MixedModel model;
        Fixture *f;
        FaultSource source;
        bool is_lasting;
        unsigned n_failed;
} Trial;

static void reopen(Trial *trial) {
        if (trial->f->journal)
                return;
        assert_true(strlen(trial->f->error.text) > 20);
        assert_int_equal(fixture_open(trial->f), 0);
}

/* Returns whether the failure was reached. */
static bool try_step(Trial *trial, const MixedStep *step, unsigned n) {
        Seen before, after;
        bool is_reached;
        int r;

        mixed_settle(trial->f, 2);
        look(trial->f, &before);
        faults_arm(trial->source, n, trial->is_lasting);
        r = mixed_do(&trial->model, trial->f, step);
        is_reached = faults_disarm();
        if (!is_reached)
                assert_int_equal(r, 0);
        if (r == 0)
                return is_reached;
        trial->n_failed++;
        if (!is_clear(r))
                print_error("# step %d with call %u of %s failing (%s): %d, %s\n", (int)step->type, n,
                            fault_source_to_string(trial->source), medium_failed() ?: "-", r, trial->f->error.text);
        assert_true(is_clear(r));
        if (trial->f->journal == NULL || n % 8 == 0) reopen(trial);
        look(trial->f, &after);
        if (before.n_expired == after.n_expired && memcmp(&before, &after, sizeof(before)) != 0 &&
            !may_show(step, trial->source))
                fail_msg("step %d with call %u of %s failing: %d, and it shows", (int)step->type, n,
                         fault_source_to_string(trial->source), r);
        return true;
}

/* A life's first start, or a later one, with each call failing in turn. What opens all the same must be as good as any. */
static void open_with(FaultSource source, bool is_lasting, bool is_first) {
        bool is_reached, is_thorough = getenv("TRAILKEEP_FAULT_EVERY") != NULL;
        unsigned n = 0, n_opened = 0;
        Fixture *f;

        assert_int_equal(fixture_setup((void **)&f), 0);
        medium_watch(f->dir);
        if (!is_first) {
                assert_int_equal(fixture_open(f), 0);
                append(f, 3);
                fixture_close(f);
        }
        do {
                int r;

                if (is_first)
                        disk_empty(f->dir);
                n += n < EVERY_UP_TO || is_thorough ? 1 : n / 16;
                faults_arm(source, n, is_lasting);
                r = fixture_open(f);
                is_reached = faults_disarm();
                if (r != 0 && (!is_clear(r) || strlen(f->error.text) < 10))
                        fail_msg("opening with call %u of %s failing: %d, %s", n, fault_source_to_string(source), r,
                                 f->error.text);
                if (r != 0)
                        assert_int_equal(fixture_open(f), 0);
                append(f, 1);
                fixture_close(f);
                n_opened++;
        } while (is_reached);
        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(lane_counters(f, LANE_TRACK)->pending, is_first ? 1 : 3 + n_opened);
        print_message("# %s: %u of %u calls of %s start failed\n", fault_source_to_string(source), n_opened - 1, n,
                      is_first ? "a first" : "a later");
        assert_int_equal(fixture_teardown((void **)&f), 0);
}

static void live_with(FaultSource source, bool is_lasting) {
        _cleanup_free_ Trial *trial = calloc(1, sizeof(*trial));
        CheckText text = { .text = "" };
        uint64_t random = SEED;
        unsigned n_tried = 0;

        open_with(source, is_lasting, true);
        open_with(source, is_lasting, false);
        assert_non_null(trial);
        trial->source = source;
        trial->is_lasting = is_lasting;
        assert_int_equal(fixture_setup((void **)&trial->f), 0);
        mixed_options(trial->f);
        trial->model.boottime_usec = trial->f->boottime_usec;
        trial->model.realtime_usec = trial->f->realtime_usec;
        medium_watch(trial->f->dir);
        assert_int_equal(fixture_open(trial->f), 0);
        for (int i = 0; i < (is_lasting ? STEPS / 3 : STEPS); i++) {
                MixedStep step = mixed_draw(&random);

                for (unsigned n = 1; try_step(trial, &step, n); n++)
                        n_tried++;
        }
        fixture_close(trial->f);
        print_message("# %s: %u calls failed, %u steps with them\n", fault_source_to_string(source), n_tried,
                      trial->n_failed);
        assert_true(n_tried > STEPS);
        if (!check_journal(&trial->model, trial->f, true, &text))
                fail_msg("%s", text.text);
        assert_int_equal(fixture_teardown((void **)&trial->f), 0);
}

static void test_the_medium(void **state) {
        live_with(FAULT_MEDIUM, false);
}

static void test_memory(void **state) {
        live_with(FAULT_MEMORY, false);
}

static void test_memory_of_sqlite(void **state) {
        live_with(FAULT_SQLITE_MEMORY, false);
}

static void test_memory_of_openssl(void **state) {
        live_with(FAULT_OPENSSL_MEMORY, false);
}

static void test_calls_of_sqlite(void **state) {
        live_with(FAULT_SQLITE_CALL, false);
}

/* And all after it, until somebody tries again: what undoes a transaction needs calls and memory, too. */
static void test_from_any_call_on(void **state) {
        for (FaultSource source = 0; source < FAULT_SOURCE_MAX; source++)
                live_with(source, true);
}

int main(int argc, char *argv[]) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_the_medium),
                cmocka_unit_test(test_memory),
                cmocka_unit_test(test_memory_of_sqlite),
                cmocka_unit_test(test_memory_of_openssl),
                cmocka_unit_test(test_calls_of_sqlite),
                cmocka_unit_test(test_from_any_call_on),
        };

        faults_install();
        if (argc > 1)
                cmocka_set_test_filter(argv[1]); /* one alone */
        return cmocka_run_group_tests_name("fault journal failures", tests, NULL, NULL);
}
