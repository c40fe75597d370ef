/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * One line of gpsd's JSON to a Fix, and the sky that belongs to it. Floor 2; pure but for the heap.
 */
#include <gps.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "trailkeep/fix.h"

#define GNSS_SKIES_MAX 4 /* receivers whose sky is remembered; more take turns */

typedef enum GnssLine {
        GNSS_LINE_GARBAGE, /* nothing that gpsd says */
        GNSS_LINE_OTHER,   /* gpsd's, of no interest here */
        GNSS_LINE_VERSION, /* the banner */
        GNSS_LINE_SKY,
        GNSS_LINE_NO_FIX,  /* a TPV with mode < 2 */
        GNSS_LINE_FIX,
        GNSS_LINE_MAX,
} GnssLine;

/* What the SKYs of one epoch of one receiver have said, and whether it says them late. */
typedef struct GnssSky {
        char device[FIX_DEVICE_MAX];
        int64_t tpv_ms;      /* its last TPV, TIME_MS_NONE before */
        int64_t late_ms;     /* its last SKY that came after the TPV of its time */
        bool is_late;        /* there was one in the epoch before */
        bool is_used;
        uint64_t seen;       /* the parser's count when it was last heard of */
        int64_t time_ms;     /* TIME_MS_NONE: most NMEA receivers */
        bool has_epoch;      /* a TPV has come since, which tells the epoch where the SKY's own time does not */
        int64_t epoch_ms;    /* of that TPV */
        double hdop;
        int satellites_used;
} GnssSky;

typedef struct GnssParser {
        struct gps_data_t gps; /* some 24 KiB */
        GnssSky skies[GNSS_SKIES_MAX];
        uint64_t n_seen;
} GnssParser;

/* Both also begin anew after a reconnect; what the struct held is wiped. */
void gnss_parser_init(GnssParser *parser);
GnssLine gnss_parser_line(GnssParser *parser, char *line, size_t size, Fix *ret_fix);
bool gnss_parser_awaits_sky(const GnssParser *parser, const Fix *fix);
bool gnss_parser_complete(const GnssParser *parser, Fix *fix);
