/* SPDX-License-Identifier: Apache-2.0 */
/* world.c -- what is done to a world; world_check.c judges. */
#include "check.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "backup.h"
#include "pool.h"
#include "rebuild.h"
#include "record.h"
#include "sink.h"
#include "source.h"
#include "store.h"
#include "world.h"

void
world_begin(struct world *w, const char *root, uint64_t size, uint64_t seed)
{
    memset(w, 0, sizeof(*w));
    (void)snprintf(w->root, sizeof(w->root), "%s", root);
    assert_int_equal(mkdir(w->root, 0700), 0);
    w->size = size;
    w->rng.state = seed;
    w->disk = pattern_new(seed, size, NULL);
}

void
world_done(struct world *w)
{
    for (unsigned i = 0; i < w->npromises; i++)
        free(w->promise[i].data);
    free(w->disk);
    pattern_remove(w->root);
}

/* A promise that is not made yet: what is under way may be seen, if it is whole. */
static struct promise *
expect(struct world *w, enum promise_kind kind)
{
    assert_true(w->npromises < WORLD_PROMISES_MAX);
    struct promise *p = &w->promise[w->npromises++];
    *p = (struct promise){ .kind = kind, .at = SIZE_MAX };
    return p;
}

static void
promised(struct world *w, struct promise *p)
{
    p->at = record_mark((unsigned)(p - w->promise));
}

struct err *
world_init(struct world *w)
{
    struct vault_params params = { .kdf_mib = 8 };
    struct promise *vault = expect(w, PROMISE_VAULT), *key = expect(w, PROMISE_KEY);
    auto_ptr(secret) passphrase = NULL;
    auto_ptr(store) s = NULL;
    char path[PATH_MAX];
    struct vault_key id;

    key->secret = "one";
    (void)snprintf(path, sizeof(path), "%s/v", w->root);
    TRY(secret_copy("one", 3, &passphrase));
    TRY(store_dir_open(path, true, &s));
    TRY(vault_init(s, &params, passphrase, &id));
    promised(w, vault);
    promised(w, key);
    return NULL;
}

struct err *
world_open(const char *root, const char *text, const char *key_file, struct vault **ret)
{
    auto_ptr(secret) passphrase = NULL;
    struct vault_unlock unlock = { .passphrase = NULL };
    char path[PATH_MAX], key_path[PATH_MAX];
    struct store *s = NULL;

    (void)snprintf(path, sizeof(path), "%s/v", root);
    (void)snprintf(key_path, sizeof(key_path), "%s/%s", root, key_file ? key_file : "");
    if (key_file == NULL)
        TRY(secret_copy(text, strlen(text), &passphrase));
    unlock.passphrase = passphrase;
    unlock.key_file = key_file != NULL ? key_path : NULL;
    TRY(store_dir_open(path, false, &s));
    TRY(vault_open(s, &unlock, WORLD_LANES, ret));
    return NULL;
}

struct err *
world_add_key(struct world *w, struct vault *v, const char *text, const char *key_file,
    struct vault_key *ret)
{
    struct promise *p = expect(w, PROMISE_KEY);
    auto_ptr(secret) passphrase = NULL;
    char path[PATH_MAX];

    p->secret = text;
    p->key_file = key_file;
    if (key_file != NULL) {
        (void)snprintf(path, sizeof(path), "%s/%s", w->root, key_file);
        TRY(vault_slot_add_key_file(v, path, NULL, ret));
    } else {
        TRY(secret_copy(text, strlen(text), &passphrase));
        TRY(vault_slot_add(v, passphrase, NULL, ret));
    }
    promised(w, p);
    return NULL;
}

void
world_change(struct world *w)
{
    for (int i = 0; i < 3; i++) {
        uint64_t at = rng_below(&w->rng, w->size / 65536 + 1) * 65536;

        for (uint64_t j = 0; j < 9000 && at + j < w->size; j++)
            w->disk[at + j] = (uint8_t)rng_next(&w->rng);
    }
}

static struct err *
back_up(struct vault *v, const uint8_t *data, uint64_t size, const char *machine,
    struct vault_point **ret)
{
    struct backup_options o = { .machine = machine };
    char name[] = "vda";
    struct backup_disk disk = { .name = name, .spec = name };

    TRY(source_mem_new("vda", data, size, NULL, &disk.source));
    struct err *e = backup_run(v, &disk, 1, &o, ret);
    source_free(disk.source);
    return e;
}

struct err *
world_backup(struct world *w, struct vault *v, const char *machine)
{
    struct promise *p = expect(w, PROMISE_POINT);
    auto_ptr(vault_point) point = NULL;

    p->size = w->size;
    p->data = malloc(w->size + 1);
    assert_non_null(p->data);
    memcpy(p->data, w->disk, w->size);
    TRY(back_up(v, p->data, p->size, machine, &point));
    p->point = point->id;
    promised(w, p);
    return NULL;
}

struct err *
world_repair(struct world *w, struct vault *v)
{
    struct promise *p = expect(w, PROMISE_MENDED);
    struct vault_check c = { .data = true, .repair = true };
    auto_ptr(vault_report) report = NULL;

    TRY(vault_verify(v, &c, &report));
    for (size_t i = 0; i < report->ndamaged; i++)
        if (!report->damaged[i].repaired)
            return fail(ObjectDamaged, report->damaged[i].object);
    promised(w, p);
    return NULL;
}

struct err *
world_restore(struct world *w, struct vault *v, unsigned n, bool force)
{
    struct promise *p = expect(w, PROMISE_RESTORED);
    const struct promise *of = &w->promise[n];
    struct sink_options options = { .force = force, .lanes = WORLD_LANES };
    auto_ptr(vault_points) points = NULL;
    const struct vault_point *point;
    char path[PATH_MAX], hex[2 * VAULT_KEY_LEN + 1];
    auto_ptr(pool) pool = NULL;
    auto_ptr(sink) sink = NULL;
    uint64_t written = 0;

    p->file = "out.raw";
    p->size = of->size;
    p->data = malloc(of->size + 1);
    assert_non_null(p->data);
    memcpy(p->data, of->data, of->size);
    (void)snprintf(path, sizeof(path), "%s/out.raw", w->root);
    vault_key_hex(&of->point, hex);
    TRY(pool_new(WORLD_LANES - 1, &pool));
    TRY(vault_points(v, &points));
    TRY(vault_points_find(points, hex, &point));
    TRY(sink_open(path, point->disks[0].size, &options, &sink));
    TRY(rebuild_disk(&(struct rebuild){ .vault = v, .pool = pool, .disk = &point->disks[0],
        .sink = sink }, &written));
    TRY(sink_finish(sink));
    promised(w, p);
    return NULL;
}
