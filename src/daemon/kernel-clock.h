/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Whether somebody synchronises the kernel's clock, and news when it is set.
 */
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>
#include "trailkeep/macros.h"

typedef struct KernelClock KernelClock;
typedef void (*KernelClockSet)(void *userdata);

int kernel_clock_new(sd_event *event, KernelClockSet set, void *userdata, KernelClock **ret) _must_check_;
KernelClock *kernel_clock_free(KernelClock *clock);
DEFINE_CLEANUP(KernelClock, kernel_clock_free);
bool kernel_clock_is_synchronised(uint64_t *ret_uncertainty_usec);
