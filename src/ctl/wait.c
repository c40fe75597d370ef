/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Waiting for the daemon on an event loop: its signals, its coming and going, and the bus itself. Floor 6.
 *
 * Nothing is polled: matches are installed before anything is asked, so that no change between the question and the
 * wait is missed.
 */
#include "wait.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "i18n.h"
#include "terminal.h"

#define N_MATCHES 4

struct Wait {
        Ctl *ctl; /* borrowed */
        WaitObserver observer;
        sd_event *event;
        sd_bus_slot *matches[N_MATCHES];
        sd_bus_slot *call; /* at most one; a new call replaces it */
        WaitReply reply;
        void *reply_userdata;
        bool is_over;
        int result; /* once it is over */
};

/**
 * wait_end() - end wait_run() after this turn of the loop
 * @wait:       may be waiting or not; the first result holds
 * @result:     what wait_run() shall return, a CtlExit or -errno
 */
void wait_end(Wait *wait, int result) {
        if (wait->is_over)
                return;

        wait->is_over = true;
        wait->result = result;
}

static int on_changed(sd_bus_message *signal, void *userdata, _unused_ sd_bus_error *error) {
        Wait *wait = userdata;

        wait->observer.changed(signal, wait->observer.userdata);
        return 0;
}

static int on_owner_changed(sd_bus_message *signal, void *userdata, _unused_ sd_bus_error *error) {
        Wait *wait = userdata;
        const char *name, *before, *after;
        int r;

        r = sd_bus_message_read(signal, "sss", &name, &before, &after);
        if (r < 0) {
                wait_end(wait, r);
                return 0;
        }

        if (wait->observer.daemon)
                wait->observer.daemon(*after != '\0', wait->observer.userdata);
        else if (*after == '\0') {
                terminal_progress_end();
                ctl_complain(_("trailkeepd went away before it was done"));
                wait_end(wait, CTL_EXIT_ABSENT);
        }
        return 0;
}

static int on_disconnected(_unused_ sd_bus_message *signal, void *userdata, _unused_ sd_bus_error *error) {
        terminal_progress_end();
        ctl_complain(_("the connection to the bus broke"));
        wait_end(userdata, CTL_EXIT_ABSENT);
        return 0;
}

static int install_matches(Wait *wait) {
        sd_bus *bus = wait->ctl->bus;
        sd_bus_slot **slot = wait->matches;
        int r;

        r = sd_bus_match_signal(bus, slot++, "org.freedesktop.DBus.Local", "/org/freedesktop/DBus/Local",
                                "org.freedesktop.DBus.Local", "Disconnected", on_disconnected, wait);
        if (r < 0)
                return r;
        r = sd_bus_add_match(bus, slot++,
                             "type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',"
                             "interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='" CLIENT_NAME "'",
                             on_owner_changed, wait);
        if (r < 0)
                return r;
        r = sd_bus_match_signal(bus, slot++, CLIENT_NAME, NULL, CLIENT_PROPERTIES, "PropertiesChanged", on_changed,
                                wait);
        if (r < 0)
                return r;

        return sd_bus_match_signal(bus, slot, CLIENT_NAME, NULL, CLIENT_CONSENT, "Changed", on_changed, wait);
}

/**
 * wait_new() - take notice of the daemon's signals from now on
 * @ctl:        its bus; borrowed
 * @observer:   copied
 * @ret:        the caller's
 *
 * Return: 0 or -errno.
 */
int wait_new(Ctl *ctl, const WaitObserver *observer, Wait **ret) {
        _cleanup_(wait_freep) Wait *wait = calloc(1, sizeof(*wait));
        int r;

        if (!wait)
                return -ENOMEM;
        wait->ctl = ctl;
        wait->observer = *observer;

        r = sd_event_new(&wait->event);
        if (r < 0)
                return r;
        r = install_matches(wait);
        if (r < 0)
                return r;
        r = sd_bus_attach_event(ctl->bus, wait->event, SD_EVENT_PRIORITY_NORMAL);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(wait);
        return 0;
}

/**
 * wait_free() - take no more notice
 * @wait:       may be NULL; a call under way is forgotten, not undone
 *
 * Return: NULL.
 */
Wait *wait_free(Wait *wait) {
        if (!wait)
                return NULL;

        sd_bus_slot_unref(wait->call);
        for (size_t i = 0; i < N_MATCHES; i++)
                sd_bus_slot_unref(wait->matches[i]);
        (void)sd_bus_detach_event(wait->ctl->bus); /* fails only when it was never attached */
        sd_event_unref(wait->event);
        free(wait);
        return NULL;
}

static int on_reply(sd_bus_message *message, void *userdata, _unused_ sd_bus_error *error) {
        _cleanup_json_ json_t *reply = NULL;
        Wait *wait = userdata;
        int r;

        wait->call = sd_bus_slot_unref(wait->call);
        if (sd_bus_message_is_method_error(message, NULL)) {
                terminal_progress_end();
                wait_end(wait, client_explain(wait->ctl->options, sd_bus_message_get_error(message)));
                return 0;
        }

        r = bus_message_to_json(message, &reply);
        if (r < 0)
                wait_end(wait, r);
        else
                wait->reply(reply, wait->reply_userdata);
        return 0;
}

/**
 * wait_call() - call a method and go on
 * @wait:               a call still under way is forgotten
 * @method:             the call
 * @timeout_usec:       USEC_INFINITY: none
 * @reply:              called on the loop with the answer; an error ends the loop instead, said on stderr
 * @userdata:           for @reply
 *
 * Return: 0 or -errno.
 */
int wait_call(Wait *wait, sd_bus_message *method, uint64_t timeout_usec, WaitReply reply, void *userdata) {
        wait->call = sd_bus_slot_unref(wait->call);
        wait->reply = reply;
        wait->reply_userdata = userdata;

        return sd_bus_call_async(wait->ctl->bus, &wait->call, method, on_reply, wait, timeout_usec);
}

/**
 * wait_run() - wait
 * @wait:       what to wait with
 *
 * Return: what wait_end() was given; CTL_EXIT_ABSENT, said on stderr, when the daemon (unless observed) or the bus went
 * away; or -errno.
 */
int wait_run(Wait *wait) {
        /* Not sd_event_exit(): it would close the bus that is attached, and the verb may have more to ask. */
        while (!wait->is_over) {
                int r = sd_event_run(wait->event, USEC_INFINITY);

                if (r < 0)
                        return r;
        }

        return wait->result;
}
