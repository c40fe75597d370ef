/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "disk-log.h"

typedef struct DiskFile {
        uint8_t *data; /* what was ever written; zeroes follow up to size */
        size_t n_data, size;
} DiskFile;

struct DiskReplay {
        const DiskLog *log;
        DiskSkip skip;
        size_t n;          /* operations seen */
        DiskFile *files;   /* durable, by number */
        DiskNames names;   /* durable */
        size_t *pending;   /* operations that are not */
        size_t n_pending;
        /* of the cut that is being made */
        DiskFile *cut_files;
        DiskNames cut_names;
};

uint64_t disk_random(uint64_t *state) {
        /* splitmix64: any two seeds give unrelated runs */
        uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        return z ^ (z >> 31);
}

DiskReplay *disk_replay_new(const DiskLog *log, DiskSkip skip) {
        DiskReplay *replay = calloc(1, sizeof(*replay));

        disk_must(replay != NULL);
        replay->log = log;
        replay->skip = skip;
        replay->files = calloc(log->n_files + 1, sizeof(DiskFile));
        replay->cut_files = calloc(log->n_files + 1, sizeof(DiskFile));
        replay->pending = calloc(log->n + 1, sizeof(size_t));
        disk_must(replay->files && replay->cut_files && replay->pending);
        return replay;
}

DiskReplay *disk_replay_free(DiskReplay *replay) {
        if (!replay)
                return NULL;
        for (size_t i = 0; i <= replay->log->n_files; i++) {
                free(replay->files[i].data);
                free(replay->cut_files[i].data);
        }
        free(replay->files);
        free(replay->cut_files);
        free(replay->pending);
        free(replay);
        return NULL;
}

static void file_reserve(DiskFile *file, size_t n) {
        if (n <= file->n_data)
                return;
        file->data = realloc(file->data, n);
        disk_must(file->data != NULL);
        memset(file->data + file->n_data, 0, n - file->n_data);
        file->n_data = n;
}

static void file_truncate(DiskFile *file, size_t size) {
        file->size = size;
        if (file->n_data > size)
                file->n_data = size;
}

static void file_write(DiskFile *file, size_t offset, const uint8_t *data, size_t size) {
        file_reserve(file, offset + size);
        memcpy(file->data + offset, data, size);
        file->size = MAX(file->size, offset + size);
}

static void file_apply(DiskFile *file, const Operation *operation) {
        if (operation->type == OPERATION_WRITE)
                file_write(file, (size_t)operation->offset, operation->data, operation->size);
        else if (operation->type == OPERATION_TRUNCATE)
                file_truncate(file, (size_t)operation->offset);
        else
                file->size = MAX(file->size, (size_t)operation->offset);
}

static void file_copy(DiskFile *to, const DiskFile *from) {
        to->n_data = 0;
        file_reserve(to, from->n_data);
        if (from->n_data > 0)
                memcpy(to->data, from->data, from->n_data);
        to->size = from->size;
}

static bool is_of_names(const Operation *operation) {
        return operation->type < OPERATION_SYNC_FOLDER;
}

static bool is_in_folder(const char *path, const char *folder) {
        const char *slash = strrchr(path, '/');
        size_t n = slash ? (size_t)(slash - path) : 0;

        return strlen(folder) == n && strncmp(path, folder, n) == 0;
}

static bool is_made_durable(const Operation *operation, const Operation *sync) {
        if (sync->type == OPERATION_SYNC)
                return !is_of_names(operation) && operation->file == sync->file;
        if (!is_of_names(operation))
                return false;
        return is_in_folder(operation->name, sync->name) ||
               (operation->to[0] && is_in_folder(operation->to, sync->name));
}

static bool is_skipped(const DiskReplay *replay, const Operation *sync) {
        switch (replay->skip) {
        case DISK_SKIP_FOLDERS:
                return sync->type == OPERATION_SYNC_FOLDER;
        case DISK_SKIP_WAL:
                return sync->type == OPERATION_SYNC && strstr(sync->name, "-wal");
        case DISK_SKIP_VAULT:
                return sync->type == OPERATION_SYNC && strstr(sync->name, "vault.db");
        case DISK_SKIP_SEGMENTS:
                return sync->type == OPERATION_SYNC && strstr(sync->name, "segments/");
        case DISK_SKIP_NONE:
        case DISK_SKIP_MAX:
                return false;
        }
        return false;
}

static void replay_sync(DiskReplay *replay, const Operation *sync) {
        size_t n_left = 0;

        if (is_skipped(replay, sync))
                return;
        for (size_t i = 0; i < replay->n_pending; i++) {
                const Operation *operation = &replay->log->operations[replay->pending[i]];

                if (!is_made_durable(operation, sync))
                        replay->pending[n_left++] = replay->pending[i];
                else if (is_of_names(operation))
                        disk_names_apply(&replay->names, operation);
                else
                        file_apply(&replay->files[operation->file], operation);
        }
        replay->n_pending = n_left;
}

static void replay_advance(DiskReplay *replay, size_t n) {
        disk_must(n >= replay->n && n <= replay->log->n);
        for (; replay->n < n; replay->n++) {
                const Operation *operation = &replay->log->operations[replay->n];

                if (operation->type == OPERATION_SYNC || operation->type == OPERATION_SYNC_FOLDER)
                        replay_sync(replay, operation);
                else
                        replay->pending[replay->n_pending++] = replay->n;
        }
}

/* What happens to all that is not durable at this cut. */
typedef struct Mood {
        uint64_t random;
        size_t sector;
        enum { MOOD_NOTHING, MOOD_ALL, MOOD_WHOLE, MOOD_SECTORS } writes;
        size_t n_names_kept; /* of the names, the first so many; SIZE_MAX: each by itself */
} Mood;

static bool is_kept(Mood *mood) {
        if (mood->writes == MOOD_NOTHING || mood->writes == MOOD_ALL)
                return mood->writes == MOOD_ALL;
        return disk_random(&mood->random) & 1;
}

/* One sector, or what a write has of it: there, not there, or half of it. */
static void cut_sector(Mood *mood, DiskFile *file, const Operation *operation, size_t at, size_t size) {
        size_t offset = (size_t)operation->offset + at;
        size_t middle = offset / mood->sector * mood->sector + mood->sector / 2;
        size_t n_first = MIN(size, middle > offset ? middle - offset : 0);
        const uint8_t *data = (const uint8_t *)operation->data + at;

        switch (disk_random(&mood->random) % 6) {
        case 0:
        case 1:
                return;
        case 2:
                if (n_first > 0)
                        file_write(file, offset, data, n_first);
                return;
        case 3:
                if (n_first < size)
                        file_write(file, offset + n_first, data + n_first, size - n_first);
                return;
        default:
                file_write(file, offset, data, size);
        }
}

static void cut_write(Mood *mood, DiskFile *file, const Operation *operation) {
        size_t size_before = file->size;

        for (size_t at = 0; at < operation->size;) {
                size_t offset = (size_t)operation->offset + at;
                size_t size = MIN(mood->sector - offset % mood->sector, operation->size - at);

                cut_sector(mood, file, operation, at, size);
                at += size;
        }
        /* The size is of the file and not of its sectors. */
        if (disk_random(&mood->random) & 1)
                file_truncate(file, size_before);
        else
                file->size = MAX(file->size, (size_t)operation->offset + operation->size);
}

static void cut_apply(DiskReplay *replay, Mood *mood, const Operation *operation) {
        DiskFile *file = &replay->cut_files[operation->file];

        if (is_of_names(operation)) {
                bool is_there = mood->n_names_kept == SIZE_MAX ? is_kept(mood) : mood->n_names_kept > 0;

                mood->n_names_kept -= mood->n_names_kept != SIZE_MAX && mood->n_names_kept > 0;
                if (is_there)
                        disk_names_apply(&replay->cut_names, operation);
        } else if (operation->type == OPERATION_WRITE && mood->writes == MOOD_SECTORS)
                cut_write(mood, file, operation);
        else if (is_kept(mood))
                file_apply(file, operation);
}

static void write_file(const DiskFile *file, const char *path) {
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        size_t n = MIN(file->n_data, file->size);

        disk_must(fd >= 0);
        disk_must(n == 0 || pwrite(fd, file->data, n, 0) == (ssize_t)n);
        disk_must(ftruncate(fd, (off_t)file->size) == 0);
        disk_must(close(fd) == 0);
}

/* What has lost its folder is lost. */
static void write_names(const DiskReplay *replay, const char *folder, bool is_folders) {
        for (size_t i = 0; i < replay->cut_names.n; i++) {
                const DiskName *name = &replay->cut_names.names[i];
                char path[2 * DISK_PATH_MAX], parent[2 * DISK_PATH_MAX];

                if ((name->file == DISK_FOLDER) != is_folders)
                        continue;
                disk_must(snprintf(path, sizeof(path), "%s/%s", folder, name->path) < (int)sizeof(path));
                memcpy(parent, path, sizeof(parent));
                *strrchr(parent, '/') = 0;
                if (access(parent, F_OK) != 0)
                        continue;
                if (is_folders)
                        disk_must(mkdir(path, 0700) == 0 || errno == EEXIST);
                else
                        write_file(&replay->cut_files[name->file], path);
        }
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
        return ftw->level > 0 ? remove(path) : 0;
}

void disk_empty(const char *folder) {
        (void)nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS); /* it may not be there */
}

static size_t count_names(const DiskReplay *replay) {
        size_t n = 0;

        for (size_t i = 0; i < replay->n_pending; i++)
                n += is_of_names(&replay->log->operations[replay->pending[i]]);
        return n;
}

void disk_replay_cut(DiskReplay *replay, size_t n, uint64_t random, const char *folder) {
        Mood mood = { .random = random };

        replay_advance(replay, n);
        mood.sector = disk_random(&mood.random) & 1 ? 512 : 4096;
        switch (disk_random(&mood.random) % 8) {
        case 0:
                mood.writes = MOOD_NOTHING;
                break;
        case 1:
                mood.writes = MOOD_ALL;
                break;
        case 2:
        case 3:
                mood.writes = MOOD_WHOLE;
                break;
        default:
                mood.writes = MOOD_SECTORS;
        }
        mood.n_names_kept = SIZE_MAX;
        if (disk_random(&mood.random) & 1)
                mood.n_names_kept = disk_random(&mood.random) % (count_names(replay) + 1);
        for (size_t i = 0; i <= replay->log->n_files; i++)
                file_copy(&replay->cut_files[i], &replay->files[i]);
        replay->cut_names = replay->names;
        for (size_t i = 0; i < replay->n_pending; i++)
                cut_apply(replay, &mood, &replay->log->operations[replay->pending[i]]);
        disk_empty(folder);
        /* Two levels of folders, in whichever order they stand here. */
        write_names(replay, folder, true);
        write_names(replay, folder, true);
        write_names(replay, folder, false);
}
