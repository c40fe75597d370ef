/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Rows out of a damaged SQLite file, page by page and without SQLite. How it works stands at the head of
 * salvage-pages.c. Floor 2, private to the journal.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "db.h"
#include "trailkeep/macros.h"

#define FOUND_COLUMNS_MAX 8

/* What may be a row of a table whose id is its INTEGER PRIMARY KEY. Nothing in it is to be believed unproven. */
typedef struct FoundRow {
        uint64_t id;
        size_t n_columns; /* the id is not among them */
        DbValue columns[FOUND_COLUMNS_MAX]; /* borrowed during the call */
} FoundRow;

/* 0: go on; anything else ends the search and is returned. */
typedef int (*PagesFound)(const FoundRow *row, void *userdata);

/* Every page of the file and of its WAL, either of which may be missing; what is valid comes first. */
int pages_search(const char *path, PagesFound found, void *userdata) _must_check_;

/* 1: commits that were on the medium would be passed over in silence; 0: it is whole, torn at its end, or not there. */
int pages_wal_is_damaged(const char *path) _must_check_;
