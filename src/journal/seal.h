/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What each sealed thing of the journal is bound to, and how small values are laid out before they are sealed.
 * Floor 2, pure, private to the journal.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "trailkeep/bytes.h"
#include "trailkeep/macros.h"

#define INSTALLATION_SIZE 16
#define SEAL_AD_SIZE 34
#define SEAL_NO_LANE 0xff

/* In the additional data: append only, never renumber. */
typedef enum SealKind {
        SEAL_KIND_RECORD = 1,
        SEAL_KIND_PARCEL_KEY,
        SEAL_KIND_LABEL,
        SEAL_KIND_EXTENT,
        SEAL_KIND_LEDGER_KEY,
        SEAL_KIND_CATALOGUE_KEY,
        SEAL_KIND_LEDGER_ENTRY,
        SEAL_KIND_LEDGER_HEAD,
        SEAL_KIND_ERASURE,
        SEAL_KIND_OBJECT,
        SEAL_KIND_GAP,
        SEAL_KIND_BLOB,
        SEAL_KIND_SESSION,
        SEAL_KIND_EVIDENCE_KEY,
        SEAL_KIND_LEDGER_VOLUME,
        SEAL_KIND_LANE,
        SEAL_KIND_MARK,
} SealKind;

typedef struct SealScope {
        uint8_t installation[INSTALLATION_SIZE];
        uint32_t incarnation;
} SealScope;

typedef struct SealAd {
        uint8_t bytes[SEAL_AD_SIZE];
} SealAd;

SealAd seal_ad(const SealScope *scope, SealKind kind, uint8_t lane, uint64_t id);

int pack_u64(Bytes *bytes, uint64_t value) _must_check_;
int pack_string(Bytes *bytes, const char *string) _must_check_;

/* Reading back: once something is missing, is_short is set and everything reads as 0 and "". */
typedef struct Unpack {
        const uint8_t *data;
        size_t size;
        bool is_short;
} Unpack;

uint64_t unpack_u64(Unpack *unpack);
void unpack_bytes(Unpack *unpack, uint8_t *ret, size_t size); /* zeroes when they are missing */
const char *unpack_string(Unpack *unpack); /* borrowed from what is read */
