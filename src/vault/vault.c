/* SPDX-License-Identifier: Apache-2.0 */
/* vault.c -- making, opening and freeing a vault, its lanes and its index.
 *
 * The index is opened by the first call that asks it, because listing points does not.  A
 * session opens it anew: what it finds must have been listed after the session was put. */
#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "codes.h"
#include "packs.h"
#include "vault_internal.h"

struct err *
vault_init(struct store *s, const struct vault_params *params, const struct secret *passphrase,
    struct vault_key *ret_id)
{
    auto_ptr(keys) k = NULL;

    TRY(keys_create(s, params, passphrase, &k));
    *ret_id = k->vault;
    return NULL;
}

/* ---- lanes ---- */

static void
lane_done(struct lane *l)
{
    seal_free(l->seal);
    ZSTD_freeCCtx(l->cctx);
    ZSTD_freeDCtx(l->dctx);
    free(l->raw);
    free(l->packed);
    for (int i = 0; i < LANE_NODE_FRAMES; i++)
        free(l->node[i].data);
}

struct lane *
vault_own_lane(struct vault *v)
{
    return &v->lane[v->nlanes];
}

static struct err *
lane_buffers(struct lane *l)
{
    if (l->raw == NULL)
        l->raw = malloc(VAULT_FRAME_LEN);
    if (l->packed == NULL)
        l->packed = malloc(VAULT_FRAME_LEN + SEAL_TAG);
    return l->raw == NULL || l->packed == NULL ? fail(OutOfMemory) : NULL;
}

struct err *
lane_for_writing(struct lane *l)
{
    l->open = false; /* raw is used for blocks on their way in */
    if (l->cctx == NULL)
        l->cctx = ZSTD_createCCtx();
    if (l->cctx == NULL)
        return fail(OutOfMemory);
    return lane_buffers(l);
}

struct err *
lane_for_reading(struct lane *l)
{
    if (l->dctx == NULL)
        l->dctx = ZSTD_createDCtx();
    if (l->dctx == NULL)
        return fail(OutOfMemory);
    return lane_buffers(l);
}

struct err *
lane_use_writer(struct vault *v, struct lane *l, const struct vault_key *writer)
{
    uint8_t map_key[SEAL_KEY], node_key[SEAL_KEY];
    bool have = false;

    if (l->have_node_key && memcmp(&l->node_writer, writer, sizeof(*writer)) == 0)
        return NULL;
    TRY(keys_map_key(v->keys, writer, map_key, &have));
    if (!have)
        return fail(KeyCannotRead);
    struct err *e = seal_derive(map_key, &v->keys->vault, "firn node id", NULL, 0, node_key);
    if (e == NULL)
        e = seal_set_id_key(l->seal, SEAL_NODE, node_key);
    sodium_memzero(map_key, sizeof(map_key));
    sodium_memzero(node_key, sizeof(node_key));
    TRY(e);
    l->have_node_key = true;
    l->node_writer = *writer;
    return NULL;
}

void
lane_forget(struct lane *l)
{
    l->open = false;
    for (int i = 0; i < LANE_NODE_FRAMES; i++)
        l->node[i].valid = false;
}

static struct err *
make_lanes(struct vault *v, unsigned lanes)
{
    assert(lanes >= 1 && lanes <= VAULT_LANES_MAX);
    v->lane = calloc(lanes + 1, sizeof(*v->lane));
    if (v->lane == NULL)
        return fail(OutOfMemory);
    v->nlanes = lanes;
    for (unsigned i = 0; i <= lanes; i++) {
        TRY(seal_new(&v->lane[i].seal));
        if (v->keys->id_key != NULL)
            TRY(seal_set_id_key(v->lane[i].seal, SEAL_BLOCK, v->keys->id_key->data));
    }
    return NULL;
}

/* ---- opening ---- */

struct err *
vault_open(struct store *s, const struct vault_unlock *unlock, unsigned lanes,
    struct vault **ret)
{
    auto_ptr(store) owned = s;
    auto_ptr(vault) v = calloc(1, sizeof(*v));

    if (v == NULL)
        return fail(OutOfMemory);
    pthread_mutex_init(&v->lock, NULL);
    pthread_mutex_init(&v->index_lock, NULL);
    v->store = take(owned);
    TRY(keys_open(v->store, unlock, &v->keys));
    TRY(make_lanes(v, lanes));
    *ret = take(v);
    return NULL;
}

void
vault_free(struct vault *v)
{
    if (v == NULL)
        return;
    int kept = errno;
    packs_free(v->packs);
    index_free(v->index);
    for (unsigned i = 0; v->lane != NULL && i <= v->nlanes; i++)
        lane_done(&v->lane[i]);
    free(v->lane);
    keys_free(v->keys);
    store_free(v->store);
    pthread_mutex_destroy(&v->lock);
    pthread_mutex_destroy(&v->index_lock);
    free(v);
    errno = kept;
}

unsigned
vault_can(const struct vault *v)
{
    unsigned can = v->keys->can;

    return v->keys->data_secret != NULL ? can | VAULT_CAN_READ : can;
}

const struct vault_key *
vault_key(const struct vault *v)
{
    return &v->keys->vault;
}

unsigned
vault_block_len(const struct vault *v)
{
    return v->keys->block_len;
}

unsigned
vault_lanes(const struct vault *v)
{
    return v->nlanes;
}

const char *
vault_label(const struct vault *v)
{
    return v->keys->label;
}

void
vault_on_warning(struct vault *v, vault_warn_fn *warn, void *arg)
{
    v->warn = warn;
    v->warn_arg = arg;
}

void
vault_warning(struct vault *v, struct err *warning)
{
    if (warning == NULL)
        return;
    pthread_mutex_lock(&v->lock);
    if (v->warn != NULL)
        v->warn(v->warn_arg, warning);
    else
        err_free(warning);
    pthread_mutex_unlock(&v->lock);
}

void
vault_key_hex(const struct vault_key *k, char to[2 * VAULT_KEY_LEN + 1])
{
    bytes_to_hex(k->b, VAULT_KEY_LEN, to);
}

bool
id_is_zero(const struct vault_id *id)
{
    return bytes_are_zero(id->b, VAULT_ID_LEN);
}

/* ---- the index ---- */

/* A run that is left out costs deduplication, or blocks: verify says which. */
static void
run_is_bad(void *arg, const char *run, struct err *why)
{
    (void)run;
    vault_warning(arg, why);
}

static struct err *
open_index(struct vault *v)
{
    auto_ptr(index) x = NULL;

    TRY(index_open(v->store, v->keys, 0, run_is_bad, v, &x));
    packs_free(take(v->packs)); /* what a failure left */
    TRY(packs_new(&v->packs));
    v->index = take(x);
    return NULL;
}

struct err *
vault_need_index(struct vault *v)
{
    struct err *e = NULL;

    pthread_mutex_lock(&v->index_lock);
    if (v->index == NULL)
        e = open_index(v);
    pthread_mutex_unlock(&v->index_lock);
    return e;
}

struct err *
vault_reopen_index(struct vault *v)
{
    index_free(take(v->index));
    packs_free(take(v->packs));
    for (unsigned i = 0; i <= v->nlanes; i++)
        lane_forget(&v->lane[i]);
    return open_index(v);
}

/* ---- keys, as vault.h shows them ---- */

struct err *
vault_slots(struct vault *v, struct vault_slot **ret, size_t *ret_n)
{
    return keys_slots(v->store, v->keys, ret, ret_n);
}

struct err *
vault_slot_add(struct vault *v, const struct secret *passphrase, const char *label,
    struct vault_key *ret)
{
    return keys_slot_add(v->store, v->keys, passphrase, NULL, 0, label, ret);
}

struct err *
vault_slot_add_key_file(struct vault *v, const char *path, const char *label,
    struct vault_key *ret)
{
    return keys_slot_add(v->store, v->keys, NULL, path, 0, label, ret);
}

struct err *
vault_slot_remove(struct vault *v, const struct vault_key *id)
{
    return keys_slot_remove(v->store, v->keys, id);
}

struct err *
vault_export_writer(struct vault *v, const char *path, const char *const *machines,
    size_t nmachines)
{
    return keys_export_writer(v->store, v->keys, path, machines, nmachines);
}
