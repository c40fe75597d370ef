/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Room on the file system that is kept for what must never fail for want of it. Floor 2, private to the journal.
 */
#include <stdbool.h>
#include <stdint.h>
#include "trailkeep/macros.h"

typedef struct Reserve {
        char *path;
        uint64_t bytes; /* as large as it is to be; 0: none can be kept here */
        uint64_t held_bytes;
} Reserve;

int reserve_open(const char *dir, Reserve *ret) _must_check_;
void reserve_done(Reserve *reserve);
int reserve_take(Reserve *reserve) _must_check_;
bool reserve_give(Reserve *reserve); /* whether there was something to give */

static inline bool reserve_is_whole(const Reserve *reserve) {
        return reserve->held_bytes >= reserve->bytes;
}
