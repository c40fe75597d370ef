/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The main loop and its timers. Floor 1.
 *
 * A Timer keeps one event source for its whole life and turns it on for one shot, so that arming again and again, which
 * is what a timeout does, costs no allocation and cannot fail half-way.
 *
 * Timers are on CLOCK_BOOTTIME, which goes on in suspend. Where a container or an old kernel has no timerfd for it,
 * sd-event says -EOPNOTSUPP and they fall back to CLOCK_MONOTONIC.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include "trailkeep/loop.h"

struct Timer {
        sd_event *event;
        sd_event_source *source;
        clockid_t clock;
        TimerCallback callback;
        void *userdata;
};

static int loop_add_exit_signal(sd_event *event, int signal_number) {
        /* No callback: sd-event leaves the loop with code 0. The source is the loop's own and goes with it. */
        int r = sd_event_add_signal(event, NULL, signal_number, NULL, NULL);

        return r < 0 ? r : 0;
}

/**
 * loop_new() - the loop of this thread, to be made once and before any other thread
 * @ret_event:  the default loop; the caller calls sd_event_unref(); untouched on failure
 *
 * Blocks SIGTERM and SIGINT, in threads started later too; either ends sd_event_loop() with 0. SIGPIPE is ignored: a
 * peer that hangs up is an error of the write. When systemd asks for it the loop feeds the watchdog.
 *
 * Return: 0; -EBUSY if this thread's loop already has those signals; -errno. On failure signals may stay blocked.
 */
int loop_new(sd_event **ret_event) {
        _cleanup_(sd_event_unrefp) sd_event *event = NULL;
        struct sigaction ignore = { .sa_handler = SIG_IGN };
        sigset_t signals;
        int r;

        /* sigemptyset() and sigaddset() cannot fail with constants. */
        (void)sigemptyset(&signals);
        (void)sigaddset(&signals, SIGTERM);
        (void)sigaddset(&signals, SIGINT);
        r = pthread_sigmask(SIG_BLOCK, &signals, NULL);
        if (r != 0)
                return -r;
        if (sigaction(SIGPIPE, &ignore, NULL) < 0)
                return -errno;

        r = sd_event_default(&event);
        if (r < 0)
                return r;
        r = loop_add_exit_signal(event, SIGTERM);
        if (r < 0)
                return r;
        r = loop_add_exit_signal(event, SIGINT);
        if (r < 0)
                return r;
        r = sd_event_set_watchdog(event, true);
        if (r < 0)
                return r;

        *ret_event = TAKE_PTR(event);
        return 0;
}

/* The callback may free the timer: nothing of it is touched afterwards. */
static int timer_on_time(sd_event_source *source, uint64_t usec, void *userdata) {
        Timer *timer = userdata;

        timer->callback(timer->userdata);
        return 0;
}

static int timer_add_source(Timer *timer) {
        static const clockid_t clocks[] = { CLOCK_BOOTTIME, CLOCK_MONOTONIC };
        int r = -EOPNOTSUPP;

        for (size_t i = 0; i < ELEMENTSOF(clocks) && r == -EOPNOTSUPP; i++) {
                timer->clock = clocks[i];
                r = sd_event_add_time(timer->event, &timer->source, clocks[i], 0, 0, timer_on_time, timer);
        }
        return r < 0 ? r : sd_event_source_set_enabled(timer->source, SD_EVENT_OFF);
}

/**
 * timer_new() - a timer that is not armed yet
 * @event:      loop; a reference is kept
 * @callback:   called on the loop, once for each time it was armed; it may arm or free the timer
 * @userdata:   for @callback
 * @ret:        owned by the caller; untouched on failure
 *
 * Return: 0; -ENOMEM; -errno of sd_event_add_time(3).
 */
int timer_new(sd_event *event, TimerCallback callback, void *userdata, Timer **ret) {
        _cleanup_(timer_freep) Timer *timer = NULL;
        int r;

        timer = calloc(1, sizeof(*timer));
        if (!timer)
                return -ENOMEM;
        timer->event = sd_event_ref(event);
        timer->callback = callback;
        timer->userdata = userdata;
        r = timer_add_source(timer);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(timer);
        return 0;
}

/**
 * timer_arm_in() - have the callback called once, later
 * @timer:          an earlier arming is replaced
 * @delay_usec:     from the beginning of this turn of the loop, in µs; USEC_INFINITY: never
 * @accuracy_usec:  how much later will do, in µs, so that wake-ups can be shared; 0: sd-event's 250 ms
 *
 * Return: 0; -errno of sd-event. On failure the timer is not armed.
 */
int timer_arm_in(Timer *timer, uint64_t delay_usec, uint64_t accuracy_usec) {
        uint64_t now_usec, due_usec;
        int r;

        timer_disarm(timer);
        if (delay_usec == USEC_INFINITY)
                return 0;
        r = sd_event_now(timer->event, timer->clock, &now_usec);
        if (r < 0)
                return r;
        if (__builtin_add_overflow(now_usec, delay_usec, &due_usec))
                due_usec = USEC_INFINITY - 1;
        r = sd_event_source_set_time(timer->source, due_usec);
        if (r < 0)
                return r;
        r = sd_event_source_set_time_accuracy(timer->source, accuracy_usec);
        if (r < 0)
                return r;
        return sd_event_source_set_enabled(timer->source, SD_EVENT_ONESHOT);
}

/**
 * timer_disarm() - take back an arming; the callback is not called
 * @timer:      armed or not
 */
void timer_disarm(Timer *timer) {
        /* Fails only for a source of another process: after a fork without exec there is no loop to disturb. */
        (void)sd_event_source_set_enabled(timer->source, SD_EVENT_OFF);
}

/**
 * timer_is_armed() - whether the callback is still to be called
 * @timer:      borrowed
 *
 * Return: false as well from within the callback, until it is armed again.
 */
bool timer_is_armed(const Timer *timer) {
        return sd_event_source_get_enabled(timer->source, NULL) > 0;
}

/**
 * timer_free() - cancel and free a timer; also from within its callback
 * @timer:      or NULL
 *
 * Return: NULL.
 */
Timer *timer_free(Timer *timer) {
        if (!timer)
                return NULL;
        /* Disabled too: while it is being dispatched newer loops hold a reference of their own. */
        sd_event_source_disable_unref(timer->source);
        sd_event_unref(timer->event);
        free(timer);
        return NULL;
}
