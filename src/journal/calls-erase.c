/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The calls of the journal about erasing: erase, how far erasures are, what is to be deleted in the store. Floor 2.
 */
#include <errno.h>
#include <string.h>
#include "jobs.h"

typedef struct EraseJob {
        JournalJob job;
        JournalEraseDone done;
        JournalErasure erasure;
        char *subject, *clip, *ledger_body;
        JournalReceipt receipt;
} EraseJob;

static void erase_release(EraseJob *call) {
        string_wipe_free(call->subject);
        string_wipe_free(call->clip);
        string_wipe_free(call->ledger_body);
}

/* What was appended before came along with this job: what the erasure covers is dropped, the rest becomes durable. */
static void erase_work(JournalJob *job, Engine *engine) {
        EraseJob *call = (EraseJob *)job;

        job->r = engine_erase(engine, &call->erasure, &call->receipt);
        /* What is in doubt stays so until the next job, or this one would be done a second time for want of room. */
        if (!engine->is_doubtful)
                (void)!engine_commit(engine, &job->durable_lanes); /* a failure is in the report, and tried again */
}

static void erase_finish(JournalJob *job) {
        EraseJob *call = (EraseJob *)job;

        if (!job->is_forgotten)
                call->done(job->r, job->r == 0 ? &call->receipt : NULL, job->userdata);
        erase_release(call);
}

static int erase_copy(EraseJob *call, const JournalErasure *erasure) {
        call->erasure = *erasure;
        if (erasure->subject) {
                call->erasure.subject = call->subject = strdup(erasure->subject);
                if (!call->subject)
                        return -ENOMEM;
        }
        if (erasure->clip) {
                call->erasure.clip = call->clip = strdup(erasure->clip);
                if (!call->clip)
                        return -ENOMEM;
        }
        if (erasure->ledger_body) {
                call->erasure.ledger_body = call->ledger_body = strdup(erasure->ledger_body);
                if (!call->ledger_body)
                        return -ENOMEM;
        }
        return 0;
}

/**
 * journal_erase() - destroy the keys of what was recorded, and have deleted what is in the store
 * @journal:    the journal
 * @erasure:    what; copied. A range of time is rounded outward to parcels, and records without a time lie in every
 *              range
 * @done:       0 and the receipt, borrowed, once the keys are destroyed and the doomed objects are noted, both on the
 *              medium; < 0 and NULL: see the list of erasures, for if only the noting failed the keys are destroyed and
 *              it is tried again
 * @userdata:   for @done
 *
 * Return: 0: @done will be called; JOURNAL_E_FULL; -ENOMEM.
 */
int journal_erase(Journal *journal, const JournalErasure *erasure, JournalEraseDone done, void *userdata) {
        EraseJob *call = job_new(EraseJob, erase_work, erase_finish, userdata);
        int r;

        if (!call)
                return -ENOMEM;
        call->done = done;
        r = erase_copy(call, erasure);
        if (r >= 0) {
                journal_take_rows(journal, &call->job);
                r = journal_submit(journal, &call->job);
        }
        if (r != 0) {
                erase_release(call);
                free(call);
        }
        return r;
}

typedef struct ErasuresJob {
        JournalJob job;
        JournalErasuresDone done;
        JournalErasureState *states;
        size_t n_states;
} ErasuresJob;

static void erasures_work(JournalJob *job, Engine *engine) {
        ErasuresJob *call = (ErasuresJob *)job;

        job->r = engine_list_erasures(engine, &call->states, &call->n_states);
}

static void erasures_finish(JournalJob *job) {
        ErasuresJob *call = (ErasuresJob *)job;

        if (!job->is_forgotten)
                call->done(job->r, call->states, call->n_states, job->userdata);
        free(call->states);
}

/**
 * journal_list_erasures() - all erasures and how far they are
 * @journal:    the journal
 * @done:       0 and the list, oldest first, borrowed; < 0
 * @userdata:   for @done
 *
 * Return: 0: @done will be called; JOURNAL_E_FULL; -ENOMEM.
 */
int journal_list_erasures(Journal *journal, JournalErasuresDone done, void *userdata) {
        ErasuresJob *call = job_new(ErasuresJob, erasures_work, erasures_finish, userdata);
        int r;

        if (!call)
                return -ENOMEM;
        call->done = done;
        r = journal_submit(journal, &call->job);
        if (r != 0)
                free(call);
        return r;
}

typedef struct DoomedJob {
        JournalJob job;
        JournalDoomedDone done;
        size_t max;
        JournalDoomed *doomed;
        size_t n_doomed;
} DoomedJob;

static void doomed_work(JournalJob *job, Engine *engine) {
        DoomedJob *call = (DoomedJob *)job;

        job->r = engine_list_doomed(engine, call->max, &call->doomed, &call->n_doomed);
}

static void doomed_finish(JournalJob *job) {
        DoomedJob *call = (DoomedJob *)job;

        if (!job->is_forgotten)
                call->done(job->r, call->doomed, call->n_doomed, job->userdata);
        for (size_t i = 0; i < call->n_doomed; i++)
                string_wipe_free(call->doomed[i].name);
        free(call->doomed);
}

/**
 * journal_list_doomed() - objects whose deletion in the store is owed
 * @journal:    the journal
 * @max:        how many at most
 * @done:       0 and the list, the longest owed first, borrowed; < 0
 * @userdata:   for @done
 *
 * Return: 0: @done will be called; JOURNAL_E_FULL; -ENOMEM.
 */
int journal_list_doomed(Journal *journal, size_t max, JournalDoomedDone done, void *userdata) {
        DoomedJob *call = job_new(DoomedJob, doomed_work, doomed_finish, userdata);
        int r;

        if (!call)
                return -ENOMEM;
        call->done = done;
        call->max = max;
        r = journal_submit(journal, &call->job);
        if (r != 0)
                free(call);
        return r;
}
