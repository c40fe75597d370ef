/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Slots, against a listener on the loopback that accepts or not and never speaks TLS. What needs a real server is in
 * tests/system/test-http.py and test-tls.py.
 */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>
#include "trailkeep/http.h"

typedef struct Fixture {
        sd_event *event;
        Http *http;
        HttpSlot *slot, *other;
        int listener;
        char url[64];
        unsigned n_done;
        HttpFault fault;
        bool free_other_in_done, free_http_in_done, again_in_done;
} Fixture;

static void on_done(const HttpResult *result, void *userdata);

static void start(Fixture *f, HttpSlot **slot) {
        HttpRequest request = { .method = "PUT", .url = f->url, .body = "x", .n_body = 1 };

        assert_int_equal(http_start(f->http, &request, on_done, f, slot), 0);
}

static void on_done(const HttpResult *result, void *userdata) {
        Fixture *f = userdata;

        f->n_done++;
        f->fault = result->fault;
        assert_int_equal(result->status, 0);
        assert_int_equal(result->bytes_sent, 0);
        assert_non_null(result->message);
        f->slot = http_slot_free(f->slot);
        if (f->free_other_in_done)
                f->other = http_slot_free(f->other);
        if (f->free_http_in_done)
                f->http = http_free(f->http);
        if (f->again_in_done && f->n_done < 3)
                start(f, &f->slot);
        assert_non_null(result->message);
}

static int setup(void **state) {
        static Fixture fixture;
        HttpOptions options = { .timeout_usec = USEC_PER_SEC };
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t size = sizeof(address);

        signal(SIGPIPE, SIG_IGN);
        fixture = (Fixture){ .fault = HTTP_FAULT_MAX };
        fixture.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fixture.listener < 0 || bind(fixture.listener, (void *)&address, size) < 0 ||
            listen(fixture.listener, 8) < 0 || getsockname(fixture.listener, (void *)&address, &size) < 0)
                return -1;
        snprintf(fixture.url, sizeof(fixture.url), "https://127.0.0.1:%u/x", ntohs(address.sin_port));
        if (sd_event_new(&fixture.event) < 0 || http_new(fixture.event, &clock_system, &options, &fixture.http) < 0)
                return -1;
        *state = &fixture;
        return 0;
}

static int teardown(void **state) {
        Fixture *f = *state;

        http_slot_free(f->slot);
        http_slot_free(f->other);
        http_free(f->http);
        sd_event_unref(f->event);
        if (f->listener >= 0)
                close(f->listener);
        return 0;
}

/* Turns until so many are done; a request cannot last longer than its timeouts. */
static void run_until_done(Fixture *f, unsigned n) {
        for (unsigned i = 0; f->n_done < n && i < 10000; i++)
                assert_true(sd_event_run(f->event, 5 * USEC_PER_SEC) >= 0);
        assert_int_equal(f->n_done, n);
}

/* Turns for as long as something is due at once, and a little longer than the stall timeout. */
static void run_for_a_while(Fixture *f) {
        uint64_t until_usec = clock_boottime_usec(&clock_system) + 400 * USEC_PER_MSEC;

        while (clock_boottime_usec(&clock_system) < until_usec)
                assert_true(sd_event_run(f->event, 50 * USEC_PER_MSEC) >= 0);
}

static void only_https_and_known_methods_are_started(void **state) {
        Fixture *f = *state;
        HttpRequest requests[] = {
                { .method = "PUT", .url = "http://127.0.0.1/x" },
                { .method = "PUT", .url = "file:///etc/passwd" },
                { .method = "PUT", .url = "127.0.0.1/x" },
                { .method = "PUT", .url = "" },
                { .method = "PUT", .url = "https://" },
                { .method = "PUT", .url = "https://user@127.0.0.1/x" },
                { .method = "PUT", .url = "https://user:secret@127.0.0.1/x" },
                { .method = "POST", .url = "https://127.0.0.1/x" },
                { .method = "put", .url = "https://127.0.0.1/x" },
        };

        for (size_t i = 0; i < ELEMENTSOF(requests); i++) {
                assert_int_equal(http_start(f->http, &requests[i], on_done, f, &f->slot), -EINVAL);
                assert_null(f->slot);
        }
}

static void a_server_that_never_speaks_times_out(void **state) {
        Fixture *f = *state;

        start(f, &f->slot);
        run_until_done(f, 1);
        assert_int_equal(f->fault, HTTP_FAULT_TIMEOUT);
}

static void nobody_there_is_a_connect_fault(void **state) {
        Fixture *f = *state;

        close(f->listener);
        f->listener = -1;
        start(f, &f->slot);
        run_until_done(f, 1);
        assert_int_equal(f->fault, HTTP_FAULT_CONNECT);
}

static void a_server_that_hangs_up_is_told(void **state) {
        Fixture *f = *state;
        int fd;

        start(f, &f->slot);
        for (fd = -1; fd < 0 && f->n_done == 0;) {
                assert_true(sd_event_run(f->event, 0) >= 0);
                fd = accept4(f->listener, NULL, NULL, SOCK_CLOEXEC);
        }
        close(fd);
        run_until_done(f, 1);
        assert_true(f->fault == HTTP_FAULT_TLS_OTHER || f->fault == HTTP_FAULT_CLOSED);
}

static void freeing_the_slot_cancels(void **state) {
        Fixture *f = *state;

        start(f, &f->slot);
        assert_true(sd_event_run(f->event, 50 * USEC_PER_MSEC) >= 0);
        f->slot = http_slot_free(f->slot);
        run_for_a_while(f);
        assert_int_equal(f->n_done, 0);
}

static void freeing_it_before_the_first_turn_cancels(void **state) {
        Fixture *f = *state;

        start(f, &f->slot);
        f->slot = http_slot_free(f->slot);
        run_for_a_while(f);
        assert_int_equal(f->n_done, 0);
}

static void a_callback_may_cancel_another(void **state) {
        Fixture *f = *state;

        f->free_other_in_done = true;
        start(f, &f->slot);
        start(f, &f->other);
        run_until_done(f, 1);
        run_for_a_while(f);
        assert_int_equal(f->n_done, 1);
}

static void a_callback_may_free_everything(void **state) {
        Fixture *f = *state;

        f->free_http_in_done = true;
        start(f, &f->slot);
        start(f, &f->other);
        run_until_done(f, 1);
        run_for_a_while(f);
        assert_int_equal(f->n_done, 1);
        assert_non_null(f->other); /* ended, still its owner's */
}

static void a_callback_may_free_everything_after_a_connect_fault(void **state) {
        Fixture *f = *state;

        close(f->listener);
        f->listener = -1;
        f->free_http_in_done = true;
        start(f, &f->slot);
        start(f, &f->other);
        run_until_done(f, 1);
        run_for_a_while(f);
        assert_int_equal(f->n_done, 1);
}

static void a_callback_may_start_the_next(void **state) {
        Fixture *f = *state;

        close(f->listener);
        f->listener = -1;
        f->again_in_done = true;
        start(f, &f->slot);
        run_until_done(f, 3);
}

static void http_free_is_silent(void **state) {
        Fixture *f = *state;

        start(f, &f->slot);
        start(f, &f->other);
        f->http = http_free(f->http);
        run_for_a_while(f);
        assert_int_equal(f->n_done, 0);
}

static void a_missing_authority_file_is_a_local_fault(void **state) {
        Fixture *f = *state;
        HttpOptions options = { .ca_file = "/nonexistent/ca.pem" };

        http_free(f->http);
        assert_int_equal(http_new(f->event, &clock_system, &options, &f->http), 0);
        start(f, &f->slot);
        run_until_done(f, 1);
        assert_int_equal(f->fault, HTTP_FAULT_LOCAL);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
                TEST(only_https_and_known_methods_are_started),
                TEST(a_server_that_never_speaks_times_out),
                TEST(nobody_there_is_a_connect_fault),
                TEST(a_server_that_hangs_up_is_told),
                TEST(freeing_the_slot_cancels),
                TEST(freeing_it_before_the_first_turn_cancels),
                TEST(a_callback_may_cancel_another),
                TEST(a_callback_may_free_everything),
                TEST(a_callback_may_free_everything_after_a_connect_fault),
                TEST(a_callback_may_start_the_next),
                TEST(http_free_is_silent),
                TEST(a_missing_authority_file_is_a_local_fault),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
