/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * How far journal.db had come, as vault.db remembers it. Layout at the head of marks.c. Floor 2, private to the journal.
 */
#include "lanes.h"
#include "trailkeep/macros.h"
#include "vault.h"

enum { MARK_E_DAMAGED = 2 }; /* its seal does not hold: as good as none */

int mark_load(Vault *vault, Lane lane, LaneState *ret) _must_check_; /* 1; 0: none was written yet */
int marks_save(Vault *vault, const LaneState lanes[static LANE_MAX]) _must_check_; /* in a transaction */
