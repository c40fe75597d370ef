/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What the files of the outbox share. Floor 4. The state machine stands at the head of outbox.c.
 */
#include "trailkeep/backoff.h"
#include "trailkeep/loop.h"
#include "trailkeep/outbox.h"

#define OUTBOX_TEXT_MAX 512
#define OWED_UNKNOWN UINT64_MAX

/* What is under way. Everything but REST waits for exactly one completion, of the journal or the store. */
typedef enum OutboxStep {
        OUTBOX_STEP_REST,
        OUTBOX_STEP_ASKING,     /* store: what time it is */
        OUTBOX_STEP_READING,    /* journal: a batch */
        OUTBOX_STEP_INTENDING,  /* journal: its intent */
        OUTBOX_STEP_PUTTING,    /* store */
        OUTBOX_STEP_SETTLING,   /* journal: acknowledged, split or parked; not interrupted */
        OUTBOX_STEP_LISTING,    /* journal: what is to be deleted */
        OUTBOX_STEP_DELETING,   /* store */
        OUTBOX_STEP_FORGETTING, /* journal: it is deleted; not interrupted */
        OUTBOX_STEP_MAX,
} OutboxStep;

/* An answer of the journal that is still to come. Journal calls cannot be taken back; one that nobody waits for any
 * more is disowned and frees itself when it comes. */
typedef struct Errand {
        Outbox *outbox; /* NULL: disowned */
} Errand;

/* Uploads and deletions fail, wait and recover apart: a store may take the one and refuse the other. */
typedef struct Line {
        Backoff retry, held;
        OutboxState trouble;      /* IDLE none, WAITING or HELD */
        uint64_t not_before_usec; /* boottime of the next attempt */
        bool is_asked;            /* the store named the delay itself */
        char error[OUTBOX_TEXT_MAX];
} Line;

typedef struct LaneState {
        uint64_t due_usec; /* boottime at which to send; USEC_INFINITY nothing known */
        uint64_t n_owed;   /* records until what was pending when this sending began is through; OWED_UNKNOWN */
        bool has_news;     /* rows became durable since the last reading was asked for */
        uint64_t doubtful_object; /* the last whose PUT ended without an answer; 0 none */
        uint64_t doubtful_until_usec;
} LaneState;

typedef struct Flush Flush;
struct Flush {
        Outbox *outbox; /* NULL: gone, and done() was called */
        Flush *next;
        OutboxFlushDone done;
        void *userdata;
        uint32_t parts;     /* still to come: 1 << lane, FLUSH_DELETIONS */
        bool is_committing; /* the journal holds it */
        bool has_failed;
};
#define FLUSH_DELETIONS (UINT32_C(1) << LANE_MAX)
#define FLUSH_LANES ((FLUSH_DELETIONS - 1) & ~(UINT32_C(1) << LANE_MEDIA))

/* The store is to get media as clips that a player can play, and nothing here makes those yet. So that lane is held:
 * it is not read, nothing of it is passed over, and no flush waits for it. It is kept until it expires or is erased. */
static inline bool outbox_sends(Lane lane) {
        return lane != LANE_MEDIA;
}

struct Outbox {
        const Clock *clock;
        Journal *journal;
        Gate *gate;
        Store *store;
        uint64_t send_interval_usec;
        JournalBatchLimits object_max;
        bool (*is_time_known)(void *userdata); /* NULL: does not matter */
        void *time_userdata;
        OutboxObserver observer;
        Timer *timer;

        OutboxState state;
        OutboxStep step;
        Errand *errand;
        StoreSlot *slot;
        Line uploads, deletions;

        /* Uploading */
        bool has_asked_time; /* and the store has answered */
        LaneState lanes[LANE_MAX];
        Lane lane;
        JournalBatch *batch; /* from INTENDING to SETTLING */
        uint64_t object;     /* its intent, from PUTTING on */

        /* Deleting */
        bool has_doomed; /* or may have */
        uint64_t doomed_object;

        Flush *flushes;
};

/* Each file calls those before it; only the two ways an object goes call back to outbox_proceed(). */

/* outbox-flush.c */
void outbox_flush_pass(Outbox *outbox, uint32_t parts, bool is_failure);
void outbox_flush_cancel_all(Outbox *outbox);

/* outbox-time.c */
bool outbox_must_ask_time(const Outbox *outbox, Lane lane);
void outbox_ask_time(Outbox *outbox, Lane lane);

/* outbox-line.c */
void outbox_enter(Outbox *outbox, OutboxState state);
void outbox_line_reset(Line *line);
void outbox_clear(Outbox *outbox, Line *line);
void outbox_succeed(Outbox *outbox, Line *line);
void outbox_fail(Outbox *outbox, Line *line, const StoreAnswer *answer);
void outbox_fail_here(Outbox *outbox, Line *line, int r);

/* outbox-lane.c */
void outbox_lane_set_due(Outbox *outbox, Lane lane, uint64_t due_usec);
void outbox_lane_plan(Outbox *outbox, Lane lane);
void outbox_lane_begin(Outbox *outbox, Lane lane);
void outbox_lane_is_through(Outbox *outbox, Lane lane);
Lane outbox_lane_next(const Outbox *outbox, uint64_t now_usec, uint64_t *ret_next_usec);

/* outbox-errand.c */
int outbox_send_errand(Outbox *outbox, Errand **ret) _must_check_;
Outbox *outbox_take_errand(void *userdata);
void outbox_drop_errand(Outbox *outbox);
void outbox_rest(Outbox *outbox);

/* outbox-upload.c */
void outbox_upload(Outbox *outbox, Lane lane);
void outbox_upload_cut(Outbox *outbox);

/* outbox-deletion.c */
void outbox_delete_next(Outbox *outbox);

/* outbox.c */
void outbox_proceed(Outbox *outbox);
