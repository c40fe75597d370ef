/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Bytes from gpsd to lines, within a bound. Floor 2, pure.
 */
#include <stdbool.h>
#include <stddef.h>

#define GNSS_LINE_MAX_BYTES ((size_t)32 * 1024) /* a SKY of 140 satellites has some 15 KiB */

typedef struct GnssLines {
        size_t begin, end; /* of what is not handed out yet */
        char data[GNSS_LINE_MAX_BYTES + 1];
} GnssLines;

void gnss_lines_init(GnssLines *lines); /* wipes; also to begin anew */
char *gnss_lines_space(GnssLines *lines, size_t *ret_size);
void gnss_lines_add(GnssLines *lines, size_t size);
char *gnss_lines_next(GnssLines *lines, size_t *ret_size);
bool gnss_lines_is_full(const GnssLines *lines);
