/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The Unix groups behind the roles. Floor 5.
 *
 * Asked anew for each call that needs a role, so that usermod(8) takes effect without a restart; it costs a few reads
 * of /etc/passwd and /etc/group. These calls block as long as the name service does: a box whose users live in a
 * directory on the network needs a cache in front of it, as for every other program.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>
#include "groups.h"

#define BUFFER_SIZE 16384 /* one entry of /etc/group with some thousand members, or of /etc/passwd */
#define GROUPS_MAX 65536  /* NGROUPS_MAX of the kernel */

/**
 * groups_find_roles() - the groups of this box that are roles
 * @ret_gids:   one per role; BUS_GID_NONE: there is none, or it could not be read, and no one has the role
 */
void groups_find_roles(gid_t ret_gids[static BUS_ROLE_MAX]) {
        _cleanup_free_ char *buffer = malloc(BUFFER_SIZE);

        for (BusRole role = 0; role < BUS_ROLE_MAX; role++) {
                struct group group, *found = NULL;

                ret_gids[role] = BUS_GID_NONE;
                if (buffer && getgrnam_r(authorize_role_to_group(role), &group, buffer, BUFFER_SIZE, &found) == 0 &&
                    found)
                        ret_gids[role] = found->gr_gid;
        }
}

/**
 * groups_of_user() - add the groups that the user database gives a user
 * @uid:        whose; one that the database does not know has none
 * @gids:       array on the heap, enlarged
 * @n_gids:     its length, raised
 *
 * Return: 0; -ENOMEM or what the name service says, then both are unchanged.
 */
int groups_of_user(uid_t uid, gid_t **gids, size_t *n_gids) {
        _cleanup_free_ char *buffer = malloc(BUFFER_SIZE);
        struct passwd user, *found = NULL;
        int r, n = 64;

        if (!buffer)
                return -ENOMEM;
        r = getpwuid_r(uid, &user, buffer, BUFFER_SIZE, &found);
        if (r != 0)
                return -r;
        if (!found)
                return 0;

        for (;;) {
                int n_room = n;
                gid_t *more = reallocarray(*gids, *n_gids + (size_t)n_room, sizeof(gid_t));

                if (!more)
                        return -ENOMEM;
                *gids = more;
                if (getgrouplist(user.pw_name, user.pw_gid, *gids + *n_gids, &n) >= 0)
                        break;
                if (n <= n_room || n > GROUPS_MAX)
                        return -E2BIG;
        }
        *n_gids += (size_t)n;

        return 0;
}
