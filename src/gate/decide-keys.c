/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Decisions about the keys, each of which the ledger tells of. Floor 3. A decision's way stands at the head of
 * decision.c.
 */
#include <errno.h>
#include <string.h>
#include "trailkeep/gate.h"
#include "decision.h"

static int describe_key_change(GateKeyChange change, ConsentEntry *entry, char **ret_body) {
        entry->kind = CONSENT_ENTRY_KEYS;
        entry->change = change;
        return consent_entry_encode(entry, ret_body);
}

/**
 * gate_describe_key_change() - what the ledger says of a change of the keys that is made without a gate
 * @change:     which
 * @subject:    whose box it is, 1 to 128 bytes
 * @actor:      who; without the name that a bridge asserts
 * @clock:      for the time that is shown with it
 * @ret_body:   the entry; the caller frees it
 *
 * Return: 0; -EINVAL: the subject or the role is too long; -ENOMEM.
 */
int gate_describe_key_change(GateKeyChange change, const char *subject, const GateActor *actor, const Clock *clock,
                             char **ret_body) {
        ConsentEntry entry = {
                .uid = actor->uid,
                .realtime_ms = (int64_t)(clock_realtime_usec(clock) / USEC_PER_MSEC),
        };
        size_t n_subject = strlen(subject), n_role = strlen(actor->role);

        if (n_subject >= sizeof(entry.subject) || n_role >= sizeof(entry.role))
                return -EINVAL;
        memcpy(entry.subject, subject, n_subject);
        memcpy(entry.role, actor->role, n_role);
        return describe_key_change(change, &entry, ret_body);
}

static int decision_rotate(Decision *decision) {
        _cleanup_free_ char *body = NULL;
        int r;

        r = describe_key_change(GATE_KEYS_ROTATED, &decision->entry, &body);
        if (r < 0)
                return r;
        return decision_outcome(journal_rotate(decision->gate->journal, body, decision_on_appended, decision));
}

/**
 * gate_rotate_keys() - a person wants every key wrapped anew
 * @gate:       the gate
 * @actor:      who; copied
 * @done:       called with 0 when it is done and in the ledger; else GATE_E_FULL, GATE_E_NOT_DURABLE or < 0: everything
 *              is as it was; -ECANCELED: the gate was freed
 * @userdata:   for @done
 *
 * Return: 0: it is being written, and @done follows; GATE_E_FULL, GATE_E_NOT_DURABLE or < 0: everything is as it was,
 * @done is not called.
 */
int gate_rotate_keys(Gate *gate, const GateActor *actor, GateDone done, void *userdata) {
        _cleanup_(decision_freep) Decision *decision = NULL;
        int r;

        r = decision_new(gate, actor, &decision);
        if (r < 0)
                return r;
        decision->done = done;
        decision->userdata = userdata;

        r = decision_rotate(decision);
        if (r == 0)
                (void)TAKE_PTR(decision); /* the journal has it */

        return r;
}

static void decision_on_evidence(int r, const char *key, void *userdata) {
        _cleanup_(decision_freep) Decision *decision = userdata;

        if (!decision_unlink(decision))
                return;

        r = decision_outcome(r);
        decision->evidence_done(r, r == 0 ? key : NULL, decision->userdata);
}

static int decision_start_evidence(Decision *decision) {
        _cleanup_free_ char *body = NULL;
        int r;

        r = describe_key_change(GATE_KEYS_EVIDENCE, &decision->entry, &body);
        if (r < 0)
                return r;
        return decision_outcome(journal_start_evidence(decision->gate->journal, body, decision_on_evidence, decision));
}

/**
 * gate_start_evidence() - a person wants the first key of a chain of evidence
 * @gate:       the gate
 * @actor:      who; copied
 * @done:       called with 0 and the key when the chain has begun and that is in the ledger; else GATE_E_FULL,
 *              GATE_E_NOT_DURABLE or < 0 and NULL; -ECANCELED: the gate was freed
 * @userdata:   for @done
 *
 * Return: 0: it is being written, and @done follows; GATE_E_FULL, GATE_E_NOT_DURABLE or < 0: everything is as it was,
 * @done is not called.
 */
int gate_start_evidence(Gate *gate, const GateActor *actor, GateEvidenceDone done, void *userdata) {
        _cleanup_(decision_freep) Decision *decision = NULL;
        int r;

        r = decision_new(gate, actor, &decision);
        if (r < 0)
                return r;
        decision->evidence_done = done;
        decision->userdata = userdata;

        r = decision_start_evidence(decision);
        if (r == 0)
                (void)TAKE_PTR(decision); /* the journal has it */

        return r;
}
