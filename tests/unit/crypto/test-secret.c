/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "trailkeep/secret.h"

static void test_copies_the_bytes(void **state) {
        _cleanup_(secret_freep) Secret *secret = NULL;
        uint8_t bytes[SECRET_SIZE];

        memset(bytes, 7, sizeof(bytes));
        assert_int_equal(secret_new(bytes, &secret), 0);
        assert_memory_equal(secret_bytes(secret), bytes, SECRET_SIZE);
        assert_ptr_not_equal(secret_bytes(secret), bytes);
}

static void test_random_ones_differ(void **state) {
        _cleanup_(secret_freep) Secret *a = NULL, *b = NULL;

        assert_int_equal(secret_new_random(&a), 0);
        assert_int_equal(secret_new_random(&b), 0);
        assert_memory_not_equal(secret_bytes(a), secret_bytes(b), SECRET_SIZE);
}

static void test_forked_child_sees_zeroes(void **state) {
        _cleanup_(secret_freep) Secret *secret = NULL;
        static const uint8_t zeroes[SECRET_SIZE];
        int status;
        pid_t pid;

        assert_int_equal(secret_new_random(&secret), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
                _exit(memcmp(secret_bytes(secret), zeroes, SECRET_SIZE) == 0 ? 0 : 1);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
}

/* The line "VmFlags:" of the secret's mapping in smaps(5). */
static void read_vm_flags(const void *address, char *ret, size_t size) {
        FILE *file = fopen("/proc/self/smaps", "re");
        bool is_ours = false;
        char line[512];

        assert_non_null(file);
        *ret = 0;
        while (fgets(line, sizeof(line), file)) {
                uintptr_t start, end;

                if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &start, &end) == 2)
                        is_ours = start <= (uintptr_t)address && (uintptr_t)address < end;
                else if (is_ours && strncmp(line, "VmFlags:", 8) == 0)
                        (void)snprintf(ret, size, "%s", line);
        }
        (void)fclose(file);
}

static void test_is_not_dumped(void **state) {
        _cleanup_(secret_freep) Secret *secret = NULL;
        char flags[512];

        assert_int_equal(secret_new_random(&secret), 0);
        read_vm_flags(secret_bytes(secret), flags, sizeof(flags));
        assert_non_null(strstr(flags, " dd")); /* do not dump */
        assert_non_null(strstr(flags, " wf")); /* wipe on fork */
}

static void test_free_takes_nothing(void **state) {
        assert_null(secret_free(NULL));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_copies_the_bytes),
                cmocka_unit_test(test_random_ones_differ),
                cmocka_unit_test(test_forked_child_sees_zeroes),
                cmocka_unit_test(test_is_not_dumped),
                cmocka_unit_test(test_free_takes_nothing),
        };

        return cmocka_run_group_tests_name("crypto secret", tests, NULL, NULL);
}
