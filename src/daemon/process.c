/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * No core dumps, no ptrace by others, no file that anyone else may read. Floor 6. The unit file says the same; this
 * holds without systemd too.
 */
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "process.h"

#define KEY_PAGES_BYTES ((size_t)64 * 1024) /* 16 keys */

/**
 * process_close_up() - switch off core dumps and attaching, and narrow the umask
 *
 * Under a sanitizer the process stays dumpable, since its leak checker attaches to it; core dumps are off all the same.
 *
 * Return: 0, or -errno: then the caller must not go on, since a core file could betray where somebody was.
 */
int process_close_up(void) {
        static const struct rlimit none = {0, 0};

        umask(0077);
        if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
                return -errno;
        if (setrlimit(RLIMIT_CORE, &none) < 0)
                return -errno;
#ifndef __SANITIZE_ADDRESS__
        if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
                return -errno;
#endif
        return 0;
}

/**
 * process_can_lock_keys() - whether the pages that keys lie in can be kept from swap
 *
 * A key has a page of its own (secret.c), and no more than some are in use at a time. Tried, since what the limit allows
 * depends on capabilities too.
 *
 * Return: false where RLIMIT_MEMLOCK is too small: a box without swap loses nothing by that.
 */
bool process_can_lock_keys(void) {
        void *pages = mmap(NULL, KEY_PAGES_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        bool can_lock;

        if (pages == MAP_FAILED)
                return false;
        can_lock = mlock(pages, KEY_PAGES_BYTES) == 0;
        (void)munmap(pages, KEY_PAGES_BYTES); /* unlocks too; cannot fail for what was just mapped */
        return can_lock;
}
