/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * trailkeepd --replace-root-secret: another root secret for what is recorded, with the daemon stopped.
 */
#include "trailkeep/config.h"
#include "trailkeep/macros.h"

int replace_root_run(const Config *config) _must_check_;
