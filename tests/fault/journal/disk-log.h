/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What disk-log.c and disk-replay.c share.
 */
#include <pthread.h>
#include "disk.h"

#define DISK_NAMES_MAX 512

typedef struct DiskName {
        char path[DISK_PATH_MAX];
        uint32_t file;
} DiskName;

typedef struct DiskNames {
        DiskName names[DISK_NAMES_MAX];
        size_t n;
} DiskNames;

struct DiskLog {
        pthread_mutex_t mutex; /* the journal's thread writes, the test's asks how far it is */
        Operation *operations;
        size_t n, allocated;
        DiskNames names; /* at the end of the log */
        uint32_t n_files;
};

const DiskName *disk_names_find(const DiskNames *names, const char *path);
void disk_names_apply(DiskNames *names, const Operation *operation);
