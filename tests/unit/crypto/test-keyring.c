/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <cmocka.h>
#include "trailkeep/file.h"
#include "trailkeep/keyring.h"

static char folder[] = "/tmp/trailkeep-keyring-XXXXXX";
static char path[128];

static int make_folder(void **state) {
        if (!mkdtemp(folder))
                return -1;
        return snprintf(path, sizeof(path), "%s/key", folder) > 0 ? 0 : -1;
}

static int remove_file(void **state) {
        (void)unlink(path); /* may not be there */
        return 0;
}

static int remove_folder(void **state) {
        return rmdir(folder);
}

static void write_file(const char *text, size_t size, mode_t mode) {
        assert_int_equal(file_write_atomic(path, text, size, mode, true), 0);
}

static Keyring *keyring_of(uint8_t root_fill, uint8_t salt_fill) {
        _cleanup_(secret_freep) Secret *root = NULL;
        uint8_t bytes[SECRET_SIZE], salt[KEYRING_SALT_SIZE];
        Keyring *keyring = NULL;

        memset(bytes, root_fill, sizeof(bytes));
        memset(salt, salt_fill, sizeof(salt));
        assert_int_equal(secret_new(bytes, &root), 0);
        assert_int_equal(keyring_new(root, salt, &keyring), 0);
        return keyring;
}

static void test_unwraps_what_it_wrapped(void **state) {
        _cleanup_(keyring_freep) Keyring *a = keyring_of(1, 2), *again = keyring_of(1, 2);
        _cleanup_(secret_freep) Secret *key = NULL, *back = NULL;
        _cleanup_bytes_ Bytes wrapped = { 0 };

        assert_int_equal(secret_new_random(&key), 0);
        assert_int_equal(keyring_wrap(a, "ad", 2, key, &wrapped), 0);
        assert_int_equal(wrapped.size, KEYRING_WRAPPED_SIZE);
        assert_int_equal(keyring_unwrap(again, "ad", 2, wrapped.data, wrapped.size, &back), 0);
        assert_memory_equal(secret_bytes(back), secret_bytes(key), SECRET_SIZE);
}

static void test_other_root_salt_or_meaning_is_foreign(void **state) {
        _cleanup_(keyring_freep) Keyring *a = keyring_of(1, 2), *root = keyring_of(3, 2), *salt = keyring_of(1, 3);
        _cleanup_(secret_freep) Secret *key = NULL, *back = NULL;
        _cleanup_bytes_ Bytes wrapped = { 0 };

        assert_int_equal(secret_new_random(&key), 0);
        assert_int_equal(keyring_wrap(a, "ad", 2, key, &wrapped), 0);
        assert_int_equal(keyring_unwrap(root, "ad", 2, wrapped.data, wrapped.size, &back), KEYRING_E_FOREIGN);
        assert_int_equal(keyring_unwrap(salt, "ad", 2, wrapped.data, wrapped.size, &back), KEYRING_E_FOREIGN);
        assert_int_equal(keyring_unwrap(a, "AD", 2, wrapped.data, wrapped.size, &back), KEYRING_E_FOREIGN);
        assert_int_equal(keyring_unwrap(a, "ad", 2, wrapped.data, wrapped.size - 1, &back), KEYRING_E_FOREIGN);
        assert_null(back);
}

static void test_made_root_is_private_and_read_back(void **state) {
        _cleanup_(secret_freep) Secret *root = NULL;
        struct stat st;

        assert_int_equal(keyring_make_root(path), 0);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0400);
        assert_int_equal(st.st_size, SECRET_SIZE);
        assert_int_equal(keyring_read_root(path, &root), 0);
}

static void test_root_is_never_replaced(void **state) {
        _cleanup_bytes_ Bytes before = { 0 }, after = { 0 };

        assert_int_equal(keyring_make_root(path), 0);
        assert_int_equal(file_read(path, 64, &before), 0);
        assert_int_equal(keyring_make_root(path), -EEXIST);
        assert_int_equal(file_read(path, 64, &after), 0);
        assert_memory_equal(before.data, after.data, SECRET_SIZE);
}

static void test_missing_root_is_said(void **state) {
        Secret *root = NULL;

        assert_int_equal(keyring_read_root(path, &root), KEYRING_E_MISSING);
        assert_null(root);
}

static void test_root_of_another_size_is_malformed(void **state) {
        char bytes[SECRET_SIZE + 1] = "";
        Secret *root = NULL;

        write_file(bytes, SECRET_SIZE - 1, 0400);
        assert_int_equal(keyring_read_root(path, &root), KEYRING_E_MALFORMED);
        write_file(bytes, SECRET_SIZE + 1, 0400);
        assert_int_equal(keyring_read_root(path, &root), KEYRING_E_MALFORMED);
        write_file(bytes, 0, 0400);
        assert_int_equal(keyring_read_root(path, &root), KEYRING_E_MALFORMED);
        assert_int_equal(keyring_read_root(folder, &root), KEYRING_E_MALFORMED);
        assert_null(root);
}

static void test_root_readable_by_others_is_refused(void **state) {
        static const mode_t modes[] = { 0440, 0404, 0600 | 0040, 0644, 0402 };
        char bytes[SECRET_SIZE] = "";
        Secret *root = NULL;

        for (size_t i = 0; i < ELEMENTSOF(modes); i++) {
                write_file(bytes, SECRET_SIZE, modes[i]);
                assert_int_equal(keyring_read_root(path, &root), KEYRING_E_EXPOSED);
        }
        assert_null(root);
}

/* Version 2, then tag, permissions, id; see the head of key-file.c. */
static void set_acl(uint16_t tag, uint32_t id) {
        const struct {
                uint32_t version;
                struct {
                        uint16_t tag, permissions;
                        uint32_t id;
                } entries[5];
        } acl = {
                .version = htole32(2),
                .entries = {
                        { htole16(0x01), htole16(4), UINT32_MAX },
                        { htole16(tag), htole16(4), htole32(id) },
                        { htole16(tag == 0x02 ? 0x04 : 0x08), htole16(0), tag == 0x02 ? UINT32_MAX : htole32(id + 1) },
                        { htole16(0x10), htole16(4), UINT32_MAX },
                        { htole16(0x20), htole16(0), UINT32_MAX },
                },
        };

        assert_int_equal(setxattr(path, "system.posix_acl_access", &acl, sizeof(acl), 0), 0);
}

/* How systemd gives a credential to a service with User=: the mode then reads 0440. */
static void test_credential_granted_to_us_by_acl_is_read(void **state) {
        _cleanup_(secret_freep) Secret *root = NULL;
        char bytes[SECRET_SIZE] = "";
        struct stat st;

        write_file(bytes, SECRET_SIZE, 0400);
        set_acl(0x02, geteuid());
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0440);
        assert_int_equal(keyring_read_root(path, &root), 0);
}

static void test_acl_for_somebody_else_is_refused(void **state) {
        char bytes[SECRET_SIZE] = "";
        Secret *root = NULL;

        write_file(bytes, SECRET_SIZE, 0400);
        set_acl(0x02, geteuid() + 1);
        assert_int_equal(keyring_read_root(path, &root), KEYRING_E_EXPOSED);
        assert_null(root);
}

static void test_made_device_key_is_private_and_usable(void **state) {
        struct stat st;

        assert_int_equal(keyring_make_device_key(path), 0);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0400);
        assert_int_equal(keyring_check_device_key(path), 0);
        assert_int_equal(keyring_make_device_key(path), -EEXIST);
        assert_int_equal(keyring_check_device_key(path), 0);
}

static void test_other_device_keys_are_malformed(void **state) {
        static const char ed25519[] = "-----BEGIN PRIVATE KEY-----\n"
                                      "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
                                      "-----END PRIVATE KEY-----\n";

        assert_int_equal(keyring_check_device_key(path), KEYRING_E_MISSING);
        write_file("hello", 5, 0400);
        assert_int_equal(keyring_check_device_key(path), KEYRING_E_MALFORMED);
        write_file(ed25519, sizeof(ed25519) - 1, 0400);
        assert_int_equal(keyring_check_device_key(path), KEYRING_E_MALFORMED);
}

#define unit(f) cmocka_unit_test_teardown(f, remove_file)

int main(void) {
        const struct CMUnitTest tests[] = {
                unit(test_unwraps_what_it_wrapped),
                unit(test_other_root_salt_or_meaning_is_foreign),
                unit(test_made_root_is_private_and_read_back),
                unit(test_root_is_never_replaced),
                unit(test_missing_root_is_said),
                unit(test_root_of_another_size_is_malformed),
                unit(test_root_readable_by_others_is_refused),
                unit(test_credential_granted_to_us_by_acl_is_read),
                unit(test_acl_for_somebody_else_is_refused),
                unit(test_made_device_key_is_private_and_usable),
                unit(test_other_device_keys_are_malformed),
        };

        return cmocka_run_group_tests_name("crypto keyring", tests, make_folder, remove_folder);
}
