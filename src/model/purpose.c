/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The tables of purposes, lanes and kinds of record. Floor 1, pure.
 *
 * An alarm belongs to `notifications` and an event to `diagnostics`: neither carries a position, which is in the track
 * of that time alone, so that consent to one is never consent to the other.
 */
#include <errno.h>
#include <string.h>
#include "trailkeep/purpose.h"

static const struct {
        const char *name;
        uint32_t retention_days;
} purposes[PURPOSE_MAX] = {
        [PURPOSE_LOCATION] = { "location", 30 },
        [PURPOSE_AUDIO] = { "audio", 7 },
        [PURPOSE_VIDEO] = { "video", 7 },
        [PURPOSE_PICTURE] = { "picture", 7 },
        [PURPOSE_DIAGNOSTICS] = { "diagnostics", 30 },
        [PURPOSE_NOTIFICATIONS] = { "notifications", 30 },
        [PURPOSE_SHARING] = { "sharing", 30 },
        [PURPOSE_MAPS] = { "maps", 30 },
        [PURPOSE_ANALYTICS] = { "analytics", 30 },
        [PURPOSE_UPDATES] = { "updates", 30 },
};

static const struct {
        const char *name, *folder;
        uint32_t retention_days;
} lanes[LANE_MAX] = {
        [LANE_ALARM] = { "alarm", "alarms", 90 },
        [LANE_EVENT] = { "event", "events", 0 },
        [LANE_TRACK] = { "track", "tracks", 0 },
        [LANE_DIAGNOSTICS] = { "diagnostics", "diagnostics", 0 },
        [LANE_MEDIA] = { "media", "media", 0 },
};

static const struct {
        const char *name;
        Purpose purpose;
        Lane lane;
} kinds[RECORD_KIND_MAX] = {
        [RECORD_FIX] = { "fix", PURPOSE_LOCATION, LANE_TRACK },
        [RECORD_ALARM] = { "alarm", PURPOSE_NOTIFICATIONS, LANE_ALARM },
        [RECORD_EVENT] = { "event", PURPOSE_DIAGNOSTICS, LANE_EVENT },
        [RECORD_DIAGNOSTIC] = { "diagnostic", PURPOSE_DIAGNOSTICS, LANE_DIAGNOSTICS },
        [RECORD_AUDIO_INIT] = { "audio-init", PURPOSE_AUDIO, LANE_MEDIA },
        [RECORD_AUDIO] = { "audio", PURPOSE_AUDIO, LANE_MEDIA },
        [RECORD_VIDEO_INIT] = { "video-init", PURPOSE_VIDEO, LANE_MEDIA },
        [RECORD_VIDEO] = { "video", PURPOSE_VIDEO, LANE_MEDIA },
        [RECORD_PICTURE] = { "picture", PURPOSE_PICTURE, LANE_MEDIA },
};

/**
 * purpose_to_string() - name of a purpose, as in the policy, on the bus and in the ledger
 * @purpose:    below PURPOSE_MAX
 *
 * Return: one word in lower case.
 */
const char *purpose_to_string(Purpose purpose) {
        return purposes[purpose].name;
}

/**
 * purpose_from_string() - the purpose of a name
 * @name:       exactly as purpose_to_string() gives it
 * @ret_purpose: the purpose; untouched on failure
 *
 * Return: 0; -EINVAL if there is no such purpose.
 */
int purpose_from_string(const char *name, Purpose *ret_purpose) {
        for (size_t i = 0; i < ELEMENTSOF(purposes); i++)
                if (strcmp(purposes[i].name, name) == 0) {
                        *ret_purpose = (Purpose)i;
                        return 0;
                }
        return -EINVAL;
}

/**
 * lane_to_string() - name of a lane, as on the bus
 * @lane:       below LANE_MAX
 *
 * Return: one word in lower case.
 */
const char *lane_to_string(Lane lane) {
        return lanes[lane].name;
}

/**
 * lane_to_folder() - folder of a lane's objects in the store
 * @lane:       below LANE_MAX
 *
 * Return: one path component without slashes.
 */
const char *lane_to_folder(Lane lane) {
        return lanes[lane].folder;
}

/**
 * record_kind_purpose() - the purpose that must be consented to for records of a kind
 * @kind:       below RECORD_KIND_MAX
 *
 * Return: the purpose.
 */
Purpose record_kind_purpose(RecordKind kind) {
        return kinds[kind].purpose;
}

/**
 * record_kind_lane() - the lane in which records of a kind travel
 * @kind:       below RECORD_KIND_MAX
 *
 * Return: the lane.
 */
Lane record_kind_lane(RecordKind kind) {
        return kinds[kind].lane;
}

/**
 * record_kind_to_string() - name of a kind of record
 * @kind:       below RECORD_KIND_MAX
 *
 * Return: one word in lower case.
 */
const char *record_kind_to_string(RecordKind kind) {
        return kinds[kind].name;
}

/**
 * purpose_retention_days() - how long records of a purpose are kept unless configured otherwise
 * @purpose:    below PURPOSE_MAX
 *
 * Return: days.
 */
uint32_t purpose_retention_days(Purpose purpose) {
        return purposes[purpose].retention_days;
}

/**
 * lane_retention_days() - how long records of a lane are kept unless configured otherwise
 * @lane:       below LANE_MAX
 *
 * Return: days; 0: as long as their purpose says.
 */
uint32_t lane_retention_days(Lane lane) {
        return lanes[lane].retention_days;
}
