/* SPDX-License-Identifier: Apache-2.0 */
/* changed.c -- into a bitmap: from a file by a reader byte by byte over a buffer, so that
 * neither the length of a line nor that of the file matters; or from a source, range after
 * range. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

#include "bytes.h"
#include "changed.h"
#include "codes.h"
#include "source.h"
#include "stop.h"

enum { BUFFER = 64 * 1024, WHY_MAX = 160 };

/* More lines than this for each block of the disk are no list but an endless file. */
enum { LINES_PER_BLOCK = 4, LINES_LEAST = 1 << 20 };

struct changed {
    uint64_t nblocks;
    unsigned shift; /* a bit stands for 1 << shift blocks */
    uint64_t nwords;
    uint64_t told;
    uint64_t word[];
};

/* Where the reader is. */
struct list {
    struct changed *c;
    const char *path;
    uint64_t line, value;
    unsigned digits;
    bool ended; /* CR was seen: only LF may follow */
};

static struct err *
new_bitmap(uint64_t nblocks, struct changed **ret)
{
    unsigned shift = 0;

    while (nblocks >> shift >= UINT64_C(8) * CHANGED_BYTES_MAX)
        shift++;
    uint64_t nwords = (nblocks >> shift) / 64 + 1;
    struct changed *c = calloc(1, sizeof(*c) + (size_t)nwords * sizeof(c->word[0]));
    if (c == NULL)
        return fail(OutOfMemory);
    c->nblocks = nblocks;
    c->shift = shift;
    c->nwords = nwords;
    *ret = c;
    return NULL;
}

static struct err *
invalid(const struct list *l, const char *problem)
{
    char why[WHY_MAX];

    snprintf(why, sizeof(why), "line %" PRIu64 " %s", l->line, problem);
    return fail(InputInvalid, l->path, why);
}

static struct err *
end_line(struct list *l)
{
    struct changed *c = l->c;
    char beyond[WHY_MAX / 2];

    if (l->digits > 0) {
        if (l->value >= c->nblocks) {
            snprintf(beyond, sizeof(beyond),
                "names a block beyond the disk, which has %" PRIu64,
                c->nblocks);
            return invalid(l, beyond);
        }
        uint64_t bit = l->value >> c->shift;
        c->word[bit / 64] |= UINT64_C(1) << (bit % 64);
    }
    l->line++;
    l->value = 0;
    l->digits = 0;
    l->ended = false;
    return NULL;
}

static struct err *
take_byte(struct list *l, uint8_t b)
{
    if (b == '\n')
        return end_line(l);
    if (b == '\r' && !l->ended) {
        l->ended = true;
        return NULL;
    }
    if (b < '0' || b > '9' || l->ended)
        return invalid(l, "is not the number of a block");
    if (++l->digits > CHANGED_LINE_MAX || !mul_ok(l->value, 10, &l->value) ||
        !add_ok(l->value, (uint64_t)(b - '0'), &l->value))
        return invalid(l, "has a number that is too long");
    return NULL;
}

static struct err *
read_list(struct list *l, int fd)
{
    auto_free uint8_t *buf = malloc(BUFFER);
    uint64_t most = l->c->nblocks * LINES_PER_BLOCK + LINES_LEAST;

    if (buf == NULL)
        return fail(OutOfMemory);
    for (;;) {
        ssize_t n = read(fd, buf, BUFFER);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail(FileUnreadable, l->path);
        if (n == 0)
            break;
        for (ssize_t i = 0; i < n; i++)
            TRY(take_byte(l, buf[i]));
        if (l->line > most)
            return invalid(l, "is beyond any list of this disk's blocks");
        TRY(stop_check());
    }
    if (l->digits > 0)
        TRY(end_line(l));
    return NULL;
}

struct err *
changed_read(const char *path, uint64_t nblocks, struct changed **ret)
{
    auto_ptr(changed) c = NULL;

    TRY(new_bitmap(nblocks, &c));
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail(FileUnreadable, path);
    struct list l = { .c = c, .path = path, .line = 1 };
    TRY(read_list(&l, fd));
    *ret = take(c);
    return NULL;
}

static void
mark(struct changed *c, uint64_t first, uint64_t last)
{
    for (uint64_t bit = first >> c->shift; bit <= last >> c->shift; bit++)
        c->word[bit / 64] |= UINT64_C(1) << (bit % 64);
}

struct err *
changed_ask(struct source *s, uint64_t block_len, struct changed **ret)
{
    auto_ptr(changed) c = NULL;
    uint64_t len;
    bool is;

    TRY(new_bitmap(div_up(s->size, block_len), &c));
    for (uint64_t off = 0; off < s->size; off += len) {
        TRY(stop_check());
        TRY(source_changed(s, off, &is, &len));
        if (!is)
            continue;
        mark(c, off / block_len, (off + len - 1) / block_len);
        c->told += len;
    }
    *ret = take(c);
    return NULL;
}

uint64_t
changed_told_bytes(const struct changed *c)
{
    return c->told;
}

uint64_t
changed_next(const struct changed *c, uint64_t block)
{
    uint64_t bit = block >> c->shift, at = bit / 64;

    if (block >= c->nblocks)
        return c->nblocks;
    uint64_t word = c->word[at] >> (bit % 64) << (bit % 64);
    while (word == 0 && ++at < c->nwords)
        word = c->word[at];
    if (word == 0)
        return c->nblocks;
    uint64_t found = (at * 64 + (uint64_t)__builtin_ctzll(word)) << c->shift;
    return found > block ? found : block;
}

uint64_t
changed_mask(const struct changed *c, uint64_t block)
{
    uint64_t mask = 0;

    for (unsigned i = 0; i < 64 && block + i < c->nblocks; i++) {
        uint64_t bit = (block + i) >> c->shift;
        mask |= (c->word[bit / 64] >> (bit % 64) & 1) << i;
    }
    return mask;
}

void
changed_free(struct changed *c)
{
    int kept = errno;

    free(c);
    errno = kept;
}
