/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "gate/consent-entry.h"
#include "trailkeep/parse.h"

static const ConsentEntry grant = {
        .kind = CONSENT_ENTRY_DECISION,
        .subject = "s-1",
        .uid = 1000,
        .role = "bridge",
        .actor = "Zoë \"Z\"",
        .realtime_ms = 1795455203000,
        .purpose = PURPOSE_LOCATION,
        .is_granted = true,
        .generation = 7,
};

static const ConsentEntry erasure = {
        .kind = CONSENT_ENTRY_ERASURE,
        .subject = "s-1",
        .uid = UINT32_MAX,
        .role = "owner",
        .realtime_ms = -1,
        .purposes = 1 << PURPOSE_LOCATION | 1 << PURPOSE_UPDATES,
        .since_ms = TIME_MS_NONE,
        .until_ms = 1795455203000,
        .is_stored_kept = true,
};

static void assert_round_trip(const ConsentEntry *entry) {
        _cleanup_free_ char *body = NULL;
        ConsentEntry back;

        assert_int_equal(consent_entry_encode(entry, &body), 0);
        assert_null(strchr(body, '\n'));
        assert_int_equal(consent_entry_decode(body, &back), 0);
        assert_int_equal(back.kind, entry->kind);
        assert_string_equal(back.subject, entry->subject);
        assert_int_equal(back.uid, entry->uid);
        assert_string_equal(back.role, entry->role);
        assert_string_equal(back.actor, entry->actor);
        assert_true(back.realtime_ms == entry->realtime_ms);
        assert_int_equal(back.purpose, entry->purpose);
        assert_int_equal(back.is_granted, entry->is_granted);
        assert_int_equal(back.is_kept, entry->is_kept);
        assert_int_equal(back.generation, entry->generation);
        assert_int_equal(back.purposes, entry->purposes);
        assert_true(back.since_ms == entry->since_ms && back.until_ms == entry->until_ms);
        assert_int_equal(back.is_stored_kept, entry->is_stored_kept);
}

static void test_grant_comes_back(void **state) {
        assert_round_trip(&grant);
}

static void test_withdrawal_comes_back(void **state) {
        ConsentEntry withdrawal = grant;

        withdrawal.is_granted = false;
        withdrawal.is_kept = true;
        withdrawal.actor[0] = '\0';
        assert_round_trip(&withdrawal);
}

static void test_erasure_comes_back(void **state) {
        assert_round_trip(&erasure);
}

static void test_change_of_the_keys_comes_back(void **state) {
        ConsentEntry entry = { .kind = CONSENT_ENTRY_KEYS, .subject = "s-1", .uid = 1000, .role = "operator" };

        for (entry.change = 0; entry.change < GATE_KEYS_MAX; entry.change++) {
                _cleanup_free_ char *body = NULL;
                ConsentEntry back;

                assert_round_trip(&entry);
                assert_int_equal(consent_entry_encode(&entry, &body), 0);
                assert_int_equal(consent_entry_decode(body, &back), 0);
                assert_int_equal(back.change, entry.change);
        }
}

static void test_erasure_of_everything_comes_back(void **state) {
        ConsentEntry entry = { .kind = CONSENT_ENTRY_EVERYTHING, .uid = 1000, .role = "owner", .generation = 9 };
        _cleanup_free_ char *body = NULL;

        assert_round_trip(&entry);
        assert_int_equal(consent_entry_encode(&entry, &body), 0);
        assert_string_equal(body, "{\"v\":1,\"kind\":\"everything\",\"subject\":\"\",\"generation\":9,\"uid\":1000,"
                                  "\"role\":\"owner\",\"actor\":null,\"realtime_ms\":0}");
}

static void test_form_is_as_documented(void **state) {
        _cleanup_free_ char *decision = NULL, *request = NULL;

        assert_int_equal(consent_entry_encode(&grant, &decision), 0);
        assert_string_equal(
                        decision,
                        "{\"v\":1,\"kind\":\"decision\",\"subject\":\"s-1\",\"purpose\":\"location\",\"state\":"
                        "\"granted\","
                        "\"generation\":7,\"keep\":false,\"uid\":1000,\"role\":\"bridge\",\"actor\":\"Zoë \\\"Z\\\"\","
                        "\"realtime_ms\":1795455203000}");
        assert_int_equal(consent_entry_encode(&erasure, &request), 0);
        assert_string_equal(request,
                            "{\"v\":1,\"kind\":\"erasure\",\"subject\":\"s-1\",\"purposes\":[\"location\",\"updates\"],"
                            "\"since_ms\":null,\"until_ms\":1795455203000,\"keep_stored\":true,\"uid\":4294967295,"
                            "\"role\":\"owner\",\"actor\":null,\"realtime_ms\":-1}");
}

static void test_text_that_is_not_utf8_is_refused(void **state) {
        ConsentEntry entry = grant;
        char *body = NULL;

        memcpy(entry.actor, "\xff", 2);
        assert_int_equal(consent_entry_encode(&entry, &body), -EINVAL);
        assert_null(body);
}

/* The good line with one thing replaced. */
static void assert_refused(const char *from, const char *to) {
        _cleanup_free_ char *body = NULL;
        ConsentEntry entry = { .uid = 4711 };
        char line[512];
        const char *at;

        assert_int_equal(consent_entry_encode(&grant, &body), 0);
        at = strstr(body, from);
        assert_non_null(at);
        (void)snprintf(line, sizeof(line), "%.*s%s%s", (int)(at - body), body, to, at + strlen(from)); /* fits */
        assert_int_equal(consent_entry_decode(line, &entry), -EBADMSG);
        assert_int_equal(entry.uid, 4711);
}

static void test_later_version_is_refused(void **state) {
        assert_refused("\"v\":1", "\"v\":2");
}

static void test_unknown_kind_is_refused(void **state) {
        assert_refused("\"kind\":\"decision\"", "\"kind\":\"opinion\"");
}

static void test_unknown_purpose_is_refused(void **state) {
        assert_refused("\"location\"", "\"locations\"");
}

static void test_unknown_state_is_refused(void **state) {
        assert_refused("\"granted\"", "\"Granted\"");
}

static void test_unknown_key_is_refused(void **state) {
        assert_refused("\"keep\":false", "\"keep\":false,\"more\":1");
}

static void test_missing_key_is_refused(void **state) {
        assert_refused("\"keep\":false,", "");
        assert_refused("\"v\":1,", "");
        assert_refused(",\"actor\":\"Zoë \\\"Z\\\"\"", "");
}

static void test_doubled_key_is_refused(void **state) {
        assert_refused("\"state\":\"granted\"", "\"state\":\"withdrawn\",\"state\":\"granted\"");
}

static void test_wrong_type_is_refused(void **state) {
        assert_refused("\"generation\":7", "\"generation\":\"7\"");
        assert_refused("\"generation\":7", "\"generation\":7.0");
        assert_refused("\"keep\":false", "\"keep\":0");
        assert_refused("\"actor\":\"Zoë \\\"Z\\\"\"", "\"actor\":1");
}

static void test_number_out_of_range_is_refused(void **state) {
        assert_refused("\"generation\":7", "\"generation\":0");
        assert_refused("\"generation\":7", "\"generation\":-7");
        assert_refused("\"uid\":1000", "\"uid\":-1");
        assert_refused("\"uid\":1000", "\"uid\":4294967296");
}

static void test_text_too_long_is_refused(void **state) {
        assert_refused("\"role\":\"bridge\"", "\"role\":\"a-role-that-is-longer-than-any-of-them\"");
}

static void test_cut_or_trailing_text_is_refused(void **state) {
        assert_refused("}", "");
        assert_refused("}", "}{}");
}

static void test_other_kinds_with_wrong_members_are_refused(void **state) {
        static const char *const lines[] = {
                        "{\"v\":1,\"kind\":\"erasure\",\"subject\":\"s\",\"purposes\":[1],\"since_ms\":null,\"until_"
                        "ms\":null,"
                        "\"keep_stored\":true,\"uid\":1,\"role\":\"owner\",\"actor\":null,\"realtime_ms\":1}",
                        "{\"v\":1,\"kind\":\"erasure\",\"subject\":\"s\",\"purposes\":\"location\",\"since_ms\":null,"
                        "\"until_ms\":null,"
                        "\"keep_stored\":true,\"uid\":1,\"role\":\"owner\",\"actor\":null,\"realtime_ms\":1}",
                        "{\"v\":1,\"kind\":\"erasure\",\"subject\":\"s\",\"purposes\":[],\"since_ms\":\"\",\"until_"
                        "ms\":null,"
                        "\"keep_stored\":true,\"uid\":1,\"role\":\"owner\",\"actor\":null,\"realtime_ms\":1}",
                        "{\"v\":1,\"kind\":\"keys\",\"subject\":\"s\",\"change\":\"lost\",\"uid\":1,\"role\":\"owner\","
                        "\"actor\":null,\"realtime_ms\":1}",
                        "{\"v\":1,\"kind\":\"keys\",\"subject\":\"s\",\"uid\":1,\"role\":\"owner\",\"actor\":null,"
                        "\"realtime_ms\":1}",
                        "{\"v\":1,\"kind\":\"everything\",\"subject\":\"\",\"generation\":0,\"uid\":1,\"role\":\"owner\","
                        "\"actor\":null,\"realtime_ms\":1}",
                        "[]",
                        "",
                        "null",
        };
        ConsentEntry entry;

        for (size_t i = 0; i < ELEMENTSOF(lines); i++)
                assert_int_equal(consent_entry_decode(lines[i], &entry), -EBADMSG);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_grant_comes_back),
                cmocka_unit_test(test_withdrawal_comes_back),
                cmocka_unit_test(test_erasure_comes_back),
                cmocka_unit_test(test_change_of_the_keys_comes_back),
                cmocka_unit_test(test_erasure_of_everything_comes_back),
                cmocka_unit_test(test_form_is_as_documented),
                cmocka_unit_test(test_text_that_is_not_utf8_is_refused),
                cmocka_unit_test(test_later_version_is_refused),
                cmocka_unit_test(test_unknown_kind_is_refused),
                cmocka_unit_test(test_unknown_purpose_is_refused),
                cmocka_unit_test(test_unknown_state_is_refused),
                cmocka_unit_test(test_unknown_key_is_refused),
                cmocka_unit_test(test_missing_key_is_refused),
                cmocka_unit_test(test_doubled_key_is_refused),
                cmocka_unit_test(test_wrong_type_is_refused),
                cmocka_unit_test(test_number_out_of_range_is_refused),
                cmocka_unit_test(test_text_too_long_is_refused),
                cmocka_unit_test(test_cut_or_trailing_text_is_refused),
                cmocka_unit_test(test_other_kinds_with_wrong_members_are_refused),
        };

        return cmocka_run_group_tests_name("consent-entry", tests, NULL, NULL);
}
