/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libcurl's multi handle on sd-event. Floor 2.
 *
 * libcurl says through two callbacks which sockets and which single deadline it waits for; both become sources of the
 * loop, and their events go back through curl_multi_socket_action(). What has finished is reported from a defer source
 * of its own, one transfer per turn and nothing touched afterwards, so that the receiver may start, cancel and even
 * free everything here.
 *
 *              add                                remove the last one
 *   ABSENT ------------> RUNNING (n > 0) ------------------------------> LINGERING (n = 0)
 *     ^                     ^                          add                 |    |
 *     |                     +----------------------------------------------+    |
 *     +------------------------- LINGER_USEC later: connections closed ---------+
 *
 * The multi handle, its connections and whatever TLS keeps exist only between the first request and half a minute
 * after the last: long enough for the objects of one sending to share a connection, short enough that no idle
 * connection needs to be watched or kept alive, and the memory goes back.
 */
#include "http-loop.h"
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <sys/epoll.h>
#include "tcp-socket.h"
#include "trailkeep/log.h"
#include "trailkeep/loop.h"

#define LOG_MODULE "net"

#define LINGER_USEC (30 * USEC_PER_SEC)
#define LINGER_ACCURACY_USEC (10 * USEC_PER_SEC)
#define TIMER_ACCURACY_USEC (10 * USEC_PER_MSEC)

typedef struct HttpSocket HttpSocket;
struct HttpSocket {
        HttpSocket *next;
        sd_event_source *source;
        int fd;
};

struct HttpLoop {
        sd_event *event;
        HttpLoopDone done;
        void *userdata;
        CURLM *multi;                /* NULL: absent */
        Timer *timer;                /* libcurl's one deadline */
        Timer *linger_timer;
        sd_event_source *done_source;
        HttpSocket *sockets; /* those libcurl wants watched */
        unsigned n_running;
};

static void http_loop_act(HttpLoop *loop, curl_socket_t socket, int mask) {
        CURLMcode code;
        int n_running;

        code = curl_multi_socket_action(loop->multi, socket, mask, &n_running);
        if (code != CURLM_OK) /* the transfers concerned run into their stall timeout */
                log_debug("cannot drive transfers: %s", curl_multi_strerror(code));
        if (sd_event_source_set_enabled(loop->done_source, SD_EVENT_ONESHOT) < 0)
                log_debug("cannot enable the completion source");
}

static int http_loop_on_io(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        int mask = 0;

        if (events & EPOLLIN)
                mask |= CURL_CSELECT_IN;
        if (events & EPOLLOUT)
                mask |= CURL_CSELECT_OUT;
        if (events & (EPOLLERR | EPOLLHUP))
                mask |= CURL_CSELECT_ERR;
        http_loop_act(userdata, fd, mask);
        return 0;
}

static void http_loop_on_timer(void *userdata) {
        http_loop_act(userdata, CURL_SOCKET_TIMEOUT, 0);
}

static uint32_t http_loop_events(int what) {
        switch (what) {
        case CURL_POLL_IN:
                return EPOLLIN;
        case CURL_POLL_OUT:
                return EPOLLOUT;
        case CURL_POLL_INOUT:
                return EPOLLIN | EPOLLOUT;
        default: /* libcurl's own enumeration, open ended */
                return 0;
        }
}

static void http_loop_unwatch(HttpLoop *loop, HttpSocket *socket) {
        for (HttpSocket **p = &loop->sockets; *p; p = &(*p)->next)
                if (*p == socket) {
                        *p = socket->next;
                        break;
                }
        if (socket->source) {
                (void)sd_event_source_set_enabled(socket->source, SD_EVENT_OFF); /* fails only in a forked child */
                sd_event_source_unref(socket->source);
        }
        free(socket);
}

static int http_loop_watch(HttpLoop *loop, int fd, uint32_t events) {
        HttpSocket *socket;

        socket = calloc(1, sizeof(*socket));
        if (!socket)
                return -1;
        socket->fd = fd;
        socket->next = loop->sockets;
        loop->sockets = socket;
        if (sd_event_add_io(loop->event, &socket->source, fd, events, http_loop_on_io, loop) < 0 ||
            curl_multi_assign(loop->multi, fd, socket) != CURLM_OK) {
                http_loop_unwatch(loop, socket);
                return -1;
        }
        return 0;
}

/* libcurl: wait for this on that socket. What is returned other than 0 ends all transfers. */
static int http_loop_on_socket(CURL *easy, curl_socket_t fd, int what, void *userdata, void *socket_data) {
        HttpLoop *loop = userdata;
        HttpSocket *socket = socket_data;

        if (what == CURL_POLL_REMOVE) {
                /* Called before the descriptor is closed, so the loop never watches somebody else's. */
                if (socket)
                        http_loop_unwatch(loop, socket);
                return 0;
        }
        if (!socket)
                return http_loop_watch(loop, fd, http_loop_events(what));
        return sd_event_source_set_io_events(socket->source, http_loop_events(what)) < 0 ? -1 : 0;
}

/* libcurl: the one deadline is now this. */
static int http_loop_on_deadline(CURLM *multi, long timeout_ms, void *userdata) {
        uint64_t accuracy_usec = timeout_ms > 0 ? TIMER_ACCURACY_USEC : 1;
        HttpLoop *loop = userdata;

        if (timeout_ms < 0) {
                timer_disarm(loop->timer);
                return 0;
        }
        if (timer_arm_in(loop->timer, (uint64_t)timeout_ms * USEC_PER_MSEC, accuracy_usec) < 0)
                return -1;
        return 0;
}

static int http_loop_on_done(sd_event_source *source, void *userdata) {
        HttpLoop *loop = userdata;
        CURLMsg *message;
        CURLcode code;
        CURL *easy;
        int n_left;

        if (!loop->multi)
                return 0;
        message = curl_multi_info_read(loop->multi, &n_left);
        if (!message || message->msg != CURLMSG_DONE)
                return 0;

        /* Not valid any more once the handle is removed. */
        easy = message->easy_handle;
        code = message->data.result;
        http_loop_remove(loop, easy);
        if (n_left > 0 && sd_event_source_set_enabled(source, SD_EVENT_ONESHOT) < 0)
                log_debug("cannot enable the completion source");
        loop->done(easy, code, loop->userdata);
        return 0;
}

static void http_loop_close(HttpLoop *loop) {
        if (!loop->multi)
                return;
        curl_multi_cleanup(loop->multi);
        loop->multi = NULL;
        while (loop->sockets) /* libcurl has said REMOVE for each already */
                http_loop_unwatch(loop, loop->sockets);
        timer_disarm(loop->timer);
        timer_disarm(loop->linger_timer);
        curl_global_cleanup();
#ifdef __GLIBC__
        /* TLS leaves one to three hundred KiB of freed pages below younger allocations; only this gives them back. */
        (void)malloc_trim(0); /* says whether there was anything */
#endif
}

static void http_loop_linger(HttpLoop *loop) {
        if (timer_arm_in(loop->linger_timer, LINGER_USEC, LINGER_ACCURACY_USEC) < 0)
                log_debug("cannot arm the linger timer, connections stay open until the next request ends");
}

static void http_loop_on_linger(void *userdata) {
        HttpLoop *loop = userdata;

        if (loop->n_running == 0)
                http_loop_close(loop);
}

static int http_loop_open(HttpLoop *loop) {
        CURLM *multi;

        if (loop->multi)
                return 0;
        if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) /* counted by libcurl: one cleanup each */
                return -EIO;
        multi = curl_multi_init();
        if (!multi) {
                curl_global_cleanup();
                return -ENOMEM;
        }
        loop->multi = multi;
        if (curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, http_loop_on_socket) != CURLM_OK ||
            curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, loop) != CURLM_OK ||
            curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, http_loop_on_deadline) != CURLM_OK ||
            curl_multi_setopt(multi, CURLMOPT_TIMERDATA, loop) != CURLM_OK ||
            curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, 2L) != CURLM_OK) {
                http_loop_close(loop);
                return -EINVAL;
        }
        http_loop_linger(loop);
        return 0;
}

/**
 * http_loop_new() - prepare to run transfers
 * @event:    borrowed as a reference of its own
 * @done:     called on the loop for each transfer that ended by itself, already removed
 * @userdata: for @done
 * @ret:      the new loop; costs no libcurl state until the first transfer
 *
 * Return: 0, or -errno.
 */
int http_loop_new(sd_event *event, HttpLoopDone done, void *userdata, HttpLoop **ret) {
        _cleanup_(http_loop_freep) HttpLoop *loop = NULL;
        int r;

        loop = calloc(1, sizeof(*loop));
        if (!loop)
                return -ENOMEM;
        loop->event = sd_event_ref(event);
        loop->done = done;
        loop->userdata = userdata;

        r = timer_new(event, http_loop_on_timer, loop, &loop->timer);
        if (r < 0)
                return r;
        r = timer_new(event, http_loop_on_linger, loop, &loop->linger_timer);
        if (r < 0)
                return r;
        r = sd_event_add_defer(event, &loop->done_source, http_loop_on_done, loop);
        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(loop->done_source, SD_EVENT_OFF);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(loop);
        return 0;
}

/**
 * http_loop_free() - close everything
 * @loop: may be NULL; its transfers were removed before
 *
 * Return: NULL.
 */
HttpLoop *http_loop_free(HttpLoop *loop) {
        if (!loop)
                return NULL;
        http_loop_close(loop);
        if (loop->done_source) {
                (void)sd_event_source_set_enabled(loop->done_source, SD_EVENT_OFF); /* only a forked child could fail */
                sd_event_source_unref(loop->done_source);
        }
        timer_free(loop->timer);
        timer_free(loop->linger_timer);
        sd_event_unref(loop->event);
        free(loop);
        return NULL;
}

/**
 * http_loop_make_easy() - make the handle of a transfer
 * @loop: the loop; libcurl is set up where it was not, and taken down again soon if nothing follows
 * @ret:  a fresh handle, the caller's to clean up
 *
 * Return: 0, or -errno.
 */
int http_loop_make_easy(HttpLoop *loop, CURL **ret) {
        CURL *easy;
        int r;

        r = http_loop_open(loop);
        if (r < 0)
                return r;
        easy = curl_easy_init();
        if (!easy)
                return -ENOMEM;
        *ret = easy;
        return 0;
}

/**
 * http_loop_add() - start a transfer
 * @loop:       the loop
 * @easy:       of http_loop_make_easy(), with no turn of the loop between; borrowed until done() was called with it or
 *              it was removed
 *
 * Return: 0, or -errno; @easy is then not on the loop.
 */
int http_loop_add(HttpLoop *loop, CURL *easy) {
        CURLMcode code;

        code = curl_multi_add_handle(loop->multi, easy);
        if (code != CURLM_OK) {
                log_debug("cannot add a transfer: %s", curl_multi_strerror(code));
                if (loop->n_running == 0) /* whatever is wrong with it, the next one begins with a fresh one */
                        http_loop_close(loop);
                return code == CURLM_OUT_OF_MEMORY ? -ENOMEM : -EIO;
        }
        loop->n_running++;
        timer_disarm(loop->linger_timer);
        return 0;
}

/**
 * http_loop_remove() - end a transfer, finished or not
 * @loop: the loop
 * @easy: on the loop; a connection in the middle of a transfer is closed
 */
void http_loop_remove(HttpLoop *loop, CURL *easy) {
        CURLMcode code;

        code = curl_multi_remove_handle(loop->multi, easy);
        if (code != CURLM_OK)
                log_debug("cannot remove a transfer: %s", curl_multi_strerror(code));
        if (--loop->n_running == 0)
                http_loop_linger(loop);
}

/**
 * http_loop_moved_bytes() - how much went over the connections in use
 * @loop: the loop
 *
 * Return: bytes both ways of all sockets with a transfer on them; goes back when one is closed or rests.
 */
uint64_t http_loop_moved_bytes(const HttpLoop *loop) {
        uint64_t moved_bytes = 0;

        for (const HttpSocket *socket = loop->sockets; socket; socket = socket->next)
                moved_bytes += tcp_socket_moved_bytes(socket->fd);
        return moved_bytes;
}
