/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The Retry-After header in both of its forms (RFC 9110 §10.2.3). Floor 2, pure.
 *
 * The date form is a difference in disguise. It is taken against the Date of the same answer where there is one, since
 * a box that was just switched on may be years off; only without it does the box's own clock have to do.
 */
#include "retry-after.h"
#include <ctype.h>
#include <curl/curl.h>
#include <string.h>
#include "trailkeep/parse.h"

/**
 * retry_after_parse() - how long a server asks to be left alone
 * @value:         the header's value without surrounding blanks
 * @date:          value of the Date header of the same answer; "" none
 * @realtime_usec: this box's clock in µs since 1970, used when @date says nothing
 *
 * Return: the delay in µs, at most RETRY_AFTER_MAX_USEC; 0 when @value is in neither form or lies in the past.
 */
uint64_t retry_after_parse(const char *value, const char *date, uint64_t realtime_usec) {
        uint64_t delay_sec;
        int64_t until_sec, now_sec;

        /* Digits alone are seconds, however many: what does not fit is as long as we ever wait. */
        if (*value != '\0' && strspn(value, "0123456789") == strlen(value)) {
                if (parse_u64(value, 0, RETRY_AFTER_MAX_USEC / USEC_PER_SEC, &delay_sec) < 0)
                        return RETRY_AFTER_MAX_USEC;
                return delay_sec * USEC_PER_SEC;
        }

        /* curl_getdate() also takes bare numbers as dates; every HTTP-date begins with a day's name. */
        if (!isalpha((unsigned char)*value))
                return 0;
        until_sec = curl_getdate(value, NULL);
        if (until_sec < 0)
                return 0;

        now_sec = isalpha((unsigned char)*date) ? (int64_t)curl_getdate(date, NULL) : -1;
        if (now_sec < 0)
                now_sec = (int64_t)(realtime_usec / USEC_PER_SEC);
        if (until_sec <= now_sec)
                return 0;

        delay_sec = MIN((uint64_t)(until_sec - now_sec), RETRY_AFTER_MAX_USEC / USEC_PER_SEC);
        return delay_sec * USEC_PER_SEC;
}
