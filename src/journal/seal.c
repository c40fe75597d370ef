/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Additional data and packing. Floor 2, pure.
 *
 * The additional data of everything sealed in vault.db and journal.db, numbers big endian:
 *
 *   offset  size  what
 *        0     4  "tk1" and a 0 byte: version of this layout
 *        4    16  installation
 *       20     4  incarnation of the vault
 *       24     1  kind, the number in SealKind
 *       25     1  lane, 255 where there is none
 *       26     8  id: of the record, parcel, object, erasure, ledger entry or gap; 0 where there is one only
 *
 * So nothing sealed can be moved to another device, lane, place or meaning without being noticed.
 *
 * Packed values are 64-bit numbers in little endian and strings with the 0 byte behind them, one after the other.
 */
#include <endian.h>
#include <string.h>
#include "seal.h"

/**
 * seal_ad() - the additional data of one sealed thing
 * @scope:      which vault
 * @kind:       what it is
 * @lane:       number of the lane or SEAL_NO_LANE
 * @id:         which one of its kind
 *
 * Return: the bytes.
 */
SealAd seal_ad(const SealScope *scope, SealKind kind, uint8_t lane, uint64_t id) {
        uint32_t incarnation = htobe32(scope->incarnation);
        uint64_t id_be = htobe64(id);
        SealAd ad = { .bytes = "tk1" };

        memcpy(ad.bytes + 4, scope->installation, INSTALLATION_SIZE);
        memcpy(ad.bytes + 20, &incarnation, sizeof(incarnation));
        ad.bytes[24] = (uint8_t)kind;
        ad.bytes[25] = lane;
        memcpy(ad.bytes + 26, &id_be, sizeof(id_be));
        return ad;
}

/**
 * pack_u64() - append a number
 * @bytes:      changed
 * @value:      a signed one is cast
 *
 * Return: 0; -ENOMEM; -ENOBUFS.
 */
int pack_u64(Bytes *bytes, uint64_t value) {
        uint64_t value_le = htole64(value);

        return bytes_append(bytes, &value_le, sizeof(value_le));
}

/**
 * pack_string() - append a string and its 0 byte
 * @bytes:      changed
 * @string:     0-terminated
 *
 * Return: 0; -ENOMEM; -ENOBUFS.
 */
int pack_string(Bytes *bytes, const char *string) {
        return bytes_append(bytes, string, strlen(string) + 1);
}

static void unpack_fail(Unpack *unpack) {
        unpack->is_short = true;
        unpack->size = 0;
}

/**
 * unpack_u64() - the next number
 * @unpack:     advanced
 *
 * Return: the number; 0 when there is none, see is_short.
 */
uint64_t unpack_u64(Unpack *unpack) {
        uint64_t value_le;

        if (unpack->size < sizeof(value_le)) {
                unpack_fail(unpack);
                return 0;
        }
        memcpy(&value_le, unpack->data, sizeof(value_le));
        unpack->data += sizeof(value_le);
        unpack->size -= sizeof(value_le);
        return le64toh(value_le);
}

/**
 * unpack_bytes() - the next bytes, which are laid out as they are
 * @unpack:     advanced
 * @ret:        the bytes; zeroes when there are not that many, see is_short
 * @size:       number of them
 */
void unpack_bytes(Unpack *unpack, uint8_t *ret, size_t size) {
        memset(ret, 0, size);
        if (unpack->size < size) {
                unpack_fail(unpack);
                return;
        }
        memcpy(ret, unpack->data, size);
        unpack->data += size;
        unpack->size -= size;
}

/**
 * unpack_string() - the next string
 * @unpack:     advanced
 *
 * Return: the string, borrowed; "" when there is none, see is_short.
 */
const char *unpack_string(Unpack *unpack) {
        const uint8_t *end = unpack->size > 0 ? memchr(unpack->data, 0, unpack->size) : NULL;
        const char *string = (const char *)unpack->data;

        if (!end) {
                unpack_fail(unpack);
                return "";
        }
        unpack->size -= (size_t)(end + 1 - unpack->data);
        unpack->data = end + 1;
        return string;
}
