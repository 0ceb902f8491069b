/* SPDX-License-Identifier: Apache-2.0 */
/* pattern.c -- runs of one kind each, of 1 to 64 blocks; splitmix64 for chance. */
#include "check.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "auto.h"
#include "pattern.h"

uint64_t
rng_next(struct rng *r)
{
    uint64_t z = r->state += 0x9e3779b97f4a7c15;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

uint64_t
rng_below(struct rng *r, uint64_t below)
{
    return below == 0 ? 0 : rng_next(r) % below;
}

enum kind { RANDOM, TEXT, ZEROS, HOLE, KINDS };

static void
fill(struct rng *r, enum kind kind, uint8_t *to, size_t len)
{
    for (size_t i = 0; i < len; i++)
        to[i] = kind == RANDOM ? (uint8_t)rng_next(r) : (uint8_t)('a' + i / 7 % 26);
}

uint8_t *
pattern_new(uint64_t seed, uint64_t size, uint8_t **holes)
{
    struct rng r = { seed };
    uint64_t blocks = (size + PATTERN_BLOCK - 1) / PATTERN_BLOCK;
    uint8_t *data = calloc(1, size + 1);
    uint8_t *map = calloc(1, blocks / 8 + 1);

    assert_true(data != NULL && map != NULL);
    for (uint64_t b = 0; b < blocks;) {
        enum kind kind = (enum kind)rng_below(&r, KINDS);
        uint64_t run = 1 + rng_below(&r, 64);
        for (; run > 0 && b < blocks; run--, b++) {
            uint64_t off = b * PATTERN_BLOCK;
            size_t len = size - off < PATTERN_BLOCK ? (size_t)(size - off) : PATTERN_BLOCK;
            if (kind == HOLE && holes != NULL)
                map[b / 8] |= (uint8_t)(1 << (b % 8));
            else if (kind == RANDOM || kind == TEXT)
                fill(&r, kind, data + off, len);
        }
    }
    if (holes != NULL)
        *holes = map;
    else
        free(map);
    return data;
}

bool
pattern_is_hole(const uint8_t *holes, uint64_t off)
{
    uint64_t b = off / PATTERN_BLOCK;

    return holes != NULL && (holes[b / 8] >> (b % 8) & 1) != 0;
}

void
pattern_to_file(const char *path, const uint8_t *data, uint64_t size, const uint8_t *holes)
{
    auto_fd int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)size), 0);
    for (uint64_t off = 0; off < size; off += PATTERN_BLOCK) {
        size_t len = size - off < PATTERN_BLOCK ? (size_t)(size - off) : PATTERN_BLOCK;
        if (!pattern_is_hole(holes, off))
            assert_int_equal(pwrite(fd, data + off, len, (off_t)off), len);
    }
}

uint8_t *
pattern_from_file(const char *path, uint64_t *ret_size)
{
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;

    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &st), 0);
    uint8_t *data = calloc(1, (size_t)st.st_size + 1);
    assert_non_null(data);
    for (off_t off = 0; off < st.st_size;) {
        ssize_t n = pread(fd, data + off, (size_t)(st.st_size - off), off);
        assert_true(n > 0);
        off += n;
    }
    *ret_size = (uint64_t)st.st_size;
    return data;
}

static char folder[4096];
static pid_t folder_owner;

static int
remove_entry(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st;
    (void)kind;
    (void)where;
    (void)remove(path);
    return 0;
}

void
pattern_remove(const char *path)
{
    (void)nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void
remove_folder(void)
{
    if (getpid() == folder_owner)
        pattern_remove(folder);
}

const char *
pattern_folder(void)
{
    const char *tmp = getenv("TMPDIR");

    if (folder[0] == '\0') {
        snprintf(folder, sizeof(folder), "%s/firn-test-XXXXXX", tmp != NULL ? tmp : "/tmp");
        assert_non_null(mkdtemp(folder));
        folder_owner = getpid();
        atexit(remove_folder);
    }
    return folder;
}

const char *
pattern_path(const char *name)
{
    static char paths[8][4352];
    static unsigned next;
    char *path = paths[next++ % 8];

    snprintf(path, sizeof(paths[0]), "%s/%s", pattern_folder(), name);
    return path;
}

const char *
pattern_path_in(char *to, size_t size, const char *name)
{
    int n = snprintf(to, size, "%s/%s", pattern_folder(), name);

    assert_true(n > 0 && (size_t)n < size);
    return to;
}

/* The kernel's list of local sockets: the flag of a listener, and the path last. */
bool
pattern_listens(const char *path)
{
    FILE *f = fopen("/proc/net/unix", "r");
    char line[512];
    bool found = false;

    assert_non_null(f);
    while (!found && fgets(line, sizeof(line), f) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        const char *name = strrchr(line, ' ');

        found = name != NULL && strcmp(name + 1, path) == 0 &&
            strstr(line, " 00010000 ") != NULL;
    }
    (void)fclose(f);
    return found;
}
