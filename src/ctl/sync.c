/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * trailkeepctl sync now|status. Floor 6.
 */
#include <errno.h>
#include <string.h>

#include "client.h"
#include "format.h"
#include "i18n.h"
#include "output.h"
#include "terminal.h"
#include "wait.h"

static int gather(Ctl *ctl, json_t **ret_document) {
        _cleanup_json_ json_t *device = NULL, *sync = NULL;
        json_t *document;
        int r;

        r = client_get_all(ctl, CLIENT_PATH, CLIENT_DEVICE, &device);
        if (r != CTL_EXIT_DONE)
                return r;
        r = client_get_all(ctl, CLIENT_PATH, CLIENT_SYNC, &sync);
        if (r != CTL_EXIT_DONE)
                return r;

        document = json_pack("{sO sO? sO?}", "sync", sync, "Lanes", json_object_get(device, "Lanes"), "OldestPending",
                             json_object_get(device, "OldestPending"));
        if (!document)
                return -ENOMEM;
        *ret_document = document;
        return CTL_EXIT_DONE;
}

/**
 * ctl_sync_status() - trailkeepctl sync status
 * @ctl:        options and bus
 *
 * Return: a CtlExit, other than CTL_EXIT_DONE said on stderr; or -errno.
 */
int ctl_sync_status(Ctl *ctl) {
        _cleanup_(table_freep) Table *table = NULL;
        _cleanup_json_ json_t *document = NULL;
        const char *state, *error;
        const json_t *sync;
        char text[FORMAT_MAX];
        TableColour colour;
        int r;

        r = gather(ctl, &document);
        if (r != CTL_EXIT_DONE)
                return r;
        if (ctl->options->is_json)
                return output_json(document);

        table = table_new_pairs();
        if (!table)
                return -ENOMEM;
        sync = json_object_get(document, "sync");
        state = output_state(json_string_value(json_object_get(sync, "State")), &colour);
        table_add_pair(table, _("Store"), colour, "%s", state);
        error = json_string_value(json_object_get(sync, "LastError"));
        if (error && *error)
                table_add_pair(table, _("Trouble"), TABLE_BAD, "%s", error);
        table_add_pair(table, _("To delete"), TABLE_PLAIN, _("%s in the store"),
                       format_count((uint64_t)json_integer_value(json_object_get(sync, "PendingDeletions")), text));
        r = table_print(table);
        if (r < 0)
                return r;

        putchar('\n'); /* ctl_run() looks at the state of stdout */
        return output_lanes(ctl, document);
}

static int64_t of_media(const json_t *lanes) {
        return json_integer_value(json_object_get(json_object_get(lanes, "media"), "pending"));
}

/* All that is pending, less media, which is not sent yet. */
static int64_t to_send(const json_t *lanes) {
        return output_lanes_total(lanes, "pending") - of_media(lanes);
}

static void show_progress(const json_t *device) {
        const json_t *lanes = json_object_get(device, "Lanes");
        int64_t pending = to_send(lanes);
        char text[FORMAT_MAX];

        if (lanes)
                terminal_progress(ngettext("Sending: %s record to go", "Sending: %s records to go",
                                           (unsigned long)pending),
                                  format_count((uint64_t)pending, text));
}

static void on_changed(sd_bus_message *signal, _unused_ void *userdata) {
        _cleanup_json_ json_t *arguments = NULL;

        /* What cannot be read is no progress; the answer to Flush decides. */
        if (sd_bus_message_is_signal(signal, CLIENT_PROPERTIES, NULL) <= 0 ||
            bus_message_to_json(signal, &arguments) < 0)
                return;
        show_progress(json_array_get(arguments, 1));
}

static void on_flushed(_unused_ const json_t *reply, void *userdata) {
        Wait **wait = userdata;

        terminal_progress_end();
        wait_end(*wait, CTL_EXIT_DONE);
}

static int flush(Ctl *ctl) {
        _cleanup_(wait_freep) Wait *wait = NULL;
        _cleanup_message_ sd_bus_message *method = NULL;
        _cleanup_json_ json_t *device = NULL;
        int r;

        r = wait_new(ctl, &(WaitObserver){ .changed = on_changed }, &wait);
        if (r < 0)
                return r;
        r = client_get_all(ctl, CLIENT_PATH, CLIENT_DEVICE, &device);
        if (r != CTL_EXIT_DONE)
                return r;
        show_progress(device);

        r = client_method_new(ctl, CLIENT_SYNC, "Flush", &method);
        if (r < 0)
                return r;
        r = wait_call(wait, method, USEC_INFINITY, on_flushed, &wait);
        if (r < 0)
                return r;

        return wait_run(wait);
}

static void say_sent(const Ctl *ctl, const json_t *lanes) {
        int64_t pending = to_send(lanes), media = of_media(lanes), parked = output_lanes_total(lanes, "parked");
        char text[FORMAT_MAX];

        if (pending == 0 && media == 0)
                output_say(ctl, _("Nothing is pending: all that was recorded has been sent."));
        else if (pending == 0)
                output_say(ctl, _("All that was recorded has been sent, except media."));
        else
                output_say(ctl,
                           ngettext("Sent; %s record is left: added meanwhile, or of a purpose that is off.",
                                    "Sent; %s records are left: added meanwhile, or of a purpose that is off.",
                                    (unsigned long)pending),
                           format_count((uint64_t)pending, text));
        if (media > 0)
                output_say(ctl,
                           ngettext("%s record of media is kept here: media is not sent yet.",
                                    "%s records of media are kept here: media is not sent yet.", (unsigned long)media),
                           format_count((uint64_t)media, text));
        if (parked > 0)
                output_say(ctl,
                           ngettext("%s record is parked: the store refused it, it is kept here.",
                                    "%s records are parked: the store refused them, they are kept here.",
                                    (unsigned long)parked),
                           format_count((uint64_t)parked, text));
}

/**
 * ctl_sync_now() - trailkeepctl sync now
 * @ctl:        options and bus
 *
 * Return: a CtlExit, other than CTL_EXIT_DONE said on stderr, CTL_EXIT_INCOMPLETE when the store or the network did not
 * take it; or -errno.
 */
int ctl_sync_now(Ctl *ctl) {
        _cleanup_json_ json_t *document = NULL;
        int outcome, r;

        outcome = flush(ctl);
        if (outcome != CTL_EXIT_DONE && outcome != CTL_EXIT_INCOMPLETE)
                return outcome;
        if (outcome == CTL_EXIT_INCOMPLETE && !ctl->options->is_json)
                return outcome;

        r = gather(ctl, &document);
        if (r != CTL_EXIT_DONE)
                return r;
        if (ctl->options->is_json) {
                r = output_json(document);
                return r < 0 ? r : outcome;
        }

        say_sent(ctl, json_object_get(document, "Lanes"));
        return outcome;
}
