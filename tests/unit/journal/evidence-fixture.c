/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "evidence-fixture.h"
#include "trailkeep/file.h"

char *evidence_key_path(Fixture *f) {
        char *path = path_join(f->root, "evidence.key");

        assert_non_null(path);
        return path;
}

void give_key_to_auditor(Fixture *f) {
        _cleanup_free_ char *path = evidence_key_path(f);
        _cleanup_bytes_ Bytes key = { 0 };

        assert_int_equal(start_evidence(f, &key), 0);
        assert_int_equal(file_write_atomic(path, key.data, key.size, 0400, true), 0);
}

int evidence_setup(void **state) {
        Fixture *f;

        assert_int_equal(fixture_setup(state), 0);
        f = *state;
        assert_int_equal(fixture_open(f), 0);
        assert_int_equal(ledger_append_entry(f, "{\"before\":1}"), 0);
        append(f, 2);
        give_key_to_auditor(f);
        return 0;
}

static void on_trouble(const char *sentence, void *userdata) {
        Findings *findings = userdata;
        size_t n = strlen(findings->text);

        (void)snprintf(findings->text + n, sizeof(findings->text) - n, "%s\n", sentence); /* cut off at worst */
}

int verify(Fixture *f, Findings *ret) {
        _cleanup_free_ char *path = evidence_key_path(f);
        const JournalVerification options = { .state_dir = f->dir, .key_file = path, .trouble = on_trouble,
                                              .userdata = ret };

        *ret = (Findings){ .text = "" };
        return journal_verify_evidence(&options, &ret->evidence, &f->error);
}

void check_holds(Fixture *f, Findings *ret) {
        if (verify(f, ret) != 0)
                fail_msg("%s", f->error.text);
        if (ret->evidence.troubles > 0)
                fail_msg("%s", ret->text);
}

void check_found(Fixture *f, const char *part_of_trouble) {
        Findings findings;

        if (verify(f, &findings) != 0)
                fail_msg("%s", f->error.text);
        if (!strstr(findings.text, part_of_trouble))
                fail_msg("nothing says \"%s\" but:\n%s", part_of_trouble, findings.text);
        assert_true(findings.evidence.troubles > 0);
}
