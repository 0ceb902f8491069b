/* SPDX-License-Identifier: Apache-2.0 */
/* Backups when the n-th call fails: the first one of a vault, one that adds to others, one
 * of an image that qemu-nbd serves.  What is listed is whole, and nothing that was listed is
 * lost. */
#include "check.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pattern.h"
#include "proc.h"
#include "sink.h"
#include "sweep.h"

static struct kept_disk disks[KEPT_DISKS] = {
    { .name = "vda", .size = 70 * KEPT_BLOCK + 777 },
    { .name = "vdb", .size = 5001 },
};

static void
make_disks(void)
{
    for (size_t i = 0; i < KEPT_DISKS; i++)
        disks[i].data = pattern_new(40 + i, disks[i].size, NULL);
}

static void
fresh_copy(struct kept *k)
{
    pattern_remove(pattern_path("copy"));
    kept_copy_tree(k->job.vault, pattern_path("copy"));
}

static char source[KEPT_DISKS][4400], copy[4400];
static size_t nsources;

static struct err *
back_up(struct kept *k)
{
    const char *sources[] = { source[0], source[1] };
    const struct job_backup o = { .sources = sources, .nsources = nsources, .machine = "web" };
    auto_ptr(vault_point) p = NULL;
    struct job job = k->job;

    job.vault = copy;
    return job_backup(&job, &o, &p);
}

static void
listed_or_not(struct kept *k, bool worked)
{
    bool listed = false;

    kept_check(k, copy, false, disks, nsources, &listed);
    assert_true(listed || !worked);
}

static void
write_sources(void)
{
    nsources = KEPT_DISKS;
    for (size_t i = 0; i < nsources; i++) {
        char name[16];

        snprintf(name, sizeof(name), "%s.raw", disks[i].name);
        pattern_to_file(pattern_path(name), disks[i].data, disks[i].size, NULL);
        snprintf(source[i], sizeof(source[i]), "%s=%s", disks[i].name, pattern_path(name));
    }
}

static const unsigned all = FAULT_MEMORY | FAULT_FILES | FAULT_SPAWN;

static void
the_first(void **state)
{
    struct kept *k = *state;

    write_sources();
    sweep(k, &(struct sweep){ .name = "first backup", .before = fresh_copy, .run = back_up,
        .after = listed_or_not, .kinds = all });
}

/* Two points of this machine and one of another are there; half of a disk has changed. */
static void
one_more(void **state)
{
    struct kept *k = *state;

    kept_back_up(k, "web", disks, KEPT_DISKS);
    kept_back_up(k, "mail", disks + 1, 1);
    memset(disks[0].data + 3 * KEPT_BLOCK, 'n', 20 * KEPT_BLOCK);
    kept_back_up(k, "web", disks, KEPT_DISKS);
    memcpy(disks[0].data + 40 * KEPT_BLOCK, disks[0].data + 5, 7 * KEPT_BLOCK);
    write_sources();
    sweep(k, &(struct sweep){ .name = "one more backup", .before = fresh_copy, .run = back_up,
        .after = listed_or_not, .kinds = all });
}

static void
an_image(void **state)
{
    struct sink_options options = { .run_dir = pattern_folder() };
    struct kept *k = *state;
    struct sink *image = NULL;

    if (access("/usr/bin/qemu-nbd", X_OK) != 0)
        skip();
    nsources = 1;
    disks[0].size = 70 * KEPT_BLOCK; /* images have whole sectors */
    snprintf(source[0], sizeof(source[0]), "vda=%s", pattern_path("vda.qcow2"));
    assert_ok(sink_open(pattern_path("vda.qcow2"), disks[0].size, &options, &image));
    assert_ok(sink_write(image, 0, 0, disks[0].data, disks[0].size));
    assert_ok(sink_finish(image));
    sink_free(image);
    sweep(k, &(struct sweep){ .name = "backup of an image", .before = fresh_copy,
        .run = back_up, .after = listed_or_not, .kinds = all, .most = 40 });
}

static int
set_up(void **state)
{
    struct kept *k = calloc(1, sizeof(*k));

    assert_non_null(k);
    sweep_in_memory();
    assert_int_equal(setenv("XDG_RUNTIME_DIR", pattern_folder(), 1), 0);
    (void)pattern_path_in(copy, sizeof(copy), "copy");
    make_disks();
    kept_begin(k);
    fresh_copy(k);
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
        cmocka_unit_test(the_first),
        cmocka_unit_test(one_more),
        cmocka_unit_test(an_image),
    };

    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
