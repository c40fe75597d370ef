/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Bytes from gpsd to lines, within a bound. Floor 2, pure.
 *
 * The bytes are received straight into the buffer: ask for the space, fill some of it, say how much, take the lines.
 * What is left is the beginning of a line, which moves to the front for the next round.
 */
#include <string.h>
#include "trailkeep/bytes.h"
#include "gnss-lines.h"

/**
 * gnss_lines_init() - begin with nothing
 * @lines:      wiped, whatever it held
 */
void gnss_lines_init(GnssLines *lines) {
        bytes_wipe(lines, sizeof(*lines));
}

/**
 * gnss_lines_space() - where the next bytes go
 * @lines:      moved to the front, so that lines handed out before are gone
 * @ret_size:   bytes of space; 0 if a line is longer than the buffer
 *
 * Return: the space, borrowed until the next call.
 */
char *gnss_lines_space(GnssLines *lines, size_t *ret_size) {
        memmove(lines->data, lines->data + lines->begin, lines->end - lines->begin);
        lines->end -= lines->begin;
        lines->begin = 0;
        *ret_size = GNSS_LINE_MAX_BYTES - lines->end;

        return lines->data + lines->end;
}

/**
 * gnss_lines_add() - say how much of the space has been filled
 * @lines:      changed
 * @size:       in bytes, at most what gnss_lines_space() said
 */
void gnss_lines_add(GnssLines *lines, size_t size) {
        lines->end += size;
}

/**
 * gnss_lines_next() - take the next whole line
 * @lines:      changed
 * @ret_size:   without the line end and the 0 byte; untouched if there is none
 *
 * Return: the line, 0-terminated, without its "\n" or "\r\n", writable, borrowed until gnss_lines_space() or
 * gnss_lines_init(); NULL if no whole line is there.
 */
char *gnss_lines_next(GnssLines *lines, size_t *ret_size) {
        char *line = lines->data + lines->begin;
        char *newline = memchr(line, '\n', lines->end - lines->begin);
        size_t size;

        if (!newline)
                return NULL;
        size = (size_t)(newline - line);
        lines->begin += size + 1;
        if (size > 0 && line[size - 1] == '\r')
                size--;
        line[size] = 0;
        *ret_size = size;

        return line;
}

/**
 * gnss_lines_is_full() - whether the line that has begun is longer than the buffer
 * @lines:      borrowed, after gnss_lines_next() has returned NULL
 *
 * Return: true if no space is left for it.
 */
bool gnss_lines_is_full(const GnssLines *lines) {
        return lines->end - lines->begin == GNSS_LINE_MAX_BYTES;
}
