/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The Unix groups behind the roles, from the user database.
 */
#include "authorize.h"
#include "trailkeep/macros.h"

void groups_find_roles(gid_t ret_gids[static BUS_ROLE_MAX]);
int groups_of_user(uid_t uid, gid_t **gids, size_t *n_gids) _must_check_;
