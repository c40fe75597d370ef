/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The journal's own thread: everything that touches the databases. The public face (journal.c) makes one job of each
 * call and runs these functions in it, one at a time. Floor 2, private to the journal.
 *
 * On the loop:
 *   journal.c calls*.c jobs.c house.c    the face, its calls, what is around each job, timers
 * On the thread, with this struct:
 *   engine.c jobs.c          start, end, what is reported
 *   writer.c media.c         rows -> parcels -> medium; those whose bytes lie in segments
 *   reader.c sending.c       batches; intents, acknowledgements, doomed objects
 *   keeping.c settle.c       transactions of the vault, release, retention; what destroyed keys mean for journal.db
 *   erasing.c keys.c         erasures; changes of the keys on request
 *   room.c evict.c weigh.c   who gets the room on the disk, what goes when it is too much, how much is taken
 *   gap.c summary.c          what was lost, and records of it; what is kept of whom
 *   repair.c salvage*.c      a damaged journal.db: finding that it is, carrying over what holds
 *   older-vault.c            numbers, where the vault was put back from a backup
 * What they stand on:
 *   vault*.c parcels*.c ledger*.c erasures.c damages.c marks.c evidence*.c   rows of vault.db
 *   lanes.c lane-*.c objects.c gaps.c                                        rows of journal.db
 *   segment*.c reserve.c     files beside the databases
 *   root.c replace-root.c    the lock and the root secret
 *   db.c db-open.c           SQLite
 *   seal.c extent.c ages.c rows.c quota.c sessions.c parcel-digest.c         pure, or memory alone
 *
 * The struct is open to these files alone.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "ages.h"
#include "damages.h"
#include "erasures.h"
#include "gaps.h"
#include "lanes.h"
#include "objects.h"
#include "parcel-digest.h"
#include "parcels.h"
#include "quota.h"
#include "reserve.h"
#include "rows.h"
#include "segment.h"
#include "segments.h"
#include "trailkeep/clock.h"
#include "trailkeep/journal.h"
#include "trailkeep/macros.h"
#include "vault-time.h"
#include "vault.h"

#define PARCEL_SPAN_USEC (10 * USEC_PER_MINUTE)
#define FAILURE_MAX 160

/* A parcel that takes records, of this start. */
typedef struct OpenParcel OpenParcel;
struct OpenParcel {
        OpenParcel *next;
        Parcel *parcel;      /* its extent covers what is durable */
        ParcelDigest *digest;
        uint64_t first_usec; /* CLOCK_BOOTTIME of its first record */
        uint64_t n;          /* durable records: the next one's number */
        uint64_t n_planned;  /* the same with the commit under way */
        Extent planned;
        Segment segment;     /* of media */
        bool is_closing;     /* within the transaction that closes it */
};

typedef struct Engine {
        const Clock *clock;
        uint64_t retention_usec[PURPOSE_MAX];
        uint64_t alarm_retention_usec;
        bool has_store;
        uint64_t max_use_bytes, keep_free_bytes; /* 0: by the size of the file system */
        bool has_media_dir;         /* media does not lie beside the databases */
        int lock_fd;
        uint64_t evidence_chain; /* see JournalCounters */
        bool is_root_next; /* the vault opened with the next root secret */
        char *dir;
        int dir_fd;
        Reserve reserve;
        Vault *vault;
        VaultTime time;
        Db *db; /* journal.db; NULL while it is damaged and could not be repaired yet */
        Segments *segments;

        RowList waiting[ROW_CLASS_MAX]; /* appended, not yet durable */
        GapList refused;          /* records that were not taken */
        OpenParcel *open_parcels;
        Parcel *reading;          /* the last one that was read from; NULL: none */

        LaneState lanes[LANE_MAX]; /* as stored */
        uint64_t pending[LANE_MAX];
        uint64_t lane_bytes[LANE_MAX];    /* of living parcels, as sealed */
        uint64_t leaving_bytes[LANE_MAX]; /* of them: destroyed in the transaction of the vault under way */
        Quota quota;                      /* as last measured */
        Ages ages[LANE_MAX];
        uint64_t earlier_end[LANE_MAX]; /* last parcel of an earlier start of which something may wait; 0: none */
        uint64_t objects_doomed;

        uint64_t unreadable;        /* record whose bytes the medium would not give the last time; 0: none */
        unsigned n_unreadable;      /* how often in a row */
        bool is_media_failure;      /* what failed in it is the folder of the segments */
        JournalDamage damage;       /* that nobody has acknowledged */
        char failure[FAILURE_MAX];  /* of the last commit; "": it was well */
        JournalState failure_state; /* what kind of failure that is */
        bool is_behind;             /* what is done at start, before anything else, could not be done yet */
        bool is_full;               /* something failed for want of room, and the reserve was not whole since */
        bool is_doubtful;           /* a commit of the vault failed: it may be on the medium all the same */
        bool is_unsettled;          /* keys were destroyed that journal.db does not know of yet */
        bool has_dead;              /* rows are to be deleted */
        bool has_gaps;              /* there may be gaps that are to become records */
        bool can_forget;            /* the vault has rows of destroyed parcels of which nothing is left */
        bool must_truncate;         /* an erasure's rows may be in the WAL */
        bool has_kept;              /* there may be living parcels */
        uint64_t n_expired;         /* records that should have been sent, since the start */
        uint64_t next_expiry_on_usec; /* powered-on time; USEC_INFINITY: nothing expires */
} Engine;

/* What the loop learns after each job. */
typedef struct EngineReport {
        JournalCounters counters;
        char failure[FAILURE_MAX];
        char media_trouble[JOURNAL_MEDIA_TEXT_MAX];
        RowLoad waiting[ROW_CLASS_MAX]; /* rows that are not durable */
        uint64_t keep_in_usec; /* when engine_keep() is due; USEC_INFINITY: never */
        uint64_t n_expired;    /* unsent, since the start */
        bool has_retry;        /* rows wait, or keys are not settled: try again */
        bool has_media_retry;  /* engine_check_media() has something to see to */
        bool has_dead;         /* engine_reclaim() has work */
} EngineReport;

/* engine.c */
int engine_new(const JournalOptions *options, const Clock *clock, Engine **ret, JournalError *error) _must_check_;
Engine *engine_free(Engine *engine);
DEFINE_CLEANUP(Engine, engine_free);
void engine_report(Engine *engine, EngineReport *ret);
Catalogue engine_catalogue(Engine *engine);
Parcel *engine_find_open(Engine *engine, uint64_t parcel);

int engine_catch_up(Engine *engine) _must_check_;
int engine_ready(Engine *engine) _must_check_; /* before anything else is done in a job */

/* writer.c */
void engine_append(Engine *engine, RowList *rows);   /* takes them; not yet durable */
int engine_commit_some(Engine *engine, RowList *waiting, uint32_t *lanes) _must_check_;
int engine_commit(Engine *engine, uint32_t *ret_lanes) _must_check_;
void engine_note_failure(Engine *engine, int r);
int engine_close_old(Engine *engine, uint64_t made_before_usec) _must_check_;
int engine_close_below(Engine *engine, Lane lane, uint64_t parcel) _must_check_;
int engine_close_marked(Engine *engine) _must_check_;
void engine_drop_open(Engine *engine, uint64_t parcel);

/* media.c */
int engine_write_media(Engine *engine, OpenParcel *open, const Row *row, uint64_t id, Bytes *ret_plain) _must_check_;
int engine_sync_media(Engine *engine) _must_check_;
void engine_settle_media(Engine *engine, int r);
int engine_commit_media(Engine *engine, uint32_t *lanes) _must_check_;
bool engine_has_media_retry(const Engine *engine);
int engine_check_media(Engine *engine, uint32_t *lanes) _must_check_;
int engine_end_media(Engine *engine) _must_check_;
void engine_finish_media(Engine *engine, const OpenParcel *open);
void engine_remove_media(Engine *engine, uint64_t parcel);

/* keeping.c */
int engine_vault_begin(Engine *engine, Db **ret_transaction) _must_check_;
int engine_vault_commit(Engine *engine, Db **transaction) _must_check_;
uint64_t engine_retention_usec(const Engine *engine, Lane lane, Purpose purpose);
uint64_t engine_keep_in_usec(const Engine *engine);
int engine_keep(Engine *engine) _must_check_;
int engine_keep_due(Engine *engine) _must_check_; /* before anything is read for sending */
int engine_prove_time(Engine *engine, const TrueTimeProof *proof) _must_check_;

/* older-vault.c */
int engine_outrun(Engine *engine) _must_check_;

/* settle.c */
int engine_settle(Engine *engine) _must_check_;
int engine_reclaim(Engine *engine) _must_check_;
int engine_reclaim_all(Engine *engine) _must_check_;

/* room.c */
bool is_no_room(int r);
int engine_bound_wal(Engine *engine) _must_check_;
bool engine_yield_reserve(Engine *engine, int r);
void engine_secure_vault(Engine *engine);
int engine_restore_reserve(Engine *engine) _must_check_;
int engine_check_room(Engine *engine) _must_check_;
bool engine_make_room(Engine *engine);
bool engine_make_media_room(Engine *engine);

/* weigh.c */
void engine_weigh(Engine *engine, const ParcelList *living);
uint64_t engine_parcel_bytes(Engine *engine, uint64_t id);
int engine_destroy(Engine *engine, const ParcelRow *row, uint64_t n_bytes, ParcelFate fate,
                   uint64_t erasure) _must_check_;
void engine_note_destroyed(Engine *engine);
int engine_measure(Engine *engine, Quota *ret) _must_check_;

/* evict.c */
enum {
        EVICT_ENOUGH = 1, /* less than what is wanted is of no use: then nothing goes */
        EVICT_SPARING = 2, /* nothing that is open or on its way to the store */
};
int engine_evict(Engine *engine, uint32_t lanes, uint64_t wanted_bytes, unsigned flags) _must_check_;

/* gap.c */
int engine_note_gap(Engine *engine, const Gap *gap) _must_check_; /* in the transaction that loses the data */
int engine_note_parcel(Engine *engine, const Parcel *parcel, GapReason reason) _must_check_;
int engine_settle_gaps(Engine *engine, const ParcelList *destroyed) _must_check_;
int engine_erase_gaps(Engine *engine, const Erasure *erasure) _must_check_;
void engine_erase_refused(Engine *engine, const Erasure *erasure);
void engine_note_lost(Engine *engine);
int engine_note_refused(Engine *engine) _must_check_;
int engine_next_gap(Engine *engine, uint64_t after, Row **ret) _must_check_; /* 1: found, 0: none */

#define PIECE_TAG_SIZE 16

/* Where the bytes of a record lie in its parcel's segment, and which they are. */
typedef struct Piece {
        uint64_t offset, length;     /* as sealed; length 0: it has none */
        uint8_t tag[PIECE_TAG_SIZE]; /* the last bytes of the sealed form */
} Piece;

enum {
        READER_E_DAMAGED = 1, /* the record, or its bytes */
        READER_E_AWAY,        /* its bytes are on a card that is not here */
};

int engine_read_media(Engine *engine, const Parcel *parcel, uint64_t id, const Piece *piece,
                      Record *record) _must_check_; /* media.c */

/* reader.c */
int engine_open_row(Engine *engine, const Parcel *parcel, sqlite3_stmt *statement, Piece *ret_piece,
                    Record **ret) _must_check_; /* without its bytes */
int engine_next_range(Engine *engine, Lane lane, ParcelRow *ret_parcel, uint64_t ret_bounds[static 2]) _must_check_;
int engine_read_batch(Engine *engine, Lane lane, size_t records_max, size_t bytes_max, JournalBatch **ret) _must_check_;
int engine_scan(Engine *engine, const Parcel *parcel, uint64_t first, uint64_t last, Extent *ret) _must_check_;

/* sending.c */
int engine_put_intent(Engine *engine, Lane lane, uint64_t first, uint64_t last, const char *name,
                      uint64_t *ret) _must_check_;
int engine_ack_object(Engine *engine, uint64_t object) _must_check_;
int engine_split_object(Engine *engine, uint64_t object, const char *name_a, const char *name_b) _must_check_;
int engine_park_object(Engine *engine, uint64_t object, const char *reason) _must_check_;
int engine_park_range(Engine *engine, Lane lane, uint64_t first, uint64_t last, const char *reason) _must_check_;
int engine_list_doomed(Engine *engine, size_t max, JournalDoomed **ret, size_t *ret_n) _must_check_;
int engine_object_deleted(Engine *engine, uint64_t object) _must_check_;

/* erasing.c */
int engine_count_stored(Engine *engine, const ParcelRow *row, uint64_t n, uint64_t *ret) _must_check_;
int engine_erase(Engine *engine, const JournalErasure *scope, JournalReceipt *receipt) _must_check_;
int engine_list_erasures(Engine *engine, JournalErasureState **ret, size_t *ret_n) _must_check_;

/* keys.c */
int engine_rotate(Engine *engine, const char *ledger_body) _must_check_;
int engine_start_evidence(Engine *engine, const char *ledger_body, Bytes *ret_key) _must_check_;

/* salvage.c */
int engine_salvage(Engine *engine, DamageKind kind) _must_check_;
int engine_finish_salvage(Engine *engine) _must_check_;
int engine_drop_damaged(Engine *engine) _must_check_;

/* repair.c */
int engine_open_lanes(Engine *engine, JournalError *error) _must_check_;
int engine_replace_lanes(Engine *engine) _must_check_;
int engine_acknowledge_damage(Engine *engine) _must_check_;

/* summary.c */
int engine_summary(Engine *engine, const char *subject, JournalPurposeSummary summary[static PURPOSE_MAX]) _must_check_;
