/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Files that hold keys: read only where nobody but us and root can read them. Floor 1, private to crypto.
 */
#include <stddef.h>
#include "trailkeep/bytes.h"
#include "trailkeep/macros.h"

int key_file_read(const char *path, size_t max_size, Bytes *ret) _must_check_;
