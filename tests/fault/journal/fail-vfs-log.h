/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What the layer under SQLite recorded. One thread at a time uses it: the journal's while it works, the test's while
 * that waits.
 */
#include <stddef.h>
#include <stdint.h>

typedef enum OperationType {
        OPERATION_WRITE,
        OPERATION_TRUNCATE,
        OPERATION_SYNC,
        OPERATION_DELETE,
        OPERATION_SYNC_FOLDER, /* with the first sync of a new journal or WAL */
} OperationType;

typedef struct Operation {
        OperationType type;
        const char *name; /* path of the file */
        int64_t offset;   /* of a truncation: the size */
        const void *data;
        size_t size;
} Operation;

void fail_vfs_note(const Operation *operation); /* copies */
void fail_vfs_forget(void);
