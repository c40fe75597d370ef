/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The client of gpsd when gpsd is absent, restarted, hanging or something else.
 */
#include <math.h>
#include <string.h>
#include <unistd.h>
#include "gnss-fixture.h"

static void test_refused_is_tried_again_and_said_once(void **state) {
        Fixture *f = *state;

        close_listener(f);
        assert_int_equal(gnss_start(f->gnss), 0);
        RUN_UNTIL(f->n_entered[GNSS_STATE_WAITING] == 2);
        assert_int_equal(f->n_troubles, 1);
        assert_non_null(strstr(gnss_last_error(f->gnss), "refused"));
        listen_again(f);
        RUN_UNTIL(!is_listener_idle(f));
        accept_peer(f);
        say(f, VERSION);
        RUN_UNTIL(gnss_state(f->gnss) == GNSS_STATE_WATCHING);
        assert_int_equal(f->n_troubles, 1);
        assert_int_equal(f->n_recoveries, 0);
        assert_string_equal(gnss_last_error(f->gnss), "");
        f->boot_usec += 10 * USEC_PER_SEC;
        say(f, TPV("23", "47.5"));
        RUN_UNTIL(f->n_fixes == 1);
        assert_int_equal(f->n_troubles, 1);
        assert_int_equal(f->n_recoveries, 1);
}

static void test_other_reasons_are_the_same_trouble(void **state) {
        Fixture *f = *state;

        watch(f);
        close_listener(f);
        close(f->peer);
        f->peer = -1;
        RUN_UNTIL(f->n_entered[GNSS_STATE_WAITING] == 1);
        assert_non_null(strstr(gnss_last_error(f->gnss), " closed the connection"));
        RUN_UNTIL(f->n_entered[GNSS_STATE_WAITING] == 2);
        assert_non_null(strstr(gnss_last_error(f->gnss), " refused"));
        listen_again(f);
        RUN_UNTIL(!is_listener_idle(f));
        accept_peer(f);
        say(f, VERSION "GARBAGE\n");
        RUN_UNTIL(f->n_entered[GNSS_STATE_WAITING] == 3);
        assert_non_null(strstr(gnss_last_error(f->gnss), " does not speak"));
        assert_int_equal(f->n_troubles, 1);
        assert_int_equal(f->n_recoveries, 0);
}

static void test_silence_ends_a_trouble_too(void **state) {
        Fixture *f = *state;

        gnss_free(f->gnss);
        new_client(f, "127.0.0.1", 0, 50 * USEC_PER_MSEC);
        watch(f);
        close(f->peer);
        f->peer = -1;
        RUN_UNTIL(gnss_state(f->gnss) == GNSS_STATE_WAITING);
        RUN_UNTIL(!is_listener_idle(f));
        accept_peer(f);
        say(f, VERSION);
        RUN_UNTIL(gnss_state(f->gnss) == GNSS_STATE_WATCHING);
        f->boot_usec += 10 * USEC_PER_SEC;
        RUN_UNTIL(gnss_state(f->gnss) == GNSS_STATE_SILENT);
        assert_int_equal(f->n_recoveries, 1);
}

static void test_localhost_falls_back_to_ipv4(void **state) {
        Fixture *f = *state;

        gnss_free(f->gnss);
        new_client(f, "localhost", 0, 0); /* the listener has no ::1 */
        assert_int_equal(gnss_start(f->gnss), 0);
        RUN_UNTIL(!is_listener_idle(f));
        accept_peer(f);
        say(f, VERSION);
        RUN_UNTIL(gnss_state(f->gnss) == GNSS_STATE_WATCHING);
        assert_int_equal(f->n_troubles, 0);
}

static void test_a_hanging_gpsd_is_given_up(void **state) {
        Fixture *f = *state;

        gnss_free(f->gnss);
        new_client(f, "127.0.0.1", 50 * USEC_PER_MSEC, 0);
        assert_int_equal(gnss_start(f->gnss), 0);
        accept_peer(f);
        RUN_UNTIL(gnss_state(f->gnss) == GNSS_STATE_WAITING);
        assert_non_null(strstr(gnss_last_error(f->gnss), " does not answer"));
        assert_true(peer_is_closed(f));
}

static void test_a_restart_is_followed(void **state) {
        Fixture *f = *state;

        watch(f);
        say(f, TPV("23", "47.5"));
        RUN_UNTIL(f->n_fixes == 1);
        close(f->peer);
        f->peer = -1;
        RUN_UNTIL(gnss_state(f->gnss) == GNSS_STATE_WAITING);
        assert_non_null(strstr(gnss_last_error(f->gnss), " closed the connection"));
        RUN_UNTIL(!is_listener_idle(f));
        accept_peer(f);
        say(f, VERSION TPV("30", "47.6"));
        RUN_UNTIL(f->n_fixes == 2);
        assert_int_equal(f->n_troubles, 1);
}

static void test_half_a_line_at_the_end_is_no_fix(void **state) {
        Fixture *f = *state;

        watch(f);
        say(f, TPV("23", "47.5") "{\"class\":\"TPV\",\"mode\":3,\"lat\":4");
        close(f->peer);
        f->peer = -1;
        RUN_UNTIL(gnss_state(f->gnss) == GNSS_STATE_WAITING);
        assert_int_equal(f->n_fixes, 1);
        RUN_UNTIL(!is_listener_idle(f));
        accept_peer(f);
        say(f, VERSION TPV("24", "47.6"));
        RUN_UNTIL(f->n_fixes == 2); /* nothing of the half line is left to spoil it */
        assert_true(fabs(f->fix.lat_deg - 47.6) < 1e-9);
}

static void test_what_is_not_gpsd_is_left(void **state) {
        static const char *const greetings[] = {
                "SSH-2.0-OpenSSH_9.2p1\r\n", "\xff\xfb\x01\n", TPV("23", "47.5"), "\n", "{\"class\":\"VERSION\"\n",
        };

        for (size_t i = 0; i < ELEMENTSOF(greetings); i++) {
                Fixture *f = *state;

                assert_int_equal(gnss_start(f->gnss), 0);
                accept_peer(f);
                say(f, greetings[i]);
                RUN_UNTIL(gnss_state(f->gnss) == GNSS_STATE_WAITING);
                assert_true(peer_is_closed(f));
                assert_int_equal(f->n_fixes, 0);
                assert_non_null(strstr(gnss_last_error(f->gnss), "protocol"));
                gnss_stop(f->gnss);
        }
}

static void test_garbage_in_between_ends_the_connection(void **state) {
        Fixture *f = *state;

        watch(f);
        say(f, TPV("23", "47.5") "GARBAGE\r\n" TPV("24", "47.6"));
        RUN_UNTIL(gnss_state(f->gnss) == GNSS_STATE_WAITING);
        assert_int_equal(f->n_fixes, 1);
        assert_true(peer_is_closed(f));
}

static void test_a_line_without_end_ends_the_connection(void **state) {
        Fixture *f = *state;
        static char flood[64 * 1024 + 1];

        watch(f);
        memset(flood, 'x', sizeof(flood) - 1);
        say(f, flood);
        RUN_UNTIL(gnss_state(f->gnss) == GNSS_STATE_WAITING);
        assert_non_null(strstr(gnss_last_error(f->gnss), " sent a line without end"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_refused_is_tried_again_and_said_once),
                TEST(test_other_reasons_are_the_same_trouble),
                TEST(test_silence_ends_a_trouble_too),
                TEST(test_localhost_falls_back_to_ipv4),
                TEST(test_a_hanging_gpsd_is_given_up),
                TEST(test_a_restart_is_followed),
                TEST(test_half_a_line_at_the_end_is_no_fix),
                TEST(test_what_is_not_gpsd_is_left),
                TEST(test_garbage_in_between_ends_the_connection),
                TEST(test_a_line_without_end_ends_the_connection),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
