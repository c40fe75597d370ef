/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * trailkeepd --verify-evidence: what somebody who has the first key of a chain can be sure of.
 */
#include "trailkeep/macros.h"

int verify_evidence_run(const char *key_file, const char *state_dir) _must_check_; /* 1: something does not hold */
