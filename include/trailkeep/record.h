/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A record: one thing that was observed, on its way from a source through the gate into the journal and the store.
 * The payload is the GeoJSON Feature (RFC 7946) as it will lie in the store, less its id, which the journal gives.
 *
 * A record of the media lane has bytes beside its payload: a fragment, what a decoder needs first, or a picture. Its
 * payload is a small JSON object about them (duration, codec, whether a key frame begins it) and names no place.
 * Floor 1, pure. Sealed form: record_encode(), whose layout stands at the head of src/model/record.c.
 */
#include <stddef.h>
#include <stdint.h>
#include "bytes.h"
#include "macros.h"
#include "purpose.h"

typedef struct Record {
        RecordKind kind;
        uint64_t generation; /* of the consent it was made under; checked by the gate, not stored */
        int64_t time_ms;     /* as the source reported it, uncorrected, ms since 1970; TIME_MS_NONE */
        char *subject;       /* pairwise pseudonym of the person concerned */
        char *source;        /* "gnss", later the name of a camera */
        char *payload;       /* JSON text, UTF-8, 0-terminated */
        char *clip;          /* media only: the clip it belongs to; NULL or "": none */
        Bytes data;          /* media only; may be empty */
} Record;

#define RECORD_DATA_MAX ((size_t)3 * 1024 * 1024) /* a second at 24 Mbit/s, or a picture of 12 megapixels */
#define RECORD_CLIP_MAX 128                       /* bytes */

int record_new(RecordKind kind, const char *subject, const char *source, int64_t time_ms, const char *payload,
               Record **ret_record) _must_check_;
int record_set_media(Record *record, const char *clip, Bytes *data) _must_check_; /* takes the bytes */
Record *record_free(Record *record); /* wipes; NULL is fine; returns NULL */
DEFINE_CLEANUP(Record, record_free);
size_t record_size(const Record *record); /* bytes of memory it stands for */

/* What is sealed: kind, time and payload. Subject, source and clip belong to the parcel and come back from there; the
 * bytes of media are sealed apart. */
int record_encode(const Record *record, Bytes *ret) _must_check_;
int record_decode(const void *data, size_t size, const char *subject, const char *source,
                  Record **ret_record) _must_check_;
/* Appends the payload with the journal's id as the Feature's "id": 16 hexadecimal digits. */
int record_feature_with_id(const Record *record, uint64_t id, Bytes *ret) _must_check_;
