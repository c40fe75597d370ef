/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading files that hold keys. Floor 1.
 *
 * A key that group or others may read is refused rather than used. One case only looks like that: systemd hands a
 * credential to a service with User= through a POSIX ACL, and with an ACL the group bits of the mode are its mask
 * (acl(5)). So when group bits are set the ACL itself is read: a reader named there must be us, and the owning group,
 * other groups and others must have nothing. The layout is that of the xattr system.posix_acl_access, version 2: little
 * endian, a 32-bit version, then for each entry 16-bit tag, 16-bit permissions, 32-bit id.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
#include "key-file.h"
#include "trailkeep/file.h"
#include "trailkeep/keyring.h"

#define ACL_XATTR "system.posix_acl_access"
#define ACL_SIZE_MAX 1024

enum { ACL_TAG_USER_OBJ = 0x01, ACL_TAG_USER = 0x02, ACL_TAG_MASK = 0x10 };

typedef struct AclEntry {
        uint16_t tag;
        uint16_t permissions;
        uint32_t id;
} AclEntry;

static bool acl_entry_is_private(const AclEntry *entry) {
        uint16_t tag = le16toh(entry->tag);

        if (tag == ACL_TAG_USER_OBJ || tag == ACL_TAG_MASK || entry->permissions == 0)
                return true;
        return tag == ACL_TAG_USER && le32toh(entry->id) == geteuid();
}

static bool fd_acl_is_private(int fd) {
        uint8_t acl[ACL_SIZE_MAX];
        ssize_t n;

        n = fgetxattr(fd, ACL_XATTR, acl, sizeof(acl));
        if (n < (ssize_t)sizeof(uint32_t))
                return false; /* no ACL: the group bits mean what they say */
        for (size_t i = sizeof(uint32_t); i + sizeof(AclEntry) <= (size_t)n; i += sizeof(AclEntry)) {
                AclEntry entry;

                memcpy(&entry, acl + i, sizeof(entry));
                if (!acl_entry_is_private(&entry))
                        return false;
        }
        return true;
}

static int fd_check_private(int fd) {
        struct stat st;

        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return KEYRING_E_MALFORMED;
        if (st.st_mode & 0007)
                return KEYRING_E_EXPOSED;
        if ((st.st_mode & 0070) && !fd_acl_is_private(fd))
                return KEYRING_E_EXPOSED;
        return 0;
}

/**
 * key_file_read() - read a file that holds a key
 * @path:       of the file or credential
 * @max_size:   in bytes
 * @ret:        contents; must be empty; the caller calls bytes_done(); untouched on failure
 *
 * Return: 0; KEYRING_E_MISSING; KEYRING_E_EXPOSED; KEYRING_E_MALFORMED if it is no regular file or larger; -errno.
 */
int key_file_read(const char *path, size_t max_size, Bytes *ret) {
        _cleanup_close_ int fd = -1;
        _cleanup_bytes_ Bytes bytes = { .limit = max_size + 1 };
        int r;

        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0)
                return errno == ENOENT || errno == ENOTDIR ? KEYRING_E_MISSING : -errno;
        r = fd_check_private(fd);
        if (r != 0)
                return r;
        r = bytes_reserve(&bytes, max_size + 1);
        if (r < 0)
                return r;
        while (bytes.size <= max_size) {
                ssize_t n = read(fd, bytes.data + bytes.size, max_size + 1 - bytes.size);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                bytes.size += (size_t)n;
        }
        if (bytes.size > max_size)
                return KEYRING_E_MALFORMED;
        bytes.data[bytes.size] = 0;
        bytes.limit = ret->limit;
        *ret = bytes;
        bytes = (Bytes){ 0 };
        return 0;
}
