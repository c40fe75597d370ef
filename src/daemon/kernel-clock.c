/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel's clock as a source of true time. Floor 6: of all modules only this one asks the kernel.
 *
 * adjtimex(2) tells whether some program (chrony, ntpd, systemd-timesyncd) keeps the clock synchronised, and how far off
 * it says it can be; not which program, and from what. Setting the clock by hand ends it. A timer on CLOCK_REALTIME
 * with TFD_TIMER_CANCEL_ON_SET, which systemd uses for the same, tells when the clock was set. That it became
 * synchronised without a step nobody tells: it is asked along with other news.
 */
#include <errno.h>
#include <sys/timerfd.h>
#include <sys/timex.h>
#include <unistd.h>

#include "kernel-clock.h"

struct KernelClock {
        sd_event_source *source;
        int fd;
        KernelClockSet set;
        void *userdata;
};

/* Never due: all that happens to it is that it is cancelled. */
static int arm(int fd) {
        static const struct itimerspec never = { .it_value.tv_sec = INT64_MAX };

        return timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL) < 0 ? -errno : 0;
}

static int on_set(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        KernelClock *clock = userdata;
        uint64_t n;

        /* -ECANCELED is the news; without any there is nothing to do. */
        if (read(fd, &n, sizeof(n)) < 0 && errno == EAGAIN)
                return 0;
        if (arm(fd) < 0)
                (void)sd_event_source_set_enabled(source, SD_EVENT_OFF); /* no news any more; it is asked all the same */
        clock->set(clock->userdata);
        return 0;
}

/**
 * kernel_clock_new() - be told when the clock is set
 * @event:      loop; a reference is kept
 * @set:        called on the loop each time, whoever set it and however far
 * @userdata:   for @set
 * @ret:        owned by the caller; untouched on failure
 *
 * Return: 0; -errno.
 */
int kernel_clock_new(sd_event *event, KernelClockSet set, void *userdata, KernelClock **ret) {
        _cleanup_(kernel_clock_freep) KernelClock *clock = calloc(1, sizeof(*clock));
        int r;

        if (!clock)
                return -ENOMEM;
        clock->set = set;
        clock->userdata = userdata;
        clock->fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
        if (clock->fd < 0)
                return -errno;
        r = arm(clock->fd);
        if (r < 0)
                return r;
        r = sd_event_add_io(event, &clock->source, clock->fd, EPOLLIN, on_set, clock);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(clock);
        return 0;
}

/**
 * kernel_clock_free() - no news any more
 * @clock:      or NULL
 *
 * Return: NULL.
 */
KernelClock *kernel_clock_free(KernelClock *clock) {
        if (!clock)
                return NULL;
        sd_event_source_disable_unref(clock->source);
        close_fdp(&clock->fd);
        free(clock);
        return NULL;
}

/**
 * kernel_clock_is_synchronised() - whether somebody keeps the clock right, as the kernel knows it
 * @ret_uncertainty_usec: how far off it can be, in µs; untouched when false is returned
 *
 * Return: whether it is; false as well where the question is forbidden.
 */
bool kernel_clock_is_synchronised(uint64_t *ret_uncertainty_usec) {
        struct timex timex = { 0 };
        int state = adjtimex(&timex);

        if (state < 0 || state == TIME_ERROR || timex.maxerror < 0)
                return false;
        *ret_uncertainty_usec = (uint64_t)timex.maxerror;
        return true;
}
