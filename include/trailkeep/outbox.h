/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The outbox: takes what is pending lane by lane, most urgent first, asks the gate once more, and sees each object through
 * intent, PUT and acknowledgement; deletes in the store what was erased. Floor 4. State machine in src/sync/outbox.c.
 */
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>
#include "clock.h"
#include "gate.h"
#include "journal.h"
#include "macros.h"
#include "store.h"

typedef enum OutboxState {
        OUTBOX_STATE_OFF,     /* no store is configured: local use only */
        OUTBOX_STATE_IDLE,    /* nothing to send, or waiting for the interval */
        OUTBOX_STATE_SENDING,
        OUTBOX_STATE_WAITING, /* for the next attempt, after a network trouble */
        OUTBOX_STATE_HELD,    /* the account or the store refuses; tried again slowly */
        OUTBOX_STATE_MAX,
} OutboxState;

/* All that is pointed to must outlive the outbox. */
typedef struct OutboxOptions {
        const Clock *clock;
        Journal *journal;
        Gate *gate;
        Store *store; /* NULL: none, the state is OFF for good */
        uint64_t send_interval_usec;
        JournalBatchLimits object_max;
        /* Whether true time is proven. While it is not, the store is asked once before anything of an earlier boot is
         * sent, so that what has expired by its time is gone first. NULL: it does not matter. */
        bool (*is_time_known)(void *userdata);
        void *time_userdata;
} OutboxOptions;

typedef struct OutboxObserver {
        /* Neither may free the outbox. */
        void (*changed)(void *userdata); /* state or last error */
        void (*settled)(void *userdata); /* the store has taken an object, or one record is parked: counters moved */
        void *userdata;
} OutboxObserver;

typedef struct Outbox Outbox;

int outbox_new(sd_event *event, const OutboxOptions *options, Outbox **ret) _must_check_;
Outbox *outbox_free(Outbox *outbox);
DEFINE_CLEANUP(Outbox, outbox_free);
void outbox_observe(Outbox *outbox, const OutboxObserver *observer);
void outbox_wake(Outbox *outbox, Lane lane); /* rows became durable */
void outbox_wake_doomed(Outbox *outbox);     /* something is to be deleted in the store; cancels a running PUT */
void outbox_purpose_changed(Outbox *outbox, Purpose purpose, bool is_granted); /* a withdrawal cancels its running PUT */

/* 0: nothing is left that may be sent; -EAGAIN: it was held or failed; -ECANCELED: outbox_free(). Must not free the outbox. */
typedef void (*OutboxFlushDone)(int r, void *userdata);
int outbox_flush(Outbox *outbox, OutboxFlushDone done, void *userdata) _must_check_;
OutboxState outbox_state(const Outbox *outbox);
const char *outbox_state_to_string(OutboxState state);
const char *outbox_last_error(const Outbox *outbox); /* a whole sentence; "": all is well */
