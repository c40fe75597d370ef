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
#include "macros.h"

typedef struct Worker Worker;

/* A job is the head of a larger struct of its owner. run() is called on the thread, done() later on the loop; done()
 * owns the job and frees it. With done() NULL the worker calls discard() on the loop. */
typedef struct WorkerJob WorkerJob;
struct WorkerJob {
        void (*run)(WorkerJob *job, void *context);
        void (*done)(WorkerJob *job);
        WorkerJob *next;
};

typedef struct WorkerIdle {
        /* Called on the thread when the deadline it last returned has passed or after each job; returns the next
         * deadline on CLOCK_BOOTTIME in µs, USEC_INFINITY for none. */
        uint64_t (*tick)(void *context);
} WorkerIdle;

enum { WORKER_E_FULL = 1 };

int worker_new(sd_event *event, const char *name, size_t queue_max, WorkerIdle idle, void *context, Worker **ret) _must_check_;
int worker_submit(Worker *worker, WorkerJob *job) _must_check_; /* 0: taken; WORKER_E_FULL: still the caller's */
int worker_post(Worker *worker, WorkerJob *job) _must_check_;   /* from the thread: only done() is called, on the loop */
size_t worker_queued(const Worker *worker);
Worker *worker_free(Worker *worker); /* runs what is queued, joins, then calls every done() */
DEFINE_CLEANUP(Worker, worker_free);
