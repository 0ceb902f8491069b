/* SPDX-License-Identifier: Apache-2.0 */
/* verify_packs.c -- packs, each by one task, as many at once as there are lanes.
 *
 * Structure: the length, both heads, the frame table.  Data: every frame is opened, the id
 * of every block and node is computed anew and looked up, and the index entry that points
 * here is marked as confirmed.  A frame that opens proves its bytes, so their checksums are
 * not asked; those of parity are, of what no frame covers, and both cell tables.  A pack that
 * fails is read whole, and mended when its bytes then hash to its name. */
#include <string.h>

#include "armour_parity.h"
#include "codes.h"
#include "packs.h"
#include "pool.h"
#include "verify.h"

struct pack_task {
    struct pool_task task;
    struct verify *f;
    uint32_t pack;
};

enum { WINDOW = 2 * VAULT_LANES_MAX };

/* ---- data ---- */

static void
confirm(struct verify *f, const struct index_home *home)
{
    uint8_t *bits = f->confirmed[home->run];

    __atomic_or_fetch(&bits[home->entry / 8], (uint8_t)(1U << (home->entry % 8)),
        __ATOMIC_RELAXED);
}

/* Mark the entry of ${id} that names this place. */
static struct err *
confirm_place(struct verify *f, const struct vault_id *id, uint32_t pack, uint16_t frame,
    unsigned slot)
{
    struct index_home home;
    bool found = true;

    for (unsigned nth = 0; found; nth++) {
        TRY(index_find(f->v->index, id, nth, &home, &found));
        if (found && home.pack == pack && home.frame == frame && home.slot == slot)
            confirm(f, &home);
    }
    return NULL;
}

static struct err *
check_frame(struct verify *f, struct lane *l, const struct opened_pack *o, uint32_t pack,
    uint16_t frame, bool *ret_ok)
{
    bool is_map = o->kind == KIND_MAP_PACK;
    size_t slot_len = is_map ? NODE_LEN : f->v->keys->block_len;

    TRY(packs_unseal(f->v, l, o, frame, l->packed, l->raw, ret_ok));
    if (!*ret_ok)
        return NULL;
    for (unsigned i = 0; i < o->frames[frame].slots; i++) {
        struct vault_id id;

        TRY(seal_id(l->seal, is_map ? SEAL_NODE : SEAL_BLOCK, l->raw + i * slot_len, slot_len,
            &id));
        TRY(confirm_place(f, &id, pack, frame, i));
    }
    __atomic_add_fetch(&f->report->blocks, is_map ? 0U : o->frames[frame].slots,
        __ATOMIC_RELAXED);
    return NULL;
}

/* The cells that [${from}, ${to}) of the body touches, by their checksums in ${table}. */
static struct err *
check_cells(struct verify *f, const struct opened_pack *o, const struct armour_shape *s,
    const uint8_t *table, uint64_t from, uint64_t to, bool *ret_ok)
{
    uint64_t first = from / s->cell, end = (to + s->cell - 1) / s->cell;
    size_t len = (size_t)(end - first) * s->cell, got = 0;
    bool found;

    if (!*ret_ok || from >= to)
        return NULL;
    auto_free uint8_t *cells = malloc(len);
    if (cells == NULL)
        return fail(OutOfMemory);
    TRY(store_get(f->v->store, o->name, s->body_off + first * s->cell, cells, len, &got,
        &found));
    *ret_ok = found && got == len;
    for (uint64_t i = first; *ret_ok && i < end; i++)
        *ret_ok = get_le(table + 4 * i, 4) ==
            armour_crc(cells + (i - first) * s->cell, s->cell);
    return NULL;
}

/* What of the body no key seals: its head with the envelopes, where a writer's id or the zeros
 * of an unused box can rot unseen; gaps; the zeros that fill the last cell. */
static struct err *
check_unsealed(struct verify *f, const struct opened_pack *o, const struct armour_shape *s,
    const uint8_t *table, bool *ret_ok)
{
    uint64_t after = PACK_HEAD + (uint64_t)o->nenvelopes * PACK_ENVELOPE;
    uint64_t table_len = (uint64_t)o->nframes * PACK_FRAME_REC + SEAL_TAG;

    TRY(check_cells(f, o, s, table, 0, after, ret_ok));
    for (unsigned i = 0; i < o->nframes; i++) {
        TRY(check_cells(f, o, s, table, after, o->frames[i].off, ret_ok));
        after = (uint64_t)o->frames[i].off + o->frames[i].len + SEAL_TAG;
    }
    TRY(check_cells(f, o, s, table, after, s->body_len - table_len, ret_ok));
    return check_cells(f, o, s, table, s->body_len, s->parity_off - s->body_off, ret_ok);
}

/* Cell tables and parity, which no frame covers, and what of the body none does. */
static struct err *
check_armour(struct verify *f, const struct opened_pack *o, const struct armour_shape *s,
    bool *ret_ok)
{
    uint64_t nparity = (uint64_t)ARMOUR_PARITY * s->columns, nchecked = s->ncells + nparity;
    size_t table = 4 * nchecked + 4, tail = s->total - s->parity_off, got = 0;
    auto_free uint8_t *front = malloc(s->body_off);
    auto_free uint8_t *back = malloc(tail);
    bool found;

    if (front == NULL || back == NULL)
        return fail(OutOfMemory);
    TRY(store_get(f->v->store, o->name, 0, front, s->body_off, &got, &found));
    *ret_ok = found && got == s->body_off;
    if (*ret_ok)
        TRY(store_get(f->v->store, o->name, s->parity_off, back, tail, &got, &found));
    *ret_ok = *ret_ok && found && got == tail;
    if (!*ret_ok)
        return NULL;
    const uint8_t *copy = back + (s->tail_off - s->parity_off);
    *ret_ok = memcmp(front + ARMOUR_HEAD, copy, table) == 0 &&
        memcmp(front, copy + table, ARMOUR_HEAD) == 0 &&
        get_le(copy + table - 4, 4) == armour_crc(copy, table - 4) &&
        bytes_are_zero(front + ARMOUR_HEAD + table, s->body_off - ARMOUR_HEAD - table);
    for (uint64_t i = 0; *ret_ok && i < nparity; i++)
        *ret_ok = get_le(copy + 4 * (s->ncells + i), 4) ==
            armour_crc(back + i * s->cell, s->cell);
    return *ret_ok ? check_unsealed(f, o, s, copy, ret_ok) : NULL;
}

/* Nodes have their writer's key; once a collector has rewritten packs, one pack may hold
 * frames of several. */
static struct err *
check_frames(struct verify *f, struct lane *l, const struct opened_pack *o, uint32_t pack,
    bool *ret_ok)
{
    bool ok;

    TRY(lane_for_reading(l));
    l->open = false;
    for (unsigned i = 0; i < o->nframes; i++) { /* one bad frame spoils no other */
        const struct opened_envelope *env = &o->envelopes[o->frames[i].envelope];

        if (o->kind == KIND_MAP_PACK)
            TRY(lane_use_writer(f->v, l, &env->writer));
        TRY(check_frame(f, l, o, pack, (uint16_t)i, &ok));
        *ret_ok = *ret_ok && ok;
    }
    return NULL;
}

/* ---- one pack ---- */

static struct err *
check_heads(struct verify *f, const struct index_pack *pack, const char *name,
    const struct armour_shape *s, bool *ret_ok)
{
    uint8_t head[ARMOUR_HEAD], tail[ARMOUR_HEAD];
    struct armour_head h;
    bool found, newer;
    size_t n = 0, m = 0;

    TRY(store_get(f->v->store, name, 0, head, sizeof(head), &n, &found));
    TRY(store_get(f->v->store, name, s->total - ARMOUR_HEAD, tail, sizeof(tail), &m, &found));
    *ret_ok = n == sizeof(head) && m == sizeof(tail) && memcmp(head, tail, n) == 0 &&
        armour_head_read(head, &h, &newer) && h.kind == pack->kind &&
        h.shape.body_len == pack->body_len &&
        memcmp(&h.vault, &f->v->keys->vault, sizeof(h.vault)) == 0;
    return NULL;
}

static struct err *
check_pack(struct verify *f, struct lane *l, uint32_t number, const char *name, bool *ret_ok)
{
    const struct index_pack *pack = index_pack(f->v->index, number);
    auto_ptr(opened_pack) o = NULL;
    struct armour_shape s;
    uint64_t len = 0;
    bool found;

    *ret_ok = false;
    TRY(store_stat(f->v->store, name, &len, &found));
    if (!found)
        return fail(ObjectMissing, name);
    if (!armour_shape(pack->body_len, &s))
        return NULL;
    TRY(check_heads(f, pack, name, &s, ret_ok));
    *ret_ok = *ret_ok && len == s.total;
    TRY(packs_open(f->v, l->seal, pack, NULL, &o));
    if (o == NULL)
        *ret_ok = false;
    else if (f->c->data)
        TRY(check_frames(f, l, o, number, ret_ok));
    if (o != NULL && f->c->data && *ret_ok)
        TRY(check_armour(f, o, &s, ret_ok));
    return NULL;
}

/* The frames of a pack as mended in memory: what can be mended is not lost. */
static struct err *
check_image(struct verify *f, struct lane *l, uint32_t number, const struct pack_image *image,
    bool *ret_ok)
{
    auto_ptr(opened_pack) o = NULL;

    TRY(packs_open(f->v, l->seal, index_pack(f->v->index, number), image->body.data, &o));
    *ret_ok = o != NULL;
    if (*ret_ok && f->c->data)
        TRY(check_frames(f, l, o, number, ret_ok));
    return NULL;
}

/* Read it whole and mend it; then its bytes are proved by its name, and its frames are looked
 * at again, so that their entries count as confirmed.  With repair it is put back. */
static struct err *
mend_pack(struct verify *f, struct lane *l, uint32_t number, const char *name,
    bool *ret_usable, bool *ret_mended)
{
    const struct index_pack *pack = index_pack(f->v->index, number);
    struct pack_image image = { 0 };
    bool ok = false, found = false;
    struct err *e = packs_image(f->v, pack, &image, &ok, &found);

    if (e == NULL && ok && f->c->repair)
        e = store_replace(f->v->store, name, image.object, image.len);
    else if (e == NULL && ok)
        e = check_image(f, l, number, &image, ret_usable);
    pack_image_done(&image);
    TRY(e);
    if (ok && f->c->repair) {
        TRY(check_pack(f, l, number, name, ret_mended));
        *ret_usable = *ret_mended;
    }
    return NULL;
}

static bool
is_damage(const struct err *e)
{
    return err_is(e, C_vault_corrupt) || err_is(e, C_store_io) || err_is(e, C_vault_trust);
}

/* A loss of power can leave a run of a backup that was not committed without its packs.  That
 * costs nobody anything: a pack that is gone counts where a point needs it, and the walk over
 * the points tells.  Who cannot read all points must tell of it here. */
static bool
left_to_the_walk(const struct verify *f, const struct err *e)
{
    return err_code(e) == E_ObjectMissing && f->v->keys->data_secret != NULL;
}

static struct err *
do_pack(struct verify *f, struct lane *l, uint32_t number)
{
    char name[PACK_NAME_LEN + 1];
    bool ok = false, usable = false, mended = false;
    size_t at;

    pack_name(index_pack(f->v->index, number)->hash, name);
    struct err *e = check_pack(f, l, number, name, &ok);
    if (e != NULL && !is_damage(e))
        return e;
    if (e == NULL && ok)
        return NULL;
    if (left_to_the_walk(f, e)) {
        f->pack_bad[number] = true;
        err_free(e);
        return NULL;
    }
    if (e == NULL)
        e = fail(ObjectDamaged, name);
    if (err_code(e) != E_ObjectMissing) {
        pthread_mutex_lock(&f->repair_lock); /* one pack in memory at a time */
        struct err *second = mend_pack(f, l, number, name, &usable, &mended);
        pthread_mutex_unlock(&f->repair_lock);
        if (second != NULL && !is_damage(second))
            return err_also(second, e); /* no room, no permission: not the pack's fault */
        e = err_also(e, second);
    }
    f->pack_bad[number] = !usable;
    return verify_damage(f, name, mended, e, &at);
}

static struct err *
pack_task(struct pool_task *t, unsigned worker)
{
    struct pack_task *p = t->arg;

    return do_pack(p->f, &p->f->v->lane[worker], p->pack);
}

/* ---- all of them ---- */

static void
count(struct verify *f, uint32_t number)
{
    struct armour_shape s;

    if (armour_shape(index_pack(f->v->index, number)->body_len, &s)) {
        f->report->bytes += s.total;
        f->done_bytes += s.total;
    }
    f->report->objects++;
    if (f->c->progress != NULL)
        f->c->progress(f->c->arg, f->done_bytes, f->total_bytes);
}

static uint32_t
next_wanted(const struct verify *f, uint32_t from)
{
    while (from < f->npacks && f->pack_wanted != NULL && !f->pack_wanted[from])
        from++;
    return from;
}

static struct err *
run_window(struct verify *f, struct pool *pool, struct pack_task *task, unsigned window)
{
    uint32_t next = next_wanted(f, 0);
    unsigned head = 0, tail = 0; /* tasks [head, tail) are under way */
    struct err *e = NULL;

    while (next < f->npacks || head < tail) {
        while (e == NULL && next < f->npacks && tail - head < window) {
            struct pack_task *t = &task[tail++ % window];

            *t = (struct pack_task){ .task = { .run = pack_task }, .f = f, .pack = next };
            t->task.arg = t;
            pool_submit(pool, &t->task);
            next = next_wanted(f, next + 1);
        }
        if (head == tail)
            break;
        struct pack_task *t = &task[head++ % window];
        e = err_also(e, pool_wait(pool, &t->task));
        count(f, t->pack);
    }
    return e;
}

struct err *
verify_packs(struct verify *f)
{
    auto_ptr(pool) pool = NULL;
    auto_free struct pack_task *task = calloc(WINDOW, sizeof(*task));
    struct armour_shape s;

    if (task == NULL)
        return fail(OutOfMemory);
    for (uint32_t i = next_wanted(f, 0); i < f->npacks; i = next_wanted(f, i + 1))
        if (armour_shape(index_pack(f->v->index, i)->body_len, &s))
            f->total_bytes += s.total;
    TRY(pool_new(f->v->nlanes, &pool));
    return run_window(f, pool, task, 2 * f->v->nlanes);
}
