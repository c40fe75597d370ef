/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * One entry of the consent ledger as JSON (RFC 8259). The form stands at the head of consent-entry.c. Pure.
 */
#include <stdbool.h>
#include <stdint.h>
#include "trailkeep/gate.h"
#include "trailkeep/macros.h"
#include "trailkeep/purpose.h"

#define CONSENT_SUBJECT_MAX 129 /* with the 0 */

typedef enum ConsentEntryKind {
        CONSENT_ENTRY_DECISION,
        CONSENT_ENTRY_ERASURE,
        CONSENT_ENTRY_KEYS,
        CONSENT_ENTRY_EVERYTHING,
        CONSENT_ENTRY_MAX,
} ConsentEntryKind;

/* A plain value; strings are copies, "" where there is none. */
typedef struct ConsentEntry {
        ConsentEntryKind kind;
        char subject[CONSENT_SUBJECT_MAX];
        uint32_t uid;
        char role[GATE_ROLE_MAX];
        char actor[GATE_ACTOR_MAX];
        int64_t realtime_ms; /* ms since 1970 as the box's clock showed it; not trusted */

        /* a decision */
        Purpose purpose;
        bool is_granted;
        bool is_kept; /* a withdrawal that left what was recorded */
        uint64_t generation;

        /* an erasure */
        uint32_t purposes;
        int64_t since_ms, until_ms; /* TIME_MS_NONE: open */
        bool is_stored_kept;
        char clip[RECORD_CLIP_MAX + 1]; /* "": not of one clip */

        /* a change of the keys */
        GateKeyChange change;
} ConsentEntry;

int consent_entry_encode(const ConsentEntry *entry, char **ret_body) _must_check_;
int consent_entry_decode(const char *body, ConsentEntry *ret_entry) _must_check_;
