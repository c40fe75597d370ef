/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * One connection to gpsd at a time, on the loop, line by line. Floor 2.
 */
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>
#include "gnss-connect.h"
#include "gnss-lines.h"

/* Both may open and close the link. "what" is what gpsd did, a predicate to that subject. */
typedef struct GnssLinkObserver {
        void (*line)(char *line, size_t size, void *userdata); /* 0-terminated, writable, gone on return */
        void (*failed)(const char *what, int error, void *userdata); /* error is an -errno, or 0; still to be closed */
        void *userdata;
} GnssLinkObserver;

typedef struct GnssLink {
        sd_event *event;
        GnssLinkObserver observer;
        GnssAddress addresses[GNSS_ADDRESSES_MAX];
        size_t n_addresses;
        size_t i_address;    /* the one being tried */
        int fd;
        sd_event_source *io;
        bool is_established;
        uint64_t n_closed;   /* tells whoever has called an observer that the link is not the same any more */
        GnssLines lines;
} GnssLink;

int gnss_link_init(GnssLink *link, sd_event *event, const char *address, const GnssLinkObserver *observer) _must_check_;
int gnss_link_open(GnssLink *link) _must_check_;
int gnss_link_send(GnssLink *link, const char *text) _must_check_;
void gnss_link_close(GnssLink *link); /* idempotent */
void gnss_link_done(GnssLink *link);
