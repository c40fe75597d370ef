/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The objects of journal.db. Floor 2.
 *
 *   object
 *     id               counts up, never used twice
 *     lane, purpose    numbers
 *     first, last      record ids of one parcel, both inclusive
 *     state            enum ObjectState
 *     erasure          number of the erasure that doomed it; NULL: none, or its parcel expired
 *     label            sealed under the vault's catalogue key: subject, name (packed strings), the extent's five
 *                      numbers, in the media lane clip (packed string); once STORED, without the records that were
 *                      damaged before they could be sent; then purpose, first, last, state and erasure again (packed
 *                      numbers; the first version had none), so that a flipped bit makes none of them another
 *
 *   (none) -> INTENDED -> STORED -> DOOMED -> (deleted)
 *                |-----------------^  ^
 *                `-> VOID ------------'   split or parked: was refused, yet in doubt whether a part of it arrived
 *
 * The label is not sealed under the parcel's key, since the object outlives the parcel here: what lies in the store
 * must be found, and deleted there, years after the local copy has gone.
 *
 * The two partial indexes hold only what is open or doomed, a handful of rows, and cost nothing while objects lie
 * stored. A query must repeat their WHERE clause word for word to be answered from them.
 */
#include <errno.h>
#include <string.h>
#include "objects.h"

#define OBJECT_COLUMNS "id, lane, purpose, first, last, state, erasure, label"

/**
 * object_done() - wipe and free what an object holds
 * @object:     empty afterwards
 */
void object_done(Object *object) {
        string_wipe_free(object->subject);
        string_wipe_free(object->name);
        string_wipe_free(object->clip);
        *object = (Object){ 0 };
}

static int object_pack_columns(const Object *object, Bytes *bytes) {
        const uint64_t numbers[] = { object->purpose, object->first, object->last, object->state, object->erasure };
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(numbers); i++)
                r = pack_u64(bytes, numbers[i]);
        return r;
}

/* What is sealed counts. Whether the columns say the same. */
static bool object_unpack_columns(Unpack *unpack, Object *object) {
        uint64_t numbers[] = { object->purpose, object->first, object->last, object->state, object->erasure };
        bool is_same = true;

        if (unpack->size == 0)
                return true; /* of the first version */
        for (size_t i = 0; i < ELEMENTSOF(numbers); i++) {
                uint64_t sealed = unpack_u64(unpack);

                is_same &= sealed == numbers[i];
                numbers[i] = sealed;
        }
        object->purpose = (Purpose)numbers[0];
        object->first = numbers[1];
        object->last = numbers[2];
        object->state = (ObjectState)numbers[3];
        object->erasure = numbers[4];
        return is_same;
}

static int object_seal_label(const Catalogue *catalogue, const Object *object, Bytes *ret) {
        SealAd ad = seal_ad(catalogue->scope, SEAL_KIND_OBJECT, (uint8_t)object->lane, object->id);
        _cleanup_bytes_ Bytes plain = { 0 };
        int r;

        r = pack_string(&plain, object->subject);
        if (r >= 0)
                r = pack_string(&plain, object->name);
        if (r >= 0)
                r = extent_pack(&object->extent, &plain);
        if (r >= 0 && object->lane == LANE_MEDIA)
                r = pack_string(&plain, object->clip);
        if (r >= 0)
                r = object_pack_columns(object, &plain);
        if (r < 0)
                return r;
        return aead_seal(catalogue->aead, ad.bytes, sizeof(ad.bytes), plain.data, plain.size, ret);
}

/**
 * object_save_label() - write what is sealed of an object
 * @catalogue:  within a transaction
 * @object:     with its id, subject and name
 *
 * Return: 0; < 0.
 */
int object_save_label(const Catalogue *catalogue, const Object *object) {
        _cleanup_bytes_ Bytes label = { 0 };
        int r;

        r = object_seal_label(catalogue, object, &label);
        if (r < 0)
                return r;
        return db_run(catalogue->db, "UPDATE object SET label = ? WHERE id = ?", DB_BYTES(&label), DB_INT(object->id));
}

/**
 * object_insert() - add an object
 * @catalogue:  within a transaction
 * @object:     all but its id; that is set
 *
 * Return: 0; < 0.
 */
int object_insert(const Catalogue *catalogue, Object *object) {
        int64_t id;
        int r;

        /* The id comes first, since the label is bound to it. */
        r = db_run(catalogue->db,
                   "INSERT INTO object(lane, purpose, first, last, state, label) VALUES(?, ?, ?, ?, ?, x'')",
                   DB_INT(object->lane), DB_INT(object->purpose), DB_INT(object->first), DB_INT(object->last),
                   DB_INT(object->state));
        if (r < 0)
                return r;
        r = db_number(catalogue->db, "SELECT last_insert_rowid()", &id);
        if (r <= 0)
                return r < 0 ? r : -EIO;
        object->id = (uint64_t)id;
        return object_save_label(catalogue, object);
}

/**
 * object_open_label() - what is sealed of an object
 * @catalogue:  borrowed
 * @label:      sealed
 * @object:     with its id, lane and columns; subject, name and extent are filled if the seal holds, else subject stays
 *              NULL; then the columns are as sealed
 *
 * Return: 0; OBJECT_E_ALTERED if the columns were others; < 0.
 */
int object_open_label(const Catalogue *catalogue, const Bytes *label, Object *object) {
        SealAd ad = seal_ad(catalogue->scope, SEAL_KIND_OBJECT, (uint8_t)object->lane, object->id);
        _cleanup_bytes_ Bytes plain = { 0 };
        const char *subject, *name, *clip = "";
        Unpack unpack;
        bool is_same;
        int r;

        r = aead_open(catalogue->aead, ad.bytes, sizeof(ad.bytes), label->data, label->size, &plain);
        if (r < 0)
                return r;
        if (r == AEAD_E_FORGED)
                return 0; /* subject stays NULL */
        unpack = (Unpack){ .data = plain.data, .size = plain.size };
        subject = unpack_string(&unpack);
        name = unpack_string(&unpack);
        object->extent = extent_unpack(&unpack);
        if (object->lane == LANE_MEDIA)
                clip = unpack_string(&unpack);
        is_same = object_unpack_columns(&unpack, object);
        if (unpack.is_short)
                return 0;
        object->name = strdup(name);
        object->clip = object->name ? strdup(clip) : NULL;
        object->subject = object->clip ? strdup(subject) : NULL;
        if (!object->subject)
                return -ENOMEM;
        return is_same ? 0 : OBJECT_E_ALTERED;
}

/**
 * objects_check() - the next object, and whether it is whole
 * @catalogue:  borrowed
 * @statement:  from objects_start()
 * @ret:        freed with object_done(); filled when 1 or OBJECT_E_ALTERED is returned; subject NULL: its label is
 *              damaged
 *
 * Return: 1; OBJECT_E_ALTERED if its columns are not as they were sealed; 0 if there is none left; -EBADMSG; < 0.
 */
int objects_check(const Catalogue *catalogue, sqlite3_stmt *statement, Object *ret) {
        _cleanup_object_ Object object = { 0 };
        Bytes label;
        int r;

        r = db_step(catalogue->db, statement);
        if (r <= 0)
                return r;
        if (db_column_u64(statement, 1) >= LANE_MAX || db_column_u64(statement, 2) >= PURPOSE_MAX)
                return -EBADMSG;
        object.id = db_column_u64(statement, 0);
        object.lane = (Lane)sqlite3_column_int(statement, 1);
        object.purpose = (Purpose)sqlite3_column_int(statement, 2);
        object.first = db_column_u64(statement, 3);
        object.last = db_column_u64(statement, 4);
        object.state = (ObjectState)sqlite3_column_int(statement, 5);
        object.erasure = db_column_u64(statement, 6);
        object.extent = extent_empty();
        label = db_column_bytes(statement, 7);
        r = object_open_label(catalogue, &label, &object);
        if (r < 0)
                return r;
        *ret = object;
        object = (Object){ 0 };
        return r > 0 ? r : 1;
}

/**
 * objects_step() - the next object
 * @catalogue:  borrowed
 * @statement:  from objects_start()
 * @ret:        freed with object_done(); filled when 1 is returned; subject NULL: its label is damaged
 *
 * Return: 1; 0 if there is none left; -EBADMSG if its columns are not as they were sealed: the database is damaged; < 0.
 */
int objects_step(const Catalogue *catalogue, sqlite3_stmt *statement, Object *ret) {
        _cleanup_object_ Object object = { 0 };
        int r = objects_check(catalogue, statement, &object);

        if (r == -EBADMSG || r == OBJECT_E_ALTERED)
                return db_damaged(catalogue->db);
        if (r <= 0)
                return r;
        *ret = object;
        object = (Object){ 0 };
        return 1;
}

/**
 * object_load() - one object
 * @catalogue:  borrowed
 * @id:         of the object
 * @ret:        freed with object_done(); filled when 1 is returned
 *
 * Return: 1; 0 if there is none; < 0.
 */
int object_load(const Catalogue *catalogue, uint64_t id, Object *ret) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r;

        r = db_start(catalogue->db, "SELECT " OBJECT_COLUMNS " FROM object WHERE id = ?", &statement, DB_INT(id));
        return r < 0 ? r : objects_step(catalogue, statement, ret);
}

/**
 * object_load_intent() - the open intent of a lane with the lowest range
 * @catalogue:  borrowed
 * @lane:       which
 * @ret:        freed with object_done(); filled when 1 is returned
 *
 * Return: 1; 0 if there is none; < 0.
 */
int object_load_intent(const Catalogue *catalogue, Lane lane, Object *ret) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r;

        r = db_start(catalogue->db, "SELECT " OBJECT_COLUMNS " FROM object INDEXED BY object_open"
                                    " WHERE state <= 2 AND lane = ? AND state = ? ORDER BY first LIMIT 1",
                     &statement, DB_INT(lane), DB_INT(OBJECT_INTENDED));
        return r < 0 ? r : objects_step(catalogue, statement, ret);
}

/**
 * object_set_state() - move an object on
 * @catalogue:  within a transaction
 * @id:         of the object
 * @state:      its next state
 * @erasure:    that doomed it, or 0
 *
 * Return: 0; < 0.
 */
int object_set_state(const Catalogue *catalogue, uint64_t id, ObjectState state, uint64_t erasure) {
        _cleanup_object_ Object object = { 0 };
        _cleanup_bytes_ Bytes label = { 0 };
        int r;

        r = object_load(catalogue, id, &object);
        if (r <= 0)
                return r;
        object.state = state;
        object.erasure = erasure;
        r = object.subject ? object_seal_label(catalogue, &object, &label) : 0;
        if (r < 0)
                return r;
        /* A damaged label stays as it is: there is nothing to seal. */
        return db_run(catalogue->db, "UPDATE object SET state = ?, erasure = ?, label = coalesce(?, label) WHERE id = ?",
                      DB_INT(state), erasure > 0 ? DB_INT(erasure) : DB_NULL,
                      object.subject ? DB_BYTES(&label) : DB_NULL, DB_INT(id));
}

/**
 * object_delete() - forget an object
 * @catalogue:  within a transaction
 * @id:         of the object
 *
 * Return: 0; < 0.
 */
int object_delete(const Catalogue *catalogue, uint64_t id) {
        return db_run(catalogue->db, "DELETE FROM object WHERE id = ?", DB_INT(id));
}

/**
 * objects_start() - read objects, the oldest first
 * @catalogue:  borrowed
 * @filter:     which
 * @ret:        for objects_step(); given back with db_finish(); untouched on failure
 *
 * Return: 0; < 0.
 */
int objects_start(const Catalogue *catalogue, ObjectFilter filter, sqlite3_stmt **ret) {
        switch (filter) {
        case OBJECTS_STORED:
                return db_start(catalogue->db, "SELECT " OBJECT_COLUMNS " FROM object WHERE state = 3 ORDER BY id",
                                ret);
        case OBJECTS_DOOMED:
                return db_start(catalogue->db, "SELECT " OBJECT_COLUMNS " FROM object INDEXED BY object_doomed"
                                               " WHERE state = 4 ORDER BY id", ret);
        }
        return -EINVAL;
}

/**
 * objects_start_open_in() - read what is intended or void within a range, the lowest first
 * @catalogue:  borrowed
 * @lane:       of the range
 * @from:       lowest record id
 * @to:         highest record id
 * @ret:        for objects_step(); given back with db_finish(); untouched on failure
 *
 * Return: 0; < 0.
 */
int objects_start_open_in(const Catalogue *catalogue, Lane lane, uint64_t from, uint64_t to, sqlite3_stmt **ret) {
        return db_start(catalogue->db, "SELECT " OBJECT_COLUMNS " FROM object INDEXED BY object_open WHERE state <= 2"
                                       " AND lane = ? AND first BETWEEN ? AND ? ORDER BY first",
                        ret, DB_INT(lane), DB_INT(from), DB_INT(to));
}

/**
 * objects_open_in() - whether something of a range is on its way
 * @catalogue:  borrowed
 * @lane:       of the range
 * @from:       lowest record id
 * @to:         highest record id
 *
 * Return: 1: there is an open intent; 0: there is none; < 0.
 */
int objects_open_in(const Catalogue *catalogue, Lane lane, uint64_t from, uint64_t to) {
        int64_t id;

        return db_number(catalogue->db, "SELECT id FROM object INDEXED BY object_open WHERE state <= 2 AND lane = ?"
                                        " AND first BETWEEN ? AND ? AND state = ? LIMIT 1",
                         &id, DB_INT(lane), DB_INT(from), DB_INT(to), DB_INT(OBJECT_INTENDED));
}

/**
 * objects_count_doomed() - how many objects wait to be deleted in the store
 * @catalogue:  borrowed
 * @erasure:    that doomed them; 0: whichever
 * @ret:        the number; untouched on failure
 *
 * Return: 0; < 0.
 */
int objects_count_doomed(const Catalogue *catalogue, uint64_t erasure, uint64_t *ret) {
        int64_t n = 0;
        int r;

        if (erasure == 0)
                r = db_number(catalogue->db, "SELECT count(*) FROM object INDEXED BY object_doomed WHERE state = 4",
                              &n);
        else
                r = db_number(catalogue->db, "SELECT count(*) FROM object INDEXED BY object_doomed WHERE state = 4"
                                             " AND erasure = ?", &n, DB_INT(erasure));
        if (r < 0)
                return r;
        *ret = (uint64_t)n;
        return 0;
}
