/* SPDX-License-Identifier: Apache-2.0 */
/* index_table.c -- many runs as one index.
 *
 * A lookup asks each run: a binary search over the first ids of its pages, then one page,
 * from the cache or from the store.  The cache is set-associative, so that memory is fixed
 * and a lookup takes the lock of one set only, while it reads the page's records. */
#include <assert.h>
#include <pthread.h>
#include <string.h>

#include "codes.h"
#include "index_shared.h"

enum { WAYS = 4, CACHE_DEFAULT = 6 << 20, HOMES_MAX = 1024 };

struct cached {
    const struct run *run; /* NULL: free */
    uint32_t page;
    uint64_t used;
    uint8_t data[RUN_PAGE_PLAIN];
};

struct cache_set {
    pthread_mutex_t lock;
    struct seal *seal;
    uint64_t clock;
    struct cached way[WAYS];
};

/* ---- runs and packs ---- */

static size_t
first_place(const struct index *x, const uint8_t hash[32])
{
    return get_le(hash, 8) & (x->pack_table_room - 1);
}

/* Length and kind are part of what is looked for: a run that tells them wrongly gets a pack
 * of its own, and spoils nobody else's. */
static bool
same_pack(const struct index_pack *a, const struct index_pack *b)
{
    return memcmp(a->hash, b->hash, sizeof(a->hash)) == 0 && a->body_len == b->body_len &&
        a->kind == b->kind;
}

static size_t
pack_place(const struct index *x, const struct index_pack *p)
{
    size_t at = first_place(x, p->hash);

    while (x->pack_table[at] != 0 && !same_pack(&x->pack[x->pack_table[at] - 1], p))
        at = (at + 1) & (x->pack_table_room - 1);
    return at;
}

static struct err *
grow_packs(struct index *x)
{
    size_t room = x->pack_table_room ? 2 * x->pack_table_room : 512;
    struct index_pack *more = realloc(x->pack, room / 2 * sizeof(*more));

    if (more == NULL)
        return fail(OutOfMemory);
    x->pack = more;
    uint32_t *table = calloc(room, sizeof(*table));
    if (table == NULL)
        return fail(OutOfMemory);
    free(x->pack_table);
    x->pack_table = table;
    x->pack_table_room = room;
    for (uint32_t i = 0; i < x->npacks; i++)
        x->pack_table[pack_place(x, &x->pack[i])] = i + 1;
    return NULL;
}

static struct err *
pack_number(struct index *x, const struct index_pack *p, uint32_t *ret)
{
    if (2 * ((size_t)x->npacks + 1) > x->pack_table_room)
        TRY(grow_packs(x));
    size_t at = pack_place(x, p);
    if (x->pack_table[at] == 0) {
        x->pack[x->npacks] = *p;
        x->pack[x->npacks].tombed = false;
        x->pack_table[at] = ++x->npacks;
    }
    *ret = x->pack_table[at] - 1;
    return NULL;
}

struct err *
index_add_run(struct index *x, struct run *r)
{
    struct run **more;

    for (uint32_t i = 0; i < r->npacks; i++)
        TRY(pack_number(x, &r->packs[i], &r->pack[i]));
    free(take(r->packs));
    r->trusted = !index_is_revoked(x, &r->writer) && (r->vouched || x->keys->trust_group ||
        (x->keys->cert != NULL &&
            memcmp(&r->writer, &x->keys->cert->writer, sizeof(r->writer)) == 0));
    more = realloc(x->run, (x->nruns + 1) * sizeof(struct run *));
    if (more == NULL)
        return fail(OutOfMemory);
    x->run = more;
    x->run[x->nruns++] = r;
    return NULL;
}

bool
index_is_revoked(const struct index *x, const struct vault_key *writer)
{
    for (size_t i = 0; i < x->nrevoked; i++)
        if (memcmp(&x->revoked[i].writer, writer, sizeof(*writer)) == 0)
            return true;
    return false;
}

/* A run that another one replaced counts no more, when that other one is here. */
void
index_drop_superseded(struct index *x)
{
    for (uint32_t i = 0; i < x->nruns; i++)
        for (unsigned j = 0; j < x->run[i]->nsuperseded; j++)
            for (uint32_t n = 0; n < x->nruns; n++)
                if (n != i && memcmp(x->run[n]->hash, x->run[i]->superseded[j], 32) == 0 &&
                    memcmp(&x->run[n]->writer, &x->run[i]->writer, VAULT_KEY_LEN) == 0)
                    x->run[n]->gone = true;
}

/* ---- opening ---- */

static struct err *
open_runs(struct index *x, const struct names *names, index_bad_fn *bad, void *arg)
{
    for (size_t i = 0; i < names->n; i++) {
        auto_ptr(run) r = NULL;
        uint8_t hash[32];

        if (!bytes_from_hex(names->names[i] + strlen("runs/"), hash, sizeof(hash)))
            continue;
        struct err *e = run_open(x->store, x->keys, x->seal, names->names[i], &r);
        if (e != NULL && !err_is(e, C_vault) && !err_is(e, C_store_io))
            return e;
        if (e != NULL && bad != NULL)
            bad(arg, names->names[i], e);
        else
            err_free(e);
        if (r == NULL)
            continue;
        TRY(index_add_run(x, r));
        (void)take(r);
    }
    return NULL;
}

static struct err *
make_cache(struct index *x, size_t bytes)
{
    x->nsets = 1;
    while (2 * x->nsets * sizeof(struct cache_set) <= (bytes ? bytes : CACHE_DEFAULT))
        x->nsets *= 2;
    x->set = calloc(x->nsets, sizeof(*x->set));
    if (x->set == NULL)
        return fail(OutOfMemory);
    for (size_t i = 0; i < x->nsets; i++)
        pthread_mutex_init(&x->set[i].lock, NULL);
    return NULL;
}

struct err *
index_open(struct store *s, const struct keys *k, size_t cache, index_bad_fn *bad, void *arg,
    struct index **ret)
{
    auto_ptr(index) x = calloc(1, sizeof(*x));
    auto_names names = { 0 };

    if (x == NULL)
        return fail(OutOfMemory);
    x->store = s;
    x->keys = k;
    TRY(make_cache(x, cache));
    TRY(seal_new(&x->seal));
    TRY(keys_revocations(s, k, &x->revoked, &x->nrevoked));
    TRY(names_list(s, "runs", &names));
    TRY(open_runs(x, &names, bad, arg));
    index_drop_superseded(x);
    *ret = take(x);
    return NULL;
}

void
index_free(struct index *x)
{
    if (x == NULL)
        return;
    for (uint32_t i = 0; i < x->nruns; i++)
        run_free(x->run[i]);
    for (size_t i = 0; x->set != NULL && i < x->nsets; i++) {
        pthread_mutex_destroy(&x->set[i].lock);
        seal_free(x->set[i].seal);
    }
    free(x->set);
    free(x->run);
    free(x->pack);
    free(x->pack_table);
    free(x->revoked);
    seal_free(x->seal);
    free(x);
}

/* ---- pages ---- */

static struct cache_set *
set_of(struct index *x, const struct run *r, uint32_t page)
{
    uint64_t mix = (get_le(r->hash, 8) + page) * 0x9e3779b97f4a7c15ULL;

    return &x->set[(mix >> 32) & (x->nsets - 1)];
}

/* The page, with the lock of its set held. *ret = NULL when it cannot be had. */
static struct err *
cached_page(struct index *x, struct cache_set *set, struct run *r, uint32_t page,
    const uint8_t **ret)
{
    struct cached *c = &set->way[0];
    bool ok = false;

    *ret = NULL;
    for (int i = 0; i < WAYS; i++) {
        if (set->way[i].run == r && set->way[i].page == page) {
            set->way[i].used = ++set->clock;
            *ret = set->way[i].data;
            return NULL;
        }
        if (set->way[i].used < c->used)
            c = &set->way[i];
    }
    if (set->seal == NULL)
        TRY(seal_new(&set->seal));
    c->run = NULL;
    c->used = 0;
    struct err *e = run_page(x->store, x->keys, set->seal, r, page, c->data, &ok);
    TRY(e);
    if (!ok)
        return NULL;
    c->run = r;
    c->page = page;
    c->used = ++set->clock;
    *ret = c->data;
    return NULL;
}

/* ---- lookups ---- */

static uint64_t
id_head(const uint8_t *id)
{
    uint64_t v = 0;

    for (int i = 0; i < 8; i++)
        v = v << 8 | id[i];
    return v;
}

/* The first page that may hold ${id}: the last whose first id begins below it. */
static uint32_t
first_page(const struct run *r, uint64_t head)
{
    uint32_t low = 0, high = r->npages; /* the answer lies in [low, high) */

    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;

        if (r->first[middle] < head)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static uint32_t
entries_in(const struct run *r, uint32_t page)
{
    uint32_t left = r->nentries - page * RUN_PER_PAGE;

    return left < RUN_PER_PAGE ? left : RUN_PER_PAGE;
}

static void
read_home(const struct index *x, uint32_t run, uint32_t entry, const uint8_t *rec,
    struct index_home *h)
{
    struct index_new e;

    (void)run_entry(x->run[run], rec, &e); /* without a pack it says so */
    *h = (struct index_home){ .run = run, .entry = entry, .pack = e.pack, .frame = e.frame,
        .slot = e.slot, .what = e.what, .trusted = x->run[run]->trusted };
}

/* Is there an entry for ${id} from record ${i} on?  The first at or above it. */
static uint32_t
lower_bound(const uint8_t *page, uint32_t n, const struct vault_id *id)
{
    uint32_t low = 0, high = n;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (memcmp(page + (size_t)middle * RUN_RECORD, id->b, VAULT_ID_LEN) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Call ${each} for the homes in one page; *ret_more: the next page may have more. */
struct visit {
    bool (*each)(struct visit *v, const struct index_home *h); /* true: enough */
    const struct index *x;
    unsigned skip;
    bool even_gone; /* ask superseded runs where no other knows the id */
    struct index_home home;
    bool found;
};

static struct err *
visit_page(struct index *x, uint32_t run, uint32_t page, const struct vault_id *id,
    struct visit *v, bool *ret_more)
{
    struct run *r = x->run[run];
    struct cache_set *set = set_of(x, r, page);
    uint32_t n = entries_in(r, page);
    const uint8_t *data;

    *ret_more = false;
    pthread_mutex_lock(&set->lock);
    struct err *e = cached_page(x, set, r, page, &data);
    if (e == NULL && data != NULL) {
        uint32_t i = lower_bound(data, n, id);

        if (page == r->npages - 1)
            __atomic_store_n(&r->last, id_head(data + (size_t)(n - 1) * RUN_RECORD),
                __ATOMIC_RELAXED);
        for (; i < n && memcmp(data + (size_t)i * RUN_RECORD, id->b, VAULT_ID_LEN) == 0; i++) {
            struct index_home h;

            read_home(x, run, page * RUN_PER_PAGE + i, data + (size_t)i * RUN_RECORD, &h);
            if (h.pack != UINT32_MAX && v->each(v, &h)) {
                v->found = true;
                v->home = h;
                break;
            }
        }
        *ret_more = i == n && !v->found;
    }
    pthread_mutex_unlock(&set->lock);
    return e;
}

/* In the runs that count, or in those that are superseded. */
static struct err *
visit_homes(struct index *x, const struct vault_id *id, bool gone, struct visit *v)
{
    uint64_t head = id_head(id->b);

    for (uint32_t i = 0; i < x->nruns && !v->found; i++) {
        const struct run *r = x->run[i];
        bool more = true;

        if (r->gone != gone || head < r->first[0] ||
            head > __atomic_load_n(&r->last, __ATOMIC_RELAXED))
            continue;
        for (uint32_t page = first_page(r, head);
             more && !v->found && page < r->npages && r->first[page] <= head; page++)
            TRY(visit_page(x, i, page, id, v, &more));
    }
    return NULL;
}

static bool
count_down(struct visit *v, const struct index_home *h)
{
    (void)h;
    return v->skip-- == 0;
}

static bool
may_share(struct visit *v, const struct index_home *h)
{
    return h->trusted && !v->x->pack[h->pack].tombed;
}

static struct err *
visit_all(struct index *x, const struct vault_id *id, struct visit *v, struct index_home *ret,
    bool *ret_found)
{
    unsigned skip = v->skip;

    TRY(visit_homes(x, id, false, v));
    /* not one that counts: part of a merge is lost, but what it was made of may be there */
    if (!v->found && v->even_gone && v->skip == skip)
        TRY(visit_homes(x, id, true, v));
    *ret_found = v->found;
    if (v->found)
        *ret = v->home;
    return NULL;
}

struct err *
index_find(struct index *x, const struct vault_id *id, unsigned nth, struct index_home *ret,
    bool *ret_found)
{
    if (nth >= HOMES_MAX) {
        *ret_found = false;
        return NULL;
    }
    return visit_all(x, id, &(struct visit){ .each = count_down, .x = x, .skip = nth,
        .even_gone = true }, ret, ret_found);
}

struct err *
index_has(struct index *x, const struct vault_id *id, struct index_home *ret, bool *ret_found)
{
    return visit_all(x, id, &(struct visit){ .each = may_share, .x = x }, ret, ret_found);
}

struct err *
index_entry(struct index *x, uint32_t run, uint32_t entry, struct vault_id *ret_id,
    struct index_home *ret)
{
    struct run *r = x->run[run];
    struct cache_set *set = set_of(x, r, entry / RUN_PER_PAGE);
    const uint8_t *data;

    pthread_mutex_lock(&set->lock);
    struct err *e = cached_page(x, set, r, entry / RUN_PER_PAGE, &data);
    if (e == NULL && data != NULL) {
        const uint8_t *rec = data + (size_t)(entry % RUN_PER_PAGE) * RUN_RECORD;

        memcpy(ret_id->b, rec, VAULT_ID_LEN);
        read_home(x, run, entry, rec, ret);
    }
    pthread_mutex_unlock(&set->lock);
    TRY(e);
    return data == NULL ? fail(ObjectDamaged, r->name) : NULL;
}

/* ---- facts ---- */

const struct index_pack *
index_pack(const struct index *x, uint32_t pack)
{
    assert(pack < x->npacks);
    return &x->pack[pack];
}

uint32_t
index_npacks(const struct index *x)
{
    return x->npacks;
}

uint32_t
index_nruns(const struct index *x)
{
    return x->nruns;
}

uint64_t
index_entries(const struct index *x, uint32_t run)
{
    return x->run[run]->nentries;
}

const char *
index_run_name(const struct index *x, uint32_t run)
{
    return x->run[run]->name;
}

void
index_tomb(struct index *x, const uint8_t hash[32])
{
    if (x->npacks == 0)
        return;
    for (size_t at = first_place(x, hash); x->pack_table[at] != 0;
         at = (at + 1) & (x->pack_table_room - 1)) {
        struct index_pack *p = &x->pack[x->pack_table[at] - 1];

        if (memcmp(p->hash, hash, sizeof(p->hash)) == 0)
            p->tombed = true;
    }
}
