/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The linker turns malloc() into __wrap_malloc() and leaves the real one as __real_malloc(), see ld(1), --wrap. */
#include <stdlib.h>
#include <string.h>
#include "fail-allocation.h"

static size_t n_left; /* 0: none fails */
static bool has_failed;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
char *__real_strdup(const char *s);
char *__real_strndup(const char *s, size_t n);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t n);

void fail_allocation_start(size_t n) {
        n_left = n;
        has_failed = false;
}

bool fail_allocation_stop(void) {
        n_left = 0;
        return has_failed;
}

static bool is_to_fail(void) {
        if (n_left == 0 || --n_left > 0)
                return false;
        has_failed = true;
        return true;
}

void *__wrap_malloc(size_t size) {
        return is_to_fail() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size) {
        return is_to_fail() ? NULL : __real_calloc(n, size);
}

char *__wrap_strdup(const char *s) {
        return is_to_fail() ? NULL : __real_strdup(s);
}

char *__wrap_strndup(const char *s, size_t n) {
        return is_to_fail() ? NULL : __real_strndup(s, n);
}

void *fail_allocation_malloc(size_t size) {
        return __wrap_malloc(size);
}
