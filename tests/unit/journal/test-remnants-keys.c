/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * No eight bytes of an erased text, no parcel key (as it is, or wrapped) and no replaced salt are in any file of the
 * state folder. Built twice: as it is, and with an AEAD that does not encrypt (REMNANTS_PLAIN), the control which shows
 * that the search finds texts and keys where they are.
 */
#include "fixture.h"
#include "engine.h"
#include "parcels.h"
#include "vault.h"

#define MEDIA "what a camera saw and a microphone heard"
#define TEXT                                                                                                        \
        "{\"type\":\"Feature\",\"geometry\":{\"type\":\"Point\",\"coordinates\":[13.37770100,52.51627500]},\"time\":"
#define WINDOW 8

enum { N_SUBJECTS = 12, KEYS_MAX = 128 };

typedef struct Keys {
        uint8_t plain[KEYS_MAX][SECRET_SIZE], wrapped[KEYS_MAX][KEYRING_WRAPPED_SIZE];
        size_t n;
        uint8_t salt[KEYRING_SALT_SIZE];
} Keys;

/* Records of many parcels in every lane; some sent, some parked, media among them. The journal is closed. */
static void record(Fixture *f) {
        char subject[32];

        assert_int_equal(fixture_open(f), 0);
        for (int i = 0; i < N_SUBJECTS; i++) {
                (void)snprintf(subject, sizeof(subject), "pseudonym-%d", i);
                for (unsigned kind = 0; kind < RECORD_KIND_MAX; kind++)
                        assert_int_equal(append_record(f, (RecordKind)kind, subject, START_REALTIME_MS), 0);
                assert_int_equal(append_media(f, RECORD_VIDEO, subject, MEDIA, strlen(MEDIA)), 0);
        }
        assert_int_equal(commit(f), 0);
        assert_true(send_batch(f, LANE_TRACK, 1) > 0);
        fixture_close(f);
}

static void keys_add(Vault *vault, sqlite3_stmt *statement, Keys *keys) {
        _cleanup_(secret_freep) Secret *key = NULL;
        SealAd ad = seal_ad(vault_scope(vault), SEAL_KIND_PARCEL_KEY, (uint8_t)sqlite3_column_int(statement, 1),
                            db_column_u64(statement, 0));

        assert_true(keys->n < KEYS_MAX);
        assert_int_equal(sqlite3_column_bytes(statement, 2), KEYRING_WRAPPED_SIZE);
        memcpy(keys->wrapped[keys->n], sqlite3_column_blob(statement, 2), KEYRING_WRAPPED_SIZE);
        assert_int_equal(keyring_unwrap(vault_keyring(vault), ad.bytes, sizeof(ad.bytes),
                                        sqlite3_column_blob(statement, 2), KEYRING_WRAPPED_SIZE, &key), 0);
        memcpy(keys->plain[keys->n++], secret_bytes(key), SECRET_SIZE);
}

/* All that living parcels have, by the way the journal itself would. */
static void keys_read(Fixture *f, Keys *ret) {
        _cleanup_free_ char *path = fixture_path(f, "vault.db");
        _cleanup_(vault_freep) Vault *vault = NULL;
        sqlite3_stmt *statement = NULL;
        Secret *root = NULL;

        *ret = (Keys){ 0 };
        assert_int_equal(keyring_read_root(f->secret, &root), 0);
        assert_int_equal(vault_open(path, root, &f->clock, &vault, &f->error), 0);
        assert_int_equal(db_start(vault_db(vault), "SELECT id, lane, key FROM parcel WHERE fate <= 3", &statement), 0);
        while (db_step(vault_db(vault), statement) > 0)
                keys_add(vault, statement, ret);
        db_finish(statement);
        assert_int_equal(db_start(vault_db(vault), "SELECT salt FROM vault", &statement), 0);
        assert_int_equal(db_step(vault_db(vault), statement), 1);
        memcpy(ret->salt, sqlite3_column_blob(statement, 0), KEYRING_SALT_SIZE);
        db_finish(statement);
        assert_true(ret->n >= N_SUBJECTS);
}

static bool holds(const Bytes *image, const void *bytes, size_t size) {
        return memmem(image->data, image->size, bytes, size);
}

static size_t count_windows(const Bytes *image, const void *bytes, size_t size) {
        size_t n = 0;

        for (size_t i = 0; i + WINDOW <= size; i++)
                n += holds(image, (const uint8_t *)bytes + i, WINDOW);
        return n;
}

#ifdef REMNANTS_PLAIN

static void test_search_finds_every_word_and_every_key_that_is_not_encrypted(void **state) {
        _cleanup_bytes_ Bytes image = { 0 };
        Fixture *f = *state;
        Keys keys;

        record(f);
        keys_read(f, &keys);
        state_read(f, &image);
        assert_int_equal(count_windows(&image, TEXT, strlen(TEXT)), strlen(TEXT) - WINDOW + 1);
        assert_int_equal(count_windows(&image, MEDIA, strlen(MEDIA)), strlen(MEDIA) - WINDOW + 1);
        for (size_t i = 0; i < keys.n; i++)
                assert_true(holds(&image, keys.plain[i], SECRET_SIZE));
}

#else

static const JournalErasure everything = { .purposes = ALL_PURPOSES, .since_ms = TIME_MS_NONE,
                                           .until_ms = TIME_MS_NONE };

static void check_no_text(const Bytes *image) {
        assert_int_equal(count_windows(image, TEXT, strlen(TEXT)), 0);
        assert_int_equal(count_windows(image, MEDIA, strlen(MEDIA)), 0);
        assert_int_equal(count_windows(image, "pseudonym-7", 11), 0);
}

static void check_nothing_is_left(Fixture *f, const Keys *keys) {
        _cleanup_bytes_ Bytes image = { 0 };

        state_read(f, &image);
        check_no_text(&image);
        for (size_t i = 0; i < keys->n; i++) {
                assert_false(holds(&image, keys->plain[i], WINDOW));
                assert_false(holds(&image, keys->plain[i] + SECRET_SIZE - WINDOW, WINDOW));
                for (size_t at = 0; at + 12 <= KEYRING_WRAPPED_SIZE; at += 12)
                        assert_false(holds(&image, keys->wrapped[i] + at, 12));
        }
        for (size_t at = 0; at + WINDOW <= KEYRING_SALT_SIZE; at += WINDOW)
                assert_false(holds(&image, keys->salt + at, WINDOW));
}

/* The control: wrapped keys and salt are there and are found; keys and texts as they are never are. */
static void check_before(Fixture *f, const Keys *keys) {
        _cleanup_bytes_ Bytes image = { 0 };

        state_read(f, &image);
        check_no_text(&image);
        for (size_t i = 0; i < keys->n; i++) {
                assert_true(holds(&image, keys->wrapped[i], KEYRING_WRAPPED_SIZE));
                assert_false(holds(&image, keys->plain[i], WINDOW));
        }
        assert_true(holds(&image, keys->salt, KEYRING_SALT_SIZE));
}

static void test_of_what_is_erased_nothing_is_left(void **state) {
        Fixture *f = *state;
        JournalReceipt receipt;
        Keys keys;

        record(f);
        keys_read(f, &keys);
        check_before(f, &keys);
        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(erase(f, &everything, &receipt), 0);
        assert_int_equal(receipt.parcels, keys.n - 1); /* one was in the store whole, and was let go at the start */
        check_nothing_is_left(f, &keys); /* at once, with the rows still there */
        wait_reclaimed(f);
        check_nothing_is_left(f, &keys);
        fixture_close(f);
        check_nothing_is_left(f, &keys);
}

/* The control of the rotation: where keys are destroyed without one, the salt stays and is found. */
static void test_without_rotation_the_salt_is_left(void **state) {
        _cleanup_transaction_ Db *transaction = NULL;
        _cleanup_parcel_list_ ParcelList list = { 0 };
        Fixture *f = *state;
        Keys keys;

        record(f);
        keys_read(f, &keys);
        assert_int_equal(engine_new(&f->options, &f->clock, &f->engine, &f->error), 0);
        assert_int_equal(parcels_list(f->engine->vault, PARCELS_LIVING, &list), 0);
        assert_int_equal(engine_vault_begin(f->engine, &transaction), 0);
        for (size_t i = 0; i < list.n; i++)
                assert_int_equal(parcel_destroy(f->engine->vault, list.rows[i].id, PARCEL_ERASED, 1), 0);
        assert_int_equal(engine_vault_commit(f->engine, &transaction), 0);
        f->engine = engine_free(f->engine);
        assert_false(state_holds(f, keys.wrapped[0], 12));
        assert_true(state_holds(f, keys.salt, KEYRING_SALT_SIZE));
}

#endif

#define unit(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
#ifdef REMNANTS_PLAIN
                unit(test_search_finds_every_word_and_every_key_that_is_not_encrypted),
#else
                unit(test_of_what_is_erased_nothing_is_left),
                unit(test_without_rotation_the_salt_is_left),
#endif
        };

        return cmocka_run_group_tests_name("journal remnants of keys", tests, NULL, NULL);
}
