/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs a fuzz target over the files of a folder, each as it is, cut off at every length, and with each byte changed: what
 * was once found is not lost, and any compiler will do. TAP: one test for each file.
 */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include "fuzz.h"
#include "trailkeep/file.h"

#define FILE_BYTES_MAX ((size_t)128 * 1024)
#define CHANGED_BYTES_MAX ((size_t)2048) /* of larger files only the beginning is cut and changed */

/* In a block of exactly its size, so that a sanitizer sees what is read beyond the end. */
static int run_exactly(const uint8_t *data, size_t size) {
        _cleanup_free_ uint8_t *copy = malloc(size > 0 ? size : 1);

        if (!copy)
                return -1;
        if (size > 0)
                memcpy(copy, data, size);
        return LLVMFuzzerTestOneInput(copy, size);
}

static int run_file(const char *path) {
        static const uint8_t changes[] = { 0x00, 0x0a, 0x20, 0x3d, 0x5b, 0x80, 0xff };
        _cleanup_bytes_ Bytes bytes = { 0 };
        size_t n_changed;
        int r;

        r = file_read(path, FILE_BYTES_MAX, &bytes);
        if (r >= 0)
                r = run_exactly(bytes.data, bytes.size);
        n_changed = MIN(bytes.size, CHANGED_BYTES_MAX);
        for (size_t i = 0; i < n_changed && r >= 0; i++) {
                uint8_t original = bytes.data[i];

                r = run_exactly(bytes.data, i);
                for (size_t j = 0; j < ELEMENTSOF(changes) && r >= 0; j++) {
                        bytes.data[i] = changes[j];
                        r = run_exactly(bytes.data, bytes.size);
                }
                bytes.data[i] = original;
        }
        return r;
}

int main(int argc, char *argv[]) {
        unsigned n = 0, n_failed = 0;
        struct dirent *entry;
        DIR *dir;

        dir = argc == 2 ? opendir(argv[1]) : NULL;
        if (!dir) {
                fputs("usage: replay FOLDER\n", stderr);
                return EXIT_FAILURE;
        }
        while ((entry = readdir(dir))) {
                _cleanup_free_ char *path = path_join(argv[1], entry->d_name);
                bool is_good;

                if (entry->d_name[0] == '.')
                        continue;
                is_good = path && run_file(path) >= 0;
                n_failed += !is_good;
                printf("%sok %u - %s\n", is_good ? "" : "not ", ++n, entry->d_name);
        }
        printf("1..%u\n", n);
        closedir(dir);
        return n > 0 && n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
