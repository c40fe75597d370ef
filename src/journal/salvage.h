/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What the files of salvage share. Rules at the head of salvage.c. Floor 2, private to the journal.
 */
#include "damages.h"
#include "engine.h"

typedef struct Salvage {
        Engine *engine;
        Catalogue catalogue;   /* of the new file */
        Db *transaction;       /* of the new file */
        size_t n_rows;         /* in it */
        Parcel *parcel;        /* the last one that was found */
        uint64_t no_parcel;    /* the last one that was not */
        LaneState marks[LANE_MAX];
        uint64_t n_parked[LANE_MAX]; /* read from the old file */
        Damage damage;
} Salvage;

/* salvage-rows.c */
int salvage_rows(Salvage *salvage, const char *path) _must_check_;

/* salvage-small.c */
int salvage_small(Salvage *salvage, const char *path) _must_check_;

/* salvage-fill.c */
int salvage_lanes(Salvage *salvage) _must_check_;
int salvage_fill(Salvage *salvage) _must_check_;
