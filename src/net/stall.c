/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * When a request has stalled. Floor 2, pure.
 *
 * libcurl's own low speed limit wakes the process every second, ends with the handshake, and takes bytes that lie in
 * the kernel's send buffer for sent, so that a slow link looks stalled while it still empties that buffer. Here two
 * things are counted, in every phase and looked at four times per timeout: what libcurl took from and gave to the
 * request, and what the peer acknowledged and sent on the connections (tcp-socket.c). While only the latter moves it
 * may be the rest of this request, or a handshake, or somebody else's request: that is believed for a few timeouts.
 */
#include "stall.h"
#include "trailkeep/macros.h"

/**
 * stall_init() - begin to watch
 * @stall:        filled in
 * @timeout_usec: how long nothing may move, in µs, not 0
 * @now_usec:     boottime in µs
 */
void stall_init(Stall *stall, uint64_t timeout_usec, uint64_t now_usec) {
        *stall = (Stall){
                .timeout_usec = timeout_usec,
                .request.since_usec = now_usec,
                .link.since_usec = now_usec,
        };
}

/* How long that counter has been still. It may go back, when a request begins anew on another connection. */
static uint64_t stall_counter_silent_usec(StallCounter *counter, uint64_t bytes, uint64_t now_usec) {
        if (MAX(bytes, counter->bytes) - MIN(bytes, counter->bytes) >= STALL_BYTES_MIN)
                *counter = (StallCounter){ .bytes = bytes, .since_usec = now_usec };
        return now_usec - counter->since_usec;
}

/**
 * stall_check() - look whether anything moved
 * @stall:         state, changed
 * @request_bytes: how far the request has come
 * @link_bytes:    what went over the connections
 * @now_usec:      boottime in µs
 *
 * Return: 0 when the request has stalled, otherwise the delay in µs after which to look again.
 */
uint64_t stall_check(Stall *stall, uint64_t request_bytes, uint64_t link_bytes, uint64_t now_usec) {
        uint64_t request_usec = stall_counter_silent_usec(&stall->request, request_bytes, now_usec);
        uint64_t link_usec = stall_counter_silent_usec(&stall->link, link_bytes, now_usec);
        uint64_t silent_usec = MIN(request_usec, link_usec);

        if (silent_usec >= stall->timeout_usec || request_usec >= STALL_GRACE * stall->timeout_usec)
                return 0;
        return MIN(MAX(stall->timeout_usec / 4, UINT64_C(1)), stall->timeout_usec - silent_usec);
}
