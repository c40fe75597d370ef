/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Moments as people type them. Floor 6; reads the time from the Clock it is given, the zone from TZ.
 *
 *   now  today  yesterday                  today and yesterday are local midnight
 *   2026-11-23                             local midnight
 *   2026-11-23 17:30[:05]                  local time; a T between date and time is fine too
 *   2026-11-23T17:30:05[.250]Z             RFC 3339 in UTC
 *   2h ago    "1d 12h ago"    -2h          a time span as in trailkeep.conf(5), back from now
 */
#include "moment.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "trailkeep/parse.h"

static int tm_to_ms(struct tm *tm, int64_t *ret_ms) {
        struct tm wanted = *tm;
        time_t seconds;

        tm->tm_isdst = -1;
        seconds = mktime(tm);
        /* mktime() makes 3 March of 31 February; that is a mistake here. The hour may move: summer time. */
        if (tm->tm_mday != wanted.tm_mday || tm->tm_mon != wanted.tm_mon || tm->tm_year != wanted.tm_year)
                return -EINVAL;

        *ret_ms = (int64_t)seconds * 1000;
        return 0;
}

static int parse_local(const char *text, int64_t *ret_ms) {
        static const char *const formats[] = { "%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M",
                                               "%Y-%m-%dT%H:%M:%S" };

        for (size_t i = 0; i < ELEMENTSOF(formats); i++) {
                struct tm tm = { 0 };
                const char *end = strptime(text, formats[i], &tm);

                if (end && *end == '\0')
                        return tm_to_ms(&tm, ret_ms);
        }

        return -EINVAL;
}

static int parse_midnight(int days_back, int64_t now_ms, int64_t *ret_ms) {
        time_t seconds = (time_t)(now_ms / 1000);
        struct tm tm;

        if (!localtime_r(&seconds, &tm))
                return -ERANGE;
        tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
        tm.tm_mday -= days_back;
        tm.tm_isdst = -1;
        *ret_ms = (int64_t)mktime(&tm) * 1000;
        return 0;
}

static int parse_back(const char *text, int64_t now_ms, int64_t *ret_ms) {
        char span[64];
        size_t n = strlen(text);
        uint64_t back_usec;
        int r;

        if (text[0] == '-') {
                text++;
                n--;
        } else if (n > 4 && strcmp(text + n - 4, " ago") == 0)
                n -= 4;
        else
                return -EINVAL;

        if (n == 0 || n >= sizeof(span))
                return -EINVAL;
        memcpy(span, text, n);
        span[n] = '\0';

        r = parse_timespan(span, &back_usec);
        if (r < 0)
                return r;
        if (back_usec / USEC_PER_MSEC > (uint64_t)now_ms)
                return -ERANGE;

        *ret_ms = now_ms - (int64_t)(back_usec / USEC_PER_MSEC);
        return 0;
}

/**
 * moment_parse() - read a moment
 * @text:       one of the forms at the head of this file
 * @clock:      what "now" is, its realtime
 * @ret_ms:     ms since 1970, UTC
 *
 * Return: 0, -EINVAL when it is of no known form, -ERANGE when it lies before 1970. @ret_ms is untouched on failure.
 */
int moment_parse(const char *text, const Clock *clock, int64_t *ret_ms) {
        int64_t now_ms = (int64_t)(clock_realtime_usec(clock) / USEC_PER_MSEC), ms;
        int r;

        if (strcmp(text, "now") == 0) {
                *ret_ms = now_ms;
                return 0;
        }
        if (strcmp(text, "today") == 0)
                return parse_midnight(0, now_ms, ret_ms);
        if (strcmp(text, "yesterday") == 0)
                return parse_midnight(1, now_ms, ret_ms);
        if (parse_rfc3339_ms(text, ret_ms) == 0)
                return 0;

        r = parse_back(text, now_ms, &ms);
        if (r == -EINVAL)
                r = parse_local(text, &ms);
        if (r < 0)
                return r;
        if (ms < 0)
                return -ERANGE;

        *ret_ms = ms;
        return 0;
}
