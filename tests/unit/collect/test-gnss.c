/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The client of gpsd: it asks, and the fixes arrive; silence is told, and wakes nobody.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "gnss-fixture.h"
#include "trailkeep/log.h"

static void test_nothing_happens_before_start(void **state) {
        Fixture *f = *state;

        run_due(f);
        assert_int_equal(gnss_state(f->gnss), GNSS_STATE_STOPPED);
        assert_true(is_listener_idle(f));
        assert_null(gnss_last_fix(f->gnss));
        assert_string_equal(gnss_last_error(f->gnss), "");
}

static void test_wrong_address_is_refused(void **state) {
        Fixture *f = *state;
        const GnssOptions options = { .address = "gps.example.org:2947" };
        const GnssObserver observer = { 0 };
        Gnss *gnss = NULL;

        assert_int_equal(gnss_new(f->event, fake_clock(f), &options, &observer, &gnss), -EINVAL);
        assert_null(gnss);
}

static void test_nothing_is_asked_before_the_banner(void **state) {
        Fixture *f = *state;
        char byte;

        assert_int_equal(gnss_start(f->gnss), 0);
        accept_peer(f);
        run_due(f);
        assert_int_equal(recv(f->peer, &byte, 1, MSG_DONTWAIT), -1);
        assert_int_equal(gnss_state(f->gnss), GNSS_STATE_CONNECTING);
}

static void test_fixes_arrive(void **state) {
        Fixture *f = *state;

        watch(f);
        say(f, TPV("23", "47.5"));
        RUN_UNTIL(f->n_fixes == 1);
        assert_int_equal(gnss_state(f->gnss), GNSS_STATE_FIXING);
        assert_true(fabs(f->fix.lat_deg - 47.5) < 1e-9);
        assert_memory_equal(gnss_last_fix(f->gnss), &f->fix, sizeof(Fix));
        assert_int_equal(f->n_troubles, 0);
}

static void test_lines_come_in_pieces(void **state) {
        Fixture *f = *state;
        static const char text[] = TPV("23", "47.5") TPV("24", "47.6");

        watch(f);
        for (size_t i = 0; i < sizeof(text) - 1; i++) {
                char piece[2] = { text[i], 0 };

                say(f, piece);
                run_due(f);
        }
        RUN_UNTIL(f->n_fixes == 2);
        assert_true(fabs(f->fix.lat_deg - 47.6) < 1e-9);
}

static void test_many_lines_in_one_piece(void **state) {
        Fixture *f = *state;

        watch(f);
        say(f, TPV("23", "47.5") NO_FIX TPV("24", "47.6") TPV("25", "47.7"));
        RUN_UNTIL(f->n_fixes == 3);
}

static void test_two_devices_are_told_apart(void **state) {
        Fixture *f = *state;

        watch(f);
        say(f, "{\"class\":\"SKY\",\"device\":\"/dev/b\",\"hdop\":2.5,\"uSat\":4}\r\n" TPV("23", "47.5"));
        RUN_UNTIL(f->n_fixes == 1);
        assert_string_equal(f->fix.device, "/dev/a");
        assert_int_equal(f->fix.satellites_used, -1);
        say(f, "{\"class\":\"TPV\",\"device\":\"/dev/b\",\"mode\":2,\"lat\":47.1,\"lon\":8.2}\r\n");
        RUN_UNTIL(f->n_fixes == 2);
        assert_string_equal(f->fix.device, "/dev/b");
        assert_int_equal(f->fix.satellites_used, 4);
}

static void test_a_fix_without_a_place_is_not_the_last_place(void **state) {
        Fixture *f = *state;

        watch(f);
        say(f, "{\"class\":\"TPV\",\"mode\":3,\"epv\":69.000}\r\n");
        RUN_UNTIL(f->n_fixes == 1);
        assert_null(gnss_last_fix(f->gnss));
}

static void test_the_filter_counts_what_it_drops(void **state) {
        Fixture *f = *state;
        char address[64];
        const GnssOptions options = { .address = address, .filter = gnss_filter_options_default };
        const GnssObserver observer = { .fix = on_fix, .userdata = f };

        gnss_free(f->gnss);
        snprintf(address, sizeof(address), "127.0.0.1:%u", f->port);
        assert_int_equal(gnss_new(f->event, fake_clock(f), &options, &observer, &f->gnss), 0);
        watch(f);
        say(f, TPV("23", "47.5") TPV("24", "47.5") TPV("25", "47.50001"));
        RUN_UNTIL(gnss_n_dropped(f->gnss) == 2);
        assert_int_equal(f->n_fixes, 1);
        assert_true(fabs(gnss_last_fix(f->gnss)->lat_deg - 47.50001) < 1e-9); /* dropped, but the last */
}

static void test_a_lost_fix_is_told_after_a_while(void **state) {
        Fixture *f = *state;

        watch(f);
        say(f, TPV("23", "47.5"));
        RUN_UNTIL(f->n_fixes == 1);
        f->boot_usec += 9 * USEC_PER_SEC;
        say(f, NO_FIX);
        run_due(f);
        assert_int_equal(gnss_state(f->gnss), GNSS_STATE_FIXING);
        f->boot_usec += USEC_PER_SEC;
        say(f, NO_FIX);
        RUN_UNTIL(gnss_state(f->gnss) == GNSS_STATE_WATCHING);
        assert_non_null(gnss_last_fix(f->gnss));
}

static void test_a_silence_is_told_and_ends(void **state) {
        Fixture *f = *state;

        gnss_free(f->gnss);
        new_client(f, "127.0.0.1", 0, 50 * USEC_PER_MSEC);
        watch(f);
        say(f, TPV("23", "47.5"));
        RUN_UNTIL(f->n_fixes == 1);
        f->boot_usec += 50 * USEC_PER_MSEC;
        RUN_UNTIL(gnss_state(f->gnss) == GNSS_STATE_SILENT);
        say(f, NO_FIX);
        RUN_UNTIL(gnss_state(f->gnss) == GNSS_STATE_WATCHING);
        f->boot_usec += 50 * USEC_PER_MSEC;
        RUN_UNTIL(gnss_state(f->gnss) == GNSS_STATE_SILENT);
        say(f, TPV("24", "47.5"));
        RUN_UNTIL(gnss_state(f->gnss) == GNSS_STATE_FIXING);
        assert_int_equal(f->n_troubles, 0);
}

static void test_a_line_puts_the_silence_off(void **state) {
        Fixture *f = *state;
        uint64_t turns = 0;

        gnss_free(f->gnss);
        new_client(f, "127.0.0.1", 0, 50 * USEC_PER_MSEC);
        watch(f); /* at boot_usec; the timer is due by real time, but by the clock no time has passed */
        for (uint64_t end = real_usec() + 300 * USEC_PER_MSEC; real_usec() < end;)
                turns += sd_event_run(f->event, 10 * USEC_PER_MSEC) > 0;
        assert_int_equal(gnss_state(f->gnss), GNSS_STATE_WATCHING);
        assert_true(turns >= 1);
}

static void test_a_silent_gpsd_wakes_nobody(void **state) {
        Fixture *f = *state;

        gnss_free(f->gnss);
        new_client(f, "127.0.0.1", 0, 20 * USEC_PER_MSEC);
        watch(f);
        f->boot_usec += 20 * USEC_PER_MSEC;
        RUN_UNTIL(gnss_state(f->gnss) == GNSS_STATE_SILENT);
        assert_int_equal(sd_event_run(f->event, 300 * USEC_PER_MSEC), 0);
}

static void test_no_coordinate_in_the_log(void **state) {
        Fixture *f = *state;
        char text[8192] = "";
        int pipe_fd[2], saved = dup(STDERR_FILENO);
        ssize_t n;

        assert_int_equal(pipe2(pipe_fd, O_CLOEXEC | O_NONBLOCK), 0);
        log_set_level(LOG_LEVEL_DEBUG);
        dup2(pipe_fd[1], STDERR_FILENO);
        watch(f);
        say(f, TPV("23", "47.5123") "GARBAGE 47.5123\r\n");
        RUN_UNTIL(gnss_state(f->gnss) == GNSS_STATE_WAITING);
        dup2(saved, STDERR_FILENO);
        log_set_level(LOG_LEVEL_INFO);
        close(saved);
        close(pipe_fd[1]);
        n = read(pipe_fd[0], text, sizeof(text) - 1);
        close(pipe_fd[0]);
        assert_true(n > 0);
        assert_non_null(strstr(text, "watching -> fixing"));
        assert_null(strstr(text, "47.5"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_nothing_happens_before_start),
                TEST(test_wrong_address_is_refused),
                TEST(test_nothing_is_asked_before_the_banner),
                TEST(test_fixes_arrive),
                TEST(test_lines_come_in_pieces),
                TEST(test_many_lines_in_one_piece),
                TEST(test_two_devices_are_told_apart),
                TEST(test_a_fix_without_a_place_is_not_the_last_place),
                TEST(test_the_filter_counts_what_it_drops),
                TEST(test_a_lost_fix_is_told_after_a_while),
                TEST(test_a_silence_is_told_and_ends),
                TEST(test_a_line_puts_the_silence_off),
                TEST(test_a_silent_gpsd_wakes_nobody),
                TEST(test_no_coordinate_in_the_log),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
