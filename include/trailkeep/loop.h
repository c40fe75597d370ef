/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The main loop: sd-event with SIGTERM and SIGINT, the systemd watchdog, and one-shot timers on CLOCK_BOOTTIME. Only
 * calls that libelogind 246 has too. Floor 1.
 */
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>
#include "macros.h"

int loop_new(sd_event **ret_event) _must_check_;  /* default loop of the thread; signals blocked and watched */

typedef struct Timer Timer; /* one shot; freeing it cancels; the callback may arm or free it */
typedef void (*TimerCallback)(void *userdata);

int timer_new(sd_event *event, TimerCallback callback, void *userdata, Timer **ret) _must_check_;
int timer_arm_in(Timer *timer, uint64_t delay_usec, uint64_t accuracy_usec) _must_check_; /* replaces an armed one */
void timer_disarm(Timer *timer);
bool timer_is_armed(const Timer *timer);
Timer *timer_free(Timer *timer);
DEFINE_CLEANUP(Timer, timer_free);
