/* SPDX-License-Identifier: Apache-2.0 */
/* kept.c -- see kept.h.  Points are read by the vault's own calls into memory. */
#include "check.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kept.h"
#include "pattern.h"
#include "pool.h"
#include "rebuild.h"
#include "sink.h"
#include "store.h"

unsigned kept_warnings;

void
kept_warn(void *arg, struct err *warning)
{
    (void)arg;
    __atomic_add_fetch(&kept_warnings, 1, __ATOMIC_RELAXED);
    err_free(warning);
}

static void
write_file(const char *path, const void *data, size_t len)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_true(fwrite(data, 1, len, f) == len);
    assert_int_equal(fclose(f), 0);
}

static char *
lasting_path(const char *name)
{
    char *path = strdup(pattern_path(name));

    assert_non_null(path);
    return path;
}

void
kept_begin(struct kept *k)
{
    static const char passphrase[] = KEPT_PASSPHRASE "\n";
    const struct job_init init = { .block_len = KEPT_BLOCK, .kdf_mib = 8, .label = "kept" };
    struct vault_key id;
    struct vault *v = NULL;

    *k = (struct kept){ .job = { .vault = lasting_path("vault"),
        .passphrase_file = lasting_path("pass"), .threads = 1, .warn = kept_warn } };
    write_file(k->job.passphrase_file, passphrase, sizeof(passphrase) - 1);
    assert_ok(job_init(&k->job, &init, &id));
    assert_ok(job_open(&k->job, &v));
    k->job.key_file = lasting_path("key");
    assert_ok(vault_slot_add_key_file(v, k->job.key_file, "for tests", &id));
    vault_free(v);
    free((char *)(uintptr_t)k->job.passphrase_file);
    k->job.passphrase_file = NULL;
}

void
kept_end(struct kept *k)
{
    for (size_t i = 0; i < k->npoints; i++)
        for (size_t d = 0; d < k->point[i].ndisks; d++)
            free(k->point[i].disk[d].data);
    pattern_remove(k->job.vault);
    (void)unlink(k->job.key_file);
    free((char *)(uintptr_t)k->job.vault);
    free((char *)(uintptr_t)k->job.key_file);
}

void
kept_remember(struct kept *k, const struct vault_key *id, const struct kept_disk *disks,
    size_t n)
{
    struct kept_point *p = &k->point[k->npoints++];

    assert_true(k->npoints <= KEPT_POINTS && n <= KEPT_DISKS);
    p->id = *id;
    p->ndisks = n;
    for (size_t i = 0; i < n; i++) {
        p->disk[i] = disks[i];
        p->disk[i].data = malloc(disks[i].size + 1);
        assert_non_null(p->disk[i].data);
        memcpy(p->disk[i].data, disks[i].data, disks[i].size);
    }
}

void
kept_back_up(struct kept *k, const char *machine, const struct kept_disk *disks, size_t n)
{
    char specs[KEPT_DISKS][4400], name[64];
    const char *sources[KEPT_DISKS];
    const struct job_backup o = { .sources = sources, .nsources = n, .machine = machine };
    struct vault_point *p = NULL;

    for (size_t i = 0; i < n; i++) {
        snprintf(name, sizeof(name), "%s.raw", disks[i].name);
        snprintf(specs[i], sizeof(specs[i]), "%s=%s", disks[i].name, pattern_path(name));
        sources[i] = specs[i];
        write_file(pattern_path(name), disks[i].data, disks[i].size);
    }
    assert_ok(job_backup(&k->job, &o, &p));
    kept_remember(k, &p->id, disks, n);
    vault_point_free(p);
}

/* ---- copies ---- */

static const char *copy_from, *copy_to;

static int
copy_entry(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    char to[4400];
    uint64_t size;

    (void)where;
    snprintf(to, sizeof(to), "%s%s", copy_to, path + strlen(copy_from));
    if (kind == FTW_D)
        return mkdir(to, 0777);
    auto_free uint8_t *data = pattern_from_file(path, &size);
    write_file(to, data, size);
    return size == (uint64_t)st->st_size ? 0 : -1;
}

void
kept_copy_tree(const char *from, const char *to)
{
    copy_from = from;
    copy_to = to;
    assert_int_equal(nftw(from, copy_entry, 16, FTW_PHYS), 0);
}

/* ---- checking ---- */

struct vault *
kept_open(const struct kept *k, const char *path)
{
    struct job job = k->job;
    struct vault *v = NULL;

    job.vault = path;
    assert_ok(job_open(&job, &v));
    return v;
}

struct err *
kept_restore(struct vault *v, const struct vault_disk *d, const struct kept_disk *want)
{
    auto_free uint8_t *to = malloc(d->size + 1);
    auto_ptr(sink) sink = NULL;
    auto_ptr(pool) pool = NULL;
    uint64_t written;

    assert_int_equal(d->size, want->size);
    assert_string_equal(d->name, want->name);
    memset(to, 0x5a, d->size);
    assert_ok(pool_new(vault_lanes(v) - 1, &pool));
    assert_ok(sink_mem_new(to, d->size, &sink));
    struct err *e = rebuild_disk(&(struct rebuild){ .vault = v, .pool = pool, .disk = d,
        .sink = sink }, &written);
    if (e == NULL) {
        e = sink_finish(sink);
        assert_memory_equal(to, want->data, d->size);
        return e;
    }
    for (uint64_t i = 0; i < d->size; i++)
        assert_true(to[i] == want->data[i] || to[i] == 0x5a);
    return e;
}

static void
check_point(struct vault *v, const struct vault_point *p, const struct kept_disk *disks,
    size_t n)
{
    assert_int_equal(p->ndisks, n);
    for (size_t i = 0; i < n; i++)
        assert_ok(kept_restore(v, &p->disks[i], &disks[i]));
}

static void
check_whole(struct vault *v, bool mendable)
{
    struct vault_check c = { .data = true, .repair = mendable };
    auto_ptr(vault_report) report = NULL;

    assert_ok(vault_verify(v, &c, &report));
    for (size_t i = 0; i < report->ndamaged; i++) {
        const struct vault_damage *d = &report->damaged[i];

        if (!mendable || !d->repaired || d->nhits > 0)
            print_message("# damaged: %s\n", d->object);
        assert_true(mendable && d->repaired && d->nhits == 0);
    }
    if (mendable && report->ndamaged > 0)
        check_whole(v, false);
}

void
kept_check(const struct kept *k, const char *path, bool mendable,
    const struct kept_disk *extra, size_t nextra, bool *ret_extra)
{
    struct vault *v = kept_open(k, path);
    auto_ptr(vault_points) points = NULL;
    size_t known = 0;

    check_whole(v, mendable);
    assert_ok(vault_points(v, &points));
    for (size_t i = 0; i < points->n; i++) {
        const struct vault_point *p = points->items[i];
        const struct kept_point *is = NULL;

        for (size_t j = 0; j < k->npoints; j++)
            if (memcmp(&k->point[j].id, &p->id, sizeof(p->id)) == 0)
                is = &k->point[j];
        if (is != NULL)
            check_point(v, p, is->disk, is->ndisks);
        else
            check_point(v, p, extra, nextra);
        known += is != NULL;
    }
    assert_int_equal(known, k->npoints);
    assert_true(points->n - known <= (nextra > 0 ? 1 : 0));
    if (ret_extra != NULL)
        *ret_extra = points->n > known;
    vault_free(v);
}
