/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What must hold of a journal that is opened after a life ended in the middle, see mixed.h.
 */
#include "mixed.h"

typedef struct CheckText { char text[512]; } CheckText;

/* Opens the journal in @f's folder by its engine, reads all that can be read, records one more fix, and closes it.
 * Returns whether all holds; if not, what does not is in @ret. @is_thorough: SQLite's own check of both files, too. */
bool check_journal(const MixedModel *model, Fixture *f, bool is_thorough, CheckText *ret);
