/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "disk-log.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Nothing in these tests goes on without memory or with a file that cannot be written. */
void disk_must(bool is_well) {
        if (!is_well)
                abort();
}

void disk_copy_path(char to[static DISK_PATH_MAX], const char *path) {
        disk_must(snprintf(to, DISK_PATH_MAX, "%s", path) < DISK_PATH_MAX);
}

DiskLog *disk_log_new(void) {
        DiskLog *log = calloc(1, sizeof(*log));

        disk_must(log != NULL);
        disk_must(pthread_mutex_init(&log->mutex, NULL) == 0);
        return log;
}

DiskLog *disk_log_free(DiskLog *log) {
        if (!log)
                return NULL;
        for (size_t i = 0; i < log->n; i++)
                free((void *)log->operations[i].data);
        free(log->operations);
        (void)pthread_mutex_destroy(&log->mutex); /* nobody holds it */
        free(log);
        return NULL;
}

size_t disk_log_length(DiskLog *log) {
        size_t n;

        disk_must(pthread_mutex_lock(&log->mutex) == 0);
        n = log->n;
        disk_must(pthread_mutex_unlock(&log->mutex) == 0);
        return n;
}

void disk_log_note(DiskLog *log, const Operation *operation) {
        Operation copy = *operation;

        if (operation->size > 0) {
                uint8_t *data = malloc(operation->size);

                disk_must(data != NULL);
                memcpy(data, operation->data, operation->size);
                copy.data = data;
        }
        disk_must(pthread_mutex_lock(&log->mutex) == 0);
        if (log->n == log->allocated) {
                log->allocated = log->allocated * 2 + 1024;
                log->operations = realloc(log->operations, log->allocated * sizeof(Operation));
                disk_must(log->operations != NULL);
        }
        log->operations[log->n++] = copy;
        disk_names_apply(&log->names, operation);
        disk_must(pthread_mutex_unlock(&log->mutex) == 0);
}

uint32_t disk_log_file(DiskLog *log, const char *path, bool is_new) {
        const DiskName *name;
        uint32_t file;

        if (is_new) {
                Operation operation = { .type = OPERATION_MAKE, .file = ++log->n_files };

                disk_copy_path(operation.name, path);
                disk_log_note(log, &operation);
                return operation.file;
        }
        disk_must(pthread_mutex_lock(&log->mutex) == 0);
        name = disk_names_find(&log->names, path);
        file = name ? name->file : DISK_FOLDER;
        disk_must(pthread_mutex_unlock(&log->mutex) == 0);
        return file;
}

const DiskName *disk_names_find(const DiskNames *names, const char *path) {
        for (size_t i = 0; i < names->n; i++)
                if (strcmp(names->names[i].path, path) == 0)
                        return &names->names[i];
        return NULL;
}

static void names_set(DiskNames *names, const char *path, uint32_t file) {
        DiskName *name = (DiskName *)disk_names_find(names, path);

        if (!name) {
                disk_must(names->n < DISK_NAMES_MAX);
                name = &names->names[names->n++];
                disk_copy_path(name->path, path);
        }
        name->file = file;
}

static void names_remove(DiskNames *names, const char *path) {
        DiskName *name = (DiskName *)disk_names_find(names, path);

        if (name)
                *name = names->names[--names->n];
}

/* Of a file under its old name: whichever it is at that time, which may be another one when names were lost. */
static void names_move(DiskNames *names, const Operation *operation) {
        names_set(names, operation->to, operation->file);
        if (operation->type == OPERATION_RENAME)
                names_remove(names, operation->name);
}

void disk_names_apply(DiskNames *names, const Operation *operation) {
        switch (operation->type) {
        case OPERATION_MAKE:
                names_set(names, operation->name, operation->file);
                return;
        case OPERATION_LINK:
        case OPERATION_RENAME:
                names_move(names, operation);
                return;
        case OPERATION_REMOVE:
                names_remove(names, operation->name);
                return;
        case OPERATION_SYNC_FOLDER:
        case OPERATION_WRITE:
        case OPERATION_TRUNCATE:
        case OPERATION_EXTEND:
        case OPERATION_SYNC:
                return;
        }
}
