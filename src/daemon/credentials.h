/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Where the secrets lie: a systemd credential goes before the file that the configuration names.
 */
#include "trailkeep/macros.h"

#define CREDENTIAL_ROOT_SECRET "trailkeep.root-secret"
#define CREDENTIAL_NEXT_ROOT_SECRET "trailkeep.root-secret.new"
#define CREDENTIAL_DEVICE_KEY "trailkeep.device-key"

int credential_dup_path(const char *credential, const char *fallback, char **ret_path) _must_check_;
int credential_dup_next_path(const char *fallback, char **ret_path) _must_check_;
