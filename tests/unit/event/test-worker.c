/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The worker thread: order, bounds, ticks, and being freed in every situation. Whatever the thread does is counted by
 * its jobs' owners and checked on the loop; the loop runs until what is waited for has happened, with a deadline.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include "trailkeep/worker.h"

#define DEADLINE_USEC (20 * USEC_PER_SEC)

typedef struct Scene {
        sd_event *event;
        Worker *worker;
        unsigned n_done;
        unsigned order[256];      /* numbers of the jobs in the order of their done() */
        pthread_t loop_thread;
        bool was_off_loop;        /* a done() ran elsewhere */
        /* the thread's, read after worker_free() or under the semaphore */
        sem_t hold;               /* run() of a held job waits here */
        unsigned n_ticks;
        uint64_t next_deadline_usec;
        uint64_t fake_usec;       /* of the fake clock; atomic */
} Scene;

typedef struct Job {
        WorkerJob job;
        Scene *scene;
        unsigned number;
        bool is_held;
        bool has_run;
        bool frees_worker;
        bool posts;
        bool resubmits;
} Job;

static void job_done(WorkerJob *base) {
        Job *job = (Job *)base;
        Scene *scene = job->scene;

        scene->was_off_loop |= !pthread_equal(pthread_self(), scene->loop_thread);
        assert_true(scene->n_done < ELEMENTSOF(scene->order));
        scene->order[scene->n_done++] = job->number;
        if (job->resubmits) {
                WorkerJob other = { 0 };

                job->resubmits = false;
                assert_int_equal(worker_submit(scene->worker, &other), -ESHUTDOWN);
        }
        if (job->frees_worker)
                scene->worker = worker_free(scene->worker);
        free(job);
}

static void job_posted_done(WorkerJob *base) {
        Job *job = (Job *)base;

        assert_false(job->has_run);
        job_done(base);
}

static Job *job_new(Scene *scene, unsigned number);

static void job_run(WorkerJob *base, void *context) {
        Job *job = (Job *)base;

        job->has_run = true;
        if (job->is_held)
                while (sem_wait(&job->scene->hold) < 0)
                        ;
        if (job->posts) {
                Job *posted = job_new(job->scene, job->number + 1000);

                posted->job.done = job_posted_done;
                worker_post(job->scene->worker, &posted->job);
        }
}

static Job *job_new(Scene *scene, unsigned number) {
        Job *job = calloc(1, sizeof(*job));

        assert_non_null(job);
        *job = (Job){ .job = { .run = job_run, .done = job_done }, .scene = scene, .number = number };
        return job;
}

static uint64_t fake_boottime_usec(void *userdata) {
        Scene *scene = userdata;

        return __atomic_load_n(&scene->fake_usec, __ATOMIC_SEQ_CST);
}

static int scene_start(Scene *scene, size_t queue_max, WorkerIdle idle) {
        scene->loop_thread = pthread_self();
        scene->next_deadline_usec = USEC_INFINITY;
        assert_int_equal(sem_init(&scene->hold, 0, 0), 0);
        assert_return_code(sd_event_new(&scene->event), 0);
        return worker_new(scene->event, "test-worker-with-a-long-name", queue_max, idle, scene, &scene->worker);
}

static void scene_stop(Scene *scene) {
        scene->worker = worker_free(scene->worker);
        scene->event = sd_event_unref(scene->event);
        assert_false(scene->was_off_loop);
        sem_destroy(&scene->hold);
}

static void submit(Scene *scene, Job *job) {
        assert_int_equal(worker_submit(scene->worker, &job->job), 0);
}

static void run_until_done(Scene *scene, unsigned n) {
        uint64_t end_usec = clock_boottime_usec(&clock_system) + DEADLINE_USEC;

        while (scene->n_done < n) {
                assert_true(clock_boottime_usec(&clock_system) < end_usec);
                assert_return_code(sd_event_run(scene->event, DEADLINE_USEC), 0);
        }
}

static void test_completions_come_on_the_loop_in_order(void **state) {
        Scene scene = { 0 };

        assert_int_equal(scene_start(&scene, 200, (WorkerIdle){ 0 }), 0);
        for (unsigned i = 0; i < 200; i++)
                submit(&scene, job_new(&scene, i));
        run_until_done(&scene, 200);
        for (unsigned i = 0; i < 200; i++)
                assert_int_equal(scene.order[i], i);
        assert_int_equal(worker_queued(scene.worker), 0);
        scene_stop(&scene);
}

static void test_every_completion_wakes_the_loop(void **state) {
        Scene scene = { 0 };

        assert_int_equal(scene_start(&scene, 2, (WorkerIdle){ 0 }), 0);
        for (unsigned i = 0; i < 200; i++) {
                submit(&scene, job_new(&scene, i));
                run_until_done(&scene, i + 1);
        }
        scene_stop(&scene);
}

static void test_full_queue_is_refused_and_the_job_stays_the_callers(void **state) {
        Scene scene = { 0 };
        Job *extra;

        assert_int_equal(scene_start(&scene, 2, (WorkerIdle){ 0 }), 0);
        for (unsigned i = 0; i < 2; i++) {
                Job *job = job_new(&scene, i);

                job->is_held = true;
                submit(&scene, job);
        }
        extra = job_new(&scene, 2);
        assert_int_equal(worker_submit(scene.worker, &extra->job), WORKER_E_FULL);
        assert_int_equal(worker_queued(scene.worker), 2);
        sem_post(&scene.hold);
        run_until_done(&scene, 1);
        submit(&scene, extra);
        sem_post(&scene.hold);
        run_until_done(&scene, 3);
        scene_stop(&scene);
}

static void test_free_runs_what_is_queued_and_delivers_it(void **state) {
        Scene scene = { 0 };

        assert_int_equal(scene_start(&scene, 50, (WorkerIdle){ 0 }), 0);
        for (unsigned i = 0; i < 50; i++)
                submit(&scene, job_new(&scene, i));
        scene.worker = worker_free(scene.worker);
        assert_int_equal(scene.n_done, 50);
        assert_int_equal(scene.order[49], 49);
        scene_stop(&scene);
}

static void test_done_may_free_the_worker(void **state) {
        Scene scene = { 0 };
        Job *killer;

        assert_int_equal(scene_start(&scene, 50, (WorkerIdle){ 0 }), 0);
        submit(&scene, job_new(&scene, 0));
        killer = job_new(&scene, 1);
        killer->frees_worker = true;
        submit(&scene, killer);
        for (unsigned i = 2; i < 20; i++)
                submit(&scene, job_new(&scene, i));
        run_until_done(&scene, 20);
        assert_null(scene.worker);
        for (unsigned i = 0; i < 20; i++)
                assert_int_equal(scene.order[i], i);
        scene_stop(&scene);
}

static void test_submit_is_refused_while_freeing(void **state) {
        Scene scene = { 0 };
        Job *job;

        assert_int_equal(scene_start(&scene, 2, (WorkerIdle){ 0 }), 0);
        job = job_new(&scene, 0);
        job->resubmits = true;
        submit(&scene, job);
        /* Not scene_stop() first: done() must still find the worker in the scene. */
        worker_free(scene.worker);
        scene.worker = NULL;
        assert_int_equal(scene.n_done, 1);
        scene_stop(&scene);
}

static void test_posted_jobs_come_before_the_job_that_posts(void **state) {
        Scene scene = { 0 };
        Job *job;

        assert_int_equal(scene_start(&scene, 2, (WorkerIdle){ 0 }), 0);
        job = job_new(&scene, 7);
        job->posts = true;
        job->is_held = true; /* until scene.worker is surely visible to the thread */
        submit(&scene, job);
        sem_post(&scene.hold);
        run_until_done(&scene, 2);
        assert_int_equal(scene.order[0], 1007);
        assert_int_equal(scene.order[1], 7);
        scene_stop(&scene);
}

#define TICK_DUE_USEC 6000

/* Asks to be called at TICK_DUE_USEC of the fake clock, and then posts a job. */
static uint64_t tick(void *context) {
        Scene *scene = context;

        scene->n_ticks++;
        if (scene->next_deadline_usec == USEC_INFINITY) {
                scene->next_deadline_usec = TICK_DUE_USEC;
        } else if (fake_boottime_usec(scene) >= scene->next_deadline_usec) {
                Job *posted = job_new(scene, 99);

                posted->job.done = job_posted_done;
                scene->next_deadline_usec = USEC_INFINITY - 1;
                worker_post(scene->worker, &posted->job);
        }
        return scene->next_deadline_usec;
}

static void test_tick_follows_its_deadline(void **state) {
        Scene scene = { 0 };
        const Clock clock = { .boottime_usec = fake_boottime_usec, .userdata = &scene };

        scene.fake_usec = 5000;
        assert_int_equal(scene_start(&scene, 4, (WorkerIdle){ .tick = tick, .clock = &clock }), 0);
        submit(&scene, job_new(&scene, 1));
        run_until_done(&scene, 1);
        /* The thread looks at the fake clock again when as much real time has passed as there seemed to be left. */
        __atomic_store_n(&scene.fake_usec, TICK_DUE_USEC, __ATOMIC_SEQ_CST);
        run_until_done(&scene, 2);
        assert_int_equal(scene.order[1], 99);
        scene.worker = worker_free(scene.worker);
        assert_int_equal(scene.n_ticks, 2);
        scene_stop(&scene);
}

static void test_tick_follows_each_job_and_nothing_else(void **state) {
        Scene scene = { 0 };
        const Clock clock = { .boottime_usec = fake_boottime_usec, .userdata = &scene };

        scene.fake_usec = 5000;
        assert_int_equal(scene_start(&scene, 4, (WorkerIdle){ .tick = tick, .clock = &clock }), 0);
        scene.next_deadline_usec = USEC_INFINITY - 1;
        for (unsigned i = 0; i < 4; i++)
                submit(&scene, job_new(&scene, i));
        scene.worker = worker_free(scene.worker);
        assert_int_equal(scene.n_ticks, 4);
        scene_stop(&scene);
}

static uint64_t tick_system(void *context) {
        Scene *scene = context;

        if (scene->n_ticks++ == 0)
                return clock_boottime_usec(&clock_system) + 1000;
        Job *posted = job_new(scene, 99);

        posted->job.done = job_posted_done;
        worker_post(scene->worker, &posted->job);
        return USEC_INFINITY;
}

static void test_tick_without_a_clock_uses_the_kernels(void **state) {
        Scene scene = { 0 };

        assert_int_equal(scene_start(&scene, 4, (WorkerIdle){ .tick = tick_system }), 0);
        submit(&scene, job_new(&scene, 1));
        run_until_done(&scene, 2);
        assert_int_equal(scene.order[1], 99);
        scene_stop(&scene);
}

static void test_free_without_a_job_and_of_nothing(void **state) {
        Scene scene = { 0 };

        assert_null(worker_free(NULL));
        assert_int_equal(scene_start(&scene, 1, (WorkerIdle){ 0 }), 0);
        assert_int_equal(worker_queued(scene.worker), 0);
        scene_stop(&scene);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_completions_come_on_the_loop_in_order),
                cmocka_unit_test(test_every_completion_wakes_the_loop),
                cmocka_unit_test(test_full_queue_is_refused_and_the_job_stays_the_callers),
                cmocka_unit_test(test_free_runs_what_is_queued_and_delivers_it),
                cmocka_unit_test(test_done_may_free_the_worker),
                cmocka_unit_test(test_submit_is_refused_while_freeing),
                cmocka_unit_test(test_posted_jobs_come_before_the_job_that_posts),
                cmocka_unit_test(test_tick_follows_its_deadline),
                cmocka_unit_test(test_tick_follows_each_job_and_nothing_else),
                cmocka_unit_test(test_tick_without_a_clock_uses_the_kernels),
                cmocka_unit_test(test_free_without_a_job_and_of_nothing),
        };

        return cmocka_run_group_tests_name("worker", tests, NULL, NULL);
}
