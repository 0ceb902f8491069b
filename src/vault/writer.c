/* SPDX-License-Identifier: Apache-2.0 */
/* writer.c -- a session, from its first object to the point: the steps of firn-vault(5),
 * WRITING, in their order.
 *
 * Memory is bounded by resting: when the table of fresh ids is nearly full, everything
 * gathered so far is put as packs and a run, and the table begins anew.  Runs that are put
 * before a crash belong to no point; the next backup finds their blocks and uses them. */
#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "codes.h"
#include "points.h"
#include "writer.h"

enum { SESSION_BODY = 16 + 16 + 8 + 32 + SEAL_SIGNATURE };

static int64_t
now_ns(void)
{
    return keys_now_ns();
}

/* ---- steps 1 and 2 ---- */

static struct err *
put_session(struct vault *v, const struct vault_point *p)
{
    const struct keys *k = v->keys;
    uint8_t body[SESSION_BODY];
    struct wr w = wr_to(body, sizeof(body));
    char name[KEYS_NAME_MAX];
    bool fresh;

    wr_bytes(&w, p->id.b, VAULT_KEY_LEN);
    wr_bytes(&w, p->parent.b, VAULT_KEY_LEN);
    wr_u64(&w, (uint64_t)p->time_ns);
    wr_bytes(&w, k->cert->hash, sizeof(k->cert->hash));
    size_t part = w.len;
    TRY(seal_sign(k->sign_key->data, "firn session", &k->vault, body, part,
        wr_room(&w, SEAL_SIGNATURE)));
    points_name("sessions/", &p->id, name);
    TRY(object_put(v->store, name, KIND_SESSION, &k->vault, body, sizeof(body), &fresh));
    if (!fresh)
        return fail(SessionAborted, name + strlen("sessions/"));
    return keys_barrier(v->store, "sessions");
}

static struct err *
note_tomb(struct vault *v, const char *name)
{
    uint8_t hash[32];
    const char *dot = strchr(name, '.');

    /* a tomb's name alone counts: to keep away from a pack needs no proof */
    if (dot != NULL && bytes_from_hex(dot + 1, hash, sizeof(hash)))
        index_tomb(v->index, hash);
    return NULL;
}

/* Hashes of the packs that are there, ascending. */
struct hashes {
    uint8_t (*hash)[SEAL_HASH];
    size_t n, room;
};

static struct err *
add_hash(void *arg, const char *name, uint64_t len)
{
    struct hashes *l = arg;
    const char *hex = strrchr(name, '/') + 1;

    (void)len;
    if (l->n == l->room) {
        size_t room = l->room ? 2 * l->room : 256;
        void *more = realloc(l->hash, room * sizeof(*l->hash));

        if (more == NULL)
            return fail(OutOfMemory);
        l->hash = more;
        l->room = room;
    }
    l->n += bytes_from_hex(hex, l->hash[l->n], SEAL_HASH);
    return NULL;
}

static int
compare_hashes(const void *a, const void *b)
{
    return memcmp(a, b, SEAL_HASH);
}

/* A run does not prove that its packs are still there: a merge that had read the old runs
 * may name a pack that a round has taken away since.  So only packs that are seen now,
 * after the tombs, count as homes. */
static struct err *
pass_over_missing_packs(struct vault *v)
{
    struct hashes l = { 0 };
    struct err *e = store_list(v->store, "packs", add_hash, &l);

    if (e == NULL && l.n > 0)
        qsort(l.hash, l.n, sizeof(*l.hash), compare_hashes);
    for (uint32_t i = 0; e == NULL && i < index_npacks(v->index); i++) {
        const uint8_t *hash = index_pack(v->index, i)->hash;

        if (l.n == 0 || bsearch(hash, l.hash, l.n, sizeof(*l.hash), compare_hashes) == NULL)
            index_tomb(v->index, hash);
    }
    free(l.hash);
    return e;
}

static struct err *
parent_is_listed(struct vault *v, const struct vault_point *p)
{
    char name[KEYS_NAME_MAX], hex[2 * VAULT_KEY_LEN + 1];
    uint64_t len;
    bool listed, forgotten;

    if (bytes_are_zero(p->parent.b, VAULT_KEY_LEN))
        return NULL;
    points_name("points/", &p->parent, name);
    TRY(store_stat(v->store, name, &len, &listed));
    points_name("forgot/", &p->parent, name);
    TRY(store_stat(v->store, name, &len, &forgotten));
    vault_key_hex(&p->parent, hex);
    return listed && !forgotten ? NULL : fail(ParentGone, hex);
}

/* Look at the vault as it is after the session was put: tombs first, because a pack that
 * gets its tomb later belongs to a collector that will see this session. */
static struct err *
look_around(struct vault *v, const struct vault_point *p)
{
    auto_names tombs = { 0 };

    TRY(names_list(v->store, "tombs", &tombs));
    TRY(vault_reopen_index(v));
    for (size_t i = 0; i < tombs.n; i++)
        TRY(note_tomb(v, tombs.names[i]));
    TRY(pass_over_missing_packs(v));
    return parent_is_listed(v, p);
}

/* The writer's last point, for number and hash.  Points of others do not matter here. */
static struct err *
continue_chain(struct vault *v, struct vault_point *p, uint8_t ret_previous[32])
{
    auto_ptr(vault_points) all = NULL;
    const struct vault_point *last = NULL;

    TRY(vault_points(v, &all));
    for (size_t i = 0; i < all->n; i++) {
        const struct vault_point *q = all->items[i];

        if (memcmp(&q->writer, &p->writer, sizeof(q->writer)) == 0 &&
            (last == NULL || q->seq > last->seq))
            last = q;
    }
    p->seq = last == NULL ? 1 : last->seq + 1;
    if (last != NULL)
        memcpy(ret_previous, last->hash, 32);
    return NULL;
}

static struct err *
point_begin(struct vault *v, const struct vault_backup *b, struct vault_point **ret)
{
    auto_ptr(vault_point) p = calloc(1, sizeof(*p));

    if (p == NULL)
        return fail(OutOfMemory);
    seal_random(p->id.b, VAULT_KEY_LEN);
    if (b->parent != NULL)
        p->parent = b->parent->id;
    p->writer = v->keys->cert->writer;
    p->time_ns = now_ns();
    p->consistency = b->consistency;
    p->machine = strdup(b->machine);
    if (p->machine == NULL)
        return fail(OutOfMemory);
    *ret = take(p);
    return NULL;
}

struct err *
vault_backup_begin(struct vault *v, const struct vault_backup *b, struct vault_writer **ret)
{
    auto_ptr(vault_writer) w = NULL;

    if ((v->keys->can & VAULT_CAN_WRITE) == 0)
        return fail(KeyCannotWrite);
    TRY(keys_name_ok("a machine's name", b->machine));
    if (*b->machine == '\0')
        return fail(UsageWrong, "a machine's name cannot be empty");
    if (!cert_allows(v->keys->cert, b->machine))
        return fail(WriterMachineDenied, b->machine);
    w = calloc(1, sizeof(*w));
    if (w == NULL)
        return fail(OutOfMemory);
    w->v = v;
    w->compression = b->compression;
    TRY(point_begin(v, b, &w->point));
    TRY(fresh_new(&w->fresh));
    TRY(packer_new(v->store, v->keys, b->gentle, &w->packer));
    TRY(keys_cert_put(v->store, v->keys));
    TRY(continue_chain(v, w->point, w->previous));
    TRY(put_session(v, w->point));
    TRY(look_around(v, w->point));
    *ret = take(w);
    return NULL;
}

/* ---- steps 3 and 4 ---- */

/* Put all that was gathered as packs and a run.  No lane is at work. */
static struct err *
put_gathered(struct vault_writer *w)
{
    const struct index_pack *packs;
    struct index_new *entries;
    uint32_t npacks;
    size_t n;

    for (unsigned i = 0; i <= w->v->nlanes; i++)
        TRY(writer_emit_pending(w, &w->v->lane[i]));
    TRY(writer_emit_nodes(w));
    TRY(packer_flush(w->packer));
    packs = packer_packs(w->packer, &npacks);
    entries = fresh_entries(w->fresh, &n);
    for (uint32_t i = 0; i < npacks; i++)
        w->folder[packs[i].hash[0]] = true;
    if (n > 0)
        TRY(index_put_run(w->v->index, entries, n, packs, npacks));
    fresh_clear(w->fresh);
    packer_restart(w->packer);
    return NULL;
}

bool
vault_writer_wants_rest(struct vault_writer *w)
{
    return fresh_count(w->fresh) >= REST_AT;
}

struct err *
vault_writer_rest(struct vault_writer *w)
{
    struct err *e = put_gathered(w);

    if (e == NULL)
        e = index_merge(w->v->index);
    if (e != NULL)
        w->broken = true;
    return e;
}

void
vault_writer_stats(struct vault_writer *w, uint64_t *ret_new, uint64_t *ret_stored)
{
    *ret_new = __atomic_load_n(&w->new_bytes, __ATOMIC_RELAXED);
    *ret_stored = packer_stored(w->packer);
}

struct err *
vault_backup_fact(struct vault_writer *w, const char *name, const char *value)
{
    return point_add_fact(&w->point->facts, &w->point->nfacts, name, value);
}

/* ---- steps 5 to 7 ---- */

static struct err *
make_durable(struct vault_writer *w)
{
    char names[FOLDERS][sizeof("packs/00")];
    const char *folders[FOLDERS + 2];
    size_t n = 0;

    for (unsigned i = 0; i < FOLDERS; i++) {
        if (!w->folder[i])
            continue;
        (void)snprintf(names[i], sizeof(names[i]), "packs/%02x", i);
        folders[n++] = names[i];
    }
    folders[n++] = "runs"; /* after what they name */
    folders[n++] = "certs";
    return store_barrier(w->v->store, folders, n);
}

/* The body of the point object. */
static struct err *
sign_point(struct vault_writer *w, uint8_t **ret, size_t *ret_len)
{
    struct vault *v = w->v;
    struct vault_point *p = w->point;
    auto_free uint8_t *body = NULL;
    uint8_t key[SEAL_KEY];
    size_t plain;

    TRY(point_encode(p, POINT_HEAD, &body, &plain));
    struct point_head h = { .what = POINT_LISTED, .session = p->id, .seq = p->seq,
        .sealed = { NULL, plain + SEAL_TAG } };
    memcpy(h.cert, v->keys->cert->hash, sizeof(h.cert));
    memcpy(h.previous, w->previous, sizeof(h.previous));
    struct wr head = wr_to(body, POINT_HEAD);
    point_head_write(&head, &h);
    TRY(seal_derive(v->keys->map_key->data, &v->keys->vault, "firn point", p->id.b,
        VAULT_KEY_LEN, key));
    struct err *e = seal_encrypt(vault_own_lane(v)->seal, key, 0,
        (struct view){ p->id.b, VAULT_KEY_LEN }, body + POINT_HEAD, plain, body + POINT_HEAD);
    sodium_memzero(key, sizeof(key));
    TRY(e);
    size_t part = POINT_HEAD + plain + SEAL_TAG;
    TRY(seal_sign(v->keys->sign_key->data, "firn point", &v->keys->vault, body, part,
        body + part));
    TRY(seal_sha256(body, part + SEAL_SIGNATURE, p->hash));
    *ret = take(body);
    *ret_len = part + SEAL_SIGNATURE;
    return NULL;
}

static struct err *
list_point(struct vault_writer *w)
{
    auto_free uint8_t *body = NULL;
    char name[KEYS_NAME_MAX];
    size_t len = 0;
    bool fresh;

    TRY(sign_point(w, &body, &len));
    points_name("points/", &w->point->id, name);
    TRY(object_put(w->v->store, name, KIND_POINT, &w->v->keys->vault, body, len, &fresh));
    if (!fresh)
        return fail(SessionAborted, name + strlen("points/"));
    return keys_barrier(w->v->store, "points");
}

struct err *
vault_backup_commit(struct vault_writer *w, uint64_t read_bytes, struct vault_point **ret)
{
    struct vault_point *p = w->point;

    assert(w->disk == NULL && p != NULL);
    if (w->broken)
        return fail(InternalError, "a point was to be listed after a failure");
    TRY(put_gathered(w));
    TRY(index_merge(w->v->index));
    TRY(make_durable(w));
    p->read_bytes = read_bytes;
    p->new_bytes = w->new_bytes;
    p->stored_bytes = packer_stored(w->packer);
    TRY(list_point(w));
    *ret = take(w->point);
    return NULL;
}

void
vault_writer_free(struct vault_writer *w)
{
    if (w == NULL)
        return;
    int kept = errno;
    packer_free(w->packer);
    for (unsigned i = 0; i <= w->v->nlanes; i++)
        w->v->lane[i].npending = 0;
    if (w->disk != NULL)
        point_disk_done(&w->disk->disk);
    free(w->disk);
    fresh_free(w->fresh);
    vault_point_free(w->point);
    free(w);
    errno = kept;
}
