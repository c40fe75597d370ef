/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What was damaged and what became of it, in vault.db. Layout at the head of damages.c. Floor 2, private to the journal.
 */
#include <stdbool.h>
#include <stdint.h>
#include "trailkeep/journal.h"
#include "trailkeep/macros.h"
#include "vault.h"

/* Stored: append only. */
typedef enum DamageKind {
        DAMAGE_NONE,
        DAMAGE_BROKEN,  /* journal.db could not be read on, or lacks what it must have, as an older copy does */
        DAMAGE_MISSING, /* there was no journal.db */
} DamageKind;

typedef struct Damage {
        uint64_t id;
        DamageKind kind;
        int64_t realtime_ms;
        uint64_t records;       /* carried over */
        uint64_t lost;          /* of living parcels, still to be sent; at least */
        uint64_t objects_lost;  /* known to the store and not to the catalogue any more; at least */
        uint64_t last_parcel;   /* none above it is concerned */
        bool has_file;          /* the damaged file is kept beside */
} Damage;

int damage_next_id(Vault *vault, uint64_t *ret) _must_check_;
int damage_insert(Vault *vault, const Damage *damage) _must_check_; /* replaces that of the same id; in a transaction */
int damages_finish(Vault *vault) _must_check_;
int damage_next_file(Vault *vault, uint64_t from, Damage *ret) _must_check_; /* 1: one that has a file; 0: none left */
int damage_drop_file(Vault *vault, uint64_t id) _must_check_; /* in a transaction */

int damages_sum(Vault *vault, JournalDamage *ret) _must_check_; /* of those that nobody has acknowledged */
int damages_acknowledge(Vault *vault) _must_check_; /* in a transaction */
