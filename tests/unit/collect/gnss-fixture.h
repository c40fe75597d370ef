/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The client of gpsd against a listener in this process. One thread: the kernel completes a loopback connection and
 * keeps what is sent, so the test plays gpsd between turns of the loop, and runs the loop until what it waits for has
 * happened.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "trailkeep/gnss.h"

#define DEADLINE_MS 10000
#define WATCH "?WATCH={\"enable\":true,\"json\":true};\n"
#define VERSION "{\"class\":\"VERSION\",\"release\":\"3.22\",\"rev\":\"3.22\",\"proto_major\":3,\"proto_minor\":14}\r\n"
#define TPV(second, lat) \
        "{\"class\":\"TPV\",\"device\":\"/dev/a\",\"mode\":3,\"time\":\"2026-11-23T17:33:" second ".000Z\"," \
        "\"lat\":" lat ",\"lon\":8.0}\r\n"
#define NO_FIX "{\"class\":\"TPV\",\"device\":\"/dev/a\",\"mode\":1}\r\n"

typedef struct Fixture {
        sd_event *event;
        Gnss *gnss;
        int listener, peer; /* gpsd's */
        uint16_t port;
        uint64_t boot_usec;
        unsigned n_fixes, n_with_hdop, n_troubles, n_recoveries;
        unsigned n_entered[GNSS_STATE_MAX];
        Fix fix;
        bool stop_on_fix;
        GnssState stop_on_state; /* STOPPED: on none */
} Fixture;

void listen_again(Fixture *f);
void close_listener(Fixture *f);
Clock *fake_clock(Fixture *f);
void new_client(Fixture *f, const char *host, uint64_t timeout_usec, uint64_t silence_usec);
int fixture_setup(void **state);
int fixture_teardown(void **state);
uint64_t real_usec(void);
void run_due(Fixture *f);
void wait_readable(int fd);
void accept_peer(Fixture *f);
void say(Fixture *f, const char *text);
void assert_heard(Fixture *f, const char *expected);
bool peer_is_closed(Fixture *f);
void watch(Fixture *f);
bool is_listener_idle(Fixture *f);
void on_fix(const Fix *fix, void *userdata);

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

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
