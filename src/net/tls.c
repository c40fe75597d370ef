/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * TLS as every connection of ours has it: 1.2 at least, the server's chain, dates and name verified, our client
 * certificate shown where there is one. Floor 2.
 *
 * libcurl sets most of it; what it has no option for is set on the SSL_CTX it hands out:
 *
 *   - certificates are judged at a time that HttpClock gives, and not at the kernel's, which may be that of 1970 or of
 *     2099. While true time is not known, all that is known is a moment it is not before (the release date at least).
 *     Then a chain is judged at the earliest moment from there on at which it can be valid: one is refused that has
 *     expired by then, and none because it begins later. Somebody with the key of a certificate that expired while the
 *     box was off can so be taken for the server, once and until it has learnt the time from it; the other way, a box
 *     with a wrong clock would be locked out from the only one who can put it right;
 *   - the dates of a refused certificate are noted, since nobody can act on "expired" alone;
 *   - session keys go to nobody, whatever the SSLKEYLOGFILE variable that libcurl obeys says.
 */
#include "tls.h"
#include <errno.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "build-config.h"
#include "curl-set.h"

/* Copies a file name; "" and NULL are none. */
static int tls_copy_name(const char *name, char **ret) {
        char *copy;

        if (!name || *name == '\0')
                return 0;
        copy = strdup(name);
        if (!copy)
                return -ENOMEM;
        *ret = copy;
        return 0;
}

/**
 * tls_init() - remember which files connections are made with
 * @tls:     filled in; tls_done() it, also after a failure
 * @options: borrowed for the call
 *
 * The files are read with each new connection, so that a renewed certificate is used without a restart.
 *
 * Return: 0, or -ENOMEM.
 */
int tls_init(Tls *tls, const HttpOptions *options) {
        int r;

        *tls = (Tls){ .clock = options->clock };
        r = tls_copy_name(options->ca_file, &tls->ca_file);
        if (r < 0)
                return r;
        r = tls_copy_name(options->cert_file, &tls->cert_file);
        if (r < 0)
                return r;
        return tls_copy_name(options->key_file, &tls->key_file);
}

/**
 * tls_done() - forget the files
 * @tls: what tls_init() filled in
 */
void tls_done(Tls *tls) {
        free(tls->ca_file);
        free(tls->cert_file);
        free(tls->key_file);
        *tls = (Tls){};
}

/**
 * tls_get_time() - what is known of true time
 * @clock: who knows
 * @ret:   never before the release date
 */
void tls_get_time(const HttpClock *clock, HttpTime *ret) {
        *ret = (HttpTime){ 0 };
        if (clock->get_time)
                clock->get_time(ret, clock->userdata);
        if (ret->utc_sec < (int64_t)TRAILKEEP_RELEASE_DATE_UNIX)
                *ret = (HttpTime){ .utc_sec = (int64_t)TRAILKEEP_RELEASE_DATE_UNIX };
}

/**
 * tls_is_valid_at() - whether the server's certificate is valid at a time
 * @tls:     after a connection was made with it
 * @utc_sec: since 1970
 *
 * Return: whether it is.
 */
bool tls_is_valid_at(const Tls *tls, int64_t utc_sec) {
        return utc_sec >= tls->valid_from_sec && utc_sec <= tls->valid_until_sec;
}

/**
 * tls_format_day() - a day for a person
 * @time_sec: seconds since 1970
 * @ret:      "2026-11-23", UTC; "" when it cannot be written
 */
void tls_format_day(int64_t time_sec, char ret[static TLS_DAY_MAX]) {
        time_t t = (time_t)time_sec;
        struct tm tm;

        if (!gmtime_r(&t, &tm) || strftime(ret, TLS_DAY_MAX, "%Y-%m-%d", &tm) == 0)
                ret[0] = '\0';
}

/**
 * tls_format_asn1_day() - a day out of a certificate, for a person
 * @time: the date
 * @ret:  "2026-11-23", UTC; "" when it cannot be written
 */
void tls_format_asn1_day(const ASN1_TIME *time, char ret[static TLS_DAY_MAX]) {
        struct tm tm;

        if (!time || ASN1_TIME_to_tm(time, &tm) != 1 || strftime(ret, TLS_DAY_MAX, "%Y-%m-%d", &tm) == 0)
                ret[0] = '\0';
}

static int tls_on_verify(int is_good, X509_STORE_CTX *store) {
        SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
        const X509 *cert = X509_STORE_CTX_get_current_cert(store);
        int error = X509_STORE_CTX_get_error(store);
        Tls *tls = ssl ? SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)) : NULL;

        if (is_good || !tls || !cert)
                return is_good;
        if (error == X509_V_ERR_CERT_HAS_EXPIRED || error == X509_V_ERR_CERT_NOT_YET_VALID) {
                tls_format_asn1_day(X509_get0_notBefore(cert), tls->not_before);
                tls_format_asn1_day(X509_get0_notAfter(cert), tls->not_after);
        }
        return is_good;
}

/* Seconds since 1970; @otherwise when the date cannot be read, which X509_verify_cert() then says. */
static int64_t asn1_to_sec(const ASN1_TIME *time, int64_t otherwise) {
        struct tm tm;

        return time && ASN1_TIME_to_tm(time, &tm) == 1 ? (int64_t)timegm(&tm) : otherwise;
}

/* The earliest moment from @utc_sec on at which none of what the server sent is yet to begin. */
static int64_t tls_first_valid_sec(X509_STORE_CTX *store, const X509 *cert, int64_t utc_sec) {
        const STACK_OF(X509) *sent = X509_STORE_CTX_get0_untrusted(store);

        utc_sec = MAX(utc_sec, asn1_to_sec(X509_get0_notBefore(cert), utc_sec));
        for (int i = 0; i < sk_X509_num(sent); i++)
                utc_sec = MAX(utc_sec, asn1_to_sec(X509_get0_notBefore(sk_X509_value(sent, i)), utc_sec));
        return utc_sec;
}

static int tls_on_chain(X509_STORE_CTX *store, void *userdata) {
        const X509 *cert = X509_STORE_CTX_get0_cert(store);
        Tls *tls = userdata;
        HttpTime now;
        int r;

        tls_get_time(&tls->clock, &now);
        if (!now.is_exact && cert)
                now.utc_sec = tls_first_valid_sec(store, cert, now.utc_sec);
        tls->judged_sec = now.utc_sec;
        X509_STORE_CTX_set_time(store, 0, (time_t)now.utc_sec);
        r = X509_verify_cert(store);
        if (r > 0 && cert) {
                tls->valid_from_sec = asn1_to_sec(X509_get0_notBefore(cert), INT64_MAX);
                tls->valid_until_sec = asn1_to_sec(X509_get0_notAfter(cert), INT64_MIN);
        }
        return r;
}

static CURLcode tls_on_context(CURL *easy, void *context, void *userdata) {
        SSL_CTX *ssl_context = context;
        Tls *tls = userdata;

        SSL_CTX_set_app_data(ssl_context, tls);
        SSL_CTX_set_verify(ssl_context, SSL_VERIFY_PEER, tls_on_verify);
        SSL_CTX_set_keylog_callback(ssl_context, NULL);
        SSL_CTX_set_cert_verify_callback(ssl_context, tls_on_chain, tls);
        return CURLE_OK;
}

/**
 * tls_apply() - give a request our TLS
 * @tls:  borrowed until the connections of @easy's multi handle are closed
 * @easy: the request's handle
 *
 * Return: CURLE_OK, or what libcurl refused.
 */
CURLcode tls_apply(Tls *tls, CURL *easy) {
        CURL_SET(easy, SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
        CURL_SET(easy, SSL_VERIFYPEER, 1L);
        CURL_SET(easy, SSL_VERIFYHOST, 2L);
        CURL_SET(easy, SSL_CTX_FUNCTION, tls_on_context);
        CURL_SET(easy, SSL_CTX_DATA, tls);
        if (tls->ca_file) {
                CURL_SET(easy, CAINFO, tls->ca_file);
                CURL_SET(easy, CAPATH, NULL); /* else the system's authorities count too */
        }
        if (tls->cert_file) {
                CURL_SET(easy, SSLCERT, tls->cert_file);
                CURL_SET(easy, SSLCERTTYPE, "PEM");
                CURL_SET(easy, SSLKEY, tls->key_file ? tls->key_file : tls->cert_file);
                CURL_SET(easy, SSLKEYTYPE, "PEM");
                CURL_SET(easy, KEYPASSWD, ""); /* an encrypted key fails, rather than OpenSSL asking on the terminal */
        }
        return CURLE_OK;
}
