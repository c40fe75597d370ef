/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * How much room is taken, as measured at one moment. Floor 2, pure, private to the journal.
 */
#include <stdbool.h>
#include <stdint.h>
#include "trailkeep/purpose.h"

typedef struct Quota {
        uint64_t used_bytes, max_bytes;
        uint64_t left_bytes, keep_free_bytes; /* of the file system; UINT64_MAX left: nobody knows */
        uint64_t empty_bytes;                 /* of journal.db: pages that hold nothing */
        uint64_t owed_bytes;                  /* by so much journal.db grows when its WAL is copied into it */
        uint64_t wal_bytes, vault_bytes;
} Quota;

uint64_t quota_max_use_bytes(uint64_t configured_bytes, uint64_t fs_bytes);
uint64_t quota_keep_free_bytes(uint64_t configured_bytes, uint64_t fs_bytes);
uint64_t quota_lane_excess(const Quota *quota, Lane lane, uint64_t n_bytes);
uint64_t quota_excess(const Quota *quota);
uint64_t quota_wanted_empty(const Quota *quota);
bool quota_is_low(const Quota *quota);
