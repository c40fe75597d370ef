/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Waiting for the daemon on an event loop, by its signals.
 */
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "client.h"

typedef struct Wait Wait;

/* A change was announced; the message is at its beginning. Called on the loop. */
typedef void (*WaitChanged)(sd_bus_message *signal, void *userdata);
/* The daemon came or went. */
typedef void (*WaitDaemon)(bool is_there, void *userdata);

typedef struct WaitObserver {
        WaitChanged changed; /* PropertiesChanged and Consent1.Changed of any object of the daemon */
        WaitDaemon daemon;   /* NULL: when it goes, wait_run() ends with CTL_EXIT_ABSENT, said on stderr */
        void *userdata;
} WaitObserver;

int wait_new(Ctl *ctl, const WaitObserver *observer, Wait **ret) _must_check_; /* signals are counted from here on */
Wait *wait_free(Wait *wait);
DEFINE_CLEANUP(Wait, wait_free);
int wait_run(Wait *wait) _must_check_; /* until wait_end(); its value, or why it ended otherwise */
void wait_end(Wait *wait, int result); /* a CtlExit or -errno */

/* A method called without waiting for it; failed calls are explained and end the loop. */
typedef void (*WaitReply)(const json_t *reply, void *userdata);
int wait_call(Wait *wait, sd_bus_message *method, uint64_t timeout_usec, WaitReply reply, void *userdata) _must_check_;
