/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * True time: the clocks that are asked for it, the estimator, and who needs to know.
 */
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>
#include "trailkeep/clock.h"
#include "trailkeep/http.h"
#include "trailkeep/journal.h"
#include "trailkeep/macros.h"
#include "trailkeep/truetime.h"

typedef struct Truth Truth;

typedef struct TruthOptions {
        const Clock *clock;
        Journal *journal;            /* must outlive it */
        bool has_independent_kernel; /* what synchronises the kernel's clock is not this box's receiver */
        void (*changed)(void *userdata); /* what is proven, or who is held off; may be called before truth_new() returns */
        void *userdata;
} TruthOptions;

int truth_new(sd_event *event, const TruthOptions *options, Truth **ret) _must_check_;
Truth *truth_free(Truth *truth);
DEFINE_CLEANUP(Truth, truth_free);
int truth_start(Truth *truth) _must_check_; /* once the ledger is replayed */

void truth_hear_receiver(Truth *truth, int64_t time_ms);
void truth_hear_kernel(Truth *truth);
HttpClock truth_http_clock(Truth *truth);
const TrueTime *truth_estimate(const Truth *truth);
