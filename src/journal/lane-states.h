/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Cursors and counters of the lanes, and their seals. Layout at the head of lanes.c. Floor 2, private to the journal.
 */
#include <stdint.h>
#include "objects.h"
#include "seal.h"
#include "trailkeep/bytes.h"
#include "trailkeep/macros.h"
#include "trailkeep/purpose.h"

/* The row of a lane, as stored. */
typedef struct LaneState {
        uint64_t cursor; /* last record id that is settled: in the store or parked */
        uint64_t stored, parked, expired, evicted, erased;
        uint64_t objects; /* in the store */
} LaneState;

#define LANE_STATE_SEALED_SIZE (7 * 8 + AEAD_OVERHEAD)

int lane_check(const Catalogue *catalogue, Lane lane, LaneState *ret) _must_check_;
int lane_load(const Catalogue *catalogue, Lane lane, LaneState *ret) _must_check_;
int lane_save(const Catalogue *catalogue, Lane lane, const LaneState *state) _must_check_;

int lane_state_seal(const Catalogue *catalogue, SealKind kind, Lane lane, const LaneState *state,
                    Bytes *ret) _must_check_;
int lane_state_open(const Catalogue *catalogue, SealKind kind, Lane lane, const Bytes *sealed,
                    LaneState *ret) _must_check_; /* 1: it holds, 0: it does not */
