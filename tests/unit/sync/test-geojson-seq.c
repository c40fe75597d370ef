/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include <zlib.h>
#include "geojson-seq.h"

#define RECORDS_MAX 1000

typedef struct Sample {
        Record records[RECORDS_MAX];
        Record *pointers[RECORDS_MAX];
        uint64_t ids[RECORDS_MAX];
        JournalBatch batch;
} Sample;

static Sample sample; /* too large for the stack */

static const JournalBatch *batch_of(size_t n, const char *payload) {
        static char payloads[RECORDS_MAX][128];

        sample.batch = (JournalBatch){ .n_records = n, .records = sample.pointers, .ids = sample.ids };
        for (size_t i = 0; i < n; i++) {
                strncpy(payloads[i], payload, sizeof(payloads[i]) - 1);
                sample.records[i].payload = payloads[i];
                sample.pointers[i] = &sample.records[i];
                sample.ids[i] = i + 1;
        }
        return &sample.batch;
}

/* What gzip makes of it. */
static void unpack(const Bytes *packed, Bytes *ret) {
        z_stream stream = { .next_in = packed->data, .avail_in = (uInt)packed->size };

        assert_int_equal(bytes_reserve(ret, 1024 * 1024), 0);
        assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
        stream.next_out = ret->data;
        stream.avail_out = 1024 * 1024;
        assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
        assert_int_equal(stream.avail_in, 0);
        ret->size = stream.total_out;
        ret->data[ret->size] = '\0';
        assert_int_equal(inflateEnd(&stream), Z_OK);
}

static void assert_text(const JournalBatch *batch, const char *expected) {
        _cleanup_bytes_ Bytes packed = {}, text = {};

        assert_int_equal(geojson_seq_write(batch, &packed), 0);
        unpack(&packed, &text);
        assert_string_equal((char *)text.data, expected);
        assert_int_equal(text.size, strlen(expected));
}

static void rs_feature_with_id_lf(void **state) {
        assert_text(batch_of(2, "{\"type\":\"Feature\"}"),
                    "\x1e{\"id\":\"0000000000000001\",\"type\":\"Feature\"}\n"
                    "\x1e{\"id\":\"0000000000000002\",\"type\":\"Feature\"}\n");
}

static void the_longest_id_is_written_whole(void **state) {
        const JournalBatch *batch = batch_of(1, "{\"type\":\"Feature\"}");

        sample.ids[0] = UINT64_MAX;
        assert_text(batch, "\x1e{\"id\":\"ffffffffffffffff\",\"type\":\"Feature\"}\n");
}

static void an_empty_object_gets_its_id(void **state) {
        assert_text(batch_of(1, "{}"), "\x1e{\"id\":\"0000000000000001\"}\n");
}

static void no_records_are_an_empty_text(void **state) {
        assert_text(batch_of(0, ""), "");
}

static void the_same_batch_gives_the_same_bytes(void **state) {
        _cleanup_bytes_ Bytes a = {}, b = {};

        assert_int_equal(geojson_seq_write(batch_of(1000, "{\"type\":\"Feature\"}"), &a), 0);
        assert_int_equal(geojson_seq_write(batch_of(1000, "{\"type\":\"Feature\"}"), &b), 0);
        assert_int_equal(a.size, b.size);
        assert_memory_equal(a.data, b.data, a.size);
}

static void the_header_names_no_time_file_or_system(void **state) {
        static const uint8_t header[10] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255 };
        _cleanup_bytes_ Bytes packed = {};

        assert_int_equal(geojson_seq_write(batch_of(1, "{\"type\":\"Feature\"}"), &packed), 0);
        assert_memory_equal(packed.data, header, sizeof(header));
}

static void many_records_come_out_as_they_went_in(void **state) {
        _cleanup_bytes_ Bytes packed = {}, text = {};
        const char *at;

        assert_int_equal(geojson_seq_write(batch_of(RECORDS_MAX, "{\"type\":\"Feature\"}"), &packed), 0);
        unpack(&packed, &text);
        at = (const char *)text.data;
        for (unsigned i = 0; i < RECORDS_MAX; i++) {
                assert_int_equal(*at, 0x1e);
                at = strchr(at, '\n');
                assert_non_null(at);
                at++;
        }
        assert_int_equal(*at, '\0');
}

static void what_is_no_object_is_refused(void **state) {
        static const char *const payloads[] = { "", "{", "[]", " {\"a\":1}", "null" };
        Bytes packed = {};

        for (size_t i = 0; i < ELEMENTSOF(payloads); i++) {
                assert_int_equal(geojson_seq_write(batch_of(2, payloads[i]), &packed), -EBADMSG);
                assert_null(packed.data);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(rs_feature_with_id_lf),
                cmocka_unit_test(the_longest_id_is_written_whole),
                cmocka_unit_test(an_empty_object_gets_its_id),
                cmocka_unit_test(no_records_are_an_empty_text),
                cmocka_unit_test(the_same_batch_gives_the_same_bytes),
                cmocka_unit_test(the_header_names_no_time_file_or_system),
                cmocka_unit_test(many_records_come_out_as_they_went_in),
                cmocka_unit_test(what_is_no_object_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
