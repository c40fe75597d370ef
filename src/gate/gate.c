/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The gate: what comes in is dropped or appended to the journal; who decides is written to the ledger. Floor 3.
 *
 * The consents themselves, and which of two decisions holds, are in consent.c; the form of the ledger in
 * consent-entry.c; the way of one decision through the journal in decision.c. Here they meet the records.
 *
 * A ledger that cannot be read to its end is not trusted in part either: a withdrawal may stand in what is missing.
 * Then every purpose is off, and stays off, until someone mends or removes the vault; withdrawing and erasing still
 * work.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "trailkeep/gate.h"
#include "trailkeep/parse.h"
#include "gate-internal.h"

#define LOG_MODULE "gate"
#include "trailkeep/log.h"

static int replay_everything(Gate *gate, ConsentEntry *entry) {
        for (entry->purpose = 0; entry->purpose < PURPOSE_MAX; entry->purpose++)
                if (!consent_apply(&gate->consents[entry->purpose], entry))
                        return -EBADMSG; /* as below */
        return 0;
}

static int replay_entry(uint64_t seq, const char *body, void *userdata) {
        Gate *gate = userdata;
        ConsentEntry entry;
        int r;

        r = consent_entry_decode(body, &entry);
        if (r < 0)
                return r;
        if (entry.kind == CONSENT_ENTRY_EVERYTHING)
                return replay_everything(gate, &entry);
        if (entry.kind != CONSENT_ENTRY_DECISION || strcmp(entry.subject, gate->subject) != 0)
                return 0;

        /* Entries are written in the order of their generations: anything else was not written by us. */
        return consent_apply(&gate->consents[entry.purpose], &entry) ? 0 : -EBADMSG;
}

/**
 * gate_new() - read the consents of a subject from the ledger
 * @journal:    where records go and the ledger is; must outlive the gate, and complete what the gate asked when freed
 * @clock:      for the time that is shown with a decision; must outlive the gate
 * @subject:    whose consents, UTF-8, 1 to 128 bytes; copied
 * @ret:        the gate
 *
 * To be called before anything else was asked of the journal. A ledger that cannot be read is no failure here: see
 * gate_is_ledger_trusted().
 *
 * Return: 0; -EINVAL: no such subject can be; -ENOMEM.
 */
int gate_new(Journal *journal, const Clock *clock, const char *subject, Gate **ret) {
        _cleanup_(gate_freep) Gate *gate = NULL;
        size_t length = strlen(subject);
        int r;

        if (length == 0 || length >= CONSENT_SUBJECT_MAX)
                return -EINVAL;

        gate = calloc(1, sizeof(*gate));
        if (!gate)
                return -ENOMEM;
        gate->journal = journal;
        gate->clock = clock;
        gate->is_ledger_trusted = true;
        memcpy(gate->subject, subject, length + 1);
        for (Purpose purpose = 0; purpose < PURPOSE_MAX; purpose++)
                consent_init(&gate->consents[purpose], purpose);

        r = journal_ledger_replay(journal, replay_entry, gate);
        if (r == -ENOMEM)
                return r;
        if (r != 0) {
                log_debug("The consent ledger cannot be trusted (%d): every purpose is off", r);
                gate->is_ledger_trusted = false;
                for (Purpose purpose = 0; purpose < PURPOSE_MAX; purpose++)
                        consent_distrust(&gate->consents[purpose]);
        }

        *ret = TAKE_PTR(gate);
        return 0;
}

/**
 * gate_free() - close the gate
 * @gate:       or NULL
 *
 * What was handed to the journal is still written; whoever waits for it is told -ECANCELED now and nothing later.
 *
 * Return: NULL.
 */
Gate *gate_free(Gate *gate) {
        if (!gate)
                return NULL;

        decision_abandon_all(gate);
        free(gate);

        return NULL;
}

/**
 * gate_observe() - say who is told of changes
 * @gate:       the gate
 * @observer:   copied; replaces the one before
 *
 * changed() is called in the turn in which a consent comes into force, before the one who decided is answered.
 */
void gate_observe(Gate *gate, const GateObserver *observer) {
        gate->observer = *observer;
}

/**
 * gate_is_ledger_trusted() - whether the ledger could be read at start
 * @gate:       the gate
 *
 * Return: false if it could not: everything is off, and gate_grant() refuses.
 */
bool gate_is_ledger_trusted(const Gate *gate) {
        return gate->is_ledger_trusted;
}

/**
 * gate_allows() - whether a purpose is granted now
 * @gate:       the gate
 * @purpose:    which
 *
 * Return: true if it is.
 */
bool gate_allows(const Gate *gate, Purpose purpose) {
        return gate->consents[purpose].current.is_granted;
}

/**
 * gate_generation() - the generation to be noted in a record when it is made
 * @gate:       the gate
 * @purpose:    which
 *
 * Return: the generation of the decision in force; 0: never decided.
 */
uint64_t gate_generation(const Gate *gate, Purpose purpose) {
        return gate->consents[purpose].current.generation;
}

/**
 * gate_subject() - whose consents these are
 * @gate:       the gate
 *
 * Return: the pseudonym, borrowed as long as the gate lives.
 */
const char *gate_subject(const Gate *gate) {
        return gate->subject;
}

/**
 * gate_get_consent() - what is in force for a purpose, and who decided it
 * @gate:       the gate
 * @purpose:    which
 * @ret:        a copy
 */
void gate_get_consent(const Gate *gate, Purpose purpose, GateConsent *ret) {
        *ret = gate->consents[purpose].current;
}

/**
 * gate_submit() - a record wants in
 * @gate:       the gate
 * @record:     with the subject and the generation it was made under; copied by the journal,
 *              which takes the bytes of media if 0 is returned
 *
 * Return: 0: it is in the journal, and durable with the next commit; GATE_E_REFUSED: dropped; GATE_E_FULL: not taken;
 * < 0: the journal could not take it.
 */
int gate_submit(Gate *gate, Record *record) {
        Purpose purpose = record_kind_purpose(record->kind);
        int r;

        if (!gate_allows(gate, purpose) || record->generation != gate_generation(gate, purpose))
                return GATE_E_REFUSED;
        if (strcmp(record->subject, gate->subject) != 0)
                return GATE_E_REFUSED;

        r = journal_append(gate->journal, record);
        return r > 0 ? GATE_E_FULL : r;
}
