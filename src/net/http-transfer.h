/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * One request and its answer on a libcurl handle. Floor 2.
 */
#include <curl/curl.h>
#include "http-fault.h"
#include "tls.h"
#include "trailkeep/http.h"
#include "trailkeep/macros.h"

#define HTTP_VALUE_MAX 64

typedef struct HttpTransfer {
        CURL *easy;
        const Clock *clock;    /* borrowed */
        struct curl_slist *headers;
        char *host;
        const uint8_t *body; /* borrowed */
        size_t n_body, n_sent;
        size_t n_header_bytes, n_answer_bytes;
        bool is_answer_cut;  /* the status is in, the rest of the body is of no interest */
        char retry_after[HTTP_VALUE_MAX], date[HTTP_VALUE_MAX], age[HTTP_VALUE_MAX];
        uint64_t sent_usec;    /* CLOCK_BOOTTIME when the request was out, as far as is known */
        uint64_t date_usec;    /* when the Date came in */
        char error[CURL_ERROR_SIZE];
} HttpTransfer;

int http_transfer_init(HttpTransfer *transfer, CURL *easy, const HttpRequest *request, Tls *tls,
                       const Clock *clock) _must_check_;
void http_transfer_done(HttpTransfer *transfer);
uint64_t http_transfer_moved_bytes(const HttpTransfer *transfer);
void http_transfer_get_result(const HttpTransfer *transfer, CURLcode code, const Tls *tls, HttpResult *ret,
                              char ret_text[static HTTP_FAULT_TEXT_MAX]);
bool http_transfer_get_date(const HttpTransfer *transfer, const Tls *tls, HttpDate *ret);
