/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A journal in a folder of its own, on a real loop, with a clock that is moved by hand; every call waits for its
 * answer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "trailkeep/bytes.h"
#include "trailkeep/journal.h"
#include "trailkeep/parse.h"

#define SUBJECT_A "s-aaaa"
#define SUBJECT_B "s-bbbb"
#define ALL_PURPOSES UINT32_MAX
#define START_BOOTTIME_USEC (USEC_PER_HOUR)
#define START_REALTIME_MS INT64_C(1795000000000)

typedef struct Fixture {
        char root[64], dir[80], secret[80], next_secret[96]; /* the last one is for the tests that have one */
        _Atomic uint64_t boottime_usec, realtime_usec; /* asked by the journal's thread as well */
        Clock clock;
        sd_event *event;
        JournalOptions options;
        JournalError error;
        Journal *journal;
        struct Engine *engine; /* in place of the journal, where a test drives it by itself */
        /* news */
        unsigned n_committed[LANE_MAX], n_failed, n_recovered, n_doomed, n_damaged, n_media;
        JournalMediaState media_state; /* as last told */
} Fixture;

int fixture_setup(void **state);
int fixture_teardown(void **state);

int fixture_open(Fixture *f);           /* what journal_new() returned */
void fixture_close(Fixture *f);
void fixture_reopen(Fixture *f);
void fixture_advance(Fixture *f, uint64_t usec);
void fixture_turn(Fixture *f);          /* one turn of the loop, waiting for something to happen */
char *fixture_path(Fixture *f, const char *name);

int append_record(Fixture *f, RecordKind kind, const char *subject, int64_t time_ms);
void append(Fixture *f, size_t n);      /* fixes of SUBJECT_A, a second apart on all clocks; committed */
Record *media_record(RecordKind kind, const char *clip, int64_t time_ms, const void *data, size_t size);
int append_media(Fixture *f, RecordKind kind, const char *clip, const void *data, size_t size);
int commit(Fixture *f);
int try_read_batch(Fixture *f, Lane lane, size_t records_max, JournalBatch **ret);
JournalBatch *read_batch(Fixture *f, Lane lane, size_t records_max);
int put_intent(Fixture *f, Lane lane, uint64_t first, uint64_t last, const char *name, uint64_t *ret);
int ack(Fixture *f, uint64_t object);
int split(Fixture *f, uint64_t object, const char *a, const char *b);
int park(Fixture *f, uint64_t object);
uint64_t send_batch(Fixture *f, Lane lane, size_t records_max); /* read, intent, ack; number of records */
void send_all(Fixture *f, Lane lane);
int erase(Fixture *f, const JournalErasure *erasure, JournalReceipt *ret);
int try_list_doomed(Fixture *f, uint64_t objects[static 64], char names[static 64][80], size_t *ret);
size_t list_doomed(Fixture *f, uint64_t objects[static 64], char names[static 64][80]);
int object_deleted(Fixture *f, uint64_t object);
size_t list_erasures(Fixture *f, JournalErasureState states[static 16]);
void summary(Fixture *f, const char *subject, JournalPurposeSummary summary[static PURPOSE_MAX]);
int ledger_append_entry(Fixture *f, const char *body);
int rotate(Fixture *f, const char *body);
int start_evidence(Fixture *f, Bytes *ret_key);
const JournalLaneCounters *lane_counters(Fixture *f, Lane lane);
void check_counters(Fixture *f);        /* the sum that always holds */
void wait_reclaimed(Fixture *f);        /* until the rows of all erasures are gone */

/* Whether a file of the state folder, or of a folder in it, holds these bytes. */
bool state_holds(Fixture *f, const void *bytes, size_t size);
void state_read(Fixture *f, Bytes *ret); /* all bytes of all of them, for many questions */
bool text_in_state(Fixture *f, const char *text);
int64_t sql_number(Fixture *f, const char *file, const char *sql); /* with the journal closed */
void sql_run(Fixture *f, const char *file, const char *sql);
Bytes sql_blob(Fixture *f, const char *file, const char *sql); /* the first BLOB, likewise */
