/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include <openssl/x509_vfy.h>
#include "http-fault.h"

static HttpFailure failure(CURLcode code, long verify_error, const char *detail) {
        return (HttpFailure){
                .code = code, .verify_error = verify_error, .detail = detail, .host = "store.example.org",
                .not_after = "2026-11-01", .not_before = "2025-11-01", .today = "2026-11-23",
        };
}

static void assert_fault(CURLcode code, long verify_error, const char *detail, HttpFault expected) {
        HttpFailure f = failure(code, verify_error, detail);
        char text[HTTP_FAULT_TEXT_MAX] = "";

        assert_string_equal(http_fault_to_string(http_fault_translate(&f, text)), http_fault_to_string(expected));
        assert_true(strlen(text) > 0);
}

static void certificates(void **state) {
        CURLcode code = CURLE_PEER_FAILED_VERIFICATION;

        assert_fault(code, X509_V_ERR_CERT_HAS_EXPIRED, "", HTTP_FAULT_TLS_EXPIRED);
        assert_fault(code, X509_V_ERR_CERT_NOT_YET_VALID, "", HTTP_FAULT_TLS_EXPIRED);
        assert_fault(code, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, "", HTTP_FAULT_TLS_AUTHORITY);
        assert_fault(code, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, "", HTTP_FAULT_TLS_AUTHORITY);
        assert_fault(code, X509_V_OK, "", HTTP_FAULT_TLS_NAME);
        assert_fault(code, X509_V_ERR_UNSPECIFIED, "", HTTP_FAULT_TLS_NAME);
}

static void expired_says_which_day_it_is(void **state) {
        HttpFailure f = failure(CURLE_PEER_FAILED_VERIFICATION, X509_V_ERR_CERT_HAS_EXPIRED, "");
        char text[HTTP_FAULT_TEXT_MAX];

        (void)http_fault_translate(&f, text); /* the text is what counts here */
        assert_string_equal(text,
                            "the certificate of store.example.org expired on 2026-11-01 and this box believes it is "
                            "2026-11-23; check the server, or this box's clock");
}

static void version(void **state) {
        assert_fault(CURLE_SSL_CONNECT_ERROR, 0, "OpenSSL/3.0: error:0A000102:SSL routines::x", HTTP_FAULT_TLS_VERSION);
        assert_fault(CURLE_SSL_CONNECT_ERROR, 0, "error:0A00042E:SSL routines::x", HTTP_FAULT_TLS_VERSION);
}

static void our_certificate_refused_in_and_after_the_handshake(void **state) {
        static const char *const details[] = {
                "error:0A000410:SSL routines::x", "error:0A000412:SSL routines::x", "error:0A000413:SSL routines::x",
                "error:0A000414:SSL routines::x", "error:0A000415:SSL routines::x", "error:0A000416:SSL routines::x",
                "error:0A000418:SSL routines::x", "error:0A000419:SSL routines::x", "error:0A00045C:SSL routines::x",
        };

        for (size_t i = 0; i < ELEMENTSOF(details); i++) {
                assert_fault(CURLE_SSL_CONNECT_ERROR, 0, details[i], HTTP_FAULT_TLS_REFUSED);
                assert_fault(CURLE_RECV_ERROR, 0, details[i], HTTP_FAULT_TLS_REFUSED);
        }
}

static void other_handshake_errors(void **state) {
        assert_fault(CURLE_SSL_CONNECT_ERROR, 0, "error:0A00010B:SSL routines::x", HTTP_FAULT_TLS_OTHER);
        assert_fault(CURLE_SSL_CONNECT_ERROR, 0, "error:0A0C0103:SSL routines::internal error", HTTP_FAULT_TLS_OTHER);
        assert_fault(CURLE_SSL_CONNECT_ERROR, 0, "error:", HTTP_FAULT_TLS_OTHER);
        assert_fault(CURLE_SSL_CONNECT_ERROR, 0, "error:zz:", HTTP_FAULT_TLS_OTHER);
        assert_fault(CURLE_SSL_CONNECT_ERROR, 0, "", HTTP_FAULT_TLS_OTHER);
}

static void the_number_of_another_library_is_not_mistaken(void **state) {
        assert_fault(CURLE_RECV_ERROR, 0, "error:80000102:system library::", HTTP_FAULT_CLOSED);
}

static void transport(void **state) {
        assert_fault(CURLE_COULDNT_RESOLVE_HOST, 0, "", HTTP_FAULT_RESOLVE);
        assert_fault(CURLE_COULDNT_CONNECT, 0, "", HTTP_FAULT_CONNECT);
        assert_fault(CURLE_OPERATION_TIMEDOUT, 0, "", HTTP_FAULT_TIMEOUT);
        assert_fault(CURLE_GOT_NOTHING, 0, "", HTTP_FAULT_CLOSED);
        assert_fault(CURLE_SEND_ERROR, 0, "", HTTP_FAULT_CLOSED);
        assert_fault(CURLE_RECV_ERROR, 0, "", HTTP_FAULT_CLOSED);
        assert_fault(CURLE_PARTIAL_FILE, 0, "", HTTP_FAULT_CLOSED);
        assert_fault(CURLE_HTTP2_STREAM, 0, "", HTTP_FAULT_CLOSED);
        assert_fault(CURLE_WEIRD_SERVER_REPLY, 0, "", HTTP_FAULT_PROTOCOL);
        assert_fault(CURLE_SSL_CACERT_BADFILE, 0, "", HTTP_FAULT_LOCAL);
        assert_fault(CURLE_SSL_CERTPROBLEM, 0, "", HTTP_FAULT_LOCAL);
        assert_fault(CURLE_OUT_OF_MEMORY, 0, "", HTTP_FAULT_LOCAL);
}

static void connect_says_the_errno(void **state) {
        HttpFailure f = failure(CURLE_COULDNT_CONNECT, 0, "");
        char text[HTTP_FAULT_TEXT_MAX];

        f.os_errno = ECONNREFUSED;
        assert_int_equal(http_fault_translate(&f, text), HTTP_FAULT_CONNECT);
        assert_string_equal(text, "cannot connect to store.example.org: Connection refused");
}

static void every_fault_has_a_name(void **state) {
        for (int i = 0; i < HTTP_FAULT_MAX; i++)
                assert_non_null(http_fault_to_string((HttpFault)i));
        assert_null(http_fault_to_string(HTTP_FAULT_MAX));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(certificates),
                cmocka_unit_test(expired_says_which_day_it_is),
                cmocka_unit_test(version),
                cmocka_unit_test(our_certificate_refused_in_and_after_the_handshake),
                cmocka_unit_test(other_handshake_errors),
                cmocka_unit_test(the_number_of_another_library_is_not_mistaken),
                cmocka_unit_test(transport),
                cmocka_unit_test(connect_says_the_errno),
                cmocka_unit_test(every_fault_has_a_name),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
