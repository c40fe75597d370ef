/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Keeping house: the timers of the journal, and the jobs nobody waits for. Floor 2.
 *
 * Four timers, each armed for a reason only: the group commit while rows wait; the next try after a failure, with
 * backoff, until which nothing else commits; the same for the folder of the segments, which holds up media alone; and
 * what engine_keep_in_usec() says. Deleting rows is a job of one slice that puts itself at the end of the queue as long
 * as there is more, so everything else goes before it.
 */
#include <string.h>
#include "journal-private.h"
#include "trailkeep/id.h"
#include "trailkeep/log.h"

#define LOG_MODULE "journal"

#define COMMIT_ACCURACY_USEC (100 * USEC_PER_MSEC)
#define KEEP_ACCURACY_USEC (10 * USEC_PER_SEC)
#define KEEP_DELAY_MIN_USEC (10 * USEC_PER_SEC) /* what is due and fails is not tried in a circle */
#define RETRY_FIRST_USEC USEC_PER_SEC
#define RETRY_CAP_USEC USEC_PER_MINUTE

static void house_arm(Timer *timer, uint64_t delay_usec, uint64_t accuracy_usec) {
        int r = timer_arm_in(timer, delay_usec, accuracy_usec);

        if (r < 0)
                log_debug("cannot arm a timer: %s", strerror(-r)); /* the next job arms it again */
}

/* While rows are to be deleted the timer stands behind the slices, should one of them fail. */
static uint64_t house_keep_delay_usec(const EngineReport *report) {
        if (report->has_dead)
                return KEEP_DELAY_MIN_USEC;
        return report->keep_in_usec == USEC_INFINITY ? USEC_INFINITY : MAX(report->keep_in_usec, KEEP_DELAY_MIN_USEC);
}

/* As long as there is something to try again. */
static void house_retry(Timer *timer, Backoff *backoff, bool has_retry) {
        uint32_t random = 0;

        if (!has_retry) {
                backoff_reset(backoff);
                timer_disarm(timer);
                return;
        }
        if (timer_is_armed(timer))
                return;
        (void)!random_bytes(&random, sizeof(random)); /* no jitter then */
        house_arm(timer, backoff_next_usec(backoff, 0, random), COMMIT_ACCURACY_USEC);
}

/* Keeping and reclaiming: jobs nobody waits for. */
typedef struct HouseJob {
        JournalJob job;
} HouseJob;

static void keep_work(JournalJob *job, Engine *engine) {
        job->r = engine_keep(engine);
}

static void reclaim_work(JournalJob *job, Engine *engine) {
        job->r = engine_reclaim(engine);
}

static void house_finish(JournalJob *job) {
        if (job->r < 0)
                log_debug("the journal could not be tidied up: %s", strerror(-job->r)); /* tried again */
}

static void house_reclaim(Journal *journal);

static void reclaim_finish(JournalJob *job) {
        house_finish(job);
        job->journal->is_reclaiming = false;
        if (job->r >= 0 && job->report.has_dead && !job->journal->is_ending)
                house_reclaim(job->journal);
}

/* One that could not be submitted is made again: the next report arms the timer. */
static void house_submit(Journal *journal, void (*work)(JournalJob *job, Engine *engine), bool is_modest) {
        HouseJob *job = job_new(HouseJob, work, house_finish, NULL);

        if (!job)
                return;
        job->job.is_modest = is_modest;
        if (journal_submit(journal, &job->job) != 0)
                free(job);
}

static void on_commit_time(void *userdata) {
        journal_commit_now(userdata);
}

static void on_retry_time(void *userdata) {
        journal_commit_now(userdata);
}

static void on_keep_time(void *userdata) {
        house_submit(userdata, keep_work, false);
}

static void media_work(JournalJob *job, Engine *engine) {
        job->r = engine_check_media(engine, &job->durable_lanes);
}

static void on_media_time(void *userdata) {
        house_submit(userdata, media_work, true);
}

static void house_reclaim(Journal *journal) {
        HouseJob *job;

        if (journal->is_reclaiming)
                return;
        job = job_new(HouseJob, reclaim_work, reclaim_finish, NULL);
        if (!job)
                return;
        if (journal_submit(journal, &job->job) != 0)
                free(job); /* the queue is full; the next report comes here again */
        else
                journal->is_reclaiming = true;
}

/**
 * house_open() - make the timers
 * @journal:    with its engine, whose thread has not started yet
 * @event:      the loop
 *
 * Return: 0; < 0.
 */
int house_open(Journal *journal, sd_event *event) {
        EngineReport report;
        int r;

        journal->backoff = (Backoff){ .first_usec = RETRY_FIRST_USEC, .cap_usec = RETRY_CAP_USEC };
        journal->media_backoff = journal->backoff;
        r = timer_new(event, on_commit_time, journal, &journal->commit_timer);
        if (r >= 0)
                r = timer_new(event, on_retry_time, journal, &journal->retry_timer);
        if (r >= 0)
                r = timer_new(event, on_keep_time, journal, &journal->keep_timer);
        if (r >= 0)
                r = timer_new(event, on_media_time, journal, &journal->media_timer);
        if (r < 0)
                return r;
        engine_report(journal->engine, &report);
        journal->counters = report.counters;
        journal->n_expired = report.n_expired;
        /* Not as a job now: the ledger may still be replayed on the calling thread. */
        house_arm(journal->keep_timer, house_keep_delay_usec(&report), KEEP_ACCURACY_USEC);
        house_retry(journal->retry_timer, &journal->backoff, report.has_retry);
        /* On the thread: a card may take seconds to say that it is broken. */
        if (report.has_media_retry)
                house_arm(journal->media_timer, 0, COMMIT_ACCURACY_USEC);
        return 0;
}

/**
 * house_close() - no timer goes any more
 * @journal:    whose; may have some of them only
 */
void house_close(Journal *journal) {
        timer_free(journal->commit_timer);
        timer_free(journal->retry_timer);
        timer_free(journal->keep_timer);
        timer_free(journal->media_timer);
}

/**
 * house_arm_commit() - rows wait: commit them in time
 * @journal:    whose
 */
void house_arm_commit(Journal *journal) {
        if (!timer_is_armed(journal->commit_timer))
                house_arm(journal->commit_timer, journal->commit_interval_usec, COMMIT_ACCURACY_USEC);
}

/**
 * house_apply() - the timers follow from what the engine says, after each job
 * @journal:    whose
 * @report:     of the job; borrowed
 */
void house_apply(Journal *journal, const EngineReport *report) {
        memcpy(journal->waiting, report->waiting, sizeof(journal->waiting));
        journal->counters = report->counters;
        journal->n_expired = report->n_expired;
        journal->has_dead = report->has_dead;
        if (journal->is_ending)
                return;
        house_retry(journal->retry_timer, &journal->backoff, report->has_retry);
        house_retry(journal->media_timer, &journal->media_backoff, report->has_media_retry);
        house_arm(journal->keep_timer, house_keep_delay_usec(report), KEEP_ACCURACY_USEC);
        if (report->has_dead)
                house_reclaim(journal);
        if (journal->fresh.first && !report->counters.is_failing)
                house_arm_commit(journal);
}
