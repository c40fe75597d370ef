/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What the files of the journal's face on the loop share. Floor 2, private to the journal.
 *
 *   journal.c  appending, group commit, the news          house.c  the timers, and the jobs nobody waits for
 */
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>
#include "jobs.h"
#include "trailkeep/backoff.h"
#include "trailkeep/loop.h"

struct Journal {
        const Clock *clock;
        Engine *engine; /* the thread's, once there was a job */
        Worker *worker;
        Timer *commit_timer, *retry_timer, *keep_timer, *media_timer;
        uint64_t commit_interval_usec;
        Backoff backoff, media_backoff;
        JournalObserver observer;
        JournalCounters counters;
        RowList fresh;                  /* appended, not yet handed to the thread */
        GapList refused;                /* not taken, likewise */
        RowLoad sent[ROW_CLASS_MAX];    /* handed over, not reported about yet */
        RowLoad waiting[ROW_CLASS_MAX]; /* the thread's, as last reported */
        char media_trouble[JOURNAL_MEDIA_TEXT_MAX];
        JournalJob *jobs;               /* under way */
        bool is_failing, is_reclaiming, is_ending;
        uint64_t n_expired, n_told_expired; /* since the start, as last reported; as told */
        bool has_dead;                  /* rows whose key is destroyed, as last reported */
};

/* journal.c */
void journal_commit_now(Journal *journal);

/* house.c */
int house_open(Journal *journal, sd_event *event) _must_check_;
void house_close(Journal *journal);
void house_arm_commit(Journal *journal);
void house_apply(Journal *journal, const EngineReport *report);
