/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The client of gpsd stopped, from everywhere: the connection and the places are gone at once.
 */
#include "gnss-fixture.h"

static void test_stop_closes_at_once_and_forgets(void **state) {
        Fixture *f = *state;

        watch(f);
        say(f, TPV("23", "47.5"));
        RUN_UNTIL(f->n_fixes == 1);
        say(f, TPV("24", "47.6")); /* lies in the socket */
        gnss_stop(f->gnss);
        assert_int_equal(gnss_state(f->gnss), GNSS_STATE_STOPPED);
        assert_true(peer_is_closed(f));
        assert_null(gnss_last_fix(f->gnss));
        run_due(f);
        assert_int_equal(f->n_fixes, 1);
        gnss_stop(f->gnss);
        assert_int_equal(f->n_entered[GNSS_STATE_STOPPED], 1);
}

static void test_stop_while_connecting(void **state) {
        Fixture *f = *state;

        assert_int_equal(gnss_start(f->gnss), 0);
        accept_peer(f);
        gnss_stop(f->gnss);
        assert_true(peer_is_closed(f));
        run_due(f);
        assert_int_equal(gnss_state(f->gnss), GNSS_STATE_STOPPED);
}

static void test_stop_while_waiting_ends_the_attempts(void **state) {
        Fixture *f = *state;

        close_listener(f);
        assert_int_equal(gnss_start(f->gnss), 0);
        RUN_UNTIL(gnss_state(f->gnss) == GNSS_STATE_WAITING);
        gnss_stop(f->gnss);
        assert_string_equal(gnss_last_error(f->gnss), "");
        assert_int_equal(sd_event_run(f->event, 1200 * USEC_PER_MSEC), 0); /* longer than the longest first delay */
}

static void test_stop_within_a_fix(void **state) {
        Fixture *f = *state;

        watch(f);
        f->stop_on_fix = true;
        say(f, TPV("23", "47.5") TPV("24", "47.6"));
        RUN_UNTIL(f->n_fixes == 1);
        run_due(f);
        assert_int_equal(f->n_fixes, 1);
        assert_int_equal(gnss_state(f->gnss), GNSS_STATE_STOPPED);
        assert_null(gnss_last_fix(f->gnss));
        assert_true(peer_is_closed(f));
}

static void test_stop_within_any_state(void **state) {
        static const GnssState states[] = { GNSS_STATE_CONNECTING, GNSS_STATE_WATCHING, GNSS_STATE_FIXING };
        Fixture *f = *state;

        for (size_t i = 0; i < ELEMENTSOF(states); i++) {
                f->stop_on_state = states[i];
                f->n_entered[GNSS_STATE_STOPPED] = 0;
                assert_int_equal(gnss_start(f->gnss), 0);
                if (states[i] != GNSS_STATE_CONNECTING) {
                        accept_peer(f);
                        say(f, VERSION TPV("23", "47.5"));
                }
                RUN_UNTIL(f->n_entered[GNSS_STATE_STOPPED] == 1);
                assert_int_equal(f->n_fixes, 0);
                assert_null(gnss_last_fix(f->gnss));
        }
}

static void test_stop_within_the_failure(void **state) {
        Fixture *f = *state;

        close_listener(f);
        f->stop_on_state = GNSS_STATE_WAITING;
        assert_int_equal(gnss_start(f->gnss), 0);
        RUN_UNTIL(gnss_state(f->gnss) == GNSS_STATE_STOPPED);
        assert_int_equal(sd_event_run(f->event, 1200 * USEC_PER_MSEC), 0);
}

static void test_start_after_stop(void **state) {
        Fixture *f = *state;

        watch(f);
        gnss_stop(f->gnss);
        watch(f);
        assert_int_equal(gnss_start(f->gnss), 0); /* idempotent */
        say(f, TPV("23", "47.5"));
        RUN_UNTIL(f->n_fixes == 1);
        assert_true(is_listener_idle(f));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_stop_closes_at_once_and_forgets),
                TEST(test_stop_while_connecting),
                TEST(test_stop_while_waiting_ends_the_attempts),
                TEST(test_stop_within_a_fix),
                TEST(test_stop_within_any_state),
                TEST(test_stop_within_the_failure),
                TEST(test_start_after_stop),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
