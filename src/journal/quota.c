/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The limits. Floor 2, pure.
 *
 * Two limits, as those of systemd-journald: what the journal takes in all (MaxUse=), and what it leaves on the file
 * system (KeepFree=); and for each lane the share of the first that it may take, so that media cannot push out a track
 * or a chatty diagnosis a fix. Whatever is over a limit is evicted (evict.c) down to a sixteenth below it, so that it
 * comes in parts and not with each record.
 *
 * journal.db does not get smaller when rows go, since moving pages about would cost more flash than it gives: empty
 * pages are used again before the file grows. So KeepFree= is about growing, and media is what gives room back to
 * others.
 */
#include "quota.h"
#include "trailkeep/macros.h"

#define MAX_USE_MIN_BYTES (UINT64_C(1024) * 1024)
#define MAX_USE_SHARE 2    /* of the file system, unless configured */
#define KEEP_FREE_SHARE 20 /* the same */
#define KEEP_FREE_MAX_BYTES (UINT64_C(1024) * 1024 * 1024)
#define STEP_SHARE 16
#define LOW_SHARE 8 /* of MaxUse=: less than that is left */

/* In percent of MaxUse=. Tracks and alarms have no share: they are what the box is for, and evicted last. */
static const unsigned lane_shares_pct[LANE_MAX] = {
        [LANE_ALARM] = 100,
        [LANE_EVENT] = 10,
        [LANE_TRACK] = 100,
        [LANE_DIAGNOSTICS] = 10,
        [LANE_MEDIA] = 75,
};

/**
 * quota_max_use_bytes() - how much may be taken
 * @configured_bytes: 0: by the file system
 * @fs_bytes:   size of the file system
 *
 * Return: bytes.
 */
uint64_t quota_max_use_bytes(uint64_t configured_bytes, uint64_t fs_bytes) {
        uint64_t max_bytes = configured_bytes > 0 ? configured_bytes : fs_bytes / MAX_USE_SHARE;

        return MAX(max_bytes, MAX_USE_MIN_BYTES);
}

/**
 * quota_keep_free_bytes() - how much is to be left
 * @configured_bytes: 0: by the file system
 * @fs_bytes:   size of the file system
 *
 * Return: bytes.
 */
uint64_t quota_keep_free_bytes(uint64_t configured_bytes, uint64_t fs_bytes) {
        return configured_bytes > 0 ? configured_bytes : MIN(fs_bytes / KEEP_FREE_SHARE, KEEP_FREE_MAX_BYTES);
}

/**
 * quota_excess() - how much is taken that may not be
 * @quota:      as measured
 *
 * Return: bytes, and a sixteenth of the limit with it; 0: nothing.
 */
uint64_t quota_excess(const Quota *quota) {
        if (quota->used_bytes <= quota->max_bytes)
                return 0;
        return quota->used_bytes - quota->max_bytes + quota->max_bytes / STEP_SHARE;
}

/**
 * quota_wanted_empty() - how much has to become empty in journal.db, since it is not to grow
 * @quota:      as measured
 *
 * Return: bytes; 0: it may grow, or there is enough.
 */
uint64_t quota_wanted_empty(const Quota *quota) {
        uint64_t step_bytes = MAX(quota->max_bytes / STEP_SHARE / 4, MAX_USE_MIN_BYTES / STEP_SHARE);

        if (quota->left_bytes >= quota->keep_free_bytes + quota->owed_bytes)
                return 0;
        return step_bytes - MIN(quota->empty_bytes, step_bytes);
}

/**
 * quota_is_low() - whether room is short, so that what is there may have to make room for what comes
 * @quota:      as measured
 *
 * Return: whether it is.
 */
bool quota_is_low(const Quota *quota) {
        return quota->used_bytes > quota->max_bytes - quota->max_bytes / LOW_SHARE ||
               quota->left_bytes < quota->keep_free_bytes;
}

/**
 * quota_lane_excess() - how much of a lane is more than its share
 * @quota:      as measured
 * @lane:       which
 * @n_bytes:    what it holds
 *
 * Return: bytes, and a sixteenth of the share with it; 0: nothing.
 */
uint64_t quota_lane_excess(const Quota *quota, Lane lane, uint64_t n_bytes) {
        uint64_t share_bytes = quota->max_bytes / 100 * lane_shares_pct[lane];

        if (lane_shares_pct[lane] >= 100 || n_bytes <= share_bytes)
                return 0;
        return n_bytes - share_bytes + share_bytes / STEP_SHARE;
}
