/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The consents of one subject: see consent.h. Floor 3, pure.
 */
#include <string.h>
#include "trailkeep/parse.h"
#include "consent.h"

/**
 * consent_init() - the consent of a purpose that was never decided: off
 * @consent:    set
 * @purpose:    which
 */
void consent_init(Consent *consent, Purpose purpose) {
        *consent = (Consent){
                .current = { .purpose = purpose, .since_realtime_ms = TIME_MS_NONE },
        };
}

/**
 * consent_ask() - take the generation of a new decision
 * @consent:    changed; what is in force is not
 *
 * Return: the generation, above every one before.
 */
uint64_t consent_ask(Consent *consent) {
        return ++consent->asked;
}

/**
 * consent_apply() - put a decision in force, unless a later one already is
 * @consent:    changed if the decision holds
 * @entry:      a decision about this purpose
 *
 * Return: true if it holds now; false if it was overtaken, and nothing is changed.
 */
bool consent_apply(Consent *consent, const ConsentEntry *entry) {
        if (entry->generation <= consent->current.generation)
                return false;

        consent->current.is_granted = entry->is_granted;
        consent->current.generation = entry->generation;
        consent->current.since_realtime_ms = entry->realtime_ms;
        consent->current.uid = entry->uid;
        memcpy(consent->current.role, entry->role, sizeof(consent->current.role));
        memcpy(consent->current.actor, entry->actor, sizeof(consent->current.actor));
        if (consent->asked < entry->generation)
                consent->asked = entry->generation;

        return true;
}

/**
 * consent_distrust() - forget what was read about a consent; it is off
 * @consent:    changed; generations are kept, so that they still only rise
 */
void consent_distrust(Consent *consent) {
        uint64_t asked = consent->asked;

        consent_init(consent, consent->current.purpose);
        consent->asked = asked;
        consent->current.generation = asked;
}
