/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * trailkeepctl key rotate. Floor 6.
 */
#include <errno.h>

#include "client.h"
#include "i18n.h"
#include "output.h"

/**
 * ctl_key_rotate() - trailkeepctl key rotate
 * @ctl:        options and bus
 *
 * Return: a CtlExit, other than CTL_EXIT_DONE said on stderr; or -errno.
 */
int ctl_key_rotate(Ctl *ctl) {
        _cleanup_json_ json_t *reply = NULL, *document = NULL;
        int r;

        r = client_call_simple(ctl, CLIENT_JOURNAL, "RotateKeys", &reply);
        if (r != CTL_EXIT_DONE)
                return r;
        if (!ctl->options->is_json) {
                output_say(ctl, _("The keys of all that is kept are wrapped anew."));
                return CTL_EXIT_DONE;
        }

        document = json_pack("{sb}", "rotated", 1);
        return document ? output_json(document) : -ENOMEM;
}
