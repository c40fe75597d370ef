/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Objects of journal.db: what is on its way to the store, lies there, or is to be deleted there. Layout and states at
 * the head of objects.c. Floor 2, private to the journal; used by one thread at a time.
 */
#include <stdbool.h>
#include <stdint.h>
#include "db.h"
#include "extent.h"
#include "seal.h"
#include "trailkeep/aead.h"
#include "trailkeep/journal.h"
#include "trailkeep/macros.h"
#include "trailkeep/purpose.h"

/* Stored: append only; the partial indexes name the numbers. */
typedef enum ObjectState { OBJECT_INTENDED = 1, OBJECT_VOID = 2, OBJECT_STORED = 3, OBJECT_DOOMED = 4 } ObjectState;

typedef struct Object {
        uint64_t id;
        Lane lane;
        Purpose purpose;
        uint64_t first, last; /* record ids, both inclusive */
        ObjectState state;
        uint64_t erasure;     /* that doomed it; 0: none */
        char *subject, *name; /* from the sealed label */
        char *clip;           /* the same; of media only, else NULL */
        Extent extent;
} Object;

enum { OBJECT_E_ALTERED = 2 }; /* its columns are not as they were sealed */

void object_done(Object *object);
#define _cleanup_object_ _cleanup_(object_done)

/* Where objects are kept and how their labels are sealed; borrowed parts. */
typedef struct Catalogue {
        Db *db;
        Aead *aead;
        const SealScope *scope;
} Catalogue;

int object_insert(const Catalogue *catalogue, Object *object) _must_check_; /* sets its id */
int object_load(const Catalogue *catalogue, uint64_t id, Object *ret) _must_check_; /* 1: found, 0: none */
int object_load_intent(const Catalogue *catalogue, Lane lane,
                       Object *ret) _must_check_; /* lowest range; 1: found, 0: none */
int object_save_label(const Catalogue *catalogue, const Object *object) _must_check_;
int object_set_state(const Catalogue *catalogue, uint64_t id, ObjectState state, uint64_t erasure) _must_check_;
int object_open_label(const Catalogue *catalogue, const Bytes *label, Object *object) _must_check_;
int object_delete(const Catalogue *catalogue, uint64_t id) _must_check_;

/* Reading along, oldest first; the label is opened, and an object whose label is damaged has subject NULL. */
typedef enum ObjectFilter { OBJECTS_STORED, OBJECTS_DOOMED } ObjectFilter;
int objects_start_open_in(const Catalogue *catalogue, Lane lane, uint64_t from, uint64_t to,
                          sqlite3_stmt **ret) _must_check_;
int objects_start(const Catalogue *catalogue, ObjectFilter filter, sqlite3_stmt **ret) _must_check_;
int objects_step(const Catalogue *catalogue, sqlite3_stmt *statement,
                 Object *ret) _must_check_; /* 1: one, 0: none left */
int objects_check(const Catalogue *catalogue, sqlite3_stmt *statement, Object *ret) _must_check_; /* the same, for what
                                                                                    looks for damage: notes nothing */
int objects_open_in(const Catalogue *catalogue, Lane lane, uint64_t from, uint64_t to) _must_check_; /* 1: yes, 0: no */
int objects_count_doomed(const Catalogue *catalogue, uint64_t erasure, uint64_t *ret) _must_check_; /* 0: of any */
