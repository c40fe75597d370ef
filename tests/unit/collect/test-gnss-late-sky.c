/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A receiver that reports its sky after the fix of the same epoch: who waits for it, for how long, and who does not.
 */
#include <math.h>
#include <unistd.h>
#include "gnss-fixture.h"

#define SKY(second, members) \
        "{\"class\":\"SKY\",\"device\":\"/dev/a\",\"time\":\"2026-11-23T17:33:" second ".000Z\"," members "}\r\n"
#define UNTIMED_SKY(members) "{\"class\":\"SKY\",\"device\":\"/dev/a\"," members "}\r\n"
#define WHOLE "\"hdop\":0.9,\"nSat\":20,\"uSat\":11"

/* An epoch with a late sky: its fix waits for nothing, and from then on it is known. */
static void learn(Fixture *f) {
        watch(f);
        say(f, SKY("20", WHOLE) TPV("21", "47.1") SKY("21", WHOLE));
        RUN_UNTIL(f->n_fixes == 1);
        assert_true(isnan(f->fix.hdop));
}

/* What is sent over the loopback is there at once. */
static void take_lines(Fixture *f) {
        run_due(f);
        f->boot_usec += USEC_PER_SEC;
}

static void test_a_fix_waits_for_the_late_sky(void **state) {
        Fixture *f = *state;

        learn(f);
        say(f, TPV("22", "47.2"));
        take_lines(f);
        assert_int_equal(f->n_fixes, 1);
        say(f, SKY("22", WHOLE));
        RUN_UNTIL(f->n_fixes == 2);
        assert_true(fabs(f->fix.lat_deg - 47.2) < 1e-9);
        assert_true(fabs(f->fix.hdop - 0.9) < 1e-9);
        assert_int_equal(f->fix.satellites_used, 11);
}

static void test_several_late_skies_add_up(void **state) {
        Fixture *f = *state;

        learn(f);
        say(f, TPV("22", "47.2") SKY("22", "\"hdop\":0.8") UNTIMED_SKY("\"nSat\":3") SKY("22", WHOLE));
        RUN_UNTIL(f->n_fixes == 2);
        assert_int_equal(f->fix.satellites_used, 11);
}

static void test_the_next_fix_ends_the_wait(void **state) {
        Fixture *f = *state;

        learn(f);
        say(f, TPV("22", "47.2") TPV("23", "47.3"));
        RUN_UNTIL(f->n_fixes == 3); /* and this one waits no more, since there was no late sky before it */
        assert_true(fabs(f->fix.lat_deg - 47.3) < 1e-9);
        assert_true(isnan(f->fix.hdop));
}

static void test_a_sky_before_the_next_fix_of_the_epoch_counts_for_both(void **state) {
        Fixture *f = *state;

        learn(f);
        say(f, TPV("22", "47.2") UNTIMED_SKY("\"hdop\":0.7,\"uSat\":8") TPV("22", "47.2"));
        RUN_UNTIL(f->n_fixes == 3);
        assert_int_equal(f->n_with_hdop, 2);
}

static void test_a_lost_fix_ends_the_wait(void **state) {
        Fixture *f = *state;

        learn(f);
        say(f, TPV("22", "47.2") NO_FIX);
        RUN_UNTIL(f->n_fixes == 2);
        assert_true(fabs(f->fix.lat_deg - 47.2) < 1e-9);
}

static void test_the_end_of_the_connection_ends_the_wait(void **state) {
        Fixture *f = *state;

        learn(f);
        say(f, TPV("22", "47.2"));
        close(f->peer);
        f->peer = -1;
        RUN_UNTIL(gnss_state(f->gnss) == GNSS_STATE_WAITING);
        assert_int_equal(f->n_fixes, 2);
}

static void test_silence_ends_the_wait(void **state) {
        Fixture *f = *state;

        gnss_free(f->gnss);
        new_client(f, "127.0.0.1", 0, 50 * USEC_PER_MSEC);
        learn(f);
        say(f, TPV("22", "47.2"));
        take_lines(f);
        RUN_UNTIL(gnss_state(f->gnss) == GNSS_STATE_SILENT);
        assert_int_equal(f->n_fixes, 2);
}

static void test_stop_drops_what_waits(void **state) {
        Fixture *f = *state;

        learn(f);
        say(f, TPV("22", "47.2"));
        take_lines(f);
        gnss_stop(f->gnss);
        assert_int_equal(f->n_fixes, 1);
        watch(f);
        say(f, TPV("30", "47.3"));
        RUN_UNTIL(f->n_fixes == 2);
        assert_true(fabs(f->fix.lat_deg - 47.3) < 1e-9);
}

static void test_who_reports_the_sky_first_is_not_held_back(void **state) {
        Fixture *f = *state;

        watch(f);
        say(f, SKY("21", WHOLE) TPV("21", "47.1") SKY("22", "\"hdop\":0.9") TPV("22", "47.2"));
        RUN_UNTIL(f->n_fixes == 2);
        assert_int_equal(f->fix.satellites_used, -1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_a_fix_waits_for_the_late_sky),
                TEST(test_several_late_skies_add_up),
                TEST(test_the_next_fix_ends_the_wait),
                TEST(test_a_sky_before_the_next_fix_of_the_epoch_counts_for_both),
                TEST(test_a_lost_fix_ends_the_wait),
                TEST(test_the_end_of_the_connection_ends_the_wait),
                TEST(test_silence_ends_the_wait),
                TEST(test_stop_drops_what_waits),
                TEST(test_who_reports_the_sky_first_is_not_held_back),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
