/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Files: whole reads with a bound, replacement that survives a power cut, folders made with the right mode. Floor 0.
 */
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include "bytes.h"
#include "macros.h"

int file_read(const char *path, size_t max_size, Bytes *ret) _must_check_;
/* Written beside, synced, renamed, folder synced. -EEXIST when !replace and it is there. */
int file_write_atomic(const char *path, const void *data, size_t size, mode_t mode, bool replace) _must_check_;
int file_sync(const char *path) _must_check_; /* its contents and its name */
int dir_make(const char *path, mode_t mode) _must_check_; /* with parents (0755); 0 too when it is there */
char *path_join(const char *dir, const char *name);      /* NULL: out of memory */
