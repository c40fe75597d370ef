/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Extents. Floor 2, pure.
 */
#include "extent.h"
#include "trailkeep/parse.h"

/**
 * extent_empty() - the extent of nothing
 *
 * Return: the extent.
 */
Extent extent_empty(void) {
        return (Extent){ .oldest_ms = TIME_MS_NONE, .newest_ms = TIME_MS_NONE };
}

static void extent_cover(Extent *extent, int64_t oldest_ms, int64_t newest_ms) {
        if (extent->oldest_ms == TIME_MS_NONE || oldest_ms < extent->oldest_ms)
                extent->oldest_ms = oldest_ms;
        if (extent->newest_ms == TIME_MS_NONE || newest_ms > extent->newest_ms)
                extent->newest_ms = newest_ms;
}

/**
 * extent_add() - one more record
 * @extent:     changed
 * @time_ms:    of the record, or TIME_MS_NONE
 * @n_bytes:    of its sealed form
 */
void extent_add(Extent *extent, int64_t time_ms, size_t n_bytes) {
        extent->records++;
        extent->bytes += n_bytes;
        if (time_ms == TIME_MS_NONE)
                extent->undated++;
        else
                extent_cover(extent, time_ms, time_ms);
}

/**
 * extent_merge() - take in another one
 * @extent:     changed
 * @other:      borrowed
 */
void extent_merge(Extent *extent, const Extent *other) {
        extent->records += other->records;
        extent->bytes += other->bytes;
        extent->undated += other->undated;
        if (other->oldest_ms != TIME_MS_NONE)
                extent_cover(extent, other->oldest_ms, other->newest_ms);
}

/**
 * extent_overlaps() - whether something of it may lie in a range of time
 * @extent:     borrowed
 * @since_ms:   inclusive; TIME_MS_NONE: open
 * @until_ms:   inclusive; TIME_MS_NONE: open
 *
 * A record without a time may have been made at any time, so it lies in every range: what is erased in doubt is erased
 * too much, never too little.
 *
 * Return: whether it may.
 */
bool extent_overlaps(const Extent *extent, int64_t since_ms, int64_t until_ms) {
        if (since_ms == TIME_MS_NONE && until_ms == TIME_MS_NONE)
                return true;
        if (extent->undated > 0)
                return true;
        if (extent->oldest_ms == TIME_MS_NONE)
                return false;
        return (since_ms == TIME_MS_NONE || extent->newest_ms >= since_ms) &&
               (until_ms == TIME_MS_NONE || extent->oldest_ms <= until_ms);
}

/**
 * extent_pack() - append the five numbers, in the order of the struct
 * @extent:     borrowed
 * @bytes:      changed
 *
 * Return: 0; -ENOMEM.
 */
int extent_pack(const Extent *extent, Bytes *bytes) {
        const uint64_t numbers[] = { extent->records, extent->bytes, extent->undated, (uint64_t)extent->oldest_ms,
                                     (uint64_t)extent->newest_ms };

        for (size_t i = 0; i < ELEMENTSOF(numbers); i++) {
                int r = pack_u64(bytes, numbers[i]);

                if (r < 0)
                        return r;
        }
        return 0;
}

/**
 * extent_unpack() - read the five numbers back
 * @unpack:     advanced
 *
 * Return: the extent; see is_short.
 */
Extent extent_unpack(Unpack *unpack) {
        Extent extent;

        extent.records = unpack_u64(unpack);
        extent.bytes = unpack_u64(unpack);
        extent.undated = unpack_u64(unpack);
        extent.oldest_ms = (int64_t)unpack_u64(unpack);
        extent.newest_ms = (int64_t)unpack_u64(unpack);
        return extent;
}
