/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Files and folders. Floor 0.
 *
 * A file is replaced by writing another beside it, syncing it, renaming it and syncing the folder: after a power cut
 * there is the old one or the new one, never a mixture and never an empty one (rename(2) alone promises no order on
 * ext4 without auto_da_alloc, nor on f2fs). A file that must not be replaced is linked to its name instead, since
 * link(2) fails when the name is taken and renameat2(2) is not in every libc.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "trailkeep/file.h"
#include "trailkeep/id.h"

#define READ_CHUNK ((size_t)4096)
#define DIR_PARENT_MODE 0755

/**
 * close_fdp() - close a descriptor for _cleanup_close_
 * @fd:         descriptor, or negative: nothing to do; errno is kept
 */
void close_fdp(int *fd) {
        int saved = errno;

        if (*fd < 0)
                return;
        /* Nothing was promised about what was written here: who needs that has called fsync(). */
        (void)close(*fd);
        *fd = -1;
        errno = saved;
}

static int fd_check_regular(int fd) {
        struct stat st;

        if (fstat(fd, &st) < 0)
                return negative_errno();
        if (S_ISDIR(st.st_mode))
                return -EISDIR;
        return S_ISREG(st.st_mode) ? 0 : -EINVAL;
}

static int fd_read_all(int fd, size_t max_size, Bytes *bytes) {
        for (;;) {
                ssize_t n;
                int r;

                r = bytes_reserve(bytes, MIN(READ_CHUNK, max_size + 1 - bytes->size));
                if (r < 0)
                        return r;
                n = read(fd, bytes->data + bytes->size, MIN(READ_CHUNK, max_size + 1 - bytes->size));
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return negative_errno();
                bytes->size += (size_t)n;
                bytes->data[bytes->size] = 0;
                if (bytes->size > max_size)
                        return -EFBIG;
                if (n == 0)
                        return 0;
        }
}

/**
 * file_read() - read a whole regular file
 * @path:       of the file; a symbolic link is followed
 * @max_size:   in bytes, below SIZE_MAX
 * @ret:        contents; must be empty; the caller calls bytes_done(); untouched on failure. An empty file leaves
 *              data NULL or a lone 0 byte: look at size first.
 *
 * The size that the kernel reports is not believed, so this reads /proc and growing files too.
 *
 * Return: 0; -EFBIG if there is more; -EISDIR; -EINVAL if it is a device, pipe or socket; -errno of open(2), read(2).
 */
int file_read(const char *path, size_t max_size, Bytes *ret) {
        _cleanup_bytes_ Bytes bytes = { .limit = max_size + 1 };
        _cleanup_close_ int fd = -1;
        int r;

        /* O_NONBLOCK: a pipe put in the file's place must not hold up the loop before it is refused. */
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0)
                return negative_errno();
        r = fd_check_regular(fd);
        if (r < 0)
                return r;
        r = fd_read_all(fd, max_size, &bytes);
        if (r < 0)
                return r;

        bytes.limit = ret->limit;
        *ret = bytes;
        bytes = (Bytes){ 0 };
        return 0;
}

static int fd_write_all(int fd, const uint8_t *data, size_t size) {
        while (size > 0) {
                ssize_t n = write(fd, data, size);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return negative_errno();
                data += n;
                size -= (size_t)n;
        }
        return 0;
}

/* The last component, which points into @path; NULL when it names no file. */
static const char *path_last(const char *path) {
        const char *slash = strrchr(path, '/');
        const char *name = slash ? slash + 1 : path;

        return *name == 0 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ? NULL : name;
}

/* Opens the folder that the last component @name of @path is in. */
static int parent_open(const char *path, const char *name) {
        _cleanup_free_ char *dir = name == path ? strdup(".") : strndup(path, (size_t)(name - path));
        int fd;

        if (!dir)
                return -ENOMEM;
        fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? negative_errno() : fd;
}

static int file_fill(int dir_fd, const char *name, const void *data, size_t size, mode_t mode) {
        _cleanup_close_ int fd = -1;
        int r;

        fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
                return negative_errno();
        /* The mode comes first: the umask must not widen it, and it must never be wider than asked for. */
        if (fchmod(fd, mode) < 0)
                return negative_errno();
        r = fd_write_all(fd, data, size);
        if (r < 0)
                return r;
        return fsync(fd) < 0 ? negative_errno() : 0;
}

static int file_put_in_place(int dir_fd, const char *temporary, const char *name, bool replace) {
        if (replace)
                return renameat(dir_fd, temporary, dir_fd, name) < 0 ? negative_errno() : 0;
        if (linkat(dir_fd, temporary, dir_fd, name, 0) < 0)
                return negative_errno();
        /* The other name of a good file; the caller's sync of the folder makes both changes last. */
        (void)unlinkat(dir_fd, temporary, 0);
        return 0;
}

/**
 * file_write_atomic() - put a file in place, whole or not at all, so that it survives a power cut
 * @path:       of the file; its folder must exist
 * @data:       contents, borrowed
 * @size:       in bytes
 * @mode:       of the new file, exactly, whatever the umask
 * @replace:    whether a file of that name may be replaced
 *
 * Return: 0; -EEXIST if it is there and !@replace; -EINVAL if @path names no file; -errno of the system calls. On
 * failure what was there before is unchanged, unless only the last sync of the folder failed.
 */
int file_write_atomic(const char *path, const void *data, size_t size, mode_t mode, bool replace) {
        const char *name = path_last(path);
        char temporary[ID_STRING_MAX + 8], id[ID_STRING_MAX];
        _cleanup_close_ int dir_fd = -1;
        int r;

        if (!name)
                return -EINVAL;
        dir_fd = parent_open(path, name);
        if (dir_fd < 0)
                return dir_fd;
        r = id_new_random(id);
        if (r < 0)
                return r;
        (void)snprintf(temporary, sizeof(temporary), ".%s.tmp", id); /* always fits */

        r = file_fill(dir_fd, temporary, data, size, mode);
        if (r >= 0)
                r = file_put_in_place(dir_fd, temporary, name, replace);
        if (r < 0) {
                /* The first failure is the one to report; the file may not even exist. */
                (void)unlinkat(dir_fd, temporary, 0);
                return r;
        }
        return fsync(dir_fd) < 0 ? negative_errno() : 0;
}

/**
 * file_sync() - make a file that somebody put in place survive a power cut
 * @path:       of the file
 *
 * Return: 0: its contents and its name in the folder are on the medium; -EINVAL if @path names no file; -errno of the
 * system calls.
 */
int file_sync(const char *path) {
        const char *name = path_last(path);
        _cleanup_close_ int fd = -1, dir_fd = -1;

        if (!name)
                return -EINVAL;
        dir_fd = parent_open(path, name);
        if (dir_fd < 0)
                return dir_fd;
        fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0 || fsync(fd) < 0 || fsync(dir_fd) < 0)
                return negative_errno();
        return 0;
}

/* A folder whose name may not outlive a power cut is taken away again, so that the next try makes and syncs it. */
static int dir_sync_name(const char *path) {
        const char *name = path_last(path);
        _cleanup_close_ int fd = -1;
        int r = 0;

        if (!name)
                return 0; /* "." and ".." were there before */
        fd = parent_open(path, name);
        if (fd < 0)
                r = fd;
        else if (fsync(fd) < 0)
                r = negative_errno();
        if (r < 0)
                (void)rmdir(path); /* the first failure is the one to report */
        return r;
}

static int dir_make_one(const char *path, mode_t mode) {
        struct stat st;

        if (mkdir(path, mode) >= 0) {
                /* The umask has narrowed it; the owner of a fresh folder may always set what was asked for. */
                if (chmod(path, mode) < 0)
                        return negative_errno();
                return dir_sync_name(path);
        }
        if (errno != EEXIST)
                return negative_errno();
        if (stat(path, &st) < 0)
                return negative_errno();
        return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

/**
 * dir_make() - make a folder and the ones above it
 * @path:       of the folder
 * @mode:       of the last one, exactly, if it is made; those above get 0755; existing ones are left as they are
 *
 * What is made outlives a power cut: the folder above it is synced.
 *
 * Return: 0, also when it is there; -ENOTDIR if something else is; -errno of mkdir(2) and fsync(2). On failure some of
 * the folders above may have been made.
 */
int dir_make(const char *path, mode_t mode) {
        _cleanup_free_ char *copy = NULL;
        int r;

        if (*path == 0)
                return -EINVAL;
        copy = strdup(path);
        if (!copy)
                return -ENOMEM;
        for (size_t n = strlen(copy); n > 1 && copy[n - 1] == '/'; n--)
                copy[n - 1] = 0;
        for (char *p = copy + 1; *p; p++) {
                if (*p != '/' || p[1] == '/' || p[1] == 0)
                        continue;
                *p = 0;
                r = dir_make_one(copy, DIR_PARENT_MODE);
                *p = '/';
                if (r < 0)
                        return r;
        }
        return dir_make_one(copy, mode);
}

/**
 * path_join() - a name within a folder
 * @dir:        path of the folder; "" gives @name alone
 * @name:       relative path
 *
 * Return: the joined path with exactly one slash between, owned by the caller; NULL: out of memory.
 */
char *path_join(const char *dir, const char *name) {
        size_t n_dir = strlen(dir), n_name = strlen(name);
        bool has_slash = n_dir == 0 || dir[n_dir - 1] == '/';
        char *path;

        path = malloc(n_dir + !has_slash + n_name + 1);
        if (!path)
                return NULL;
        memcpy(path, dir, n_dir);
        if (!has_slash)
                path[n_dir++] = '/';
        memcpy(path + n_dir, name, n_name + 1);
        return path;
}
