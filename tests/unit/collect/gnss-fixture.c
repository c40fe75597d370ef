/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The client of gpsd against a listener in this process.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "gnss-fixture.h"

static uint64_t fake_boottime(void *userdata) {
        return ((Fixture *)userdata)->boot_usec;
}

void on_fix(const Fix *fix, void *userdata) {
        Fixture *f = userdata;

        f->n_fixes++;
        f->n_with_hdop += isfinite(fix->hdop);
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

void listen_again(Fixture *f) {
        struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(f->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
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

void close_listener(Fixture *f) {
        close(f->listener);
        f->listener = -1;
}

Clock *fake_clock(Fixture *f) {
        static Clock clock;

        clock = (Clock){ .boottime_usec = fake_boottime, .realtime_usec = fake_boottime, .userdata = f };
        return &clock;
}

void new_client(Fixture *f, const char *host, uint64_t timeout_usec, uint64_t silence_usec) {
        char address[64];
        GnssOptions options = { .address = address, .timeout_usec = timeout_usec, .silence_usec = silence_usec };
        const GnssObserver observer = { .fix = on_fix, .state = on_state, .trouble = on_trouble, .userdata = f };

        snprintf(address, sizeof(address), "%s:%u", host, f->port);
        options.filter = gnss_filter_options_default;
        options.filter.enabled = false;
        assert_int_equal(gnss_new(f->event, fake_clock(f), &options, &observer, &f->gnss), 0);
}

int fixture_setup(void **state) {
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

int fixture_teardown(void **state) {
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

uint64_t real_usec(void) {
        return clock_boottime_usec(&clock_system);
}


/* Runs all that is due now. */
void run_due(Fixture *f) {
        while (sd_event_run(f->event, 0) > 0)
                ;
}

void wait_readable(int fd) {
        struct pollfd p = { .fd = fd, .events = POLLIN };

        assert_int_equal(poll(&p, 1, DEADLINE_MS), 1);
}

/* Without delay, so that what is said can be read as soon as it is said. */
void accept_peer(Fixture *f) {
        int one = 1;

        if (f->peer >= 0)
                close(f->peer);
        wait_readable(f->listener);
        f->peer = accept(f->listener, NULL, NULL);
        assert_true(f->peer >= 0);
        assert_int_equal(setsockopt(f->peer, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)), 0);
}

void say(Fixture *f, const char *text) {
        assert_int_equal(send(f->peer, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

void assert_heard(Fixture *f, const char *expected) {
        char text[256];
        ssize_t n;

        wait_readable(f->peer);
        n = recv(f->peer, text, sizeof(text) - 1, 0);
        assert_true(n >= 0);
        text[n] = 0;
        assert_string_equal(text, expected);
}

bool peer_is_closed(Fixture *f) {
        char byte;
        ssize_t n = recv(f->peer, &byte, 1, MSG_DONTWAIT);

        return n == 0 || (n < 0 && errno == ECONNRESET);
}

void watch(Fixture *f) {
        assert_int_equal(gnss_start(f->gnss), 0);
        accept_peer(f);
        say(f, VERSION);
        RUN_UNTIL(gnss_state(f->gnss) == GNSS_STATE_WATCHING);
        assert_heard(f, WATCH);
}

bool is_listener_idle(Fixture *f) {
        struct pollfd p = { .fd = f->listener, .events = POLLIN };

        return poll(&p, 1, 0) == 0;
}
