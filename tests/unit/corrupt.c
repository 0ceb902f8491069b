/* SPDX-License-Identifier: Apache-2.0 */
/* A vault under attack: bytes and whole objects are flipped, cut, extended, copied, swapped,
 * replayed and taken from another vault, in every kind of object.  Whatever is done, no wrong
 * byte comes back, each changed object is named, mended within parity to the very bytes that
 * it had, and what is lost is told to the block. */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kept.h"
#include "pack.h"
#include "pattern.h"
#include "secret.h"
#include "store.h"
#include "vault_internal.h"

enum { OBJECTS_MAX = 128, BLOCKS_MAX = 512 };

/* ---- a vault as its objects ---- */

struct object_bytes {
    char name[STORE_NAME_MAX + 1];
    uint8_t *data;
    size_t len;
};

struct objects {
    struct object_bytes o[OBJECTS_MAX];
    size_t n;
};

static struct kept kept;
static struct objects ours, theirs; /* another vault that the same passphrase opens */
static struct secret *passphrase;

static struct err *
load_one(void *arg, const char *name, uint64_t len)
{
    struct objects *all = arg;
    struct object_bytes *o = &all->o[all->n++];

    (void)len;
    assert_true(all->n <= OBJECTS_MAX);
    int n = snprintf(o->name, sizeof(o->name), "%s", name);
    assert_true(n > 0 && (size_t)n < sizeof(o->name));
    return NULL;
}

static void
load(const char *path, struct objects *all)
{
    static const char *const folders[] = { "slots", "certs", "sessions", "packs", "runs",
        "points", "forgot", "tombs", "rounds", "verified" };
    auto_ptr(store) s = NULL;
    bool found;

    assert_ok(store_dir_open(path, false, &s));
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
        assert_ok(store_list(s, folders[i], load_one, all));
    assert_ok(load_one(all, "firn.vault", 0));
    assert_ok(load_one(all, "firn.vault.copy", 0));
    for (size_t i = 0; i < all->n; i++)
        assert_ok(store_get_all(s, all->o[i].name, STORE_OBJECT_MAX, &all->o[i].data,
            &all->o[i].len, &found));
}

static struct store *
store_of(const struct objects *all)
{
    struct store *s = NULL;
    bool fresh;

    assert_ok(store_mem_new(&s));
    for (size_t i = 0; i < all->n; i++)
        assert_ok(store_put(s, all->o[i].name, all->o[i].data, all->o[i].len, &fresh));
    return s;
}

static void
objects_done(struct objects *all)
{
    for (size_t i = 0; i < all->n; i++)
        free(all->o[i].data);
}

static const struct object_bytes *
first_of(const struct objects *all, const char *folder, size_t nth)
{
    for (size_t i = 0; i < all->n; i++)
        if (strncmp(all->o[i].name, folder, strlen(folder)) == 0 && nth-- == 0)
            return &all->o[i];
    return NULL;
}

/* ---- what comes back ---- */

struct seen {
    bool listed[KEPT_POINTS];
    uint64_t lost[KEPT_POINTS][KEPT_DISKS][BLOCKS_MAX / 64]; /* a bit for each block */
    size_t nlost;
};

static bool
block_comes_back(struct vault *v, const struct vault_id *id, uint8_t *to)
{
    struct vault_place place;
    bool found = true, is = false;

    for (unsigned nth = 0; !is; nth++) {
        const uint8_t *data;
        size_t n;

        assert_ok(vault_locate(v, id, nth, &place, &found));
        if (!found)
            return false;
        struct err *e = vault_read_frame(v, 0, &place, &data, &n);
        int code = err_code(e);
        assert_true(code == 0 || code == E_FrameDamaged || code == E_ObjectMissing);
        if (e == NULL && place.slot < n) {
            memcpy(to, data + (size_t)place.slot * KEPT_BLOCK, KEPT_BLOCK);
            assert_ok(vault_block_is(v, 0, to, id, &is));
        }
        err_free(e);
    }
    return true;
}

static void
read_disk(struct vault *v, const struct vault_disk *d, const struct kept_disk *want,
    uint64_t *lost)
{
    uint8_t got[KEPT_BLOCK], is[KEPT_BLOCK];
    uint64_t nblocks = div_up(want->size, KEPT_BLOCK);

    assert_int_equal(d->size, want->size);
    for (uint64_t at = 0; at < nblocks; at++) {
        size_t len = at + 1 == nblocks ? want->size - at * KEPT_BLOCK : KEPT_BLOCK;
        struct vault_id ids[VAULT_FANOUT];
        bool zero = false;

        struct err *e = vault_read_span(v, 0, d, at / VAULT_FANOUT, ids, &zero);
        bool have = e == NULL;
        assert_true(have || err_code(e) == E_MapDamaged);
        err_free(e);
        memset(got, 0, sizeof(got));
        if (have && !zero && !id_is_zero(&ids[at % VAULT_FANOUT]))
            have = block_comes_back(v, &ids[at % VAULT_FANOUT], got);
        memset(is, 0, sizeof(is));
        memcpy(is, want->data + at * KEPT_BLOCK, len);
        if (have)
            assert_memory_equal(got, is, KEPT_BLOCK);
        else
            lost[at / 64] |= UINT64_C(1) << (at % 64);
    }
}

static const struct kept_point *
known_point(const struct vault_key *id, size_t *ret_at)
{
    for (size_t i = 0; i < kept.npoints; i++)
        if (memcmp(&kept.point[i].id, id, sizeof(*id)) == 0) {
            *ret_at = i;
            return &kept.point[i];
        }
    return NULL;
}

/* Every byte that comes back is right; what does not is noted. */
static void
read_all(struct vault *v, struct seen *ret)
{
    auto_ptr(vault_points) points = NULL;

    memset(ret, 0, sizeof(*ret));
    assert_ok(vault_points(v, &points));
    for (size_t i = 0; i < points->n; i++) {
        const struct vault_point *p = points->items[i];
        size_t at = 0;
        const struct kept_point *k = known_point(&p->id, &at);

        assert_non_null(k);
        assert_false(ret->listed[at]);
        ret->listed[at] = true;
        assert_int_equal(p->ndisks, k->ndisks);
        for (size_t d = 0; d < p->ndisks; d++) {
            assert_string_equal(p->disks[d].name, k->disk[d].name);
            read_disk(v, &p->disks[d], &k->disk[d], ret->lost[at][d]);
        }
    }
    for (size_t i = 0; i < sizeof(ret->lost) / sizeof(uint64_t); i++)
        ret->nlost += (size_t)__builtin_popcountll(((uint64_t *)ret->lost)[i]);
}

/* ---- what the report says ---- */

static const struct vault_damage *
damage_of(const struct vault_report *r, const char *name)
{
    for (size_t i = 0; i < r->ndamaged; i++)
        if (strcmp(r->damaged[i].object, name) == 0)
            return &r->damaged[i];
    return NULL;
}

static void
note_range(uint64_t *lost, const struct vault_range *range, uint64_t size)
{
    assert_true(range->len > 0 && range->off % KEPT_BLOCK == 0 && range->off < size);
    assert_true((range->off + range->len) % KEPT_BLOCK == 0 || range->off + range->len == size);
    for (uint64_t b = range->off / KEPT_BLOCK; b * KEPT_BLOCK < range->off + range->len; b++)
        lost[b / 64] |= UINT64_C(1) << (b % 64);
}

/* The ranges that it names are those that did not come back, no more and no fewer. */
static void
ranges_are_true(const struct vault_report *r, const struct seen *seen)
{
    struct seen told = { .nlost = 0 };

    for (size_t i = 0; i < r->ndamaged; i++)
        for (size_t h = 0; h < r->damaged[i].nhits; h++) {
            const struct vault_hit *hit = &r->damaged[i].hits[h];
            size_t at = 0, d = 0;
            const struct kept_point *k = known_point(&hit->point, &at);

            assert_non_null(k);
            while (strcmp(k->disk[d].name, hit->disk) != 0)
                assert_true(++d < k->ndisks);
            for (size_t n = 0; n < hit->nranges; n++)
                note_range(told.lost[at][d], &hit->ranges[n], k->disk[d].size);
        }
    assert_memory_equal(told.lost, seen->lost, sizeof(told.lost));
}

static struct vault *
open_store(struct store *s)
{
    const struct vault_unlock unlock = { .key_file = kept.job.key_file };
    struct vault *v = NULL;

    assert_ok(vault_open(s, &unlock, 2, &v));
    return v;
}

static struct vault_report *
verify(struct vault *v, bool repair)
{
    const struct vault_check c = { .data = true, .repair = repair };
    struct vault_report *r = NULL;

    assert_ok(vault_verify(v, &c, &r));
    return r;
}

/* ---- judging a changed vault ---- */

enum fate {
    FATE_MENDS, /* nothing is lost, and repair gives the object its bytes back */
    FATE_NAMED, /* the object is named; it may cost something */
    FATE_ANY    /* it may go unseen: what is not there cannot be told from what never was */
};

static void
must_have_bytes(struct store *s, const struct object_bytes *o)
{
    uint8_t *data = NULL;
    size_t len;
    bool found;

    assert_ok(store_get_all(s, o->name, STORE_OBJECT_MAX, &data, &len, &found));
    assert_true(found && len == o->len);
    assert_memory_equal(data, o->data, len);
    free(data);
}

/* Takes ${s}, in which ${o} (one of ours) was changed. */
static size_t
judge(struct store *s, const struct object_bytes *o, enum fate fate)
{
    struct vault *v = open_store(s);
    struct seen seen;

    read_all(v, &seen);
    struct vault_report *r = verify(v, false);
    const struct vault_damage *d = damage_of(r, o->name);
    if (fate != FATE_ANY && d == NULL)
        print_message("# not named: %s\n", o->name);
    assert_true(fate == FATE_ANY || d != NULL);
    assert_true(fate != FATE_MENDS || seen.nlost == 0);
    ranges_are_true(r, &seen);
    vault_report_free(r);
    r = verify(v, true);
    d = damage_of(r, o->name);
    if (fate == FATE_MENDS) {
        assert_true(d != NULL && d->repaired && d->nhits == 0);
        must_have_bytes(s, o);
    } else {
        ranges_are_true(r, &seen);
    }
    vault_report_free(r);
    vault_free(v);
    return seen.nlost;
}

static size_t
steps(size_t usual)
{
    if (getenv("FIRN_SOAK") != NULL)
        return usual * 50;
    return getenv("FIRN_SLOW_BUILD") != NULL ? usual / 3 + 1 : usual;
}

/* ---- bytes ---- */

/* ${o} gets ${len} bytes at ${data}, which are freed. */
static size_t
attack(const struct object_bytes *o, uint8_t *data, size_t len, enum fate fate)
{
    struct store *s = store_of(&ours);

    assert_ok(store_replace(s, o->name, data, len));
    free(data);
    return judge(s, o, fate);
}

static uint8_t *
bytes_of(const struct object_bytes *o, size_t more)
{
    uint8_t *data = calloc(1, o->len + more);

    assert_non_null(data);
    memcpy(data, o->data, o->len);
    return data;
}

static struct armour_shape
shape_of(const struct object_bytes *o)
{
    struct armour_head h;
    bool newer;

    assert_true(armour_head_read(o->data, &h, &newer));
    assert_int_equal(h.shape.total, o->len);
    return h.shape;
}

static void
flipped_bytes(void **state)
{
    struct rng r = { .state = 1 };
    size_t tried = 0, n = steps(6);

    (void)state;
    for (size_t i = 0; i < ours.n; i++)
        for (size_t j = 0; j <= n; j++) {
            const struct object_bytes *o = &ours.o[i];
            size_t at = j == n ? o->len - 1 : o->len * j / n + rng_below(&r, o->len / n);
            uint8_t *data = bytes_of(o, 0);

            data[at] ^= (uint8_t)(1 + rng_below(&r, 255));
            attack(o, data, o->len, FATE_MENDS);
            tried++;
        }
    print_message("# %zu bytes in %zu objects\n", tried, ours.n);
}

static void
flip_bit(const struct object_bytes *o, uint64_t at)
{
    uint8_t *data = bytes_of(o, 0);

    data[at] ^= 1;
    attack(o, data, o->len, FATE_MENDS);
}

/* Bytes that nothing reads, of which parity is made all the same: the zeros between a body's
 * end and that of its last cell, and in a pack the writer's id and the box of an envelope. */
static void
flipped_bytes_that_nothing_reads(void **state)
{
    enum { WRITER = PACK_HEAD + 4 + 16, BOX = WRITER + 16 + 12 };

    (void)state;
    for (size_t i = 0; i < ours.n; i++) {
        const struct object_bytes *o = &ours.o[i];
        struct armour_shape shape = shape_of(o);

        if (shape.body_off + shape.body_len < shape.parity_off) {
            flip_bit(o, shape.body_off + shape.body_len);
            flip_bit(o, shape.parity_off - 1);
        }
        if (strncmp(o->name, "packs/", 6) == 0) {
            flip_bit(o, shape.body_off + WRITER);
            flip_bit(o, shape.body_off + BOX);
        }
    }
}

/* A bad sector anywhere is within parity; most of an object is not. */
static void
bad_runs(void **state)
{
    struct rng r = { .state = 2 };

    (void)state;
    for (size_t i = 0; i < ours.n; i++)
        for (size_t j = 0; j < steps(3); j++) {
            const struct object_bytes *o = &ours.o[i];
            struct armour_shape shape = shape_of(o);
            bool large = j % 3 == 2;
            size_t most = large ? o->len / 2 : shape.cell, at = rng_below(&r, o->len - most);
            uint8_t *data = bytes_of(o, 0);

            for (size_t k = 0; k < most; k++)
                data[at + k] = (uint8_t)rng_next(&r);
            attack(o, data, o->len, large ? FATE_NAMED : FATE_MENDS);
        }
}

static void
cut_and_extended(void **state)
{
    struct rng r = { .state = 3 };

    (void)state;
    for (size_t i = 0; i < ours.n; i++) {
        const struct object_bytes *o = &ours.o[i];
        struct armour_shape shape = shape_of(o);
        const size_t lens[] = { 0, 1, ARMOUR_HEAD - 1, ARMOUR_HEAD, rng_below(&r, o->len),
            shape.parity_off, shape.tail_off, o->len - 1 };
        const size_t more[] = { 1, 4096 };

        for (size_t j = 0; j < sizeof(lens) / sizeof(lens[0]); j++)
            attack(o, bytes_of(o, 0), lens[j],
                lens[j] >= shape.parity_off ? FATE_MENDS : FATE_NAMED);
        for (size_t j = 0; j < 2; j++)
            attack(o, bytes_of(o, more[j]), o->len + more[j], FATE_MENDS);
    }
}

/* Cells over and for each other; the object twice. */
static void
copied_and_swapped_cells(void **state)
{
    struct rng r = { .state = 4 };

    (void)state;
    for (size_t i = 0; i < ours.n; i++) {
        const struct object_bytes *o = &ours.o[i];
        struct armour_shape shape = shape_of(o);
        size_t ncells = shape.ncells + ARMOUR_PARITY * shape.columns;
        size_t a = rng_below(&r, ncells), b = (a + 1 + rng_below(&r, ncells - 1)) % ncells;
        size_t at = shape.body_off + a * shape.cell, to = shape.body_off + b * shape.cell;
        uint8_t *data = bytes_of(o, 0);

        memcpy(data + to, o->data + at, shape.cell);
        bool same = memcmp(data, o->data, o->len) == 0;
        attack(o, data, o->len, same ? FATE_ANY : FATE_MENDS);
        data = bytes_of(o, 0);
        memcpy(data + to, o->data + at, shape.cell);
        memcpy(data + at, o->data + to, shape.cell);
        attack(o, data, o->len, same ? FATE_ANY : FATE_MENDS);
        data = bytes_of(o, o->len);
        memcpy(data + o->len, o->data, o->len);
        attack(o, data, 2 * o->len, FATE_NAMED);
    }
}

/* ---- objects ---- */

static const char *const kinds[] = { "slots/", "certs/", "sessions/", "packs/", "runs/",
    "points/", "forgot/", "tombs/", "rounds/", "verified/", "firn.vault" };
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

/* ${o} has the bytes of ${by}, which are whole, and is not it. */
static size_t
take_for(const struct object_bytes *o, const struct object_bytes *by)
{
    bool same = o->len == by->len && memcmp(o->data, by->data, o->len) == 0;

    return attack(o, bytes_of(by, 0), by->len, same ? FATE_ANY : FATE_NAMED);
}

static void
objects_for_others(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        const struct object_bytes *o = first_of(&ours, kinds[i], 0);
        const struct object_bytes *by;

        assert_non_null(o);
        for (size_t nth = 1; (by = first_of(&ours, kinds[i], nth)) != NULL; nth++) {
            take_for(o, by);
            take_for(by, o);
        }
        for (size_t other = 0; other < KINDS; other++)
            if (other != i)
                take_for(o, first_of(&ours, kinds[other], 0));
    }
}

/* From another vault that the same passphrase opens: for one of ours, or beside them. */
static void
objects_of_another_vault(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        const struct object_bytes *o, *by = first_of(&theirs, kinds[i], 0);

        for (size_t nth = 0; by != NULL && (o = first_of(&ours, kinds[i], nth)) != NULL; nth++)
            take_for(o, by);
    }
    struct store *s = store_of(&ours);
    for (size_t i = 0; i < theirs.n; i++) {
        bool fresh;

        assert_ok(store_put(s, theirs.o[i].name, theirs.o[i].data, theirs.o[i].len, &fresh));
        assert_int_equal(fresh, strncmp(theirs.o[i].name, "firn.vault", 10) != 0);
    }
    assert_int_equal(judge(s, &ours.o[0], FATE_ANY), 0);
}

/* The same point, or pack, under a name that nobody has. */
static void
objects_under_new_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS - 1; i++) {
        struct object_bytes copy = *first_of(&ours, kinds[i], 0);
        struct store *s = store_of(&ours);
        size_t digit = strlen(kinds[i]) + 5;
        bool fresh, is_pack = strcmp(kinds[i], "packs/") == 0;

        copy.name[digit] = copy.name[digit] == '0' ? '1' : '0';
        assert_ok(store_put(s, copy.name, copy.data, copy.len, &fresh));
        assert_true(fresh);
        /* a pack that no run names is what a session that did not end leaves */
        assert_int_equal(judge(s, &copy, is_pack ? FATE_ANY : FATE_NAMED), 0);
    }
}

static void
hear_of_forgery(void *arg, struct err *warning)
{
    unsigned *told = arg;

    *told += err_code(warning) == E_PointLeftOut && err_has(warning, E_PointForged);
    err_free(warning);
}

static void
a_point_under_a_new_name_is_told(void **state)
{
    struct object_bytes copy = *first_of(&ours, "points/", 0);
    struct store *s = store_of(&ours);
    auto_ptr(vault_points) points = NULL;
    unsigned told = 0;
    bool fresh;

    (void)state;
    copy.name[strlen("points/")] = copy.name[strlen("points/")] == '0' ? '1' : '0';
    assert_ok(store_put(s, copy.name, copy.data, copy.len, &fresh));
    struct vault *v = open_store(s);
    vault_on_warning(v, hear_of_forgery, &told);
    assert_ok(vault_points(v, &points));
    assert_int_equal(told, 1);
    assert_int_equal(points->n, kept.npoints - 1); /* one is forgotten */
    vault_free(v);
}

static void
header_of_another_vault(void **state)
{
    const struct vault_unlock unlock = { .key_file = kept.job.key_file };
    struct store *s = store_of(&ours);
    struct vault *v = NULL;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const struct object_bytes *h = first_of(&theirs, "firn.vault", i);

        assert_ok(store_replace(s, h->name, h->data, h->len));
    }
    struct err *e = vault_open(s, &unlock, 2, &v);
    assert_true(err_is(e, C_vault));
    err_free(e);
    s = store_of(&ours);
    for (size_t i = 0; i < 2; i++)
        assert_ok(store_replace(s, first_of(&ours, "firn.vault", i)->name,
            first_of(&theirs, "firn.vault", i)->data, first_of(&theirs, "firn.vault", i)->len));
    const struct vault_unlock by_passphrase = { .passphrase = passphrase };
    e = vault_open(s, &by_passphrase, 2, &v);
    assert_true(err_is(e, C_vault));
    err_free(e);
}

/* ---- what is gone ---- */

/* Blocks that have their only homes in pack ${hash}, from the index of the whole vault. */
static void
needs_of(const uint8_t hash[32], struct seen *ret)
{
    struct vault *v = open_store(store_of(&ours));
    auto_ptr(vault_points) points = NULL;

    memset(ret, 0, sizeof(*ret));
    assert_ok(vault_points(v, &points));
    for (size_t i = 0; i < points->n; i++) {
        size_t at = 0;
        const struct kept_point *k = known_point(&points->items[i]->id, &at);

        for (size_t d = 0; d < k->ndisks; d++)
            for (uint64_t b = 0; b * KEPT_BLOCK < k->disk[d].size; b++) {
                struct vault_id ids[VAULT_FANOUT];
                struct index_home home;
                bool zero = false, found = true, elsewhere = false, here = false;

                assert_ok(vault_read_span(v, 0, &points->items[i]->disks[d],
                    b / VAULT_FANOUT, ids, &zero));
                if (zero || id_is_zero(&ids[b % VAULT_FANOUT]))
                    continue;
                assert_ok(vault_need_index(v));
                for (unsigned nth = 0; found; nth++) {
                    assert_ok(index_find(v->index, &ids[b % VAULT_FANOUT], nth, &home, &found));
                    if (!found)
                        break;
                    bool is = memcmp(index_pack(v->index, home.pack)->hash, hash, 32) == 0;
                    here = here || is;
                    elsewhere = elsewhere || !is;
                }
                if (here && !elsewhere)
                    ret->lost[at][d][b / 64] |= UINT64_C(1) << (b % 64);
            }
    }
    vault_free(v);
}

static void
objects_that_are_gone(void **state)
{
    size_t with_losses = 0;

    (void)state;
    for (size_t i = 0; i < ours.n; i++) {
        const struct object_bytes *o = &ours.o[i];
        struct store *s = store_of(&ours);
        struct armour_head h;
        bool found, newer;

        assert_ok(store_remove(s, o->name, &found));
        if (strncmp(o->name, "packs/", 6) != 0) {
            (void)judge(s, o, FATE_ANY);
            continue;
        }
        with_losses += judge(s, o, FATE_NAMED) > 0;
        assert_true(armour_head_read(o->data, &h, &newer));
        if (h.kind != KIND_DATA_PACK)
            continue;
        struct seen needs, seen;
        uint8_t hash[32];
        s = store_of(&ours);
        assert_ok(store_remove(s, o->name, &found));
        struct vault *v = open_store(s);
        read_all(v, &seen);
        assert_true(bytes_from_hex(o->name + 9, hash, sizeof(hash)));
        needs_of(hash, &needs);
        assert_memory_equal(needs.lost, seen.lost, sizeof(seen.lost));
        vault_free(v);
    }
    assert_true(with_losses >= 4);
}

/* ---- the two vaults ---- */

/* What a collector would have written, so that there is one of each kind. */
static void
put_signed(struct vault *v, const char *name, enum armour_kind kind, const char *label,
    uint8_t *body, size_t len)
{
    bool fresh;

    assert_ok(seal_sign(v->keys->sign_key->data, label, &v->keys->vault, body,
        len - SEAL_SIGNATURE, body + len - SEAL_SIGNATURE));
    assert_ok(object_put(v->store, name, kind, &v->keys->vault, body, len, &fresh));
    assert_true(fresh);
}

static void
put_notes(struct vault *v, const struct vault_key *forgotten)
{
    const struct object_bytes *pack = first_of(&ours, "packs/", 0);
    char name[KEYS_NAME_MAX], hex[33], round[33];
    uint8_t body[256];
    struct vault_key r;

    for (unsigned i = 0; i < 2; i++) {
        struct wr w = wr_to(body, sizeof(body));

        seal_random(r.b, sizeof(r.b));
        vault_key_hex(&r, round);
        snprintf(name, sizeof(name), "rounds/%s", round);
        wr_bytes(&w, r.b, 16);
        wr_u8(&w, 2);
        wr_zero(&w, 3);
        wr_bytes(&w, v->keys->cert->hash, 32);
        put_signed(v, name, KIND_ROUND, "firn round", body, 116);
        w = wr_to(body, sizeof(body));
        snprintf(name, sizeof(name), "tombs/%s.%s", round, pack->name + 9);
        wr_bytes(&w, r.b, 16);
        assert_true(bytes_from_hex(pack->name + 9, wr_room(&w, 32), 32));
        wr_bytes(&w, v->keys->cert->hash, 32);
        put_signed(v, name, KIND_TOMB, "firn tomb", body, 144);
    }
    struct wr w = wr_to(body, sizeof(body));
    vault_key_hex(forgotten, hex);
    snprintf(name, sizeof(name), "forgot/%s", hex);
    wr_bytes(&w, forgotten->b, 16);
    wr_u64(&w, 1);
    wr_bytes(&w, v->keys->cert->hash, 32);
    put_signed(v, name, KIND_FORGOT, "firn forget", body, 120);
}

static struct kept_disk disks[KEPT_DISKS] = {
    { .name = "vda", .size = 150 * KEPT_BLOCK + 777 },
    { .name = "vdb", .size = 5001 },
};

static void
make_ours(void)
{
    struct vault_report *r;

    kept_begin(&kept);
    kept_back_up(&kept, "web", disks, KEPT_DISKS);
    kept_back_up(&kept, "old", disks + 1, 1);
    memset(disks[0].data + 3 * KEPT_BLOCK, 'n', 2 * KEPT_BLOCK);
    memset(disks[0].data + 90 * KEPT_BLOCK, 0, 7 * KEPT_BLOCK);
    for (size_t i = 0; i < 9 * KEPT_BLOCK; i++)
        disks[0].data[20 * KEPT_BLOCK + i] ^= (uint8_t)(i / 100);
    kept_back_up(&kept, "web", disks, KEPT_DISKS);
    memmove(disks[1].data, disks[1].data + 1, 5000);
    kept_back_up(&kept, "mail", disks + 1, 1);
    struct vault *v = kept_open(&kept, kept.job.vault);
    r = verify(v, false); /* notes it */
    assert_int_equal(r->ndamaged, 0);
    vault_report_free(r);
    load(kept.job.vault, &ours);
    put_notes(v, &kept.point[1].id);
    objects_done(&ours);
    memset(&ours, 0, sizeof(ours));
    load(kept.job.vault, &ours);
    vault_free(v);
}

static int
set_up(void **state)
{
    static struct kept other;

    (void)state;
    if (getenv("TMPDIR") == NULL && access("/dev/shm", W_OK | X_OK) == 0)
        (void)setenv("TMPDIR", "/dev/shm", 1);
    for (size_t i = 0; i < KEPT_DISKS; i++)
        disks[i].data = pattern_new(90 + i, disks[i].size, NULL);
    assert_ok(secret_copy(KEPT_PASSPHRASE, strlen(KEPT_PASSPHRASE), &passphrase));
    kept_begin(&other);
    kept_back_up(&other, "web", disks, KEPT_DISKS);
    kept_back_up(&other, "mail", disks + 1, 1);
    load(other.job.vault, &theirs);
    kept_end(&other);
    make_ours();
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    objects_done(&ours);
    objects_done(&theirs);
    kept_end(&kept);
    secret_free(passphrase);
    for (size_t i = 0; i < KEPT_DISKS; i++)
        free(disks[i].data);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flipped_bytes),
        cmocka_unit_test(flipped_bytes_that_nothing_reads),
        cmocka_unit_test(bad_runs),
        cmocka_unit_test(cut_and_extended),
        cmocka_unit_test(copied_and_swapped_cells),
        cmocka_unit_test(objects_for_others),
        cmocka_unit_test(objects_of_another_vault),
        cmocka_unit_test(objects_under_new_names),
        cmocka_unit_test(a_point_under_a_new_name_is_told),
        cmocka_unit_test(header_of_another_vault),
        cmocka_unit_test(objects_that_are_gone),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
