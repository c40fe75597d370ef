/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Keys in the memory of this process: found while the journal has them, in no writable page once it is closed. Looked
 * for are the root secret, the key-encryption key, the ledger's key and those of the parcels.
 *
 * What is looked for is kept masked, and is compared byte by byte, so that the search does not find itself.
 */
#include "fixture.h"
#include <inttypes.h>
#include "engine.h"
#include "trailkeep/derive.h"
#include "trailkeep/keyring.h"

#define MASK 0xa5
#define KEK_LABEL "trailkeep key-encryption key 1"

enum { KEYS_MAX = 16, N_PARCELS = 4 };

typedef struct Wanted {
        uint8_t masked[KEYS_MAX][SECRET_SIZE];
        size_t n;
} Wanted;

static void want(Wanted *wanted, const Secret *key) {
        assert_true(wanted->n < KEYS_MAX);
        for (size_t i = 0; i < SECRET_SIZE; i++)
                wanted->masked[wanted->n][i] = secret_bytes(key)[i] ^ MASK;
        wanted->n++;
}

static bool is_at(const volatile uint8_t *at, const uint8_t *masked) {
        for (size_t i = 0; i < SECRET_SIZE; i++)
                if ((at[i] ^ MASK) != masked[i])
                        return false;
        return true;
}

/* In the mapping from @start to @end; the places themselves are read, not copies of them. */
__attribute__((no_sanitize("address")))
static size_t count_in(uintptr_t start, uintptr_t end, const Wanted *wanted) {
        size_t n = 0;

        for (uintptr_t at = start; at + SECRET_SIZE <= end; at++)
                for (size_t k = 0; k < wanted->n; k++)
                        n += *(const volatile uint8_t *)at == (uint8_t)(wanted->masked[k][0] ^ MASK) &&
                             is_at((const volatile uint8_t *)at, wanted->masked[k]);
        return n;
}

/* Places in all memory that can be written to. */
static size_t count_found(const Wanted *wanted) {
        FILE *maps = fopen("/proc/self/maps", "re");
        char line[512], rights[8];
        uintptr_t start, end;
        size_t n = 0;

        assert_non_null(maps);
        while (fgets(line, sizeof(line), maps))
                if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %7s", &start, &end, rights) == 3 && rights[0] == 'r' &&
                    rights[1] == 'w' && !strstr(line, "[v"))
                        n += count_in(start, end, wanted);
        fclose(maps);
        return n;
}

static void want_unwrapped(Vault *vault, SealAd ad, const void *wrapped, Wanted *wanted) {
        _cleanup_(secret_freep) Secret *key = NULL;

        assert_int_equal(keyring_unwrap(vault_keyring(vault), ad.bytes, sizeof(ad.bytes), wrapped, KEYRING_WRAPPED_SIZE,
                                        &key), 0);
        want(wanted, key);
}

static void want_parcels(Vault *vault, Wanted *wanted) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;

        assert_int_equal(db_start(vault_db(vault), "SELECT id, lane, key FROM parcel WHERE fate <= 3", &statement), 0);
        while (db_step(vault_db(vault), statement) > 0)
                want_unwrapped(vault,
                               seal_ad(vault_scope(vault), SEAL_KIND_PARCEL_KEY,
                                       (uint8_t)sqlite3_column_int(statement, 1), db_column_u64(statement, 0)),
                               sqlite3_column_blob(statement, 2), wanted);
}

static void want_own(Vault *vault, Wanted *wanted) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        _cleanup_(secret_freep) Secret *kek = NULL;

        want(wanted, vault_root(vault));
        assert_int_equal(db_start(vault_db(vault), "SELECT salt, ledger_key FROM vault", &statement), 0);
        assert_int_equal(db_step(vault_db(vault), statement), 1);
        assert_int_equal(derive_key(&(DeriveFrom){ .key = vault_root(vault), .label = KEK_LABEL,
                                                   .salt = sqlite3_column_blob(statement, 0),
                                                   .n_salt = KEYRING_SALT_SIZE }, &kek), 0);
        want(wanted, kek);
        want_unwrapped(vault, seal_ad(vault_scope(vault), SEAL_KIND_LEDGER_KEY, SEAL_NO_LANE, 0),
                       sqlite3_column_blob(statement, 1), wanted);
}

static void record(Fixture *f) {
        char subject[32];

        assert_int_equal(fixture_open(f), 0);
        for (int i = 0; i < N_PARCELS; i++) {
                (void)snprintf(subject, sizeof(subject), "subject-%d", i);
                assert_int_equal(append_record(f, RECORD_FIX, subject, START_REALTIME_MS), 0);
        }
        assert_int_equal(commit(f), 0);
        fixture_close(f);
}

static void test_no_key_stays_in_memory(void **state) {
        Fixture *f = *state;
        Wanted wanted = { 0 }, roots = { 0 };
        size_t n_open;

        record(f);
        assert_int_equal(engine_new(&f->options, &f->clock, &f->engine, &f->error), 0);
        want_own(f->engine->vault, &wanted);
        roots = (Wanted){ .n = 1 };
        memcpy(roots.masked[0], wanted.masked[0], SECRET_SIZE);
        want_parcels(f->engine->vault, &wanted);
        assert_int_equal(wanted.n, 3 + N_PARCELS);
        /* The control: what the journal has in use is found. */
        assert_true(count_found(&roots) >= 1);
        n_open = count_found(&wanted);
        assert_true(n_open >= 3);

        f->engine = engine_free(f->engine);
        assert_int_equal(count_found(&wanted), 0);
}

static void test_no_key_stays_after_reading_erasing_and_rotating(void **state) {
        const JournalErasure some = { .purposes = ALL_PURPOSES, .subject = "subject-1", .since_ms = TIME_MS_NONE,
                                      .until_ms = TIME_MS_NONE };
        _cleanup_bytes_ Bytes key = { 0 };
        Fixture *f = *state;
        JournalReceipt receipt;
        Wanted wanted = { 0 };

        record(f);
        assert_int_equal(engine_new(&f->options, &f->clock, &f->engine, &f->error), 0);
        want_own(f->engine->vault, &wanted);
        want_parcels(f->engine->vault, &wanted);
        f->engine = engine_free(f->engine);
        assert_int_equal(fixture_open(f), 0);
        assert_true(send_batch(f, LANE_TRACK, 1) > 0);
        assert_int_equal(erase(f, &some, &receipt), 0);
        assert_int_equal(rotate(f, "{}"), 0);
        assert_int_equal(start_evidence(f, &key), 0);
        send_all(f, LANE_TRACK);
        fixture_close(f);
        assert_int_equal(count_found(&wanted), 0);
}

#define unit(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                unit(test_no_key_stays_in_memory),
                unit(test_no_key_stays_after_reading_erasing_and_rotating),
        };

        return cmocka_run_group_tests_name("journal memory", tests, NULL, NULL);
}
