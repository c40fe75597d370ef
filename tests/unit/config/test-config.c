/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whole configurations in a folder of their own: defaults, drop-ins, and every sentence that a person may see. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>
#include <errno.h>
#include <ftw.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "build-config.h"
#include "trailkeep/config.h"
#include "trailkeep/file.h"

typedef struct Scene {
        char dir[64];
        char path[128];
        Config *config;
        ConfigError error;
} Scene;

static int setup(void **state) {
        Scene *scene = calloc(1, sizeof(*scene));

        assert_non_null(scene);
        snprintf(scene->dir, sizeof(scene->dir), "/tmp/trailkeep-config-XXXXXX");
        assert_non_null(mkdtemp(scene->dir));
        snprintf(scene->path, sizeof(scene->path), "%s/trailkeep.conf", scene->dir);
        *state = scene;
        return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
        return remove(path);
}

static int teardown(void **state) {
        Scene *scene = *state;

        config_free(scene->config);
        assert_int_equal(nftw(scene->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
        free(scene);
        return 0;
}

static void put_bytes(Scene *scene, const char *name, const void *data, size_t size) {
        _cleanup_free_ char *path = path_join(scene->dir, name);

        assert_int_equal(file_write_atomic(path, data, size, 0600, true), 0);
}

static void put(Scene *scene, const char *name, const char *text) {
        put_bytes(scene, name, text, strlen(text));
}

static void make_drop_in_dir(Scene *scene) {
        _cleanup_free_ char *dir = path_join(scene->dir, "trailkeep.conf.d");

        assert_int_equal(dir_make(dir, 0700), 0);
}

static int load(Scene *scene) {
        scene->config = config_free(scene->config);
        scene->error.text[0] = 0;
        return config_load(scene->path, &scene->config, &scene->error);
}

static void load_well(Scene *scene) {
        int r = load(scene);

        if (r != 0)
                fail_msg("%s", scene->error.text);
        assert_string_equal(scene->error.text, "");
}

/* What the sentence says behind the folder of this test. */
static void assert_error(Scene *scene, int expected, const char *text) {
        assert_int_equal(load(scene), expected);
        assert_null(scene->config);
        assert_int_equal(strncmp(scene->error.text, scene->dir, strlen(scene->dir)), 0);
        assert_string_equal(scene->error.text + strlen(scene->dir) + 1, text);
}

static void test_defaults(void **state) {
        Scene *scene = *state;
        const Config *c;

        put(scene, "trailkeep.conf", "");
        load_well(scene);
        c = scene->config;
        assert_string_equal(c->state_dir, TRAILKEEP_STATE_DIR);
        assert_string_equal(c->root_secret_file, TRAILKEEP_CONFIG_DIR "/root.secret");
        assert_string_equal(c->device_key_file, TRAILKEEP_CONFIG_DIR "/device.key");
        assert_string_equal(c->subject, "default");
        assert_int_equal(c->log_level, LOG_LEVEL_INFO);
        assert_string_equal(c->gpsd_address, "127.0.0.1:2947");
        assert_true(c->filter);
        assert_int_equal(c->interval_moving_usec, 10 * USEC_PER_SEC);
        assert_int_equal(c->interval_parked_usec, 300 * USEC_PER_SEC);
        assert_float_equal(c->distance_m, 50, 0);
        assert_float_equal(c->heading_deg, 15, 0);
        assert_float_equal(c->max_speed_mps, 100, 0);
        assert_int_equal(c->min_mode, 2);
        assert_int_equal(c->commit_interval_usec, USEC_PER_SEC);
        assert_int_equal(c->alarm_retention_usec, 90 * USEC_PER_DAY);
        assert_string_equal(c->store_url, "");
        assert_string_equal(c->media_dir, "");
        assert_string_equal(c->ca_file, "");
        assert_string_equal(c->cert_file, "");
        assert_string_equal(c->key_file, "");
        assert_int_equal(c->send_interval_usec, 60 * USEC_PER_SEC);
        assert_int_equal(c->object_records_max, 1000);
        assert_int_equal(c->object_bytes_max, 256 * 1024);
        assert_int_equal(c->timeout_usec, 30 * USEC_PER_SEC);
}

static void test_default_retention_is_that_of_the_purpose_table(void **state) {
        Scene *scene = *state;

        put(scene, "trailkeep.conf", "");
        load_well(scene);
        for (unsigned i = 0; i < PURPOSE_MAX; i++)
                assert_int_equal(scene->config->retention_usec[i], purpose_retention_days(i) * USEC_PER_DAY);
        assert_int_equal(scene->config->alarm_retention_usec, lane_retention_days(LANE_ALARM) * USEC_PER_DAY);
}

static void test_every_kind_of_value_is_read(void **state) {
        Scene *scene = *state;
        const Config *c;

        put(scene, "trailkeep.conf",
            "# comment\n  ; another\n\n"
            "[Device]\n  StateDirectory = //srv///trail keep/ \nSubject=a.B-9_\nLogLevel=debug\n"
            "[Gnss]\nGpsd=[::1]:1\nFilter=off\nDistance=0.5\nMinMode=3\nIntervalMoving=1min 30s\n"
            "[Store]\nUrl=https://Store.Example/x/\nObjectBytes=1M\nCertificateFile=/c\nKeyFile=/k\n"
            "[Journal]\nRetentionPicture=12h\n[Gnss]\nHeading=20");
        load_well(scene);
        c = scene->config;
        assert_string_equal(c->state_dir, "/srv/trail keep");
        assert_string_equal(c->subject, "a.B-9_");
        assert_int_equal(c->log_level, LOG_LEVEL_DEBUG);
        assert_string_equal(c->gpsd_address, "[::1]:1");
        assert_false(c->filter);
        assert_float_equal(c->distance_m, 0.5, 0);
        assert_float_equal(c->heading_deg, 20, 0);
        assert_int_equal(c->min_mode, 3);
        assert_int_equal(c->interval_moving_usec, 90 * USEC_PER_SEC);
        assert_string_equal(c->store_url, "https://store.example/x");
        assert_int_equal(c->object_bytes_max, 1024 * 1024);
        assert_string_equal(c->cert_file, "/c");
        assert_string_equal(c->key_file, "/k");
        assert_int_equal(c->retention_usec[PURPOSE_PICTURE], 12 * USEC_PER_HOUR);
}

static void test_drop_ins_win_in_the_order_of_their_bytes(void **state) {
        Scene *scene = *state;

        put(scene, "trailkeep.conf", "[Device]\nSubject=main\nLogLevel=error\n[Gnss]\nMinMode=3\n");
        make_drop_in_dir(scene);
        put(scene, "trailkeep.conf.d/10.conf", "[Device]\nSubject=ten\n");
        put(scene, "trailkeep.conf.d/9.conf", "[Device]\nSubject=nine\n");
        put(scene, "trailkeep.conf.d/B.conf", "[Gnss]\nMinMode=\n");
        put(scene, "trailkeep.conf.d/.hidden.conf", "nonsense");
        put(scene, "trailkeep.conf.d/99.conf.bak", "nonsense");
        put(scene, "trailkeep.conf.d/.conf", "nonsense");
        load_well(scene);
        assert_string_equal(scene->config->subject, "nine");
        assert_int_equal(scene->config->log_level, LOG_LEVEL_ERROR);
        assert_int_equal(scene->config->min_mode, 2);
}

static void test_section_does_not_reach_into_the_next_file(void **state) {
        Scene *scene = *state;

        put(scene, "trailkeep.conf", "[Device]\n");
        make_drop_in_dir(scene);
        put(scene, "trailkeep.conf.d/a.conf", "Subject=a\n");
        assert_error(scene, -EINVAL, "trailkeep.conf.d/a.conf:1: Subject= stands before the first [Section]");
}

static void test_missing_file_says_what_to_do(void **state) {
        assert_error(*state, -ENOENT,
                     "trailkeep.conf: there is no such file; install the one that comes with trailkeep, make an empty "
                     "one (every key has a default), or name another with --config FILE");
}

static void test_what_is_no_file_is_refused(void **state) {
        Scene *scene = *state;

        assert_int_equal(mkdir(scene->path, 0700), 0);
        assert_error(scene, -EISDIR, "trailkeep.conf: cannot be read: Is a directory");
        assert_int_equal(rmdir(scene->path), 0);
        assert_int_equal(mkfifo(scene->path, 0600), 0);
        assert_error(scene, -EINVAL, "trailkeep.conf: cannot be read: Invalid argument");
}

static void test_drop_in_that_is_no_file_is_refused(void **state) {
        Scene *scene = *state;

        put(scene, "trailkeep.conf", "");
        put(scene, "trailkeep.conf.d", "");
        assert_error(scene, -ENOTDIR, "trailkeep.conf.d: cannot be read: Not a directory");
}

/* Each is the whole main file; the sentence is what follows "trailkeep.conf:". */
static const struct {
        const char *text, *sentence;
} wrong[] = {
        { "Subject=a\n", "1: Subject= stands before the first [Section]" },
        { "\n[Devices]\n", "2: unknown section [Devices]; the nearest valid one is [Device]" },
        { "[gnss]\n", "1: unknown section [gnss]; the nearest valid one is [Gnss]" },
        { "[Device\n", "1: a section is written [Name], with nothing behind it" },
        { "[Device] # x\n", "1: a section is written [Name], with nothing behind it" },
        { "[]\n", "1: unknown section […]; the nearest valid one is [Gnss]" },
        { "[Device]\nSubjekt=a\n", "2: unknown key Subjekt= in [Device]; the nearest valid one is Subject=" },
        { "[Device]\nsubject=a\n", "2: unknown key subject= in [Device]; the nearest valid one is Subject=" },
        { "[Device]\nUrl=https://a\n", "2: unknown key Url= in [Device]; Url= belongs in [Store]" },
        { "[Gnss]\nmaxspeeed=1\n", "2: unknown key maxspeeed= in [Gnss]; the nearest valid one is MaxSpeed=" },
        { "[Store]\nc2VjcmV0c2VjcmV0=\n", "2: unknown key …= in [Store]; the nearest valid one is CertificateFile=" },
        { "[Device]\nSubject\n", "2: is neither Key=value, [Section] nor a comment (# or ;)" },
        { "[Device]\n=a\n", "2: is neither Key=value, [Section] nor a comment (# or ;)" },
        { "[Device]\nSubject=a\nSubject=a\n", "3: Subject= stands in line 2 already" },
        { "[Device]\nSubject=a\n[Gnss]\n[Device]\nSubject=\n", "5: Subject= stands in line 2 already" },
        { "[Device]\nLogLevel=warn\n",
          "2: LogLevel= must be error, warning, notice, info or debug; the nearest valid one is warning" },
        { "[Device]\nSubject=a b\n",
          "2: Subject= must be 1 to 64 letters, digits and . _ - that do not start with a point" },
        { "[Device]\nSubject=a # who\n", "2: Subject=: a comment must stand on a line of its own" },
        { "[Device]\nStateDirectory=/a ;b\n", "2: StateDirectory=: a comment must stand on a line of its own" },
        { "[Device]\nStateDirectory=/a\\\n", "2: StateDirectory=: a value cannot be continued on the next line" },
        { "[Device]\nStateDirectory=\"/a\"\n", "2: StateDirectory= must be an absolute path without . or .. in it" },
        { "[Device]\nStateDirectory=/a/../b\n", "2: StateDirectory= must be an absolute path without . or .. in it" },
        { "[Device]\nStateDirectory=///\n", "2: StateDirectory= must be an absolute path without . or .. in it" },
        { "[Gnss]\nFilter=maybe\n", "2: Filter= must be yes or no" },
        { "[Gnss]\nMinMode=1\n", "2: MinMode= must be a whole number, from 2 to 3" },
        { "[Gnss]\nMinMode=2.0\n", "2: MinMode= must be a whole number, from 2 to 3" },
        { "[Gnss]\nDistance=-1\n", "2: Distance= must be a number of metres, from 0 to 100000" },
        { "[Gnss]\nDistance=nan\n", "2: Distance= must be a number of metres, from 0 to 100000" },
        { "[Gnss]\nDistance=5,5\n", "2: Distance= must be a number of metres, from 0 to 100000" },
        { "[Gnss]\nIntervalParked=8d\n",
          "2: IntervalParked= must be a time such as 90s, 1min 30s, 2h or 30d (without a unit: seconds), "
          "from 1s to 7d" },
        { "[Gnss]\nIntervalMoving=99999999999999999999\n",
          "2: IntervalMoving= must be a time such as 90s, 1min 30s, 2h or 30d (without a unit: seconds), "
          "from 0 to 1d" },
        { "[Gnss]\nGpsd=gps.example:2947\n",
          "2: Gpsd= must be HOST:PORT with a numeric address or localhost, such as 127.0.0.1:2947 or [::1]:2947" },
        { "[Store]\nObjectBytes=17M\n",
          "2: ObjectBytes= must be a size in bytes such as 4096, 64K or 1M, from 4K to 16M" },
        { "[Store]\nUrl=https://who:password@store.example/\n",
          "2: Url= must be https://HOST[:PORT][/PATH] without user name, password, ? or #" },
        { "[Store]\nKeyFile=/k\n", "2: KeyFile= needs the CertificateFile= that it belongs to" },
        { "[Gnss]\nIntervalMoving=1h\nIntervalParked=1min\n",
          "3: IntervalParked= must be at least IntervalMoving=" },
        { "[Device]\nStateDirectory=/a\nRootSecretFile=/a/s\n",
          "3: RootSecretFile= must not be below StateDirectory=: what it seals is there" },
        { "[Device]\nDeviceKeyFile=/s\nRootSecretFile=/s\n",
          "2: DeviceKeyFile= and RootSecretFile= must be two files" },
        { "[Device]\r\n", "1: ends with CR LF, as on Windows; convert the file to LF alone" },
        { "[Device]\n# \r middle\n", "2: has a control character" },
        { "[Device]\n\x1b[31m\n", "2: has a control character" },
        { "# \xff\n", "1: is not UTF-8" },
        { "# \xc0\x80\n", "1: is not UTF-8" },
        { "\xef\xbb\xbf[Device]\n", "1: starts with a byte order mark; save the file without one" },
};

static void test_what_is_wrong_is_said_with_its_line(void **state) {
        Scene *scene = *state;

        for (size_t i = 0; i < ELEMENTSOF(wrong); i++) {
                char sentence[512];

                put(scene, "trailkeep.conf", wrong[i].text);
                snprintf(sentence, sizeof(sentence), "trailkeep.conf:%s", wrong[i].sentence);
                assert_error(scene, -EINVAL, sentence);
        }
}

static void test_mistake_across_files_names_the_one_that_sets_it(void **state) {
        Scene *scene = *state;

        put(scene, "trailkeep.conf", "[Gnss]\nIntervalMoving=1h\n");
        assert_error(scene, -EINVAL, "trailkeep.conf: IntervalParked= must be at least IntervalMoving=");
        make_drop_in_dir(scene);
        put(scene, "trailkeep.conf.d/p.conf", "\n[Gnss]\nIntervalParked=10min\n");
        assert_error(scene, -EINVAL, "trailkeep.conf.d/p.conf:3: IntervalParked= must be at least IntervalMoving=");
}

static void test_nul_byte_is_refused(void **state) {
        Scene *scene = *state;

        put_bytes(scene, "trailkeep.conf", "[Device]\nSub\0ject=a\n", 20);
        assert_error(scene, -EINVAL, "trailkeep.conf:2: has a NUL byte; this is not a text file");
}

static void test_sizes_are_bounded(void **state) {
        Scene *scene = *state;
        char *text = malloc(65537);

        assert_non_null(text);
        memset(text, '#', 65537);
        put_bytes(scene, "trailkeep.conf", text, 65537);
        assert_error(scene, -EINVAL, "trailkeep.conf: is larger than 64 KiB");
        put_bytes(scene, "trailkeep.conf", text, 4097);
        assert_error(scene, -EINVAL, "trailkeep.conf:1: is longer than 4096 bytes");
        put_bytes(scene, "trailkeep.conf", text, 4096);
        load_well(scene);
        memset(text, '\n', 65536);
        put_bytes(scene, "trailkeep.conf", text, 65536);
        load_well(scene);
        free(text);
}

static void test_number_of_drop_ins_is_bounded(void **state) {
        Scene *scene = *state;

        put(scene, "trailkeep.conf", "");
        make_drop_in_dir(scene);
        for (unsigned i = 0; i < 128; i++) {
                char name[64];

                snprintf(name, sizeof(name), "trailkeep.conf.d/%03u.conf", i);
                put(scene, name, "");
        }
        assert_error(scene, -EINVAL, "trailkeep.conf.d/127.conf: more than 127 drop-ins");
}

static void test_long_path_leaves_room_for_the_message(void **state) {
        Scene *scene = *state;
        char path[3000] = "";

        for (size_t n = 0; n < sizeof(path) - 1; n++)
                path[n] = n % 100 == 0 ? '/' : 'a';
        assert_int_equal(config_load(path, &scene->config, &scene->error), -ENOENT);
        assert_non_null(strstr(scene->error.text, "there is no such file"));
}

/* The sample with every "#" off is the defaults, written out. */
static void test_sample_says_the_defaults(void **state) {
        Scene *scene = *state;
        Config *defaults;
        char *text = NULL;
        size_t size = 0, n_keys = 0;
        FILE *out;

        out = open_memstream(&text, &size);
        assert_int_equal(config_print_sample(out), 0);
        fclose(out);
        put_bytes(scene, "trailkeep.conf", text, size);
        load_well(scene);
        defaults = TAKE_PTR(scene->config);

        for (char *p = strchr(text, '\n'); p; p = strchr(p + 1, '\n'))
                if (p[1] == '#' && p[2] >= 'A' && p[2] <= 'Z') {
                        memmove(p + 1, p + 2, strlen(p + 2) + 1);
                        n_keys++;
                }
        put(scene, "trailkeep.conf", text);
        load_well(scene);
        assert_true(n_keys > 20);
        assert_string_equal(scene->config->state_dir, defaults->state_dir);
        assert_string_equal(scene->config->store_url, defaults->store_url);
        assert_memory_equal(scene->config->retention_usec, defaults->retention_usec, sizeof(defaults->retention_usec));
        assert_float_equal(scene->config->distance_m, defaults->distance_m, 0);
        config_free(defaults);
        free(text);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_defaults, setup, teardown),
                cmocka_unit_test_setup_teardown(test_default_retention_is_that_of_the_purpose_table, setup, teardown),
                cmocka_unit_test_setup_teardown(test_every_kind_of_value_is_read, setup, teardown),
                cmocka_unit_test_setup_teardown(test_drop_ins_win_in_the_order_of_their_bytes, setup, teardown),
                cmocka_unit_test_setup_teardown(test_section_does_not_reach_into_the_next_file, setup, teardown),
                cmocka_unit_test_setup_teardown(test_missing_file_says_what_to_do, setup, teardown),
                cmocka_unit_test_setup_teardown(test_what_is_no_file_is_refused, setup, teardown),
                cmocka_unit_test_setup_teardown(test_drop_in_that_is_no_file_is_refused, setup, teardown),
                cmocka_unit_test_setup_teardown(test_what_is_wrong_is_said_with_its_line, setup, teardown),
                cmocka_unit_test_setup_teardown(test_mistake_across_files_names_the_one_that_sets_it, setup, teardown),
                cmocka_unit_test_setup_teardown(test_nul_byte_is_refused, setup, teardown),
                cmocka_unit_test_setup_teardown(test_sizes_are_bounded, setup, teardown),
                cmocka_unit_test_setup_teardown(test_number_of_drop_ins_is_bounded, setup, teardown),
                cmocka_unit_test_setup_teardown(test_long_path_leaves_room_for_the_message, setup, teardown),
                cmocka_unit_test_setup_teardown(test_sample_says_the_defaults, setup, teardown),
        };

        return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
