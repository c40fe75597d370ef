/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Intents, acknowledgements and what is owed to the store. Floor 2.
 *
 * Each call is one transaction of journal.db. Acknowledgements come in the order of the ranges: the cursor would leave
 * behind what it jumps over.
 */
#include <errno.h>
#include <string.h>
#include "engine.h"

#define REASON_MAX 200

/**
 * engine_put_intent() - write down what is about to be sent
 * @engine:     the engine
 * @lane:       which
 * @first:      lowest record id: the next behind the cursor
 * @last:       highest record id, of the same parcel
 * @name:       of the object; copied
 * @ret:        number of the object; untouched on failure
 *
 * Return: 0; JOURNAL_E_GONE if the records are gone; -EBUSY if the lane has an open intent; -EINVAL if the range is not
 * what comes next; < 0.
 */
int engine_put_intent(Engine *engine, Lane lane, uint64_t first, uint64_t last, const char *name, uint64_t *ret) {
        _cleanup_transaction_ Db *transaction = NULL;
        _cleanup_(parcel_freep) Parcel *parcel = NULL;
        _cleanup_object_ Object object = {.lane = lane, .first = first, .last = last, .state = OBJECT_INTENDED},
                                other = {0};
        Catalogue catalogue = engine_catalogue(engine);
        uint64_t bounds[2] = { 0 };
        ParcelRow row;
        int r;

        r = object_load_intent(&catalogue, lane, &other);
        if (r != 0)
                return r < 0 ? r : -EBUSY;
        r = parcel_load(engine->vault, parcel_of(first), &parcel);
        if (r != 0)
                return r < 0 ? r : JOURNAL_E_GONE;
        r = engine_next_range(engine, lane, &row, bounds);
        if (r < 0)
                return r;
        if (r == 0 || bounds[0] != first || last < first || last > bounds[1])
                return -EINVAL;
        r = engine_scan(engine, parcel, first, last, &object.extent);
        if (r < 0)
                return r;
        object.purpose = row.purpose;
        object.subject = strdup(parcel->subject);
        object.name = strdup(name);
        object.clip = strdup(parcel->clip);
        if (!object.subject || !object.name || !object.clip)
                return -ENOMEM;
        r = db_begin(engine->db, &transaction);
        if (r >= 0)
                r = object_insert(&catalogue, &object);
        if (r >= 0)
                r = db_commit(&transaction);
        if (r < 0)
                return r;
        *ret = object.id;
        return 0;
}

/* The open intent of that number, if it is the one of its lane that comes first. */
static int engine_load_intent(Engine *engine, uint64_t id, Object *ret) {
        _cleanup_object_ Object object = { 0 }, first = { 0 };
        Catalogue catalogue = engine_catalogue(engine);
        int r;

        r = object_load(&catalogue, id, &object);
        if (r < 0)
                return r;
        if (r == 0 || object.state != OBJECT_INTENDED)
                return JOURNAL_E_GONE;
        r = object_load_intent(&catalogue, object.lane, &first);
        if (r <= 0)
                return r < 0 ? r : JOURNAL_E_GONE;
        if (first.id != id)
                return -EINVAL;
        *ret = object;
        object = (Object){ 0 };
        return 0;
}

static void engine_pass(Engine *engine, Lane lane, const LaneState *state, uint64_t n) {
        engine->lanes[lane] = *state;
        engine->pending[lane] -= MIN(n, engine->pending[lane]);
        ages_pass(&engine->ages[lane], state->cursor);
}

/**
 * engine_ack_object() - the store has it
 * @engine:     the engine
 * @id:         of the object
 *
 * Return: 0; JOURNAL_E_GONE if it is no open intent (erased meanwhile, or acknowledged before); -EINVAL if another
 * intent of the lane comes first; < 0.
 */
int engine_ack_object(Engine *engine, uint64_t id) {
        _cleanup_transaction_ Db *transaction = NULL;
        _cleanup_object_ Object object = { 0 };
        Catalogue catalogue = engine_catalogue(engine);
        uint64_t n, n_damaged;
        LaneState state;
        int r;

        r = engine_load_intent(engine, id, &object);
        if (r != 0)
                return r;
        r = parked_count(engine->db, object.lane, object.first, object.last, &n_damaged);
        if (r < 0)
                return r;
        n = object.last - object.first + 1;
        state = engine->lanes[object.lane];
        state.cursor = object.last;
        state.stored += n - n_damaged;
        state.parked += n_damaged;
        state.objects++;
        r = db_begin(engine->db, &transaction);
        if (r >= 0 && n_damaged > 0 && object.subject) {
                object.extent.records = n - n_damaged;
                r = object_save_label(&catalogue, &object);
        }
        if (r >= 0)
                r = object_set_state(&catalogue, id, OBJECT_STORED, 0);
        if (r >= 0)
                r = lane_save(&catalogue, object.lane, &state);
        if (r >= 0)
                r = db_commit(&transaction);
        if (r < 0)
                return r;
        engine_pass(engine, object.lane, &state, n);
        return 0;
}

static int split_insert(const Catalogue *catalogue, const Object *whole, Object *half, const char *name,
                        const Extent *extent) {
        half->lane = whole->lane;
        half->purpose = whole->purpose;
        half->state = OBJECT_INTENDED;
        half->extent = *extent;
        half->subject = strdup(whole->subject);
        half->name = strdup(name);
        half->clip = strdup(whole->clip);
        if (!half->subject || !half->name || !half->clip)
                return -ENOMEM;
        return object_insert(catalogue, half);
}

/**
 * engine_split_object() - too large: two objects instead of one
 * @engine:     the engine
 * @id:         of the object
 * @name_a:     of the first half; copied
 * @name_b:     of the second half; copied
 *
 * Return: 0; JOURNAL_E_GONE; JOURNAL_E_SINGLE if it is of one record; -EINVAL; < 0.
 */
int engine_split_object(Engine *engine, uint64_t id, const char *name_a, const char *name_b) {
        _cleanup_transaction_ Db *transaction = NULL;
        _cleanup_object_ Object object = { 0 }, a = { 0 }, b = { 0 };
        _cleanup_(parcel_freep) Parcel *parcel = NULL;
        Catalogue catalogue = engine_catalogue(engine);
        Extent extent_a, extent_b;
        int r;

        r = engine_load_intent(engine, id, &object);
        if (r != 0)
                return r;
        if (object.first == object.last)
                return JOURNAL_E_SINGLE;
        r = parcel_load(engine->vault, parcel_of(object.first), &parcel);
        if (r != 0 || !object.subject)
                return r < 0 ? r : JOURNAL_E_GONE;
        a.first = object.first;
        a.last = object.first + (object.last - object.first) / 2;
        b.first = a.last + 1;
        b.last = object.last;
        r = engine_scan(engine, parcel, a.first, a.last, &extent_a);
        if (r >= 0)
                r = engine_scan(engine, parcel, b.first, b.last, &extent_b);
        if (r >= 0)
                r = db_begin(engine->db, &transaction);
        if (r >= 0)
                r = object_set_state(&catalogue, id, OBJECT_VOID, 0);
        if (r >= 0)
                r = split_insert(&catalogue, &object, &a, name_a, &extent_a);
        if (r >= 0)
                r = split_insert(&catalogue, &object, &b, name_b, &extent_b);
        return r < 0 ? r : db_commit(&transaction);
}

/* Within a transaction that may void an object as well: notes the range and moves the cursor behind it. */
static int engine_park(Engine *engine, const Object *range, const char *reason, Db **transaction) {
        Catalogue catalogue = engine_catalogue(engine);
        LaneState state = engine->lanes[range->lane];
        uint64_t n = range->last - range->first + 1;
        char text[REASON_MAX + 1];
        int r;

        (void)stpncpy(text, reason, REASON_MAX); /* cut off */
        text[REASON_MAX] = 0;
        /* Single damaged records of the range may have been noted before. */
        r = parked_delete(engine->db, range->lane, range->first, range->last);
        if (r >= 0)
                r = parked_insert(engine->db, range->lane, range->first, range->last, text);
        state.cursor = range->last;
        state.parked += n;
        if (r >= 0)
                r = lane_save(&catalogue, range->lane, &state);
        if (r >= 0)
                r = db_commit(transaction);
        if (r < 0)
                return r;
        engine_pass(engine, range->lane, &state, n);
        return 0;
}

/**
 * engine_park_range() - leave out what cannot be sent
 * @engine:     the engine
 * @lane:       which
 * @first:      lowest record id: the next behind the cursor
 * @last:       highest record id
 * @reason:     shown
 *
 * Return: 0; < 0.
 */
int engine_park_range(Engine *engine, Lane lane, uint64_t first, uint64_t last, const char *reason) {
        const Object range = { .lane = lane, .first = first, .last = last };
        _cleanup_transaction_ Db *transaction = NULL;
        int r;

        r = db_begin(engine->db, &transaction);
        return r < 0 ? r : engine_park(engine, &range, reason, &transaction);
}

/**
 * engine_park_object() - the store refuses it for good
 * @engine:     the engine
 * @id:         of the object
 * @reason:     shown; cut off at 200 bytes
 *
 * Return: 0; JOURNAL_E_GONE; -EINVAL; < 0.
 */
int engine_park_object(Engine *engine, uint64_t id, const char *reason) {
        _cleanup_transaction_ Db *transaction = NULL;
        _cleanup_object_ Object object = { 0 };
        Catalogue catalogue = engine_catalogue(engine);
        int r;

        r = engine_load_intent(engine, id, &object);
        if (r != 0)
                return r;
        r = db_begin(engine->db, &transaction);
        if (r >= 0)
                r = object_set_state(&catalogue, id, OBJECT_VOID, 0);
        return r < 0 ? r : engine_park(engine, &object, reason, &transaction);
}

/**
 * engine_list_doomed() - objects that are to be deleted in the store
 * @engine:     the engine
 * @max:        how many at most
 * @ret:        array, names and all owned by the caller; NULL when there are none; untouched on failure
 * @ret_n:      number of them
 *
 * Return: 0; < 0.
 */
int engine_list_doomed(Engine *engine, size_t max, JournalDoomed **ret, size_t *ret_n) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        Catalogue catalogue = engine_catalogue(engine);
        JournalDoomed *list = NULL, *grown;
        size_t n = 0;
        int r;

        r = objects_start(&catalogue, OBJECTS_DOOMED, &statement);
        while (r >= 0 && n < max) {
                _cleanup_object_ Object object = { 0 };

                r = objects_step(&catalogue, statement, &object);
                if (r <= 0)
                        break;
                grown = object.name ? reallocarray(list, n + 1, sizeof(*list)) : list;
                if (!grown && object.name) {
                        r = -ENOMEM;
                        break;
                }
                list = grown;
                if (object.name)
                        list[n++] = (JournalDoomed){ .object = object.id, .name = TAKE_PTR(object.name) };
        }
        if (r < 0) {
                while (n > 0)
                        string_wipe_free(list[--n].name);
                free(list);
                return r;
        }
        *ret = list;
        *ret_n = n;
        return 0;
}

/**
 * engine_object_deleted() - the store has it no more
 * @engine:     the engine
 * @id:         of a doomed object
 *
 * Return: 0; JOURNAL_E_GONE if it is none; < 0.
 */
int engine_object_deleted(Engine *engine, uint64_t id) {
        _cleanup_object_ Object object = { 0 };
        Catalogue catalogue = engine_catalogue(engine);
        int r;

        r = object_load(&catalogue, id, &object);
        if (r < 0)
                return r;
        if (r == 0 || object.state != OBJECT_DOOMED)
                return JOURNAL_E_GONE;
        r = object_delete(&catalogue, id);
        if (r < 0)
                return r;
        engine->objects_doomed -= engine->objects_doomed > 0;
        return 0;
}
