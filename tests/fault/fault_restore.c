/* SPDX-License-Identifier: Apache-2.0 */
/* Restores and checks when the n-th call fails.  A file that a restore leaves is right; one of
 * a machine that works has told all that is not as it was.  A check that fails has harmed
 * nothing, and one with repair that works has mended. */
#include "check.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backup.h"
#include "definition.h"
#include "pattern.h"
#include "sink.h"
#include "source.h"
#include "store.h"
#include "sweep.h"

static struct kept_disk disks[KEPT_DISKS] = {
    { .name = "vda", .size = 70 * KEPT_BLOCK },
    { .name = "vdb", .size = 5001 },
};

static const unsigned all = FAULT_MEMORY | FAULT_FILES | FAULT_SPAWN;

/* ---- restore ---- */

static const char *dest_name;
static bool in_place;

static struct err *
restore(struct kept *k)
{
    char id[2 * VAULT_KEY_LEN + 1];
    const struct job_restore o = { .point = id, .disk = "vda",
        .dest = pattern_path(dest_name), .in_place = in_place };
    struct job_restored r;

    vault_key_hex(&k->point[k->npoints - 1].id, id);
    return job_restore(&k->job, &o, &r);
}

static void
is_restored(const char *path)
{
    const struct source_options options = { .run_dir = pattern_folder() };
    auto_free uint8_t *got = malloc(disks[0].size);
    auto_ptr(source) s = NULL;

    assert_ok(source_open(path, &options, &s));
    assert_int_equal(s->size, disks[0].size);
    assert_ok(source_read(s, 0, 0, got, disks[0].size));
    assert_memory_equal(got, disks[0].data, disks[0].size);
}

static void
whole_or_none(struct kept *k, bool worked)
{
    const char *path = pattern_path(dest_name);
    bool there = access(path, F_OK) == 0;

    (void)k;
    assert_true(there || !worked);
    if (!there)
        return;
    is_restored(path); /* also when its folder could not be synced */
    assert_int_equal(unlink(path), 0);
}

static void
new_files(void **state)
{
    static const char *const names[] = { "new.raw", "new.qcow2" };
    struct kept *k = *state;

    for (int i = 0; i < 2; i++) {
        dest_name = names[i];
        if (i == 1 && access("/usr/bin/qemu-nbd", X_OK) != 0)
            continue;
        sweep(k, &(struct sweep){ .name = names[i], .run = restore, .after = whole_or_none,
            .kinds = all, .most = i == 1 ? 30 : 0 });
    }
    kept_check(k, k->job.vault, false, NULL, 0, NULL); /* reading it has changed nothing */
}

/* In place, what is there already can be anything; a failure leaves a mixture, and the next
 * restore makes it right. */
static void
half_a_file(struct kept *k)
{
    (void)k;
    pattern_to_file(pattern_path(dest_name), disks[0].data, disks[0].size / 2, NULL);
}

static void
mixture(struct kept *k, bool worked)
{
    struct err *e = worked ? NULL : restore(k);

    assert_ok(e);
    is_restored(pattern_path(dest_name));
}

static void
in_place_file(void **state)
{
    dest_name = "place.raw";
    in_place = true;
    half_a_file(NULL);
    sweep(*state, &(struct sweep){ .name = dest_name, .before = half_a_file, .run = restore,
        .after = mixture, .kinds = all });
    in_place = false;
    (void)unlink(pattern_path(dest_name));
}

/* ---- a machine ---- */

static char machines[4400]; /* a vault that has a point of one, "named" */

static void
keep_machine(const struct kept *k)
{
    static const char args[] = "qemu-system-x86_64\0-name\0named\0"
                               "-uuid\0" "8f3d9a52-3f0e-4a7b-9c61-0b2f5d7a1e44\0"
                               "-drive\0file=/images/vdb.raw,format=raw,if=virtio";
    auto_ptr(vault) v = NULL;
    struct backup_disk disk = { .name = (char *)(uintptr_t)disks[1].name };
    struct definition d = { .machine = "named" };
    struct chain_facts facts = { 0 };
    struct vault_point *p = NULL;

    kept_copy_tree(k->job.vault, machines);
    v = kept_open(k, machines);
    assert_ok(source_mem_new("vdb", disks[1].data, disks[1].size, NULL, &disk.source));
    assert_ok(definition_name_disk(&(struct definition_names){ .file = "/images/vdb.raw" },
        &disk.about));
    assert_ok(definition_add(&d, DEFINITION_QEMU, args, sizeof(args)));
    assert_ok(definition_close(&d, &disk, 1, &facts));
    assert_ok(backup_run(v, &disk, 1, &(struct backup_options){ .machine = "named",
        .asides = d.parts, .nasides = d.nparts }, &p));
    vault_point_free(p);
    source_free(disk.source);
    chain_facts_done(&disk.about);
    chain_facts_done(&facts);
    definition_done(&d);
}

static size_t changes;

static struct err *
restore_machine(struct kept *k)
{
    const struct job_restore o = { .point = "named", .as = "twin",
        .dest = pattern_path("twin") };
    struct job job = k->job;
    struct job_restored r;

    job.vault = machines;
    TRY(job_restore(&job, &o, &r));
    changes = r.nchanged;
    job_restored_done(&r);
    return NULL;
}

/* The script comes last. */
static void
whole_machine_or_none(struct kept *k, bool worked)
{
    bool there = access(pattern_path("twin/machine.sh"), F_OK) == 0;
    uint64_t size = 0;

    (void)k;
    assert_true(there || !worked);
    assert_true(!worked || changes == 2); /* its name and its UUID */
    if (there) {
        auto_free uint8_t *got = pattern_from_file(pattern_path("twin/vdb.raw"), &size);

        assert_int_equal(size, disks[1].size);
        assert_memory_equal(got, disks[1].data, size);
    }
    if (access(pattern_path("twin"), F_OK) == 0)
        pattern_remove(pattern_path("twin"));
}

static void
a_machine(void **state)
{
    sweep(*state, &(struct sweep){ .name = "machine", .run = restore_machine,
        .after = whole_machine_or_none, .kinds = all });
}

/* ---- verify ---- */

static char copy[4400];

static struct err *
damage_some(void *arg, const char *name, uint64_t len)
{
    char path[4800];
    FILE *f;

    (void)arg;
    (void)len;
    snprintf(path, sizeof(path), "%s/%s", copy, name);
    f = fopen(path, "r+b");
    assert_non_null(f);
    assert_int_equal(fseek(f, (long)(len / 2), SEEK_SET), 0);
    assert_true(fputs("rot", f) >= 0);
    assert_int_equal(fclose(f), 0);
    return NULL;
}

/* Each object has some bad bytes. */
static void
rotten_copy(struct kept *k)
{
    static const char *const folders[] = { "packs", "runs", "points", "sessions", "certs",
        "slots" };
    auto_ptr(store) s = NULL;

    pattern_remove(copy);
    kept_copy_tree(k->job.vault, copy);
    assert_ok(store_dir_open(copy, false, &s));
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
        assert_ok(store_list(s, folders[i], damage_some, NULL));
    assert_null(damage_some(NULL, "firn.vault", 500));
}

static bool repair, mended;

static struct err *
verify(struct kept *k)
{
    const struct job_verify o = { .data = true, .repair = repair };
    auto_ptr(vault_report) r = NULL;
    struct job job = k->job;

    job.vault = copy;
    TRY(job_verify(&job, &o, &r));
    assert_true(r->ndamaged > 0);
    mended = true;
    for (size_t i = 0; i < r->ndamaged; i++)
        mended = mended && r->damaged[i].repaired;
    return NULL;
}

/* A check that could not read all says that it is damaged; then it can be mended later. */
static void
mended_or_mendable(struct kept *k, bool worked)
{
    kept_check(k, copy, !(worked && repair && mended), NULL, 0, NULL);
}

static void
checks(void **state)
{
    for (int i = 0; i < 2; i++) {
        repair = i == 1;
        sweep(*state, &(struct sweep){ .name = repair ? "repair" : "verify",
            .before = rotten_copy, .run = verify, .after = mended_or_mendable, .kinds = all });
    }
}

static int
set_up(void **state)
{
    struct kept *k = calloc(1, sizeof(*k));

    assert_non_null(k);
    sweep_in_memory();
    assert_int_equal(setenv("XDG_RUNTIME_DIR", pattern_folder(), 1), 0);
    (void)pattern_path_in(copy, sizeof(copy), "copy");
    for (size_t i = 0; i < KEPT_DISKS; i++)
        disks[i].data = pattern_new(40 + i, disks[i].size, NULL);
    kept_begin(k);
    kept_back_up(k, "mail", disks + 1, 1);
    kept_back_up(k, "web", disks, KEPT_DISKS);
    memset(disks[0].data + 30 * KEPT_BLOCK, 'n', 3 * KEPT_BLOCK);
    kept_back_up(k, "web", disks, KEPT_DISKS);
    kept_copy_tree(k->job.vault, copy);
    (void)pattern_path_in(machines, sizeof(machines), "machines");
    keep_machine(k);
    *state = k;
    return 0;
}

static int
tear_down(void **state)
{
    kept_end(*state);
    free(*state);
    for (size_t i = 0; i < KEPT_DISKS; i++)
        free(disks[i].data);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_files),
        cmocka_unit_test(in_place_file),
        cmocka_unit_test(a_machine),
        cmocka_unit_test(checks),
    };

    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
