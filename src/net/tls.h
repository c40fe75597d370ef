/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * TLS as every connection of ours has it. Floor 2.
 */
#include <curl/curl.h>
#include <openssl/types.h>
#include "trailkeep/http.h"
#include "trailkeep/macros.h"

#define TLS_DAY_MAX 16 /* "2026-11-23" and the 0 */

typedef struct Tls {
        HttpClock clock;
        char *ca_file, *cert_file, *key_file; /* NULL: none */
        /* Of the last server certificate whose date was refused. */
        char not_before[TLS_DAY_MAX], not_after[TLS_DAY_MAX];
        int64_t judged_sec; /* what time that was judged at */
        /* When the last accepted server certificate is valid. */
        int64_t valid_from_sec, valid_until_sec;
} Tls;

int tls_init(Tls *tls, const HttpOptions *options) _must_check_;
void tls_done(Tls *tls);
CURLcode tls_apply(Tls *tls, CURL *easy) _must_check_;
void tls_get_time(const HttpClock *clock, HttpTime *ret);
bool tls_is_valid_at(const Tls *tls, int64_t utc_sec);
void tls_format_asn1_day(const ASN1_TIME *time, char ret[static TLS_DAY_MAX]);
void tls_format_day(int64_t time_sec, char ret[static TLS_DAY_MAX]);
