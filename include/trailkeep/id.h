/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Random ids from the kernel's generator. Floor 0.
 */
#include <stddef.h>
#include <stdint.h>
#include "macros.h"

#define ID_STRING_MAX 37 /* "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx" and the 0 */

int random_bytes(void *data, size_t size) _must_check_;
int id_new_random(char ret[static ID_STRING_MAX]) _must_check_;                     /* UUID version 4, RFC 9562 §5.4 */
int id_new_ordered(uint64_t time_ms, char ret[static ID_STRING_MAX]) _must_check_; /* UUID version 7, RFC 9562 §5.7 */
