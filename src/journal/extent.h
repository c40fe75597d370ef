/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * How much there is of something and which time it covers. Floor 2, pure, private to the journal.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "seal.h"
#include "trailkeep/bytes.h"
#include "trailkeep/macros.h"

typedef struct Extent {
        uint64_t records, bytes;      /* bytes as sealed */
        uint64_t undated;             /* records without a time */
        int64_t oldest_ms, newest_ms; /* of the dated ones; TIME_MS_NONE: there is none */
} Extent;

Extent extent_empty(void);
void extent_add(Extent *extent, int64_t time_ms, size_t n_bytes);
void extent_merge(Extent *extent, const Extent *other);
bool extent_overlaps(const Extent *extent, int64_t since_ms, int64_t until_ms);
int extent_pack(const Extent *extent, Bytes *bytes) _must_check_;
Extent extent_unpack(Unpack *unpack);
