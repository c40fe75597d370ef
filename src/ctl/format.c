/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Values as people read them: times, spans, bytes, counts, and foreign text made safe for a terminal. Floor 6, pure but
 * for the locale and TZ.
 *
 * Spans are cut, never rounded up: "2 h" is at least two hours. Units are the SI symbols min, h and d, which need no
 * plural.
 */
#include "format.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <wchar.h>
#include <wctype.h>

#include "trailkeep/macros.h"

#include "i18n.h"

/**
 * format_span() - a length of time in its two largest units
 * @span_usec:  µs; USEC_INFINITY gives "unlimited"
 * @ret:        the text
 *
 * Return: @ret.
 */
char *format_span(uint64_t span_usec, char ret[static FORMAT_MAX]) {
        uint64_t seconds = span_usec / USEC_PER_SEC, minutes = seconds / 60, hours = minutes / 60, days = hours / 24;

        if (span_usec == USEC_INFINITY)
                snprintf(ret, FORMAT_MAX, "%s", _("unlimited"));
        else if (days >= 10 || (days > 0 && hours % 24 == 0))
                snprintf(ret, FORMAT_MAX, _("%" PRIu64 " d"), days);
        else if (days > 0)
                snprintf(ret, FORMAT_MAX, _("%" PRIu64 " d %" PRIu64 " h"), days, hours % 24);
        else if (hours > 0 && minutes % 60 == 0)
                snprintf(ret, FORMAT_MAX, _("%" PRIu64 " h"), hours);
        else if (hours > 0)
                snprintf(ret, FORMAT_MAX, _("%" PRIu64 " h %" PRIu64 " min"), hours, minutes % 60);
        else if (minutes > 0)
                snprintf(ret, FORMAT_MAX, _("%" PRIu64 " min"), minutes);
        else
                snprintf(ret, FORMAT_MAX, _("%" PRIu64 " s"), seconds);

        return ret;
}

/**
 * format_ago() - how long ago something was
 * @time_ms:    ms since 1970, or TIME_MS_NONE
 * @now_ms:     the time now, ms since 1970
 * @ret:        the text
 *
 * Return: @ret.
 */
char *format_ago(int64_t time_ms, int64_t now_ms, char ret[static FORMAT_MAX]) {
        char span[FORMAT_MAX];

        if (time_ms == TIME_MS_NONE) {
                snprintf(ret, FORMAT_MAX, "%s", _("never"));
                return ret;
        }
        if (time_ms > now_ms) {
                /* The clock of a box without a battery runs ahead or behind until the first fix. */
                if (time_ms - now_ms < 1000)
                        snprintf(ret, FORMAT_MAX, "%s", _("just now"));
                else
                        snprintf(ret, FORMAT_MAX, _("in %.60s"),
                                 format_span((uint64_t)(time_ms - now_ms) * USEC_PER_MSEC, span));
                return ret;
        }
        if (now_ms - time_ms < 1000)
                snprintf(ret, FORMAT_MAX, "%s", _("just now"));
        else
                snprintf(ret, FORMAT_MAX, _("%.60s ago"),
                         format_span((uint64_t)(now_ms - time_ms) * USEC_PER_MSEC, span));

        return ret;
}

/**
 * format_time() - a moment in local time, to the second
 * @time_ms:    ms since 1970, or TIME_MS_NONE
 * @ret:        the text
 *
 * Return: @ret.
 */
char *format_time(int64_t time_ms, char ret[static FORMAT_MAX]) {
        time_t seconds = (time_t)(time_ms / 1000 - (time_ms % 1000 < 0)); /* rounded down, before 1970 too */
        struct tm tm;

        /* The year of a broken clock may have more digits than time_t or the text can take. */
        if (time_ms == TIME_MS_NONE || !localtime_r(&seconds, &tm) ||
            strftime(ret, FORMAT_MAX, "%Y-%m-%d %H:%M:%S", &tm) == 0)
                snprintf(ret, FORMAT_MAX, "-");

        return ret;
}

/**
 * format_time_ago() - a moment in local time and how long ago it was
 * @time_ms:    ms since 1970, or TIME_MS_NONE
 * @now_ms:     the time now, ms since 1970
 * @ret:        the text
 *
 * Return: @ret.
 */
char *format_time_ago(int64_t time_ms, int64_t now_ms, char ret[static FORMAT_MAX]) {
        char local[FORMAT_MAX], ago[FORMAT_MAX];

        if (time_ms == TIME_MS_NONE)
                return format_ago(time_ms, now_ms, ret);

        snprintf(ret, FORMAT_MAX, "%.16s (%.60s)", format_time(time_ms, local), /* to the minute */
                 format_ago(time_ms, now_ms, ago));
        return ret;
}

/**
 * format_bytes() - a size in binary units
 * @bytes:      how many
 * @ret:        the text
 *
 * Return: @ret.
 */
char *format_bytes(uint64_t bytes, char ret[static FORMAT_MAX]) {
        static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
        double value = (double)bytes / 1024;
        size_t i = 0;

        if (bytes < 1024) {
                snprintf(ret, FORMAT_MAX, "%" PRIu64 " B", bytes);
                return ret;
        }
        /* 1023.95 would be printed as 1024.0 */
        while (value >= 1023.95 && i + 1 < ELEMENTSOF(units)) {
                value /= 1024;
                i++;
        }

        snprintf(ret, FORMAT_MAX, value < 99.95 ? "%.1f %s" : "%.0f %s", value, units[i]);
        return ret;
}

/**
 * format_degrees() - a coordinate to 7 places, about a centimetre
 * @degrees:    latitude or longitude
 * @ret:        the text
 *
 * With a decimal comma a pair of coordinates could not be read, nor pasted into a map.
 *
 * Return: @ret.
 */
char *format_degrees(double degrees, char ret[static FORMAT_MAX]) {
        char *comma;

        snprintf(ret, FORMAT_MAX, "%.7f", degrees);
        comma = strchr(ret, ',');
        if (comma)
                *comma = '.';

        return ret;
}

/**
 * format_count() - a count, its thousands grouped as the locale does
 * @count:      how many
 * @ret:        the text
 *
 * Return: @ret.
 */
char *format_count(uint64_t count, char ret[static FORMAT_MAX]) {
        snprintf(ret, FORMAT_MAX, "%'" PRIu64, count);
        return ret;
}

/**
 * text_dup_printable() - make foreign text safe for a terminal
 * @text:       UTF-8 from the bus, borrowed
 *
 * Control characters and bytes that are no character of the locale become '?'. An escape sequence in a name must not
 * reach the terminal.
 *
 * Return: a copy the caller frees, NULL when out of memory.
 */
char *text_dup_printable(const char *text) {
        char *copy = strdup(text), *p = copy;
        mbstate_t state = { 0 };

        while (p && *p) {
                wchar_t wide;
                size_t n = mbrtowc(&wide, p, MB_LEN_MAX < strlen(p) ? MB_LEN_MAX : strlen(p), &state);

                if (n == (size_t)-1 || n == (size_t)-2 || n == 0) {
                        *p = '?';
                        n = 1;
                        memset(&state, 0, sizeof(state));
                } else if (!iswprint((wint_t)wide)) {
                        memset(p, '?', n);
                }
                p += n;
        }

        return copy;
}

/* Columns of the character at text and its bytes; -1: a control character or none of the locale. */
static int char_width(const char *text, mbstate_t *state, size_t *ret_n) {
        wchar_t wide;
        size_t n = mbrtowc(&wide, text, strlen(text), state);

        if (n == 0 || n == (size_t)-1 || n == (size_t)-2) {
                memset(state, 0, sizeof(*state));
                *ret_n = 1;
                return -1;
        }

        *ret_n = n;
        return wcwidth(wide);
}

/**
 * text_wrap() - break a text into lines between its words
 * @text:       in the encoding of the locale; spaces become ends of line
 * @columns:    of the longest line; a word that is longer stays whole
 */
void text_wrap(char *text, size_t columns) {
        mbstate_t state = { 0 };
        char *space = NULL; /* last one of this line */
        size_t used = 0, used_at_space = 0, n;

        for (; *text; text += n) {
                int width = char_width(text, &state, &n);

                if (*text == ' ') {
                        space = text;
                        used_at_space = used + 1;
                }
                used += width > 0 ? (size_t)width : 1;
                if (used <= columns || !space)
                        continue;

                *space = '\n';
                space = NULL;
                used -= used_at_space;
        }
}

/**
 * text_clip() - shorten a text to a number of columns
 * @text:       in the encoding of the locale; cut between characters
 * @columns:    how many it may take
 *
 * Return: how many columns it takes now. A wide character counts two.
 */
size_t text_clip(char *text, size_t columns) {
        mbstate_t state = { 0 };
        size_t used = 0, n;

        for (; *text; text += n) {
                int width = char_width(text, &state, &n);

                if (width < 0 || used + (size_t)width > columns) {
                        *text = '\0';
                        break;
                }
                used += (size_t)width;
        }

        return used;
}
