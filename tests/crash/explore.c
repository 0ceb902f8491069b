/* SPDX-License-Identifier: Apache-2.0 */
/* explore.c -- see the header.
 *
 * A state is made from the steps each time: names first, in a table; then folders and files
 * from it.  Files that are whole are written once into pool/ and linked into each state,
 * since nothing that is tested writes into a file that has its name. */
#include "check.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auto.h"
#include "explore.h"
#include "pattern.h"

enum data_mode { DATA_ALL, DATA_NONE, DATA_SECTORS, DATA_PAGES, DATA_MODES };

/* One subset of what was pending when ${done} steps were done. */
struct choice {
    size_t done;
    uint8_t *keep;  /* by step: a pending name is kept */
    enum data_mode data;
    uint64_t seed;
};

struct entry {
    int folder, target;
    const char *name;
};

struct run {
    struct explore *x;
    const struct record *r;
    const char *scratch;
    size_t *synced;  /* by step: the step that made it durable; SIZE_MAX: none did */
    struct entry *entry;
    size_t nentries;
    uint64_t *seen;  /* keys of states; 0: free */
    size_t nseen, seen_room;
};

/* ---- keys of states ---- */

static uint64_t
mix(uint64_t h, const void *data, size_t len)
{
    const uint8_t *p = data;

    for (size_t i = 0; i < len; i++)
        h = (h ^ p[i]) * 0x100000001b3;
    return h;
}

static uint64_t
mix_number(uint64_t h, uint64_t n)
{
    return mix(h, &n, sizeof(n));
}

static size_t
place_of(const uint64_t *seen, size_t room, uint64_t key)
{
    size_t at = (key * 0x9e3779b97f4a7c15) >> 20 & (room - 1);

    while (seen[at] != 0 && seen[at] != key)
        at = (at + 1) & (room - 1);
    return at;
}

static bool
is_first(struct run *u, uint64_t key)
{
    key = key == 0 ? 1 : key;
    if (2 * u->nseen >= u->seen_room) {
        size_t room = u->seen_room ? 2 * u->seen_room : 4096;
        uint64_t *bigger = calloc(room, sizeof(*bigger));

        assert_non_null(bigger);
        for (size_t i = 0; i < u->seen_room; i++)
            if (u->seen[i] != 0)
                bigger[place_of(bigger, room, u->seen[i])] = u->seen[i];
        free(u->seen);
        u->seen = bigger;
        u->seen_room = room;
    }
    size_t at = place_of(u->seen, u->seen_room, key);
    if (u->seen[at] == key)
        return false;
    u->seen[at] = key;
    u->nseen++;
    return true;
}

/* ---- names ---- */

static struct entry *
find_entry(struct run *u, int folder, const char *name)
{
    for (size_t i = 0; i < u->nentries; i++)
        if (u->entry[i].folder == folder && strcmp(u->entry[i].name, name) == 0)
            return &u->entry[i];
    return NULL;
}

static void
set_entry(struct run *u, const struct record_op *op)
{
    struct entry *e = find_entry(u, op->node, op->name);

    if (e == NULL) {
        e = &u->entry[u->nentries++]; /* there is room for one of each step */
        *e = (struct entry){ .folder = op->node, .name = op->name };
    }
    e->target = op->target;
}

static bool
is_pending(const struct run *u, size_t step, size_t done)
{
    return u->synced[step] >= done;
}

static void
make_names(struct run *u, const struct choice *c)
{
    u->nentries = 0;
    for (size_t i = 0; i < c->done; i++)
        if (u->r->op[i].kind == RECORD_NAME && (!is_pending(u, i, c->done) || c->keep[i]))
            set_entry(u, &u->r->op[i]);
}

/* ---- bytes ---- */

static bool
has_pending_bytes(const struct run *u, int node, size_t done, unsigned *ret_steps)
{
    bool pending = false;

    *ret_steps = 0;
    for (size_t i = 0; i < done; i++) {
        const struct record_op *op = &u->r->op[i];

        if (op->node != node || (op->kind != RECORD_WRITE && op->kind != RECORD_SIZE))
            continue;
        ++*ret_steps;
        pending |= is_pending(u, i, done);
    }
    return pending;
}

struct bytes {
    uint8_t *data;
    size_t len, room;
};

static void
set_len(struct bytes *b, size_t len)
{
    if (len > b->room) {
        b->data = realloc(b->data, len);
        assert_non_null(b->data);
        b->room = len;
    }
    if (len > b->len)
        memset(b->data + b->len, 0, len - b->len);
    b->len = len;
}

/* A write of which some units reached the disk. */
static void
write_some(struct bytes *b, const struct record_op *op, const struct choice *c, struct rng *rng)
{
    size_t unit = c->data == DATA_PAGES ? 4096 : 512;

    for (size_t at = 0; at < op->len;) {
        size_t n = unit - (op->off + at) % unit;

        n = n < op->len - at ? n : op->len - at;
        if (c->data == DATA_ALL || (c->data != DATA_NONE && rng_below(rng, 2) == 0)) {
            if (op->off + at + n > b->len)
                set_len(b, op->off + at + n);
            memcpy(b->data + op->off + at, op->data + at, n);
        }
        at += n;
    }
}

static void
make_bytes(const struct run *u, int node, const struct choice *c, struct bytes *b)
{
    struct choice all = { .data = DATA_ALL };
    struct rng rng = { c->seed + (uint64_t)node };

    for (size_t i = 0; i < c->done; i++) {
        const struct record_op *op = &u->r->op[i];
        bool pending = is_pending(u, i, c->done);

        if (op->node != node)
            continue;
        if (op->kind == RECORD_WRITE)
            write_some(b, op, pending ? c : &all, &rng);
        else if (op->kind == RECORD_SIZE && (!pending || c->data == DATA_ALL ||
                     (c->data != DATA_NONE && rng_below(&rng, 2) == 0)))
            set_len(b, op->off);
    }
}

static void
write_file(const char *path, const struct bytes *b)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);

    assert_true(fd >= 0);
    for (size_t at = 0; at < b->len;) {
        ssize_t n = write(fd, b->data + at, b->len - at);

        assert_true(n > 0);
        at += (size_t)n;
    }
    close(fd);
}

static void
make_file(struct run *u, int node, const struct choice *c, const char *path)
{
    auto_free uint8_t *memory = NULL;
    struct bytes b = { 0 };
    char pool[PATH_MAX];
    unsigned steps;

    if (has_pending_bytes(u, node, c->done, &steps) && c->data != DATA_ALL) {
        make_bytes(u, node, c, &b);
        memory = b.data;
        write_file(path, &b);
        return;
    }
    (void)snprintf(pool, sizeof(pool), "%s/pool/%d-%u", u->scratch, node, steps);
    if (access(pool, F_OK) != 0) {
        make_bytes(u, node, c, &b);
        memory = b.data;
        write_file(pool, &b);
    }
    assert_int_equal(link(pool, path), 0);
}

/* ---- states ---- */

static uint64_t
key_of_file(struct run *u, int node, const struct choice *c, uint64_t key)
{
    struct bytes b = { 0 };
    unsigned steps;

    if (!has_pending_bytes(u, node, c->done, &steps) || c->data == DATA_ALL)
        return mix_number(key, steps);
    make_bytes(u, node, c, &b);
    key = mix(key, b.data, b.len);
    free(b.data);
    return key;
}

/* The key does not hang on the order of names. */
static uint64_t
key_of(struct run *u, int folder, const struct choice *c)
{
    uint64_t sum = 1;

    for (size_t i = 0; i < u->nentries; i++) {
        const struct entry *e = &u->entry[i];

        if (e->folder != folder || e->target == NO_NODE)
            continue;
        uint64_t key = mix_number(0xcbf29ce484222325, (uint64_t)e->target);
        key = mix(key, e->name, strlen(e->name));
        key = u->r->node[e->target].is_folder ? mix_number(key, key_of(u, e->target, c))
                                              : key_of_file(u, e->target, c, key);
        sum += mix_number(key, 77);
    }
    return sum;
}

static void
make_folder(struct run *u, int folder, const struct choice *c, const char *path)
{
    char below[PATH_MAX];

    assert_int_equal(mkdir(path, 0700), 0);
    for (size_t i = 0; i < u->nentries; i++) {
        const struct entry *e = &u->entry[i];

        if (e->folder != folder || e->target == NO_NODE)
            continue;
        assert_true(snprintf(below, sizeof(below), "%s/%s", path, e->name) < PATH_MAX);
        if (u->r->node[e->target].is_folder)
            make_folder(u, e->target, c, below);
        else
            make_file(u, e->target, c, below);
    }
}

static size_t
marks_before(const struct run *u, size_t done)
{
    size_t n = 0;

    for (size_t i = 0; i < done; i++)
        n += u->r->op[i].kind == RECORD_MARK;
    return n;
}

static void
try_state(struct run *u, const struct choice *c)
{
    struct explore *x = u->x;
    char why[EXPLORE_WHY_MAX] = "", path[PATH_MAX];

    if (x->losses_max > 0 && x->losses >= x->losses_max)
        return;
    make_names(u, c);
    if (!is_first(u, mix_number(key_of(u, RECORD_ROOT, c), marks_before(u, c->done))))
        return;
    (void)snprintf(path, sizeof(path), "%s/state", u->scratch);
    make_folder(u, RECORD_ROOT, c, path);
    x->states++;
    if (!x->check(x->arg, path, c->done, why) && x->losses++ == 0)
        (void)snprintf(x->why, sizeof(x->why), "after step %zu of %zu, choice %llu: %.400s",
            c->done, u->r->nops, (unsigned long long)c->seed, why);
    pattern_remove(path);
}

/* ---- choices ---- */

/* Files with a name whose bytes are pending, when all names are kept. */
static bool
any_pending_bytes(struct run *u, const struct choice *all)
{
    unsigned steps;

    make_names(u, all);
    for (size_t i = 0; i < u->nentries; i++)
        if (u->entry[i].target != NO_NODE && !u->r->node[u->entry[i].target].is_folder &&
            has_pending_bytes(u, u->entry[i].target, all->done, &steps))
            return true;
    return false;
}

static void
keep_all(struct choice *c, const size_t *pending, size_t n, bool yes)
{
    for (size_t i = 0; i < n; i++)
        c->keep[pending[i]] = yes;
}

/* All, none, all but one, only one; with the bytes and without. */
static void
plain_choices(struct run *u, struct choice *c, const size_t *pending, size_t n)
{
    for (c->data = DATA_ALL; c->data < DATA_MODES; c->data++) {
        keep_all(c, pending, n, true);
        try_state(u, c);
    }
    c->data = DATA_NONE;
    keep_all(c, pending, n, false);
    try_state(u, c);
    for (size_t i = 0; i < n; i++) {
        c->keep[pending[i]] = true;
        try_state(u, c);
        c->keep[pending[i]] = false;
    }
    c->data = DATA_ALL;
    keep_all(c, pending, n, true);
    for (size_t i = 0; i < n; i++) {
        c->keep[pending[i]] = false;
        try_state(u, c);
        c->keep[pending[i]] = true;
    }
}

static void
all_choices(struct run *u, struct choice *c, const size_t *pending, size_t n)
{
    for (uint64_t bits = 0; bits < UINT64_C(1) << n; bits++) {
        for (size_t i = 0; i < n; i++)
            c->keep[pending[i]] = bits >> i & 1;
        c->seed = bits;
        try_state(u, c);
    }
}

static void
some_choices(struct run *u, struct choice *c, const size_t *pending, size_t n)
{
    struct rng rng = { u->x->seed * 1000003 + c->done };

    for (unsigned s = 0; s < u->x->samples; s++) {
        uint64_t of_eight = (const uint64_t[]){ 1, 4, 7 }[rng_below(&rng, 3)];

        for (size_t i = 0; i < n; i++)
            c->keep[pending[i]] = rng_below(&rng, 8) < of_eight;
        c->data = (enum data_mode)rng_below(&rng, DATA_MODES);
        c->seed = rng_next(&rng);
        try_state(u, c);
    }
}

static void
lose_power_after(struct run *u, size_t done, struct choice *c, size_t *pending)
{
    size_t n = 0;

    *c = (struct choice){ .done = done, .keep = c->keep, .data = DATA_ALL };
    memset(c->keep, 0, u->r->nops);
    for (size_t i = 0; i < done; i++)
        if (u->r->op[i].kind == RECORD_NAME && is_pending(u, i, done))
            pending[n++] = i;
    keep_all(c, pending, n, true);
    bool torn = any_pending_bytes(u, c);
    if (!torn && n < 32 && UINT64_C(1) << n <= u->x->all_below) {
        all_choices(u, c, pending, n);
        return;
    }
    plain_choices(u, c, pending, n);
    some_choices(u, c, pending, n);
}

/* ---- the whole ---- */

static void
begin_run(struct run *u)
{
    size_t *last = malloc((u->r->nnodes + 1) * sizeof(*last));
    char pool[PATH_MAX];

    u->synced = malloc((u->r->nops + 1) * sizeof(*u->synced));
    u->entry = calloc(u->r->nops + 1, sizeof(*u->entry));
    assert_true(last != NULL && u->synced != NULL && u->entry != NULL);
    for (size_t i = 0; i < u->r->nnodes; i++)
        last[i] = SIZE_MAX;
    for (size_t i = u->r->nops; i-- > 0;) {
        const struct record_op *op = &u->r->op[i];

        if (op->kind == RECORD_SYNC)
            last[op->node] = i;
        u->synced[i] = op->node == NO_NODE ? 0 : last[op->node];
    }
    free(last);
    (void)snprintf(pool, sizeof(pool), "%s/pool", u->scratch);
    assert_int_equal(mkdir(pool, 0700), 0);
}

static void
end_run(struct run *u)
{
    char pool[PATH_MAX];

    (void)snprintf(pool, sizeof(pool), "%s/pool", u->scratch);
    pattern_remove(pool);
    free(u->synced);
    free(u->entry);
    free(u->seen);
}

void
explore(struct explore *x, const char *scratch)
{
    struct run u = { .x = x, .r = x->record, .scratch = scratch };
    struct choice c = { .keep = calloc(x->record->nops + 1, 1) };
    size_t *pending = calloc(x->record->nops + 1, sizeof(*pending));

    assert_true(c.keep != NULL && pending != NULL);
    begin_run(&u);
    for (size_t done = x->from; done < x->record->nops; done += x->stride)
        lose_power_after(&u, done, &c, pending);
    lose_power_after(&u, x->record->nops, &c, pending);
    end_run(&u);
    free(pending);
    free(c.keep);
}

static bool
same_file(const char *a, const char *b)
{
    auto_free uint8_t *x = NULL;
    auto_free uint8_t *y = NULL;
    uint64_t n, m;

    x = pattern_from_file(a, &n);
    y = pattern_from_file(b, &m);
    return n == m && memcmp(x, y, n) == 0;
}

/* Is all of ${a} in ${b}, with the same bytes? */
static bool
is_within(const char *a, const char *b)
{
    DIR *d = opendir(a);
    bool same = d != NULL;

    for (struct dirent *e; same && (e = readdir(d)) != NULL;) {
        char x[PATH_MAX], y[PATH_MAX];
        struct stat s, t;

        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        assert_true(snprintf(x, sizeof(x), "%s/%s", a, e->d_name) < PATH_MAX);
        assert_true(snprintf(y, sizeof(y), "%s/%s", b, e->d_name) < PATH_MAX);
        same = stat(x, &s) == 0 && stat(y, &t) == 0 && S_ISDIR(s.st_mode) == S_ISDIR(t.st_mode);
        if (same)
            same = S_ISDIR(s.st_mode) ? is_within(x, y) : same_file(x, y);
        if (!same)
            print_error("the record does not have %s as it is\n", x);
    }
    if (d != NULL)
        closedir(d);
    return same;
}

bool
explore_is_complete(const struct record *r, const char *root, const char *scratch)
{
    struct explore x = { .record = r };
    struct run u = { .x = &x, .r = r, .scratch = scratch };
    struct choice c = { .done = r->nops, .keep = malloc(r->nops + 1) };
    char path[PATH_MAX];

    assert_non_null(c.keep);
    memset(c.keep, 1, r->nops + 1);
    begin_run(&u);
    make_names(&u, &c);
    (void)snprintf(path, sizeof(path), "%s/whole", scratch);
    make_folder(&u, RECORD_ROOT, &c, path);
    bool same = is_within(root, path) && is_within(path, root);
    pattern_remove(path);
    end_run(&u);
    free(c.keep);
    return same;
}
