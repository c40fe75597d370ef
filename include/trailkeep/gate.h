/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The one door between sources and journal, and the consents it asks. Floor 3.
 *
 * Everything is off until granted; an error in reading consent counts as off. Each change raises the purpose's
 * generation; a record made under an older generation is dropped. A grant holds once it is in the ledger; a withdrawal
 * holds at once and is then written. Consent is asked three times: by the source (gate_allows), by gate_submit, and by
 * the outbox (gate_allows once more).
 *
 * Of two decisions on one purpose that overlap, the one that was asked last holds in the end.
 */
#include <stdbool.h>
#include <stdint.h>
#include "clock.h"
#include "journal.h"
#include "macros.h"
#include "purpose.h"
#include "record.h"

typedef struct Gate Gate;

enum {
        GATE_E_REFUSED = 1, /* gate_submit(): no consent, of an older generation, or another subject's */
        GATE_E_UNCHANGED,   /* gate_grant(): it is granted already; nothing is written */
        GATE_E_OVERTAKEN,   /* gate_grant(): a withdrawal was asked before the grant was written; the purpose is off */
        GATE_E_LEDGER,      /* gate_grant(): the ledger cannot be trusted, so nothing can be granted */
        GATE_E_FULL,        /* no room: a record was not taken; a decision was not written (see below) */
        GATE_E_NOT_DURABLE, /* a decision was not written: a grant does not hold, a withdrawal holds until restart */
};

#define GATE_ROLE_MAX 32   /* both with the 0 */
#define GATE_ACTOR_MAX 129

/* Who decided: as the bus knows them. The actor is what a bridge asserts, or NULL. */
typedef struct GateActor {
        uint32_t uid;
        const char *role;  /* "owner", "guardian", "operator", "bridge" */
        const char *actor; /* name asserted by a bridge; NULL */
} GateActor;

typedef struct GateConsent {
        Purpose purpose;
        bool is_granted;
        uint64_t generation;
        int64_t since_realtime_ms; /* when it was last decided, as the box's clock showed; TIME_MS_NONE: never */
        uint32_t uid;              /* by whom */
        char role[GATE_ROLE_MAX];  /* "" never decided */
        char actor[GATE_ACTOR_MAX]; /* "" no bridge named one */
} GateConsent;

typedef struct GateObserver {
        /* daemon/ starts or stops the source; called before done() */
        void (*changed)(Purpose purpose, bool is_granted, void *userdata);
        void *userdata;
} GateObserver;

/* Replays the ledger. */
int gate_new(Journal *journal, const Clock *clock, const char *subject, Gate **ret) _must_check_;
Gate *gate_free(Gate *gate); /* what is being written is written; its done() gets -ECANCELED here */
DEFINE_CLEANUP(Gate, gate_free);
void gate_observe(Gate *gate, const GateObserver *observer);
bool gate_is_ledger_trusted(const Gate *gate); /* false: everything is off and stays off until the ledger is mended */

bool gate_allows(const Gate *gate, Purpose purpose);
uint64_t gate_generation(const Gate *gate, Purpose purpose);
const char *gate_subject(const Gate *gate);
int gate_submit(Gate *gate, Record *record) _must_check_;
void gate_get_consent(const Gate *gate, Purpose purpose, GateConsent *ret);

/* done() is called once, later, unless the call itself returns other than 0. */
typedef void (*GateDone)(int r, void *userdata);
/* The receipt is borrowed; NULL when kept or failed. */
typedef void (*GateEraseDone)(int r, const JournalReceipt *receipt, void *userdata);
int gate_grant(Gate *gate, Purpose purpose, const GateActor *actor, GateDone done, void *userdata) _must_check_;
int gate_withdraw(Gate *gate, Purpose purpose, bool keep, const GateActor *actor, GateEraseDone done,
                  void *userdata) _must_check_;

/* What was done to the keys, for the ledger. */
typedef enum GateKeyChange {
        GATE_KEYS_ROTATED,
        GATE_KEYS_ROOT_REPLACED,
        GATE_KEYS_EVIDENCE, /* a chain of evidence began, whose first key was given to somebody */
        GATE_KEYS_MAX,
} GateKeyChange;
/* The entry of a change that is made with the daemon stopped. */
int gate_describe_key_change(GateKeyChange change, const char *subject, const GateActor *actor, const Clock *clock,
                             char **ret_body) _must_check_;
int gate_rotate_keys(Gate *gate, const GateActor *actor, GateDone done, void *userdata) _must_check_;
/* key: the first key of a chain of evidence, as text; borrowed, kept nowhere; NULL unless r is 0. */
typedef void (*GateEvidenceDone)(int r, const char *key, void *userdata);
int gate_start_evidence(Gate *gate, const GateActor *actor, GateEvidenceDone done, void *userdata) _must_check_;

/* Erasing on request: written to the ledger with who asked. */
typedef struct GateErase {
        uint32_t purposes;          /* bit mask 1 << Purpose, at least one */
        const char *clip;           /* NULL: all; else media of this clip alone, 1 to RECORD_CLIP_MAX bytes */
        int64_t since_ms, until_ms; /* TIME_MS_NONE: open */
        bool keep_stored;           /* what the store acknowledged stays there */
} GateErase;
/* All, of everybody, here and in the store, and what the ledger said so far; every purpose is off afterwards. */
int gate_erase_everything(Gate *gate, const GateActor *actor, GateEraseDone done, void *userdata) _must_check_;
int gate_erase(Gate *gate, const GateErase *scope, const GateActor *actor, GateEraseDone done,
               void *userdata) _must_check_;
