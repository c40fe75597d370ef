/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A medium that stalls, for LD_PRELOAD: as long as there is a FIFO at $TRAILKEEP_STALL every sync waits for somebody to
 * open it for writing. A file of the same name with ".reached" says that one waits.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

static void stall(void) {
        const char *fifo = getenv("TRAILKEEP_STALL");
        char reached[256];
        int fd;

        if (!fifo || access(fifo, F_OK) < 0)
                return;
        (void)snprintf(reached, sizeof(reached), "%s.reached", fifo);
        fd = open(reached, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        if (fd >= 0)
                (void)close(fd);
        fd = open(fifo, O_RDONLY | O_CLOEXEC); /* this is the stall */
        if (fd >= 0)
                (void)close(fd);
}

EXPORT int fsync(int fd) {
        stall();
        return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(fd);
}

EXPORT int fdatasync(int fd) {
        stall();
        return ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(fd);
}
