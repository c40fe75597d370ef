/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * One job for each call on the journal: what is asked, done on the thread, answered on the loop. Floor 2, private to
 * the journal.
 *
 * A job is the head of a larger struct of its call. work() runs on the thread and sets r; finish() runs on the loop,
 * calls the caller's function unless it was forgotten, and frees what the struct holds; the struct itself is freed
 * behind it.
 */
#include <stdbool.h>
#include <stddef.h>
#include "engine.h"
#include "rows.h"
#include "trailkeep/journal.h"
#include "trailkeep/macros.h"
#include "trailkeep/worker.h"

typedef struct JournalJob JournalJob;
struct JournalJob {
        WorkerJob worker; /* first */
        Journal *journal;
        void (*work)(JournalJob *job, Engine *engine);
        void (*finish)(JournalJob *job);
        void *userdata;    /* the caller's */
        bool is_forgotten; /* finish() calls nobody */
        bool is_modest;    /* not worth the reserve */
        int r;
        RowList rows;      /* handed to the thread with this job */
        RowLoad load[ROW_CLASS_MAX]; /* of these rows */
        GapList refused;   /* what was not taken since, likewise */
        uint32_t durable_lanes; /* bit mask 1 << Lane: what the thread made durable in this job */
        EngineReport report;
        JournalJob *previous, *next; /* all that are under way */
};

/* jobs.c */
void job_run(WorkerJob *worker_job, void *context);

/* journal.c */
int journal_submit(Journal *journal, JournalJob *job) _must_check_; /* 0; JOURNAL_E_FULL: the caller's still */
void journal_take_rows(Journal *journal, JournalJob *job); /* what was appended since goes along */

/* A job of a call: zeroed, with its functions; NULL: out of memory. */
#define job_new(type, work_function, finish_function, data)                     \
        ({                                                                      \
                type *_job = calloc(1, sizeof(type));                           \
                if (_job) {                                                     \
                        _job->job.work = work_function;                         \
                        _job->job.finish = finish_function;                     \
                        _job->job.userdata = data;                              \
                }                                                               \
                _job;                                                           \
        })
