/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A journal with media on a card. A folder stands for the card, and pulling it is renaming it.
 */
#include "fail-card.h"
#include "fixture.h"

#define MARKER "trailkeep-media"
#define CLIP_SIZE 50000

static const JournalErasure everything = { .purposes = ALL_PURPOSES, .since_ms = TIME_MS_NONE,
                                           .until_ms = TIME_MS_NONE };

int card_setup(void **state);
int card_teardown(void **state);

char *in_root(Fixture *f, const char *name);
void make_card(Fixture *f, const char *name, const char *marker); /* NULL: without one */
void move_card(Fixture *f, const char *from, const char *to);
size_t files_on(Fixture *f, const char *name); /* beside the marker */

const uint8_t *clip_sample(uint8_t seed); /* CLIP_SIZE bytes; valid until the next call */
void add_video(Fixture *f, uint8_t seed);
void add_fix_and_alarm(Fixture *f);
JournalMediaState media_state(Fixture *f);
uint64_t pending(Fixture *f, Lane lane);
void assert_read(Fixture *f, uint8_t first, uint8_t n); /* all of the lane, in order: the samples from @first on */
