/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The folder of the segments, which may lie on a card that comes and goes. Layout and states at the head of segments.c;
 * a segment that is being written is in segment.h. Floor 2, private to the journal; used by one thread at a time.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "trailkeep/bytes.h"
#include "trailkeep/journal.h"
#include "trailkeep/macros.h"

enum {
        SEGMENTS_E_AWAY = 1, /* not here now, and may come back; segments_state() says what is wrong with the folder */
        SEGMENTS_E_UNREADABLE, /* the medium does not give that part now */
        SEGMENTS_E_LOST,     /* that file, or a part of it, is gone for good */
};

#define SEGMENT_NAME_MAX 17
#define SEGMENTS_MARKER "trailkeep-media"
#define SEGMENTS_INSTALLATION_MAX 33

typedef struct Segments Segments;

int segments_new(const char *state_dir, const char *media_dir, const char *installation, Segments **ret) _must_check_;
Segments *segments_free(Segments *segments);
DEFINE_CLEANUP(Segments, segments_free);

/* Between the two, files of the folder can be reached. May be nested. */
int segments_enter(Segments *segments) _must_check_; /* 0; SEGMENTS_E_AWAY; < 0 */
void segments_leave(Segments *segments);
static inline void segments_leavep(Segments **segments) {
        if (*segments)
                segments_leave(*segments);
}
#define _cleanup_leave_ _cleanup_(segments_leavep)
int segments_prepare(Segments *segments) _must_check_; /* before something is written */

JournalMediaState segments_state(const Segments *segments);
const char *segments_trouble(const Segments *segments); /* a whole sentence; "": none */
int segments_fail(Segments *segments, int r); /* notes what writing met with; returns @r */
void segments_recover(Segments *segments);    /* it could be written */
bool segments_has_room(Segments *segments);   /* what is full or read-only: is it still? */

/* Entered only. */
void segment_name(uint64_t parcel, char ret[static SEGMENT_NAME_MAX]);
int segments_dir_fd(const Segments *segments);
int segments_read(Segments *segments, uint64_t parcel, uint64_t offset, uint64_t length, Bytes *ret) _must_check_;
int segments_remove(Segments *segments, uint64_t parcel) _must_check_;

struct stat;
int segments_check_marker(int dir_fd, const char *installation, struct stat *ret) _must_check_; /* segments-marker.c */

/* What an earlier start, or the absence of the card, left undone. */
typedef enum SegmentVerdict { SEGMENT_KEEP, SEGMENT_CUT, SEGMENT_REMOVE } SegmentVerdict;
typedef int (*SegmentJudge)(uint64_t parcel, uint64_t *ret_end, void *userdata); /* a verdict; < 0 ends the tidying */
bool segments_is_untidy(const Segments *segments);
void segments_set_untidy(Segments *segments, bool is_untidy);
/* segments-tidy.c */
int segments_tidy(Segments *segments, SegmentJudge judge, void *userdata) _must_check_;
