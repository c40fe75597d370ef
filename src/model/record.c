/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A record and its sealed form. Floor 1, pure but for the heap.
 *
 * What is sealed, all in one piece:
 *
 *   offset  size  what
 *        0     1  version of this layout: 1
 *        1     1  kind, the number in RecordKind
 *        2     8  time_ms, signed, two's complement, little endian; INT64_MIN: no time
 *       10     n  payload: a JSON object (RFC 8259) in UTF-8, without a 0 byte behind it, up to the end
 *
 * The length is that of the plain text. Subject, source, clip and record id are not in it: the first three belong to
 * the parcel, and the id is bound by the seal's additional data. Nor are the bytes of media, which the journal keeps in
 * segments.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "trailkeep/parse.h"
#include "trailkeep/record.h"

#define RECORD_VERSION 1
#define RECORD_HEAD_SIZE 10
#define JSON_BLANKS " \t\n\r"

static bool is_payload(const char *payload, size_t size) {
        return size >= 2 && payload[0] == '{' && payload[size - 1] == '}' && utf8_is_valid(payload, size);
}

/* Takes over a payload that was checked, also on failure. */
static int record_new_take(Record *values, char *payload, Record **ret_record) {
        _cleanup_(record_freep) Record *record = NULL;

        record = calloc(1, sizeof(*record));
        if (!record) {
                string_wipe_free(payload);
                return -ENOMEM;
        }
        record->kind = values->kind;
        record->time_ms = values->time_ms;
        record->payload = payload;
        record->subject = strdup(values->subject);
        record->source = strdup(values->source);
        if (!record->subject || !record->source)
                return -ENOMEM;
        *ret_record = TAKE_PTR(record);
        return 0;
}

/**
 * record_new() - make a record
 * @kind:       what was observed
 * @subject:    pairwise pseudonym of the person concerned; copied
 * @source:     what observed it; copied
 * @time_ms:    as the source reported it, ms since 1970, or TIME_MS_NONE
 * @payload:    a JSON object as text, "{" first and "}" last; copied
 * @ret_record: owned by the caller; its generation is 0; untouched on failure
 *
 * Return: 0; -EINVAL if the kind is unknown or the payload is not UTF-8 in braces; -ENOMEM.
 */
int record_new(RecordKind kind, const char *subject, const char *source, int64_t time_ms, const char *payload,
               Record **ret_record) {
        Record values = { .kind = kind, .time_ms = time_ms, .subject = (char *)subject, .source = (char *)source };
        char *copy;

        if (kind >= RECORD_KIND_MAX || !is_payload(payload, strlen(payload)))
                return -EINVAL;
        copy = strdup(payload);
        if (!copy)
                return -ENOMEM;
        return record_new_take(&values, copy, ret_record);
}

/**
 * record_set_media() - add the bytes of media
 * @record:     of a kind of the media lane; changed
 * @clip:       the clip it belongs to, "" for none; copied
 * @data:       the bytes; taken, empty afterwards; untouched on failure
 *
 * Return: 0; -EINVAL if the kind has no bytes or the clip is not UTF-8 of at most RECORD_CLIP_MAX bytes; -EFBIG if
 * there are more than RECORD_DATA_MAX bytes; -ENOMEM. On failure the record is as it was.
 */
int record_set_media(Record *record, const char *clip, Bytes *data) {
        char *copy;

        if (record_kind_lane(record->kind) != LANE_MEDIA || strlen(clip) > RECORD_CLIP_MAX ||
            !utf8_is_valid(clip, strlen(clip)))
                return -EINVAL;
        if (data->size > RECORD_DATA_MAX)
                return -EFBIG;
        copy = strdup(clip);
        if (!copy)
                return -ENOMEM;
        string_wipe_free(record->clip);
        record->clip = copy;
        bytes_done(&record->data);
        record->data = *data;
        *data = (Bytes){ .limit = data->limit };
        return 0;
}

/**
 * record_free() - wipe a record and free it
 * @record:     or NULL
 *
 * Return: NULL.
 */
Record *record_free(Record *record) {
        if (!record)
                return NULL;
        string_wipe_free(record->subject);
        string_wipe_free(record->source);
        string_wipe_free(record->payload);
        string_wipe_free(record->clip);
        bytes_done(&record->data);
        bytes_wipe(record, sizeof(*record));
        free(record);
        return NULL;
}

/**
 * record_size() - how much memory a record stands for
 * @record:     borrowed
 *
 * Return: bytes, without the allocator's own.
 */
size_t record_size(const Record *record) {
        return sizeof(*record) + strlen(record->subject) + strlen(record->source) + strlen(record->payload) + 3 +
               (record->clip ? strlen(record->clip) + 1 : 0) + record->data.size;
}

/**
 * record_encode() - the plain text that is sealed
 * @record:     borrowed
 * @ret:        appended to; as it was on failure
 *
 * Return: 0; -ENOBUFS or -ENOMEM of bytes_append().
 */
int record_encode(const Record *record, Bytes *ret) {
        uint8_t head[RECORD_HEAD_SIZE] = { RECORD_VERSION, (uint8_t)record->kind };
        size_t n_payload = strlen(record->payload);
        int r;

        for (unsigned i = 0; i < 8; i++)
                head[2 + i] = (uint8_t)((uint64_t)record->time_ms >> (8 * i));
        /* Room for both first, so that the second append cannot fail after the first. */
        r = bytes_reserve(ret, sizeof(head) + n_payload);
        if (r >= 0)
                r = bytes_append(ret, head, sizeof(head));
        if (r >= 0)
                r = bytes_append(ret, record->payload, n_payload);
        return r;
}

/**
 * record_decode() - a record from its plain text
 * @data:       what record_encode() wrote, unsealed; borrowed
 * @size:       in bytes
 * @subject:    from the parcel; copied
 * @source:     from the parcel; copied
 * @ret_record: owned by the caller; its generation is 0; untouched on failure
 *
 * Return: 0; -EPROTONOSUPPORT if a later version of trailkeep wrote it; -EBADMSG if it is not of the layout above;
 * -ENOMEM.
 */
int record_decode(const void *data, size_t size, const char *subject, const char *source, Record **ret_record) {
        const uint8_t *p = data;
        Record values = { .subject = (char *)subject, .source = (char *)source };
        const char *payload = (const char *)p + RECORD_HEAD_SIZE;
        uint64_t time_ms = 0;
        char *copy;

        if (size > 0 && p[0] > RECORD_VERSION)
                return -EPROTONOSUPPORT;
        if (size < RECORD_HEAD_SIZE || p[0] != RECORD_VERSION || p[1] >= RECORD_KIND_MAX ||
            !is_payload(payload, size - RECORD_HEAD_SIZE))
                return -EBADMSG;
        for (unsigned i = 0; i < 8; i++)
                time_ms |= (uint64_t)p[2 + i] << (8 * i);
        values.kind = (RecordKind)p[1];
        values.time_ms = (int64_t)time_ms;

        copy = strndup(payload, size - RECORD_HEAD_SIZE);
        if (!copy)
                return -ENOMEM;
        return record_new_take(&values, copy, ret_record);
}

/**
 * record_feature_with_id() - the Feature as it lies in the store, with its id (RFC 7946 §3.2)
 * @record:     borrowed
 * @id:         of the record in the journal
 * @ret:        appended to; as it was on failure
 *
 * The id becomes the first member. The payload is not parsed again: record_new() and record_decode() have seen to it
 * that it starts with a brace.
 *
 * Return: 0; -ENOBUFS or -ENOMEM of bytes_append().
 */
int record_feature_with_id(const Record *record, uint64_t id, Bytes *ret) {
        const char *members = record->payload + 1 + strspn(record->payload + 1, JSON_BLANKS);
        char head[sizeof("{\"id\":\"0123456789abcdef\",")];
        size_t n_members = strlen(members);
        int r;

        /* Always fits: 16 digits at most. */
        (void)snprintf(head, sizeof(head), "{\"id\":\"%016" PRIx64 "\"%s", id, *members == '}' ? "" : ",");
        r = bytes_reserve(ret, strlen(head) + n_members);
        if (r >= 0)
                r = bytes_append_string(ret, head);
        if (r >= 0)
                r = bytes_append(ret, members, n_members);
        return r;
}
