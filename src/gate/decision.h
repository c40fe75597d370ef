/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * One decision of a person on its way through the journal; see decision.c. Floor 3, private to the gate.
 */
#include "gate-internal.h"

struct Decision {
        Gate *gate; /* NULL: freed meanwhile */
        Decision *next;
        ConsentEntry entry;
        GateDone done; /* of a grant or a rotation */
        GateEraseDone erase_done;
        GateEvidenceDone evidence_done;
        void *userdata;
};

int decision_new(Gate *gate, const GateActor *actor, Decision **ret) _must_check_;
Decision *decision_free(Decision *decision);
DEFINE_CLEANUP(Decision, decision_free);
Gate *decision_unlink(Decision *decision);

bool decision_enforce(Gate *gate, const ConsentEntry *entry);
void decision_answer(const Decision *decision, int r, const JournalReceipt *receipt);
int decision_outcome(int r) _must_check_;
void decision_on_appended(int r, void *userdata); /* for the journal */
