/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The state folder's lock, and the root secret that opens its vault. Floor 2, private to the journal.
 */
#include <stdbool.h>
#include "trailkeep/clock.h"
#include "trailkeep/journal.h"
#include "trailkeep/macros.h"
#include "vault.h"

int state_lock(const char *dir, int *ret_fd, JournalError *error) _must_check_;
int state_lock_shared(const char *dir, int *ret_fd, JournalError *error) _must_check_;
bool file_has_content(const char *path);
int root_open_vault(const JournalOptions *options, const Clock *clock, Vault **ret, bool *ret_is_next,
                    JournalError *error) _must_check_;
