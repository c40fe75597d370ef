/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Parcels: one purpose, one subject, one source, one clip, one key; kept and erased whole. Layout at the head of parcels.c.
 * Floor 2, private to the journal.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "evidence-link.h"
#include "extent.h"
#include "trailkeep/macros.h"
#include "trailkeep/purpose.h"
#include "vault.h"

/* What makes records of gaps: the journal itself. Nothing else has this name. */
#define PARCEL_SOURCE_OWN "journal"
#define PARCEL_SHIFT 20
#define PARCEL_RECORDS_MAX ((uint64_t)1 << PARCEL_SHIFT)

/* Stored: append only. Up to PARCEL_CLOSED a parcel is living. All of one byte, see parcels.c. */
typedef enum ParcelFate {
        PARCEL_OPEN = 2, /* takes records; after a crash: was open */
        PARCEL_CLOSED,   /* whole; waits to be sent or for what is below */
        PARCEL_RELEASED, /* key destroyed: all of it is in the store */
        PARCEL_EXPIRED,  /* key destroyed: its time is over */
        PARCEL_ERASED,   /* key destroyed: somebody asked for it */
        PARCEL_GONE,     /* and nothing of it is left in journal.db */
        PARCEL_EVICTED,  /* key destroyed: there was no room for it */
} ParcelFate;

/* A row of the table, without what is sealed. */
typedef struct ParcelRow {
        uint64_t id;
        Lane lane;
        Purpose purpose;
        ParcelFate fate;
        uint64_t opened_on_usec; /* powered-on time */
        uint64_t erasure;        /* 0: none */
} ParcelRow;

typedef struct ParcelList {
        ParcelRow *rows;
        size_t n;
} ParcelList;

void parcel_list_done(ParcelList *list);
#define _cleanup_parcel_list_ _cleanup_(parcel_list_done)

/* A living parcel with its key. */
typedef struct Parcel {
        ParcelRow row;
        char *subject, *source, *clip; /* clip "": none */
        Aead *aead;
        Extent extent;
        uint8_t digest[EVIDENCE_DIGEST_SIZE]; /* of its records; for parcel_close() */
        bool has_extent; /* false: was open when the box went down, or is */
} Parcel;

enum {
        PARCEL_E_GONE = 1, /* there is none, or its key is destroyed */
        PARCEL_E_DAMAGED,  /* its key or label does not open */
};

static inline uint64_t parcel_first_id(uint64_t parcel) {
        return parcel << PARCEL_SHIFT;
}
static inline uint64_t parcel_last_id(uint64_t parcel) {
        return parcel << PARCEL_SHIFT | (PARCEL_RECORDS_MAX - 1);
}
static inline uint64_t parcel_of(uint64_t record) {
        return record >> PARCEL_SHIFT;
}

/* Writers work within a transaction of the vault. */
/* What is to be known of a new parcel; borrowed. */
typedef struct ParcelLabel {
        Lane lane;
        Purpose purpose;
        const char *subject, *source, *clip;
} ParcelLabel;

int parcel_make(Vault *vault, const ParcelLabel *label, Parcel **ret) _must_check_;
int parcel_load(Vault *vault, uint64_t id, Parcel **ret) _must_check_;
Parcel *parcel_free(Parcel *parcel);
DEFINE_CLEANUP(Parcel, parcel_free);
int parcel_close(Vault *vault, Parcel *parcel) _must_check_;
int parcel_destroy(Vault *vault, uint64_t id, ParcelFate fate, uint64_t erasure) _must_check_;
int parcels_forget(Vault *vault) _must_check_;

int64_t parcel_record_time_ms(const Parcel *parcel, int64_t time_ms);

/* DESTROYED: those of which something may be left in journal.db. */
typedef enum ParcelFilter { PARCELS_LIVING, PARCELS_DESTROYED, PARCELS_LEFT_OPEN } ParcelFilter;
int parcels_list(Vault *vault, ParcelFilter filter, ParcelList *ret) _must_check_;
int parcels_next(Vault *vault, Lane lane, uint64_t from, ParcelRow *ret) _must_check_; /* 1: found, 0: none, < 0 */
