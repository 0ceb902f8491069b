/* SPDX-License-Identifier: Apache-2.0 */
/* backup_world.c -- see the header. */
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "backup_world.h"
#include "rebuild.h"
#include "secret.h"
#include "sink.h"
#include "store.h"

void
world_warn(void *arg, struct err *warning)
{
    struct world *w = arg;

    err_free(w->warning);
    w->warning = warning;
}

static char names[WORLD_DISKS][4] = { "vda", "vdb" };

void
world_open(struct world *w, uint64_t seed, unsigned block_len)
{
    struct vault_params params = { .block_len = block_len, .kdf_mib = 8 };
    auto_ptr(secret) passphrase = NULL;
    struct vault_unlock unlock;
    struct vault_key id;
    struct store *s = NULL;

    memset(w, 0, sizeof(*w));
    w->rng.state = seed;
    assert_ok(secret_copy("snow", 4, &passphrase));
    unlock = (struct vault_unlock){ .passphrase = passphrase };
    assert_ok(store_mem_new(&s));
    assert_ok(vault_init(s, &params, passphrase, &id));
    assert_ok(vault_open(s, &unlock, WORLD_LANES, &w->v));
    vault_on_warning(w->v, world_warn, w);
    assert_ok(pool_new(WORLD_LANES - 1, &w->pool));
    for (size_t i = 0; i < WORLD_DISKS; i++)
        w->name[i] = names[i];
}

void
world_make_disks(struct world *w, size_t n, uint64_t most)
{
    w->ndisks = n;
    for (size_t i = 0; i < n; i++)
        disk_make(&w->rng, disk_size(&w->rng, vault_block_len(w->v), most), &w->disk[i]);
}

void
world_close(struct world *w)
{
    for (size_t i = 0; i < w->nkept; i++)
        for (size_t j = 0; j < w->kept[i].ndisks; j++)
            free(w->kept[i].data[j]);
    for (size_t i = 0; i < w->ndisks; i++)
        disk_done(&w->disk[i]);
    err_free(w->warning);
    pool_free(w->pool);
    vault_free(w->v);
}

void
world_remember(struct world *w, const struct vault_point *p)
{
    struct world_kept *k = &w->kept[w->nkept++];

    assert_true(w->nkept <= WORLD_KEPT);
    k->id = p->id;
    k->ndisks = w->ndisks;
    for (size_t i = 0; i < w->ndisks; i++) {
        k->size[i] = w->disk[i].size;
        k->data[i] = malloc(k->size[i] + 1);
        assert_non_null(k->data[i]);
        memcpy(k->data[i], w->disk[i].data, k->size[i]);
    }
}

void
world_check_disk(struct world *w, const struct vault_disk *d, const uint8_t *data,
    bool in_place)
{
    auto_free uint8_t *to = malloc(d->size + 1);
    auto_ptr(sink) sink = NULL;
    uint64_t written = 0;

    /* in place: half of it is right already */
    memset(to, 0x5a, d->size);
    memcpy(to, data, d->size / 2);
    assert_ok(sink_mem_new(to, d->size, &sink));
    assert_ok(rebuild_disk(&(struct rebuild){ .vault = w->v, .pool = w->pool, .disk = d,
        .sink = sink, .keep_equal = in_place }, &written));
    assert_ok(sink_finish(sink));
    assert_memory_equal(to, data, d->size);
    if (in_place)
        assert_true(written <= d->size - d->size / 2 + (1 << 20));
}

void
world_check_points(struct world *w)
{
    auto_ptr(vault_points) points = NULL;
    char hex[2 * VAULT_KEY_LEN + 1];

    assert_ok(vault_points(w->v, &points));
    assert_int_equal(points->n, w->nkept);
    for (size_t i = 0; i < w->nkept; i++) {
        const struct world_kept *k = &w->kept[i];
        const struct vault_point *p;

        vault_key_hex(&k->id, hex);
        assert_ok(vault_points_find(points, hex, &p));
        assert_int_equal(p->ndisks, k->ndisks);
        for (size_t d = 0; d < k->ndisks; d++) {
            assert_int_equal(p->disks[d].size, k->size[d]);
            world_check_disk(w, &p->disks[d], k->data[d], (i + d) % 2 == 0);
        }
    }
}

void
world_check_whole(struct world *w)
{
    struct vault_check c = { .data = true };
    auto_ptr(vault_report) report = NULL;

    assert_ok(vault_verify(w->v, &c, &report));
    assert_int_equal(report->ndamaged, 0);
}
