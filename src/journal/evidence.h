/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The evidence in vault.db: what happened, in an order that nobody can change afterwards. Layout at the head of
 * evidence.c. Floor 2, private to the journal.
 */
#include <stdint.h>
#include "evidence-link.h"
#include "trailkeep/macros.h"
#include "vault.h"

/* All in a transaction of the vault. */
int evidence_append(Vault *vault, const EvidenceFact *fact) _must_check_;
int evidence_start(Vault *vault, Secret **ret_first) _must_check_; /* another chain; its first key is kept nowhere */
int evidence_rewrap(Vault *vault, Keyring *next) _must_check_;

int evidence_given_chain(Vault *vault, uint64_t *ret) _must_check_;
int evidence_link_read(sqlite3_stmt *statement, EvidenceLink *ret) _must_check_; /* of EVIDENCE_COLUMNS */
int evidence_head_read(sqlite3_stmt *statement, EvidenceHead *ret) _must_check_; /* of EVIDENCE_HEAD_COLUMNS */

#define EVIDENCE_COLUMNS "strand, seq, chain, kind, ref, n, digest, made_on_usec, clock, before, tag"
#define EVIDENCE_HEAD_COLUMNS "strand, chain, first, seq, tag"
