/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One link of the evidence, and the keys that vouch for it. Floor 2, pure.
 *
 * Forward-secure sealing in the manner of journald's FSS (Marson and Poettering, 2013), with a key for each link:
 *
 *   first key of a strand = derive(first key of the chain, "trailkeep evidence decisions" | "trailkeep evidence parcels")
 *   key of the next link  = derive(key of a link, "trailkeep evidence next")
 *   tag of a link         = HMAC(derive(key, "trailkeep evidence link"), packed link)
 *   its clock             = ms since 1970 XOR the first 8 bytes, little endian, of derive(key, "trailkeep evidence clock")
 *   seal of the head      = HMAC(derive(key of the next link, "trailkeep evidence head"), packed head)
 *
 *   packed link  "tkevl1" and two 0 bytes | installation (16) | chain, strand, seq, kind, ref, n | digest (32) |
 *                made_on_usec, clock | tag of the link before (32; zeroes before a chain's first one)
 *   packed head  "tkevh1" and two 0 bytes | installation (16) | chain, strand, first, seq | tag of the last link (32)
 *
 * Numbers are 64 bits, little endian; derive() is HKDF-SHA256 without a salt, HMAC is HMAC-SHA256.
 *
 * A key is destroyed as soon as the link is made. So whoever takes the box over finds the key of the link that comes
 * next and can make none of those before it again; nor can he cut some off at the end, since the head that would have
 * to stand there needs a key that is gone. The head's seal and the clock keep those without the first key from learning
 * more than what stands in plain text.
 *
 * There are two strands, since links of parcels whose data is gone are pruned: what is left out there must not be able
 * to hide that a decision or an erasure is missing. The strand of decisions has no gap, ever.
 */
#include <endian.h>
#include <string.h>
#include "evidence-link.h"

/**
 * evidence_strand_of() - which strand a fact belongs to
 * @kind:       what it says; START and END are in both
 *
 * Return: the strand.
 */
EvidenceStrand evidence_strand_of(EvidenceKind kind) {
        return kind == EVIDENCE_PARCEL || kind == EVIDENCE_PRUNED ? EVIDENCE_PARCELS : EVIDENCE_DECISIONS;
}

static int evidence_derive(const Secret *key, const char *label, Secret **ret) {
        return derive_key(&(DeriveFrom){ .key = key, .label = label }, ret);
}

/**
 * evidence_strand_key() - key of the first link of a strand
 * @first:      first key of the chain
 * @strand:     which
 * @ret:        owned by the caller; untouched on failure
 *
 * Return: 0; -ENOMEM; -EIO.
 */
int evidence_strand_key(const Secret *first, EvidenceStrand strand, Secret **ret) {
        return evidence_derive(first,
                               strand == EVIDENCE_PARCELS ? "trailkeep evidence parcels" : "trailkeep evidence decisions",
                               ret);
}

/**
 * evidence_next_key() - key of the next link
 * @key:        of a link, to be destroyed after this
 * @ret:        owned by the caller; untouched on failure
 *
 * Return: 0; -ENOMEM; -EIO.
 */
int evidence_next_key(const Secret *key, Secret **ret) {
        return evidence_derive(key, "trailkeep evidence next", ret);
}

/**
 * evidence_clock_mask() - what hides a link's clock
 * @key:        of the link
 * @ret:        to be XORed with ms since 1970, or with what is stored; untouched on failure
 *
 * Return: 0; -ENOMEM; -EIO.
 */
int evidence_clock_mask(const Secret *key, uint64_t *ret) {
        _cleanup_(secret_freep) Secret *mask = NULL;
        uint64_t mask_le;
        int r;

        r = evidence_derive(key, "trailkeep evidence clock", &mask);
        if (r < 0)
                return r;
        memcpy(&mask_le, secret_bytes(mask), sizeof(mask_le));
        *ret = le64toh(mask_le);
        return 0;
}

static int pack_numbers(Bytes *bytes, const uint64_t *numbers, size_t n) {
        int r = 0;

        for (size_t i = 0; r >= 0 && i < n; i++)
                r = pack_u64(bytes, numbers[i]);
        return r;
}

static int evidence_mac(const Secret *key, const char *label, const Bytes *packed, uint8_t ret[static MAC_SIZE]) {
        _cleanup_(secret_freep) Secret *derived = NULL;
        int r;

        r = evidence_derive(key, label, &derived);
        return r < 0 ? r : mac_compute(derived, packed->data, packed->size, ret);
}

/**
 * evidence_link_tag() - what vouches for a link
 * @link:       all but its tag
 * @scope:      of the vault
 * @key:        of the link
 * @ret:        undefined on failure
 *
 * Return: 0; < 0.
 */
int evidence_link_tag(const EvidenceLink *link, const SealScope *scope, const Secret *key,
                      uint8_t ret[static MAC_SIZE]) {
        const EvidenceFact *fact = &link->fact;
        const uint64_t before_digest[] = { link->chain, link->strand, link->seq, fact->kind, fact->ref, fact->n };
        const uint64_t after_digest[] = { link->made_on_usec, link->clock };
        _cleanup_bytes_ Bytes packed = { 0 };
        int r;

        r = bytes_append(&packed, "tkevl1\0", 8);
        if (r >= 0)
                r = bytes_append(&packed, scope->installation, INSTALLATION_SIZE);
        if (r >= 0)
                r = pack_numbers(&packed, before_digest, ELEMENTSOF(before_digest));
        if (r >= 0)
                r = bytes_append(&packed, fact->digest, EVIDENCE_DIGEST_SIZE);
        if (r >= 0)
                r = pack_numbers(&packed, after_digest, ELEMENTSOF(after_digest));
        if (r >= 0)
                r = bytes_append(&packed, link->before, MAC_SIZE);
        return r < 0 ? r : evidence_mac(key, "trailkeep evidence link", &packed, ret);
}

/**
 * evidence_head_seal() - what vouches for the end of a strand
 * @head:       the end
 * @scope:      of the vault
 * @next:       key of the link that comes next
 * @ret:        undefined on failure
 *
 * Return: 0; < 0.
 */
int evidence_head_seal(const EvidenceHead *head, const SealScope *scope, const Secret *next,
                       uint8_t ret[static MAC_SIZE]) {
        const uint64_t numbers[] = { head->chain, head->strand, head->first, head->seq };
        _cleanup_bytes_ Bytes packed = { 0 };
        int r;

        r = bytes_append(&packed, "tkevh1\0", 8);
        if (r >= 0)
                r = bytes_append(&packed, scope->installation, INSTALLATION_SIZE);
        if (r >= 0)
                r = pack_numbers(&packed, numbers, ELEMENTSOF(numbers));
        if (r >= 0)
                r = bytes_append(&packed, head->tag, MAC_SIZE);
        return r < 0 ? r : evidence_mac(next, "trailkeep evidence head", &packed, ret);
}
