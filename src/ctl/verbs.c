/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The table of verbs, from which the command line is read, --help is printed, and the man page and the completion are
 * checked. Floor 6, pure.
 */
#include "ctl.h"
#include "i18n.h"

static const CtlVerb verbs[] = {
        { "status", NULL, NULL, N_("What the box does, and what waits to be sent"), CTL_OPTION_FIX, true, ctl_status },
        { "consent", "list", NULL, N_("Which purposes are granted, since when, by whom"), 0, true, ctl_consent_list },
        { "consent", "grant", "PURPOSE...", N_("Allow recording and use for a purpose"), 0, false, ctl_consent_grant },
        { "consent", "withdraw", "PURPOSE...", N_("Forbid it, and destroy what was not sent yet"), CTL_OPTION_KEEP,
          false, ctl_consent_withdraw },
        { "data", "summary", NULL, N_("What is kept on this box and in the store"), 0, true, ctl_data_summary },
        { "data", "erase", NULL, N_("Destroy it, here and in the store"),
          CTL_OPTION_PURPOSE | CTL_OPTION_SINCE | CTL_OPTION_UNTIL | CTL_OPTION_CLIP | CTL_OPTION_KEEP_STORED |
                          CTL_OPTION_WAIT | CTL_OPTION_YES | CTL_OPTION_ALL,
          false, ctl_data_erase },
        { "data", "erasures", NULL, N_("What was erased, and what is still to delete"), 0, false, ctl_data_erasures },
        { "evidence", "status", NULL, N_("Whether what happens can be verified later"), 0, true, ctl_evidence_status },
        { "evidence", "start", CTL_ARGUMENT_FILE, N_("Write the key to verify it with, once, to a file"), 0, false,
          ctl_evidence_start },
        { "journal", "damage", NULL, N_("What of the storage was found damaged"), 0, true, ctl_journal_damage },
        { "journal", "acknowledge", NULL, N_("Take note of the damage; it is shown no more"), 0, false,
          ctl_journal_acknowledge },
        { "key", "rotate", NULL, N_("Wrap the keys of all that is kept anew"), 0, false, ctl_key_rotate },
        { "sync", "now", NULL, N_("Send what is pending, and wait for it"), 0, false, ctl_sync_now },
        { "sync", "status", NULL, N_("How the way to the store is"), 0, true, ctl_sync_status },
        { "monitor", NULL, NULL, N_("Show changes as they happen, until interrupted"), 0, true, ctl_monitor },
};

/**
 * ctl_verbs() - all verbs
 * @ret_n:      how many
 *
 * Return: the table; those of one name stand together.
 */
const CtlVerb *ctl_verbs(size_t *ret_n) {
        *ret_n = ELEMENTSOF(verbs);
        return verbs;
}
