/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rows out of a damaged SQLite file. Floor 2.
 *
 * SQLite finds a row through page 1, the schema, and a tree of pages; where one of these is damaged, all behind it is
 * lost to it, whatever its own state. Here each page is looked at alone, and in it each offset: does what lies there
 * read as a row of a table with an INTEGER PRIMARY KEY (SQLite's file format, §2.1)?
 *
 *   id as a varint | size of the header, one byte | type 0 for the id | type of each other column | their values
 *
 * Neither the tree nor the page's own header nor the row's length in front of the id is needed. What looks like a row
 * by chance, or is one of former times, is given out as well: whoever asks believes a row only when its seal, which is
 * bound to id and lane, holds.
 *
 * A row of more than 4061 bytes goes on in other pages (§1.6): the newest version of those is taken, from the WAL as
 * far as that is valid, else from the file.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "salvage-pages.h"
#include "salvage-wal.h"
#include "trailkeep/bytes.h"
#include "trailkeep/file.h"

#define PAGE_SIZE SALVAGE_PAGE_SIZE
#define LOCAL_MAX (PAGE_SIZE - 35)                   /* §1.6: X of a table leaf */
#define LOCAL_MIN ((PAGE_SIZE - 12) * 32 / 255 - 23) /* M */
#define OVERFLOW_DATA (PAGE_SIZE - 4)
#define ROW_SIZE_MAX ((uint64_t)64 * 1024 * 1024)
#define ROW_HEADER_MAX 64
#define COLUMNS_MIN 1
#define VARINT_MAX 9

typedef struct Search {
        int fd; /* of the database; -1: there is none */
        Wal wal;
        PagesFound found;
        void *userdata;
        uint8_t page[PAGE_SIZE];
        Bytes spilled; /* a row that goes on in other pages, put together */
} Search;

/* Number of bytes, 0 if it does not end within @size. */
static size_t varint_read(const uint8_t *data, size_t size, uint64_t *ret) {
        uint64_t value = 0;

        for (size_t i = 0; i < size && i < VARINT_MAX - 1; i++) {
                value = value << 7 | (data[i] & 0x7f);
                if (!(data[i] & 0x80)) {
                        *ret = value;
                        return i + 1;
                }
        }
        return 0; /* one of nine bytes is negative, which no id of ours is */
}

/* Types of the columns, as in a row's header. */
typedef struct RowHeader {
        uint64_t types[FOUND_COLUMNS_MAX];
        size_t n, size;
        uint64_t size_of_row; /* header and values */
} RowHeader;

static uint64_t type_size(uint64_t type) {
        static const uint8_t sizes[] = { 0, 1, 2, 3, 4, 6, 8, 8, 0, 0 };

        return type < ELEMENTSOF(sizes) ? sizes[type] : (type - 12) / 2;
}

/* Fails on what no table of ours has: floating point, types that do not exist, an id that is stored. */
static bool row_header_read(const uint8_t *data, size_t size, RowHeader *ret) {
        RowHeader header = { .size = data[0] };
        size_t at = 2;

        if (header.size < 2 + COLUMNS_MIN || header.size > MIN(size, (size_t)ROW_HEADER_MAX) || data[1] != 0)
                return false;
        header.size_of_row = header.size;
        while (at < header.size) {
                uint64_t type;
                size_t n = varint_read(data + at, header.size - at, &type);

                if (n == 0 || header.n == FOUND_COLUMNS_MAX || type == 7 || type == 10 || type == 11 ||
                    type_size(type) > ROW_SIZE_MAX)
                        return false;
                header.types[header.n++] = type;
                header.size_of_row += type_size(type);
                at += n;
        }
        *ret = header;
        return true;
}

static DbValue value_read(uint64_t type, const uint8_t *data) {
        size_t size = type_size(type);
        uint64_t bits = size > 0 && data[0] & 0x80 ? UINT64_MAX : 0;

        if (type == 0)
                return DB_NULL;
        if (type >= 12)
                return (DbValue){ .type = type % 2 ? DB_VALUE_TEXT : DB_VALUE_BLOB, .data = data, .size = size };
        for (size_t i = 0; i < size; i++)
                bits = bits << 8 | data[i];
        return DB_INT(type == 9 ? 1 : bits);
}

static int search_tell(Search *search, uint64_t id, const RowHeader *header, const uint8_t *row) {
        FoundRow found = { .id = id, .n_columns = header->n };
        const uint8_t *value = row + header->size;

        for (size_t i = 0; i < header->n; i++) {
                found.columns[i] = value_read(header->types[i], value);
                value += type_size(header->types[i]);
        }
        return search->found(&found, search->userdata);
}

/* The newest version of a page. */
static bool search_read_page(Search *search, uint32_t number, uint8_t page[static PAGE_SIZE]) {
        for (size_t i = search->wal.n_valid; i > 0; i--)
                if (search->wal.pages[i - 1] == number)
                        return wal_read_page(&search->wal, i - 1, page) > 0;
        return search->fd >= 0 && number > 0 &&
               pread(search->fd, page, PAGE_SIZE, (off_t)(number - 1) * PAGE_SIZE) == PAGE_SIZE;
}

static uint32_t page_number(const uint8_t *bytes) {
        uint32_t number;

        memcpy(&number, bytes, sizeof(number));
        return be32toh(number);
}

/* Returns 1 when the rest of the row was found, 0 when not. */
static int search_follow(Search *search, uint32_t next, uint64_t size) {
        uint8_t page[PAGE_SIZE];

        while (search->spilled.size < size) {
                int r;

                if (!search_read_page(search, next, page))
                        return 0;
                r = bytes_append(&search->spilled, page + 4,
                                 (size_t)MIN(size - search->spilled.size, (uint64_t)OVERFLOW_DATA));
                if (r < 0)
                        return r;
                next = page_number(page);
        }
        return 1;
}

static int search_spilled(Search *search, uint64_t id, const RowHeader *header, const uint8_t *row, size_t size) {
        uint64_t surplus = LOCAL_MIN + (header->size_of_row - LOCAL_MIN) % OVERFLOW_DATA;
        size_t n_local = surplus <= LOCAL_MAX ? (size_t)surplus : LOCAL_MIN;
        int r;

        if (n_local + 4 > size)
                return 0;
        search->spilled.size = 0;
        r = bytes_append(&search->spilled, row, n_local);
        if (r >= 0)
                r = search_follow(search, page_number(row + n_local), header->size_of_row);
        return r > 0 ? search_tell(search, id, header, search->spilled.data) : r;
}

static int search_page(Search *search) {
        for (size_t at = 0; at + 3 < PAGE_SIZE; at++) {
                RowHeader header;
                uint64_t id;
                size_t n = varint_read(search->page + at, PAGE_SIZE - at, &id);
                const uint8_t *row = search->page + at + n;
                size_t size = PAGE_SIZE - at - n;
                int r = 0;

                if (n == 0 || size < 3 || !row_header_read(row, size, &header))
                        continue;
                if (header.size_of_row > LOCAL_MAX)
                        r = search_spilled(search, id, &header, row, size);
                else if (header.size_of_row <= size)
                        r = search_tell(search, id, &header, row);
                if (r != 0)
                        return r;
        }
        return 0;
}

static int search_frames(Search *search, size_t from, size_t to) {
        int r = 0;

        for (size_t i = to; r == 0 && i > from; i--)
                if (wal_read_page(&search->wal, i - 1, search->page) > 0)
                        r = search_page(search);
        return r;
}

/* A page that the medium cannot read is passed over; the last one may be cut off. */
static int search_file(Search *search) {
        struct stat st;
        int r = 0;

        if (search->fd < 0)
                return 0;
        if (fstat(search->fd, &st) < 0)
                return -errno;
        for (off_t offset = 0; r == 0 && offset < st.st_size; offset += PAGE_SIZE) {
                ssize_t n = pread(search->fd, search->page, PAGE_SIZE, offset);

                if (n <= 0)
                        continue;
                memset(search->page + n, 0, PAGE_SIZE - (size_t)n);
                r = search_page(search);
        }
        return r;
}

static void search_done(Search *search) {
        close_fdp(&search->fd);
        wal_done(&search->wal);
        bytes_done(&search->spilled);
}

/**
 * pages_search() - give out all that may be a row
 * @path:       of the database
 * @found:      called for each, possibly often for the same
 * @userdata:   for @found
 *
 * The order is: valid frames of the WAL, the newest first; the file; what else lies in the WAL. Nothing is written.
 *
 * Return: 0; what @found returned; < 0.
 */
int pages_search(const char *path, PagesFound found, void *userdata) {
        _cleanup_(search_done) Search search = { .fd = -1, .wal = { .fd = -1 }, .found = found, .userdata = userdata };
        int r;

        search.spilled.limit = ROW_SIZE_MAX + ROW_HEADER_MAX;
        search.fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (search.fd < 0 && errno != ENOENT)
                return -errno;
        r = wal_read(path, &search.wal);
        if (r == 0)
                r = search_frames(&search, 0, search.wal.n_valid);
        if (r == 0)
                r = search_file(&search);
        if (r == 0)
                r = search_frames(&search, search.wal.n_valid, search.wal.n_frames);
        return r;
}

/**
 * pages_wal_is_damaged() - whether SQLite would pass over commits that were on the medium
 * @path:       of the database; not open
 *
 * Return: 1; 0; < 0.
 */
int pages_wal_is_damaged(const char *path) {
        _cleanup_wal_ Wal wal = { .fd = -1 };
        int r = wal_read(path, &wal);

        return r < 0 ? r : wal.is_damaged;
}
