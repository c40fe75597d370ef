/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Names of objects in the store. Floor 4.
 */
#include <stddef.h>
#include "trailkeep/journal.h"
#include "trailkeep/macros.h"

int object_name_new(const JournalBatch *batch, size_t begin, size_t end, char **ret_name) _must_check_;
