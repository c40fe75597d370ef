/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include "build-config.h"
#include "trailkeep/file.h"
#include "trailkeep/http.h"

#define RELEASE TRAILKEEP_RELEASE_DATE_UNIX
#define DAY 86400

typedef struct Fixture {
        char folder[64];
        char cert[128], key[128], other_key[128], locked_key[128], both[128], empty[128];
        uint64_t now_sec;
        bool is_vague; /* it is not before that, and nothing else is known */
        char text[HTTP_CREDENTIALS_TEXT_MAX];
} Fixture;

static void get_time(HttpTime *ret, void *userdata) {
        const Fixture *f = userdata;

        *ret = (HttpTime){ .utc_sec = (int64_t)f->now_sec, .is_exact = !f->is_vague };
}

static int check(Fixture *f, const char *ca, const char *cert, const char *key) {
        HttpOptions options = { .ca_file = ca, .cert_file = cert, .key_file = key,
                                .clock = { .get_time = get_time, .userdata = f } };

        memset(f->text, 'x', sizeof(f->text) - 1);
        return http_check_credentials(&options, f->text);
}

static void write_key(const char *path, EVP_PKEY *key, const char *password) {
        FILE *file = fopen(path, "we");

        assert_non_null(file);
        assert_int_equal(PEM_write_PKCS8PrivateKey(file, key, password ? EVP_aes_128_cbc() : NULL, password,
                                                   password ? (int)strlen(password) : 0, NULL, NULL), 1);
        fclose(file);
}

/* Valid from the fifth day after the release to the thirtieth. */
static void write_certificate(const char *path, const char *mode, EVP_PKEY *key) {
        FILE *file = fopen(path, mode);
        X509 *cert = X509_new();

        assert_non_null(file);
        assert_non_null(cert);
        ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
        ASN1_TIME_set(X509_getm_notBefore(cert), RELEASE + 5 * DAY);
        ASN1_TIME_set(X509_getm_notAfter(cert), RELEASE + 30 * DAY);
        X509_set_pubkey(cert, key);
        X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC, (const uint8_t *)"box", -1, -1, 0);
        X509_set_issuer_name(cert, X509_get_subject_name(cert));
        assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
        assert_int_equal(PEM_write_X509(file, cert), 1);
        X509_free(cert);
        fclose(file);
}

static void name(const Fixture *f, char path[static 128], const char *file) {
        snprintf(path, 128, "%s/%s", f->folder, file);
}

static int setup(void **state) {
        static Fixture fixture;
        EVP_PKEY *key = EVP_EC_gen("P-256"), *other_key = EVP_EC_gen("P-256");
        Fixture *f = &fixture;

        *f = (Fixture){ .folder = "/tmp/tk-credentials-XXXXXX", .now_sec = RELEASE + 6 * DAY };
        if (!key || !other_key || !mkdtemp(f->folder))
                return -1;
        name(f, f->cert, "box.pem");
        name(f, f->key, "box.key");
        name(f, f->other_key, "other.key");
        name(f, f->locked_key, "locked.key");
        name(f, f->both, "both.pem");
        name(f, f->empty, "empty.pem");
        write_certificate(f->cert, "we", key);
        write_key(f->key, key, NULL);
        write_key(f->other_key, other_key, NULL);
        write_key(f->locked_key, key, "secret");
        write_key(f->both, key, NULL);
        write_certificate(f->both, "ae", key);
        EVP_PKEY_free(key);
        EVP_PKEY_free(other_key);
        *state = f;
        return file_write_atomic(f->empty, "", 0, 0600, true);
}

static int teardown(void **state) {
        Fixture *f = *state;
        const char *paths[] = { f->cert, f->key, f->other_key, f->locked_key, f->both, f->empty };

        for (size_t i = 0; i < ELEMENTSOF(paths); i++)
                unlink(paths[i]);
        return rmdir(f->folder);
}

static void none_at_all_is_fine(void **state) {
        Fixture *f = *state;

        assert_int_equal(check(f, NULL, NULL, NULL), 0);
        assert_string_equal(f->text, "");
        assert_int_equal(check(f, "", "", ""), 0);
}

static void a_pair_is_fine(void **state) {
        Fixture *f = *state;

        assert_int_equal(check(f, f->cert, f->cert, f->key), 0);
        assert_string_equal(f->text, "");
}

static void both_in_one_file_is_fine(void **state) {
        Fixture *f = *state;

        assert_int_equal(check(f, NULL, f->both, NULL), 0);
}

static void a_key_without_certificate_is_refused(void **state) {
        Fixture *f = *state;

        assert_int_equal(check(f, NULL, NULL, f->key), -EINVAL);
        assert_non_null(strstr(f->text, f->key));
}

static void missing_files_are_named(void **state) {
        Fixture *f = *state;

        assert_int_equal(check(f, "/nonexistent/ca.pem", f->cert, f->key), -ENOENT);
        assert_string_equal(f->text, "cannot read the CA file /nonexistent/ca.pem: No such file or directory");
        assert_int_equal(check(f, NULL, "/nonexistent/box.pem", f->key), -ENOENT);
        assert_string_equal(f->text,
                            "cannot read the certificate file /nonexistent/box.pem: No such file or directory");
        assert_int_equal(check(f, NULL, f->cert, "/nonexistent/box.key"), -ENOENT);
        assert_string_equal(f->text, "cannot read the key file /nonexistent/box.key: No such file or directory");
}

static void an_unreadable_file_is_named(void **state) {
        Fixture *f = *state;

        /* a folder can be opened and not read, by root too */
        assert_true(check(f, NULL, f->cert, f->folder) < 0);
        assert_non_null(strstr(f->text, f->folder));
}

static void wrong_contents_are_named(void **state) {
        Fixture *f = *state;

        assert_int_equal(check(f, f->empty, f->cert, f->key), -EBADMSG);
        assert_non_null(strstr(f->text, "empty.pem holds no certificate"));
        assert_int_equal(check(f, NULL, f->key, f->key), -EBADMSG);
        assert_non_null(strstr(f->text, "box.key holds no certificate"));
        assert_int_equal(check(f, NULL, f->cert, f->cert), -EBADMSG);
        assert_non_null(strstr(f->text, "box.pem holds no private key"));
}

static void an_encrypted_key_is_told_and_nobody_asked(void **state) {
        Fixture *f = *state;

        assert_int_equal(check(f, NULL, f->cert, f->locked_key), -EBADMSG);
        assert_non_null(strstr(f->text, "locked.key is encrypted"));
}

static void what_is_no_pair_is_refused(void **state) {
        Fixture *f = *state;

        assert_int_equal(check(f, NULL, f->cert, f->other_key), -EKEYREJECTED);
        assert_non_null(strstr(f->text, "are not a pair"));
}

static void an_expired_certificate_names_its_day_and_ours(void **state) {
        Fixture *f = *state;

        f->now_sec = RELEASE + 40 * DAY;
        assert_int_equal(check(f, NULL, f->cert, f->key), -EKEYEXPIRED);
        assert_non_null(strstr(f->text, "box.pem expired on 20"));
}

static void an_early_certificate_names_its_day_and_ours(void **state) {
        Fixture *f = *state;

        f->now_sec = RELEASE + DAY;
        assert_int_equal(check(f, NULL, f->cert, f->key), -EKEYEXPIRED);
        assert_non_null(strstr(f->text, "box.pem is not valid before 20"));
}

static void a_time_before_the_release_is_taken_for_no_time(void **state) {
        Fixture *f = *state;

        f->now_sec = 0;
        assert_int_equal(check(f, NULL, f->cert, f->key), 0);
}

/* Whoever does not know the time cannot know that a certificate is not valid yet, but may know that it has expired. */
static void a_vague_time_only_knows_what_is_over(void **state) {
        Fixture *f = *state;

        f->is_vague = true;
        f->now_sec = RELEASE + DAY;
        assert_int_equal(check(f, NULL, f->cert, f->key), 0);
        f->now_sec = RELEASE + 40 * DAY;
        assert_int_equal(check(f, NULL, f->cert, f->key), -EKEYEXPIRED);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
                TEST(none_at_all_is_fine),
                TEST(a_pair_is_fine),
                TEST(both_in_one_file_is_fine),
                TEST(a_key_without_certificate_is_refused),
                TEST(missing_files_are_named),
                TEST(an_unreadable_file_is_named),
                TEST(wrong_contents_are_named),
                TEST(an_encrypted_key_is_told_and_nobody_asked),
                TEST(what_is_no_pair_is_refused),
                TEST(an_expired_certificate_names_its_day_and_ours),
                TEST(an_early_certificate_names_its_day_and_ours),
                TEST(a_time_before_the_release_is_taken_for_no_time),
                TEST(a_vague_time_only_knows_what_is_over),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
