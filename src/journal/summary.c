/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is kept of somebody, by purpose. Floor 2.
 *
 * Labels and extents are sealed, so each living parcel is opened: about 2 µs for each.
 */
#include <errno.h>
#include <string.h>
#include "engine.h"
#include "trailkeep/parse.h"

static void summary_add(JournalPurposeSummary *summary, const Extent *extent) {
        Extent all = { .oldest_ms = summary->oldest_ms, .newest_ms = summary->newest_ms };

        extent_merge(&all, extent);
        summary->parcels++;
        summary->records += extent->records;
        summary->bytes += extent->bytes;
        summary->oldest_ms = all.oldest_ms;
        summary->newest_ms = all.newest_ms;
}

static int summary_parcels(Engine *engine, const char *subject, JournalPurposeSummary summary[static PURPOSE_MAX]) {
        _cleanup_parcel_list_ ParcelList list = { 0 };
        int r;

        r = parcels_list(engine->vault, PARCELS_LIVING, &list);
        for (size_t i = 0; r >= 0 && i < list.n; i++) {
                const Parcel *open = engine_find_open(engine, list.rows[i].id);
                _cleanup_(parcel_freep) Parcel *parcel = NULL;

                r = parcel_load(engine->vault, list.rows[i].id, &parcel);
                if (r == 0 && strcmp(parcel->subject, subject) == 0)
                        summary_add(&summary[parcel->row.purpose], open ? &open->extent : &parcel->extent);
        }
        return r;
}

static int summary_objects(Engine *engine, const char *subject, JournalPurposeSummary summary[static PURPOSE_MAX]) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        Catalogue catalogue = engine_catalogue(engine);
        int r;

        r = objects_start(&catalogue, OBJECTS_STORED, &statement);
        while (r >= 0) {
                _cleanup_object_ Object object = { 0 };

                r = objects_step(&catalogue, statement, &object);
                if (r <= 0)
                        break;
                if (object.subject && strcmp(object.subject, subject) == 0)
                        summary[object.purpose].objects_stored++;
        }
        return r;
}

/**
 * engine_summary() - what is kept of a subject
 * @engine:     the engine
 * @subject:    whose
 * @summary:    filled: what is here, and how many objects lie in the store
 *
 * Return: 0; < 0.
 */
int engine_summary(Engine *engine, const char *subject, JournalPurposeSummary summary[static PURPOSE_MAX]) {
        int r;

        for (size_t i = 0; i < PURPOSE_MAX; i++)
                summary[i] = (JournalPurposeSummary){ .oldest_ms = TIME_MS_NONE, .newest_ms = TIME_MS_NONE };
        r = summary_parcels(engine, subject, summary);
        return r < 0 ? r : summary_objects(engine, subject, summary);
}
