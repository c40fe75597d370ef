/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What a parcel's records are, in 32 bytes: for the evidence. Floor 2, private to the journal.
 */
#include <stdint.h>
#include "lanes.h"
#include "trailkeep/bytes.h"
#include "trailkeep/macros.h"

#define PARCEL_DIGEST_SIZE 32

typedef struct ParcelDigest ParcelDigest; /* grows with the parcel; in step with its commits */

int parcel_digest_new(ParcelDigest **ret) _must_check_;
ParcelDigest *parcel_digest_free(ParcelDigest *digest);
int parcel_digest_plan(ParcelDigest *digest, const Bytes *body) _must_check_; /* as sealed; with the next commit */
void parcel_digest_plan_none(ParcelDigest *digest);
void parcel_digest_keep(ParcelDigest *digest); /* what was planned is durable */
int parcel_digest_finish(const ParcelDigest *digest, uint8_t ret[static PARCEL_DIGEST_SIZE]) _must_check_;

/* The same from what is on the medium; ret_n: how many records. */
int parcel_digest_read(Db *db, Lane lane, uint64_t parcel, uint8_t ret[static PARCEL_DIGEST_SIZE],
                       uint64_t *ret_n) _must_check_;
