/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Power cuts. One life of a journal is recorded down to each write and sync; then the power is cut after any of them:
 * what was synced is there, of the rest any sectors are. Whatever had been reported before the cut must hold.
 *
 * With TRAILKEEP_FAULT_ROUNDS the number of cuts for each place is given.
 */
#include "life.h"
#include <stdlib.h>
#include <sys/stat.h>
#include "fail-vfs-log.h"
#include "fail-vfs.h"

#define STEPS_MAX 8

static struct {
        size_t n_operations[STEPS_MAX];
        Reported reported[STEPS_MAX];
        size_t n;
} steps;

static void note_step(const Reported *reported) {
        assert_true(steps.n < STEPS_MAX);
        steps.n_operations[steps.n] = fail_vfs_recorded();
        steps.reported[steps.n++] = *reported;
}

static Reported reported_before(size_t cut) {
        Reported reported = { 0 };

        for (size_t i = 0; i < steps.n; i++)
                if (steps.n_operations[i] <= cut)
                        reported = steps.reported[i];
        return reported;
}

static void cut_after(Fixture *lived, size_t cut) {
        Reported reported = reported_before(cut);
        void *state = NULL;
        Fixture *f;

        assert_int_equal(fixture_setup(&state), 0);
        f = state;
        f->options.root_secret_file = lived->secret;
        f->boottime_usec = lived->boottime_usec;
        assert_int_equal(mkdir(f->dir, 0700), 0);
        fail_vfs_replay_cut(cut, f->dir);
        check_what_was_reported(f, &reported);
        assert_int_equal(fixture_teardown(&state), 0);
}

static void test_what_was_reported_survives_any_cut(void **state) {
        const char *text = getenv("TRAILKEEP_FAULT_ROUNDS");
        Fixture *f = *state;
        Reported reported = { 0 };
        uint64_t rounds = 1;

        if (text)
                assert_int_equal(parse_u64(text, 1, 100000, &rounds), 0);
        fail_vfs_record();
        live(f, &reported, note_step);
        fail_vfs_stop_recording();
        assert_int_equal(steps.n, 5);
        assert_true(reported.is_erased && reported.has_ledger && reported.n_stored == 3);
        srand(20261123);
        for (uint64_t round = 0; round < rounds; round++)
                for (size_t cut = 0; cut <= fail_vfs_recorded(); cut++)
                        cut_after(f, cut);
}

static int setup(void **state) {
        fail_vfs_install();
        return fixture_setup(state);
}

static int teardown(void **state) {
        fail_vfs_forget();
        return fixture_teardown(state);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_what_was_reported_survives_any_cut, setup, teardown),
        };

        return cmocka_run_group_tests_name("fault journal power", tests, NULL, NULL);
}
