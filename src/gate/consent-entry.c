/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One entry of the consent ledger. Floor 3, pure.
 *
 * A JSON object (RFC 8259) on one line, UTF-8, version 1:
 *
 *   { "v": 1, "kind": "decision", "subject": S, "purpose": NAME, "state": "granted" | "withdrawn", "generation": N,
 *     "keep": BOOL, "uid": N, "role": S, "actor": S | null, "realtime_ms": N }
 *
 *   { "v": 1, "kind": "erasure", "subject": S, "purposes": [ NAME, ... ], "since_ms": N | null, "until_ms": N | null,
 *     "keep_stored": BOOL, "clip": S, "uid": N, "role": S, "actor": S | null, "realtime_ms": N }
 *
 *   { "v": 1, "kind": "keys", "subject": S, "change": "rotated" | "root-replaced" | "evidence-started", "uid": N,
 *     "role": S, "actor": S | null, "realtime_ms": N }
 *
 *   { "v": 1, "kind": "everything", "subject": "", "generation": N, "uid": N, "role": S, "actor": null, "realtime_ms": N }
 *     all was erased, of everybody, and what the ledger said before; every purpose is off since
 *
 * "realtime_ms" is milliseconds since 1970 by the clock of the box as it was shown, right or wrong; "generation" is at
 * least 1; "keep" is false with a grant; "clip" is there only if the erasure is of one clip. Every other key is there, no
 * other is allowed, none twice: a ledger in which anything is not understood is not a ledger that may turn something on.
 * The vault chains, seals and syncs what is written here.
 */
#include <errno.h>
#include <jansson.h>
#include <string.h>
#include "trailkeep/parse.h"
#include "consent-entry.h"

#define CONSENT_ENTRY_VERSION 1

static const char *const key_changes[GATE_KEYS_MAX] = {
        [GATE_KEYS_ROTATED] = "rotated",
        [GATE_KEYS_ROOT_REPLACED] = "root-replaced",
        [GATE_KEYS_EVIDENCE] = "evidence-started",
};

static json_t *time_to_json(int64_t time_ms) {
        return time_ms == TIME_MS_NONE ? json_null() : json_integer(time_ms);
}

static json_t *purposes_to_json(uint32_t purposes) {
        json_auto_t *array = json_array();

        for (Purpose purpose = 0; purpose < PURPOSE_MAX; purpose++)
                if (purposes & (UINT32_C(1) << purpose) &&
                    json_array_append_new(array, json_string(purpose_to_string(purpose))) < 0)
                        return NULL;

        return TAKE_PTR(array);
}

/* What each kind has of its own; "o" consumes its value also when packing fails. */
static json_t *entry_pack_own(const ConsentEntry *entry) {
        switch (entry->kind) {
        case CONSENT_ENTRY_DECISION:
                return json_pack("{s:i, s:s, s:s, s:s, s:s, s:I, s:b}", "v", CONSENT_ENTRY_VERSION, "kind", "decision",
                                 "subject", entry->subject, "purpose", purpose_to_string(entry->purpose), "state",
                                 entry->is_granted ? "granted" : "withdrawn", "generation",
                                 (json_int_t)entry->generation, "keep", entry->is_kept);
        case CONSENT_ENTRY_ERASURE:
                return json_pack("{s:i, s:s, s:s, s:o, s:o, s:o, s:b, s:s*}", "v", CONSENT_ENTRY_VERSION, "kind", "erasure",
                                 "subject", entry->subject, "purposes", purposes_to_json(entry->purposes), "since_ms",
                                 time_to_json(entry->since_ms), "until_ms", time_to_json(entry->until_ms),
                                 "keep_stored", entry->is_stored_kept, "clip", entry->clip[0] ? entry->clip : NULL);
        case CONSENT_ENTRY_KEYS:
                return json_pack("{s:i, s:s, s:s, s:s}", "v", CONSENT_ENTRY_VERSION, "kind", "keys", "subject",
                                 entry->subject, "change", key_changes[entry->change]);
        case CONSENT_ENTRY_EVERYTHING:
                return json_pack("{s:i, s:s, s:s, s:I}", "v", CONSENT_ENTRY_VERSION, "kind", "everything", "subject",
                                 entry->subject, "generation", (json_int_t)entry->generation);
        case CONSENT_ENTRY_MAX:
                break;
        }

        return NULL;
}

/**
 * consent_entry_encode() - write an entry as the ledger keeps it
 * @entry:      what was decided; strings in UTF-8
 * @ret_body:   JSON on one line; the caller frees it
 *
 * Return: 0; -ENOMEM; -EINVAL: a string is not UTF-8 or a number is out of range.
 */
int consent_entry_encode(const ConsentEntry *entry, char **ret_body) {
        json_auto_t *who = NULL, *json = NULL;
        char *body;

        if (entry->generation > INT64_MAX)
                return -EINVAL;

        who = json_pack("{s:I, s:s, s:s?, s:I}", "uid", (json_int_t)entry->uid, "role", entry->role, "actor",
                        entry->actor[0] ? entry->actor : NULL, "realtime_ms", (json_int_t)entry->realtime_ms);
        json = entry_pack_own(entry);
        if (!who || !json)
                return -EINVAL;
        if (json_object_update(json, who) < 0)
                return -ENOMEM;
        body = json_dumps(json, JSON_COMPACT);
        if (!body)
                return -ENOMEM;

        *ret_body = body;
        return 0;
}

static int copy_text(const char *text, char *ret, size_t size) {
        size_t length = text ? strlen(text) : 0;

        if (length >= size)
                return -EBADMSG;
        if (length > 0)
                memcpy(ret, text, length);
        ret[length] = '\0';

        return 0;
}

static int time_from_json(const json_t *json, int64_t *ret_ms) {
        if (json_is_null(json))
                *ret_ms = TIME_MS_NONE;
        else if (json_is_integer(json))
                *ret_ms = json_integer_value(json);
        else
                return -EBADMSG;

        return 0;
}

static int purposes_from_json(const json_t *json, uint32_t *ret_purposes) {
        uint32_t purposes = 0;
        const json_t *name;
        size_t i;

        if (!json_is_array(json))
                return -EBADMSG;
        json_array_foreach(json, i, name) {
                Purpose purpose;

                if (!json_is_string(name) || purpose_from_string(json_string_value(name), &purpose) < 0)
                        return -EBADMSG;
                purposes |= UINT32_C(1) << purpose;
        }

        *ret_purposes = purposes;
        return 0;
}

static int decode_who(const char *subject, json_int_t uid, const char *role, const json_t *actor, ConsentEntry *entry) {
        if (uid < 0 || uid > UINT32_MAX)
                return -EBADMSG;
        if (!json_is_null(actor) && !json_is_string(actor))
                return -EBADMSG;
        entry->uid = (uint32_t)uid;
        if (copy_text(subject, entry->subject, sizeof(entry->subject)) < 0 ||
            copy_text(role, entry->role, sizeof(entry->role)) < 0 ||
            copy_text(json_string_value(actor), entry->actor, sizeof(entry->actor)) < 0)
                return -EBADMSG;

        return 0;
}

static int decode_decision(json_t *json, ConsentEntry *entry) {
        const char *kind, *subject, *purpose, *state, *role;
        json_int_t generation, uid, realtime_ms;
        json_t *actor;
        int version, is_kept;

        if (json_unpack_ex(json, NULL, JSON_STRICT, "{s:i, s:s, s:s, s:s, s:s, s:I, s:b, s:I, s:s, s:o, s:I}", "v",
                           &version, "kind", &kind, "subject", &subject, "purpose", &purpose, "state", &state,
                           "generation", &generation, "keep", &is_kept, "uid", &uid, "role", &role, "actor", &actor,
                           "realtime_ms", &realtime_ms) < 0)
                return -EBADMSG;
        if (purpose_from_string(purpose, &entry->purpose) < 0 || generation < 1)
                return -EBADMSG;
        if (strcmp(state, "granted") != 0 && strcmp(state, "withdrawn") != 0)
                return -EBADMSG;

        entry->kind = CONSENT_ENTRY_DECISION;
        entry->is_granted = strcmp(state, "granted") == 0;
        entry->is_kept = is_kept;
        entry->generation = (uint64_t)generation;
        entry->realtime_ms = realtime_ms;
        return decode_who(subject, uid, role, actor, entry);
}

static int decode_erasure(json_t *json, ConsentEntry *entry) {
        const char *kind, *subject, *role, *clip = "";
        json_t *purposes, *since, *until, *actor;
        json_int_t uid, realtime_ms;
        int version, is_stored_kept;

        if (json_unpack_ex(json, NULL, JSON_STRICT, "{s:i, s:s, s:s, s:o, s:o, s:o, s:b, s?s, s:I, s:s, s:o, s:I}",
                           "v", &version, "kind", &kind, "subject", &subject, "purposes", &purposes, "since_ms", &since,
                           "until_ms", &until, "keep_stored", &is_stored_kept, "clip", &clip, "uid", &uid, "role", &role, "actor",
                           &actor, "realtime_ms", &realtime_ms) < 0)
                return -EBADMSG;
        if (purposes_from_json(purposes, &entry->purposes) < 0 || time_from_json(since, &entry->since_ms) < 0 ||
            time_from_json(until, &entry->until_ms) < 0 || copy_text(clip, entry->clip, sizeof(entry->clip)) < 0)
                return -EBADMSG;

        entry->kind = CONSENT_ENTRY_ERASURE;
        entry->is_stored_kept = is_stored_kept;
        entry->realtime_ms = realtime_ms;
        return decode_who(subject, uid, role, actor, entry);
}

static int decode_keys(json_t *json, ConsentEntry *entry) {
        const char *kind, *subject, *change, *role;
        json_int_t uid, realtime_ms;
        json_t *actor;
        int version;

        if (json_unpack_ex(json, NULL, JSON_STRICT, "{s:i, s:s, s:s, s:s, s:I, s:s, s:o, s:I}", "v", &version, "kind",
                           &kind, "subject", &subject, "change", &change, "uid", &uid, "role", &role, "actor", &actor,
                           "realtime_ms", &realtime_ms) < 0)
                return -EBADMSG;
        entry->kind = CONSENT_ENTRY_KEYS;
        entry->realtime_ms = realtime_ms;
        while (entry->change < GATE_KEYS_MAX && strcmp(change, key_changes[entry->change]) != 0)
                entry->change++;
        if (entry->change == GATE_KEYS_MAX)
                return -EBADMSG;
        return decode_who(subject, uid, role, actor, entry);
}

static int decode_everything(json_t *json, ConsentEntry *entry) {
        json_int_t generation, uid, realtime_ms;
        const char *kind, *subject, *role;
        json_t *actor;
        int version;

        if (json_unpack_ex(json, NULL, JSON_STRICT, "{s:i, s:s, s:s, s:I, s:I, s:s, s:o, s:I}", "v", &version, "kind",
                           &kind, "subject", &subject, "generation", &generation, "uid", &uid, "role", &role, "actor",
                           &actor, "realtime_ms", &realtime_ms) < 0)
                return -EBADMSG;
        if (generation < 1)
                return -EBADMSG;
        entry->kind = CONSENT_ENTRY_EVERYTHING;
        entry->generation = (uint64_t)generation;
        entry->realtime_ms = realtime_ms;
        return decode_who(subject, uid, role, actor, entry);
}

/**
 * consent_entry_decode() - read an entry of the ledger, strictly
 * @body:       JSON
 * @ret_entry:  what was decided; what belongs to other kinds is 0
 *
 * Return: 0; -EBADMSG: not an entry of a version this program knows; the output is untouched then.
 */
int consent_entry_decode(const char *body, ConsentEntry *ret_entry) {
        json_auto_t *json = json_loads(body, JSON_REJECT_DUPLICATES, NULL);
        ConsentEntry entry = { 0 };
        const char *kind;
        int version, r;

        if (!json || json_unpack(json, "{s:i, s:s}", "v", &version, "kind", &kind) < 0)
                return -EBADMSG;
        if (version != CONSENT_ENTRY_VERSION)
                return -EBADMSG;

        if (strcmp(kind, "decision") == 0)
                r = decode_decision(json, &entry);
        else if (strcmp(kind, "erasure") == 0)
                r = decode_erasure(json, &entry);
        else if (strcmp(kind, "keys") == 0)
                r = decode_keys(json, &entry);
        else if (strcmp(kind, "everything") == 0)
                r = decode_everything(json, &entry);
        else
                r = -EBADMSG;
        if (r < 0)
                return r;

        *ret_entry = entry;
        return 0;
}
