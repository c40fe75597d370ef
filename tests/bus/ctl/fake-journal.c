/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Journal1 of the daemon that is none: see fake-daemon.c.
 */
#include "fake-daemon.h"

static int rotate_keys(sd_bus_message *call, void *userdata, sd_bus_error *error) {
        int r = fail_as_told(userdata, call);

        if (r != 0)
                return r;
        r = note_call(userdata, call);
        return r < 0 ? r : sd_bus_reply_method_return(call, "");
}

const sd_bus_vtable fake_journal_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("RotateKeys", "", "", rotate_keys, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};
