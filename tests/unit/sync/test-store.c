/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the store asks for and what it makes of the answers, with a fake of net.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "trailkeep/store.h"

/* Net */

struct Http {
        HttpSlot *slot;
        char method[16], url[512], content_type[64];
        size_t n_body;
        bool has_encoding;
        int fail_start;
        unsigned n_cancelled;
};

struct HttpSlot {
        Http *http;
        HttpDone done;
        void *userdata;
};

int http_start(Http *http, const HttpRequest *request, HttpDone done, void *userdata, HttpSlot **ret_slot) {
        if (http->fail_start < 0)
                return http->fail_start;
        snprintf(http->method, sizeof(http->method), "%s", request->method);
        snprintf(http->url, sizeof(http->url), "%s", request->url);
        if (request->content_type)
                snprintf(http->content_type, sizeof(http->content_type), "%s", request->content_type);
        http->has_encoding = request->content_encoding != NULL;
        http->n_body = request->n_body;
        http->slot = calloc(1, sizeof(*http->slot));
        assert_non_null(http->slot);
        *http->slot = (HttpSlot){ http, done, userdata };
        *ret_slot = http->slot;
        return 0;
}

HttpSlot *http_slot_free(HttpSlot *slot) {
        if (!slot)
                return NULL;
        if (slot->http)
                slot->http->n_cancelled++;
        free(slot);
        return NULL;
}

static void answer(Http *http, const HttpResult *result) {
        HttpSlot *slot = http->slot;

        slot->http = NULL;
        slot->done(result, slot->userdata);
}

/* The store */

typedef struct Fixture {
        Http http;
        Store *store;
        StoreSlot *slot;
        StoreAnswer answer;
        char message[512];
        unsigned n_done;
} Fixture;

static int setup(void **state) {
        static Fixture f;

        f = (Fixture){};
        *state = &f;
        return store_new(&f.http, "https://store.example.org/base", "0b4d", &f.store);
}

static int teardown(void **state) {
        Fixture *f = *state;

        store_slot_free(f->slot);
        store_free(f->store);
        return 0;
}

static void on_done(const StoreAnswer *answered, void *userdata) {
        Fixture *f = userdata;

        f->answer = *answered;
        snprintf(f->message, sizeof(f->message), "%s", answered->message);
        f->n_done++;
        f->slot = store_slot_free(f->slot); /* as the outbox does */
}

static int put(Fixture *f, const char *payload) {
        Record record = { .payload = (char *)payload };
        Record *pointer = &record;
        uint64_t id = 7;
        char name[] = "tracks/2026/11/23/x.geojsons.gz";
        JournalBatch batch = { .object_name = name, .n_records = 1, .records = &pointer, .ids = &id };

        return store_put(f->store, &batch, on_done, f, &f->slot);
}

static StoreOutcome ask(Fixture *f, bool is_deletion, unsigned status, HttpFault fault) {
        HttpResult result = { .status = status, .fault = fault, .message = "said by net", .retry_after_usec = 5 };

        if (is_deletion)
                assert_int_equal(store_delete(f->store, "x", on_done, f, &f->slot), 0);
        else
                assert_int_equal(put(f, "{\"type\":\"Feature\"}"), 0);
        answer(&f->http, &result);
        assert_true(strlen(f->message) > 0);
        assert_true(f->message[strlen(f->message) - 1] != '.'); /* goes into a sentence */
        assert_int_equal(f->answer.retry_after_usec, 5);
        return f->answer.outcome;
}

static void put_sends_the_gzip_file_as_what_it_is(void **state) {
        Fixture *f = *state;

        assert_int_equal(put(f, "{\"type\":\"Feature\"}"), 0);
        assert_string_equal(f->http.method, "PUT");
        assert_string_equal(f->http.url, "https://store.example.org/base/0b4d/tracks/2026/11/23/x.geojsons.gz");
        assert_string_equal(f->http.content_type, "application/gzip");
        assert_false(f->http.has_encoding);
        assert_true(f->http.n_body > 18);
}

static void delete_has_no_body(void **state) {
        Fixture *f = *state;

        assert_int_equal(store_delete(f->store, "a", on_done, f, &f->slot), 0);
        assert_string_equal(f->http.method, "DELETE");
        assert_string_equal(f->http.content_type, "");
        assert_int_equal(f->http.n_body, 0);
}

static void names_are_percent_encoded(void **state) {
        Fixture *f = *state;

        assert_int_equal(store_delete(f->store, "a b/c?d#e%f/\xc3\xa4~-._", on_done, f, &f->slot), 0);
        assert_string_equal(f->http.url, "https://store.example.org/base/0b4d/a%20b/c%3Fd%23e%25f/%C3%A4~-._");
}

static void base_addresses(void **state) {
        static const char *const bad[] = {
                "", "http://h", "https://", "https:///x", "https://:443", "https://u@h", "https://u:p@h/x",
                "https://h?x", "https://h/#x", "https://h /x", "ftp://h", "HTTPS://h", "https://h/\n", "//h",
        };
        static const char *const good[] = { "https://h", "https://h/", "https://h:8443/a/b//", "https://[::1]:1/x" };
        Http http = {};
        Store *store = NULL;

        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_int_equal(store_new(&http, bad[i], "0b4d", &store), -EINVAL);
        assert_null(store);
        for (size_t i = 0; i < ELEMENTSOF(good); i++) {
                assert_int_equal(store_new(&http, good[i], "0b4d", &store), 0);
                store = store_free(store);
        }
}

static void slashes_at_the_end_of_the_base_do_not_double(void **state) {
        Fixture *f = *state;

        store_free(f->store);
        assert_int_equal(store_new(&f->http, "https://h//", "0b4d", &f->store), 0);
        assert_int_equal(store_delete(f->store, "a", on_done, f, &f->slot), 0);
        assert_string_equal(f->http.url, "https://h/0b4d/a");
}

static void what_each_status_means(void **state) {
        static const struct { unsigned status; StoreOutcome put, deletion; } cases[] = {
                { 200, STORE_DONE, STORE_DONE },       { 201, STORE_DONE, STORE_DONE },
                { 204, STORE_DONE, STORE_DONE },       { 301, STORE_HELD, STORE_HELD },
                { 307, STORE_HELD, STORE_HELD },       { 400, STORE_HELD, STORE_HELD },
                { 401, STORE_HELD, STORE_HELD },       { 403, STORE_HELD, STORE_HELD },
                { 404, STORE_HELD, STORE_DONE },       { 405, STORE_HELD, STORE_HELD },
                { 408, STORE_RETRY, STORE_RETRY },     { 409, STORE_HELD, STORE_HELD },
                { 410, STORE_HELD, STORE_DONE },       { 413, STORE_TOO_LARGE, STORE_HELD },
                { 422, STORE_REJECTED, STORE_HELD },   { 425, STORE_RETRY, STORE_RETRY },
                { 429, STORE_RETRY, STORE_RETRY },     { 500, STORE_HELD, STORE_HELD },
                { 501, STORE_HELD, STORE_HELD },       { 503, STORE_HELD, STORE_HELD },
                { 507, STORE_HELD, STORE_HELD },       { 599, STORE_HELD, STORE_HELD },
                { 199, STORE_HELD, STORE_HELD },       { 999, STORE_HELD, STORE_HELD },
        };
        Fixture *f = *state;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                assert_int_equal(ask(f, false, cases[i].status, HTTP_FAULT_NONE), cases[i].put);
                assert_int_equal(ask(f, true, cases[i].status, HTTP_FAULT_NONE), cases[i].deletion);
                assert_false(f->answer.is_doubtful);
        }
}

static void what_each_fault_means(void **state) {
        static const StoreOutcome outcomes[HTTP_FAULT_MAX] = {
                [HTTP_FAULT_NONE] = STORE_OUTCOME_MAX,    [HTTP_FAULT_RESOLVE] = STORE_RETRY,
                [HTTP_FAULT_CONNECT] = STORE_RETRY,       [HTTP_FAULT_TIMEOUT] = STORE_RETRY,
                [HTTP_FAULT_CLOSED] = STORE_RETRY,        [HTTP_FAULT_PROTOCOL] = STORE_RETRY,
                [HTTP_FAULT_TLS_AUTHORITY] = STORE_HELD,  [HTTP_FAULT_TLS_EXPIRED] = STORE_HELD,
                [HTTP_FAULT_TLS_NAME] = STORE_HELD,       [HTTP_FAULT_TLS_VERSION] = STORE_HELD,
                [HTTP_FAULT_TLS_REFUSED] = STORE_HELD,    [HTTP_FAULT_TLS_OTHER] = STORE_RETRY,
                [HTTP_FAULT_LOCAL] = STORE_HELD,
        };
        Fixture *f = *state;

        for (int i = HTTP_FAULT_NONE + 1; i < HTTP_FAULT_MAX; i++) {
                assert_int_equal(ask(f, false, 0, (HttpFault)i), outcomes[i]);
                assert_string_equal(f->message, "said by net");
        }
}

static void a_body_that_left_and_no_answer_is_doubtful(void **state) {
        Fixture *f = *state;

        assert_int_equal(put(f, "{\"type\":\"Feature\"}"), 0);
        answer(&f->http, &(HttpResult){ .fault = HTTP_FAULT_TIMEOUT, .bytes_sent = 1, .message = "x" });
        assert_true(f->answer.is_doubtful);
        assert_int_equal(put(f, "{\"type\":\"Feature\"}"), 0);
        answer(&f->http, &(HttpResult){ .fault = HTTP_FAULT_TLS_NAME, .bytes_sent = 0, .message = "x" });
        assert_false(f->answer.is_doubtful);
}

static void freeing_the_slot_cancels(void **state) {
        Fixture *f = *state;

        assert_int_equal(put(f, "{\"type\":\"Feature\"}"), 0);
        f->slot = store_slot_free(f->slot);
        assert_int_equal(f->http.n_cancelled, 1);
        assert_int_equal(f->n_done, 0);
}

static void the_time_is_asked_of_the_folder_and_any_answer_will_do(void **state) {
        Fixture *f = *state;

        assert_int_equal(store_ask_time(f->store, on_done, f, &f->slot), 0);
        assert_string_equal(f->http.method, "HEAD");
        assert_string_equal(f->http.url, "https://store.example.org/base/0b4d/");
        answer(&f->http, &(HttpResult){ .status = 403, .message = "" });
        assert_true(f->answer.is_answered);
        assert_int_equal(store_ask_time(f->store, on_done, f, &f->slot), 0);
        answer(&f->http, &(HttpResult){ .fault = HTTP_FAULT_CONNECT, .message = "said by net" });
        assert_false(f->answer.is_answered);
        assert_int_equal(f->answer.outcome, STORE_RETRY);
        assert_int_equal(f->n_done, 2);
}

static void what_cannot_be_sent_is_said_at_once(void **state) {
        Fixture *f = *state;

        assert_int_equal(put(f, "no object"), -EBADMSG);
        f->http.fail_start = -ENOMEM;
        assert_int_equal(put(f, "{\"type\":\"Feature\"}"), -ENOMEM);
        assert_int_equal(store_delete(f->store, "a", on_done, f, &f->slot), -ENOMEM);
        assert_null(f->slot);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
                TEST(put_sends_the_gzip_file_as_what_it_is),
                TEST(delete_has_no_body),
                TEST(names_are_percent_encoded),
                TEST(base_addresses),
                TEST(slashes_at_the_end_of_the_base_do_not_double),
                TEST(what_each_status_means),
                TEST(what_each_fault_means),
                TEST(a_body_that_left_and_no_answer_is_doubtful),
                TEST(freeing_the_slot_cancels),
                TEST(the_time_is_asked_of_the_folder_and_any_answer_will_do),
                TEST(what_cannot_be_sent_is_said_at_once),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
