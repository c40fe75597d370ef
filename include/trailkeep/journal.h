/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The journal: everything recorded, sealed, until it is in the store, expired or erased. Floor 2.
 *
 * All calls are made on the loop and return at once; a thread of the journal's own does the work (worker.h) and the
 * answer comes back on the loop, in the order of the calls. Two databases: vault.db (keys, ledger, erasures: cold) and
 * journal.db (sealed rows, cursors, intents, parked ranges, catalogue: hot). Their layout stands at the head of
 * src/journal/vault.c and src/journal/lanes.c. The bytes of media lie beside
 * them, in segments (src/journal/segments.c).
 *
 * A parcel is let go here when it is closed and the store has acknowledged each of its records; what then lies in the
 * store is known from the catalogue, which is kept.
 *
 *   append -> [group commit] -> durable -> read_batch -> put_intent -> PUT -> ack_object -> cursor moves
 *                                                           |- split_object   (too large: two objects instead of one)
 *                                                           `- park_object    (this record alone is refused)
 *
 * A record id is parcel << 20 | n. An object is an id range of one parcel; one lane has at most one range in flight.
 * The cursor of a lane never passes the end of that lane's oldest open parcel, so nothing can be appended behind it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>
#include "clock.h"
#include "id.h"
#include "macros.h"
#include "purpose.h"
#include "record.h"
#include "truetime.h"

typedef struct Journal Journal;

enum {
        JOURNAL_E_FULL = 1, /* the queue or the disk has no room; nothing was taken */
        JOURNAL_E_SECRET,   /* the root secret does not open this vault; nothing was touched */
        JOURNAL_E_CORRUPT,  /* a database is damaged; nothing was touched */
        JOURNAL_E_NEWER,    /* made by a later version; nothing was touched */
        JOURNAL_E_BUSY,     /* another process has it */
        JOURNAL_E_GONE,     /* no such object, or erased meanwhile */
        JOURNAL_E_SINGLE,   /* an object of one record cannot be split */
        JOURNAL_E_MEDIA,    /* the folder of the segments does not work now: see media_state; all else goes on */
};

/* How the folder is that the bytes of media lie in, on a card perhaps. All but OK cost media alone, and are left
 * without anybody's help once the cause has gone. */
/* How the disk of the databases is. Whatever it is, the journal goes on as far as it can and recovers by itself. */
typedef enum JournalState {
        JOURNAL_STATE_OK,
        JOURNAL_STATE_LOW,       /* little is left of what may be used: what is old makes room for what comes */
        JOURNAL_STATE_FULL,      /* no room: records wait in memory, everything else works */
        JOURNAL_STATE_READ_ONLY, /* nothing can be written */
        JOURNAL_STATE_FAILING,   /* the same, for another reason */
        JOURNAL_STATE_MAX,
} JournalState;
const char *journal_state_to_string(JournalState state); /* "ok", "low", "full", "read-only", "failing" */
const char *journal_state_sentence(JournalState state);  /* "": all is well */

typedef enum JournalMediaState {
        JOURNAL_MEDIA_OK,
        JOURNAL_MEDIA_MISSING,   /* there is no card, or a new one */
        JOURNAL_MEDIA_FOREIGN,   /* it belongs to another installation */
        JOURNAL_MEDIA_FULL,
        JOURNAL_MEDIA_READ_ONLY,
        JOURNAL_MEDIA_FAILING,   /* anything else */
        JOURNAL_MEDIA_MAX,
} JournalMediaState;

#define JOURNAL_MEDIA_TEXT_MAX 512

const char *journal_media_state_to_string(JournalMediaState state); /* "ok", "missing" ... */

typedef struct JournalOptions {
        const char *state_dir;
        const char *root_secret_file;
        const char *next_root_secret_file;      /* tried where that one does not open the vault; NULL: none */
        const char *media_dir;                  /* for segments; NULL or "": in state_dir */
        uint64_t commit_interval_usec;          /* group commit: this, 256 rows or 1 MiB, whichever is first */
        uint64_t retention_usec[PURPOSE_MAX];   /* powered-on or proven true time, whichever ends first; 0: no end */
        uint64_t alarm_retention_usec;
        bool has_store;           /* what expires before it was sent is missed there: it becomes a gap */
        uint64_t max_use_bytes;   /* of databases and media; 0: half of the file system */
        uint64_t keep_free_bytes; /* of the file system, before the journal grows; 0: a twentieth of it, 1 GiB at most */
} JournalOptions;

/* What was damaged since somebody last acknowledged it. */
typedef struct JournalDamage {
        uint64_t n_damages;       /* 0: nothing */
        int64_t last_realtime_ms; /* when the last one was noticed, by a clock that is not trusted */
        uint64_t records_saved;   /* carried over to a new journal.db */
        uint64_t records_lost;    /* still to be sent, and gone; at least */
        uint64_t objects_lost;    /* in the store, and not known here any more; at least */
} JournalDamage;

/* News, on the loop. Wired by daemon/. */
typedef struct JournalObserver {
        void (*committed)(Lane lane, void *userdata);         /* rows became durable */
        void (*failed)(const char *message, void *userdata);  /* a commit failed; the rows are kept and tried again */
        void (*recovered)(void *userdata);
        void (*state)(JournalState state, void *userdata);    /* changed, whether a commit failed or not */
        void (*expired)(uint64_t n_records, void *userdata);  /* before they were sent; at start, too */
        void (*doomed)(void *userdata);                       /* objects wait to be deleted in the store */
        void (*media)(JournalMediaState state, const char *sentence, void *userdata); /* changed; OK: sentence "" */
        void (*damaged)(const JournalDamage *damage, void *userdata); /* noticed, or acknowledged by somebody */
        void (*settled)(void *userdata);                      /* an erasure went on: rows are gone, or an object is */
        void *userdata;
} JournalObserver;

/* One sentence naming what is wrong, which file, what was kept and what to do. */
typedef struct JournalError { char text[512]; } JournalError;

int journal_new(sd_event *event, const Clock *clock, const JournalOptions *options, Journal **ret,
                JournalError *ret_error) _must_check_;
void journal_observe(Journal *journal, const JournalObserver *observer);
Journal *journal_free(Journal *journal); /* commits what was appended, joins the thread; due answers are given in it */
void journal_forget(Journal *journal, const void *userdata); /* no done() with this userdata is called any more */
DEFINE_CLEANUP(Journal, journal_free);

const char *journal_installation(const Journal *journal); /* random id, first folder in the store */

/* Records */
/* Copies, but takes the bytes of media; durable with the next commit. */
int journal_append(Journal *journal, Record *record) _must_check_;

typedef void (*JournalDone)(int r, void *userdata); /* 0, < 0, or an outcome above */
int journal_commit(Journal *journal, JournalDone done, void *userdata) _must_check_; /* now, and say when */

/* Counters since installation, as of the last completion; borrowed, valid until the next turn of the loop. */
typedef struct JournalLaneCounters {
        uint64_t recorded; /* ever durable; = pending + stored + parked + expired + evicted + erased */
        uint64_t pending, stored, parked, expired, evicted, erased;
        uint64_t bytes;    /* of what is here, as sealed */
        bool has_oldest_pending; /* false: none, or not known */
        /* When the oldest was made; of an earlier start: when its parcel was opened, in powered-on time, so that it is
         * negative before this boot. */
        int64_t oldest_pending_boottime_usec;
} JournalLaneCounters;
typedef struct JournalCounters {
        JournalLaneCounters lanes[LANE_MAX];
        uint64_t objects_stored, objects_doomed; /* in the store; waiting to be deleted there */
        JournalDamage damage;
        uint64_t evidence_chain; /* of evidence, whose first key was given to somebody; 0: it was to nobody */
        bool is_failing; /* what was appended cannot be written: FULL, READ_ONLY or FAILING */
        JournalState state;
        uint64_t used_bytes, max_use_bytes; /* as of the last time something was to be written */
        JournalMediaState media_state;
} JournalCounters;
const JournalCounters *journal_counters(const Journal *journal);
const char *journal_media_trouble(const Journal *journal); /* a whole sentence, borrowed alike; "": none */

/* Written before done() is called. */
int journal_acknowledge_damage(Journal *journal, JournalDone done, void *userdata) _must_check_;

typedef struct JournalPurposeSummary {
        uint64_t records, bytes, parcels, objects_stored;
        int64_t oldest_ms, newest_ms;
} JournalPurposeSummary;
typedef void (*JournalSummaryDone)(int r, const JournalPurposeSummary summary[static PURPOSE_MAX], void *userdata);
int journal_summary(Journal *journal, const char *subject, JournalSummaryDone done, void *userdata) _must_check_;

/* True time, against CLOCK_BOOTTIME of this boot: kept in the vault, and retention goes by it too. */
typedef struct JournalTime {
        TrueTimePast past;
        bool has_vouched;
        int64_t vouched_offset_usec; /* UTC is not before CLOCK_BOOTTIME + this: the store itself once said so */
} JournalTime;
typedef void (*JournalTimeDone)(int r, const JournalTime *time, void *userdata); /* borrowed */
int journal_read_time(Journal *journal, JournalTimeDone done, void *userdata) _must_check_;
int journal_prove_time(Journal *journal, const TrueTimeProof *proof, JournalDone done, void *userdata) _must_check_;

/* Sending */
typedef struct JournalBatch {
        Lane lane;
        Purpose purpose;
        uint64_t object;            /* id of the open intent this is, 0: none yet */
        char *object_name;          /* its name, NULL: none yet */
        uint64_t first, last;       /* record ids, both inclusive */
        size_t n_records;
        Record **records;
        uint64_t *ids;
} JournalBatch;
JournalBatch *journal_batch_free(JournalBatch *batch); /* wipes */
DEFINE_CLEANUP(JournalBatch, journal_batch_free);

/* One record is a batch however large it is. */
typedef struct JournalBatchLimits {
        size_t records_max, bytes_max; /* bytes of payload and of media */
} JournalBatchLimits;

/* The range of the oldest open intent of the lane, else what follows the cursor; r 0 and NULL: nothing to send. The
 * receiver owns the batch. */
typedef void (*JournalBatchDone)(int r, JournalBatch *batch, void *userdata);
int journal_read_batch(Journal *journal, Lane lane, const JournalBatchLimits *limits, JournalBatchDone done,
                       void *userdata) _must_check_;

typedef void (*JournalObjectDone)(int r, uint64_t object, void *userdata);
int journal_put_intent(Journal *journal, const JournalBatch *batch, JournalObjectDone done,
                       void *userdata) _must_check_;
int journal_ack_object(Journal *journal, uint64_t object, JournalDone done, void *userdata) _must_check_;
int journal_split_object(Journal *journal, uint64_t object, const char *name_a, const char *name_b, JournalDone done,
                         void *userdata) _must_check_;
int journal_park_object(Journal *journal, uint64_t object, const char *reason, JournalDone done,
                        void *userdata) _must_check_;

/* Objects whose deletion in the store is owed. */
typedef struct JournalDoomed { uint64_t object; char *name; } JournalDoomed;
typedef void (*JournalDoomedDone)(int r, const JournalDoomed *doomed, size_t n_doomed, void *userdata); /* borrowed */
int journal_list_doomed(Journal *journal, size_t max, JournalDoomedDone done, void *userdata) _must_check_;
int journal_object_deleted(Journal *journal, uint64_t object, JournalDone done, void *userdata) _must_check_;

/* Erasing: the parcels' keys are destroyed and the ledger entry and receipt written in one vault transaction. */
typedef struct JournalErasure {
        uint32_t purposes;        /* bit mask 1 << Purpose */
        const char *subject;      /* NULL: every subject's */
        const char *clip;         /* NULL: every clip's, and what belongs to none; else media of this clip alone */
        int64_t since_ms, until_ms; /* TIME_MS_NONE: open ended; rounded outward to parcels */
        bool is_everything;       /* and what the ledger says so far; the rest must say so too: all, of everybody */
        bool unsent_only;         /* withdrawal: what the store acknowledged stays there and in the catalogue */
        const char *ledger_body;  /* JSON; written in the same transaction */
} JournalErasure;
typedef struct JournalReceipt {
        uint64_t request;            /* number of the erasure */
        uint64_t parcels;            /* destroyed here */
        uint64_t records;            /* destroyed that the store had not acknowledged: gone for good */
        uint64_t copies;             /* destroyed of what the store has acknowledged */
        uint64_t objects_doomed;     /* to be deleted in the store */
        int64_t since_ms, until_ms;  /* as rounded */
} JournalReceipt;
typedef void (*JournalEraseDone)(int r, const JournalReceipt *receipt, void *userdata);
int journal_erase(Journal *journal, const JournalErasure *erasure, JournalEraseDone done, void *userdata) _must_check_;

typedef struct JournalErasureState {
        uint64_t request;
        uint64_t parcels, records, copies, objects_doomed, objects_deleted; /* as in the receipt */
        bool is_reclaimed; /* rows are gone too */
        int64_t since_ms, until_ms;
        int64_t requested_realtime_ms;
        uint32_t purposes;
        char clip[RECORD_CLIP_MAX + 1]; /* "": not of one clip */
} JournalErasureState;
typedef void (*JournalErasuresDone)(int r, const JournalErasureState *states, size_t n_states, void *userdata);
int journal_list_erasures(Journal *journal, JournalErasuresDone done, void *userdata) _must_check_;

/* The consent ledger: hash-chained, append-only. */
typedef struct JournalLedgerEntry { uint64_t seq; char *body; } JournalLedgerEntry;
/* On the medium before done() is called. */
int journal_ledger_append(Journal *journal, const char *body, JournalDone done, void *userdata) _must_check_;
/* At start only, on the calling thread, before anything was submitted: checks every link of the chain,
 * JOURNAL_E_CORRUPT if one does not hold. */
int journal_ledger_replay(Journal *journal, int (*entry)(uint64_t seq, const char *body, void *userdata),
                          void *userdata) _must_check_;

/* Keys: another salt, and every living key wrapped anew; an old image of the flash then opens only what it holds. */
int journal_rotate(Journal *journal, const char *ledger_body, JournalDone done, void *userdata) _must_check_;

/* With the journal closed: the next root secret instead of the present one. Then the caller puts it in its place. */
int journal_replace_root(const JournalOptions *options, const Clock *clock, const char *ledger_body,
                         JournalError *ret_error) _must_check_;
bool journal_is_root_next(const Journal *journal); /* the next one is in use: that last step is still to do */

/* Evidence: links that vouch for ledger, erasures, keys and closed parcels, with keys that are destroyed as soon as the
 * link is made. Whoever gets the first key of a chain can verify it later, from a copy and without the root secret. */
/* key: text for a file of its own, borrowed, kept nowhere; NULL unless r is 0. */
typedef void (*JournalEvidenceDone)(int r, const char *key, void *userdata);
int journal_start_evidence(Journal *journal, const char *ledger_body, JournalEvidenceDone done,
                           void *userdata) _must_check_;

typedef struct JournalVerification {
        const char *state_dir; /* of a copy, or of a box whose daemon is stopped; nothing is written */
        const char *key_file;
        void (*trouble)(const char *sentence, void *userdata); /* what does not hold; part of a sentence, no full stop */
        void *userdata;
} JournalVerification;

typedef struct JournalStrand {
        uint64_t links;             /* that hold */
        int64_t since_ms, until_ms; /* the box's clock at the first, and at the last before any trouble */
        uint64_t powered_on_until_usec;
} JournalStrand;

typedef struct JournalEvidence {
        uint64_t chain;
        bool is_current;            /* links are still added to it */
        JournalStrand decisions, parcels;
        uint64_t ledger_first, ledger_last; /* entries that it vouches for */
        uint64_t parcels_whole;     /* their records are those that were in them when they were closed */
        uint64_t parcels_gone;      /* sent, expired or erased since */
        uint64_t pruned;            /* links of parcels that are gone, left out */
        uint64_t troubles;
} JournalEvidence;
int journal_verify_evidence(const JournalVerification *options, JournalEvidence *ret,
                            JournalError *ret_error) _must_check_;
