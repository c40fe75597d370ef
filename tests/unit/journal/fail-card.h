/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A card that fails: the calls by which segments reach the medium, one of which can be made to fail. The linker puts
 * them in the place of the real ones (ld(1), --wrap) in our objects; SQLite, a library of its own, keeps the real ones.
 */
#include <stdbool.h>

typedef enum CardCall { CARD_OPEN, CARD_READ, CARD_WRITE, CARD_ALLOCATE, CARD_SYNC, CARD_CUT, CARD_UNLINK, CARD_CALL_MAX } CardCall;

typedef struct Card {
        int error;             /* what fails, fails with this */
        bool fails[CARD_CALL_MAX];
        unsigned countdown;    /* 0: each call fails; n: the n-th from now on alone, of any kind */
        bool is_counting;      /* or just counts */
        unsigned n_calls[CARD_CALL_MAX], n_all;
        void (*synced)(void *userdata); /* after a sync went well */
        void *userdata;
} Card;

extern Card card;
