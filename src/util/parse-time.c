/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Dates of RFC 3339 in UTC and back. Floor 0, pure: no tables, no locale, no time zone.
 *
 * The calendar is the proleptic Gregorian one. A year is taken to begin in March, so that the leap day is its last one
 * and the days before a month follow from one product; 400 years are one era of 146097 days.
 */
#include <errno.h>
#include <stdio.h>
#include "trailkeep/parse.h"

#define MS_PER_SEC INT64_C(1000)
#define MS_PER_DAY (86400 * MS_PER_SEC)
#define DAYS_PER_ERA INT64_C(146097)
#define DAYS_TO_1970 INT64_C(719468) /* from 0000-03-01 */
#define RFC3339_FIRST_MS INT64_C(-62167219200000) /* 0000-01-01T00:00:00.000Z */
#define RFC3339_LAST_MS INT64_C(253402300799999)  /* 9999-12-31T23:59:59.999Z */

static int64_t days_from_date(int64_t year, int64_t month, int64_t day) {
        int64_t era, year_of_era, day_of_year, day_of_era;

        year -= month <= 2;
        era = (year >= 0 ? year : year - 399) / 400;
        year_of_era = year - era * 400;
        day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
        day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        return era * DAYS_PER_ERA + day_of_era - DAYS_TO_1970;
}

static void date_from_days(int64_t days, int64_t *ret_year, int64_t *ret_month, int64_t *ret_day) {
        int64_t era, day_of_era, year_of_era, day_of_year, month;

        days += DAYS_TO_1970;
        era = (days >= 0 ? days : days - (DAYS_PER_ERA - 1)) / DAYS_PER_ERA;
        day_of_era = days - era * DAYS_PER_ERA;
        year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
        day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        month = (5 * day_of_year + 2) / 153;
        *ret_day = day_of_year - (153 * month + 2) / 5 + 1;
        *ret_month = month < 10 ? month + 3 : month - 9;
        *ret_year = year_of_era + era * 400 + (*ret_month <= 2);
}

static int64_t days_of_month(int64_t year, int64_t month) {
        static const int64_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
        bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

        return days[month - 1] + (month == 2 && is_leap);
}

/* Exactly n digits and then the given character; moves *p behind it. */
static int take_field(const char **p, unsigned n, char end, int64_t *ret) {
        int64_t value = 0;

        for (; n > 0; n--, (*p)++) {
                if (**p < '0' || **p > '9')
                        return -EINVAL;
                value = value * 10 + (**p - '0');
        }
        if (end) {
                if (**p != end)
                        return -EINVAL;
                (*p)++;
        }
        *ret = value;
        return 0;
}

/* [. digits] Z and the end. What is finer than a millisecond is cut off. */
static int take_fraction_and_zone(const char *p, int64_t *ret_ms) {
        int64_t ms = 0, scale = 100;

        if (*p == '.') {
                p++;
                if (*p < '0' || *p > '9')
                        return -EINVAL;
                for (; *p >= '0' && *p <= '9'; p++, scale /= 10)
                        ms += (*p - '0') * scale;
        }
        if (p[0] != 'Z' || p[1] != 0)
                return -EINVAL;
        *ret_ms = ms;
        return 0;
}

/**
 * parse_rfc3339_ms() - a point in time in UTC, such as 2026-11-23T17:33:23.5Z
 * @s:          the string; "T" and "Z" in upper case
 * @ret_ms:     ms since 1970, negative before; untouched on failure. A leap second (23:59:60) is the second after it,
 *              as POSIX counts.
 *
 * Return: 0; -EINVAL if it is not of that form; -ERANGE if there is no such day or time of day.
 */
int parse_rfc3339_ms(const char *s, int64_t *ret_ms) {
        int64_t year, month, day, hour, minute, second, ms;
        const char *p = s;

        if (take_field(&p, 4, '-', &year) < 0 || take_field(&p, 2, '-', &month) < 0 ||
            take_field(&p, 2, 'T', &day) < 0 || take_field(&p, 2, ':', &hour) < 0 ||
            take_field(&p, 2, ':', &minute) < 0 || take_field(&p, 2, 0, &second) < 0 ||
            take_fraction_and_zone(p, &ms) < 0)
                return -EINVAL;
        if (month < 1 || month > 12 || day < 1 || day > days_of_month(year, month))
                return -ERANGE;
        if (hour > 23 || minute > 59 || second > 60 || (second == 60 && (hour != 23 || minute != 59)))
                return -ERANGE;

        ms += ((hour * 60 + minute) * 60 + second) * MS_PER_SEC;
        *ret_ms = days_from_date(year, month, day) * MS_PER_DAY + ms;
        return 0;
}

/**
 * format_rfc3339_ms() - write a point in time in UTC with milliseconds
 * @time_ms:    ms since 1970
 * @ret:        "2026-11-23T17:33:23.000Z"; "" for TIME_MS_NONE and for years that four digits cannot say
 */
void format_rfc3339_ms(int64_t time_ms, char ret[static RFC3339_MS_MAX]) {
        int64_t year, month, day, days, ms;

        ret[0] = 0;
        if (time_ms < RFC3339_FIRST_MS || time_ms > RFC3339_LAST_MS)
                return;
        days = time_ms / MS_PER_DAY - (time_ms % MS_PER_DAY < 0);
        ms = time_ms - days * MS_PER_DAY;
        date_from_days(days, &year, &month, &day);
        /* The range check above bounds every field, so it always fits. */
        (void)snprintf(ret, RFC3339_MS_MAX, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", (unsigned)year % 10000,
                       (unsigned)month % 100, (unsigned)day % 100, (unsigned)(ms / 3600000) % 100,
                       (unsigned)(ms / 60000 % 60), (unsigned)(ms / 1000 % 60), (unsigned)(ms % 1000));
}
