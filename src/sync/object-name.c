/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Names of objects in the store, below the installation's folder. Floor 4; not pure, since a name has a random part.
 *
 *   <lane's folder>/<year>/<month>/<day>/<uuid>.geojsons.gz    day (UTC) and UUID version 7 (RFC 9562 §5.7) of the
 *                                                              first believable time in the object
 *   <lane's folder>/undated/<record id>-<uuid>.geojsons.gz     none is believable; 16 hex digits of the first record's
 *                                                              id, which grows, and UUID version 4
 *
 * Both sort in the order the objects were made. A time is believable from the day this release was made and for twenty
 * years from then: what a receiver says before its first fix, after a week-number overflow or in a test is not.
 */
#include "object-name.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "build-config.h"
#include "trailkeep/id.h"
#include "trailkeep/parse.h"
#include "trailkeep/store.h"

#define MSEC_PER_SEC 1000
#define BELIEVED_FROM_MS ((int64_t)TRAILKEEP_RELEASE_DATE_UNIX * MSEC_PER_SEC)
#define BELIEVED_BEFORE_MS (BELIEVED_FROM_MS + INT64_C(20) * 365 * 24 * 3600 * MSEC_PER_SEC)

#define SUFFIX ".geojsons.gz"
#define NAME_MAX_BYTES 128 /* the longest folder, the date or "undated", both ids and the suffix are below 100 */

static int64_t object_first_time_ms(const JournalBatch *batch, size_t begin, size_t end) {
        for (size_t i = begin; i < end; i++) {
                int64_t time_ms = batch->records[i]->time_ms;

                if (time_ms >= BELIEVED_FROM_MS && time_ms < BELIEVED_BEFORE_MS)
                        return time_ms;
        }
        return TIME_MS_NONE;
}

static int object_name_dated(const char *folder, int64_t time_ms, char name[static NAME_MAX_BYTES]) {
        time_t time_sec = (time_t)(time_ms / MSEC_PER_SEC);
        char id[ID_STRING_MAX], day[16];
        struct tm tm;
        int r;

        if (!gmtime_r(&time_sec, &tm) || strftime(day, sizeof(day), "%Y/%m/%d", &tm) == 0)
                return -EINVAL;
        r = id_new_ordered((uint64_t)time_ms, id);
        if (r < 0)
                return r;
        (void)snprintf(name, NAME_MAX_BYTES, "%s/%s/%s" SUFFIX, folder, day, id); /* bounded, see above */
        return 0;
}

static int object_name_undated(const char *folder, uint64_t first, char name[static NAME_MAX_BYTES]) {
        char id[ID_STRING_MAX];
        int r;

        r = id_new_random(id);
        if (r < 0)
                return r;
        /* Bounded, see above. */
        (void)snprintf(name, NAME_MAX_BYTES, "%s/undated/%016" PRIx64 "-%s" SUFFIX, folder, first, id);
        return 0;
}

/**
 * object_name_new() - make a name for a part of a batch
 * @batch:    the batch
 * @begin:    index of the part's first record
 * @end:      index behind its last record, > @begin
 * @ret_name: a name never used before, below the installation's folder; the caller's
 *
 * Return: 0, or -errno.
 */
int object_name_new(const JournalBatch *batch, size_t begin, size_t end, char **ret_name) {
        const char *folder = lane_to_folder(batch->lane);
        char name[NAME_MAX_BYTES];
        int64_t time_ms;
        char *copy;
        int r;

        if (!folder || begin >= end || end > batch->n_records)
                return -EINVAL;
        time_ms = object_first_time_ms(batch, begin, end);
        r = time_ms == TIME_MS_NONE ? object_name_undated(folder, batch->ids[begin], name)
                                    : object_name_dated(folder, time_ms, name);
        if (r < 0)
                return r;
        copy = strdup(name);
        if (!copy)
                return -ENOMEM;
        *ret_name = copy;
        return 0;
}

/**
 * store_object_name() - make a name for a batch
 * @batch:    not empty
 * @ret_name: a name never used before, below the installation's folder; the caller's
 *
 * Return: 0, or -errno.
 */
int store_object_name(const JournalBatch *batch, char **ret_name) {
        return object_name_new(batch, 0, batch->n_records, ret_name);
}
