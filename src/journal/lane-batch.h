/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Sealed rows on their way into journal.db, several in one statement. Floor 2, private to the journal.
 */
#include <stddef.h>
#include <stdint.h>
#include "db.h"
#include "trailkeep/bytes.h"
#include "trailkeep/macros.h"
#include "trailkeep/purpose.h"

#define LANE_BATCH_MAX 8

typedef struct LaneBatch {
        Db *db;    /* journal.db, within a transaction that is rolled back should anything here fail */
        Lane lane; /* of those that wait */
        size_t n;
        uint64_t ids[LANE_BATCH_MAX];
        Bytes bodies[LANE_BATCH_MAX]; /* their room is used again and again */
} LaneBatch;

int lane_batch_add(LaneBatch *batch, Lane lane, uint64_t id, Bytes **ret_body) _must_check_;
int lane_batch_flush(LaneBatch *batch) _must_check_;
void lane_batch_done(LaneBatch *batch);
#define _cleanup_lane_batch_ _cleanup_(lane_batch_done)
