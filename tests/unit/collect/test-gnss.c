/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The client of gpsd against a listener in this process. One thread: the kernel completes a loopback connection and keeps
 * what is sent, so the test plays gpsd between turns of the loop, and runs the loop until what it waits for has happened.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>
#include "trailkeep/gnss.h"
#include "trailkeep/log.h"

#define DEADLINE_MS 10000
#define WATCH "?WATCH={\"enable\":true,\"json\":true};\n"
#define VERSION "{\"class\":\"VERSION\",\"release\":\"3.22\",\"rev\":\"3.22\",\"proto_major\":3,\"proto_minor\":14}\r\n"
#define TPV(second, lat) \
        "{\"class\":\"TPV\",\"device\":\"/dev/a\",\"mode\":3,\"time\":\"2026-11-23T17:33:" second ".000Z\",\"lat\":" lat ",\"lon\":8.0}\r\n"
#define NO_FIX "{\"class\":\"TPV\",\"device\":\"/dev/a\",\"mode\":1}\r\n"

typedef struct Fixture {
        sd_event *event;
        Gnss *gnss;
        int listener, peer; /* gpsd's */
        uint16_t port;
        uint64_t boot_usec;
        unsigned n_fixes, n_troubles, n_recoveries;
        unsigned n_entered[GNSS_STATE_MAX];
        Fix fix;
        bool stop_on_fix;
        GnssState stop_on_state; /* STOPPED: on none */
} Fixture;

static uint64_t fake_boottime(void *userdata) {
        return ((Fixture *)userdata)->boot_usec;
}

static void on_fix(const Fix *fix, void *userdata) {
        Fixture *f = userdata;

        f->n_fixes++;
        f->fix = *fix;
        if (f->stop_on_fix)
                gnss_stop(f->gnss);
}

static void on_state(GnssState state, void *userdata) {
        Fixture *f = userdata;

        f->n_entered[state]++;
        assert_int_equal(gnss_state(f->gnss), state);
        if (state != GNSS_STATE_STOPPED && state == f->stop_on_state)
                gnss_stop(f->gnss);
}

static void on_trouble(const char *sentence, void *userdata) {
        Fixture *f = userdata;

        assert_string_equal(sentence, gnss_last_error(f->gnss));
        if (*sentence)
                f->n_troubles++;
        else
                f->n_recoveries++;
}

static void listen_again(Fixture *f) {
        struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(f->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t size = sizeof(in);
        int one = 1;

        f->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_true(f->listener >= 0);
        assert_int_equal(setsockopt(f->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)), 0);
        assert_int_equal(bind(f->listener, (struct sockaddr *)&in, sizeof(in)), 0);
        assert_int_equal(listen(f->listener, 4), 0);
        assert_int_equal(getsockname(f->listener, (struct sockaddr *)&in, &size), 0);
        f->port = ntohs(in.sin_port);
}

static void close_listener(Fixture *f) {
        close(f->listener);
        f->listener = -1;
}

static Clock *fake_clock(Fixture *f) {
        static Clock clock;

        clock = (Clock){ .boottime_usec = fake_boottime, .realtime_usec = fake_boottime, .userdata = f };
        return &clock;
}

static void new_client(Fixture *f, const char *host, uint64_t timeout_usec, uint64_t silence_usec) {
        char address[64];
        GnssOptions options = { .address = address, .timeout_usec = timeout_usec, .silence_usec = silence_usec };
        const GnssObserver observer = { .fix = on_fix, .state = on_state, .trouble = on_trouble, .userdata = f };

        snprintf(address, sizeof(address), "%s:%u", host, f->port);
        options.filter = gnss_filter_options_default;
        options.filter.enabled = false;
        assert_int_equal(gnss_new(f->event, fake_clock(f), &options, &observer, &f->gnss), 0);
}

static int setup(void **state) {
        Fixture *f = calloc(1, sizeof(*f));

        assert_non_null(f);
        assert_int_equal(sd_event_new(&f->event), 0);
        f->peer = -1;
        f->boot_usec = 1000 * USEC_PER_SEC;
        listen_again(f);
        new_client(f, "127.0.0.1", 0, 0);
        *state = f;
        return 0;
}

static int teardown(void **state) {
        Fixture *f = *state;

        gnss_free(f->gnss);
        sd_event_unref(f->event);
        if (f->peer >= 0)
                close(f->peer);
        if (f->listener >= 0)
                close(f->listener);
        free(f);
        return 0;
}

static uint64_t real_usec(void) {
        return clock_boottime_usec(&clock_system);
}

/* Runs the loop until an expression over f holds; it holds or the test fails. */
#define RUN_UNTIL(expression)                                                                    \
        do {                                                                                     \
                uint64_t _deadline = real_usec() + DEADLINE_MS * USEC_PER_MSEC;                  \
                while (!(expression)) {                                                          \
                        if (real_usec() > _deadline)                                             \
                                fail_msg("never: %s (%s, \"%s\")", #expression,                  \
                                         gnss_state_to_string(gnss_state(f->gnss)), gnss_last_error(f->gnss)); \
                        assert_true(sd_event_run(f->event, 100 * USEC_PER_MSEC) >= 0);           \
                }                                                                                \
        } while (0)

/* Runs all that is due now. */
static void run_due(Fixture *f) {
        while (sd_event_run(f->event, 0) > 0)
                ;
}

static void wait_readable(int fd) {
        struct pollfd p = { .fd = fd, .events = POLLIN };

        assert_int_equal(poll(&p, 1, DEADLINE_MS), 1);
}

static void accept_peer(Fixture *f) {
        if (f->peer >= 0)
                close(f->peer);
        wait_readable(f->listener);
        f->peer = accept(f->listener, NULL, NULL);
        assert_true(f->peer >= 0);
}

static void say(Fixture *f, const char *text) {
        assert_int_equal(send(f->peer, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void assert_heard(Fixture *f, const char *expected) {
        char text[256];
        ssize_t n;

        wait_readable(f->peer);
        n = recv(f->peer, text, sizeof(text) - 1, 0);
        assert_true(n >= 0);
        text[n] = 0;
        assert_string_equal(text, expected);
}

static bool peer_is_closed(Fixture *f) {
        char byte;
        ssize_t n = recv(f->peer, &byte, 1, MSG_DONTWAIT);

        return n == 0 || (n < 0 && errno == ECONNRESET);
}

static void watch(Fixture *f) {
        assert_int_equal(gnss_start(f->gnss), 0);
        accept_peer(f);
        say(f, VERSION);
        RUN_UNTIL(gnss_state(f->gnss) == GNSS_STATE_WATCHING);
        assert_heard(f, WATCH);
}

static bool is_listener_idle(Fixture *f) {
        struct pollfd p = { .fd = f->listener, .events = POLLIN };

        return poll(&p, 1, 0) == 0;
}

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
        assert_int_equal(f->n_recoveries, 1);
        assert_string_equal(gnss_last_error(f->gnss), "");
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
        assert_string_equal(gnss_last_error(f->gnss), "gpsd does not answer");
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
        assert_string_equal(gnss_last_error(f->gnss), "gpsd closed the connection");
        RUN_UNTIL(!is_listener_idle(f));
        accept_peer(f);
        say(f, VERSION TPV("30", "47.6"));
        RUN_UNTIL(f->n_fixes == 2);
        assert_int_equal(f->n_troubles, 1);
        assert_int_equal(f->n_recoveries, 1);
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
        assert_string_equal(gnss_last_error(f->gnss), "gpsd sent a line without end");
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

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
                TEST(test_refused_is_tried_again_and_said_once),
                TEST(test_localhost_falls_back_to_ipv4),
                TEST(test_a_hanging_gpsd_is_given_up),
                TEST(test_a_restart_is_followed),
                TEST(test_half_a_line_at_the_end_is_no_fix),
                TEST(test_what_is_not_gpsd_is_left),
                TEST(test_garbage_in_between_ends_the_connection),
                TEST(test_a_line_without_end_ends_the_connection),
                TEST(test_a_silence_is_told_and_ends),
                TEST(test_a_line_puts_the_silence_off),
                TEST(test_a_silent_gpsd_wakes_nobody),
                TEST(test_stop_closes_at_once_and_forgets),
                TEST(test_stop_while_connecting),
                TEST(test_stop_while_waiting_ends_the_attempts),
                TEST(test_stop_within_a_fix),
                TEST(test_stop_within_any_state),
                TEST(test_stop_within_the_failure),
                TEST(test_start_after_stop),
                TEST(test_no_coordinate_in_the_log),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
