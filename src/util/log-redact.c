/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The net below the rule that nothing personal is logged: masks what looks like it, in place, character by character,
 * so that it can neither fail nor need memory. Floor 0, pure.
 *
 * Masked is:
 *   coordinate    a number with three decimals or more ("52.516", "5.25e+01" with as many), any number before a degree
 *                 sign, and degrees and minutes of NMEA 0183 ("5230.97,N"); 0.001 degree is about 100 m
 *   e-mail        name@host.name
 *   credentials   what stands between "://" and "@" in a URL, and a URL's query
 *   token         the word after "Bearer" or "Basic"; 20 characters or more that mix upper case, lower case and digits;
 *                 32 hexadecimal digits or more
 *   telephone     "+" and seven digits or more
 *
 * Not masked are dotted addresses and versions (127.0.0.1, 3.25.1), the seconds of a time (17:33:23.000), and UUIDs,
 * which name objects and installations and no person.
 */
#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include "trailkeep/log.h"

#define COORDINATE_DECIMALS_MIN 3
#define TOKEN_MIXED_MIN 20
#define TOKEN_HEX_MIN 32
#define TELEPHONE_DIGITS_MIN 7
#define DIGITS "0123456789"

static bool is_digit(char c) {
        return c >= '0' && c <= '9';
}

static bool is_alpha(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_word(char c) {
        return is_digit(c) || is_alpha(c);
}

static void mask(char *from, const char *to) {
        for (; from < to; from++)
                *from = '*';
}

/* Length of the exponent at s, or 0. */
static size_t exponent_length(const char *s) {
        size_t n = 1, n_digits;

        if (*s != 'e' && *s != 'E')
                return 0;
        if (s[n] == '+' || s[n] == '-')
                n++;
        n_digits = strspn(s + n, DIGITS);
        return n_digits > 0 ? n + n_digits : 0;
}

/* Length of degrees, minutes and seconds at s, by whole characters of UTF-8. */
static size_t degrees_length(const char *s) {
        static const char *const signs[] = { "\302\260", "\342\200\262", "\342\200\263", "'", "\"", " ", "." };
        size_t n = 0, n_before;

        do {
                n_before = n;
                n += strspn(s + n, DIGITS);
                for (size_t i = 0; i < ELEMENTSOF(signs); i++)
                        if (strncmp(s + n, signs[i], strlen(signs[i])) == 0)
                                n += strlen(signs[i]);
        } while (n > n_before);
        return n;
}

/* Length of what to mask of the number that starts at s, or 0 when it may stay. */
static size_t coordinate_length(const char *s) {
        size_t n = strspn(s, DIGITS), n_decimals = 0;

        if (s[n] == '.') {
                n_decimals = strspn(s + n + 1, DIGITS);
                if (n_decimals > 0)
                        n += 1 + n_decimals;
                if (s[n] == '.' && is_digit(s[n + 1]))
                        return 0; /* a dotted address or version */
        }
        n += exponent_length(s + n);
        if (strncmp(s + n, "\302\260", 2) == 0) /* the degree sign in UTF-8 */
                return n + degrees_length(s + n);
        if (n_decimals > 0 && s[n] == ',' && s[n + 1] && strchr("NSEW", s[n + 1]) && !is_word(s[n + 2]))
                return n;
        return n_decimals >= COORDINATE_DECIMALS_MIN ? n : 0;
}

static void redact_coordinates(char *line) {
        char *p = line;

        while (*p) {
                bool is_continued = p > line && (p[-1] == '.' || p[-1] == ':') && p > line + 1 && is_digit(p[-2]);
                size_t n;

                if (!is_digit(*p)) {
                        p++;
                        continue;
                }
                n = is_continued ? 0 : coordinate_length(p);
                if (n > 0)
                        mask(p > line && p[-1] == '-' ? p - 1 : p, p + n);
                else
                        n = strspn(p, DIGITS);
                p += n;
        }
}

static void redact_url(char *line) {
        char *p = line;

        while ((p = strstr(p, "://"))) {
                size_t n, n_userinfo = 0;
                char *query;

                p += 3;
                n = strcspn(p, " \"'<>");
                for (size_t i = 0; i < n && p[i] != '/' && p[i] != '?'; i++)
                        if (p[i] == '@')
                                n_userinfo = i;
                mask(p, p + n_userinfo);
                query = memchr(p, '?', n);
                if (query)
                        mask(query + 1, p + n);
                p += n;
        }
}

static bool is_mail_name(char c) {
        return is_word(c) || (c != 0 && strchr("._%+-", c));
}

static void redact_mail(char *line) {
        for (char *at = strchr(line, '@'); at; at = strchr(at + 1, '@')) {
                char *from = at, *to = at + 1;
                bool has_dot = false;

                while (from > line && (is_mail_name(from[-1]) || (unsigned char)from[-1] >= 0x80))
                        from--;
                for (; is_word(*to) || *to == '-' || (*to == '.' && is_word(to[1])); to++)
                        has_dot = has_dot || *to == '.';
                if (from < at && has_dot)
                        mask(from, to);
        }
}

static bool looks_like_token(const char *s, size_t n) {
        size_t n_upper = 0, n_lower = 0, n_digit = 0, n_hex = 0;

        for (size_t i = 0; i < n; i++) {
                n_upper += s[i] >= 'A' && s[i] <= 'Z';
                n_lower += s[i] >= 'a' && s[i] <= 'z';
                n_digit += is_digit(s[i]);
                n_hex += is_digit(s[i]) || (is_alpha(s[i]) && (s[i] | 0x20) <= 'f');
        }
        if (n >= TOKEN_HEX_MIN && n_hex == n)
                return true;
        return n >= TOKEN_MIXED_MIN && n_upper > 0 && n_lower > 0 && n_digit > 0;
}

static void redact_tokens(char *line) {
        static const char *const schemes[] = { "Bearer ", "Basic " };
        static const char token_characters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" DIGITS "_+-";

        for (char *p = line; *p;) {
                size_t n = strspn(p, token_characters);

                for (size_t i = 0; i < ELEMENTSOF(schemes); i++)
                        if (strncasecmp(p, schemes[i], strlen(schemes[i])) == 0) {
                                char *word = p + strlen(schemes[i]);

                                mask(word, word + strcspn(word, " \"'"));
                        }
                if (looks_like_token(p, n))
                        mask(p, p + n);
                p += n > 0 ? n : 1;
        }
}

static void redact_telephones(char *line) {
        for (char *p = strchr(line, '+'); p; p = strchr(p + 1, '+')) {
                size_t n = strspn(p + 1, DIGITS " -()/"), n_digits = 0;

                for (size_t i = 1; i <= n; i++)
                        n_digits += is_digit(p[i]);
                if (n_digits >= TELEPHONE_DIGITS_MIN)
                        mask(p, p + 1 + n);
        }
}

/**
 * log_redact() - mask what looks like personal data or a credential
 * @line:       0-terminated, changed in place; keeps its length
 */
void log_redact(char *line) {
        /* Credentials first: the later masks would tear holes into what marks a URL as one. */
        redact_url(line);
        redact_tokens(line);
        redact_mail(line);
        redact_telephones(line);
        redact_coordinates(line);
}
