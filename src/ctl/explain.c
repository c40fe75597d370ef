/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * D-Bus errors as a sentence on what happened, a sentence on what to do, and an exit code. Floor 6, pure.
 *
 * The daemon's own message says what happened; what is added here is the remedy. One table; an error that is not in
 * it is a plain failure.
 */
#include <string.h>

#include "client.h"
#include "format.h"
#include "i18n.h"

typedef struct Explanation {
        const char *name; /* of the error */
        CtlExit exit;
        const char *what;   /* what happened, NULL: what the daemon says */
        const char *remedy; /* what to do */
} Explanation;

/* Where the daemon runs under systemd there is a better remedy than this; see remedy_of(). */
static const char remedy_start[] = N_("Start it with: trailkeepd --bus=ADDRESS");
static const char remedy_room[] =
                N_("Make room under /var/lib/trailkeep or replace the worn-out storage, then try again.");
static const char remedy_versions[] = N_("trailkeepctl and trailkeepd are of different versions; update both.");
static const char remedy_log[] = N_("The reason is in the log of trailkeepd.");
static const char what_absent[] = N_("trailkeepd is not running");
static const char what_gone[] = N_("trailkeepd went away before it answered");

#define DBUS_ERROR "org.freedesktop.DBus.Error."
#define OUR_ERROR "org.trailkeep.Error."

static const Explanation explanations[] = {
        { DBUS_ERROR "ServiceUnknown", CTL_EXIT_ABSENT, what_absent, remedy_start },
        { DBUS_ERROR "NameHasNoOwner", CTL_EXIT_ABSENT, what_absent, remedy_start },
        { DBUS_ERROR "NoReply", CTL_EXIT_ABSENT, what_gone, remedy_log },
        { DBUS_ERROR "Disconnected", CTL_EXIT_ABSENT, N_("the connection to the bus broke"),
          N_("Check that the D-Bus daemon is running, then try again.") },
        { DBUS_ERROR "Timeout", CTL_EXIT_FAILED, N_("trailkeepd did not answer in time"),
          N_("It may be waiting for slow storage; its log and \"trailkeepctl status\" say more.") },
        { DBUS_ERROR "AccessDenied", CTL_EXIT_DENIED, NULL,
          N_("Join one of the groups named, or trailkeep-owner, as root: usermod -aG trailkeep-owner USER; "
             "then log in again.") },
        { DBUS_ERROR "UnknownMethod", CTL_EXIT_FAILED, NULL, remedy_versions },
        { DBUS_ERROR "UnknownInterface", CTL_EXIT_FAILED, NULL, remedy_versions },
        { DBUS_ERROR "UnknownProperty", CTL_EXIT_FAILED, NULL, remedy_versions },
        { DBUS_ERROR "UnknownObject", CTL_EXIT_FAILED, NULL, remedy_versions },
        { OUR_ERROR "Stopping", CTL_EXIT_ABSENT, N_("trailkeepd is stopping; nothing is known about the request"),
          remedy_start },
        { OUR_ERROR "NotDurable", CTL_EXIT_FAILED, NULL, remedy_room },
        { OUR_ERROR "Full", CTL_EXIT_FAILED, NULL, remedy_room },
        { OUR_ERROR "LedgerDamaged", CTL_EXIT_FAILED, NULL,
          N_("Nothing can be granted on a damaged ledger; see \"Damaged ledger\" in trailkeepd(8).") },
        { OUR_ERROR "Overtaken", CTL_EXIT_INCOMPLETE, N_("a withdrawal was asked meanwhile: the purpose is off"),
          N_("Grant it again if that is what is wanted.") },
        { OUR_ERROR "NotGranted", CTL_EXIT_INCOMPLETE, N_("the purpose location is off, so no position is known"),
          N_("Grant it with: trailkeepctl consent grant location") },
        { OUR_ERROR "NoFix", CTL_EXIT_INCOMPLETE, N_("the receiver has not reported a position yet"),
          N_("It needs a view of the sky; \"trailkeepctl status\" shows what it does.") },
        { OUR_ERROR "NotSent", CTL_EXIT_INCOMPLETE, NULL, N_("Nothing is lost; trailkeepd tries again by itself.") },
        { OUR_ERROR "NoStore", CTL_EXIT_INCOMPLETE, N_("no store is configured, everything stays on this box"),
          N_("Set Url= in the section [Store] of trailkeep.conf(5).") },
        { OUR_ERROR "Failed", CTL_EXIT_FAILED, NULL, remedy_log },
};

static const Explanation *explanation_find(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(explanations); i++)
                if (strcmp(explanations[i].name, name) == 0)
                        return &explanations[i];

        return NULL;
}

static const char *remedy_of(const CtlOptions *options, const Explanation *explanation) {
        if (!explanation)
                return NULL;
        if (explanation->remedy == remedy_start && strcmp(options->bus_address, "system") == 0)
                return _("Start it with: systemctl start trailkeepd");
        if (explanation->exit == CTL_EXIT_DENIED && strcmp(options->bus_address, "system") != 0)
                return _("On a bus that is not the system bus only the user who runs trailkeepd is the owner.");

        return _(explanation->remedy);
}

/**
 * client_explain() - say on stderr what an error means and what to do
 * @options:    which bus it came from
 * @error:      as sd-bus set it
 *
 * Return: the CtlExit that goes with it.
 */
int client_explain(const CtlOptions *options, const sd_bus_error *error) {
        const char *name = error->name ? error->name : "";
        const Explanation *explanation = explanation_find(name);
        const char *remedy = remedy_of(options, explanation);
        _cleanup_free_ char *message = text_dup_printable(error->message ? error->message : name);

        ctl_complain("%s", explanation && explanation->what ? _(explanation->what) : message ? message : name);
        if (remedy)
                fprintf(stderr, "%s\n", remedy); /* nobody is left to tell that stderr is closed */

        return explanation ? explanation->exit : CTL_EXIT_FAILED;
}
