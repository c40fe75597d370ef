/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * HTTPS requests on the loop: libcurl's multi interface driven by sd-event. Floor 2.
 *
 * Who starts a request owns its slot; freeing the slot cancels it, also from within its own callback. TLS 1.2 at least,
 * verification always on, no redirect followed, no proxy from the environment, bounded answers.
 *
 * Nothing of libcurl or TLS exists before the first request, and nothing half a minute after the last one: an idle daemon
 * pays for neither. The program ignores SIGPIPE.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>
#include "clock.h"
#include "macros.h"

typedef struct Http Http;
typedef struct HttpSlot HttpSlot;

/* What is known of true time when a certificate is to be judged. */
typedef struct HttpTime {
        int64_t utc_sec; /* since 1970 */
        bool is_exact;   /* false: all that is known is that it is not before utc_sec */
} HttpTime;

/* The Date of an answer (RFC 9110 §6.6.1) that came over verified TLS, from the server itself and not from a cache, and
 * lies within the time its certificate is valid for. */
typedef struct HttpDate {
        int64_t utc_usec;          /* since 1970 */
        uint64_t boottime_usec;    /* CLOCK_BOOTTIME when that was so */
        uint64_t uncertainty_usec; /* either way: what the way took, and the second a Date is cut to */
} HttpDate;

/* Wired by daemon/. get_time NULL: nothing is known but the release date; date may be NULL. */
typedef struct HttpClock {
        void (*get_time)(HttpTime *ret, void *userdata);
        void (*date)(const HttpDate *date, void *userdata); /* before the request's done(); frees nothing */
        void *userdata;
} HttpClock;

typedef struct HttpOptions {
        HttpClock clock;
        const char *ca_file;   /* PEM; NULL or "": the system's */
        const char *cert_file; /* PEM; NULL or "": none */
        const char *key_file;  /* PEM */
        uint64_t timeout_usec; /* of a stall, in every phase: next to nothing moved either way for that long; 0: 60 s */
} HttpOptions;

/* What kept an answer from arriving. */
typedef enum HttpFault {
        HTTP_FAULT_NONE,          /* there is a status */
        HTTP_FAULT_RESOLVE,
        HTTP_FAULT_CONNECT,
        HTTP_FAULT_TIMEOUT,
        HTTP_FAULT_CLOSED,        /* in the middle */
        HTTP_FAULT_PROTOCOL,      /* what came back is not HTTP, or has no end */
        HTTP_FAULT_TLS_AUTHORITY, /* the server's certificate is not from the expected authority */
        HTTP_FAULT_TLS_EXPIRED,   /* or not valid yet */
        HTTP_FAULT_TLS_NAME,
        HTTP_FAULT_TLS_VERSION,
        HTTP_FAULT_TLS_REFUSED,   /* the server refused our certificate */
        HTTP_FAULT_TLS_OTHER,
        HTTP_FAULT_LOCAL,         /* memory, a certificate file of ours */
        HTTP_FAULT_MAX,
} HttpFault;

typedef struct HttpRequest {
        const char *method;           /* "PUT", "GET", "HEAD", "DELETE" */
        const char *url;              /* https only, no user or password in it */
        const void *body;             /* borrowed until done or cancelled; NULL none */
        size_t n_body;
        const char *content_type;     /* NULL none */
        const char *content_encoding; /* NULL none */
} HttpRequest;

typedef struct HttpResult {
        HttpFault fault;
        unsigned status;            /* 0 with a fault */
        uint64_t retry_after_usec;  /* 0 none; seconds and HTTP-date forms (RFC 9110 §10.2.3), a day at most */
        const char *message;        /* one sentence without its full stop, no path, query or body; borrowed */
        uint64_t bytes_sent;        /* of the body */
} HttpResult;

typedef void (*HttpDone)(const HttpResult *result, void *userdata);

int http_new(sd_event *event, const Clock *clock, const HttpOptions *options, Http **ret) _must_check_;
Http *http_free(Http *http); /* cancels all, calls no done(); slots stay their owners' to free */
DEFINE_CLEANUP(Http, http_free);
/* -EINVAL: not https, or a method or URL that cannot be; done() is never called from within. */
int http_start(Http *http, const HttpRequest *request, HttpDone done, void *userdata, HttpSlot **ret_slot) _must_check_;
HttpSlot *http_slot_free(HttpSlot *slot);
DEFINE_CLEANUP(HttpSlot, http_slot_free);
const char *http_fault_to_string(HttpFault fault);
/* At start: are CA, certificate and key there, readable, a pair and in date? If not, a sentence into text. 0, -EKEYEXPIRED
 * when only the date is wrong (of the certificate or of this box), or another -errno. */
#define HTTP_CREDENTIALS_TEXT_MAX 512
int http_check_credentials(const HttpOptions *options, char text[static HTTP_CREDENTIALS_TEXT_MAX]) _must_check_;
