/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What was written to a folder, in order, and what a power cut may leave of it.
 *
 * The model is POSIX's promise and not one file system's habit:
 *
 *   - what a file holds, and its size, are durable after fsync(2) or fdatasync(2) of that file, and not before;
 *   - a name (made, renamed, removed) is durable after fsync(2) of its folder, and not before: syncing a new file does
 *     not make its name last, though on ext4 it does;
 *   - of what is not durable anything may be there: each sector of a write whole, torn in the middle or not at all, its
 *     size with it or without it, whatever the order they were written in; names one by one, as where a file system
 *     logs them by themselves, or the first of them, as where it has one journal. A rename alone is all or nothing.
 *
 * ext4, XFS, btrfs and f2fs all keep more than that.
 *
 * A log is filled by medium.c while a journal works, and read by nobody meanwhile but for its length.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "trailkeep/macros.h"

#define DISK_PATH_MAX 96

typedef enum OperationType {
        OPERATION_MAKE,        /* name -> a new file or folder */
        OPERATION_LINK,        /* to -> what name is */
        OPERATION_RENAME,      /* name -> to */
        OPERATION_REMOVE,      /* name */
        OPERATION_SYNC_FOLDER, /* name: the folder */
        OPERATION_WRITE,
        OPERATION_TRUNCATE,    /* offset: the size */
        OPERATION_EXTEND,      /* offset: the size at least, by fallocate(2) */
        OPERATION_SYNC,
} OperationType;

typedef struct Operation {
        OperationType type;
        uint32_t file; /* its number; DISK_FOLDER */
        char name[DISK_PATH_MAX], to[DISK_PATH_MAX]; /* below the watched folder; "": itself */
        int64_t offset;
        const void *data;
        size_t size;
} Operation;

#define DISK_FOLDER 0

typedef struct DiskLog DiskLog;

DiskLog *disk_log_new(void);
DiskLog *disk_log_free(DiskLog *log);
DEFINE_CLEANUP(DiskLog, disk_log_free);
size_t disk_log_length(DiskLog *log);
void disk_log_note(DiskLog *log, const Operation *operation); /* copies */
uint32_t disk_log_file(DiskLog *log, const char *path, bool is_new); /* DISK_FOLDER: older than the log */

/* A sync that is left out: the control of a test that would otherwise show nothing. */
typedef enum DiskSkip { DISK_SKIP_NONE, DISK_SKIP_FOLDERS, DISK_SKIP_WAL, DISK_SKIP_VAULT, DISK_SKIP_SEGMENTS,
               DISK_SKIP_MAX } DiskSkip;

/* Goes along a log from cut to cut. */
typedef struct DiskReplay DiskReplay;

DiskReplay *disk_replay_new(const DiskLog *log, DiskSkip skip);
DiskReplay *disk_replay_free(DiskReplay *replay);
DEFINE_CLEANUP(DiskReplay, disk_replay_free);
/* Makes in @folder, which is emptied first, what a cut after the first @n operations leaves; @n never falls. */
void disk_replay_cut(DiskReplay *replay, size_t n, uint64_t random, const char *folder);

void disk_copy_path(char to[static DISK_PATH_MAX], const char *path);
void disk_must(bool is_well);           /* aborts: nothing in these tests goes on without */
uint64_t disk_random(uint64_t *state); /* repeatable */
void disk_empty(const char *folder);   /* removes all below it */
