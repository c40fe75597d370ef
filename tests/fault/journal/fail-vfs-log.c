/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fail-vfs-log.h"
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "fail-vfs.h"

#define SECTOR_SIZE ((size_t)512)

typedef struct Noted {
        OperationType type;
        char name[64]; /* without the folder */
        int64_t offset;
        uint8_t *data;
        size_t size;
} Noted;

static struct {
        Noted *operations;
        size_t n, allocated;
} noted;

static void must(bool is_well) {
        if (!is_well)
                abort();
}

void fail_vfs_note(const Operation *operation) {
        const char *slash = strrchr(operation->name, '/');
        Noted *copy;

        if (noted.n == noted.allocated) {
                noted.allocated = noted.allocated * 2 + 1024;
                noted.operations = realloc(noted.operations, noted.allocated * sizeof(Noted));
                must(noted.operations);
        }
        copy = &noted.operations[noted.n++];
        *copy = (Noted){ .type = operation->type, .offset = operation->offset, .size = operation->size };
        must(snprintf(copy->name, sizeof(copy->name), "%s", slash ? slash + 1 : operation->name) > 0);
        if (operation->size == 0)
                return;
        copy->data = malloc(operation->size);
        must(copy->data);
        memcpy(copy->data, operation->data, operation->size);
}

void fail_vfs_forget(void) {
        for (size_t i = 0; i < noted.n; i++)
                free(noted.operations[i].data);
        free(noted.operations);
        noted.operations = NULL;
        noted.n = noted.allocated = 0;
}

size_t fail_vfs_recorded(void) {
        return noted.n;
}

/* Whether what an operation did is synced between it and the cut: its file, or its folder when it is a deletion. */
static bool is_synced(size_t i, size_t cut) {
        const Noted *operation = &noted.operations[i];

        for (size_t j = i + 1; j < cut; j++) {
                const Noted *later = &noted.operations[j];

                if (operation->type == OPERATION_DELETE
                                    ? later->type == OPERATION_SYNC_FOLDER
                                    : later->type == OPERATION_SYNC && strcmp(later->name, operation->name) == 0)
                        return true;
        }
        return false;
}

static void replay_write(int fd, const Noted *operation, bool is_whole) {
        for (size_t at = 0; at < operation->size;) {
                size_t offset = (size_t)operation->offset + at;
                size_t size = SECTOR_SIZE - offset % SECTOR_SIZE;

                if (size > operation->size - at)
                        size = operation->size - at;
                if (is_whole || rand() % 2)
                        must(pwrite(fd, operation->data + at, size, (off_t)offset) == (ssize_t)size);
                at += size;
        }
}

void fail_vfs_replay_cut(size_t n, const char *dir) {
        for (size_t i = 0; i < n; i++) {
                const Noted *operation = &noted.operations[i];
                bool is_whole = is_synced(i, n);
                char path[256];
                int fd;

                must(snprintf(path, sizeof(path), "%s/%s", dir, operation->name) > 0);
                if (operation->type == OPERATION_DELETE) {
                        if (is_whole || rand() % 2)
                                must(unlink(path) == 0 || errno == ENOENT);
                        continue;
                }
                fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
                must(fd >= 0);
                if (operation->type == OPERATION_WRITE)
                        replay_write(fd, operation, is_whole);
                else if (operation->type == OPERATION_TRUNCATE && (is_whole || rand() % 2))
                        must(ftruncate(fd, (off_t)operation->offset) == 0);
                must(close(fd) == 0);
        }
}
