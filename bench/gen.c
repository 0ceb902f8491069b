/* SPDX-License-Identifier: Apache-2.0 */
/* gen -- writes the synthetic parts of the benchmark's disks.
 *
 *   gen noise    FILE SIZE SEED          bytes that no compressor makes smaller
 *   gen table    FILE SIZE SEED          8 KiB pages as a database keeps them
 *   gen rewrite  FILE TOTAL SEED         new pages over TOTAL bytes of FILE, in pieces of
 *                                        4 to 64 KiB, seven of ten in its hottest 30 %
 *   gen journal  FILE SIZE SEED          lines of a log, appended
 *   gen islands  FILE SIZE DATA SEED     a hole of SIZE bytes with DATA bytes in it, in extents
 *                                        of 4 KiB to 4 MiB, pages and noise by turns
 *   gen compare  OLD NEW BLOCK LIST      numbers of the blocks that differ, one a line
 *
 * A size is a decimal number with K, M or G behind it where that helps.  The same arguments
 * give the same bytes on every machine with the same byte order. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TOOL "gen"
#include "tool.h"

#define KIB 1024u
#define MIB (1024u * KIB)
#define PAGE (8 * KIB)
#define SECTOR (4 * KIB)
#define CHUNK MIB                   /* what is made in memory before it is written */
#define LONGEST_EXTENT (4 * MIB)
#define TUPLE_LIMIT 224u            /* a row is never longer than this */

static uint64_t state;              /* of the generator, the only thing a seed decides */

/* SplitMix64: a Weyl sequence through a mixer. */
static uint64_t
next(void)
{
    uint64_t x = state += 0x9e3779b97f4a7c15u;

    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static uint64_t
below(uint64_t limit)
{
    return next() % limit;
}

static const char *const words[] = {
    "harbour", "ledger", "parcel", "supplier", "receipt", "balance", "overdue", "Lisbon",
    "Oslo", "Vienna", "weekly", "quarter", "district", "state", "debit", "inventory", "east",
    "west", "copper", "bronze", "refunded", "paid", "queued", "audit", "courier", "economy",
    "courier-2", "urgent", "remark", "collect", "address", "square", "terrace", "example.net",
    "letter", "mobile", "window", "kraft", "Zagreb", "jumbo", "foundry", "pigment", "velvet",
    "Dublin", "yearly", "exempt", "zinc", "jigsaw",
};

static const char *
word(void)
{
    return words[below(sizeof words / sizeof *words)];
}

static uint64_t
parse_size(const char *text)
{
    uint64_t value = 0;
    const char *p = text;

    errno = 0;
    for (; *p >= '0' && *p <= '9'; p++) {
        if (value >> 58)
            die("%s is too large", text);
        value = value * 10 + (uint64_t)(*p - '0');
    }
    unsigned shift = *p == 'K' ? 10 : *p == 'M' ? 20 : *p == 'G' ? 30 : 0;
    p += shift != 0;
    if (p == text || *p || value >> (62 - shift))
        die("%s is not a size", text);
    return value << shift;
}

static void
fill_noise(unsigned char *p, size_t len)
{
    for (size_t at = 0; at < len; at += 8) {
        uint64_t v = next();
        memcpy(p + at, &v, len - at < 8 ? len - at : 8);
    }
}

/* One row: what a transaction leaves in its head, numbers that grow, a random key, a price,
 * four to fifteen words and eight hexadecimal digits, padded to eight bytes. */
static size_t
make_row(unsigned char *row, uint64_t page, uint32_t item)
{
    struct {
        uint32_t born, dead;
        uint8_t place[8];
        uint64_t number, when, key;
    } head = {
        .born = (uint32_t)(1200000 + page / 8 + below(8)),
        .place = {0, 0, (uint8_t)item},
        .number = page * 64 + item,
        .when = 0x0002c0000000u + page * 1021 + below(65536),
        .key = next(),
    };
    uint32_t price = (uint32_t)below(100000);
    size_t n = sizeof head, count = 4 + below(12);

    memset(row, 0, TUPLE_LIMIT + 32);
    memcpy(row, &head, n);
    memcpy(row + n, &price, sizeof price);
    n += sizeof price;
    while (count-- && n < 190) {
        const char *w = word();
        size_t len = strlen(w);
        memcpy(row + n, w, len);
        row[n + len] = ' ';
        n += len + 1;
    }
    n += (size_t)snprintf((char *)row + n, 16, "%08x", (unsigned)(next() & 0xffffffffu));
    return (n + 7) & ~(size_t)7;
}

/* A heap page: a head of 24 bytes, pointers upwards, rows downwards from the end. */
static void
make_page(unsigned char *p, uint64_t page)
{
    uint64_t version = page << 20 ^ below(MIB);
    uint32_t item = 0;
    size_t low = 24, high = PAGE;
    unsigned char row[TUPLE_LIMIT + 32];

    memset(p, 0, PAGE);
    memcpy(p, &version, sizeof version);
    for (; low + 4 + TUPLE_LIMIT <= high; low += 4, item++) {
        size_t len = make_row(row, page, item);
        high -= len;
        memcpy(p + high, row, len);
        uint32_t pointer = (uint32_t)(high | 1u << 15 | len << 17);
        memcpy(p + low, &pointer, sizeof pointer);
    }
    uint16_t bounds[2] = {(uint16_t)low, (uint16_t)high};
    memcpy(p + 12, bounds, sizeof bounds);
}

static void
fill_pages(unsigned char *p, size_t len, uint64_t first)
{
    unsigned char page[PAGE];

    for (size_t at = 0; at < len; at += PAGE) {
        make_page(page, first++);
        memcpy(p + at, page, len - at < PAGE ? len - at : PAGE);
    }
}

static int
open_or_die(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0644);

    if (fd < 0)
        die("%s", path);
    return fd;
}

static void
make_stream(const char *path, uint64_t size, bool pages)
{
    int fd = open_or_die(path, O_WRONLY | O_CREAT | O_TRUNC);
    unsigned char *data = need(malloc(CHUNK), "memory");

    for (uint64_t off = 0; off < size; off += CHUNK) {
        size_t len = size - off < CHUNK ? (size_t)(size - off) : CHUNK;
        if (pages)
            fill_pages(data, len, off / PAGE);
        else
            fill_noise(data, len);
        write_at(fd, data, len, off);
    }
    free(data);
    if (close(fd))
        die("%s", path);
}

static int
run_noise(char **args)
{
    make_stream(args[0], parse_size(args[1]), false);
    return 0;
}

static int
run_table(char **args)
{
    make_stream(args[0], parse_size(args[1]), true);
    return 0;
}

static int
run_rewrite(char **args)
{
    int fd = open_or_die(args[0], O_RDWR);
    uint64_t total = parse_size(args[1]), done = 0;
    unsigned char *data = need(malloc(CHUNK), "memory");
    struct stat st;

    if (fstat(fd, &st))
        die("%s", args[0]);
    uint64_t sectors = (uint64_t)st.st_size / SECTOR;
    errno = 0;
    if (sectors < 64)
        die("%s is too small to be rewritten", args[0]);
    while (done < total) {
        uint64_t len = 1 + below(16), at;
        if (below(10) < 7)
            at = sectors / 5 + below(sectors * 3 / 10);
        else
            at = below(sectors);
        if (at + len > sectors)
            continue;
        fill_pages(data, (size_t)(len * SECTOR), 2000000 + at);
        write_at(fd, data, (size_t)(len * SECTOR), at * SECTOR);
        done += len * SECTOR;
    }
    free(data);
    if (close(fd))
        die("%s", args[0]);
    return 0;
}

static int
run_journal(char **args)
{
    uint64_t size = parse_size(args[1]), done = 0;
    FILE *f = fopen(args[0], "ae");

    if (!f)
        die("%s", args[0]);
    while (done < size) {
        unsigned second = (unsigned)(done / 25);
        int n = fprintf(f, "Mar 14 %02u:%02u:%02u node %s[%u]: %s %s from 10.1.%u.%u port %u "
                        "id=%08x\n", second / 3600 % 24, second / 60 % 60, second % 60,
                        word(), 300 + (unsigned)below(4000), word(), word(),
                        (unsigned)below(256), (unsigned)below(256), (unsigned)below(65536),
                        (unsigned)(next() & 0xffffffffu));
        if (n < 0)
            die("%s", args[0]);
        done += (uint64_t)n;
    }
    if (fclose(f))
        die("%s", args[0]);
    return 0;
}

static int
run_islands(char **args)
{
    int fd = open_or_die(args[0], O_WRONLY | O_CREAT | O_TRUNC);
    uint64_t size = parse_size(args[1]), wanted = parse_size(args[2]), done = 0;
    unsigned char *data = need(malloc(LONGEST_EXTENT), "memory");
    bool pages = true;

    errno = 0;
    if (size < wanted || size <= LONGEST_EXTENT)
        die("%s: %s is too small for %s of data", args[0], args[1], args[2]);
    if (ftruncate(fd, (off_t)size))
        die("%s", args[0]);
    while (done < wanted) {
        uint64_t len = (uint64_t)SECTOR << below(11);
        if (len > wanted - done)
            len = wanted - done;
        uint64_t at = below((size - len) / SECTOR);
        if (pages)
            fill_pages(data, (size_t)len, at);
        else
            fill_noise(data, (size_t)len);
        write_at(fd, data, (size_t)len, at * SECTOR);
        done += len;
        pages = !pages;
    }
    free(data);
    if (close(fd))
        die("%s", args[0]);
    return 0;
}

static int
run_compare(char **args)
{
    size_t len = (size_t)parse_size(args[2]);
    int old = open_or_die(args[0], O_RDONLY), new = open_or_die(args[1], O_RDONLY);
    FILE *list = fopen(args[3], "we");
    unsigned char *a = need(malloc(len), "memory"), *b = need(malloc(len), "memory");
    uint64_t block = 0, differ = 0;

    if (!list)
        die("%s", args[3]);
    for (;; block++) {
        size_t in_old = read_at(old, a, len, block * len);
        size_t in_new = read_at(new, b, len, block * len);
        if (in_old + in_new == 0)
            break;
        if (in_old == in_new && memcmp(a, b, in_old) == 0)
            continue;
        differ++;
        if (fprintf(list, "%llu\n", (unsigned long long)block) < 0)
            die("%s", args[3]);
    }
    if (fclose(list))
        die("%s", args[3]);
    printf("%llu of %llu blocks of %zu bytes differ\n", (unsigned long long)differ,
           (unsigned long long)block, len);
    (void)close(old);
    (void)close(new);
    free(a);
    free(b);
    return 0;
}

static const struct {
    const char *name;
    int args, seed;                 /* how many there are, which one is the seed (0: none) */
    int (*run)(char **args);
} commands[] = {
    {"noise", 3, 2, run_noise},     {"table", 3, 2, run_table},
    {"rewrite", 3, 2, run_rewrite}, {"journal", 3, 2, run_journal},
    {"islands", 4, 3, run_islands}, {"compare", 4, 0, run_compare},
};

int
main(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (argc < 2 || strcmp(argv[1], commands[i].name) != 0 || argc != 2 + commands[i].args)
            continue;
        if (commands[i].seed)
            state = parse_size(argv[2 + commands[i].seed]);
        return commands[i].run(argv + 2);
    }
    (void)fputs("usage: gen noise|table|rewrite|journal FILE SIZE SEED\n"
                "       gen islands FILE SIZE DATA SEED\n"
                "       gen compare OLD NEW BLOCK LIST\n", stderr);
    return 2;
}
