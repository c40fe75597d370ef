/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The journal's face on the loop: appending, group commit and the news. Floor 2. The timers are in house.c, the other
 * calls in calls.c, what the thread does in engine.h.
 *
 *   append -> fresh rows, in memory -> [1 s | 256 rows | 1 MiB | an alarm] -> one job -> thread -> durable ->
 *   committed()
 *
 * Rows are collected here and not on the thread, so that a fix a second wakes the thread once a commit and not once a
 * fix.
 *
 * The thread starts with the first job; until then, at start, journal_ledger_replay() uses the engine from the loop.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "journal-error.h"
#include "journal-private.h"
#include "ledger.h"
#include "trailkeep/log.h"

#define LOG_MODULE "journal"

#define QUEUE_MAX 256
#define COMMIT_RECORDS 256
#define COMMIT_BYTES ((size_t)1024 * 1024)
#define WAITING_RECORDS_MAX 4096
#define WAITING_BYTES_MAX ((size_t)4 * 1024 * 1024)

static void journal_unlink_job(Journal *journal, JournalJob *job) {
        if (job->previous)
                job->previous->next = job->next;
        else
                journal->jobs = job->next;
        if (job->next)
                job->next->previous = job->previous;
}

static void journal_tell_failure(Journal *journal, const EngineReport *report) {
        bool was_failing = journal->is_failing;

        journal->is_failing = report->counters.is_failing;
        if (journal->is_failing && !was_failing && journal->observer.failed)
                journal->observer.failed(report->failure, journal->observer.userdata);
        if (!journal->is_failing && was_failing && journal->observer.recovered)
                journal->observer.recovered(journal->observer.userdata);
}

static void journal_tell_media(Journal *journal, const EngineReport *report) {
        if (strcmp(journal->media_trouble, report->media_trouble) == 0)
                return;
        memcpy(journal->media_trouble, report->media_trouble, sizeof(journal->media_trouble));
        if (journal->observer.media)
                journal->observer.media(report->counters.media_state, journal->media_trouble,
                                        journal->observer.userdata);
}

static void journal_tell_expired(Journal *journal) {
        uint64_t n = journal->n_expired - journal->n_told_expired;

        journal->n_told_expired = journal->n_expired;
        if (n > 0)
                journal->observer.expired(n, journal->observer.userdata);
}

static void journal_tell_news(Journal *journal, const JournalJob *job, const JournalCounters *before, bool had_dead) {
        uint64_t n_doomed_before = before->objects_doomed;

        journal_tell_failure(journal, &job->report);
        if (journal->counters.state != before->state && journal->observer.state)
                journal->observer.state(journal->counters.state, journal->observer.userdata);
        journal_tell_media(journal, &job->report);
        if (memcmp(&journal->counters.damage, &before->damage, sizeof(before->damage)) != 0 &&
            journal->observer.damaged)
                journal->observer.damaged(&journal->counters.damage, journal->observer.userdata);
        for (unsigned lane = 0; lane < LANE_MAX; lane++)
                if (job->durable_lanes & 1U << lane && journal->observer.committed)
                        journal->observer.committed((Lane)lane, journal->observer.userdata);
        if (journal->observer.expired)
                journal_tell_expired(journal);
        if (job->report.counters.objects_doomed > n_doomed_before && journal->observer.doomed)
                journal->observer.doomed(journal->observer.userdata);
        if ((job->report.counters.objects_doomed < n_doomed_before || (had_dead && !job->report.has_dead)) &&
            journal->observer.settled)
                journal->observer.settled(journal->observer.userdata);
}

/* On the loop. The caller's function comes last, since it may do anything, even free the journal. */
static void job_done(WorkerJob *worker_job) {
        JournalJob *job = (JournalJob *)worker_job;
        Journal *journal = job->journal;
        JournalCounters before = journal->counters;
        bool had_dead = journal->has_dead;

        journal_unlink_job(journal, job);
        loads_subtract(journal->sent, job->load);
        house_apply(journal, &job->report);
        if (!journal->is_ending)
                journal_tell_news(journal, job, &before, had_dead);
        job->finish(job);
        free(job);
}

/**
 * journal_take_rows() - give what was appended along with a job
 * @journal:    the journal
 * @job:        not submitted yet
 */
void journal_take_rows(Journal *journal, JournalJob *job) {
        memcpy(job->load, journal->fresh.load, sizeof(job->load));
        rows_move(&job->rows, &journal->fresh);
        gap_list_move(&job->refused, &journal->refused);
        loads_add(journal->sent, job->load);
}

/**
 * journal_submit() - have a job done on the thread
 * @journal:    the journal
 * @job:        the journal's from here on if 0 is returned, else the caller's
 *
 * Return: 0; JOURNAL_E_FULL; < 0. On failure rows that were given along are back where they were.
 */
int journal_submit(Journal *journal, JournalJob *job) {
        int r;

        job->journal = journal;
        job->worker.run = job_run;
        job->worker.done = job_done;
        r = worker_submit(journal->worker, &job->worker);
        if (r != 0) {
                rows_move(&journal->fresh, &job->rows);
                gap_list_move(&journal->refused, &job->refused);
                loads_subtract(journal->sent, job->load);
                return r < 0 ? r : JOURNAL_E_FULL;
        }
        job->previous = NULL;
        job->next = journal->jobs;
        if (journal->jobs)
                journal->jobs->previous = job;
        journal->jobs = job;
        return 0;
}

/* Commit: with a caller's function, or for the journal itself. */
typedef struct CommitJob {
        JournalJob job;
        JournalDone done;
} CommitJob;

static void commit_work(JournalJob *job, Engine *engine) {
        const CommitJob *commit = (const CommitJob *)job;
        int r;

        job->r = engine_commit(engine, &job->durable_lanes);
        if (job->r >= 0 && commit->done && engine_has_media_retry(engine))
                job->r = engine_check_media(engine, &job->durable_lanes); /* somebody asks: try at once */
        if (engine->is_unsettled) {
                r = engine_settle(engine);
                if (r < 0)
                        log_debug("what destroyed keys mean could not be noted: %s", strerror(-r)); /* tried again */
        }
}

static void commit_finish(JournalJob *job) {
        CommitJob *commit = (CommitJob *)job;

        if (commit->done && !job->is_forgotten)
                commit->done(job->r, job->userdata);
}

static int journal_submit_commit(Journal *journal, JournalDone done, void *userdata) {
        CommitJob *commit = job_new(CommitJob, commit_work, commit_finish, userdata);
        int r;

        if (!commit)
                return -ENOMEM;
        commit->done = done;
        commit->job.is_modest = true;
        journal_take_rows(journal, &commit->job);
        r = journal_submit(journal, &commit->job);
        if (r != 0) {
                free(commit);
                return r;
        }
        timer_disarm(journal->commit_timer);
        return 0;
}

/**
 * journal_commit_now() - commit what was appended, for the journal itself
 * @journal:    the journal
 */
void journal_commit_now(Journal *journal) {
        /* The queue is full of other jobs: after the next of them the timer is armed again. */
        (void)!journal_submit_commit(journal, NULL, NULL);
}

/**
 * journal_new() - open the journal, or make it at the first start
 * @event:      loop that all calls are made on
 * @clock:      borrowed, must outlive the journal
 * @options:    nothing of it is referred to afterwards; a retention of 0 means none
 * @ret:        owned by the caller; untouched on failure
 * @ret_error:  filled on failure
 *
 * Blocks; what a crash left undone is done, and what has expired is destroyed, before it returns.
 *
 * Return: 0; JOURNAL_E_SECRET, JOURNAL_E_CORRUPT, JOURNAL_E_NEWER, JOURNAL_E_BUSY: nothing was touched; < 0.
 */
int journal_new(sd_event *event, const Clock *clock, const JournalOptions *options, Journal **ret,
                JournalError *ret_error) {
        _cleanup_(journal_freep) Journal *journal = NULL;
        WorkerIdle idle = { .clock = clock };
        int r;

        *ret_error = (JournalError){ .text = "" };
        journal = calloc(1, sizeof(*journal));
        if (!journal)
                return journal_refuse(ret_error, -ENOMEM, "out of memory");
        journal->clock = clock;
        journal->commit_interval_usec = options->commit_interval_usec;
        r = engine_new(options, clock, &journal->engine, ret_error);
        if (r != 0)
                return r;
        r = worker_new(event, "journal", QUEUE_MAX, idle, journal->engine, &journal->worker);
        if (r >= 0)
                r = house_open(journal, event);
        if (r < 0)
                return journal_refuse(ret_error, r, "the journal's thread cannot be started: %s", strerror(-r));
        *ret = TAKE_PTR(journal);
        return 0;
}

/**
 * journal_observe() - who is told the news
 * @journal:    the journal
 * @observer:   copied; functions may be NULL; they must not free the journal. What expired at start is told at once
 */
void journal_observe(Journal *journal, const JournalObserver *observer) {
        journal->observer = *observer;
        if (observer->expired)
                journal_tell_expired(journal);
}

/**
 * journal_free() - commit what was appended, close all, join the thread
 * @journal:    or NULL
 *
 * Whoever still waits for an answer gets it in here, unless journal_forget() was called for it. Blocks.
 *
 * Return: NULL.
 */
Journal *journal_free(Journal *journal) {
        if (!journal)
                return NULL;
        journal->is_ending = true;
        house_close(journal);
        worker_free(journal->worker);
        if (journal->engine) {
                engine_append(journal->engine, &journal->fresh);
                gap_list_move(&journal->engine->refused, &journal->refused);
        }
        engine_free(journal->engine); /* commits */
        rows_done(&journal->fresh);
        gap_list_done(&journal->refused);
        free(journal);
        return NULL;
}

/**
 * journal_forget() - somebody goes away: their functions are not called any more
 * @journal:    the journal
 * @userdata:   as given with the calls
 *
 * What was asked for is done all the same.
 */
void journal_forget(Journal *journal, const void *userdata) {
        for (JournalJob *job = journal->jobs; job; job = job->next)
                job->is_forgotten |= job->userdata == userdata;
}

/**
 * journal_installation() - random id of this installation
 * @journal:    the journal
 *
 * Return: 32 hex digits in lower case, borrowed.
 */
const char *journal_installation(const Journal *journal) {
        return vault_installation(journal->engine->vault);
}

/**
 * journal_is_root_next() - whether the replacement of the root secret is not finished
 * @journal:    the journal
 *
 * Return: true if the vault opened with the next root secret, false if with the present one.
 */
bool journal_is_root_next(const Journal *journal) {
        return journal->engine->is_root_next;
}

/**
 * journal_counters() - what was recorded and what became of it
 * @journal:    the journal
 *
 * Return: as of the last completion, borrowed.
 */
const JournalCounters *journal_counters(const Journal *journal) {
        return &journal->counters;
}

/**
 * journal_media_trouble() - what is wrong with the folder of the segments
 * @journal:    the journal
 *
 * Return: one whole sentence, as of the last completion, borrowed; "" while it is well.
 */
const char *journal_media_trouble(const Journal *journal) {
        return journal->media_trouble;
}

/* What is not taken is missing later: it is said as soon as something can be written. */
static void journal_note_refused(Journal *journal, const Record *record) {
        gap_list_add(&journal->refused, &(Gap){
                .lane = record_kind_lane(record->kind),
                .purpose = record_kind_purpose(record->kind),
                .reason = GAP_REFUSED,
                .subject = record->subject,
                .source = record->source,
                .records = 1,
                .since_ms = record->time_ms,
                .until_ms = record->time_ms,
        });
}

/**
 * journal_append() - take a record that is to become durable
 * @journal:    the journal
 * @record:     copied, but for the bytes of media, which are taken if 0 is returned
 *
 * Media has room of its own in memory, as much again, so that a card that is away costs no other record.
 *
 * Return: 0: durable with the next commit, see journal_commit() and committed(); JOURNAL_E_FULL: too much waits in
 * memory, nothing was taken, and the gap is noted; -EINVAL if it has bytes of media that its kind does not have; -ENOMEM.
 */
int journal_append(Journal *journal, Record *record) {
        RowLoad *fresh = journal->fresh.load, total;
        RowClass class = lane_row_class(record_kind_lane(record->kind));
        size_t n = fresh[class].n + journal->sent[class].n + journal->waiting[class].n;
        size_t n_bytes = fresh[class].bytes + journal->sent[class].bytes + journal->waiting[class].bytes;
        Row *row = NULL;
        int r;

        if (n >= WAITING_RECORDS_MAX || n_bytes + strlen(record->payload) + record->data.size > WAITING_BYTES_MAX) {
                journal_note_refused(journal, record);
                return JOURNAL_E_FULL;
        }
        r = row_new(record, clock_boottime_usec(journal->clock), &row);
        if (r < 0)
                return r;
        rows_push(&journal->fresh, row);
        if (journal->is_failing || journal->is_ending)
                return 0; /* the next try takes it along, or the end does */
        total = rows_total(&journal->fresh);
        if (row->lane == LANE_ALARM || total.n >= COMMIT_RECORDS || total.bytes >= COMMIT_BYTES)
                journal_commit_now(journal);
        else
                house_arm_commit(journal);
        return 0;
}

/**
 * journal_commit() - make all that was appended durable now
 * @journal:    the journal
 * @done:       0: it is durable; JOURNAL_E_MEDIA: all but media is; < 0: it waits in memory and is tried again
 * @userdata:   for @done
 *
 * Return: 0: @done will be called; JOURNAL_E_FULL; -ENOMEM.
 */
int journal_commit(Journal *journal, JournalDone done, void *userdata) {
        return journal_submit_commit(journal, done, userdata);
}

/**
 * journal_ledger_replay() - check the ledger and hand out its entries
 * @journal:    freshly opened: nothing was submitted yet
 * @entry:      called for each, oldest first; not 0 ends the replay
 * @userdata:   for @entry
 *
 * The whole chain is checked before the first entry is handed out.
 *
 * Return: 0; JOURNAL_E_CORRUPT if a link, a seal or the head does not hold; -EBUSY if it is too late; what @entry
 * returned; < 0.
 */
int journal_ledger_replay(Journal *journal, int (*entry)(uint64_t seq, const char *body, void *userdata),
                          void *userdata) {
        int r;

        if (journal->jobs)
                return -EBUSY;
        r = ledger_replay(journal->engine->vault, entry, userdata);
        return r == -EBADMSG ? JOURNAL_E_CORRUPT : r;
}
