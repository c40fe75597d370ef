/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Replacing the root secret with a medium that fails at each place, and with the power cut at each place. Whatever
 * happens, with both secrets at hand the journal opens and all is there; once it was reported as done, with the next
 * one alone.
 */
#include "life.h"
#include "disk.h"
#include "medium.h"
#include "trailkeep/keyring.h"

enum { N_RECORDS = 6 };

static int replacing_setup(void **state) {
        Fixture *f;

        assert_int_equal(fixture_setup(state), 0);
        f = *state;
        (void)snprintf(f->next_secret, sizeof(f->next_secret), "%s.new", f->secret);
        assert_int_equal(keyring_make_root(f->next_secret), 0);
        f->options.next_root_secret_file = f->next_secret;
        return 0;
}

static void record(Fixture *f) {
        assert_int_equal(fixture_open(f), 0);
        append(f, N_RECORDS);
        fixture_close(f);
}

static int replace(Fixture *f) {
        return journal_replace_root(&f->options, &f->clock, "{}", &f->error);
}

static void check_all_is_there(Fixture *f) {
        if (fixture_open(f) != 0)
                fail_msg("%s", f->error.text);
        send_all(f, LANE_TRACK);
        assert_int_equal(lane_counters(f, LANE_TRACK)->stored, N_RECORDS);
        fixture_close(f);
}

/* Returns whether the failure was reached. */
static bool replace_with_failure(unsigned n, bool is_lasting) {
        bool is_reached;
        Fixture *f;
        int r;

        assert_int_equal(replacing_setup((void **)&f), 0);
        medium_watch(f->dir);
        record(f);
        medium_fail_at(n, is_lasting);
        r = replace(f);
        is_reached = medium_count() >= n;
        medium_never_fail();
        if (r != 0)
                assert_true(strlen(f->error.text) > 20);
        if (r != 0 && n % 2 == 0)
                assert_int_equal(r = replace(f), 0); /* the next attempt works */
        if (r == 0)
                f->options.root_secret_file = f->next_secret;
        check_all_is_there(f);
        assert_int_equal(fixture_teardown((void **)&f), 0);
        return is_reached;
}

static void test_failure_at_any_place(void **state) {
        unsigned n = 1;

        while (replace_with_failure(n, false))
                n++;
        assert_true(n > 5);
        for (n = 1; replace_with_failure(n, true); n++)
                ;
}

static void cut_after(Fixture *lived, DiskReplay *replay, size_t cut, bool is_done) {
        Fixture *f = NULL;

        assert_int_equal(fixture_setup((void **)&f), 0);
        f->options.root_secret_file = is_done ? lived->next_secret : lived->secret;
        f->options.next_root_secret_file = is_done ? NULL : lived->next_secret;
        f->boottime_usec = lived->boottime_usec;
        disk_replay_cut(replay, cut, (uint64_t)rand(), f->root);
        check_all_is_there(f);
        assert_int_equal(fixture_teardown((void **)&f), 0);
}

static void test_power_cut_at_any_place(void **state) {
        _cleanup_(disk_log_freep) DiskLog *log = disk_log_new();
        size_t n_before, n_after;
        Fixture *f = *state;

        medium_watch(f->root);
        medium_record(log);
        record(f);
        n_before = disk_log_length(log);
        assert_int_equal(replace(f), 0);
        n_after = disk_log_length(log);
        medium_record(NULL);
        medium_watch(NULL);
        assert_true(n_after - n_before >= 5);
        srand(20261124);
        for (int round = 0; round < 10; round++) {
                _cleanup_(disk_replay_freep) DiskReplay *replay = disk_replay_new(log, DISK_SKIP_NONE);

                for (size_t cut = n_before; cut <= n_after; cut++)
                        cut_after(f, replay, cut, false);
                cut_after(f, replay, n_after, true);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_failure_at_any_place),
                cmocka_unit_test_setup_teardown(test_power_cut_at_any_place, replacing_setup, fixture_teardown),
        };

        return cmocka_run_group_tests_name("fault journal replace-root", tests, NULL, NULL);
}
