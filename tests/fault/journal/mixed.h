/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A life of a journal with everything in it: records of all lanes and of two subjects, intents, acknowledgements,
 * splits, parked objects, ledger entries, erasures of all kinds, deletions in the store, rotations, expiry, clean
 * restarts. The same seed gives the same life.
 *
 * The model beside it says of each thing whether it may be there (it was asked for) and whether it must be (it was
 * reported): between the two lies what was under way when the life ended. It holds no pointers, so that it can lie in
 * memory that outlives its process.
 */
#include "fixture.h"

#define MIXED_RECORDS_MAX 8192
#define MIXED_OBJECTS_MAX 512
#define MIXED_ERASURES_MAX 128
#define MIXED_BATCH_MAX 6

/* Of a record. GONE: erased or expired, and never to be read again. */
enum {
        MAY_BE_THERE = 1, MUST_BE_THERE = 2,
        MAY_BE_SENT = 4, MUST_BE_SENT = 8,
        MAY_BE_PARKED = 16, MUST_BE_PARKED = 32,
        MAY_BE_GONE = 64, MUST_BE_GONE = 128,
};

typedef struct MixedRecord {
        uint8_t flags;
        uint8_t kind;
        bool is_of_b;
        uint64_t made_usec; /* on the clock of the life */
} MixedRecord;

typedef struct MixedObject {
        uint64_t object; /* its number; 0: not reported yet */
        uint16_t records[MIXED_BATCH_MAX];
        uint8_t n_records;
        bool is_stored, is_void;
        bool must_be_doomed, may_be_deleted;
} MixedObject;

typedef struct MixedModel {
        uint64_t boottime_usec, realtime_usec;
        MixedObject objects[MIXED_OBJECTS_MAX]; /* named by their place here */
        uint32_t n_objects;
        uint32_t n_entries_asked, n_entries; /* of the ledger */
        JournalReceipt receipts[MIXED_ERASURES_MAX];
        uint32_t n_erasures_asked, n_erasures;
        bool may_have_gaps; /* something was lost unsent, and the journal says so in records of its own */
        uint32_t n_records;
        MixedRecord records[MIXED_RECORDS_MAX]; /* by their number, from 1; last, so that a copy may end behind them */
} MixedModel;

/* One thing to do, drawn and not done yet. */
typedef struct MixedStep {
        enum {
                STEP_APPEND, STEP_SEND, STEP_LEDGER, STEP_ERASE, STEP_DELETE, STEP_ROTATE, STEP_RESTART, STEP_EXPIRE,
                STEP_MAX,
        } type;
        uint64_t random; /* for what else is to be drawn */
} MixedStep;

void mixed_options(Fixture *f);          /* short retentions; no timer does anything meanwhile */
void mixed_include_media(void);          /* from here on in this process */
void mixed_resume(const MixedModel *model, Fixture *f); /* its clocks */
MixedStep mixed_draw(uint64_t *random);
/* 0; < 0: it failed, and the step may be done again. The journal is open, unless opening it is what failed. */
int mixed_do(MixedModel *model, Fixture *f, const MixedStep *step);
/* Until the thread has nothing left to do: rows of one parcel are deleted in each round. */
void mixed_settle(Fixture *f, unsigned rounds);

int mixed_payload(uint32_t number, char *buffer, size_t size); /* of a record; length */
void mixed_media(uint32_t number, Bytes *ret); /* its bytes, if it is one of media */

/* Called whenever the model has changed. */
typedef void (*MixedNote)(const MixedModel *model, void *userdata);
void mixed_observe(MixedNote note, void *userdata);
