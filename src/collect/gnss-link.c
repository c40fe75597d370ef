/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One connection to gpsd at a time, on the loop, line by line. Floor 2.
 *
 * It knows neither gpsd's protocol nor time: which lines are good, how long to wait for them and when to try again is
 * the business of gnss.c. Whatever it has received is wiped when it is closed.
 */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include "trailkeep/file.h"
#include "gnss-link.h"

/**
 * gnss_link_init() - a link that is closed
 * @link:       overwritten
 * @event:      loop; a reference is kept
 * @address:    HOST:PORT, as gnss_address_parse() takes it
 * @observer:   copied
 *
 * Return: 0; -EINVAL for a wrong address. gnss_link_done() is due in both cases.
 */
int gnss_link_init(GnssLink *link, sd_event *event, const char *address, const GnssLinkObserver *observer) {
        memset(link, 0, sizeof(*link));
        link->fd = -1;
        link->event = sd_event_ref(event);
        link->observer = *observer;

        return gnss_address_parse(address, link->addresses, &link->n_addresses);
}

/* Hands on each whole line. A line may close the link, which empties the buffer and so ends this. */
static void take_lines(GnssLink *link) {
        size_t size;
        char *line;

        while ((line = gnss_lines_next(&link->lines, &size)))
                link->observer.line(line, size, link->observer.userdata);
        if (gnss_lines_is_full(&link->lines))
                link->observer.failed("sent a line without end", 0, link->observer.userdata);
}

static void read_some(GnssLink *link) {
        size_t size;
        char *space = gnss_lines_space(&link->lines, &size);
        ssize_t n = recv(link->fd, space, size, MSG_DONTWAIT);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return;
        if (n < 0) {
                link->observer.failed("broke the connection off", -errno, link->observer.userdata);
                return;
        }
        if (n == 0) {
                link->observer.failed("closed the connection", 0, link->observer.userdata);
                return;
        }
        gnss_lines_add(&link->lines, (size_t)n);
        take_lines(link);
}

static void close_socket(GnssLink *link) {
        sd_event_source_disable_unref(link->io);
        link->io = NULL;
        close_fdp(&link->fd);
        link->is_established = false;
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *userdata);

/* Begins with the address at i_address; those that fail at once are passed over. */
static int connect_next(GnssLink *link) {
        int r = -EADDRNOTAVAIL;

        for (; link->i_address < link->n_addresses; link->i_address++) {
                r = gnss_connect(link->addresses + link->i_address, &link->fd);
                if (r >= 0)
                        break;
        }
        if (r < 0)
                return r;
        return sd_event_add_io(link->event, &link->io, link->fd, EPOLLOUT, on_io, link);
}

static void finish_connect(GnssLink *link) {
        int r = gnss_connect_result(link->fd);

        if (r >= 0)
                r = sd_event_source_set_io_events(link->io, EPOLLIN);
        if (r >= 0) {
                link->is_established = true;
                return;
        }
        close_socket(link);
        link->i_address++;
        if (link->i_address < link->n_addresses) {
                r = connect_next(link);
                if (r >= 0)
                        return;
        }
        link->observer.failed("cannot be reached", r, link->observer.userdata);
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        GnssLink *link = userdata;

        if (link->is_established)
                read_some(link);
        else
                finish_connect(link);
        return 0;
}

/**
 * gnss_link_open() - begin to connect, to each of the addresses in turn
 * @link:       closed
 *
 * How it ends is told by the first line, or by the observer's failed().
 *
 * Return: 0; -errno of socket(2), connect(2) or the loop, and the observer is not called; gnss_link_close() is due.
 */
int gnss_link_open(GnssLink *link) {
        link->i_address = 0;

        return connect_next(link);
}

/**
 * gnss_link_send() - send a short command
 * @link:       on which a line has been received
 * @text:       0-terminated
 *
 * Return: 0; -errno of send(2); -EAGAIN too if not all of it fits, which the first bytes on a connection always do.
 */
int gnss_link_send(GnssLink *link, const char *text) {
        size_t size = strlen(text);
        ssize_t n = send(link->fd, text, size, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n < 0)
                return -errno;
        return (size_t)n == size ? 0 : -EAGAIN;
}

/**
 * gnss_link_close() - close the connection, or give up the attempt at one
 * @link:       if it is closed already nothing happens; allowed within the observer
 */
void gnss_link_close(GnssLink *link) {
        close_socket(link);
        link->n_closed++;
        gnss_lines_init(&link->lines);
}

/**
 * gnss_link_done() - close and let go of the loop
 * @link:       that gnss_link_init() has seen; not from within the observer
 */
void gnss_link_done(GnssLink *link) {
        gnss_link_close(link);
        link->event = sd_event_unref(link->event);
}
