/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Media with known bytes, and a look at the segments they lie in.
 */
#include "fixture.h"

#define BLOCK 4096

const uint8_t *sample(unsigned seed, size_t size); /* bytes that occur nowhere else; valid until the next call */
void add_media(Fixture *f, RecordKind kind, const char *clip, unsigned seed, size_t size); /* a second apart */
void assert_is_sample(const Record *record, unsigned seed, size_t size);

size_t segments(Fixture *f, size_t *ret_bytes); /* their number, and the sum of their sizes */
size_t n_segments(Fixture *f);
void wait_segments(Fixture *f, size_t n);
char *segment_path(Fixture *f, uint64_t parcel);
