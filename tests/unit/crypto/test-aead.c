/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "trailkeep/aead.h"

static const AeadAlgorithm algorithms[] = { AEAD_AES_256_GCM, AEAD_CHACHA20_POLY1305 };

static Aead *aead_of(AeadAlgorithm algorithm, uint8_t fill) {
        _cleanup_(secret_freep) Secret *key = NULL;
        uint8_t bytes[SECRET_SIZE];
        Aead *aead = NULL;

        memset(bytes, fill, sizeof(bytes));
        assert_int_equal(secret_new(bytes, &key), 0);
        assert_int_equal(aead_new(algorithm, key, &aead), 0);
        return aead;
}

static void test_opens_what_it_sealed(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(algorithms); i++) {
                _cleanup_(aead_freep) Aead *aead = aead_of(algorithms[i], 1);

                for (size_t size = 0; size < 300; size += 23) {
                        _cleanup_bytes_ Bytes sealed = { 0 }, plain = { 0 };
                        uint8_t text[300];

                        memset(text, 'x', sizeof(text));
                        assert_int_equal(aead_seal(aead, "ad", 2, text, size, &sealed), 0);
                        assert_int_equal(sealed.size, size + AEAD_OVERHEAD);
                        assert_int_equal(aead_open(aead, "ad", 2, sealed.data, sealed.size, &plain), 0);
                        assert_int_equal(plain.size, size);
                        if (size > 0)
                                assert_memory_equal(plain.data, text, size);
                }
        }
}

static void test_any_flipped_bit_is_forged(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(algorithms); i++) {
                _cleanup_(aead_freep) Aead *aead = aead_of(algorithms[i], 1);
                _cleanup_bytes_ Bytes sealed = { 0 };

                assert_int_equal(aead_seal(aead, "ad", 2, "hello", 5, &sealed), 0);
                for (size_t bit = 0; bit < sealed.size * 8; bit++) {
                        _cleanup_bytes_ Bytes plain = { 0 };

                        sealed.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
                        assert_int_equal(aead_open(aead, "ad", 2, sealed.data, sealed.size, &plain), AEAD_E_FORGED);
                        assert_int_equal(plain.size, 0);
                        sealed.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
                }
        }
}

static void test_other_associated_data_is_forged(void **state) {
        _cleanup_(aead_freep) Aead *aead = aead_of(AEAD_AES_256_GCM, 1);
        _cleanup_bytes_ Bytes sealed = { 0 }, plain = { 0 };

        assert_int_equal(aead_seal(aead, "ad", 2, "hello", 5, &sealed), 0);
        assert_int_equal(aead_open(aead, "ae", 2, sealed.data, sealed.size, &plain), AEAD_E_FORGED);
        assert_int_equal(aead_open(aead, NULL, 0, sealed.data, sealed.size, &plain), AEAD_E_FORGED);
}

static void test_other_key_is_forged(void **state) {
        _cleanup_(aead_freep) Aead *a = aead_of(AEAD_AES_256_GCM, 1), *b = aead_of(AEAD_AES_256_GCM, 2);
        _cleanup_bytes_ Bytes sealed = { 0 }, plain = { 0 };

        assert_int_equal(aead_seal(a, NULL, 0, "hello", 5, &sealed), 0);
        assert_int_equal(aead_open(b, NULL, 0, sealed.data, sealed.size, &plain), AEAD_E_FORGED);
}

static void test_cut_short_is_forged(void **state) {
        _cleanup_(aead_freep) Aead *aead = aead_of(AEAD_CHACHA20_POLY1305, 1);
        _cleanup_bytes_ Bytes sealed = { 0 }, plain = { 0 };

        assert_int_equal(aead_seal(aead, NULL, 0, "hello", 5, &sealed), 0);
        for (size_t size = 0; size < sealed.size; size++)
                assert_int_equal(aead_open(aead, NULL, 0, sealed.data, size, &plain), AEAD_E_FORGED);
}

static void test_nonces_do_not_repeat(void **state) {
        _cleanup_(aead_freep) Aead *aead = aead_of(AEAD_AES_256_GCM, 1);
        enum { N = 1000 };
        uint8_t seen[N][12];

        for (size_t i = 0; i < N; i++) {
                _cleanup_bytes_ Bytes sealed = { 0 };

                assert_int_equal(aead_seal(aead, NULL, 0, "x", 1, &sealed), 0);
                memcpy(seen[i], sealed.data, 12);
                for (size_t j = 0; j < i; j++)
                        assert_memory_not_equal(seen[i], seen[j], 12);
        }
}

/* Appending must not disturb what was there, and a failed open must leave nothing behind. */
static void test_appends(void **state) {
        _cleanup_(aead_freep) Aead *aead = aead_of(AEAD_AES_256_GCM, 1);
        _cleanup_bytes_ Bytes sealed = { 0 }, plain = { 0 };

        assert_int_equal(bytes_append(&sealed, "head", 4), 0);
        assert_int_equal(aead_seal(aead, NULL, 0, "hello", 5, &sealed), 0);
        assert_memory_equal(sealed.data, "head", 4);
        assert_int_equal(bytes_append(&plain, "say ", 4), 0);
        assert_int_equal(aead_open(aead, NULL, 0, sealed.data + 4, sealed.size - 4, &plain), 0);
        assert_string_equal((const char *)plain.data, "say hello");
        sealed.data[20] ^= 1;
        assert_int_equal(aead_open(aead, NULL, 0, sealed.data + 4, sealed.size - 4, &plain), AEAD_E_FORGED);
        assert_string_equal((const char *)plain.data, "say hello");
}

/* Vector of the GCM specification, test case 15 (McGrew and Viega): nothing but the order of parts is our own. */
static int collect(const void *data, size_t n, void *userdata) {
        return bytes_append(userdata, data, n);
}

static int refuse(const void *data, size_t n, void *userdata) {
        return -ENOSPC;
}

#define PIECE ((size_t)64 * 1024) /* as in aead.c */

static void check_in_pieces(AeadAlgorithm algorithm, const uint8_t *plain, size_t size) {
        _cleanup_(aead_freep) Aead *aead = aead_of(algorithm, 7);
        _cleanup_bytes_ Bytes sealed = { 0 }, opened = { 0 };
        AeadText text = { "ad", plain, 2, size };

        assert_int_equal(aead_seal_to(aead, &text, collect, &sealed), 0);
        assert_int_equal(sealed.size, size + AEAD_OVERHEAD);
        assert_int_equal(aead_open(aead, "ad", 2, sealed.data, sealed.size, &opened), 0);
        assert_int_equal(opened.size, size);
        if (size > 0)
                assert_memory_equal(opened.data, plain, size);
}

/* Sizes on both sides of the end of a piece, with the nonce and the tag in it and without. */
static void test_what_is_sealed_in_pieces_is_the_same_form(void **state) {
        static uint8_t plain[3 * PIECE];

        for (size_t i = 0; i < sizeof(plain); i++)
                plain[i] = (uint8_t)(i * 131 >> 3);
        for (size_t i = 0; i < ELEMENTSOF(algorithms); i++) {
                for (size_t size = 0; size < 3; size++)
                        check_in_pieces(algorithms[i], plain, size);
                for (size_t n = 1; n <= 2; n++)
                        for (size_t size = n * PIECE - 32; size <= n * PIECE + 32; size++)
                                check_in_pieces(algorithms[i], plain, size);
        }
}

static void test_a_sink_that_refuses_ends_the_sealing(void **state) {
        _cleanup_(aead_freep) Aead *aead = aead_of(AEAD_AES_256_GCM, 7);
        _cleanup_bytes_ Bytes sealed = { 0 }, opened = { 0 };
        AeadText text = { "ad", "plain", 2, 5 };

        assert_int_equal(aead_seal_to(aead, &text, refuse, NULL), -ENOSPC);
        assert_int_equal(aead_seal_to(aead, &text, collect, &sealed), 0);
        assert_int_equal(aead_open(aead, "ad", 2, sealed.data, sealed.size, &opened), 0);
}

static void test_opens_a_known_vector(void **state) {
        static const uint8_t key_bytes[SECRET_SIZE] = {
                0xfe, 0xff, 0xe9, 0x92, 0x86, 0x65, 0x73, 0x1c, 0x6d, 0x6a, 0x8f, 0x94, 0x67, 0x30, 0x83, 0x08,
                0xfe, 0xff, 0xe9, 0x92, 0x86, 0x65, 0x73, 0x1c, 0x6d, 0x6a, 0x8f, 0x94, 0x67, 0x30, 0x83, 0x08,
        };
        static const uint8_t sealed[] = {
                        0xca, 0xfe, 0xba, 0xbe, 0xfa, 0xce, 0xdb, 0xad, 0xde, 0xca, 0xf8, 0x88, /* nonce */
                        0x52, 0x2d, 0xc1, 0xf0, 0x99, 0x56, 0x7d, 0x07, 0xf4, 0x7f, 0x37, 0xa3, 0x2a, 0x84,
                        0x42, 0x7d, 0x64, 0x3a, 0x8c, 0xdc, 0xbf, 0xe5, 0xc0, 0xc9, 0x75, 0x98, 0xa2, 0xbd,
                        0x25, 0x55, 0xd1, 0xaa, 0x8c, 0xb0, 0x8e, 0x48, 0x59, 0x0d, 0xbb, 0x3d, 0xa7, 0xb0,
                        0x8b, 0x10, 0x56, 0x82, 0x88, 0x38, 0xc5, 0xf6, 0x1e, 0x63, 0x93, 0xba, 0x7a, 0x0a,
                        0xbc, 0xc9, 0xf6, 0x62, 0x89, 0x80, 0x15, 0xad, 0xb0, 0x94, 0xda, 0xc5, 0xd9, 0x34,
                        0x71, 0xbd, 0xec, 0x1a, 0x50, 0x22, 0x70, 0xe3, 0xcc, 0x6c, /* tag */
        };
        _cleanup_(secret_freep) Secret *key = NULL;
        _cleanup_(aead_freep) Aead *aead = NULL;
        _cleanup_bytes_ Bytes plain = { 0 };

        assert_int_equal(secret_new(key_bytes, &key), 0);
        assert_int_equal(aead_new(AEAD_AES_256_GCM, key, &aead), 0);
        assert_int_equal(aead_open(aead, NULL, 0, sealed, sizeof(sealed), &plain), 0);
        assert_int_equal(plain.size, 64);
        assert_int_equal(plain.data[0], 0xd9);
        assert_int_equal(plain.data[63], 0x55);
}

static void test_unknown_algorithm_is_refused(void **state) {
        _cleanup_(secret_freep) Secret *key = NULL;
        Aead *aead = NULL;

        assert_int_equal(secret_new_random(&key), 0);
        assert_int_equal(aead_new((AeadAlgorithm)99, key, &aead), -EOPNOTSUPP);
        assert_null(aead);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_opens_what_it_sealed),
                cmocka_unit_test(test_any_flipped_bit_is_forged),
                cmocka_unit_test(test_other_associated_data_is_forged),
                cmocka_unit_test(test_other_key_is_forged),
                cmocka_unit_test(test_cut_short_is_forged),
                cmocka_unit_test(test_nonces_do_not_repeat),
                cmocka_unit_test(test_appends),
                cmocka_unit_test(test_what_is_sealed_in_pieces_is_the_same_form),
                cmocka_unit_test(test_a_sink_that_refuses_ends_the_sealing),
                cmocka_unit_test(test_opens_a_known_vector),
                cmocka_unit_test(test_unknown_algorithm_is_refused),
        };

        return cmocka_run_group_tests_name("crypto aead", tests, NULL, NULL);
}
