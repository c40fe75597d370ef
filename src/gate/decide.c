/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Granting, withdrawing and erasing. Floor 3. A decision's way stands at the head of decision.c.
 */
#include <errno.h>
#include <string.h>
#include "trailkeep/gate.h"
#include "trailkeep/parse.h"
#include "decision.h"

#define LOG_MODULE "gate"
#include "trailkeep/log.h"

static void decision_on_erased(int r, const JournalReceipt *receipt, void *userdata) {
        _cleanup_(decision_freep) Decision *decision = userdata;

        if (!decision_unlink(decision))
                return;

        r = decision_outcome(r);
        decision_answer(decision, r, r == 0 ? receipt : NULL);
}

static int decision_append(Decision *decision) {
        _cleanup_free_ char *body = NULL;
        int r;

        r = consent_entry_encode(&decision->entry, &body);
        if (r < 0)
                return r;

        return decision_outcome(
                journal_ledger_append(decision->gate->journal, body, decision_on_appended, decision));
}

static int decision_erase(Decision *decision, JournalErasure *erasure) {
        _cleanup_free_ char *body = NULL;
        int r;

        r = consent_entry_encode(&decision->entry, &body);
        if (r < 0)
                return r;

        if (!erasure->is_everything)
                erasure->subject = decision->entry.subject;
        erasure->ledger_body = body;
        return decision_outcome(journal_erase(decision->gate->journal, erasure, decision_on_erased, decision));
}

/**
 * gate_grant() - a person agrees to a purpose
 * @gate:       the gate
 * @purpose:    which
 * @actor:      who; copied
 * @done:       called with 0 when the grant is on disk and in force; GATE_E_OVERTAKEN; GATE_E_FULL, GATE_E_NOT_DURABLE
 * or < 0: it could not be written, the purpose stays as it was; -ECANCELED: the gate was freed
 * @userdata:   for @done
 *
 * Return: 0: it is being written, and @done follows; GATE_E_UNCHANGED, GATE_E_LEDGER, GATE_E_FULL, GATE_E_NOT_DURABLE
 * or < 0: @done is not called and the purpose is as it was.
 */
int gate_grant(Gate *gate, Purpose purpose, const GateActor *actor, GateDone done, void *userdata) {
        _cleanup_(decision_freep) Decision *decision = NULL;
        int r;

        if (!gate->is_ledger_trusted)
                return GATE_E_LEDGER;
        if (gate_allows(gate, purpose))
                return GATE_E_UNCHANGED;

        r = decision_new(gate, actor, &decision);
        if (r < 0)
                return r;
        decision->entry.kind = CONSENT_ENTRY_DECISION;
        decision->entry.purpose = purpose;
        decision->entry.is_granted = true;
        decision->entry.generation = consent_ask(&gate->consents[purpose]);
        decision->done = done;
        decision->userdata = userdata;

        r = decision_append(decision);
        if (r == 0)
                (void)TAKE_PTR(decision); /* the journal has it */

        return r;
}

/* Not even memory for the request: off all the same, by a decision that names no one. */
static void enforce_nameless_withdrawal(Gate *gate, Purpose purpose) {
        ConsentEntry entry = {
                .purpose = purpose,
                .generation = consent_ask(&gate->consents[purpose]),
                .realtime_ms = TIME_MS_NONE,
        };

        (void)decision_enforce(gate, &entry); /* the newest generation always holds */
}

/**
 * gate_withdraw() - a person no longer agrees
 * @gate:       the gate
 * @purpose:    which; may be off already
 * @keep:       leave what was recorded; else what the store has not acknowledged is destroyed in the same transaction
 * @actor:      who; copied
 * @done:       called with 0 and, unless @keep, the receipt when it is on disk; else GATE_E_FULL, GATE_E_NOT_DURABLE or
 *              < 0: it could not be written and nothing was erased; -ECANCELED: the gate was freed
 * @userdata:   for @done
 *
 * Whatever is returned here or later, the purpose is off when this returns and the observer has been told; if it could
 * not be written, the next start finds the grant in the ledger again: it holds until then only.
 *
 * Return: 0: it is being written, and @done follows; GATE_E_FULL, GATE_E_NOT_DURABLE or < 0: not written, @done is not
 * called.
 */
int gate_withdraw(Gate *gate, Purpose purpose, bool keep, const GateActor *actor, GateEraseDone done, void *userdata) {
        _cleanup_(decision_freep) Decision *decision = NULL;
        JournalErasure erasure = {
                .purposes = UINT32_C(1) << purpose,
                .since_ms = TIME_MS_NONE,
                .until_ms = TIME_MS_NONE,
                .unsent_only = true,
        };
        int r;

        r = decision_new(gate, actor, &decision);
        if (r < 0) {
                enforce_nameless_withdrawal(gate, purpose);
                return r;
        }
        decision->entry.kind = CONSENT_ENTRY_DECISION;
        decision->entry.purpose = purpose;
        decision->entry.is_kept = keep;
        decision->entry.generation = consent_ask(&gate->consents[purpose]);
        decision->erase_done = done;
        decision->userdata = userdata;

        (void)decision_enforce(gate, &decision->entry); /* the newest generation always holds */
        r = keep ? decision_append(decision) : decision_erase(decision, &erasure);
        if (r == 0)
                (void)TAKE_PTR(decision); /* the journal has it */

        return r;
}

/**
 * gate_erase() - a person wants data destroyed
 * @gate:       the gate
 * @scope:      what; of this gate's subject
 * @actor:      who; copied
 * @done:       called with 0 and the receipt when keys are destroyed and the request is in the ledger; else
 * GATE_E_FULL, GATE_E_NOT_DURABLE or < 0: nothing was erased; -ECANCELED: the gate was freed
 * @userdata:   for @done
 *
 * Return: 0: it is being written, and @done follows; -EINVAL: no purpose, a range that ends before it begins, or a
 * clip without a name;
 * GATE_E_FULL, GATE_E_NOT_DURABLE or other < 0: nothing was erased. @done is not called unless 0.
 */
int gate_erase(Gate *gate, const GateErase *scope, const GateActor *actor, GateEraseDone done, void *userdata) {
        _cleanup_(decision_freep) Decision *decision = NULL;
        JournalErasure erasure = {
                .purposes = scope->purposes,
                .since_ms = scope->since_ms,
                .until_ms = scope->until_ms,
                .unsent_only = scope->keep_stored,
        };
        size_t n_clip = scope->clip ? strlen(scope->clip) : 0;
        int r;

        if (scope->purposes == 0 || scope->purposes >> PURPOSE_MAX != 0)
                return -EINVAL;
        if (scope->since_ms != TIME_MS_NONE && scope->until_ms != TIME_MS_NONE && scope->since_ms > scope->until_ms)
                return -EINVAL;
        if (scope->clip && (n_clip == 0 || n_clip > RECORD_CLIP_MAX))
                return -EINVAL;

        r = decision_new(gate, actor, &decision);
        if (r < 0)
                return r;
        decision->entry.kind = CONSENT_ENTRY_ERASURE;
        decision->entry.purposes = scope->purposes;
        decision->entry.since_ms = scope->since_ms;
        decision->entry.until_ms = scope->until_ms;
        decision->entry.is_stored_kept = scope->keep_stored;
        if (scope->clip) {
                memcpy(decision->entry.clip, scope->clip, n_clip + 1);
                erasure.clip = decision->entry.clip;
        }
        decision->erase_done = done;
        decision->userdata = userdata;

        r = decision_erase(decision, &erasure);
        if (r == 0)
                (void)TAKE_PTR(decision); /* the journal has it */

        return r;
}

/* A generation above each that was asked, for a decision about every purpose. */
static uint64_t ask_all(const Gate *gate) {
        uint64_t asked = 0;

        for (Purpose purpose = 0; purpose < PURPOSE_MAX; purpose++)
                asked = MAX(asked, gate->consents[purpose].asked);
        return asked + 1;
}

/**
 * gate_erase_everything() - all is to be destroyed, and who decided what with it
 * @gate:       the gate
 * @actor:      who; of him the ledger keeps the number of the user and the role alone
 * @done:       called with 0 and the receipt when keys are destroyed; else GATE_E_FULL, GATE_E_NOT_DURABLE or < 0: it
 *              could not be written and nothing was erased; -ECANCELED: the gate was freed
 * @userdata:   for @done
 *
 * Whatever is returned here or later, every purpose is off when this returns and the observer has been told; if it could
 * not be written, the next start finds the grants in the ledger again.
 *
 * Return: 0: it is being written, and @done follows; GATE_E_FULL, GATE_E_NOT_DURABLE or < 0: not written, @done is not
 * called.
 */
int gate_erase_everything(Gate *gate, const GateActor *actor, GateEraseDone done, void *userdata) {
        const GateActor nameless = { .uid = actor->uid, .role = actor->role };
        _cleanup_(decision_freep) Decision *decision = NULL;
        JournalErasure erasure = {
                .purposes = (UINT32_C(1) << PURPOSE_MAX) - 1,
                .since_ms = TIME_MS_NONE,
                .until_ms = TIME_MS_NONE,
                .is_everything = true,
        };
        int r;

        r = decision_new(gate, &nameless, &decision);
        if (r < 0) {
                for (Purpose purpose = 0; purpose < PURPOSE_MAX; purpose++)
                        enforce_nameless_withdrawal(gate, purpose);
                return r;
        }
        memset(decision->entry.subject, 0, sizeof(decision->entry.subject));
        decision->entry.kind = CONSENT_ENTRY_EVERYTHING;
        decision->entry.generation = ask_all(gate);
        decision->erase_done = done;
        decision->userdata = userdata;
        for (Purpose purpose = 0; purpose < PURPOSE_MAX; purpose++) {
                decision->entry.purpose = purpose;
                (void)decision_enforce(gate, &decision->entry); /* the newest generation always holds */
        }

        r = decision_erase(decision, &erasure);
        if (r == 0)
                (void)TAKE_PTR(decision); /* the journal has it */

        return r;
}
