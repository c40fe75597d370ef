/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The first key of a chain of evidence as a text file. Form at the head of evidence-key.c. Floor 2, private to the
 * journal.
 */
#include <stdint.h>
#include "evidence-link.h"
#include "trailkeep/bytes.h"
#include "trailkeep/macros.h"
#include "vault.h"

typedef struct EvidenceKey {
        uint8_t installation[INSTALLATION_SIZE];
        uint64_t chain;
        uint64_t first[EVIDENCE_STRAND_MAX]; /* seq of the chain's first link in each strand */
        Secret *key;
} EvidenceKey;

int evidence_key_format(Vault *vault, const Secret *first, Bytes *ret) _must_check_; /* of the chain just begun */
int evidence_key_parse(const char *text, EvidenceKey *ret) _must_check_;
void evidence_key_done(EvidenceKey *key);
#define _cleanup_evidence_key_ _cleanup_(evidence_key_done)
