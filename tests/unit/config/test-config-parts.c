/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The parts below config_load(): the table itself, URLs, spelling, and random files that must never do harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include "config-reader.h"
#include "config-table.h"
#include "config-value.h"
#include "trailkeep/parse.h"

static void test_every_default_and_limit_of_the_table_holds(void **state) {
        for (size_t i = 0; i < config_n_keys; i++) {
                const ConfigKey *key = &config_keys[i];
                Config *config = calloc(1, sizeof(*config));

                assert_non_null(config);
                assert_int_equal(config_value_set(key, "", config), 0);
                assert_int_equal(config_value_set(key, key->default_text, config), 0);
                if (key->min) {
                        assert_int_equal(config_value_set(key, key->min, config), 0);
                        assert_int_equal(config_value_set(key, key->max, config), 0);
                        assert_true(config_value_set(key, "18446744073709551615", config) < 0);
                }
                config_free(config);
        }
}

static void test_every_key_stands_once_with_help_that_fits(void **state) {
        char form[CONFIG_FORM_MAX];

        for (size_t i = 0; i < config_n_keys; i++) {
                const ConfigKey *key = &config_keys[i];
                const char *line = key->help;

                assert_ptr_equal(config_key_find(key->section, key->name), key);
                assert_ptr_equal(config_key_find_elsewhere(key->name), key);
                assert_string_equal(config_word_for_message(key->name), key->name);
                for (size_t j = 0; j < i; j++)
                        assert_int_not_equal(config_keys[j].offset, key->offset);
                config_value_form(key, form);
                assert_true(strlen(form) > 0 && strlen(form) < sizeof(form) - 1);
                for (; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
                        assert_true(strcspn(line, "\n") <= 110);
                assert_int_equal(key->help[strlen(key->help) - 1], '.');
        }
}

static void test_manual_has_every_key(void **state) {
        char *text = NULL, heading[64];
        size_t size = 0;
        FILE *out = open_memstream(&text, &size);

        assert_non_null(out);
        assert_int_equal(config_print_man(out), 0);
        fclose(out);
        for (size_t i = 0; i < config_n_keys; i++) {
                snprintf(heading, sizeof(heading), "\n*%s=*\n\t", config_keys[i].name);
                assert_non_null(strstr(text, heading));
        }
        assert_null(strstr(text, " _ "));
        free(text);
}

static void test_url_is_spelt_in_one_way(void **state) {
        static const struct {
                const char *text, *url;
        } cases[] = {
                { "https://store.example", "https://store.example" },
                { "https://store.example/", "https://store.example" },
                { "HTTPS://Store.EXAMPLE:443/Path/", "https://store.example/Path" },
                { "https://store.example:0443", "https://store.example" },
                { "https://store.example:8443/a/b", "https://store.example:8443/a/b" },
                { "https://192.0.2.1/a", "https://192.0.2.1/a" },
                { "https://[2001:DB8::1]/a", "https://[2001:db8::1]/a" },
                { "https://[::1]:9000", "https://[::1]:9000" },
                { "https://a/%7Euser/%c3%a4", "https://a/~user/%C3%A4" },
                { "https://a/b@c:d;e=f", "https://a/b@c:d;e=f" },
                { "https://a/...", "https://a/..." },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                char *url = NULL, *again = NULL;

                assert_int_equal(config_url_normalize(cases[i].text, &url), 0);
                assert_string_equal(url, cases[i].url);
                assert_int_equal(config_url_normalize(url, &again), 0);
                assert_string_equal(again, url);
                free(url);
                free(again);
        }
}

static void test_url_that_is_none_is_refused(void **state) {
        static const char *const cases[] = {
                "",
                "http://a",
                "https:/a",
                "https://",
                "https:///a",
                "https://:443",
                "https://a:",
                "https://a:0",
                "https://a:65536",
                "https://a:00000443",
                "https://a:+1",
                "https://user@a",
                "https://user:pw@a/",
                "https://a?x",
                "https://a/?x",
                "https://a/b#c",
                "https://a//b",
                "https://a/b//",
                "https://a/.",
                "https://a/../b",
                "https://a/%2e%2E/b",
                "https://a/%2e",
                "https://a/b%2fc",
                "https://a/%00",
                "https://a/%0a",
                "https://a/%",
                "https://a/%4",
                "https://a/%4g",
                "https://a/b c",
                "https://a/b\\c",
                "https://a/\303\244",
                "https://\303\244.example",
                "https://a_b",
                "https://-a",
                "https://a-",
                "https://a-.b",
                "https://a.-b",
                "https://.a",
                "https://a.",
                "https://a..b",
                "https://[::1",
                "https://::1",
                "https://[::1]x",
                "https://[127.0.0.1]",
                "https://[]",
                "https://[fe80::1%25eth0]",
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                char *url = NULL;

                assert_int_equal(config_url_normalize(cases[i], &url), -EINVAL);
                assert_null(url);
        }
}

static void test_url_length_is_bounded(void **state) {
        char text[4000] = "https://a/";
        char *url = NULL;

        memset(text + strlen(text), 'b', 2048 - strlen(text));
        assert_int_equal(config_url_normalize(text, &url), 0);
        assert_int_equal(strlen(url), 2048);
        free(url);
        text[2048] = 'b';
        assert_int_equal(config_url_normalize(text, &url), -EINVAL);
}

static uint32_t next_random(uint64_t *seed) {
        *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return (uint32_t)(*seed >> 33);
}

typedef struct Counted {
        unsigned n_sections, n_values;
        Config *config;
} Counted;

static int count_section(const ConfigPlace *place, const char *section, void *userdata) {
        Counted *counted = userdata;

        assert_true(place->line > 0);
        assert_true(utf8_is_valid(section, strlen(section)));
        assert_non_null(config_section_nearest(section));
        counted->n_sections++;
        return 0;
}

static int count_value(const ConfigPlace *place, const char *key, const char *value, void *userdata) {
        Counted *counted = userdata;

        assert_true(utf8_is_valid(value, strlen(value)));
        assert_non_null(config_key_nearest("Gnss", key));
        /* Whatever a value is: every type takes it or refuses it. */
        for (size_t i = 0; i < config_n_keys; i++)
                assert_true(config_value_set(&config_keys[i], value, counted->config) <= 0);
        counted->n_values++;
        return 0;
}

/* Files of pieces that mean something, with random bytes between them. */
static void test_random_files_never_do_harm(void **state) {
        static const char *const pieces[] = {
                "[Device]", "[", "]", "\n", "\n", "\n", "=", "=", "Url", "https://", "a/", "%", "2e", ":", "443", "/",
                "..", " ", "#", ";", "\\", "18446744073709551615", "1e308", "-", "min", "d", "K", ".", "\303\244", "\r",
                "[::1]",
        };
        Counted counted = { .config = calloc(1, sizeof(Config)) };
        const ConfigHandler handler = { count_section, count_value, &counted };
        uint64_t seed = 2;

        for (unsigned round = 0; round < 20000; round++) {
                char text[512];
                size_t size = 0, n_pieces = next_random(&seed) % 40;
                ConfigError error = { "" };
                char *exact;
                int r;

                for (size_t i = 0; i < n_pieces && size < sizeof(text) - 32; i++) {
                        const char *piece = pieces[next_random(&seed) % ELEMENTSOF(pieces)];

                        if (next_random(&seed) % 64 == 0)
                                text[size++] = (char)next_random(&seed);
                        memcpy(text + size, piece, strlen(piece));
                        size += strlen(piece);
                }
                /* In a block of exactly its size, so that reading beyond the end is found. */
                exact = malloc(size + 1);
                assert_non_null(exact);
                memcpy(exact + 1, text, size);
                r = config_read_text("random", exact + 1, size, &handler, &error);
                assert_true(r == 0 || r == -EINVAL);
                assert_int_equal(r == 0, error.text[0] == 0);
                assert_true(strlen(error.text) < sizeof(error.text));
                free(exact);
        }
        assert_true(counted.n_sections > 100 && counted.n_values > 1000);
        config_free(counted.config);
}

static int refuse(const ConfigPlace *place, const char *section, void *userdata) {
        return -EXDEV;
}

static void test_what_the_handler_returns_is_passed_on(void **state) {
        const ConfigHandler handler = { .section = refuse };
        ConfigError error = { "" };

        assert_int_equal(config_read_text("f", "[a]\n[b]\n", 8, &handler, &error), -EXDEV);
        assert_string_equal(error.text, "");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_every_default_and_limit_of_the_table_holds),
                cmocka_unit_test(test_every_key_stands_once_with_help_that_fits),
                cmocka_unit_test(test_manual_has_every_key),
                cmocka_unit_test(test_url_is_spelt_in_one_way),
                cmocka_unit_test(test_url_that_is_none_is_refused),
                cmocka_unit_test(test_url_length_is_bounded),
                cmocka_unit_test(test_random_files_never_do_harm),
                cmocka_unit_test(test_what_the_handler_returns_is_passed_on),
        };

        return cmocka_run_group_tests_name("config-parts", tests, NULL, NULL);
}
