/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The write-ahead log of an SQLite file, as far as salvage needs it. Floor 2, private to the journal.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "trailkeep/macros.h"

#define SALVAGE_PAGE_SIZE 4096
#define WAL_FRAME_HEADER_SIZE 24

typedef struct Wal {
        int fd;              /* -1: there is none */
        size_t n_frames;     /* whole ones in the file */
        size_t n_valid;      /* up to the last commit that SQLite would take */
        uint32_t *pages;     /* number of the page in each frame */
        bool is_damaged;     /* something behind them was on the medium, too */
} Wal;

int wal_read(const char *db_path, Wal *ret) _must_check_;
void wal_done(Wal *wal);
#define _cleanup_wal_ _cleanup_(wal_done)

int wal_read_page(const Wal *wal, size_t frame, uint8_t page[static SALVAGE_PAGE_SIZE]) _must_check_; /* 1; 0: cannot */
