/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One decision of a person on its way through the journal: a grant, a withdrawal, a request to erase or
 * to rotate the keys. Floor 3.
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
#include "trailkeep/parse.h"
#include "gate-internal.h"

#define LOG_MODULE "gate"
#include "trailkeep/log.h"

struct Decision {
        Gate *gate; /* NULL: freed meanwhile */
        Decision *next;
        ConsentEntry entry;
        GateDone done; /* of a grant or a rotation */
        GateEraseDone erase_done;
        GateEvidenceDone evidence_done;
        void *userdata;
};

/* Takes the decision off its gate's list; the gate, or NULL if it is gone. */
static Gate *decision_unlink(Decision *decision) {
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

static Decision *decision_free(Decision *decision) {
        if (!decision)
                return NULL;

        (void)decision_unlink(decision); /* whose list it was on does not matter any more */
        free(decision);

        return NULL;
}
DEFINE_CLEANUP(Decision, decision_free);

static int decision_new(Gate *gate, const GateActor *actor, Decision **ret) {
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

static void decision_answer(const Decision *decision, int r, const JournalReceipt *receipt) {
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

/* The journal's outcomes as ours: what could not be written for want of room, and all else that kept it from the disk.
 */
static int outcome_from_journal(int r) {
        if (r <= 0)
                return r;

        return r == JOURNAL_E_FULL ? GATE_E_FULL : GATE_E_NOT_DURABLE;
}

/* Puts a decision in force and tells the daemon, if it changes anything. */
static bool decision_enforce(Gate *gate, const ConsentEntry *entry) {
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

/* Off the list before anyone is told: whoever is told may free the gate. */
static void decision_on_appended(int r, void *userdata) {
        _cleanup_(decision_freep) Decision *decision = userdata;
        Gate *gate = decision_unlink(decision);

        if (!gate)
                return;

        r = outcome_from_journal(r);
        if (r == 0 && decision->entry.is_granted && !decision_enforce(gate, &decision->entry))
                r = GATE_E_OVERTAKEN;
        decision_answer(decision, r, NULL);
}

static void decision_on_erased(int r, const JournalReceipt *receipt, void *userdata) {
        _cleanup_(decision_freep) Decision *decision = userdata;

        if (!decision_unlink(decision))
                return;

        r = outcome_from_journal(r);
        decision_answer(decision, r, r == 0 ? receipt : NULL);
}

static int decision_append(Decision *decision) {
        _cleanup_free_ char *body = NULL;
        int r;

        r = consent_entry_encode(&decision->entry, &body);
        if (r < 0)
                return r;

        return outcome_from_journal(
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
        return outcome_from_journal(journal_erase(decision->gate->journal, erasure, decision_on_erased, decision));
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
        return outcome_from_journal(journal_rotate(decision->gate->journal, body, decision_on_appended, decision));
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

        r = outcome_from_journal(r);
        decision->evidence_done(r, r == 0 ? key : NULL, decision->userdata);
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
        _cleanup_free_ char *body = NULL;
        int r;

        r = decision_new(gate, actor, &decision);
        if (r < 0)
                return r;
        decision->evidence_done = done;
        decision->userdata = userdata;

        r = describe_key_change(GATE_KEYS_EVIDENCE, &decision->entry, &body);
        if (r >= 0)
                r = outcome_from_journal(journal_start_evidence(gate->journal, body, decision_on_evidence, decision));
        if (r == 0)
                (void)TAKE_PTR(decision); /* the journal has it */

        return r;
}
