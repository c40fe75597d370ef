/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What the outbox stands on, small enough to look into and moved by hand: a journal that keeps records and objects in
 * arrays and answers when it is told to, a gate of switches, a store whose one request the test answers, a clock and
 * timers that go when time is moved. Linked instead of the real ones.
 */
#include <stdbool.h>
#include "trailkeep/clock.h"
#include "trailkeep/gate.h"
#include "trailkeep/journal.h"
#include "trailkeep/outbox.h"
#include "trailkeep/store.h"

#define N_LANES_SENT LANE_MEDIA /* the last one is held */
#define FAKE_RECORDS_MAX 2048
#define FAKE_OBJECTS_MAX 2048
#define FAKE_RECORDS_PER_PARCEL 16

typedef enum RecordState { RECORD_PENDING, RECORD_STORED, RECORD_PARKED, RECORD_ERASED } RecordState;
typedef enum ObjectState { OBJECT_OPEN, OBJECT_STORED, OBJECT_VOID, OBJECT_DOOMED, OBJECT_DELETED } ObjectState;

typedef struct FakeRecord {
        uint64_t id;
        Lane lane;
        Purpose purpose;
        RecordState state;
        bool is_bad;   /* an object with it is 422 */
        bool is_large; /* an object with two of these is 413 */
} FakeRecord;

typedef struct FakeObject {
        uint64_t id;
        Lane lane;
        uint64_t first, last;
        char name[128];
        ObjectState state;
        bool is_in_store; /* the fake store has it */
} FakeObject;

typedef struct Answer Answer;

struct Journal {
        FakeRecord records[FAKE_RECORDS_MAX];
        size_t n_records;
        FakeObject objects[FAKE_OBJECTS_MAX];
        size_t n_objects;
        JournalCounters counters;
        bool is_all_new; /* of this boot */
        Answer *answers, **answers_end;
        int fail_calls;   /* outcome of the calls from now on, at once; 0: they are taken */
        int fail_answers; /* outcome of the calls from now on, as answers; nothing is done; 0: none */
        unsigned n_calls, n_reads, n_intents, n_acks, n_splits, n_parks, n_lists, n_deleted, n_commits;
};

struct Gate {
        bool allows[PURPOSE_MAX];
};

struct Store {
        StoreSlot *slot; /* the one request under way */
        Journal *journal;
        unsigned n_puts, n_deletes, n_asks, n_cancelled;
        int fail_calls;
        char last_name[128];
};

struct StoreSlot {
        Store *store; /* NULL: answered */
        bool is_deletion, is_question;
        char name[128];
        uint64_t ids[FAKE_RECORDS_PER_PARCEL];
        size_t n_ids;
        StoreDone done;
        void *userdata;
};

typedef struct World {
        uint64_t now_usec;
        Clock clock;
        Journal journal;
        Gate gate;
        Store store;
        OutboxOptions options;
        Outbox *outbox;
        unsigned n_changes, n_settled;
} World;

extern World *world; /* the one under test: fake timers have no other way to it */

void world_begin(World *w);
void world_open(World *w);
void world_end(World *w);

void world_record(World *w, Lane lane, Purpose purpose, unsigned n); /* durable, and told */
void world_record_quietly(World *w, Lane lane, Purpose purpose, unsigned n);
void world_erase(World *w, Purpose purpose, bool is_unsent_only);    /* told when something is doomed */
void world_withdraw(World *w, Purpose purpose, bool is_kept);
void world_grant(World *w, Purpose purpose);

bool journal_answer_one(Journal *journal); /* false: it owes none */
void journal_answer_all(Journal *journal); /* until it owes none */
unsigned journal_count(const Journal *journal, RecordState state);
FakeObject *journal_find_name(Journal *journal, const char *name);

bool store_is_asked(const Store *store);
void store_answer(Store *store, StoreOutcome outcome); /* stored or deleted if DONE */
void store_answer_after(Store *store, StoreOutcome outcome, uint64_t retry_after_usec);
void store_answer_doubtful(Store *store, bool has_effect); /* the connection broke */
void store_answer_by_content(Store *store); /* 422 for bad records, 413 for large ones, else done */

bool timer_armed_for(uint64_t *ret_delay_usec);
void time_move(World *w, uint64_t usec); /* timers that become due go */
void settle(World *w);                   /* journal and store answer, by content, until nothing is under way */
