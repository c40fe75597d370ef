/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Values as people read them. Each function writes into a buffer of the caller's and returns it.
 */
#include <stddef.h>
#include <stdint.h>

#include "trailkeep/parse.h" /* TIME_MS_NONE */

#define FORMAT_MAX 96

/* All texts below are in the language of LC_MESSAGES and the zone of TZ. */
char *format_ago(int64_t time_ms, int64_t now_ms, char ret[static FORMAT_MAX]); /* "3 min ago", "never" */
char *format_time(int64_t time_ms, char ret[static FORMAT_MAX]);                /* "2026-11-23 17:33:23" */
char *format_time_ago(int64_t time_ms, int64_t now_ms,
                      char ret[static FORMAT_MAX]);                 /* "2026-11-23 17:33 (3 min ago)" */
char *format_span(uint64_t span_usec, char ret[static FORMAT_MAX]); /* "2 h 5 min" */
char *format_bytes(uint64_t bytes, char ret[static FORMAT_MAX]);    /* "1.4 MiB" (IEC 80000-13) */
char *format_degrees(double degrees, char ret[static FORMAT_MAX]);  /* "52.5163000", a point in every language */
char *format_count(uint64_t count, char ret[static FORMAT_MAX]);    /* "12 345", grouped as the locale says */

/* Text from elsewhere on its way to a terminal. */
char *text_dup_printable(const char *text);   /* control characters become '?'; NULL: out of memory */
void text_wrap(char *text, size_t columns);   /* breaks lines between words; a longer word stays whole */
size_t text_clip(char *text, size_t columns); /* shortens to that many columns; returns the columns used */
