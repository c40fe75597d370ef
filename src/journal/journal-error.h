/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The sentence that goes with a refusal at start. Floor 2, private to the journal.
 */
#include "trailkeep/journal.h"
#include "trailkeep/macros.h"

int journal_refuse(JournalError *error, int r, const char *format, ...) _printf_(3, 4) _must_check_;
int journal_refuse_copy(JournalError *error, int r, const char *path);
int journal_refuse_file(JournalError *error, int r, const char *path) _must_check_;
