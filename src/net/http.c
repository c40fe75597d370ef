/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * HTTPS requests on the loop. Floor 2.
 *
 * A slot is one request of somebody's. It is on the list of its Http while the request runs, and only then; whoever
 * started it frees it, before it ended, after, or from within done(). A result is delivered as the last thing a
 * callback of the loop does, so done() may free anything here.
 *
 *             answer, fault or stall: done()
 *   RUNNING ----------------------------------> ENDED
 *      |    http_free(): silent                   |
 *      |                                          |
 *      +------------- http_slot_free() -----------+----> gone
 */
#include "trailkeep/http.h"
#include <errno.h>
#include <string.h>
#include "curl-set.h"
#include "http-loop.h"
#include "http-transfer.h"
#include "stall.h"
#include "trailkeep/log.h"
#include "trailkeep/loop.h"

#define LOG_MODULE "net"

#define TIMEOUT_DEFAULT_USEC (60 * USEC_PER_SEC)
#define STALL_ACCURACY_USEC (100 * USEC_PER_MSEC)

struct Http {
        sd_event *event;
        const Clock *clock;
        uint64_t timeout_usec;
        Tls tls;
        HttpLoop *loop;
        HttpSlot *slots; /* running */
};

struct HttpSlot {
        Http *http; /* NULL: ended */
        HttpSlot *next;
        HttpTransfer transfer;
        Stall stall;
        Timer *stall_timer;
        HttpDone done;
        void *userdata;
};

/* Ends the request: off the list, off the loop, its memory gone but for the slot itself. */
static void http_slot_end(HttpSlot *slot, bool is_on_loop) {
        Http *http = slot->http;

        for (HttpSlot **p = &http->slots; *p; p = &(*p)->next)
                if (*p == slot) {
                        *p = slot->next;
                        break;
                }
        if (is_on_loop)
                http_loop_remove(http->loop, slot->transfer.easy);
        http_transfer_done(&slot->transfer);
        slot->stall_timer = timer_free(slot->stall_timer);
        slot->next = NULL;
        slot->http = NULL;
}

/* The slot, and Http itself, may be gone when this returns. */
static void http_slot_finish(HttpSlot *slot, CURLcode code, bool is_on_loop) {
        char text[HTTP_FAULT_TEXT_MAX];
        Http *http = slot->http;
        HttpResult result;
        HttpDate date;

        http_transfer_get_result(&slot->transfer, code, &http->tls, &result, text);
        if (result.status > 0 && http->tls.clock.date && http_transfer_get_date(&slot->transfer, &http->tls, &date))
                http->tls.clock.date(&date, http->tls.clock.userdata);
        log_debug("request ended: %s, status %u", http_fault_to_string(result.fault), result.status);
        http_slot_end(slot, is_on_loop);
        slot->done(&result, slot->userdata);
}

static void http_on_transfer_done(CURL *easy, CURLcode code, void *userdata) {
        Http *http = userdata;

        for (HttpSlot *slot = http->slots; slot; slot = slot->next)
                if (slot->transfer.easy == easy) {
                        http_slot_finish(slot, code, false);
                        return;
                }
}

static void http_slot_on_stall_timer(void *userdata) {
        HttpSlot *slot = userdata;
        uint64_t now_usec = clock_boottime_usec(slot->http->clock), next_usec;

        next_usec = stall_check(&slot->stall, http_transfer_moved_bytes(&slot->transfer),
                                http_loop_moved_bytes(slot->http->loop), now_usec);
        if (next_usec > 0 && timer_arm_in(slot->stall_timer, next_usec, STALL_ACCURACY_USEC) >= 0)
                return;
        http_slot_finish(slot, CURLE_OPERATION_TIMEDOUT, true);
}

/**
 * http_new() - prepare to make requests
 * @event:   the loop they run on; a reference is kept
 * @clock:   borrowed for the life of @ret
 * @options: copied
 * @ret:     the new object; opens nothing and costs next to nothing until the first request
 *
 * Files are not looked at: http_check_credentials() does that once, and each new connection reads them anew.
 *
 * Return: 0, or -errno.
 */
int http_new(sd_event *event, const Clock *clock, const HttpOptions *options, Http **ret) {
        _cleanup_(http_freep) Http *http = NULL;
        int r;

        http = calloc(1, sizeof(*http));
        if (!http)
                return -ENOMEM;
        http->event = sd_event_ref(event);
        http->clock = clock;
        http->timeout_usec = options->timeout_usec > 0 ? options->timeout_usec : TIMEOUT_DEFAULT_USEC;
        r = tls_init(&http->tls, options);
        if (r < 0)
                return r;
        r = http_loop_new(event, http_on_transfer_done, http, &http->loop);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(http);
        return 0;
}

/**
 * http_free() - cancel everything and close all connections
 * @http: may be NULL
 *
 * No done() is called. Slots that ran are ended and remain their owners' to free.
 *
 * Return: NULL.
 */
Http *http_free(Http *http) {
        if (!http)
                return NULL;
        while (http->slots)
                http_slot_end(http->slots, true);
        http_loop_free(http->loop);
        tls_done(&http->tls);
        sd_event_unref(http->event);
        free(http);
        return NULL;
}

static CURLcode http_limit_connecting(const Http *http, CURL *easy) {
        uint64_t timeout_ms = MIN(http->timeout_usec, USEC_PER_HOUR) / USEC_PER_MSEC + 1;

        CURL_SET(easy, CONNECTTIMEOUT_MS, (long)timeout_ms);
        return CURLE_OK;
}

static int http_slot_new(Http *http, const HttpRequest *request, HttpSlot **ret) {
        HttpSlot *slot;
        CURL *easy;
        int r;

        r = http_loop_make_easy(http->loop, &easy);
        if (r < 0)
                return r;
        slot = calloc(1, sizeof(*slot));
        if (!slot) {
                curl_easy_cleanup(easy);
                return -ENOMEM;
        }
        slot->http = http;
        r = http_transfer_init(&slot->transfer, easy, request, &http->tls, http->clock);
        if (r >= 0 && http_limit_connecting(http, easy) != CURLE_OK)
                r = -EINVAL;
        if (r >= 0)
                r = timer_new(http->event, http_slot_on_stall_timer, slot, &slot->stall_timer);
        if (r < 0) {
                http_transfer_done(&slot->transfer);
                free(slot);
                return r;
        }
        *ret = slot;
        return 0;
}

/**
 * http_start() - make a request
 * @http:     the object
 * @request:  copied but for the body, which is borrowed until done() was called or the slot freed
 * @done:     called once on the loop when there is an answer or it is clear that there will be none
 * @userdata: for @done
 * @ret_slot: the caller's to free; freeing it cancels
 *
 * Return: 0, -EINVAL when the URL is not https or carries a login or the method is unknown, or another -errno; on
 * failure @done is not called.
 */
int http_start(Http *http, const HttpRequest *request, HttpDone done, void *userdata, HttpSlot **ret_slot) {
        HttpSlot *slot;
        int r;

        r = http_slot_new(http, request, &slot);
        if (r < 0)
                return r;
        slot->done = done;
        slot->userdata = userdata;
        stall_init(&slot->stall, http->timeout_usec, clock_boottime_usec(http->clock));
        slot->next = http->slots;
        http->slots = slot;

        r = timer_arm_in(slot->stall_timer, http->timeout_usec / 4, STALL_ACCURACY_USEC);
        if (r >= 0)
                r = http_loop_add(http->loop, slot->transfer.easy);
        if (r < 0) {
                http_slot_end(slot, false);
                free(slot);
                return r;
        }
        *ret_slot = slot;
        return 0;
}

/**
 * http_slot_free() - cancel the request if it still runs, and forget it
 * @slot: may be NULL; may be freed within its own done()
 *
 * Return: NULL.
 */
HttpSlot *http_slot_free(HttpSlot *slot) {
        if (!slot)
                return NULL;
        if (slot->http)
                http_slot_end(slot, true);
        free(slot);
        return NULL;
}
