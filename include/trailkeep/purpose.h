/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What data may be used for, the queues it travels in, and the one table that says which kind of record belongs where
 * and how long it is kept. Floor 1, pure.
 *
 * The numbers are stored in the vault and the journal: append only, never renumber.
 */
#include <stdbool.h>
#include <stdint.h>
#include "macros.h"

typedef enum Purpose {
        PURPOSE_LOCATION,
        PURPOSE_AUDIO,
        PURPOSE_VIDEO,
        PURPOSE_PICTURE,
        PURPOSE_DIAGNOSTICS,
        PURPOSE_NOTIFICATIONS,
        PURPOSE_SHARING,
        PURPOSE_MAPS,
        PURPOSE_ANALYTICS,
        PURPOSE_UPDATES,
        PURPOSE_MAX,
} Purpose;

/* A priority queue with a table of its own, most urgent first. */
typedef enum Lane { LANE_ALARM, LANE_EVENT, LANE_TRACK, LANE_DIAGNOSTICS, LANE_MEDIA, LANE_MAX } Lane;

typedef enum RecordKind {
        RECORD_FIX,
        RECORD_ALARM,
        RECORD_EVENT,
        RECORD_DIAGNOSTIC,
        RECORD_AUDIO_INIT, /* what a decoder of the track needs first */
        RECORD_AUDIO,      /* a fragment */
        RECORD_VIDEO_INIT,
        RECORD_VIDEO,
        RECORD_PICTURE,
        RECORD_KIND_MAX,
} RecordKind;

const char *purpose_to_string(Purpose purpose);
int purpose_from_string(const char *name, Purpose *ret_purpose) _must_check_; /* -EINVAL */
const char *lane_to_string(Lane lane); /* "alarm" ... */
const char *lane_to_folder(Lane lane); /* "alarms", "events", "tracks", "diagnostics", "media": folder in the store */

Purpose record_kind_purpose(RecordKind kind);
Lane record_kind_lane(RecordKind kind);
const char *record_kind_to_string(RecordKind kind); /* "fix" ... */
uint32_t purpose_retention_days(Purpose purpose);   /* default; the configuration may shorten or lengthen it */
uint32_t lane_retention_days(Lane lane);            /* default; 90 for alarms, 0: the purpose's */
