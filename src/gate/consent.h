/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The consents of one subject, one per purpose, and the rule which of two decisions holds. Pure.
 *
 * Every decision takes a generation when it is asked for: a number that only rises. A decision holds if its generation
 * is above that of the one in force. A withdrawal is put in force when it is asked for, a grant when it is on disk, and
 * so two that overlap always end in the one that was asked last, in whichever order their writing completes:
 *
 *   grant 5 asked, withdrawal 6 asked and in force, 5 written: 5 < 6, overtaken     -> off
 *   withdrawal 6 asked and in force, grant 7 asked, 6 written, 7 written: 7 > 6     -> on
 */
#include <stdbool.h>
#include <stdint.h>
#include "trailkeep/gate.h"
#include "trailkeep/macros.h"
#include "trailkeep/purpose.h"
#include "consent-entry.h"

typedef struct Consent {
        GateConsent current;
        uint64_t asked; /* highest generation given to a decision, whether it came into force or not */
} Consent;

void consent_init(Consent *consent, Purpose purpose);
uint64_t consent_ask(Consent *consent);
bool consent_apply(Consent *consent, const ConsentEntry *entry);
void consent_distrust(Consent *consent);
