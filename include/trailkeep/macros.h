/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Small helpers every file may use: cleanup attributes, ownership transfer, array sizes, units of time.
 * Floor 0, pure.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define _cleanup_(f) __attribute__((cleanup(f)))
#define _must_check_ __attribute__((warn_unused_result))
#define _printf_(a, b) __attribute__((format(printf, a, b)))
#define _unused_ __attribute__((unused))

#define ELEMENTSOF(x) (sizeof(x) / sizeof((x)[0]))
#define MIN(a, b) ({ __typeof__(a) _min_a = (a); __typeof__(b) _min_b = (b); _min_a < _min_b ? _min_a : _min_b; })
#define MAX(a, b) ({ __typeof__(a) _max_a = (a); __typeof__(b) _max_b = (b); _max_a > _max_b ? _max_a : _max_b; })

/* Hand the pointer on and forget it here, so that the cleanup attribute frees nothing. */
#define TAKE_PTR(p) ({ __typeof__(p) *_p = &(p); __typeof__(p) _v = *_p; *_p = NULL; _v; })
#define TAKE_FD(fd) ({ int *_f = &(fd); int _v = *_f; *_f = -1; _v; })

/* Defines thing_freep() for use with _cleanup_(); thing_free() must accept NULL and return NULL. */
#define DEFINE_CLEANUP(type, func)                              \
        static inline _unused_ void func##p(type **p) {         \
                *p = func(*p);                                  \
        }

#define USEC_PER_MSEC UINT64_C(1000)
#define USEC_PER_SEC UINT64_C(1000000)
#define USEC_PER_MINUTE (60 * USEC_PER_SEC)
#define USEC_PER_HOUR (60 * USEC_PER_MINUTE)
#define USEC_PER_DAY (24 * USEC_PER_HOUR)
#define USEC_INFINITY UINT64_MAX

/* After a call that failed: its -errno, and never 0, so that a reader and an analyser see that failure is failure. */
static inline int negative_errno(void) {
        return errno > 0 ? -errno : -EIO;
}

static inline void freep_(void *p) {
        free(*(void **)p);
}
#define _cleanup_free_ _cleanup_(freep_)

void close_fdp(int *fd); /* util/file.c */
#define _cleanup_close_ _cleanup_(close_fdp)
