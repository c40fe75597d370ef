/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One decision of a person on its way through the journal: a grant, a withdrawal, a request to erase or
 * to rotate the keys. Floor 3. What is asked stands in decide.c and decide-keys.c.
 *
 *                 asked                    written                     not written
 *   grant         nothing changes          in force, if not overtaken  nothing changes
 *   withdrawal    in force                 stays                       stays, until the next start reads the ledger
 *   erasure       -                        nothing in scope is left    nothing changes
 *   rotation      -                        all is wrapped anew         nothing changes
 *
 * A decision outlives its gate while the journal has it: the journal answers every request, if need be while it is
 * freed, and the answer frees the decision. The gate keeps a list, so that it can cut the ties when it goes first.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "trailkeep/gate.h"
#include "decision.h"

#define LOG_MODULE "gate"
#include "trailkeep/log.h"

/**
 * decision_unlink() - take a decision off its gate's list
 * @decision:   on it, or not any more
 *
 * Return: the gate, borrowed; NULL if that is gone, and nobody is to be told.
 */
Gate *decision_unlink(Decision *decision) {
        Gate *gate = decision->gate;
        Decision **p;

        if (!gate)
                return NULL;

        for (p = &gate->decisions; *p != decision; p = &(*p)->next)
                ;
        *p = decision->next;
        decision->gate = NULL;

        return gate;
}

/**
 * decision_free() - forget a decision
 * @decision:   taken off its list; or NULL
 *
 * Return: NULL.
 */
Decision *decision_free(Decision *decision) {
        if (!decision)
                return NULL;

        (void)decision_unlink(decision); /* whose list it was on does not matter any more */
        free(decision);

        return NULL;
}
/**
 * decision_new() - somebody decides something
 * @gate:       on whose list it is put
 * @actor:      who; copied
 * @ret:        owned by the caller until the journal has it; untouched on failure
 *
 * Return: 0; -EINVAL: the role or the name is too long, or there is no role; -ENOMEM.
 */
int decision_new(Gate *gate, const GateActor *actor, Decision **ret) {
        _cleanup_(decision_freep) Decision *decision = NULL;
        size_t role = strlen(actor->role), name = actor->actor ? strlen(actor->actor) : 0;

        if (role == 0 || role >= GATE_ROLE_MAX || name >= GATE_ACTOR_MAX)
                return -EINVAL;

        decision = calloc(1, sizeof(*decision));
        if (!decision)
                return -ENOMEM;
        memcpy(decision->entry.subject, gate->subject, sizeof(gate->subject));
        memcpy(decision->entry.role, actor->role, role);
        if (name > 0)
                memcpy(decision->entry.actor, actor->actor, name);
        decision->entry.uid = actor->uid;
        decision->entry.realtime_ms = (int64_t)(clock_realtime_usec(gate->clock) / USEC_PER_MSEC);

        decision->gate = gate;
        decision->next = gate->decisions;
        gate->decisions = decision;

        *ret = TAKE_PTR(decision);
        return 0;
}

/**
 * decision_answer() - tell who waits
 * @decision:   off its list
 * @r:          what came of it
 * @receipt:    of an erasure that was done; else NULL
 */
void decision_answer(const Decision *decision, int r, const JournalReceipt *receipt) {
        if (decision->erase_done)
                decision->erase_done(r, receipt, decision->userdata);
        else if (decision->evidence_done)
                decision->evidence_done(r, NULL, decision->userdata);
        else if (decision->done)
                decision->done(r, decision->userdata);
}

/**
 * decision_abandon_all() - the gate goes; the journal may still be writing
 * @gate:       its list is empty afterwards, and everyone who waited was told -ECANCELED
 */
void decision_abandon_all(Gate *gate) {
        while (gate->decisions) {
                Decision *decision = gate->decisions;

                gate->decisions = decision->next;
                decision->gate = NULL;
                decision_answer(decision, -ECANCELED, NULL);
        }
}

/**
 * decision_outcome() - the journal's outcomes as ours
 * @r:          what the journal said
 *
 * Return: @r where that is 0 or < 0; GATE_E_FULL: not written for want of room; GATE_E_NOT_DURABLE: for all else that
 * kept it from the disk.
 */
int decision_outcome(int r) {
        if (r <= 0)
                return r;

        return r == JOURNAL_E_FULL ? GATE_E_FULL : GATE_E_NOT_DURABLE;
}

/**
 * decision_enforce() - put a decision in force, and tell the daemon if that changes anything
 * @gate:       the gate
 * @entry:      the decision; copied
 *
 * Return: true; false: a newer one is in force.
 */
bool decision_enforce(Gate *gate, const ConsentEntry *entry) {
        Consent *consent = &gate->consents[entry->purpose];
        bool was_granted = consent->current.is_granted;

        if (!consent_apply(consent, entry))
                return false;

        log_debug("Purpose %s is %s now, generation %llu", purpose_to_string(entry->purpose),
                  entry->is_granted ? "granted" : "off", (unsigned long long)entry->generation);
        if (was_granted != entry->is_granted && gate->observer.changed)
                gate->observer.changed(entry->purpose, entry->is_granted, gate->observer.userdata);

        return true;
}

/**
 * decision_on_appended() - the journal has written a decision, or could not
 * @r:          what the journal says
 * @userdata:   the decision; freed
 */
void decision_on_appended(int r, void *userdata) {
        _cleanup_(decision_freep) Decision *decision = userdata;
        Gate *gate = decision_unlink(decision); /* before anyone is told: whoever is told may free the gate */

        if (!gate)
                return;

        r = decision_outcome(r);
        if (r == 0 && decision->entry.is_granted && !decision_enforce(gate, &decision->entry))
                r = GATE_E_OVERTAKEN;
        decision_answer(decision, r, NULL);
}
