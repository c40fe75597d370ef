/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A batch of records as a gzipped GeoJSON text sequence. Floor 4, pure.
 *
 *   object  = gzip(*text)                      RFC 1952, no name, no time, operating system "unknown"
 *   text    = RS feature LF                    RFC 8142 §2; RS is 0x1e, LF 0x0a
 *   feature = { "id":"<record id>", ... }      RFC 7946 §3.2; the payload of the record as it was made, with its id
 *
 * The id is a string of 16 hexadecimal digits, since a record id has 64 bits and a number in JSON is only good for 53.
 * It is the same in every object a record ever gets into, so that a reader can tell a record it has already seen.
 *
 * The same batch gives the same bytes: gzip's header carries no time, so a repeated PUT after a crash replaces the
 * object by itself. zlib's working memory holds the text too, hence it comes from an allocator that wipes.
 */
#include "geojson-seq.h"
#include <errno.h>
#include <string.h>
#include <zlib.h>

#define RS "\x1e"
#define GZIP_WINDOW_BITS (15 + 16) /* the largest window, with gzip's header and trailer */
#define MEMORY_LEVEL 8             /* zlib's default */
#define OS_UNKNOWN 255

/* Alignment of malloc() is kept for what follows the size. */
typedef union Block {
        size_t size;
        max_align_t aligned;
} Block;

static voidpf seq_alloc(voidpf opaque, uInt n, uInt size) {
        size_t n_bytes;
        Block *block;

        if (__builtin_mul_overflow((size_t)n, (size_t)size, &n_bytes) ||
            __builtin_add_overflow(n_bytes, sizeof(Block), &n_bytes))
                return NULL;
        block = malloc(n_bytes);
        if (!block)
                return NULL;
        block->size = n_bytes;
        return block + 1;
}

static void seq_free(voidpf opaque, voidpf memory) {
        Block *block = (Block *)memory - 1;

        bytes_wipe(block, block->size);
        free(block);
}

static inline void deflate_done(z_stream *stream) {
        deflateEnd(stream);
}

static int seq_append_feature(const Record *record, uint64_t id, Bytes *text) {
        int r;

        if (!record->payload || record->payload[0] != '{' || record->payload[1] == '\0')
                return -EBADMSG;
        r = bytes_append_string(text, RS);
        if (r >= 0)
                r = record_feature_with_id(record, id, text);
        if (r >= 0)
                r = bytes_append_string(text, "\n");
        return r;
}

static int seq_compress(const Bytes *text, Bytes *ret) {
        _cleanup_bytes_ Bytes compressed = {};
        _cleanup_(deflate_done) z_stream stream = { .zalloc = seq_alloc, .zfree = seq_free };
        gz_header header = { .os = OS_UNKNOWN };
        int r;

        if (text->size > UINT32_MAX)
                return -EFBIG;
        if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW_BITS, MEMORY_LEVEL,
                         Z_DEFAULT_STRATEGY) != Z_OK)
                return -ENOMEM;
        if (deflateSetHeader(&stream, &header) != Z_OK)
                return -EINVAL;
        r = bytes_reserve(&compressed, deflateBound(&stream, text->size));
        if (r < 0)
                return r;

        stream.next_in = text->data;
        stream.avail_in = (uInt)text->size;
        stream.next_out = compressed.data;
        stream.avail_out = (uInt)compressed.allocated - 1; /* the 0 byte that follows */
        if (deflate(&stream, Z_FINISH) != Z_STREAM_END)
                return -EIO;
        compressed.size = stream.total_out;
        compressed.data[compressed.size] = '\0';

        *ret = compressed;
        compressed = (Bytes){};
        return 0;
}

/**
 * geojson_seq_write() - write a batch as it will lie in the store
 * @batch: its records' payloads are JSON objects
 * @ret:   the gzip file; the caller's to wipe with bytes_done()
 *
 * Return: 0, -EBADMSG when a payload is not a JSON object, or -errno; @ret is then untouched.
 */
int geojson_seq_write(const JournalBatch *batch, Bytes *ret) {
        _cleanup_bytes_ Bytes text = {};
        int r;

        for (size_t i = 0; i < batch->n_records; i++) {
                r = seq_append_feature(batch->records[i], batch->ids[i], &text);
                if (r < 0)
                        return r;
        }
        return seq_compress(&text, ret);
}
