/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is done around each job on the journal's thread. Floor 2.
 *
 *   rows that came along -> what an earlier job left in doubt is cleared up -> the work, a second time if it lacked
 *   room -> a damaged journal.db is replaced -> report
 */
#include "jobs.h"

static void job_try(JournalJob *job, Engine *engine) {
        job->r = engine_ready(engine);
        if (job->r < 0)
                engine_note_failure(engine, job->r);
        else
                job->work(job, engine);
}

/* Whoever asked is told that it failed and asks again; what waits is not kept waiting. */
static void job_repair(JournalJob *job, Engine *engine) {
        uint32_t lanes = 0;
        int r;

        if (!engine->db || !db_is_damaged(engine->db))
                return;
        r = engine_ready(engine);
        if (r < 0)
                engine_note_failure(engine, r);
        else
                (void)!engine_commit(engine, &lanes); /* noted by itself, and tried again */
        job->durable_lanes |= lanes;
}

/**
 * job_run() - do a job on the thread
 * @worker_job: head of a JournalJob
 * @context:    the engine
 *
 * Work that has failed for want of room has changed nothing, unless it is in doubt, and gets the reserve.
 */
void job_run(WorkerJob *worker_job, void *context) {
        JournalJob *job = (JournalJob *)worker_job;
        Engine *engine = context;

        engine_append(engine, &job->rows);
        gap_list_move(&engine->refused, &job->refused);
        job_try(job, engine);
        if (job->r < 0 && !job->is_modest && !engine->is_doubtful && engine_yield_reserve(engine, job->r))
                job_try(job, engine);
        job_repair(job, engine);
        (void)!engine_restore_reserve(engine); /* as far as possible; records wait until it is whole */
        engine_report(engine, &job->report);
}
