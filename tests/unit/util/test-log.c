/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a line of the log looks like, and what must never be in one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#define LOG_MODULE "test"
#include "trailkeep/log.h"

static const struct {
        const char *line, *redacted;
} redactions[] = { /* one star stands for a run of them */
        /* coordinates */
        { "at 52.516275, 13.377704.", "at *, *." },
        { "at -33.8688 151.2093", "at * *" },
        { "lat=52.516", "lat=*" },
        { "{\"lat\":52.516,\"lon\":13.377}", "{\"lat\":*,\"lon\":*}" },
        { "5.2516e+01", "*" },
        { "POINT(13.3777 52.5162)", "POINT(* *)" },
        { "52\302\26030'58.6\"N", "*N" },
        { "52\302\26030\342\200\26258\342\200\263\302\240N", "*\302\240N" },
        { "52.5\302\260 N", "*N" },
        { "$GPGGA,5230.97,N,01322.66,E", "$GPGGA,*,N,*,E" },
        { "$GPGGA,5230.9765,N", "$GPGGA,*,N" },
        /* what looks a little like one */
        { "127.0.0.1:2947", "127.0.0.1:2947" },
        { "192.168.100.254", "192.168.100.254" },
        { "gpsd 3.25.1", "gpsd 3.25.1" },
        { "2026-11-23T17:33:23.000Z", "2026-11-23T17:33:23.000Z" },
        { "took 12.5 s, 3 of 1000, HDOP 0.9", "took 12.5 s, 3 of 1000, HDOP 0.9" },
        /* e-mail */
        { "to jane.doe+x@mail.example.org now", "to * now" },
        { "to j\303\244ne@example.org", "to *" },
        { "user@host", "user@host" },
        { "a @ b.c", "a @ b.c" },
        { "@example.org", "@example.org" },
        /* URLs */
        { "https://jane:pass@store.example/x", "https://*@store.example/x" },
        { "https://ja@ne:pass@store.example/x", "https://*@store.example/x" },
        { "https://store.example/a/b", "https://store.example/a/b" },
        { "https://store.example/a?sig=1&k=2 failed", "https://store.example/a?* failed" },
        { "https://store.example?a@b", "https://store.example?*" },
        /* tokens */
        { "Authorization: Bearer abc.def", "Authorization: Bearer *" },
        { "authorization: basic YWJj", "authorization: basic *" },
        { "key AKIAIOSFODNN7examplekey", "key *" },
        { "hash 0123456789abcdef0123456789ABCDEF", "hash *" },
        { "hash 0123456789abcdef0123456789abcdef", "hash *" },
        { "id 0191e2a4-7c1b-7def-8abc-0123456789ab", "id 0191e2a4-7c1b-7def-8abc-0123456789ab" },
        { "/var/lib/trailkeep/journal.db", "/var/lib/trailkeep/journal.db" },
        { "RetentionDiagnosticsAndMore", "RetentionDiagnosticsAndMore" },
        /* telephones */
        { "call +49 30 1234567 now", "call *now" },
        { "+1 (555) 010-9999", "*" },
        { "+1024 weeks", "+1024 weeks" },
        { "", "" },
        { "@", "@" },
        { "://", "://" },
        { "+", "+" },
        { "1.", "1." },
        { "\302\260", "\302\260" },
};

static void collapse_stars(char *line) {
        char *to = line;

        for (const char *from = line; *from; from++)
                if (*from != '*' || to == line || to[-1] != '*')
                        *to++ = *from;
        *to = 0;
}

static void test_redaction(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(redactions); i++) {
                char line[256];

                snprintf(line, sizeof(line), "%s", redactions[i].line);
                log_redact(line);
                assert_int_equal(strlen(line), strlen(redactions[i].line));
                collapse_stars(line);
                assert_string_equal(line, redactions[i].redacted);
        }
}

static void test_random_lines_keep_their_length_and_lose_their_coordinates(void **state) {
        static const char alphabet[] = "0123456789..,:@+-/?=NE \302\260\303\244abAB\"Bearer ";
        uint64_t seed = 3;

        for (unsigned round = 0; round < 50000; round++) {
                char line[160];
                size_t n = round % 64;

                for (size_t i = 0; i < n; i++) {
                        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
                        line[i] = alphabet[(seed >> 33) % (sizeof(alphabet) - 1)];
                }
                snprintf(line + n, sizeof(line) - n, " 52.516275 %s", round % 2 ? "x" : "");
                n = strlen(line);
                log_redact(line);
                assert_int_equal(strlen(line), n);
                assert_null(strstr(line, "52.516275"));
        }
}

/* Runs with stderr in a file in memory, so that what was written can be looked at. */
typedef struct Capture {
        int saved_fd, fd;
        char text[8192];
} Capture;

static void capture_begin(Capture *capture) {
        capture->fd = memfd_create("stderr", MFD_CLOEXEC);
        assert_true(capture->fd >= 0);
        capture->saved_fd = dup(STDERR_FILENO);
        assert_true(capture->saved_fd >= 0);
        assert_true(dup2(capture->fd, STDERR_FILENO) >= 0);
}

static void capture_end(Capture *capture) {
        ssize_t n;

        assert_true(dup2(capture->saved_fd, STDERR_FILENO) >= 0);
        n = pread(capture->fd, capture->text, sizeof(capture->text) - 1, 0);
        assert_true(n >= 0);
        capture->text[n] = 0;
        close(capture->fd);
        close(capture->saved_fd);
        log_set_level(LOG_LEVEL_INFO);
}

static void test_line_names_program_and_module(void **state) {
        Capture capture;

        unsetenv("JOURNAL_STREAM");
        capture_begin(&capture);
        log_info("%d fixes", 3);
        capture_end(&capture);
        assert_string_equal(capture.text, "test-log[test]: 3 fixes\n");
}

static void test_line_for_the_systemd_journal_has_its_priority(void **state) {
        Capture capture;
        struct stat st;
        char stream[64];

        capture_begin(&capture);
        assert_int_equal(fstat(STDERR_FILENO, &st), 0);
        snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
        setenv("JOURNAL_STREAM", stream, 1);
        log_set_level(LOG_LEVEL_DEBUG);
        log_error("a");
        log_warning("b");
        log_notice("c");
        log_info("d");
        log_debug("e");
        setenv("JOURNAL_STREAM", "1:2", 1); /* somebody else's */
        log_info("f");
        unsetenv("JOURNAL_STREAM");
        capture_end(&capture);
        assert_string_equal(capture.text,
                            "<3>test: a\n<4>test: b\n<5>test: c\n<6>test: d\n<7>test: e\ntest-log[test]: f\n");
}

static void test_level_holds_back_what_is_less_urgent(void **state) {
        Capture capture;

        capture_begin(&capture);
        log_set_level(LOG_LEVEL_WARNING);
        log_notice("no");
        log_warning("yes");
        capture_end(&capture);
        assert_string_equal(capture.text, "test-log[test]: yes\n");
}

static void test_line_is_redacted_and_stays_one_line(void **state) {
        Capture capture;

        capture_begin(&capture);
        log_info("from %s", "52.516275\n<3>evil\x1b[31m");
        capture_end(&capture);
        assert_string_equal(capture.text, "test-log[test]: from ********* <3>evil [31m\n");
}

static void test_long_line_is_cut_off(void **state) {
        char text[3000];
        Capture capture;

        memset(text, 'a', sizeof(text) - 1);
        text[sizeof(text) - 1] = 0;
        capture_begin(&capture);
        log_info("%s", text);
        capture_end(&capture);
        assert_int_equal(strlen(capture.text), 1025);
        assert_int_equal(capture.text[1024], '\n');
}

static void test_errno_is_kept_and_can_be_said(void **state) {
        Capture capture;

        capture_begin(&capture);
        errno = ENOENT;
        log_info("%m");
        capture_end(&capture);
        assert_string_equal(capture.text, "test-log[test]: No such file or directory\n");
        capture_begin(&capture);
        errno = EXDEV;
        log_info("x");
        assert_int_equal(errno, EXDEV);
        capture_end(&capture);
}

static void test_closed_stderr_is_survived(void **state) {
        int saved_fd = dup(STDERR_FILENO);

        close(STDERR_FILENO);
        log_info("nobody hears this");
        assert_true(dup2(saved_fd, STDERR_FILENO) >= 0);
        close(saved_fd);
}

static void test_level_names(void **state) {
        static const char *const names[] = { "error", "warning", "notice", "info", "debug" };
        LogLevel level = LOG_LEVEL_NOTICE;

        assert_int_equal(log_level_from_string("warn", &level), -EINVAL);
        assert_int_equal(log_level_from_string("", &level), -EINVAL);
        assert_int_equal(level, LOG_LEVEL_NOTICE);
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                assert_int_equal(log_level_from_string(names[i], &level), 0);
                assert_int_equal(level, i);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_redaction),
                cmocka_unit_test(test_random_lines_keep_their_length_and_lose_their_coordinates),
                cmocka_unit_test(test_line_names_program_and_module),
                cmocka_unit_test(test_line_for_the_systemd_journal_has_its_priority),
                cmocka_unit_test(test_level_holds_back_what_is_less_urgent),
                cmocka_unit_test(test_line_is_redacted_and_stays_one_line),
                cmocka_unit_test(test_long_line_is_cut_off),
                cmocka_unit_test(test_errno_is_kept_and_can_be_said),
                cmocka_unit_test(test_closed_stderr_is_survived),
                cmocka_unit_test(test_level_names),
        };

        return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
