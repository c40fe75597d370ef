/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The loop's signals and its one-shot timers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>
#include "trailkeep/loop.h"

typedef struct Scene {
        sd_event *event;
        Timer *timer;
        unsigned n_fired;
        unsigned rearm; /* how often the callback arms its timer again */
        bool frees;
} Scene;

static void on_time(void *userdata) {
        Scene *scene = userdata;

        scene->n_fired++;
        assert_false(timer_is_armed(scene->timer));
        if (scene->frees) {
                scene->timer = timer_free(scene->timer);
        } else if (scene->rearm > 0) {
                scene->rearm--;
                assert_int_equal(timer_arm_in(scene->timer, 100, 1), 0);
        }
}

static int setup(void **state) {
        Scene *scene = calloc(1, sizeof(*scene));

        assert_non_null(scene);
        assert_int_equal(loop_new(&scene->event), 0);
        assert_int_equal(timer_new(scene->event, on_time, scene, &scene->timer), 0);
        *state = scene;
        return 0;
}

static int teardown(void **state) {
        Scene *scene = *state;

        timer_free(scene->timer);
        sd_event_unref(scene->event);
        free(scene);
        return 0;
}

/* Runs until the timer has fired so often, at most ten seconds for each turn. */
static void run_until_fired(Scene *scene, unsigned n) {
        while (scene->n_fired < n)
                assert_int_not_equal(sd_event_run(scene->event, 10 * USEC_PER_SEC), 0);
}

static void test_timer_fires_once(void **state) {
        Scene *scene = *state;

        assert_false(timer_is_armed(scene->timer));
        assert_int_equal(timer_arm_in(scene->timer, 1000, 1), 0);
        assert_true(timer_is_armed(scene->timer));
        run_until_fired(scene, 1);
        assert_false(timer_is_armed(scene->timer));
        assert_int_equal(sd_event_run(scene->event, 0), 0);
        assert_int_equal(scene->n_fired, 1);
}

static void test_arming_again_replaces(void **state) {
        Scene *scene = *state;

        assert_int_equal(timer_arm_in(scene->timer, 0, 1), 0);
        assert_int_equal(timer_arm_in(scene->timer, USEC_PER_HOUR, 1), 0);
        assert_int_equal(sd_event_run(scene->event, 0), 0);
        assert_int_equal(scene->n_fired, 0);
        assert_int_equal(timer_arm_in(scene->timer, 0, 1), 0);
        run_until_fired(scene, 1);
}

static void test_disarmed_does_not_fire(void **state) {
        Scene *scene = *state;

        timer_disarm(scene->timer);
        assert_int_equal(timer_arm_in(scene->timer, 0, 1), 0);
        timer_disarm(scene->timer);
        assert_false(timer_is_armed(scene->timer));
        assert_int_equal(sd_event_run(scene->event, 0), 0);
        assert_int_equal(scene->n_fired, 0);
}

static void test_infinity_is_never(void **state) {
        Scene *scene = *state;

        assert_int_equal(timer_arm_in(scene->timer, 0, 1), 0);
        assert_int_equal(timer_arm_in(scene->timer, USEC_INFINITY, 1), 0);
        assert_false(timer_is_armed(scene->timer));
        assert_int_equal(timer_arm_in(scene->timer, USEC_INFINITY - 1, 1), 0);
        assert_true(timer_is_armed(scene->timer));
        assert_int_equal(sd_event_run(scene->event, 0), 0);
}

static void test_callback_may_arm_again(void **state) {
        Scene *scene = *state;

        scene->rearm = 3;
        assert_int_equal(timer_arm_in(scene->timer, 0, 1), 0);
        run_until_fired(scene, 4);
        assert_false(timer_is_armed(scene->timer));
}

static void test_callback_may_free_the_timer(void **state) {
        Scene *scene = *state;

        scene->frees = true;
        assert_int_equal(timer_arm_in(scene->timer, 0, 1), 0);
        run_until_fired(scene, 1);
        assert_null(scene->timer);
        assert_int_equal(sd_event_run(scene->event, 0), 0);
}

static void test_signal_ends_the_loop(void **state) {
        static const int signals[] = { SIGTERM, SIGINT };
        Scene *scene = *state;

        for (size_t i = 0; i < ELEMENTSOF(signals); i++) {
                /* Each on a loop of its own: one that has ended stays so. */
                scene->timer = timer_free(scene->timer);
                scene->event = sd_event_unref(scene->event);
                assert_int_equal(loop_new(&scene->event), 0);
                assert_int_equal(pthread_kill(pthread_self(), signals[i]), 0);
                assert_int_equal(sd_event_loop(scene->event), 0);
        }
}

static void test_second_loop_of_a_thread_is_refused(void **state) {
        sd_event *second = NULL;

        assert_int_equal(loop_new(&second), -EBUSY);
        assert_null(second);
}

static void test_broken_pipe_is_an_error_and_no_signal(void **state) {
        int fds[2];

        assert_int_equal(pipe(fds), 0);
        close(fds[0]);
        assert_int_equal(write(fds[1], "x", 1), -1);
        assert_int_equal(errno, EPIPE);
        close(fds[1]);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_timer_fires_once, setup, teardown),
                cmocka_unit_test_setup_teardown(test_arming_again_replaces, setup, teardown),
                cmocka_unit_test_setup_teardown(test_disarmed_does_not_fire, setup, teardown),
                cmocka_unit_test_setup_teardown(test_infinity_is_never, setup, teardown),
                cmocka_unit_test_setup_teardown(test_callback_may_arm_again, setup, teardown),
                cmocka_unit_test_setup_teardown(test_callback_may_free_the_timer, setup, teardown),
                cmocka_unit_test_setup_teardown(test_signal_ends_the_loop, setup, teardown),
                cmocka_unit_test_setup_teardown(test_second_loop_of_a_thread_is_refused, setup, teardown),
                cmocka_unit_test_setup_teardown(test_broken_pipe_is_an_error_and_no_signal, setup, teardown),
        };

        return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
