/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Replacing the root secret with a medium that fails at each place, and with the power cut at each place. Whatever
 * happens, with both secrets at hand the journal opens and all is there; once it was reported as done, with the next
 * one alone.
 */
#include "life.h"
#include <stdlib.h>
#include <sys/stat.h>
#include "fail-vfs-log.h"
#include "fail-vfs.h"
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
        record(f);
        fail_vfs_at(n, is_lasting);
        r = replace(f);
        is_reached = fail_vfs_count() >= n;
        fail_vfs_never();
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

static void cut_after(Fixture *lived, size_t cut, bool is_done) {
        Fixture *f = NULL;

        assert_int_equal(fixture_setup((void **)&f), 0);
        f->options.root_secret_file = is_done ? lived->next_secret : lived->secret;
        f->options.next_root_secret_file = is_done ? NULL : lived->next_secret;
        f->boottime_usec = lived->boottime_usec;
        assert_int_equal(mkdir(f->dir, 0700), 0);
        fail_vfs_replay_cut(cut, f->dir);
        check_all_is_there(f);
        assert_int_equal(fixture_teardown((void **)&f), 0);
}

static void test_power_cut_at_any_place(void **state) {
        size_t n_before, n_after;
        Fixture *f = *state;

        fail_vfs_record();
        record(f);
        n_before = fail_vfs_recorded();
        assert_int_equal(replace(f), 0);
        n_after = fail_vfs_recorded();
        fail_vfs_stop_recording();
        assert_true(n_after - n_before >= 5);
        srand(20261124);
        for (int round = 0; round < 10; round++)
                for (size_t cut = n_before; cut <= n_after; cut++)
                        cut_after(f, cut, false);
        cut_after(f, n_after, true);
}

static int power_teardown(void **state) {
        fail_vfs_forget();
        return fixture_teardown(state);
}

static int install(void **state) {
        fail_vfs_install();
        return 0;
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_failure_at_any_place),
                cmocka_unit_test_setup_teardown(test_power_cut_at_any_place, replacing_setup, power_teardown),
        };

        return cmocka_run_group_tests_name("fault journal replace-root", tests, install, NULL);
}
