/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * No core dumps, no ptrace by others, no file that anyone else may read. Floor 6. The unit file says the same; this
 * holds without systemd too.
 */
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "process.h"

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
