/* SPDX-License-Identifier: Apache-2.0 */
/* Making a vault and changing its keys when the n-th call fails: a vault is none or whole,
 * and it opens with what opened it. */
#include "check.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pattern.h"
#include "secret.h"
#include "sweep.h"

static const unsigned all = FAULT_MEMORY | FAULT_FILES | FAULT_REMOVE;
static char copy[4400], passphrase[4400];
static struct kept_disk disk = { .name = "vda", .size = 3 * KEPT_BLOCK + 1 };

/* ---- making ---- */

static struct err *
make(struct kept *k)
{
    const struct job_init init = { .kdf_mib = 8, .label = "new" };
    struct job job = { .vault = copy, .passphrase_file = passphrase, .warn = k->job.warn };
    struct vault_key id;

    return job_init(&job, &init, &id);
}

static void
no_vault(struct kept *k)
{
    (void)k;
    pattern_remove(copy);
}

/* What is left of a vault that was not made says so, or is whole. */
static void
made_or_not(struct kept *k, bool worked)
{
    struct job job = { .vault = copy, .passphrase_file = passphrase, .warn = k->job.warn,
        .threads = 1 };
    const struct job_verify o = { .data = true, .repair = true };
    auto_ptr(vault_report) r = NULL;
    struct err *e = job_verify(&job, &o, &r);

    if (worked || e == NULL) {
        assert_ok(e);
        assert_null(job_verify_remains(r));
    } else {
        assert_true(err_code(e) == E_VaultMissing || err_code(e) == E_StoreUnreachable);
        err_free(e);
    }
    pattern_remove(copy);
    kept_copy_tree(k->job.vault, copy);
}

static void
making(void **state)
{
    sweep(*state, &(struct sweep){ .name = "init", .before = no_vault, .run = make,
        .after = made_or_not, .kinds = all });
}

/* ---- changing ---- */

static void
fresh_copy(struct kept *k)
{
    pattern_remove(copy);
    kept_copy_tree(k->job.vault, copy);
}

static struct err *
open_copy(struct kept *k, struct vault **ret)
{
    struct job job = k->job;

    job.vault = copy;
    return job_open(&job, ret);
}

static struct err *
change(struct kept *k)
{
    static const char *const machines[] = { "web", "mail" };
    auto_free struct vault_slot *slots = NULL;
    auto_ptr(vault) v = NULL;
    auto_ptr(secret) more = NULL;
    struct vault_key id, second;
    size_t n;

    TRY(open_copy(k, &v));
    TRY(secret_from_file(passphrase, &more));
    TRY(vault_slot_add_key_file(v, pattern_path("key2"), "second", &id));
    TRY(vault_slot_add(v, more, "third", &second));
    TRY(vault_slots(v, &slots, &n));
    TRY(vault_export_writer(v, pattern_path("writer"), machines, 2));
    return vault_slot_remove(v, &id);
}

/* Of two copies of a slot one may lack.  A key file that is there opens something or has no
 * slot; the vault's other ways in are as they were. */
static void
still_opens(struct kept *k, bool worked)
{
    kept_check(k, copy, true, NULL, 0, NULL);
    if (worked) {
        assert_int_equal(access(pattern_path("key2"), F_OK), 0);
        assert_int_equal(unlink(pattern_path("writer")), 0);
    }
    (void)unlink(pattern_path("key2"));
    (void)unlink(pattern_path("writer"));
}

static void
changing(void **state)
{
    sweep(*state, &(struct sweep){ .name = "keys", .before = fresh_copy, .run = change,
        .after = still_opens, .kinds = all });
}

/* A point by a writer key file, which opens nothing of other machines. */
static struct err *
back_up(struct kept *k)
{
    char spec[4400];
    const char *const sources[] = { spec };
    const struct job_backup o = { .sources = sources, .nsources = 1, .machine = "web" };
    auto_ptr(vault_point) p = NULL;
    struct job job = { .vault = copy, .writer_file = pattern_path("kept.writer"),
        .warn = k->job.warn, .threads = 1 };

    snprintf(spec, sizeof(spec), "vda=%s", pattern_path("vda.raw"));
    return job_backup(&job, &o, &p);
}

static void
listed_or_not(struct kept *k, bool worked)
{
    bool listed = false;

    kept_check(k, copy, false, &disk, 1, &listed);
    assert_true(listed || !worked);
}

static void
by_a_writer(void **state)
{
    static const char *const machines[] = { "web" };
    struct kept *k = *state;
    struct vault *v = kept_open(k, k->job.vault);

    assert_ok(vault_export_writer(v, pattern_path("kept.writer"), machines, 1));
    vault_free(v);
    fresh_copy(k);
    sweep(k, &(struct sweep){ .name = "by a writer key file", .before = fresh_copy,
        .run = back_up, .after = listed_or_not,
        .kinds = FAULT_MEMORY | FAULT_FILES | FAULT_SPAWN });
}

static int
set_up(void **state)
{
    struct kept *k = calloc(1, sizeof(*k));
    FILE *f;

    assert_non_null(k);
    sweep_in_memory();
    (void)pattern_path_in(copy, sizeof(copy), "copy");
    (void)pattern_path_in(passphrase, sizeof(passphrase), "another");
    f = fopen(passphrase, "w");
    assert_non_null(f);
    assert_true(fputs("another one\n", f) >= 0);
    assert_int_equal(fclose(f), 0);
    disk.data = pattern_new(7, disk.size, NULL);
    kept_begin(k);
    kept_back_up(k, "web", &disk, 1);
    fresh_copy(k);
    *state = k;
    return 0;
}

static int
tear_down(void **state)
{
    kept_end(*state);
    free(*state);
    free(disk.data);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(making),
        cmocka_unit_test(changing),
        cmocka_unit_test(by_a_writer),
    };

    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
