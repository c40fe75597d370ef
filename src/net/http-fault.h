/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What libcurl and OpenSSL say, as an HttpFault and a sentence. Floor 2, pure.
 */
#include <curl/curl.h>
#include "trailkeep/http.h"

#define HTTP_FAULT_TEXT_MAX 512

typedef struct HttpFailure {
        CURLcode code;
        long verify_error;     /* X509_V_*, of the server's certificate */
        const char *detail;    /* libcurl's error buffer */
        int os_errno;          /* of a failed connect; 0 none */
        const char *host;      /* as in the URL */
        const char *not_after; /* days of the refused certificate, "2026-11-23"; "" unknown */
        const char *not_before;
        const char *today;     /* the day it was checked against */
} HttpFailure;

HttpFault http_fault_translate(const HttpFailure *failure, char ret_text[static HTTP_FAULT_TEXT_MAX]);
