/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Memory for keys: mlock(2)ed where allowed, MADV_DONTDUMP, MADV_WIPEONFORK, wiped when freed. Floor 1.
 */
#include <stddef.h>
#include <stdint.h>
#include "macros.h"

#define SECRET_SIZE 32 /* every symmetric key of ours is 256 bits */

typedef struct Secret Secret; /* SECRET_SIZE bytes */

int secret_new_random(Secret **ret) _must_check_;
int secret_new(const uint8_t bytes[static SECRET_SIZE], Secret **ret) _must_check_; /* copies; the caller wipes its own */
const uint8_t *secret_bytes(const Secret *secret);
Secret *secret_free(Secret *secret);
DEFINE_CLEANUP(Secret, secret_free);
