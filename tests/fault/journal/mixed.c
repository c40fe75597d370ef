/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mixed.h"
#include "disk.h"

#define LEDGER_TEXT "{\"entry\":%u}"
#define RETENTION_USEC (2 * USEC_PER_HOUR)
#define ALARM_RETENTION_USEC (4 * USEC_PER_HOUR)
#define PARCEL_SPAN_MAX_USEC (21 * USEC_PER_MINUTE) /* with what a step lets pass */

static struct {
        MixedNote note;
        void *userdata;
} observer;

static bool has_media;

void mixed_include_media(void) {
        has_media = true;
}

void mixed_observe(MixedNote note, void *userdata) {
        observer.note = note;
        observer.userdata = userdata;
}

static void note(const MixedModel *model) {
        if (observer.note)
                observer.note(model, observer.userdata);
}

void mixed_options(Fixture *f) {
        f->options.commit_interval_usec = USEC_PER_HOUR;
        f->options.alarm_retention_usec = ALARM_RETENTION_USEC;
        for (size_t i = 0; i < PURPOSE_MAX; i++)
                f->options.retention_usec[i] = RETENTION_USEC;
}

void mixed_resume(const MixedModel *model, Fixture *f) {
        f->boottime_usec = model->boottime_usec;
        f->realtime_usec = model->realtime_usec;
}

void mixed_settle(Fixture *f, unsigned rounds) {
        /* What the journal gives itself to do comes before the answer to what is asked after it. */
        while (rounds-- > 0)
                (void)commit(f);
}

int mixed_payload(uint32_t number, char *buffer, size_t size) {
        uint64_t random = number;

        return snprintf(buffer, size, "{\"seq\":%u,\"pad\":\"%0*x\"}", number, (int)(disk_random(&random) % 300) + 1,
                        number);
}

void mixed_media(uint32_t number, Bytes *ret) {
        uint64_t random = ~(uint64_t)number;

        for (uint64_t n = disk_random(&random) % 500 + 1; n > 0; n--) {
                uint64_t word = disk_random(&random);

                assert_int_equal(bytes_append(ret, &word, sizeof(word)), 0);
        }
}

static RecordKind draw_kind(uint64_t *random) {
        static const RecordKind kinds[] = { RECORD_FIX, RECORD_FIX, RECORD_FIX, RECORD_FIX, RECORD_FIX, RECORD_ALARM,
                                            RECORD_EVENT, RECORD_DIAGNOSTIC,
                                            RECORD_VIDEO, RECORD_PICTURE }; /* media last */

        return kinds[disk_random(random) % (has_media ? ELEMENTSOF(kinds) : ELEMENTSOF(kinds) - 2)];
}

static int append_one(MixedModel *model, Fixture *f, uint64_t *random) {
        _cleanup_(record_freep) Record *record = NULL;
        MixedRecord *entry = &model->records[++model->n_records];
        char payload[512];
        int r;

        assert_true(model->n_records < MIXED_RECORDS_MAX);
        *entry = (MixedRecord){ .flags = MAY_BE_THERE, .kind = draw_kind(random), .made_usec = f->boottime_usec,
                                .is_of_b = disk_random(random) % 3 == 0 };
        assert_true(mixed_payload(model->n_records, payload, sizeof(payload)) < (int)sizeof(payload));
        note(model); /* an alarm is committed at once */
        r = record_new(entry->kind, entry->is_of_b ? SUBJECT_B : SUBJECT_A, "gnss",
                       (int64_t)(f->realtime_usec / USEC_PER_MSEC), payload, &record);
        if (r >= 0 && record_kind_lane(entry->kind) == LANE_MEDIA) {
                _cleanup_bytes_ Bytes bytes = { 0 };

                mixed_media(model->n_records, &bytes);
                r = record_set_media(record, "", &bytes);
        }
        if (r >= 0)
                r = journal_append(f->journal, record);
        if (r != 0)
                entry->flags = 0; /* nothing was taken */
        if (entry->kind == RECORD_ALARM)
                (void)commit(f); /* the thread is at it, and must not see the clock move, or no life is like another */
        fixture_advance(f, disk_random(random) % (20 * USEC_PER_SEC));
        return r;
}

static void pass_time(MixedModel *model, Fixture *f, uint64_t usec) {
        fixture_advance(f, usec);
        model->boottime_usec = f->boottime_usec;
        model->realtime_usec = f->realtime_usec;
        note(model); /* the clock of whoever opens the journal later must not be behind */
}

/* Records of a try that failed wait; the next one makes them durable and appends no more. */
static bool has_waiting(const MixedModel *model) {
        for (uint32_t i = 1; i <= model->n_records; i++)
                if ((model->records[i].flags & (MAY_BE_THERE | MUST_BE_THERE | MAY_BE_GONE)) == MAY_BE_THERE)
                        return true;
        return false;
}

static int do_append(MixedModel *model, Fixture *f, uint64_t random) {
        uint64_t n = has_waiting(model) ? 0 : disk_random(&random) % 8 + 1;
        int r = 0;

        for (; r == 0 && n > 0; n--)
                r = append_one(model, f, &random);
        pass_time(model, f, 0);
        if (r == 0)
                r = commit(f);
        if (r != 0)
                return r;
        for (uint32_t i = 1; i <= model->n_records; i++)
                if (model->records[i].flags & MAY_BE_THERE)
                        model->records[i].flags |= MUST_BE_THERE;
        note(model);
        pass_time(model, f, disk_random(&random) % (3 * USEC_PER_MINUTE));
        return 0;
}

static void mark(MixedModel *model, const MixedObject *object, uint8_t flags) {
        for (size_t i = 0; i < object->n_records; i++)
                model->records[object->records[i]].flags |= flags;
        note(model);
}

/* Number of a record by its payload; 0: a record of the journal's own. */
static uint16_t number_of(const Record *record) {
        unsigned number = 0;

        assert_true(sscanf(record->payload, "{\"seq\":%u", &number) == 1 || strstr(record->payload, "\"GAP\""));
        return (uint16_t)number;
}

static MixedObject *object_by_name(MixedModel *model, const char *name) {
        unsigned n = 0;

        assert_int_equal(sscanf(name, "tracks/%u", &n), 1);
        assert_true(n < model->n_objects);
        return &model->objects[n];
}

/* A place, and with it a name, for an object that is about to be written down. */
static MixedObject *new_object(MixedModel *model, char name[static 32]) {
        assert_true(model->n_objects < MIXED_OBJECTS_MAX);
        (void)snprintf(name, 32, "tracks/%u", model->n_objects);
        return &model->objects[model->n_objects++];
}

static int do_put_intent(MixedModel *model, Fixture *f, const JournalBatch *batch, MixedObject **ret) {
        MixedObject *object;
        char name[32];
        int r;

        object = new_object(model, name);
        for (size_t i = 0; i < batch->n_records; i++)
                object->records[object->n_records++] = number_of(batch->records[i]);
        note(model);
        r = put_intent(f, batch->lane, batch->first, batch->last, name, &object->object);
        if (r < 0)
                model->objects[--model->n_objects] = (MixedObject){ .object = 0 };
        note(model);
        *ret = object;
        return r;
}

static int do_split(MixedModel *model, Fixture *f, MixedObject *object) {
        MixedObject *a, *b;
        char name_a[32], name_b[32];
        int r;

        a = new_object(model, name_a);
        b = new_object(model, name_b);
        for (size_t i = 0; i < object->n_records; i++) {
                MixedObject *half = i <= (object->n_records - 1U) / 2 ? a : b;

                half->records[half->n_records++] = object->records[i];
        }
        object->is_void = true;
        note(model);
        r = split(f, object->object, name_a, name_b);
        if (r < 0) {
                *a = *b = (MixedObject){ .object = 0 };
                model->n_objects -= 2;
                object->is_void = false;
        }
        return r > 0 ? -EIO : r; /* the numbers of the halves are seen when they are sent */
}

static int do_ack(MixedModel *model, Fixture *f, MixedObject *object) {
        int r;

        mark(model, object, MAY_BE_SENT);
        r = ack(f, object->object);
        if (r < 0)
                return r;
        assert_int_equal(r, 0);
        object->is_stored = true;
        mark(model, object, MUST_BE_SENT);
        return 0;
}

static int do_park(MixedModel *model, Fixture *f, MixedObject *object) {
        int r;

        object->is_void = true;
        mark(model, object, MAY_BE_PARKED);
        r = park(f, object->object);
        object->is_void = r >= 0;
        if (r < 0)
                return r;
        assert_int_equal(r, 0);
        mark(model, object, MUST_BE_PARKED);
        return 0;
}

static int do_send(MixedModel *model, Fixture *f, uint64_t random) {
        Lane lane = (Lane)(disk_random(&random) % 2 == 0 ? LANE_TRACK : disk_random(&random) % LANE_MAX);
        _cleanup_(journal_batch_freep) JournalBatch *batch = NULL;
        MixedObject *object = NULL;
        int r;

        r = try_read_batch(f, lane, disk_random(&random) % MIXED_BATCH_MAX + 1, &batch);
        if (r < 0 || !batch)
                return r;
        if (batch->object == 0)
                r = do_put_intent(model, f, batch, &object);
        else
                object = object_by_name(model, batch->object_name);
        if (r == JOURNAL_E_GONE)
                return 0; /* it expired between the two calls */
        if (r != 0)
                return r < 0 ? r : -EIO;
        object->object = batch->object > 0 ? batch->object : object->object;
        switch (disk_random(&random) % 10) {
        case 0:
                return 0; /* no answer came */
        case 1:
                return object->n_records > 1 ? do_split(model, f, object) : do_ack(model, f, object);
        case 2:
                return do_park(model, f, object);
        default:
                return do_ack(model, f, object);
        }
}

static int do_rotate(MixedModel *model, Fixture *f) {
        char body[64];
        int r;

        (void)snprintf(body, sizeof(body), LEDGER_TEXT, ++model->n_entries_asked);
        note(model);
        r = rotate(f, body);
        if (r < 0)
                return r;
        model->n_entries++;
        note(model);
        return 0;
}

static int do_ledger(MixedModel *model, Fixture *f) {
        char body[64];
        int r;

        (void)snprintf(body, sizeof(body), LEDGER_TEXT, ++model->n_entries_asked);
        note(model);
        r = ledger_append_entry(f, body);
        if (r < 0)
                return r;
        model->n_entries++;
        note(model);
        return 0;
}

static bool is_covered(const MixedModel *model, uint32_t number, const JournalErasure *erasure) {
        const MixedRecord *record = &model->records[number];

        return erasure->purposes & 1U << record_kind_purpose(record->kind) &&
               (!erasure->subject || strcmp(erasure->subject, record->is_of_b ? SUBJECT_B : SUBJECT_A) == 0);
}

/* All the model's times are on one clock, at a fixed distance from the realtime one. */
static int64_t made_ms(const MixedRecord *record) {
        return START_REALTIME_MS + (int64_t)((record->made_usec - START_BOOTTIME_USEC) / USEC_PER_MSEC);
}

static JournalErasure draw_erasure(const MixedModel *model, uint64_t *random) {
        JournalErasure erasure = { .purposes = ALL_PURPOSES, .since_ms = TIME_MS_NONE, .until_ms = TIME_MS_NONE };
        int64_t now_ms = (int64_t)(model->realtime_usec / USEC_PER_MSEC);

        switch (disk_random(random) % 6) {
        case 0:
                break;
        case 1:
                erasure.purposes = 1U << PURPOSE_LOCATION;
                erasure.unsent_only = true;
                break;
        case 2:
                erasure.purposes = 1U << PURPOSE_DIAGNOSTICS;
                break;
        case 3:
                erasure.since_ms = now_ms - 20 * 60 * 1000;
                break;
        default:
                erasure.subject = disk_random(random) % 2 == 0 ? SUBJECT_A : SUBJECT_B;
        }
        return erasure;
}

static void mark_erased(MixedModel *model, const JournalErasure *erasure, bool is_reported) {
        bool is_sure[MIXED_RECORDS_MAX] = { 0 };

        for (uint32_t i = 1; i <= model->n_records; i++) {
                MixedRecord *record = &model->records[i];

                if (!is_covered(model, i, erasure))
                        continue;
                is_sure[i] = erasure->since_ms == TIME_MS_NONE || made_ms(record) >= erasure->since_ms;
                record->flags |= MAY_BE_GONE;
                if (is_reported && is_sure[i])
                        record->flags |= MUST_BE_GONE;
        }
        for (uint32_t i = 0; is_reported && i < model->n_objects; i++) {
                MixedObject *object = &model->objects[i];

                if (object->object > 0 && !object->is_void && is_sure[object->records[0]] &&
                    !(object->is_stored && erasure->unsent_only))
                        object->must_be_doomed = true;
        }
}

static int do_erase(MixedModel *model, Fixture *f, uint64_t random) {
        JournalErasure erasure = draw_erasure(model, &random);
        JournalReceipt receipt;
        char body[64];
        int r;

        (void)snprintf(body, sizeof(body), LEDGER_TEXT, ++model->n_entries_asked);
        erasure.ledger_body = body;
        model->n_erasures_asked++;
        mark_erased(model, &erasure, false);
        note(model);
        r = erase(f, &erasure, &receipt);
        if (r < 0)
                return r;
        if (model->n_erasures < MIXED_ERASURES_MAX)
                model->receipts[model->n_erasures++] = receipt; /* the later ones are not compared */
        model->n_entries++;
        mark_erased(model, &erasure, true);
        note(model);
        return 0;
}

static int do_delete(MixedModel *model, Fixture *f, uint64_t random) {
        uint64_t objects[64];
        char names[64][80];
        size_t n;
        int r;

        r = try_list_doomed(f, objects, names, &n);
        for (size_t i = 0; r >= 0 && i < n; i++) {
                if (disk_random(&random) % 3 == 0)
                        continue;
                object_by_name(model, names[i])->may_be_deleted = true;
                note(model);
                r = object_deleted(f, objects[i]);
        }
        return r > 0 ? -EIO : r;
}

static void mark_expired(MixedModel *model, bool is_reported) {
        for (uint32_t i = 1; i <= model->n_records; i++) {
                MixedRecord *record = &model->records[i];
                uint64_t keep_usec = record->kind == RECORD_ALARM ? ALARM_RETENTION_USEC : RETENTION_USEC;
                uint64_t early_usec = PARCEL_SPAN_MAX_USEC + keep_usec / 100;

                if (model->boottime_usec + early_usec >= record->made_usec + keep_usec) {
                        record->flags |= MAY_BE_GONE;
                        model->may_have_gaps = true;
                }
                if (is_reported && model->boottime_usec >= record->made_usec + keep_usec)
                        record->flags |= MUST_BE_GONE;
        }
        note(model);
}

static int do_restart(MixedModel *model, Fixture *f) {
        int r;

        mark_expired(model, false);
        fixture_close(f);
        r = fixture_open(f);
        if (r != 0)
                return r;
        mark_expired(model, true);
        return 0;
}

static int do_expire(MixedModel *model, Fixture *f) {
        pass_time(model, f, RETENTION_USEC / 2 + 10 * USEC_PER_MINUTE);
        return do_restart(model, f);
}

MixedStep mixed_draw(uint64_t *random) {
        static const uint8_t weights[STEP_MAX] = { [STEP_APPEND] = 16, [STEP_SEND] = 20, [STEP_LEDGER] = 3,
                                                   [STEP_ERASE] = 2, [STEP_DELETE] = 2, [STEP_ROTATE] = 1,
                                                   [STEP_RESTART] = 1,
                                                   [STEP_EXPIRE] = 1 };
        MixedStep step = { .random = disk_random(random) };
        uint64_t n = 0, at;

        for (size_t i = 0; i < STEP_MAX; i++)
                n += weights[i];
        at = disk_random(random) % n;
        while (at >= weights[step.type])
                at -= weights[step.type++];
        return step;
}

int mixed_do(MixedModel *model, Fixture *f, const MixedStep *step) {
        mark_expired(model, false); /* each step looks for what is due */
        switch (step->type) {
        case STEP_APPEND:
                return do_append(model, f, step->random);
        case STEP_SEND:
                return do_send(model, f, step->random);
        case STEP_LEDGER:
                return do_ledger(model, f);
        case STEP_ERASE:
                return do_erase(model, f, step->random);
        case STEP_DELETE:
                return do_delete(model, f, step->random);
        case STEP_ROTATE:
                return do_rotate(model, f);
        case STEP_RESTART:
                return do_restart(model, f);
        case STEP_EXPIRE:
                return do_expire(model, f);
        case STEP_MAX:
                break;
        }
        return -EINVAL;
}
