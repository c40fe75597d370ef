/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Strict parsing of numbers, spans and sizes: the whole string or an error. Floor 0, pure. Dates are in parse-time.c.
 *
 * strtoull() and friends are not used bare: they accept leading blanks and signs ("-1" is a huge number) and follow the
 * locale, which trailkeepctl sets.
 */
#include <errno.h>
#include <locale.h>
#include <string.h>
#include <strings.h>
#include "trailkeep/parse.h"

static bool is_digit(char c) {
        return c >= '0' && c <= '9';
}

/* Reads digits from *p on and moves *p behind them. -EINVAL: none; -ERANGE: too many. */
static int scan_digits(const char **p, uint64_t *ret) {
        uint64_t value = 0;

        if (!is_digit(**p))
                return -EINVAL;
        for (; is_digit(**p); (*p)++)
                if (__builtin_mul_overflow(value, UINT64_C(10), &value) ||
                    __builtin_add_overflow(value, (uint64_t)(**p - '0'), &value))
                        return -ERANGE;
        *ret = value;
        return 0;
}

/**
 * parse_u64() - a whole number in decimal, digits only
 * @s:          the string
 * @min:        smallest allowed
 * @max:        largest allowed
 * @ret:        the number; untouched on failure
 *
 * Return: 0; -EINVAL if it is not of that form; -ERANGE if it is out of range.
 */
int parse_u64(const char *s, uint64_t min, uint64_t max, uint64_t *ret) {
        uint64_t value;
        size_t n_digits = strspn(s, "0123456789");
        int r;

        if (n_digits == 0 || s[n_digits] != 0)
                return -EINVAL;
        r = scan_digits(&s, &value);
        if (r < 0)
                return r;
        if (value < min || value > max)
                return -ERANGE;
        *ret = value;
        return 0;
}

static size_t skip_digits(const char *s) {
        return strspn(s, "0123456789");
}

/* [-] digits [. digits] [e [+-] digits], as in JSON but for leading zeros, which do no harm. */
static bool is_decimal(const char *s) {
        size_t n;

        if (*s == '-')
                s++;
        n = skip_digits(s);
        if (n == 0)
                return false;
        s += n;
        if (*s == '.') {
                n = skip_digits(++s);
                if (n == 0)
                        return false;
                s += n;
        }
        if (*s == 'e' || *s == 'E') {
                s++;
                if (*s == '+' || *s == '-')
                        s++;
                n = skip_digits(s);
                if (n == 0)
                        return false;
                s += n;
        }
        return *s == 0;
}

/**
 * parse_double() - a decimal number; no "inf", no "nan", no hexadecimal, always a point
 * @s:          the string
 * @min:        smallest allowed
 * @max:        largest allowed
 * @ret:        the number; untouched on failure
 *
 * Return: 0; -EINVAL if it is not of that form; -ERANGE if it is out of range; -ENOMEM.
 */
int parse_double(const char *s, double min, double max, double *ret) {
        locale_t c_locale;
        double value;

        if (!is_decimal(s))
                return -EINVAL;
        c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
        if (c_locale == (locale_t)0)
                return -ENOMEM;
        value = strtod_l(s, NULL, c_locale);
        freelocale(c_locale);
        /* Written so that nothing unordered passes. Overflow came out as infinity, beyond any limit but infinity's. */
        if (!(value >= min && value <= max) || __builtin_isinf(value))
                return -ERANGE;
        *ret = value;
        return 0;
}

/**
 * parse_bool() - yes or no
 * @s:          "yes" "true" "on" "1" or "no" "false" "off" "0", in any case
 * @ret:        the answer; untouched on failure
 *
 * Return: 0; -EINVAL if it is neither.
 */
int parse_bool(const char *s, bool *ret) {
        static const char *const words[2][4] = { { "no", "false", "off", "0" }, { "yes", "true", "on", "1" } };

        for (size_t value = 0; value < 2; value++)
                for (size_t i = 0; i < ELEMENTSOF(words[value]); i++)
                        if (strcasecmp(s, words[value][i]) == 0) {
                                *ret = value == 1;
                                return 0;
                        }
        return -EINVAL;
}

static uint64_t unit_usec(const char *unit, size_t n_unit) {
        static const struct {
                const char *name;
                uint64_t usec;
        } units[] = {
                { "us", 1 },
                { "ms", USEC_PER_MSEC },
                { "s", USEC_PER_SEC },
                { "sec", USEC_PER_SEC },
                { "min", USEC_PER_MINUTE },
                { "h", USEC_PER_HOUR },
                { "d", USEC_PER_DAY },
                { "w", 7 * USEC_PER_DAY },
        };

        for (size_t i = 0; i < ELEMENTSOF(units); i++)
                if (strlen(units[i].name) == n_unit && memcmp(units[i].name, unit, n_unit) == 0)
                        return units[i].usec;
        return 0;
}

/**
 * parse_timespan() - a length of time
 * @s:          numbers with units us ms s sec min h d w, added up, blanks allowed between ("1min 30s"); or one number
 *              alone, which means seconds
 * @ret_usec:   in µs, below USEC_INFINITY; untouched on failure
 *
 * Return: 0; -EINVAL if it is not of that form; -ERANGE if it is too long.
 */
int parse_timespan(const char *s, uint64_t *ret_usec) {
        uint64_t total = 0, number, usec;
        bool is_first = true;

        for (const char *p = s; *p || is_first; is_first = false) {
                size_t n_unit;
                int r;

                r = scan_digits(&p, &number);
                if (r < 0)
                        return r;
                n_unit = strspn(p, "abcdefghijklmnopqrstuvwxyz");
                usec = n_unit > 0 ? unit_usec(p, n_unit) : is_first && *p == 0 ? USEC_PER_SEC : 0;
                if (usec == 0)
                        return -EINVAL;
                p += n_unit;
                if (__builtin_mul_overflow(number, usec, &number) || __builtin_add_overflow(total, number, &total) ||
                    total == USEC_INFINITY)
                        return -ERANGE;
                if (*p == ' ' && is_digit(p[strspn(p, " ")]))
                        p += strspn(p, " ");
        }
        *ret_usec = total;
        return 0;
}

/**
 * parse_size() - a number of bytes
 * @s:          a number, with K, M, G or T behind it for powers of 1024
 * @ret_bytes:  in bytes; untouched on failure
 *
 * Return: 0; -EINVAL if it is not of that form; -ERANGE if it needs more than 64 bits.
 */
int parse_size(const char *s, uint64_t *ret_bytes) {
        static const char suffixes[] = "KMGT";
        uint64_t value;
        int r;

        r = scan_digits(&s, &value);
        if (r < 0)
                return r;
        if (*s) {
                const char *suffix = strchr(suffixes, *s);

                if (!suffix || s[1] != 0)
                        return -EINVAL;
                if (__builtin_mul_overflow(value, UINT64_C(1024) << (10 * (suffix - suffixes)), &value))
                        return -ERANGE;
        }
        *ret_bytes = value;
        return 0;
}

/* Length of the UTF-8 sequence that starts at s, 0 when it is not one (RFC 3629 §4). */
static size_t utf8_sequence_length(const unsigned char *s, size_t size) {
        unsigned char low = 0x80, high = 0xbf;
        size_t n;

        if (s[0] < 0x80)
                return s[0] != 0;
        if (s[0] < 0xc2 || s[0] > 0xf4)
                return 0;
        n = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
        if (n > size)
                return 0;
        /* The second byte rules out overlong forms, surrogates and what lies beyond U+10FFFF. */
        if (s[0] == 0xe0)
                low = 0xa0;
        else if (s[0] == 0xf0)
                low = 0x90;
        else if (s[0] == 0xed)
                high = 0x9f;
        else if (s[0] == 0xf4)
                high = 0x8f;
        if (s[1] < low || s[1] > high)
                return 0;
        for (size_t i = 2; i < n; i++)
                if (s[i] < 0x80 || s[i] > 0xbf)
                        return 0;
        return n;
}

/* How many bytes at the start are ASCII and not 0, in steps of eight: nearly all text that comes here is. A byte of 0 or
 * above 0x7f has its highest bit set in the word or in the word less one in each byte; a borrow only follows a 0. */
static size_t ascii_length(const unsigned char *s, size_t size) {
        uint64_t word;
        size_t n = 0;

        for (; size - n >= sizeof(word); n += sizeof(word)) {
                memcpy(&word, s + n, sizeof(word));
                if ((word | (word - UINT64_C(0x0101010101010101))) & UINT64_C(0x8080808080808080))
                        break;
        }
        return n;
}

/**
 * utf8_is_valid() - whether bytes are text in UTF-8
 * @s:          bytes; need not be 0-terminated
 * @size:       in bytes
 *
 * Return: true if every sequence is well-formed by RFC 3629 and none is U+0000.
 */
bool utf8_is_valid(const char *s, size_t size) {
        const unsigned char *p = (const unsigned char *)s;

        while (size > 0) {
                size_t n = ascii_length(p, size);

                if (n == 0)
                        n = utf8_sequence_length(p, size);
                if (n == 0)
                        return false;
                p += n;
                size -= n;
        }
        return true;
}
