/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * journal.db: sealed rows by lane, cursors and counters. Layout at the head of lanes.c; the objects of the same file
 * are in objects.h. Floor 2, private to the journal; used by one thread at a time.
 */
#include <stdbool.h>
#include <stdint.h>
#include "db.h"
#include "lane-states.h"
#include "seal.h"
#include "trailkeep/journal.h"
#include "trailkeep/macros.h"
#include "trailkeep/purpose.h"

#define LANES_WAL_PAGES 1000 /* after so many the WAL is copied into journal.db */

/* Statements about the rows of each lane, literals: db.c finds those by their address. */
#define LANE_SQL(name, before, after)                           \
        static const char *const name[LANE_MAX] = {             \
                [LANE_ALARM] = before "alarm" after,            \
                [LANE_EVENT] = before "event" after,            \
                [LANE_TRACK] = before "track" after,            \
                [LANE_DIAGNOSTICS] = before "diagnostics" after, \
                [LANE_MEDIA] = before "media" after,            \
        }

int lanes_check_version(const char *path, JournalError *error) _must_check_;
int lanes_open_copy(const char *path, Db **ret) _must_check_; /* to be read only */
int lanes_open(const char *path, const SealScope *scope, Db **ret, JournalError *error) _must_check_;

int lane_insert(Db *db, Lane lane, uint64_t id, const Bytes *body) _must_check_;
int lane_bounds(Db *db, Lane lane, uint64_t from, uint64_t to,
                uint64_t ret_bounds[static 2]) _must_check_; /* 1: found, 0: none */
int lane_start_rows(Db *db, Lane lane, uint64_t from, uint64_t to, sqlite3_stmt **ret) _must_check_; /* id, body */
int lane_delete(Db *db, Lane lane, uint64_t from, uint64_t to) _must_check_;

/* How many rows lie in a range; parcels have no holes, so two seeks tell. */
int lane_count(Db *db, Lane lane, uint64_t from, uint64_t to, uint64_t *ret) _must_check_;

/* Parked ranges. */
int parked_insert(Db *db, Lane lane, uint64_t first, uint64_t last, const char *reason) _must_check_;
int parked_count(Db *db, Lane lane, uint64_t from, uint64_t to, uint64_t *ret) _must_check_; /* records */
int parked_delete(Db *db, Lane lane, uint64_t from, uint64_t to) _must_check_;

/* Parcels whose rows are still to be deleted. */
int dead_insert(Db *db, uint64_t parcel, Lane lane) _must_check_; /* 1: new, 0: was there */
int dead_delete(Db *db, uint64_t parcel) _must_check_;
int dead_next(Db *db, uint64_t *ret_parcel, Lane *ret_lane) _must_check_; /* 1: found, 0: none */
