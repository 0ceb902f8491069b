/* SPDX-License-Identifier: Apache-2.0 */
/* What a freeze of a guest holds still, and in which order its agent would freeze. */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guest_mounts.h"
#include "mountinfo.h"

#define ROOT "25 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,errors=remount-ro\n"
#define DATA "40 25 254:16 / /data rw - xfs /dev/vdb rw,attr2\n"
#define INNER "50 25 7:0 / /inner rw - ext4 /dev/loop0 rw\n"
#define DEEPER "60 25 7:1 / /deeper rw - ext4 /dev/loop1 rw\n"
#define TWIN "70 25 254:16 / /twin rw - xfs /dev/vdb rw,attr2\n"
#define BIND "80 25 254:16 /folder /bound rw - xfs /dev/vdb rw,attr2\n"

static struct guest_mounts
parsed(const char *lines)
{
    struct guest_mounts l = { 0 };
    char *text = strdup(lines);

    assert_non_null(text);
    assert_ok(guest_mounts_parse(text, &l));
    free(text);
    return l;
}

static struct guest_mount *
at(const struct guest_mounts *l, const char *point)
{
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->item[i].point, point) == 0)
            return &l->item[i];
    print_error("nothing is mounted at %s\n", point);
    abort();
}

static void
lies_in(struct guest_mounts *l, const char *point, const char *file)
{
    at(l, point)->file = strdup(file);
}

static void
each_kind_is_what_a_freeze_makes_of_it(void **state)
{
    static const struct {
        const char *line;
        enum guest_mount_kind kind;
    } cases[] = {
        { ROOT, GUEST_MOUNT_HELD },
        { DATA, GUEST_MOUNT_HELD },
        { INNER, GUEST_MOUNT_HELD },
        { "1 1 0:40 / /b rw - btrfs /dev/vdc rw\n", GUEST_MOUNT_HELD },
        { "1 1 8:1 / /boot/efi rw - vfat /dev/sda1 rw\n", GUEST_MOUNT_BOOT },
        { "1 1 8:1 / /efi rw - vfat /dev/sda1 rw\n", GUEST_MOUNT_BOOT },
        { "1 1 8:2 / /mnt/stick rw - vfat /dev/sda2 rw\n", GUEST_MOUNT_UNABLE },
        { "1 1 8:2 / /mnt/win rw - fuseblk /dev/sda2 rw\n", GUEST_MOUNT_UNABLE },
        { "1 1 8:2 / /mnt/win rw - ntfs3 /dev/sda2 rw\n", GUEST_MOUNT_UNABLE },
        { "1 1 0:44 / /pool rw - zfs pool/data rw\n", GUEST_MOUNT_UNABLE },
        { "1 1 0:45 / /home rw - nfs4 server:/home rw\n", GUEST_MOUNT_REMOTE },
        { "1 1 0:45 / /home rw - cifs //server/home rw\n", GUEST_MOUNT_REMOTE },
        { "1 1 0:46 / /far rw - fuse.sshfs user@host:/ rw\n", GUEST_MOUNT_REMOTE },
        { "1 1 0:47 / /host rw - virtiofs tag rw\n", GUEST_MOUNT_REMOTE },
        { "1 1 0:5 / /dev rw - devtmpfs /dev rw\n", GUEST_MOUNT_OTHER },
        { "1 1 0:6 / /tmp rw - tmpfs tmpfs rw\n", GUEST_MOUNT_OTHER },
        { "1 1 0:7 / /merged rw - overlay overlay rw,lowerdir=/a\n", GUEST_MOUNT_OTHER },
        { "1 1 7:3 / /snap/x ro - squashfs /dev/loop3 ro\n", GUEST_MOUNT_OTHER },
        { "1 1 8:3 / /ro ro - ext4 /dev/sda3 ro,norecovery\n", GUEST_MOUNT_OTHER },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct guest_mounts l = parsed(cases[i].line);

        print_message("# %s", cases[i].line);
        assert_int_equal(l.n, 1);
        assert_int_equal(l.item[0].kind, cases[i].kind);
        guest_mounts_done(&l);
    }
}

static void
a_path_lies_on_the_nearest_mount(void **state)
{
    struct guest_mounts l = parsed(ROOT DATA "41 40 254:32 / /data/more rw - xfs /dev/vdc rw\n"
                                        "42 25 254:48 / /data rw - xfs /dev/vdd rw\n");

    (void)state;
    assert_ptr_equal(guest_mounts_of_path(&l, "/etc/passwd"), &l.item[0]);
    assert_ptr_equal(guest_mounts_of_path(&l, "/database"), &l.item[0]);
    assert_ptr_equal(guest_mounts_of_path(&l, "/data/more/file"), &l.item[2]);
    assert_ptr_equal(guest_mounts_of_path(&l, "/data/file"), &l.item[3]);
    assert_null(guest_mounts_of_path(&l, "no path"));
    guest_mounts_done(&l);
    l = parsed("");
    assert_null(guest_mounts_of_path(&l, "/etc"));
    guest_mounts_done(&l);
}

/* In the bytes of a mountinfo, with what belongs to the mount and what to its file system. */
static void
a_path_is_found_in_the_text(void **state)
{
    static const struct {
        const char *path, *point;
        bool ro, noexec;
    } cases[] = {
        { "/", "/", false, false },
        { "/etc", "/", false, false },
        { "/database", "/", false, false },
        { "/data", "/data", false, true },
        { "/data/a b", "/data/a b", true, false },
        { "/data/a b/c", "/data/a b", true, false },
        { "/data/a", "/data", false, true },
        { "/mnt/x", "/mnt", true, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[] = "1 0 8:1 / / rw,noexecutive - ext4 /dev/sda1 rw,road=1\nnonsense\n"
                      "2 1 8:2 / /data rw - xfs /dev/sdb rw\n"
                      "3 1 8:3 / /data\\040... rw - xfs /dev/sdc rw\n"
                      "4 1 8:4 / /data rw,nosuid,noexec - xfs /dev/sdd rw\n"
                      "5 4 8:5 / /data/a\\040b ro,relatime - xfs /dev/sde rw\n"
                      "6 1 8:6 / /mnt rw - xfs /dev/sdf ro,norecovery\n";
        struct mountinfo m;

        assert_true(mountinfo_find(text, cases[i].path, &m));
        assert_string_equal(m.point, cases[i].point);
        assert_int_equal(mountinfo_has(m.options, "ro") || mountinfo_read_only(&m),
            cases[i].ro);
        assert_int_equal(mountinfo_has(m.options, "noexec"), cases[i].noexec);
    }
    char lost[] = "2 1 8:2 / /data rw - xfs /dev/sdb rw\n";
    struct mountinfo m;
    assert_false(mountinfo_find(lost, "/dat", &m));
}

/* The first unsafe mount of these, "" where the order is sound; loop0 lies on /data. */
static const char *
unsafe(const char *lines, const char *file, const char **ret_below)
{
    static char point[64], below_point[64];
    const struct guest_mount *below = NULL;
    struct guest_mounts l = parsed(lines);

    lies_in(&l, "/inner", file);
    const struct guest_mount *m = guest_mounts_unsafe(&l, &below);
    snprintf(point, sizeof(point), "%s", m != NULL ? m->point : "");
    snprintf(below_point, sizeof(below_point), "%s", m != NULL ? below->point : "");
    *ret_below = below_point;
    guest_mounts_done(&l);
    return point;
}

static void
the_order_of_the_agent(void **state)
{
    const char *below;

    (void)state;
    assert_string_equal(unsafe(ROOT DATA INNER, "/data/disk.img", &below), "");
    assert_string_equal(unsafe(ROOT DATA TWIN INNER, "/data/disk.img", &below), "");
    assert_string_equal(unsafe(ROOT DATA INNER TWIN, "/data/disk.img", &below), "/inner");
    assert_string_equal(below, "/twin");
    assert_string_equal(unsafe(ROOT DATA INNER BIND, "/data/disk.img", &below), "/inner");
    assert_string_equal(below, "/bound");
    assert_string_equal(unsafe(ROOT INNER DATA, "/data/disk.img", &below), "/inner");
    /* the loop device once more, too: then that is its place */
    assert_string_equal(
        unsafe(ROOT DATA INNER TWIN "90 25 7:0 / /in rw - ext4 /dev/loop0 rw\n",
            "/data/disk.img", &below), "");
    /* a file that is in memory, or nowhere */
    assert_string_equal(
        unsafe(ROOT INNER "90 25 0:9 / /run rw - tmpfs tmpfs rw\n", "/run/disk.img", &below),
        "");
    assert_string_equal(unsafe(INNER, "gone (deleted)", &below), "");
}

static void
one_loop_device_upon_another(void **state)
{
    const struct guest_mount *below = NULL;
    struct guest_mounts l = parsed(ROOT DATA INNER DEEPER TWIN);

    (void)state;
    lies_in(&l, "/deeper", "/inner/disk.img");
    lies_in(&l, "/inner", "/data/disk.img");
    assert_string_equal(guest_mounts_unsafe(&l, &below)->point, "/inner");
    free(l.item[2].file);
    l.item[2].file = NULL;
    assert_null(guest_mounts_unsafe(&l, &below)); /* what lies deeper is not known */
    lies_in(&l, "/inner", "/deeper/disk.img"); /* each on the other: no end */
    (void)guest_mounts_unsafe(&l, &below);
    guest_mounts_done(&l);
}

static void
odd_lines_are_passed_over(void **state)
{
    struct guest_mounts l = parsed("\n \nnonsense\n1 2 3 4 5 6 7\n" ROOT
                                   "1 1 x:y / /a rw - ext4 /dev/a rw\n"
                                   "1 1 8:1 / /with\\040blank rw - ext4 /dev/b rw");

    (void)state;
    assert_int_equal(l.n, 2);
    assert_string_equal(l.item[1].point, "/with blank");
    guest_mounts_done(&l);
}

static void
too_many(void **state)
{
    size_t one = strlen(ROOT);
    char *text = malloc(one * (GUEST_MOUNTS_MAX + 1) + 1);
    struct guest_mounts l = { 0 };

    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i <= GUEST_MOUNTS_MAX; i++)
        memcpy(text + i * one, ROOT, one + 1);
    assert_fails(guest_mounts_parse(text, &l), E_InputInvalid);
    assert_null(l.item);
    free(text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_is_what_a_freeze_makes_of_it),
        cmocka_unit_test(a_path_lies_on_the_nearest_mount),
        cmocka_unit_test(a_path_is_found_in_the_text),
        cmocka_unit_test(the_order_of_the_agent),
        cmocka_unit_test(one_loop_device_upon_another),
        cmocka_unit_test(odd_lines_are_passed_over),
        cmocka_unit_test(too_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
