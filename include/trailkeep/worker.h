/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * One thread with a bounded queue of jobs and completions that come back on the loop through an eventfd, in order. It
 * exists because an SD card can stall for seconds and the loop must not. Floor 1.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>
#include "clock.h"
#include "macros.h"

typedef struct Worker Worker;

/* A job is the head of a larger struct of its owner. run() is called on the thread, done() later on the loop; done()
 * owns the job and frees it; it may also free the worker. Neither is NULL, but for run() of a posted job. */
typedef struct WorkerJob WorkerJob;
struct WorkerJob {
        void (*run)(WorkerJob *job, void *context);
        void (*done)(WorkerJob *job);
        WorkerJob *next;
};

typedef struct WorkerIdle {
        /* Called on the thread when the deadline it last returned has passed and after each job; returns the next
         * deadline on CLOCK_BOOTTIME in µs, USEC_INFINITY for none. NULL: nothing to do when idle. */
        uint64_t (*tick)(void *context);
        const Clock *clock; /* that the deadlines are on; NULL: clock_system */
} WorkerIdle;

enum { WORKER_E_FULL = 1 };

int worker_new(sd_event *event, const char *name, size_t queue_max, WorkerIdle idle, void *context,
               Worker **ret) _must_check_;
int worker_submit(Worker *worker, WorkerJob *job) _must_check_; /* 0: taken; WORKER_E_FULL: still the caller's */
void worker_post(Worker *worker, WorkerJob *job); /* from the thread: only done() is called, on the loop */
size_t worker_queued(const Worker *worker);
Worker *worker_free(Worker *worker); /* runs what is queued, joins, then calls every done() */
DEFINE_CLEANUP(Worker, worker_free);
