/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The journal of the outbox's tests: what is asked is done at once, and answered when the test says so, in order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "fakes.h"
#include "trailkeep/parse.h"

struct Answer {
        Answer *next;
        JournalDone done;
        JournalObjectDone object_done;
        JournalBatchDone batch_done;
        JournalDoomedDone doomed_done;
        void *userdata;
        int r;
        uint64_t object;
        JournalBatch *batch;
        JournalDoomed doomed;
        size_t n_doomed;
};

static bool journal_works(Journal *journal) {
        return journal->fail_calls == 0 && journal->fail_answers == 0;
}

static int journal_owe(Journal *journal, Answer answer) {
        Answer *copy;

        journal->n_calls++;
        if (!journal_works(journal)) {
                answer.batch = journal_batch_free(answer.batch);
                answer.n_doomed = 0;
                answer.r = journal->fail_answers;
        }
        if (journal->fail_calls != 0) {
                free(answer.doomed.name);
                return journal->fail_calls;
        }
        copy = malloc(sizeof(*copy));
        assert_non_null(copy);
        *copy = answer;
        copy->next = NULL;
        *journal->answers_end = copy;
        journal->answers_end = &copy->next;
        return 0;
}

bool journal_answer_one(Journal *journal) {
        Answer *answer = journal->answers;

        if (!answer)
                return false;
        journal->answers = answer->next;
        if (!journal->answers)
                journal->answers_end = &journal->answers;

        if (answer->done)
                answer->done(answer->r, answer->userdata);
        else if (answer->object_done)
                answer->object_done(answer->r, answer->object, answer->userdata);
        else if (answer->batch_done)
                answer->batch_done(answer->r, answer->batch, answer->userdata);
        else
                answer->doomed_done(answer->r, &answer->doomed, answer->n_doomed, answer->userdata);
        free(answer->doomed.name);
        free(answer);
        return true;
}

void journal_answer_all(Journal *journal) {
        for (unsigned i = 0; journal_answer_one(journal); i++)
                assert_true(i < 10000); /* it spins */
}

static void journal_count_again(Journal *journal) {
        memset(&journal->counters, 0, sizeof(journal->counters));
        for (size_t i = 0; i < journal->n_records; i++) {
                JournalLaneCounters *lane = &journal->counters.lanes[journal->records[i].lane];

                lane->has_oldest_pending = journal->is_all_new;
                lane->recorded++;
                lane->pending += journal->records[i].state == RECORD_PENDING;
                lane->stored += journal->records[i].state == RECORD_STORED;
                lane->parked += journal->records[i].state == RECORD_PARKED;
                lane->erased += journal->records[i].state == RECORD_ERASED;
        }
        for (size_t i = 0; i < journal->n_objects; i++)
                journal->counters.objects_doomed += journal->objects[i].state == OBJECT_DOOMED;
}

const JournalCounters *journal_counters(const Journal *journal) {
        return &journal->counters;
}

unsigned journal_count(const Journal *journal, RecordState state) {
        unsigned n = 0;

        for (size_t i = 0; i < journal->n_records; i++)
                n += journal->records[i].state == state;
        return n;
}

FakeObject *journal_find_name(Journal *journal, const char *name) {
        for (size_t i = 0; i < journal->n_objects; i++)
                if (strcmp(journal->objects[i].name, name) == 0)
                        return &journal->objects[i];
        return NULL;
}

static FakeObject *journal_find_object(Journal *journal, uint64_t id) {
        assert_in_range(id, 1, journal->n_objects);
        return &journal->objects[id - 1];
}

static FakeObject *journal_open_object(Journal *journal, Lane lane) {
        FakeObject *oldest = NULL;

        for (size_t i = 0; i < journal->n_objects; i++) {
                FakeObject *object = &journal->objects[i];

                if (object->state == OBJECT_OPEN && object->lane == lane && (!oldest || object->first < oldest->first))
                        oldest = object;
        }
        return oldest;
}

static bool record_is_of(const FakeRecord *record, const FakeObject *object) {
        return record->lane == object->lane && record->id >= object->first && record->id <= object->last;
}

/* Reading */

JournalBatch *journal_batch_free(JournalBatch *batch) {
        if (!batch)
                return NULL;
        for (size_t i = 0; i < batch->n_records; i++)
                record_free(batch->records[i]);
        free(batch->records);
        free(batch->ids);
        free(batch->object_name);
        free(batch);
        return NULL;
}

static void batch_add(JournalBatch *batch, const FakeRecord *record) {
        assert_int_equal(record_new(RECORD_FIX, "subject", "gnss", TIME_MS_NONE, "{\"type\":\"Feature\"}",
                                    &batch->records[batch->n_records]), 0);
        if (batch->n_records == 0) {
                batch->first = record->id;
                batch->purpose = record->purpose;
        }
        batch->ids[batch->n_records++] = record->id;
        batch->last = record->id;
}

static JournalBatch *journal_make_batch(Journal *journal, Lane lane, size_t records_max) {
        const FakeObject *object = journal_open_object(journal, lane);
        JournalBatch *batch = calloc(1, sizeof(*batch));

        assert_non_null(batch);
        *batch = (JournalBatch){
                .lane = lane,
                .object = object ? object->id : 0,
                .object_name = object ? strdup(object->name) : NULL,
                .records = calloc(FAKE_RECORDS_PER_PARCEL, sizeof(*batch->records)),
                .ids = calloc(FAKE_RECORDS_PER_PARCEL, sizeof(*batch->ids)),
        };
        for (size_t i = 0; i < journal->n_records; i++) {
                const FakeRecord *record = &journal->records[i];

                if (record->lane != lane || record->state != RECORD_PENDING)
                        continue;
                if (batch->n_records > 0 && record->id >> 20 != batch->first >> 20) /* another parcel */
                        continue;
                if (object ? record_is_of(record, object) : batch->n_records < records_max)
                        batch_add(batch, record);
        }
        return batch->n_records > 0 ? batch : journal_batch_free(batch);
}

int journal_read_batch(Journal *journal, Lane lane, const JournalBatchLimits *limits, JournalBatchDone done,
                       void *userdata) {
        journal->n_reads++;
        return journal_owe(journal, (Answer){ .batch_done = done, .userdata = userdata,
                                              .batch = journal_make_batch(journal, lane, limits->records_max) });
}

/* Objects */

static FakeObject *journal_add_object(Journal *journal, Lane lane, uint64_t first, uint64_t last, const char *name) {
        FakeObject *object = &journal->objects[journal->n_objects];

        assert_true(journal->n_objects < FAKE_OBJECTS_MAX);
        assert_null(journal_find_name(journal, name)); /* a name is never used twice */
        journal->n_objects++;
        *object = (FakeObject){
                .id = journal->n_objects, .lane = lane, .first = first, .last = last, .state = OBJECT_OPEN,
        };
        snprintf(object->name, sizeof(object->name), "%s", name);
        return object;
}

int journal_put_intent(Journal *journal, const JournalBatch *batch, JournalObjectDone done, void *userdata) {
        FakeObject range = { .lane = batch->lane, .first = batch->first, .last = batch->last };
        Answer answer = { .object_done = done, .userdata = userdata, .r = JOURNAL_E_GONE };

        journal->n_intents++;
        if (!journal_works(journal))
                return journal_owe(journal, answer);
        assert_null(journal_open_object(journal, batch->lane)); /* one range in flight */
        for (size_t i = 0; i < journal->n_records && answer.r != 0; i++)
                if (record_is_of(&journal->records[i], &range) && journal->records[i].state == RECORD_PENDING) {
                        answer.object = journal_add_object(journal, batch->lane, batch->first, batch->last, batch->object_name)->id;
                        answer.r = 0;
                }
        return journal_owe(journal, answer);
}

static int journal_close_object(Journal *journal, FakeObject *object, ObjectState state, RecordState record_state) {
        if (object->state != OBJECT_OPEN)
                return JOURNAL_E_GONE;
        object->state = state;
        for (size_t i = 0; i < journal->n_records; i++)
                if (record_is_of(&journal->records[i], object) && journal->records[i].state == RECORD_PENDING)
                        journal->records[i].state = record_state;
        journal_count_again(journal);
        return 0;
}

int journal_ack_object(Journal *journal, uint64_t id, JournalDone done, void *userdata) {
        FakeObject *object = journal_find_object(journal, id);
        Answer answer = { .done = done, .userdata = userdata };

        journal->n_acks++;
        assert_true(object->is_in_store); /* never before it is */
        if (journal_works(journal))
                answer.r = journal_close_object(journal, object, OBJECT_STORED, RECORD_STORED);
        return journal_owe(journal, answer);
}

int journal_park_object(Journal *journal, uint64_t id, const char *reason, JournalDone done, void *userdata) {
        Answer answer = { .done = done, .userdata = userdata };

        journal->n_parks++;
        assert_true(strlen(reason) > 0);
        if (journal_works(journal))
                answer.r = journal_close_object(journal, journal_find_object(journal, id), OBJECT_VOID, RECORD_PARKED);
        return journal_owe(journal, answer);
}

static int journal_split(Journal *journal, FakeObject *object, const char *name_a, const char *name_b) {
        uint64_t ids[FAKE_RECORDS_PER_PARCEL];
        size_t n = 0;

        if (object->state != OBJECT_OPEN)
                return JOURNAL_E_GONE;
        for (size_t i = 0; i < journal->n_records; i++)
                if (record_is_of(&journal->records[i], object))
                        ids[n++] = journal->records[i].id;
        if (n < 2)
                return JOURNAL_E_SINGLE;
        object->state = OBJECT_VOID;
        journal_add_object(journal, object->lane, ids[0], ids[n / 2 - 1], name_a);
        journal_add_object(journal, object->lane, ids[n / 2], ids[n - 1], name_b);
        return 0;
}

int journal_split_object(Journal *journal, uint64_t id, const char *name_a, const char *name_b, JournalDone done,
                         void *userdata) {
        Answer answer = { .done = done, .userdata = userdata };

        journal->n_splits++;
        if (journal_works(journal))
                answer.r = journal_split(journal, journal_find_object(journal, id), name_a, name_b);
        return journal_owe(journal, answer);
}

/* Deleting */

int journal_list_doomed(Journal *journal, size_t max, JournalDoomedDone done, void *userdata) {
        Answer answer = { .doomed_done = done, .userdata = userdata };

        journal->n_lists++;
        for (size_t i = 0; i < journal->n_objects && answer.n_doomed == 0; i++)
                if (journal->objects[i].state == OBJECT_DOOMED) {
                        answer.doomed = (JournalDoomed){ journal->objects[i].id, strdup(journal->objects[i].name) };
                        answer.n_doomed = 1;
                }
        return journal_owe(journal, answer);
}

int journal_object_deleted(Journal *journal, uint64_t id, JournalDone done, void *userdata) {
        FakeObject *object = journal_find_object(journal, id);
        Answer answer = { .done = done, .userdata = userdata };

        journal->n_deleted++;
        if (journal_works(journal)) {
                assert_int_equal(object->state, OBJECT_DOOMED);
                assert_false(object->is_in_store);
                object->state = OBJECT_DELETED;
                journal_count_again(journal);
        }
        return journal_owe(journal, answer);
}

int journal_commit(Journal *journal, JournalDone done, void *userdata) {
        journal->n_commits++;
        return journal_owe(journal, (Answer){ .done = done, .userdata = userdata });
}

/* What happens around the outbox */

void world_record_quietly(World *w, Lane lane, Purpose purpose, unsigned n) {
        Journal *journal = &w->journal;

        for (unsigned i = 0; i < n; i++) {
                uint64_t parcel = journal->n_records / FAKE_RECORDS_PER_PARCEL * 64 + lane * 16 + purpose + 1;

                assert_true(journal->n_records < FAKE_RECORDS_MAX);
                journal->records[journal->n_records] = (FakeRecord){
                        .id = parcel << 20 | journal->n_records, .lane = lane, .purpose = purpose,
                };
                journal->n_records++;
        }
        journal_count_again(journal);
}

void world_record(World *w, Lane lane, Purpose purpose, unsigned n) {
        world_record_quietly(w, lane, purpose, n);
        outbox_wake(w->outbox, lane);
}

static bool object_has_purpose(const Journal *journal, const FakeObject *object, Purpose purpose) {
        for (size_t i = 0; i < journal->n_records; i++)
                if (record_is_of(&journal->records[i], object) && journal->records[i].purpose == purpose)
                        return true;
        return false;
}

void world_erase(World *w, Purpose purpose, bool is_unsent_only) {
        Journal *journal = &w->journal;
        uint64_t n_doomed = journal->counters.objects_doomed;

        for (size_t i = 0; i < journal->n_objects; i++) {
                FakeObject *object = &journal->objects[i];
                bool is_unsent = object->state == OBJECT_OPEN || object->state == OBJECT_VOID;

                if ((is_unsent || (object->state == OBJECT_STORED && !is_unsent_only)) &&
                    object_has_purpose(journal, object, purpose))
                        object->state = OBJECT_DOOMED;
        }
        for (size_t i = 0; i < journal->n_records; i++) {
                FakeRecord *record = &journal->records[i];

                if (record->purpose == purpose && (record->state != RECORD_STORED || !is_unsent_only))
                        record->state = RECORD_ERASED;
        }
        journal_count_again(journal);
        if (journal->counters.objects_doomed > n_doomed)
                outbox_wake_doomed(w->outbox);
}

void world_withdraw(World *w, Purpose purpose, bool is_kept) {
        w->gate.allows[purpose] = false;
        outbox_purpose_changed(w->outbox, purpose, false);
        if (!is_kept)
                world_erase(w, purpose, true);
}

void world_grant(World *w, Purpose purpose) {
        w->gate.allows[purpose] = true;
        outbox_purpose_changed(w->outbox, purpose, true);
}
