/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The calls of the journal about true time. Floor 2. What is stored is in vault-time.c, what follows from it in
 * sessions.c.
 */
#include <errno.h>
#include "jobs.h"

typedef struct TimeJob {
        JournalJob job;
        JournalTimeDone done;
        JournalTime time;
} TimeJob;

static void time_work(JournalJob *job, Engine *engine) {
        vault_time_get(&engine->time, &((TimeJob *)job)->time);
}

static void time_finish(JournalJob *job) {
        TimeJob *call = (TimeJob *)job;

        if (!job->is_forgotten)
                call->done(job->r, &call->time, job->userdata);
}

/**
 * journal_read_time() - what earlier boots, and this one, have proven of true time
 * @journal:    the journal
 * @done:       0 and what is known, borrowed; < 0 and nothing
 * @userdata:   for @done
 *
 * Return: 0: @done will be called; JOURNAL_E_FULL; -ENOMEM.
 */
int journal_read_time(Journal *journal, JournalTimeDone done, void *userdata) {
        TimeJob *call = job_new(TimeJob, time_work, time_finish, userdata);
        int r;

        if (!call)
                return -ENOMEM;
        call->done = done;
        r = journal_submit(journal, &call->job);
        if (r != 0)
                free(call);
        return r;
}

typedef struct ProveJob {
        JournalJob job;
        JournalDone done;
        TrueTimeProof proof;
} ProveJob;

static void prove_work(JournalJob *job, Engine *engine) {
        job->r = engine_prove_time(engine, &((ProveJob *)job)->proof);
}

static void prove_finish(JournalJob *job) {
        ProveJob *call = (ProveJob *)job;

        if (!job->is_forgotten)
                call->done(job->r, job->userdata);
}

/**
 * journal_prove_time() - true time is proven in this boot, or better than before
 * @journal:    the journal
 * @proof:      against CLOCK_BOOTTIME; copied
 * @done:       0: it is used, what has expired by it is destroyed, and if it says anything new both are on the medium;
 *              < 0: it is used, and what is due is tried again; until then nothing is read for sending
 * @userdata:   for @done
 *
 * Calls that follow find what has expired gone.
 *
 * Return: 0: @done will be called; JOURNAL_E_FULL; -ENOMEM.
 */
int journal_prove_time(Journal *journal, const TrueTimeProof *proof, JournalDone done, void *userdata) {
        ProveJob *call = job_new(ProveJob, prove_work, prove_finish, userdata);
        int r;

        if (!call)
                return -ENOMEM;
        call->done = done;
        call->proof = *proof;
        r = journal_submit(journal, &call->job);
        if (r != 0)
                free(call);
        return r;
}
