/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A segment that is being written: the file of an open parcel of media. Floor 2, private to the journal.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "segments.h"
#include "trailkeep/macros.h"

typedef struct Segment {
        uint64_t parcel;
        int fd;             /* of the commit under way; < 0: none */
        uint64_t end;       /* of what is durable */
        uint64_t planned;   /* the same with the commit under way */
        uint64_t allocated; /* bytes from the start that were asked of the file system */
        bool is_made;       /* the file is there */
        bool is_listed;     /* and the folder is synced */
} Segment;

#define SEGMENT_NONE ((Segment){ .fd = -1 })

int segment_begin(Segments *segments, Segment *segment, uint64_t n_bytes, uint64_t *ret_offset) _must_check_;
int segment_write(Segment *segment, const void *data, size_t n_bytes) _must_check_;
int segment_sync(Segments *segments, Segment *segment) _must_check_;
void segment_settle(Segment *segment, int r); /* the commit ended with @r */
int segment_is_here(Segments *segments, const Segment *segment) _must_check_; /* 1; 0: on another card, or gone */
int segment_finish(Segments *segments, const Segment *segment) _must_check_;  /* nothing is added any more */
