/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * One link of the evidence, and the keys that vouch for it. Layout at the head of evidence-link.c. Floor 2, pure,
 * private to the journal.
 */
#include <stdint.h>
#include "seal.h"
#include "trailkeep/bytes.h"
#include "trailkeep/derive.h"
#include "trailkeep/macros.h"
#include "trailkeep/secret.h"

#define EVIDENCE_DIGEST_SIZE 32

/* Stored: append only. */
typedef enum EvidenceStrand { EVIDENCE_DECISIONS = 1, EVIDENCE_PARCELS, EVIDENCE_STRAND_MAX } EvidenceStrand;
typedef enum EvidenceKind {
        EVIDENCE_START = 1, /* of a chain; ref: last ledger entry or parcel, n: the chain if its first key was given to
                             * somebody, else 0, digest: the ledger's hash */
        EVIDENCE_END,       /* of a chain, since another one begins */
        EVIDENCE_LEDGER,    /* ref: number of the entry, digest: its hash */
        EVIDENCE_ERASURE,   /* ref: number of the request, n: parcels destroyed, digest: SHA-256 of its body */
        EVIDENCE_KEYS,      /* another salt; digest: SHA-256 of it */
        EVIDENCE_PARCEL,    /* a parcel was closed; ref: its id, n: its records, digest: see parcel-digest.c */
        EVIDENCE_PRUNED,    /* n: links missing before this one, digest: SHA-256(that of the one before | their tags) */
} EvidenceKind;

/* What a link says. */
typedef struct EvidenceFact {
        EvidenceKind kind;
        uint64_t ref, n;
        uint8_t digest[EVIDENCE_DIGEST_SIZE];
} EvidenceFact;

typedef struct EvidenceLink {
        uint64_t chain;
        EvidenceStrand strand;
        uint64_t seq;
        EvidenceFact fact;
        uint64_t made_on_usec; /* powered-on time */
        uint64_t clock;        /* the box's clock in ms, masked */
        uint8_t before[MAC_SIZE], tag[MAC_SIZE];
} EvidenceLink;

/* The end of a strand: vouched for by the key of the link that comes next. */
typedef struct EvidenceHead {
        uint64_t chain;
        EvidenceStrand strand;
        uint64_t first, seq; /* of the chain's links in this strand; seq: the last one */
        uint8_t tag[MAC_SIZE]; /* of the last one */
} EvidenceHead;

EvidenceStrand evidence_strand_of(EvidenceKind kind);
int evidence_strand_key(const Secret *first, EvidenceStrand strand, Secret **ret) _must_check_;
int evidence_next_key(const Secret *key, Secret **ret) _must_check_;
int evidence_clock_mask(const Secret *key, uint64_t *ret) _must_check_;
int evidence_link_tag(const EvidenceLink *link, const SealScope *scope, const Secret *key,
                      uint8_t ret[static MAC_SIZE]) _must_check_;
int evidence_head_seal(const EvidenceHead *head, const SealScope *scope, const Secret *next,
                       uint8_t ret[static MAC_SIZE]) _must_check_;
