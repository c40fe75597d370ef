/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One thread that does what may stall, so that the loop does not. Floor 1.
 *
 *   loop:    worker_submit() -> [queue, bounded] -> thread: run() -> [finished] -> eventfd -> loop: done()
 *   thread:                                                worker_post() -^
 *
 * One mutex guards everything both sides see. Jobs keep their order on the whole way. The thread sleeps on a condition
 * variable; it wakes for a job, for the deadline that tick() returned, or to end, and for nothing else.
 *
 * A deadline is on CLOCK_BOOTTIME, but threads can wait on CLOCK_MONOTONIC only, which stands still in suspend. So
 * after a suspend a tick comes late by up to its remaining wait. Nothing here needs to be earlier than that: while the
 * machine sleeps nothing happens that a tick would have to follow.
 *
 * done() may free the worker. worker_free() then has delivered all other completions itself, and the delivery that
 * called done() must not touch the worker again: it finds that out through a flag of its own stack frame.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "trailkeep/worker.h"

#define THREAD_NAME_MAX 16 /* with the 0, pthread_setname_np(3) */

typedef struct JobList {
        WorkerJob *first, *last;
        size_t n;
} JobList;

struct Worker {
        /* set before the thread starts, then only read */
        sd_event_source *source;
        int wake_fd;
        size_t queue_max;
        WorkerIdle idle;
        void *context;
        pthread_t thread;
        /* the loop's alone */
        bool has_thread;
        bool *ret_freed; /* where the delivery under way looks whether its worker is gone; NULL: none is under way */
        /* guarded by the mutex */
        pthread_mutex_t mutex;
        pthread_cond_t wake;
        JobList queued;
        JobList finished;
        bool is_running; /* a job was taken from the queue and its run() has not returned */
        bool is_stopping;
};

static void list_push(JobList *list, WorkerJob *job) {
        job->next = NULL;
        if (list->last)
                list->last->next = job;
        else
                list->first = job;
        list->last = job;
        list->n++;
}

static WorkerJob *list_pop(JobList *list) {
        WorkerJob *job = list->first;

        if (!job)
                return NULL;
        list->first = job->next;
        if (!list->first)
                list->last = NULL;
        list->n--;
        job->next = NULL;
        return job;
}

/* pthread's mutex calls fail only for a mutex that is not one, or not ours: never here. */
static void worker_lock(Worker *worker) {
        (void)pthread_mutex_lock(&worker->mutex);
}

static void worker_unlock(Worker *worker) {
        (void)pthread_mutex_unlock(&worker->mutex);
}

/* Hands a job to the loop. The mutex is held. */
static void worker_finish(Worker *worker, WorkerJob *job) {
        static const uint64_t one = 1;
        ssize_t n;

        list_push(&worker->finished, job);
        do
                n = write(worker->wake_fd, &one, sizeof(one));
        while (n < 0 && errno == EINTR);
        /* Any other failure means that the counter is full, and then the loop is woken anyway. */
}

static uint64_t worker_tick(Worker *worker) {
        return worker->idle.tick ? worker->idle.tick(worker->context) : USEC_INFINITY;
}

/* Sleeps until there is a job, the end, or the deadline. The mutex is held. Returns whether the deadline has passed. */
static bool worker_sleep(Worker *worker, uint64_t deadline_usec) {
        while (!worker->queued.first && !worker->is_stopping) {
                struct timespec until;
                uint64_t now_usec;

                if (deadline_usec == USEC_INFINITY) {
                        (void)pthread_cond_wait(&worker->wake, &worker->mutex); /* fails as little as the mutex */
                        continue;
                }
                now_usec = clock_boottime_usec(worker->idle.clock);
                if (now_usec >= deadline_usec)
                        return true;
                clock_monotonic_after(deadline_usec - now_usec, &until);
                /* Whether time is up is asked of the clock, not of the result. */
                (void)pthread_cond_timedwait(&worker->wake, &worker->mutex, &until);
        }
        return false;
}

static void worker_run_job(Worker *worker, WorkerJob *job) {
        worker->is_running = true;
        worker_unlock(worker);
        job->run(job, worker->context);
        worker_lock(worker);
        worker->is_running = false;
        worker_finish(worker, job);
}

static void *worker_main(void *userdata) {
        Worker *worker = userdata;
        uint64_t deadline_usec = USEC_INFINITY;

        worker_lock(worker);
        for (;;) {
                bool is_due = worker_sleep(worker, deadline_usec);
                WorkerJob *job = list_pop(&worker->queued);

                if (!job && !is_due)
                        break; /* stopping, and the queue is empty */
                if (job)
                        worker_run_job(worker, job);
                worker_unlock(worker);
                deadline_usec = worker_tick(worker);
                worker_lock(worker);
        }
        worker_unlock(worker);
        return NULL;
}

static WorkerJob *worker_take_finished(Worker *worker) {
        WorkerJob *job;

        worker_lock(worker);
        job = list_pop(&worker->finished);
        worker_unlock(worker);
        return job;
}

/* Delivers what was finished when it is called, so that a busy thread cannot keep the loop here. */
static int worker_on_wake(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        Worker *worker = userdata;
        bool is_freed = false;
        uint64_t counter;
        size_t n;

        /* Reset before the list is looked at: what is finished from here on sets it again. The list counts, not it. */
        if (read(fd, &counter, sizeof(counter)) < 0 && errno != EAGAIN && errno != EINTR)
                return -errno;
        worker_lock(worker);
        n = worker->finished.n;
        worker_unlock(worker);

        worker->ret_freed = &is_freed;
        for (; n > 0; n--) {
                WorkerJob *job = worker_take_finished(worker);

                if (!job)
                        break;
                job->done(job);
                if (is_freed)
                        return 0;
        }
        worker->ret_freed = NULL;
        return 0;
}

static int worker_init_locks(Worker *worker) {
        pthread_condattr_t attributes;
        int r;

        r = pthread_mutex_init(&worker->mutex, NULL);
        if (r != 0)
                return -r;
        r = pthread_condattr_init(&attributes);
        if (r == 0) {
                r = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
                if (r == 0)
                        r = pthread_cond_init(&worker->wake, &attributes);
                (void)pthread_condattr_destroy(&attributes); /* was initialised above */
        }
        if (r != 0)
                (void)pthread_mutex_destroy(&worker->mutex); /* was initialised above, and nobody holds it */
        return -r;
}

static int worker_start_thread(Worker *worker, const char *name) {
        char short_name[THREAD_NAME_MAX];
        sigset_t all, before;
        int r;

        /* Signals belong to the loop. */
        (void)sigfillset(&all); /* cannot fail */
        r = pthread_sigmask(SIG_SETMASK, &all, &before);
        if (r != 0)
                return -r;
        r = pthread_create(&worker->thread, NULL, worker_main, worker);
        worker->has_thread = r == 0;
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL); /* a mask that was valid a moment ago */
        if (r != 0)
                return -r;

        (void)stpncpy(short_name, name, sizeof(short_name) - 1);
        short_name[sizeof(short_name) - 1] = 0;
        /* For ps(1) only. */
        (void)pthread_setname_np(worker->thread, short_name);
        return 0;
}

/**
 * worker_new() - start a thread
 * @event:      loop on which done() is called
 * @name:       of the thread, cut off at 15 bytes
 * @queue_max:  how many jobs may wait or run at once, at least 1
 * @idle:       what the thread does between jobs; the first tick() follows the first job
 * @context:    handed to run() and tick(); the thread's alone while the worker lives
 * @ret:        owned by the caller; untouched on failure
 *
 * Return: 0; -ENOMEM; -errno of eventfd(2), sd-event and pthread_create(3).
 */
int worker_new(sd_event *event, const char *name, size_t queue_max, WorkerIdle idle, void *context, Worker **ret) {
        _cleanup_(worker_freep) Worker *worker = NULL;
        int r;

        worker = calloc(1, sizeof(*worker));
        if (!worker)
                return -ENOMEM;
        worker->queue_max = queue_max;
        worker->idle = idle;
        if (!worker->idle.clock)
                worker->idle.clock = &clock_system;
        worker->context = context;
        worker->wake_fd = -1;
        r = worker_init_locks(worker);
        if (r < 0) {
                free(TAKE_PTR(worker));
                return r;
        }
        worker->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (worker->wake_fd < 0)
                return -errno;
        r = sd_event_add_io(event, &worker->source, worker->wake_fd, EPOLLIN, worker_on_wake, worker);
        if (r < 0)
                return r;
        r = worker_start_thread(worker, name);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(worker);
        return 0;
}

/**
 * worker_submit() - have a job done on the thread
 * @worker:     called on the loop
 * @job:        the worker's until its done() is called; still the caller's unless 0 is returned
 *
 * Return: 0; WORKER_E_FULL if as many jobs as allowed wait or run; -ESHUTDOWN if the worker is being freed.
 */
int worker_submit(Worker *worker, WorkerJob *job) {
        int r = 0;

        worker_lock(worker);
        if (worker->is_stopping)
                r = -ESHUTDOWN;
        else if (worker->queued.n + worker->is_running >= worker->queue_max)
                r = WORKER_E_FULL;
        else
                list_push(&worker->queued, job);
        worker_unlock(worker);
        if (r == 0)
                /* Behind the lock, or the thread would wake only to wait for it. Fails as little as the mutex. */
                (void)pthread_cond_signal(&worker->wake);
        return r;
}

/**
 * worker_post() - have done() called on the loop, from within run() or tick()
 * @worker:     called on its thread
 * @job:        the worker's until its done() is called; its run() is not called. Delivered before the job that runs.
 */
void worker_post(Worker *worker, WorkerJob *job) {
        worker_lock(worker);
        worker_finish(worker, job);
        worker_unlock(worker);
}

/**
 * worker_queued() - how many jobs wait or run
 * @worker:     borrowed
 *
 * Return: the number; those whose done() is due are not counted.
 */
size_t worker_queued(const Worker *worker) {
        Worker *w = (Worker *)worker; /* the lock does not change what the caller sees */
        size_t n;

        worker_lock(w);
        n = w->queued.n + w->is_running;
        worker_unlock(w);
        return n;
}

/**
 * worker_free() - end the thread and free the worker; also from within a done()
 * @worker:     or NULL
 *
 * Runs what is queued, waits for it, and calls every done() that is due before it returns; tick() is not called for the
 * end itself. A job submitted meanwhile by a done() is refused. Whoever owns both frees the worker before what its jobs
 * refer to. This is the one call that may block, and it belongs at the end of the program or of its module.
 *
 * Return: NULL.
 */
Worker *worker_free(Worker *worker) {
        WorkerJob *job;

        if (!worker)
                return NULL;
        worker_lock(worker);
        worker->is_stopping = true;
        (void)pthread_cond_signal(&worker->wake); /* fails as little as the mutex */
        worker_unlock(worker);
        if (worker->has_thread)
                (void)pthread_join(worker->thread, NULL); /* our thread, joined once */

        while ((job = worker_take_finished(worker)))
                job->done(job);

        if (worker->ret_freed)
                *worker->ret_freed = true;
        sd_event_source_disable_unref(worker->source);
        close_fdp(&worker->wake_fd);
        (void)pthread_cond_destroy(&worker->wake);   /* the thread is gone: nobody waits, nobody holds it */
        (void)pthread_mutex_destroy(&worker->mutex);
        free(worker);
        return NULL;
}
