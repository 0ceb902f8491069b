/* SPDX-License-Identifier: Apache-2.0 */
/* What makes a machine of a point's disks: read from a process, told apart in a point. */
#include "check.h"

#include <stdio.h>
#include <string.h>

#include "backup.h"
#include "definition.h"
#include "proc.h"

static const struct backup_aside *
last(const struct definition *d)
{
    return &d->parts[d->nparts - 1];
}

static const char *
fact(const struct backup_aside *part, const char *name)
{
    struct vault_disk disk = { .facts = part->facts.f, .nfacts = part->facts.n };

    return chain_fact(&disk, name);
}

/* A process whose arguments are ${argv}. */
static struct proc *
start(const char *const argv[], const char *folder)
{
    const struct proc_options options = { .folder = folder };
    struct proc *p = NULL;

    assert_ok(proc_start(argv, &options, &p));
    return p;
}

static void
reads_the_arguments_of_a_process(void **state)
{
    static const char *const argv[] = { "sleep", "100", NULL };
    struct definition d = { .machine = "web1" };
    auto_ptr(proc) p = start(argv, "/usr");

    (void)state;
    assert_ok(definition_of_process(&d, proc_number(p)));
    assert_int_equal(d.nparts, 1);
    assert_int_equal(last(&d)->len, sizeof("sleep\000100"));
    assert_memory_equal(last(&d)->data, "sleep\000100", sizeof("sleep\000100"));
    assert_string_equal(fact(last(&d), DEFINITION_PART), "qemu-arguments");
    assert_string_equal(fact(last(&d), DEFINITION_FOLDER), "/usr");
    definition_done(&d);
}

/* A daemon has left the folder in which it was started. */
static void
asks_the_environment_of_a_daemon(void **state)
{
    static const char *const argv[] = { "sh", "-c", "read x", "a\nb", "", "-daemonize", NULL };
    static const char *const env[] = { "PWD=/srv/vm", NULL };
    const struct proc_options options = { .folder = "/", .env = env };
    struct definition d = { .machine = "web1" };
    auto_ptr(proc) p = NULL;
    int wait[2];

    (void)state;
    assert_int_equal(pipe(wait), 0);
    struct proc_options held = options;
    held.stdin_fd = wait[0];
    assert_ok(proc_start(argv, &held, &p));
    assert_ok(definition_of_process(&d, proc_number(p)));
    assert_string_equal(fact(last(&d), DEFINITION_FOLDER), "/srv/vm");
    assert_non_null(memmem(last(&d)->data, last(&d)->len, "a\nb\0\0-daemonize", 16));
    definition_done(&d);
    close(wait[0]);
    close(wait[1]);
}

static void
says_what_it_cannot_read(void **state)
{
    struct definition d = { .machine = "web1" };

    (void)state;
    assert_fails(definition_of_process(&d, 0), E_MachineUnread);
    assert_fails(definition_of_process(&d, 0x3fffffff), E_MachineUnread);
    assert_fails(definition_of_process(&d, 2), E_MachineUnread); /* the kernel's own */
    assert_int_equal(d.nparts, 0);
    definition_done(&d);
}

static void
keeps_limits(void **state)
{
    struct definition d = { .machine = "web1" };
    auto_free char *big = calloc(1, DEFINITION_LEN_MAX + 1);
    auto_free char *longest = malloc(5000);

    (void)state;
    assert_non_null(big);
    assert_fails(definition_add(&d, DEFINITION_QEMU, big, 0), E_InputInvalid);
    assert_fails(definition_add(&d, DEFINITION_LIBVIRT, big, DEFINITION_LEN_MAX + 1),
        E_InputInvalid);
    assert_ok(definition_add(&d, DEFINITION_NVRAM, big, DEFINITION_LEN_MAX + 1));
    memset(longest, 'x', 4999);
    longest[4999] = '\0';
    assert_ok(definition_fact(&d, "machine.node", longest));
    assert_null(fact(last(&d), "machine.node"));
    for (size_t i = 1; i < DEFINITION_PARTS_MAX; i++)
        assert_ok(definition_add(&d, DEFINITION_NVRAM, "x", 1));
    assert_fails(definition_add(&d, DEFINITION_NVRAM, "x", 1), E_InputInvalid);
    definition_done(&d);
}

static void
gives_parts_names_of_their_own(void **state)
{
    char first[] = "machine.args", second[] = "nvram-2";
    const struct backup_disk disks[] = { { .name = first }, { .name = second } };
    struct definition d = { .machine = "web1" };
    struct chain_facts facts = { 0 };

    (void)state;
    assert_ok(definition_add(&d, DEFINITION_QEMU, "x", 1));
    assert_ok(definition_add(&d, DEFINITION_NVRAM, "x", 1));
    assert_ok(definition_add(&d, DEFINITION_NVRAM, "x", 1));
    assert_ok(definition_close(&d, disks, 2, &facts));
    assert_int_equal(facts.n, 0);
    assert_string_equal(d.parts[0].name, "machine.args-2");
    assert_string_equal(d.parts[1].name, "nvram");
    assert_string_equal(d.parts[2].name, "nvram-3");
    definition_done(&d);
}

static void
tells_parts_from_disks(void **state)
{
    char part[] = "machine.part", qemu[] = "qemu-arguments", later[] = "of a later firn";
    char node[] = "machine.node", vda[] = "vda";
    struct vault_fact facts[] = { { part, qemu }, { part, later }, { node, vda } };
    struct vault_disk disks[] = { { .facts = facts, .nfacts = 1 },
        { .facts = facts + 1, .nfacts = 1 }, { .facts = facts + 2, .nfacts = 1 } };
    const struct vault_point p = { .disks = disks, .ndisks = 3 };

    (void)state;
    assert_int_equal(definition_kind(&disks[0]), DEFINITION_QEMU);
    assert_int_equal(definition_kind(&disks[1]), DEFINITION_OTHER);
    assert_int_equal(definition_kind(&disks[2]), DEFINITION_NONE);
    assert_string_equal(job_disk_part(&disks[1]), "unknown");
    assert_null(job_disk_part(&disks[2]));
    assert_int_equal(job_point_ndisks(&p), 1);
    assert_string_equal(definition_names_of(&disks[2]).node, "vda");
    assert_null(definition_names_of(&disks[2]).file);
}

/* With 256 disks there is no room for more. */
static void
gives_way_to_the_disks(void **state)
{
    struct definition d = { .machine = "web1" };
    struct chain_facts facts = { 0 };
    char name[] = "x";
    struct backup_disk disks[VAULT_DISKS_MAX];

    (void)state;
    for (size_t i = 0; i < VAULT_DISKS_MAX; i++)
        disks[i] = (struct backup_disk){ .name = name };
    assert_ok(definition_add(&d, DEFINITION_QEMU, "x", 1));
    assert_ok(definition_close(&d, disks, VAULT_DISKS_MAX, &facts));
    assert_int_equal(d.nparts, 0);
    assert_int_equal(err_code(d.missing[0]), E_MachineUnread);
    assert_string_equal(facts.f[0].name, "MachineUnread");
    chain_facts_done(&facts);
    definition_done(&d);
}

/* A name that QEMU made up means nothing to the next one. */
static void
leaves_out_names_that_nobody_gave(void **state)
{
    const struct definition_names names = { .node = "#block12", .drive = "", .file = "/a" };
    struct chain_facts facts = { 0 };

    (void)state;
    assert_ok(definition_name_disk(&names, &facts));
    assert_int_equal(facts.n, 1);
    assert_string_equal(facts.f[0].name, "machine.file");
    chain_facts_done(&facts);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_arguments_of_a_process),
        cmocka_unit_test(asks_the_environment_of_a_daemon),
        cmocka_unit_test(says_what_it_cannot_read),
        cmocka_unit_test(keeps_limits),
        cmocka_unit_test(gives_parts_names_of_their_own),
        cmocka_unit_test(gives_way_to_the_disks),
        cmocka_unit_test(tells_parts_from_disks),
        cmocka_unit_test(leaves_out_names_that_nobody_gave),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
