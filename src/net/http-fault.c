/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What libcurl and OpenSSL say, as an HttpFault and a sentence for a person. Floor 2, pure.
 *
 * libcurl gives the verification result of a refused certificate, but of a failed handshake only a text. That text
 * carries OpenSSL's error in the form of ERR_error_string(3), "error:<8 hex digits>:", whose number is fixed by
 * OpenSSL's API and, for what the peer said, by the alert numbers of RFC 8446 §6: it is read, the words are not.
 */
#include "http-fault.h"
#include <errno.h>
#include <openssl/err.h>
#include <openssl/sslerr.h>
#include <openssl/x509_vfy.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/**
 * http_fault_to_string() - the name of a fault, for logs and tests
 * @fault: the fault
 *
 * Return: a constant, "none" ... "local"; NULL when out of range.
 */
const char *http_fault_to_string(HttpFault fault) {
        static const char *const names[HTTP_FAULT_MAX] = {
                [HTTP_FAULT_NONE] = "none",
                [HTTP_FAULT_RESOLVE] = "resolve",
                [HTTP_FAULT_CONNECT] = "connect",
                [HTTP_FAULT_TIMEOUT] = "timeout",
                [HTTP_FAULT_CLOSED] = "closed",
                [HTTP_FAULT_PROTOCOL] = "protocol",
                [HTTP_FAULT_TLS_AUTHORITY] = "tls-authority",
                [HTTP_FAULT_TLS_EXPIRED] = "tls-expired",
                [HTTP_FAULT_TLS_NAME] = "tls-name",
                [HTTP_FAULT_TLS_VERSION] = "tls-version",
                [HTTP_FAULT_TLS_REFUSED] = "tls-refused",
                [HTTP_FAULT_TLS_OTHER] = "tls-other",
                [HTTP_FAULT_LOCAL] = "local",
        };

        return (size_t)fault < ELEMENTSOF(names) ? names[fault] : NULL;
}

static _printf_(3, 4) HttpFault http_fault_say(HttpFault fault, char *text, const char *format, ...) {
        va_list args;

        va_start(args, format);
        /* A sentence cut short is still a sentence to read. clang 14 loses sight of va_start() here. */
        (void)vsnprintf(text, HTTP_FAULT_TEXT_MAX, format, args); /* NOLINT(clang-analyzer-valist.Uninitialized) */
        va_end(args);
        return fault;
}

/* The OpenSSL reason in libcurl's text; 0 none. */
static int http_fault_reason(const char *detail) {
        const char *number = strstr(detail, "error:");
        unsigned long code;
        char *end;

        if (!number)
                return 0;
        code = strtoul(number + strlen("error:"), &end, 16);
        if (*end != ':' || ERR_GET_LIB(code) != ERR_LIB_SSL)
                return 0;
        return ERR_GET_REASON(code);
}

static HttpFault http_fault_of_certificate(const HttpFailure *f, char *text) {
        switch (f->verify_error) {
        case X509_V_OK: /* nothing wrong with the chain, so it is the name that libcurl refused ... */
        case X509_V_ERR_UNSPECIFIED: /* ... before it asked OpenSSL for the result and had its initial value replaced */
        case X509_V_ERR_HOSTNAME_MISMATCH:
        case X509_V_ERR_IP_ADDRESS_MISMATCH:
                return http_fault_say(HTTP_FAULT_TLS_NAME, text,
                                      "the certificate that %s shows is made for another name; check the address and "
                                      "the server",
                                      f->host);
        case X509_V_ERR_CERT_HAS_EXPIRED:
                return http_fault_say(HTTP_FAULT_TLS_EXPIRED, text,
                                      "the certificate of %s expired on %s and this box believes it is %s; check the "
                                      "server, or this box's clock",
                                      f->host, f->not_after, f->today);
        case X509_V_ERR_CERT_NOT_YET_VALID:
                return http_fault_say(HTTP_FAULT_TLS_EXPIRED, text,
                                      "the certificate of %s is not valid before %s and this box believes it is %s; "
                                      "check this box's clock, or the server",
                                      f->host, f->not_before, f->today);
        default:
                return http_fault_say(HTTP_FAULT_TLS_AUTHORITY, text,
                                      "the certificate of %s is not from the expected authority (%s); check the CA "
                                      "file, and that this is the right server",
                                      f->host, X509_verify_cert_error_string(f->verify_error));
        }
}

/* Of the handshake, and of what a TLS 1.3 server says about our certificate after it. HTTP_FAULT_MAX: neither. */
static HttpFault http_fault_of_handshake(const HttpFailure *f, char *text) {
        switch (http_fault_reason(f->detail)) {
        case SSL_R_UNSUPPORTED_PROTOCOL:
        case SSL_R_UNSUPPORTED_SSL_VERSION:
        case SSL_R_VERSION_TOO_LOW:
        case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
                return http_fault_say(HTTP_FAULT_TLS_VERSION, text,
                                      "the server %s speaks no TLS 1.2 or later, and nothing older will do; update it",
                                      f->host);
        case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE: /* TLS 1.2 servers say so when they miss a certificate */
        case SSL_R_SSLV3_ALERT_NO_CERTIFICATE:
        case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
        case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
        case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
        case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
        case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
        case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
        case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
        case SSL_R_TLSV1_ALERT_DECRYPT_ERROR:
        case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
                return http_fault_say(HTTP_FAULT_TLS_REFUSED, text,
                                      "the server %s refused this box's certificate; check the certificate file, and "
                                      "that the server knows its authority",
                                      f->host);
        case SSL_R_WRONG_VERSION_NUMBER:
        case SSL_R_HTTP_REQUEST:
                return http_fault_say(HTTP_FAULT_TLS_OTHER, text, "what answers at %s does not speak TLS", f->host);
        default:
                return HTTP_FAULT_MAX;
        }
}

static HttpFault http_fault_of_transport(const HttpFailure *f, char *text) {
        switch ((unsigned)f->code) {
        case CURLE_COULDNT_RESOLVE_HOST:
                return http_fault_say(HTTP_FAULT_RESOLVE, text, "cannot find the address of %s", f->host);
        case CURLE_COULDNT_CONNECT:
                errno = f->os_errno;
                if (f->os_errno == 0)
                        return http_fault_say(HTTP_FAULT_CONNECT, text, "cannot connect to %s", f->host);
                return http_fault_say(HTTP_FAULT_CONNECT, text, "cannot connect to %s: %m", f->host);
        case CURLE_OPERATION_TIMEDOUT:
                return http_fault_say(HTTP_FAULT_TIMEOUT, text, "the server %s did not answer in time", f->host);
        case CURLE_WEIRD_SERVER_REPLY:
        case CURLE_UNSUPPORTED_PROTOCOL: /* HTTP/0.9 */
        case CURLE_WRITE_ERROR:          /* our own callback refused more headers */
        case CURLE_BAD_CONTENT_ENCODING:
                return http_fault_say(HTTP_FAULT_PROTOCOL, text, "what %s answered is not usable HTTP", f->host);
        case CURLE_SSL_CONNECT_ERROR:
        case CURLE_SSL_CIPHER:
        case CURLE_SSL_ISSUER_ERROR:
        case CURLE_SSL_INVALIDCERTSTATUS:
                return http_fault_say(HTTP_FAULT_TLS_OTHER, text, "no TLS connection with %s: %s", f->host, f->detail);
        case CURLE_SSL_CACERT_BADFILE:
                return http_fault_say(HTTP_FAULT_LOCAL, text, "the CA file cannot be read or holds no certificate");
        case CURLE_SSL_CERTPROBLEM:
                return http_fault_say(HTTP_FAULT_LOCAL, text,
                                      "this box's certificate or key file cannot be read, or they are not a pair");
        case CURLE_OUT_OF_MEMORY:
        case CURLE_FAILED_INIT:
                return http_fault_say(HTTP_FAULT_LOCAL, text, "out of memory");
        default: /* send, receive, partial, HTTP/2 stream errors: whatever its name, the connection is gone */
                return http_fault_say(HTTP_FAULT_CLOSED, text,
                                      "the server %s closed the connection before it had answered", f->host);
        }
}

/**
 * http_fault_translate() - say why there is no answer
 * @failure:  what is known; all strings borrowed and not NULL
 * @ret_text: one sentence without its full stop, path, query or body
 *
 * Return: the fault, never HTTP_FAULT_NONE.
 */
HttpFault http_fault_translate(const HttpFailure *failure, char ret_text[static HTTP_FAULT_TEXT_MAX]) {
        HttpFault fault;

        if (failure->code == CURLE_PEER_FAILED_VERIFICATION)
                return http_fault_of_certificate(failure, ret_text);
        fault = http_fault_of_handshake(failure, ret_text);
        if (fault != HTTP_FAULT_MAX)
                return fault;
        return http_fault_of_transport(failure, ret_text);
}
