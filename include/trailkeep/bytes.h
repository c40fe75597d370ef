/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A growable run of bytes with an upper bound that wipes itself: old contents are overwritten when it grows and when it
 * is freed, since what passes through here is where somebody was. Floor 0.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "macros.h"

typedef struct Bytes {
        uint8_t *data;   /* NULL while empty; always followed by a 0 byte that is not counted */
        size_t size;
        size_t allocated;
        size_t limit;    /* 0: BYTES_LIMIT_DEFAULT */
} Bytes;

#define BYTES_LIMIT_DEFAULT ((size_t)64 * 1024 * 1024)

int bytes_reserve(Bytes *bytes, size_t more) _must_check_;
int bytes_append(Bytes *bytes, const void *data, size_t size) _must_check_;
int bytes_append_string(Bytes *bytes, const char *string) _must_check_;
void bytes_truncate(Bytes *bytes, size_t size);
void bytes_done(Bytes *bytes);
void bytes_wipe(void *data, size_t size); /* survives the optimiser */
char *string_wipe_free(char *string);
#define _cleanup_bytes_ _cleanup_(bytes_done)
