/* SPDX-License-Identifier: Apache-2.0 */
/* index_model.h -- what an index should know, told by numbers alone: entry n of batch b has an
 * id, a pack and a place that follow from n and b.  Include check.h first. */
#ifndef INDEX_MODEL_H
#define INDEX_MODEL_H

#include "index.h"
#include "keys_fixture.h"

enum { PACKS = 7, PACK_SALT = 1000 };

static inline uint64_t
mix(uint64_t v)
{
    v += 0x9e3779b97f4a7c15U;
    v = (v ^ v >> 30) * 0xbf58476d1ce4e5b9U;
    v = (v ^ v >> 27) * 0x94d049bb133111ebU;
    return v ^ v >> 31;
}

static inline struct vault_id
id_of(uint64_t n)
{
    struct vault_id id;

    for (unsigned i = 0; i < 4; i++)
        put_le(id.b + 8 * i, mix(4 * n + i), 8);
    return id;
}

static inline void
hash_of(uint64_t n, uint8_t to[32])
{
    struct vault_id id = id_of(~n);

    memcpy(to, id.b, 32);
}

/* Entry ${n} of batch ${batch} of a model: its place follows from these two. */
static inline struct index_new
entry_of(uint64_t n, unsigned batch)
{
    uint64_t v = mix(n + batch * 77777);

    return (struct index_new){ .id = id_of(n), .pack = (uint32_t)(v % PACKS),
        .frame = (uint16_t)(v >> 8), .slot = (uint8_t)(v >> 24), .what = v >> 40 & 1 };
}

static inline void
packs_of(unsigned batch, struct index_pack to[PACKS])
{
    memset(to, 0, PACKS * sizeof(*to));
    for (unsigned i = 0; i < PACKS; i++) {
        hash_of(PACK_SALT * batch + i, to[i].hash);
        to[i].body_len = 5000 + batch * 10 + i;
        to[i].kind = i == 0 ? KIND_MAP_PACK : KIND_DATA_PACK;
    }
}

/* Put entries [from, to) as one run of batch ${batch}. */
static inline void
put_batch(struct index *x, uint64_t from, uint64_t to, unsigned batch)
{
    auto_free struct index_new *e = calloc(to - from, sizeof(*e));
    struct index_pack packs[PACKS];

    assert_non_null(e);
    for (uint64_t n = from; n < to; n++)
        e[n - from] = entry_of(n, batch);
    packs_of(batch, packs);
    assert_ok(index_put_run(x, e, to - from, packs, PACKS));
}

static inline bool
home_is(const struct index *x, const struct index_home *h, uint64_t n, unsigned batch)
{
    struct index_new e = entry_of(n, batch);
    struct index_pack packs[PACKS];
    const struct index_pack *p = index_pack(x, h->pack);

    packs_of(batch, packs);
    return memcmp(p->hash, packs[e.pack].hash, 32) == 0 &&
        p->body_len == packs[e.pack].body_len && p->kind == packs[e.pack].kind &&
        h->frame == e.frame && h->slot == e.slot && h->what == e.what;
}

/* How many homes id ${n} has; each must be one of a batch below ${batches}, and no two of
 * the same batch unless ${twins}. */
static inline unsigned
homes(struct index *x, uint64_t n, unsigned batches, bool twins)
{
    struct vault_id id = id_of(n);
    struct index_home h;
    uint64_t seen = 0;
    unsigned count = 0;

    for (bool found = true;; count++) {
        unsigned b = 0;

        assert_ok(index_find(x, &id, count, &h, &found));
        if (!found)
            return count;
        while (b < batches && !home_is(x, &h, n, b))
            b++;
        assert_true(b < batches);
        assert_true(twins || (seen >> b & 1) == 0);
        seen |= (uint64_t)1 << b;
        assert_true(count < 1000);
    }
}

static inline void
all_have(struct index *x, uint64_t from, uint64_t to, unsigned want, unsigned batches)
{
    for (uint64_t n = from; n < to; n++)
        assert_int_equal(homes(x, n, batches, false), want);
}

/* ---- what was told of bad runs ---- */

struct told {
    unsigned n;
    int code;
    char last[STORE_NAME_MAX];
};

static inline void
tell(void *arg, const char *run, struct err *why)
{
    struct told *t = arg;

    t->n++;
    t->code = err_code(why);
    (void)snprintf(t->last, sizeof t->last, "%s", run);
    err_free(why);
}

static inline struct index *
open_index(struct fixture *f, const struct keys *k, size_t cache, struct told *t)
{
    struct index *x = NULL;

    *t = (struct told){ 0 };
    assert_ok(index_open(f->store, k, cache, tell, t, &x));
    return x;
}

static inline void
run_names(struct fixture *f, struct names *ret)
{
    assert_ok(names_list(f->store, "runs", ret));
}

/* Is ${name} among them? */
static inline bool
in(const struct names *l, const char *name)
{
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->names[i], name) == 0)
            return true;
    return false;
}

#endif
