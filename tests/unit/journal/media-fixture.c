/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "media-fixture.h"
#include <dirent.h>
#include <sys/stat.h>

const uint8_t *sample(unsigned seed, size_t size) {
        static uint8_t data[RECORD_DATA_MAX];
        uint64_t x = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;

        assert_true(size <= sizeof(data));
        for (size_t i = 0; i < size; i++) {
                x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
                data[i] = (uint8_t)(x >> 56);
        }
        return data;
}

void add_media(Fixture *f, RecordKind kind, const char *clip, unsigned seed, size_t size) {
        assert_int_equal(append_media(f, kind, clip, sample(seed, size), size), 0);
        fixture_advance(f, USEC_PER_SEC);
}

void assert_is_sample(const Record *record, unsigned seed, size_t size) {
        assert_int_equal(record->data.size, size);
        assert_memory_equal(record->data.data, sample(seed, size), size);
}

size_t segments(Fixture *f, size_t *ret_bytes) {
        _cleanup_free_ char *dir = fixture_path(f, "segments");
        DIR *d = opendir(dir);
        const struct dirent *entry;
        struct stat st;
        size_t n = 0;

        *ret_bytes = 0;
        while (d && (entry = readdir(d)))
                if (entry->d_name[0] != '.') {
                        if (fstatat(dirfd(d), entry->d_name, &st, 0) < 0)
                                continue; /* removed meanwhile */
                        assert_int_equal(st.st_mode & 07777, 0600);
                        *ret_bytes += (size_t)st.st_size;
                        n++;
                }
        if (d)
                (void)closedir(d);
        return n;
}

size_t n_segments(Fixture *f) {
        size_t bytes;

        return segments(f, &bytes);
}

char *segment_path(Fixture *f, uint64_t parcel) {
        char name[40];

        (void)snprintf(name, sizeof(name), "segments/%016llx", (unsigned long long)parcel);
        return fixture_path(f, name);
}

void wait_segments(Fixture *f, size_t n) {
        while (n_segments(f) != n)
                fixture_turn(f);
}
