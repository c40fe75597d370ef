/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What gate.c and the decisions share.
 */
#include "trailkeep/gate.h"
#include "consent-entry.h"
#include "consent.h"

typedef struct Decision Decision;

struct Gate {
        Journal *journal;
        const Clock *clock;
        GateObserver observer;
        bool is_ledger_trusted;
        char subject[CONSENT_SUBJECT_MAX];
        Consent consents[PURPOSE_MAX];
        Decision *decisions; /* being written */
};

void decision_abandon_all(Gate *gate);
