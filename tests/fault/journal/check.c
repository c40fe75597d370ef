/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "check.h"
#include <inttypes.h>
#include "engine.h"
#include "ledger.h"

typedef struct Check {
        const MixedModel *model;
        Engine *engine;
        CheckText *ret;
        uint64_t ids[MIXED_RECORDS_MAX]; /* of what can be read, by number; 0: nothing */
        uint64_t n_pending[LANE_MAX];    /* of it, behind the cursor */
        uint32_t n_entries, last_entry;  /* of the ledger */
} Check;

#define WRONG(check, ...) ((void)snprintf((check)->ret->text, sizeof((check)->ret->text), __VA_ARGS__), false)

static bool has_its_bytes(Check *check, const Parcel *parcel, const Piece *piece, uint64_t id, Record *record) {
        _cleanup_bytes_ Bytes bytes = { 0 };
        unsigned number = 0;

        (void)sscanf(record->payload, "{\"seq\":%u", &number); /* was read before */
        mixed_media(number, &bytes);
        return engine_read_media(check->engine, parcel, id, piece, record) == 0 && record->data.size == bytes.size &&
               memcmp(record->data.data, bytes.data, bytes.size) == 0;
}

/* Seals are opened here and not by the reader, so that what is behind the cursor is seen too. */
static bool read_row(Check *check, const Parcel *parcel, sqlite3_stmt *statement) {
        uint64_t id = db_column_u64(statement, 0);
        Piece piece = { 0 };
        _cleanup_(record_freep) Record *record = NULL;
        char payload[512];
        unsigned number = 0;

        if (engine_open_row(check->engine, parcel, statement, &piece, &record) != 0)
                return WRONG(check, "row %" PRIx64 " of lane %u does not open", id, parcel->row.lane);
        check->n_pending[parcel->row.lane] += id > check->engine->lanes[parcel->row.lane].cursor;
        if (strcmp(parcel->source, PARCEL_SOURCE_OWN) == 0)
                return check->model->may_have_gaps ||
                       WRONG(check, "row %" PRIx64 " tells of a gap, and nothing was lost", id);
        if (sscanf(record->payload, "{\"seq\":%u", &number) != 1 || number > check->model->n_records)
                return WRONG(check, "row %" PRIx64 " of lane %u is nothing that was recorded", id, parcel->row.lane);
        (void)mixed_payload(number, payload, sizeof(payload)); /* fits, as it did when it was recorded */
        if (strcmp(payload, record->payload) != 0 || record->kind != check->model->records[number].kind ||
            strcmp(parcel->subject, check->model->records[number].is_of_b ? SUBJECT_B : SUBJECT_A) != 0)
                return WRONG(check, "record %u is another one than was recorded", number);
        if (parcel->row.lane == LANE_MEDIA && !has_its_bytes(check, parcel, &piece, id, record))
                return WRONG(check, "record %u is there without its bytes", number);
        if (check->ids[number] > 0)
                return WRONG(check, "record %u is there twice", number);
        check->ids[number] = id;
        return true;
}

static bool read_parcel(Check *check, const ParcelRow *row) {
        _cleanup_(parcel_freep) Parcel *parcel = NULL;
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r;

        r = parcel_load(check->engine->vault, row->id, &parcel);
        if (r != 0)
                return WRONG(check, "parcel %" PRIu64 " cannot be loaded: %d", row->id, r);
        r = lane_start_rows(check->engine->db, row->lane, parcel_first_id(row->id), parcel_last_id(row->id),
                            &statement);
        while (r >= 0 && (r = db_step(check->engine->db, statement)) > 0)
                if (!read_row(check, parcel, statement))
                        return false;
        return r == 0 || WRONG(check, "parcel %" PRIu64 " cannot be read: %d", row->id, r);
}

static bool read_all(Check *check) {
        _cleanup_parcel_list_ ParcelList list = { 0 };
        int r;

        r = parcels_list(check->engine->vault, PARCELS_LIVING, &list);
        if (r < 0)
                return WRONG(check, "the parcels cannot be listed: %d", r);
        for (size_t i = 0; i < list.n; i++)
                if (!read_parcel(check, &list.rows[i]))
                        return false;
        return true;
}

static bool check_record(Check *check, uint32_t number) {
        const MixedRecord *record = &check->model->records[number];
        uint64_t id = check->ids[number], cursor = check->engine->lanes[record_kind_lane(record->kind)].cursor;
        uint8_t flags = record->flags;

        if (id == 0) {
                if (flags & MUST_BE_THERE && !(flags & (MAY_BE_SENT | MAY_BE_GONE)))
                        return WRONG(check, "record %u of lane %u was durable and is lost (cursor %" PRIx64 ", %" PRIu64
                                     " s old)", number, record_kind_lane(record->kind), cursor,
                                     (check->model->boottime_usec - record->made_usec) / USEC_PER_SEC);
                return true;
        }
        if (flags & MUST_BE_GONE)
                return WRONG(check, "record %u was erased or expired and can be read", number);
        if (id > cursor && flags & (MUST_BE_SENT | MUST_BE_PARKED))
                return WRONG(check, "record %u was acknowledged or parked and would be sent again", number);
        if (id <= cursor && !(flags & (MAY_BE_SENT | MAY_BE_PARKED)))
                return WRONG(check, "record %u would never be sent", number);
        return true;
}

static bool check_counters_of(Check *check, const JournalCounters *counters, Lane lane) {
        const JournalLaneCounters *c = &counters->lanes[lane];
        uint64_t n_must = 0, n_may = 0, n_sent = 0;

        for (uint32_t i = 1; i <= check->model->n_records; i++) {
                const MixedRecord *record = &check->model->records[i];

                if (record_kind_lane(record->kind) != lane)
                        continue;
                n_may += (record->flags & MAY_BE_THERE) != 0;
                n_must += (record->flags & MUST_BE_THERE) != 0 && !(record->flags & MAY_BE_GONE);
                n_sent += (record->flags & (MUST_BE_SENT | MAY_BE_GONE)) == MUST_BE_SENT;
        }
        if (c->pending != check->n_pending[lane])
                return WRONG(check, "lane %u: %" PRIu64 " counted as pending, %" PRIu64 " can be read", lane,
                             c->pending, check->n_pending[lane]);
        if ((c->recorded > n_may && !check->model->may_have_gaps) || c->recorded < n_must || c->stored < n_sent)
                return WRONG(check, "lane %u: %" PRIu64 " recorded, %" PRIu64 " stored; %" PRIu64 " to %" PRIu64
                             " were recorded and %" PRIu64 " stored", lane, c->recorded, c->stored, n_must, n_may,
                             n_sent);
        return true;
}

static bool check_counts(Check *check) {
        EngineReport report;

        engine_report(check->engine, &report);
        for (unsigned lane = 0; lane < LANE_MAX; lane++)
                if (!check_counters_of(check, &report.counters, (Lane)lane))
                        return false;
        return true;
}

static int on_entry(uint64_t seq, const char *body, void *userdata) {
        Check *check = userdata;
        unsigned number = 0;

        if (sscanf(body, "{\"entry\":%u}", &number) != 1 || number <= check->last_entry)
                return -EILSEQ;
        check->last_entry = number;
        check->n_entries++;
        return 0;
}

static bool check_ledger(Check *check) {
        int r = ledger_replay(check->engine->vault, on_entry, check);

        if (r != 0)
                return WRONG(check, "the ledger does not hold: %d", r);
        if (check->n_entries < check->model->n_entries || check->last_entry > check->model->n_entries_asked)
                return WRONG(check, "the ledger has %u entries, %u were written", check->n_entries,
                             check->model->n_entries);
        return true;
}

static bool is_same_receipt(const JournalErasureState *state, const JournalReceipt *receipt) {
        return state->parcels == receipt->parcels && state->records == receipt->records &&
               state->copies == receipt->copies && state->objects_doomed == receipt->objects_doomed &&
               state->since_ms == receipt->since_ms && state->until_ms == receipt->until_ms;
}

static bool check_receipts(Check *check) {
        _cleanup_free_ JournalErasureState *states = NULL;
        size_t n = 0;
        int r;

        r = engine_list_erasures(check->engine, &states, &n);
        if (r < 0 || n > check->model->n_erasures_asked)
                return WRONG(check, "%zu erasures are listed: %d", n, r);
        for (uint32_t i = 0; i < check->model->n_erasures; i++) {
                const JournalReceipt *receipt = &check->model->receipts[i];

                if (receipt->request > n || !is_same_receipt(&states[receipt->request - 1], receipt))
                        return WRONG(check, "the receipt of erasure %" PRIu64 " is not what it was", receipt->request);
        }
        return true;
}

static bool check_doomed(Check *check) {
        JournalDoomed *doomed = NULL;
        size_t n = 0;
        bool is_well = true;
        int r;

        r = engine_list_doomed(check->engine, SIZE_MAX, &doomed, &n);
        if (r < 0)
                return WRONG(check, "what is doomed cannot be listed: %d", r);
        for (uint32_t i = 0; is_well && i < check->model->n_objects; i++) {
                const MixedObject *object = &check->model->objects[i];
                bool is_listed = false;

                for (size_t j = 0; j < n; j++)
                        is_listed |= doomed[j].object == object->object;
                if (object->must_be_doomed && !object->may_be_deleted && !is_listed)
                        is_well = WRONG(check, "object %u was erased and would stay in the store", i);
        }
        for (size_t i = 0; i < n; i++)
                free(doomed[i].name);
        free(doomed);
        return is_well;
}

static bool check_file(Check *check, Db *db) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        const char *answer = NULL;

        if (db_start(db, "PRAGMA integrity_check", &statement) >= 0 && db_step(db, statement) > 0)
                answer = (const char *)sqlite3_column_text(statement, 0);
        return (answer && strcmp(answer, "ok") == 0) ||
               WRONG(check, "a database is damaged: %s", answer ? answer : "cannot be checked");
}

/* It goes on. */
static bool check_next(Check *check) {
        _cleanup_(record_freep) Record *record = NULL;
        _cleanup_(rows_done) RowList rows = { 0 };
        uint32_t lanes;
        Row *row = NULL;
        int r;

        r = record_new(RECORD_FIX, SUBJECT_A, "gnss", START_REALTIME_MS, "{}", &record);
        if (r >= 0)
                r = row_new(record, check->model->boottime_usec, &row);
        if (r < 0)
                return WRONG(check, "out of memory");
        rows_push(&rows, row);
        engine_append(check->engine, &rows);
        r = engine_commit(check->engine, &lanes);
        if (r < 0 || lanes != 1U << LANE_TRACK)
                return WRONG(check, "the next record cannot be written: %d", r);
        do
                r = engine_reclaim(check->engine);
        while (r >= 0 && check->engine->has_dead);
        return r >= 0 || WRONG(check, "rows cannot be deleted: %d", r);
}

static bool check_all(Check *check, bool is_thorough) {
        if (!read_all(check))
                return false;
        for (uint32_t i = 1; i <= check->model->n_records; i++)
                if (!check_record(check, i))
                        return false;
        if (!check_counts(check) || !check_ledger(check) || !check_receipts(check) || !check_doomed(check))
                return false;
        if (is_thorough &&
            (!check_file(check, check->engine->db) || !check_file(check, vault_db(check->engine->vault))))
                return false;
        return check_next(check);
}

bool check_journal(const MixedModel *model, Fixture *f, bool is_thorough, CheckText *ret) {
        _cleanup_(engine_freep) Engine *engine = NULL;
        Check check = { .model = model, .ret = ret };
        JournalError error = { .text = "" };
        int r;

        mixed_resume(model, f);
        r = engine_new(&f->options, &f->clock, &engine, &error);
        check.engine = engine;
        if (r != 0)
                return WRONG(&check, "it does not open: %d, %s", r, error.text);
        return check_all(&check, is_thorough);
}
