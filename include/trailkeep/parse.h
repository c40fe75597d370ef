/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Strict parsing: the whole string or an error, never a prefix; no locale. -EINVAL: not of that form, -ERANGE: out of
 * range; the output is untouched on failure. Floor 0, pure.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "macros.h"

#define TIME_MS_NONE INT64_MIN /* there is no time */

int parse_u64(const char *s, uint64_t min, uint64_t max, uint64_t *ret) _must_check_;
int parse_double(const char *s, double min, double max, double *ret) _must_check_;
int parse_bool(const char *s, bool *ret) _must_check_;                 /* yes/no true/false on/off 1/0 */
int parse_timespan(const char *s, uint64_t *ret_usec) _must_check_; /* "90", "1min 30s", "2h", "30d"; bare number: s */
int parse_size(const char *s, uint64_t *ret_bytes) _must_check_;      /* "4096", "64K", "16M", "1G" (powers of 1024) */
bool utf8_is_valid(const char *s, size_t size);                       /* RFC 3629; a 0 byte is not text */
int parse_rfc3339_ms(const char *s, int64_t *ret_ms) _must_check_;    /* RFC 3339, UTC ("Z") only */

#define RFC3339_MS_MAX 32
void format_rfc3339_ms(int64_t time_ms, char ret[static RFC3339_MS_MAX]); /* "2026-11-23T17:33:23.000Z" */
