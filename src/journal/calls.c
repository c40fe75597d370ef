/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The calls of the journal that are one job and one answer each. Floor 2.
 */
#include <errno.h>
#include <string.h>
#include "jobs.h"
#include "ledger.h"

/* Gives the job to the thread, or frees it with what it holds. */
static int call_submit(Journal *journal, JournalJob *job, void (*release)(JournalJob *job)) {
        int r;

        r = journal_submit(journal, job);
        if (r != 0) {
                release(job);
                free(job);
        }
        return r;
}

typedef struct SummaryJob {
        JournalJob job;
        JournalSummaryDone done;
        char *subject;
        JournalPurposeSummary summary[PURPOSE_MAX];
} SummaryJob;

static void summary_release(JournalJob *job) {
        string_wipe_free(((SummaryJob *)job)->subject);
}

static void summary_work(JournalJob *job, Engine *engine) {
        SummaryJob *call = (SummaryJob *)job;

        job->r = engine_summary(engine, call->subject, call->summary);
}

static void summary_finish(JournalJob *job) {
        SummaryJob *call = (SummaryJob *)job;

        if (!job->is_forgotten)
                call->done(job->r, call->summary, job->userdata);
        summary_release(job);
}

/**
 * journal_summary() - what is kept of a subject, by purpose
 * @journal:    the journal
 * @subject:    whose; copied
 * @done:       0 and the summary, borrowed; < 0
 * @userdata:   for @done
 *
 * Records, bytes (as sealed), parcels and times are of what is here; objects_stored is of what lies in the store.
 *
 * Return: 0: @done will be called; JOURNAL_E_FULL; -ENOMEM.
 */
int journal_summary(Journal *journal, const char *subject, JournalSummaryDone done, void *userdata) {
        SummaryJob *call = job_new(SummaryJob, summary_work, summary_finish, userdata);

        if (!call)
                return -ENOMEM;
        call->done = done;
        call->subject = strdup(subject);
        if (!call->subject) {
                free(call);
                return -ENOMEM;
        }
        return call_submit(journal, &call->job, summary_release);
}

typedef struct BatchJob {
        JournalJob job;
        JournalBatchDone done;
        Lane lane;
        JournalBatchLimits limits;
        JournalBatch *batch;
} BatchJob;

static void batch_release(JournalJob *job) {
        BatchJob *call = (BatchJob *)job;

        call->batch = journal_batch_free(call->batch);
}

static void batch_work(JournalJob *job, Engine *engine) {
        BatchJob *call = (BatchJob *)job;

        job->r = engine_read_batch(engine, call->lane, call->limits.records_max, call->limits.bytes_max, &call->batch);
}

static void batch_finish(JournalJob *job) {
        BatchJob *call = (BatchJob *)job;

        if (!job->is_forgotten)
                call->done(job->r, TAKE_PTR(call->batch), job->userdata);
        batch_release(job);
}

/**
 * journal_read_batch() - what is to be sent next of a lane
 * @journal:    the journal
 * @lane:       which
 * @limits:     of a batch that is not an open intent; copied
 * @done:       0 and the batch, which it owns; 0 and NULL: there is nothing; JOURNAL_E_MEDIA and NULL: what is next of
 *              the media lane is on a card that is not here, it is not lost and nothing was passed over; < 0
 * @userdata:   for @done
 *
 * An open intent gives its own range again, less what is damaged.
 *
 * Return: 0: @done will be called; JOURNAL_E_FULL; -ENOMEM.
 */
int journal_read_batch(Journal *journal, Lane lane, const JournalBatchLimits *limits, JournalBatchDone done,
                       void *userdata) {
        BatchJob *call = job_new(BatchJob, batch_work, batch_finish, userdata);

        if (!call)
                return -ENOMEM;
        call->done = done;
        call->lane = lane;
        call->limits = *limits;
        return call_submit(journal, &call->job, batch_release);
}

typedef struct IntentJob {
        JournalJob job;
        JournalObjectDone done;
        Lane lane;
        uint64_t first, last, object;
        char *name;
} IntentJob;

static void intent_release(JournalJob *job) {
        string_wipe_free(((IntentJob *)job)->name);
}

static void intent_work(JournalJob *job, Engine *engine) {
        IntentJob *call = (IntentJob *)job;

        job->r = engine_put_intent(engine, call->lane, call->first, call->last, call->name, &call->object);
}

static void intent_finish(JournalJob *job) {
        IntentJob *call = (IntentJob *)job;

        if (!job->is_forgotten)
                call->done(job->r, call->object, job->userdata);
        intent_release(job);
}

/**
 * journal_put_intent() - write down what is about to be sent, before its first byte is
 * @journal:    the journal
 * @batch:      as read, with the name that the object has in the store; not kept
 * @done:       0 and the object's number; JOURNAL_E_GONE: erased or expired meanwhile; -EBUSY: the lane has an open
 *              intent; -EINVAL: this is not what comes next; < 0
 * @userdata:   for @done
 *
 * Return: 0: @done will be called; JOURNAL_E_FULL; -ENOMEM.
 */
int journal_put_intent(Journal *journal, const JournalBatch *batch, JournalObjectDone done, void *userdata) {
        IntentJob *call = job_new(IntentJob, intent_work, intent_finish, userdata);

        if (!call)
                return -ENOMEM;
        call->done = done;
        call->lane = batch->lane;
        call->first = batch->first;
        call->last = batch->last;
        call->name = strdup(batch->object_name);
        if (!call->name) {
                free(call);
                return -ENOMEM;
        }
        return call_submit(journal, &call->job, intent_release);
}

/* Calls that name an object or carry a text or two, and are answered with a number alone. */
typedef struct SimpleJob {
        JournalJob job;
        JournalDone done;
        int (*action)(Engine *engine, const struct SimpleJob *call);
        uint64_t object;
        char *text_a, *text_b;
} SimpleJob;

static void simple_release(JournalJob *job) {
        SimpleJob *call = (SimpleJob *)job;

        string_wipe_free(call->text_a);
        string_wipe_free(call->text_b);
}

static void simple_work(JournalJob *job, Engine *engine) {
        SimpleJob *call = (SimpleJob *)job;

        job->r = call->action(engine, call);
}

static void simple_finish(JournalJob *job) {
        SimpleJob *call = (SimpleJob *)job;

        if (call->done && !job->is_forgotten)
                call->done(job->r, job->userdata);
        simple_release(job);
}

static int simple_submit(Journal *journal, const SimpleJob *values, JournalDone done, void *userdata) {
        SimpleJob *call = job_new(SimpleJob, simple_work, simple_finish, userdata);

        if (!call)
                return -ENOMEM;
        call->done = done;
        call->action = values->action;
        call->object = values->object;
        call->text_a = values->text_a ? strdup(values->text_a) : NULL;
        call->text_b = values->text_b ? strdup(values->text_b) : NULL;
        if ((values->text_a && !call->text_a) || (values->text_b && !call->text_b)) {
                simple_release(&call->job);
                free(call);
                return -ENOMEM;
        }
        return call_submit(journal, &call->job, simple_release);
}

static int ack_action(Engine *engine, const SimpleJob *call) {
        return engine_ack_object(engine, call->object);
}

/**
 * journal_ack_object() - the store has the object
 * @journal:    the journal
 * @object:     number of an open intent
 * @done:       0: the cursor has moved; JOURNAL_E_GONE: it is no open intent any more, what arrived will be deleted if
 *              it was erased; < 0
 * @userdata:   for @done
 *
 * Return: 0: @done will be called; JOURNAL_E_FULL; -ENOMEM.
 */
int journal_ack_object(Journal *journal, uint64_t object, JournalDone done, void *userdata) {
        return simple_submit(journal, &(SimpleJob){ .action = ack_action, .object = object }, done, userdata);
}

static int split_action(Engine *engine, const SimpleJob *call) {
        return engine_split_object(engine, call->object, call->text_a, call->text_b);
}

/**
 * journal_split_object() - the object is too large: write two intents in its place
 * @journal:    the journal
 * @object:     number of an open intent
 * @name_a:     of the first half; copied
 * @name_b:     of the second half; copied
 * @done:       0; JOURNAL_E_SINGLE: it is one record; JOURNAL_E_GONE; < 0
 * @userdata:   for @done
 *
 * Return: 0: @done will be called; JOURNAL_E_FULL; -ENOMEM.
 */
int journal_split_object(Journal *journal, uint64_t object, const char *name_a, const char *name_b, JournalDone done,
                         void *userdata) {
        return simple_submit(journal, &(SimpleJob){ .action = split_action, .object = object, .text_a = (char *)name_a,
                                                    .text_b = (char *)name_b }, done, userdata);
}

static int park_action(Engine *engine, const SimpleJob *call) {
        return engine_park_object(engine, call->object, call->text_a);
}

/**
 * journal_park_object() - the store refuses these records for good: leave them out, visibly
 * @journal:    the journal
 * @object:     number of an open intent
 * @reason:     shown, so without anybody's data; copied, cut off at 200 bytes
 * @done:       0: the cursor has moved; JOURNAL_E_GONE; < 0
 * @userdata:   for @done
 *
 * Return: 0: @done will be called; JOURNAL_E_FULL; -ENOMEM.
 */
int journal_park_object(Journal *journal, uint64_t object, const char *reason, JournalDone done, void *userdata) {
        return simple_submit(journal, &(SimpleJob){.action = park_action, .object = object, .text_a = (char *)reason},
                             done, userdata);
}

static int deleted_action(Engine *engine, const SimpleJob *call) {
        return engine_object_deleted(engine, call->object);
}

/**
 * journal_object_deleted() - the store has a doomed object no more
 * @journal:    the journal
 * @object:     its number
 * @done:       0; JOURNAL_E_GONE: it is no doomed object; < 0
 * @userdata:   for @done
 *
 * Return: 0: @done will be called; JOURNAL_E_FULL; -ENOMEM.
 */
int journal_object_deleted(Journal *journal, uint64_t object, JournalDone done, void *userdata) {
        return simple_submit(journal, &(SimpleJob){ .action = deleted_action, .object = object }, done, userdata);
}

static int ledger_action(Engine *engine, const SimpleJob *call) {
        _cleanup_transaction_ Db *transaction = NULL;
        int r;

        r = engine_vault_begin(engine, &transaction);
        if (r >= 0)
                r = ledger_append(engine->vault, call->text_a);
        return r < 0 ? r : engine_vault_commit(engine, &transaction);
}

/**
 * journal_ledger_append() - add an entry to the consent ledger
 * @journal:    the journal
 * @body:       JSON text; copied
 * @done:       0: it is on the medium; < 0: it is not in the ledger
 * @userdata:   for @done
 *
 * Return: 0: @done will be called; JOURNAL_E_FULL; -ENOMEM.
 */
int journal_ledger_append(Journal *journal, const char *body, JournalDone done, void *userdata) {
        return simple_submit(journal, &(SimpleJob){ .action = ledger_action, .text_a = (char *)body }, done, userdata);
}

static int rotate_action(Engine *engine, const SimpleJob *call) {
        return engine_rotate(engine, call->text_a);
}

/**
 * journal_rotate() - replace the salt and wrap every living key anew
 * @journal:    the journal
 * @ledger_body: JSON text, written in the same transaction; copied
 * @done:       0: it is on the medium; < 0: everything is as it was
 * @userdata:   for @done
 *
 * Return: 0: @done will be called; JOURNAL_E_FULL; -ENOMEM.
 */
int journal_rotate(Journal *journal, const char *ledger_body, JournalDone done, void *userdata) {
        return simple_submit(journal, &(SimpleJob){ .action = rotate_action, .text_a = (char *)ledger_body }, done,
                             userdata);
}

static int acknowledge_action(Engine *engine, const SimpleJob *call) {
        return engine_acknowledge_damage(engine);
}

/**
 * journal_acknowledge_damage() - somebody has taken note of what was damaged
 * @journal:    the journal
 * @done:       0: it is on the medium, and shown no more; < 0: it is still shown
 * @userdata:   for @done
 *
 * Return: 0: @done will be called; JOURNAL_E_FULL; -ENOMEM.
 */
int journal_acknowledge_damage(Journal *journal, JournalDone done, void *userdata) {
        return simple_submit(journal, &(SimpleJob){ .action = acknowledge_action }, done, userdata);
}
