/* SPDX-License-Identifier: Apache-2.0 */
/* Changes to hives: what was asked for is done and nothing else, in memory and on the disk;
 * hivexregedit, where it is installed, sees the same. */
#include "check.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hive_file.h"
#include "hive_maker.h"
#include "proc.h"
#include "regf_diff.h"
#include "windows_maker.h"

#define MSISERVER "ControlSet001\\Services\\msiserver"

struct made {
    uint8_t *data;
    size_t len;
    struct regf r;
};

static void
make(struct made *m, const char *text)
{
    unsigned line;

    assert_true(hive_make(text, "SYSTEM", &m->data, &m->len, &line));
    assert_ok(regf_open((struct view){ m->data, m->len }, "SYSTEM", &m->r));
}

static struct hive_edit
set_dword(const char *key, const char *name, uint8_t number)
{
    static uint8_t data[4];

    data[0] = number;
    return (struct hive_edit){ HIVE_SET, key, name, { TARGET_REG_DWORD, data, 4 } };
}

static bool
note(void *arg, const struct regf_diff *d)
{
    if (d->kind != REGF_KEY_TOUCHED)
        text_fmt(arg, "%s: %s [%s]\n", regf_diff_name(d->kind), d->path,
            d->value == NULL ? "-" : d->value);
    return true;
}

/* Edit, and say what is other than before. */
static void
expect(struct made *m, const struct hive_edit *e, const char *want)
{
    struct text t = { 0 };
    struct made new = { 0 };
    bool changed;

    assert_ok(hive_edit((struct view){ m->data, m->len }, &m->r, e, 1, &new.data, &new.len,
        &changed));
    assert_int_equal(changed, *want != '\0');
    if (changed) {
        assert_ok(regf_open((struct view){ new.data, new.len }, "SYSTEM", &new.r));
        text_str(&t, "");
        assert_ok(regf_diff(&m->r, &new.r, note, &t, NULL));
        assert_string_equal(t.s, want);
        text_done(&t);
        free(m->data);
        *m = new;
    }
    /* once more changes nothing */
    assert_ok(hive_edit((struct view){ m->data, m->len }, &m->r, e, 1, &new.data, &new.len,
        &changed));
    assert_false(changed);
}

static void
test_mission(void **state)
{
    struct made m;
    struct hive_edit e = set_dword(MSISERVER, "start", 3);
    uint32_t number = 0;

    (void)state;
    make(&m, windows_system_text(WINDOWS_BROKEN));
    expect(&m, &e, "value changed: " MSISERVER " [Start]\n");
    assert_true(regf_find_dword(&m.r, MSISERVER, "Start", &number) && number == 3);
    assert_true(regf_find_dword(&m.r, "ControlSet002\\Services\\msiserver", "Start", &number));
    free(m.data);
}

static void
test_override(void **state)
{
    static uint8_t word[] = { 'T', 0, 'r', 0, 'u', 0, 'e', 0, 0, 0 };
    struct hive_edit set = { HIVE_SET, "Microsoft\\BcdrAgentPersistentKeys",
        "IsVCRedistInstalled", { TARGET_REG_SZ, word, sizeof word } };
    struct hive_edit delete = { HIVE_DELETE, "microsoft\\bcdragentpersistentkeys",
        "isvcredistinstalled", { 0 } };
    struct made m;

    (void)state;
    make(&m, windows_software_text(WINDOWS_BROKEN));
    expect(&m, &set,
        "value added: Microsoft\\BcdrAgentPersistentKeys [IsVCRedistInstalled]\n");
    expect(&m, &delete,
        "value removed: Microsoft\\BcdrAgentPersistentKeys [IsVCRedistInstalled]\n");
    free(m.data);
}

static void
test_keys(void **state)
{
    struct hive_edit set = set_dword("a\\New\\Newer", "x", 1);
    struct hive_edit value = { HIVE_DELETE, "a\\New\\Newer", "x", { 0 } };
    struct hive_edit key = { HIVE_DELETE_KEY, "a\\new\\newer", "", { 0 } };
    struct hive_edit full = { HIVE_DELETE_KEY, "a\\New", "", { 0 } };
    struct hive_edit none = { HIVE_DELETE_KEY, "b\\c", "", { 0 } };
    struct view file;
    struct made m;
    uint8_t *data;
    size_t len;
    bool changed;

    (void)state;
    make(&m, "[a]\ny = dword:1\n");
    expect(&m, &set,
        "key added: a\\New [-]\nkey added: a\\New\\Newer [-]\n"
        "value added: a\\New\\Newer [x]\n");
    key.key = "a\\new\\newer";
    file = (struct view){ m.data, m.len };
    assert_fails(hive_edit(file, &m.r, &key, 1, &data, &len, &changed), E_HiveKeyFull);
    assert_fails(hive_edit(file, &m.r, &full, 1, &data, &len, &changed), E_HiveKeyFull);
    expect(&m, &value, "value removed: a\\New\\Newer [x]\n");
    expect(&m, &key, "key removed: a\\New\\Newer [-]\n");
    expect(&m, &full, "key removed: a\\New [-]\n");
    expect(&m, &none, "");
    free(m.data);
}

/* All kinds of values stay as they are when one beside them changes, grows, or goes. */
static void
test_neighbours(void **state)
{
    static uint8_t big[9000];
    struct hive_edit grow = { HIVE_SET, "a", "one", { TARGET_REG_BINARY, big, sizeof big } };
    struct hive_edit none = { HIVE_SET, "a", "one", { TARGET_REG_BINARY, big, 0 } };
    struct hive_edit unnamed = set_dword("a", "", 9);
    struct hive_edit drop = { HIVE_DELETE, "a", "one", { 0 } };
    struct hive_edit drop_unnamed = { HIVE_DELETE, "a", "", { 0 } };
    struct made m;

    (void)state;
    make(&m, "[a]\n@ = sz:unnamed\none = dword:1\ntwo = sz:two\nthree = multi:a|b\n"
             "four = type 77:00\nfive = hex:\nsix = fill:12000\nseven = qword:7\n"
             "\xc3\xa4 = dword:1\n[a\\b]\nx = dword:1\n");
    expect(&m, &grow, "value changed: a [one]\n");
    expect(&m, &none, "value changed: a [one]\n");
    expect(&m, &unnamed, "value changed: a []\n");
    expect(&m, &drop, "value removed: a [one]\n");
    expect(&m, &drop_unnamed, "value removed: a []\n");
    free(m.data);
}

/* ---- on the disk ---- */

struct disk {
    char folder[64], file[80];
    int fd;
};

static int
disk_begin(void **state)
{
    struct disk *d = calloc(1, sizeof *d);
    struct made m;
    FILE *f;

    assert_non_null(d);
    (void)snprintf(d->folder, sizeof d->folder, "/tmp/firn-hive.XXXXXX");
    assert_non_null(mkdtemp(d->folder));
    (void)snprintf(d->file, sizeof d->file, "%s/SYSTEM", d->folder);
    make(&m, windows_system_text(WINDOWS_BROKEN));
    f = fopen(d->file, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(m.data, 1, m.len, f), m.len);
    assert_int_equal(fclose(f), 0);
    free(m.data);
    d->fd = open(d->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(d->fd >= 0);
    *state = d;
    return 0;
}

static int
disk_end(void **state)
{
    struct disk *d = *state;
    const char *const rm[] = { "rm", "-rf", d->folder, NULL };
    int status;

    assert_ok(proc_run(rm, deadline_in_ms(10000), &status, NULL));
    (void)close(d->fd);
    free(d);
    return 0;
}

static unsigned
count(const struct disk *d, const char *part)
{
    DIR *dir = opendir(d->folder);
    unsigned n = 0;

    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir)) != NULL;)
        n += strstr(e->d_name, part) != NULL;
    (void)closedir(dir);
    return n;
}

static void
test_file(void **state)
{
    struct disk *d = *state;
    struct hive_edit e = set_dword(MSISERVER, "Start", 3);
    auto_ptr(hive_file) f = NULL;
    struct stat before, after;
    uint32_t number = 0;
    char log[100];
    int fd;

    (void)snprintf(log, sizeof log, "%s.LOG1", d->file);
    fd = open(log, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0 && write(fd, "log", 3) == 3 && close(fd) == 0);
    assert_int_equal(chmod(d->file, 0640), 0);
    if (geteuid() == 0)
        assert_int_equal(chown(d->file, 12, 34), 0);
    assert_int_equal(stat(d->file, &before), 0);
    assert_ok(hive_file_open(d->fd, "SYSTEM", d->file, &f));
    assert_ok(hive_file_edit(f, &e, 1));
    assert_int_equal(stat(d->file, &after), 0);
    assert_int_equal(after.st_mode, before.st_mode);
    assert_int_equal(after.st_uid, before.st_uid);
    assert_int_equal(after.st_gid, before.st_gid);
    assert_true(regf_find_dword(hive_file_regf(f), MSISERVER, "Start", &number) && number == 3);
    assert_int_equal(count(d, "firn-2"), 2); /* the hive and its log */
    assert_int_equal(count(d, "firn-new"), 0);

    /* nothing to do, then a second change: no second copy */
    assert_ok(hive_file_edit(f, &e, 1));
    e = set_dword(MSISERVER, "Start", 2);
    assert_ok(hive_file_edit(f, &e, 1));
    assert_int_equal(count(d, "firn-2"), 2);

    hive_file_free(take(f));
    assert_ok(hive_file_open(d->fd, "SYSTEM", d->file, &f));
    assert_true(regf_find_dword(hive_file_regf(f), MSISERVER, "Start", &number) && number == 2);
}

/* Somebody else's change is not overwritten, and two firns do not work at once. */
static void
test_others(void **state)
{
    struct disk *d = *state;
    struct hive_edit three = set_dword(MSISERVER, "Start", 3);
    auto_ptr(hive_file) a = NULL;
    auto_ptr(hive_file) b = NULL;
    int fd = open(d->file, O_RDONLY | O_CLOEXEC);

    assert_ok(hive_file_open(d->fd, "SYSTEM", d->file, &a));
    assert_ok(hive_file_open(d->fd, "SYSTEM", d->file, &b));
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    assert_fails(hive_file_edit(a, &three, 1), E_HiveInUse);
    assert_int_equal(close(fd), 0);
    assert_ok(hive_file_edit(a, &three, 1));
    assert_fails(hive_file_edit(b, &three, 1), E_HiveMoved);
    assert_int_equal(count(d, "firn-2"), 1);
}

static void
test_leftover(void **state)
{
    struct disk *d = *state;
    struct hive_edit three = set_dword(MSISERVER, "Start", 3);
    auto_ptr(hive_file) f = NULL;
    char path[100];
    int fd;

    (void)snprintf(path, sizeof path, "%s.firn-new", d->file);
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0 && close(fd) == 0);
    assert_ok(hive_file_open(d->fd, "SYSTEM", d->file, &f));
    assert_ok(hive_file_edit(f, &three, 1));
    assert_int_equal(count(d, "firn-new"), 0);
}

static void
test_refused_files(void **state)
{
    struct disk *d = *state;
    auto_ptr(hive_file) f = NULL;
    int fd;

    assert_fails(hive_file_open(d->fd, "nothing", "nothing", &f), E_FileUnreadable);
    assert_int_equal(symlinkat("SYSTEM", d->fd, "link"), 0);
    assert_fails(hive_file_open(d->fd, "link", "link", &f), E_FileUnreadable);
    assert_int_equal(mkdirat(d->fd, "folder", 0700), 0);
    assert_fails(hive_file_open(d->fd, "folder", "folder", &f), E_HiveForeign);
    assert_int_equal(mkfifoat(d->fd, "pipe", 0600), 0);
    assert_fails(hive_file_open(d->fd, "pipe", "pipe", &f), E_HiveForeign);
    fd = openat(d->fd, "sparse", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0 && ftruncate(fd, (off_t)1 << 30) == 0 && close(fd) == 0);
    assert_fails(hive_file_open(d->fd, "sparse", "sparse", &f), E_HiveTooLarge);
}

/* The export of another program, before and after, differs in one line. */
static void
test_hivexregedit(void **state)
{
    struct disk *d = *state;
    const char *const export[] = { "hivexregedit", "--export", d->file, "\\", NULL };
    struct hive_edit three = set_dword(MSISERVER, "Start", 3);
    auto_ptr(hive_file) f = NULL;
    auto_free char *program = NULL;
    char *text[2], *line[2], *rest[2];
    unsigned other = 0;

    assert_ok(proc_find(export[0], &program));
    if (program == NULL)
        skip();
    for (int i = 0; i < 2; i++) {
        auto_ptr(proc) p = NULL;
        bool ended;
        int status;

        assert_ok(proc_start(export, NULL, &p));
        assert_ok(proc_wait(p, deadline_in_ms(20000), &ended, &status));
        assert_true(ended && status == 0);
        assert_ok(proc_output(p, &text[i]));
        if (i == 0) {
            assert_ok(hive_file_open(d->fd, "SYSTEM", d->file, &f));
            assert_ok(hive_file_edit(f, &three, 1));
        }
        rest[i] = text[i];
    }
    while ((line[0] = strsep(&rest[0], "\n")) != NULL) {
        line[1] = strsep(&rest[1], "\n");
        assert_non_null(line[1]);
        if (strcmp(line[0], line[1]) != 0) {
            assert_string_equal(line[0], "\"Start\"=dword:00000004");
            assert_string_equal(line[1], "\"Start\"=dword:00000003");
            other++;
        }
    }
    assert_null(rest[1]);
    assert_int_equal(other, 1);
    free(text[0]);
    free(text[1]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mission),
        cmocka_unit_test(test_override),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_neighbours),
        cmocka_unit_test_setup_teardown(test_file, disk_begin, disk_end),
        cmocka_unit_test_setup_teardown(test_others, disk_begin, disk_end),
        cmocka_unit_test_setup_teardown(test_leftover, disk_begin, disk_end),
        cmocka_unit_test_setup_teardown(test_refused_files, disk_begin, disk_end),
        cmocka_unit_test_setup_teardown(test_hivexregedit, disk_begin, disk_end),
    };

    return cmocka_run_group_tests_name("hive_edit", tests, NULL, NULL);
}
