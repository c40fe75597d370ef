/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The calls of the journal about evidence. Floor 2.
 */
#include <errno.h>
#include <string.h>
#include "jobs.h"

typedef struct EvidenceJob {
        JournalJob job;
        JournalEvidenceDone done;
        char *ledger_body;
        Bytes key;
} EvidenceJob;

static void evidence_release(EvidenceJob *call) {
        string_wipe_free(call->ledger_body);
        bytes_done(&call->key);
}

static void evidence_work(JournalJob *job, Engine *engine) {
        EvidenceJob *call = (EvidenceJob *)job;

        job->r = engine_start_evidence(engine, call->ledger_body, &call->key);
}

static void evidence_finish(JournalJob *job) {
        EvidenceJob *call = (EvidenceJob *)job;

        if (!job->is_forgotten)
                call->done(job->r, job->r == 0 ? (const char *)call->key.data : NULL, job->userdata);
        evidence_release(call);
}

/**
 * journal_start_evidence() - begin a chain of evidence whose first key is given away
 * @journal:    the journal
 * @ledger_body: JSON text, written in the same transaction; copied
 * @done:       0 and the key as text, borrowed: it is on the medium, and the key is kept nowhere; < 0 and NULL
 * @userdata:   for @done
 *
 * Whoever does not keep the key has begun a chain that nobody can verify, which does no harm.
 *
 * Return: 0: @done will be called; JOURNAL_E_FULL; -ENOMEM.
 */
int journal_start_evidence(Journal *journal, const char *ledger_body, JournalEvidenceDone done, void *userdata) {
        EvidenceJob *call = job_new(EvidenceJob, evidence_work, evidence_finish, userdata);
        int r;

        if (!call)
                return -ENOMEM;
        call->done = done;
        call->ledger_body = strdup(ledger_body);
        r = call->ledger_body ? journal_submit(journal, &call->job) : -ENOMEM;
        if (r != 0) {
                evidence_release(call);
                free(call);
        }
        return r;
}
