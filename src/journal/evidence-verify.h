/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What the files of the verification share. Floor 2, private to the journal.
 */
#include <stdbool.h>
#include <stdint.h>
#include "db.h"
#include "evidence-key.h"
#include "evidence-link.h"
#include "ledger-head.h"
#include "trailkeep/journal.h"
#include "trailkeep/macros.h"

typedef struct Verifying {
        const JournalVerification *options;
        JournalEvidence *evidence;
        EvidenceKey key;
        SealScope scope;
        Db *vault, *journal; /* read only; journal NULL: there is no copy of it */
        LedgerHead ledger;   /* the last entry that a link vouched for */
        uint64_t erasure;    /* likewise; 0: none */
        uint64_t first_parcel; /* those above began with the chain */
        uint8_t salt_digest[EVIDENCE_DIGEST_SIZE];
        bool has_salt;
} Verifying;

void verifying_trouble(Verifying *verifying, const char *format, ...) _printf_(2, 3);

/* evidence-facts.c: each compares with what stands in the databases. */
int verify_ledger_chain(Verifying *verifying) _must_check_;
int verify_fact(Verifying *verifying, const EvidenceLink *link) _must_check_;
int verify_rest(Verifying *verifying) _must_check_; /* after all links: nothing may be there without one */
