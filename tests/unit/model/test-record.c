/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Records and the bytes that are sealed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include "trailkeep/parse.h"
#include "trailkeep/record.h"

static const uint8_t encoded[] = { 1,    0,    0xf3, 0xde, 0xbc, 0x9a, 0x78, 0x56, 0x34,
                                   0x12, '{', '"',  'a',  '"',  ':',  '1',  '}' };
#define ENCODED_TIME_MS INT64_C(0x123456789abcdef3)

static void test_layout_is_the_one_that_is_written_down(void **state) {
        _cleanup_(record_freep) Record *record = NULL;
        _cleanup_bytes_ Bytes bytes = { 0 };

        assert_int_equal(record_new(RECORD_FIX, "subject", "gnss", ENCODED_TIME_MS, "{\"a\":1}", &record), 0);
        assert_int_equal(record_encode(record, &bytes), 0);
        assert_int_equal(bytes.size, sizeof(encoded));
        assert_memory_equal(bytes.data, encoded, sizeof(encoded));
}

static void test_record_survives_there_and_back(void **state) {
        static const int64_t times_ms[] = { TIME_MS_NONE, -1, 0, 1, INT64_MAX };

        for (size_t i = 0; i < ELEMENTSOF(times_ms); i++) {
                _cleanup_(record_freep) Record *record = NULL, *back = NULL;
                _cleanup_bytes_ Bytes bytes = { 0 };

                assert_int_equal(record_new(RECORD_EVENT, "s", "source", times_ms[i], "{}", &record), 0);
                record->generation = 7;
                assert_int_equal(record_encode(record, &bytes), 0);
                assert_int_equal(record_decode(bytes.data, bytes.size, "s2", "source2", &back), 0);
                assert_int_equal(back->kind, RECORD_EVENT);
                assert_int_equal(back->time_ms, times_ms[i]);
                assert_int_equal(back->generation, 0);
                assert_string_equal(back->subject, "s2");
                assert_string_equal(back->source, "source2");
                assert_string_equal(back->payload, "{}");
        }
}

static void test_encoding_appends(void **state) {
        _cleanup_(record_freep) Record *record = NULL;
        _cleanup_bytes_ Bytes bytes = { .limit = 15 };

        assert_int_equal(record_new(RECORD_FIX, "s", "s", 0, "{}", &record), 0);
        assert_int_equal(bytes_append_string(&bytes, "abc"), 0);
        assert_int_equal(record_encode(record, &bytes), 0);
        assert_int_equal(bytes.size, 15);
        bytes_truncate(&bytes, 4);
        assert_int_equal(record_encode(record, &bytes), -ENOBUFS);
        assert_int_equal(bytes.size, 4);
}

static void test_what_is_not_of_the_layout_is_refused(void **state) {
        uint8_t data[sizeof(encoded)];
        Record *record = NULL;

        for (size_t size = 0; size < 12; size++)
                assert_int_equal(record_decode(encoded, size, "s", "s", &record), -EBADMSG);
        for (size_t size = 12; size < sizeof(encoded); size++) /* no closing brace */
                assert_int_equal(record_decode(encoded, size, "s", "s", &record), -EBADMSG);
        memcpy(data, encoded, sizeof(data));
        data[0] = 0;
        assert_int_equal(record_decode(data, sizeof(data), "s", "s", &record), -EBADMSG);
        data[0] = 2;
        assert_int_equal(record_decode(data, sizeof(data), "s", "s", &record), -EPROTONOSUPPORT);
        data[0] = 1;
        data[1] = RECORD_KIND_MAX;
        assert_int_equal(record_decode(data, sizeof(data), "s", "s", &record), -EBADMSG);
        data[1] = 0;
        data[12] = 0; /* within the payload */
        assert_int_equal(record_decode(data, sizeof(data), "s", "s", &record), -EBADMSG);
        data[12] = 0xff;
        assert_int_equal(record_decode(data, sizeof(data), "s", "s", &record), -EBADMSG);
        data[12] = 'a';
        data[10] = '[';
        assert_int_equal(record_decode(data, sizeof(data), "s", "s", &record), -EBADMSG);
        assert_null(record);
}

static void test_payload_that_is_no_object_is_refused(void **state) {
        static const char *const payloads[] = { "", "{", "}", "[]", "null", " {}", "{} ", "{\xff}" };
        Record *record = NULL;

        for (size_t i = 0; i < ELEMENTSOF(payloads); i++)
                assert_int_equal(record_new(RECORD_FIX, "s", "s", 0, payloads[i], &record), -EINVAL);
        assert_int_equal(record_new(RECORD_KIND_MAX, "s", "s", 0, "{}", &record), -EINVAL);
        assert_null(record);
}

static void test_feature_gets_its_id_first(void **state) {
        static const struct {
                const char *payload;
                uint64_t id;
                const char *feature;
        } cases[] = {
                { "{\"type\":\"Feature\"}", 1, "{\"id\":\"0000000000000001\",\"type\":\"Feature\"}" },
                { "{ \"a\":1}", UINT64_MAX, "{\"id\":\"ffffffffffffffff\",\"a\":1}" },
                { "{}", UINT64_C(0x12345) << 20 | 7, "{\"id\":\"0000001234500007\"}" },
                { "{ \n}", 0, "{\"id\":\"0000000000000000\"}" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(record_freep) Record *record = NULL;
                _cleanup_bytes_ Bytes bytes = { 0 };

                assert_int_equal(bytes_append(&bytes, "\x1e", 1), 0);
                assert_int_equal(record_new(RECORD_FIX, "s", "s", 0, cases[i].payload, &record), 0);
                assert_int_equal(record_feature_with_id(record, cases[i].id, &bytes), 0);
                assert_int_equal(bytes.data[0], 0x1e);
                assert_string_equal((char *)bytes.data + 1, cases[i].feature);
        }
}

static void test_feature_that_does_not_fit_changes_nothing(void **state) {
        _cleanup_(record_freep) Record *record = NULL;
        _cleanup_bytes_ Bytes bytes = { .limit = 20 };

        assert_int_equal(record_new(RECORD_FIX, "s", "s", 0, "{\"a\":1}", &record), 0);
        assert_int_equal(bytes_append_string(&bytes, "x"), 0);
        assert_int_equal(record_feature_with_id(record, 1, &bytes), -ENOBUFS);
        assert_int_equal(bytes.size, 1);
}

static void test_size_counts_the_texts(void **state) {
        _cleanup_(record_freep) Record *record = NULL;

        assert_null(record_free(NULL));
        assert_int_equal(record_new(RECORD_FIX, "four", "gnss", 0, "{\"a\":1}", &record), 0);
        assert_int_equal(record_size(record), sizeof(Record) + 5 + 5 + 8);
}

static void test_media_takes_its_bytes_whole(void **state) {
        _cleanup_(record_freep) Record *record = NULL;
        _cleanup_bytes_ Bytes bytes = { 0 }, plain = { 0 };
        const uint8_t *data;

        assert_int_equal(record_new(RECORD_VIDEO, "four", "front", 0, "{\"a\":1}", &record), 0);
        assert_int_equal(bytes_append_string(&bytes, "moof"), 0);
        data = bytes.data;
        assert_int_equal(record_set_media(record, "clip", &bytes), 0);
        assert_ptr_equal(record->data.data, data); /* not copied */
        assert_null(bytes.data);
        assert_int_equal(record_size(record), sizeof(Record) + 5 + 6 + 8 + 5 + 4);
        assert_int_equal(record_encode(record, &plain), 0);
        assert_int_equal(plain.size, 10 + 7); /* clip and bytes are not in it */
}

static void test_what_is_no_media_is_refused(void **state) {
        char long_clip[RECORD_CLIP_MAX + 2];
        _cleanup_(record_freep) Record *record = NULL, *fix = NULL;
        _cleanup_bytes_ Bytes bytes = { 0 };

        memset(long_clip, 'x', sizeof(long_clip) - 1);
        long_clip[sizeof(long_clip) - 1] = 0;
        assert_int_equal(bytes_append_string(&bytes, "moof"), 0);
        assert_int_equal(record_new(RECORD_FIX, "s", "s", 0, "{}", &fix), 0);
        assert_int_equal(record_set_media(fix, "", &bytes), -EINVAL);
        assert_int_equal(record_new(RECORD_PICTURE, "s", "s", 0, "{}", &record), 0);
        assert_int_equal(record_set_media(record, long_clip, &bytes), -EINVAL);
        assert_int_equal(record_set_media(record, "\xff", &bytes), -EINVAL);
        assert_int_equal(bytes.size, 4);
        assert_int_equal(bytes_reserve(&bytes, RECORD_DATA_MAX), 0);
        memset(bytes.data, 0, RECORD_DATA_MAX + 1);
        bytes.size = RECORD_DATA_MAX + 1;
        assert_int_equal(record_set_media(record, "", &bytes), -EFBIG);
        bytes_truncate(&bytes, RECORD_DATA_MAX);
        long_clip[RECORD_CLIP_MAX] = 0;
        assert_int_equal(record_set_media(record, long_clip, &bytes), 0);
}

static void test_random_bytes_are_never_misread(void **state) {
        uint64_t seed = 5;
        unsigned n_good = 0;

        for (unsigned round = 0; round < 50000; round++) {
                _cleanup_(record_freep) Record *record = NULL;
                uint8_t data[sizeof(encoded)], *exact;
                size_t size;
                int r;

                memcpy(data, encoded, sizeof(data));
                for (unsigned i = 0; i < round % 3; i++) {
                        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
                        data[(seed >> 40) % sizeof(data)] = (uint8_t)(seed >> 33);
                }
                size = round % 7 ? sizeof(data) : (size_t)(seed >> 50) % (sizeof(data) + 1);
                exact = malloc(size + 1);
                assert_non_null(exact);
                memcpy(exact + 1, data, size);
                r = record_decode(exact + 1, size, "s", "s", &record);
                free(exact);
                assert_true(r == 0 || r == -EBADMSG || r == -EPROTONOSUPPORT);
                if (r == 0) {
                        _cleanup_bytes_ Bytes again = { 0 };

                        n_good++;
                        assert_int_equal(record_encode(record, &again), 0);
                        assert_int_equal(again.size, size);
                        assert_memory_equal(again.data, data, size);
                }
        }
        assert_true(n_good > 10000);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_layout_is_the_one_that_is_written_down),
                cmocka_unit_test(test_record_survives_there_and_back),
                cmocka_unit_test(test_encoding_appends),
                cmocka_unit_test(test_what_is_not_of_the_layout_is_refused),
                cmocka_unit_test(test_payload_that_is_no_object_is_refused),
                cmocka_unit_test(test_feature_gets_its_id_first),
                cmocka_unit_test(test_feature_that_does_not_fit_changes_nothing),
                cmocka_unit_test(test_size_counts_the_texts),
                cmocka_unit_test(test_media_takes_its_bytes_whole),
                cmocka_unit_test(test_what_is_no_media_is_refused),
                cmocka_unit_test(test_random_bytes_are_never_misread),
        };

        return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
