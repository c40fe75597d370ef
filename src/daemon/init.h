/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * trailkeepd --init: the two secrets that a box is given once.
 */
#include "trailkeep/config.h"

int init_run(const Config *config) _must_check_;
int init_give_to_daemon(const char *path, const char *state_dir) _must_check_;
