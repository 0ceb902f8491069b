/* SPDX-License-Identifier: Apache-2.0 */
/* A Windows disk that is off: the same primitives as on one that runs, what it cannot, and
 * every reason to refuse it. */
#include "check.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "bytes.h"
#include "hive_maker.h"
#include "pe_maker.h"
#include "proc.h"
#include "remedy.h"
#include "target_hive.h"
#include "windows_maker.h"

#define PLUGINS "C:\\Packages\\Plugins\\Microsoft.Azure.RecoveryServices.VMSnapshot\\"
#define MSISERVER "HKLM\\SYSTEM\\CurrentControlSet\\Services\\Msiserver"
#define KEYS "HKLM\\SOFTWARE\\Microsoft\\BcdrAgentPersistentKeys"

struct disk {
    char path[64];
    struct target *t;
};

static void
make(struct disk *d, enum windows_state state)
{
    (void)snprintf(d->path, sizeof d->path, "/tmp/firn-disk.XXXXXX");
    assert_non_null(mkdtemp(d->path));
    assert_true(windows_make(d->path, state));
    assert_ok(target_hive_open(d->path, "disk:w", &d->t));
}

static void
end(struct disk *d)
{
    const char *const rm[] = { "rm", "-rf", d->path, NULL };
    int status;

    target_free(d->t);
    assert_ok(proc_run(rm, deadline_in_ms(10000), &status, NULL));
}

static int
begin_broken(void **state)
{
    struct disk *d = calloc(1, sizeof *d);

    assert_non_null(d);
    make(d, WINDOWS_BROKEN);
    *state = d;
    return 0;
}

static int
end_any(void **state)
{
    end(*state);
    free(*state);
    return 0;
}

static uint32_t
dword(struct target *t, const char *key, const char *name)
{
    struct target_value v = { 0 };
    uint64_t n = 99;
    bool found;

    assert_ok(target_reg_get(t, key, name, &v, &found));
    assert_true(found && target_value_number(&v, &n));
    target_value_done(&v);
    return (uint32_t)n;
}

static void
set_start(struct target *t, uint32_t start)
{
    struct target_value v = { 0 };

    assert_ok(target_value_of_number(TARGET_REG_DWORD, start, &v));
    assert_ok(target_reg_set(t, MSISERVER, "Start", &v));
    target_value_done(&v);
}

static void
test_registry(void **state)
{
    struct disk *d = *state;
    struct target *t = d->t;
    struct target_value v = { 0 };
    char *s = NULL;
    bool found;

    assert_true(t->offline && t->bits64 && t->os == ACTION_WINDOWS);
    assert_int_equal(dword(t, MSISERVER, "start"), 4);
    assert_int_equal(dword(t, "HKLM\\SYSTEM\\ControlSet002\\Services\\msiserver", "Start"), 3);
    assert_ok(target_reg_get(t, KEYS, "IsVCRedistInstalled", &v, &found));
    assert_false(found);
    assert_ok(target_reg_get(t, "HKLM\\SOFTWARE\\No\\Such", "x", &v, &found));
    assert_false(found);
    assert_ok(target_reg_key(t, KEYS, &found));
    assert_true(found);

    assert_ok(target_value_of_text(TARGET_REG_SZ, "True", &v));
    assert_ok(target_reg_set(t, KEYS, "IsVCRedistInstalled", &v));
    target_value_done(&v);
    assert_ok(target_reg_get(t, KEYS, "IsVCRedistInstalled", &v, &found));
    assert_true(found && v.len == 10 && target_value_text(&v, &s));
    assert_string_equal(s, "True");
    free(s);
    target_value_done(&v);
    assert_ok(target_reg_delete(t, KEYS, "IsVCRedistInstalled"));
    assert_ok(target_reg_get(t, KEYS, "IsVCRedistInstalled", &v, &found));
    assert_false(found);
    assert_fails(target_reg_delete_key(t, KEYS), E_HiveKeyFull);

    /* the root of a hive, and what is in neither */
    assert_fails(target_reg_delete_key(t, "HKLM\\SOFTWARE"), E_InputInvalid);
    assert_fails(target_reg_key(t, "HKLM\\HARDWARE\\x", &found), E_DiskElsewhere);
    assert_fails(target_reg_key(t, "HKLM\\SYSTEMX", &found), E_DiskElsewhere);
}

/* ---- remedies: the engine's own, on a disk ---- */

static void
expect_look(struct target *t, const char *line, enum remedy_state state, const char *words)
{
    struct remedy_look l = { 0 };
    struct action a = { 0 };

    assert_int_equal(action_parse(line, &a, NULL), ACTION_OK);
    assert_ok(remedy_look(t, &a, deadline_in_ms(10000), &l));
    print_message("# %s: %s\n", line, l.observed);
    assert_int_equal(l.state, state);
    assert_non_null(strstr(l.observed, words));
    remedy_look_done(&l);
    action_done(&a);
}

/* Apply, see that it holds, undo, see that it does not. */
static void
there_and_back(struct target *t, const char *line, const char *before, const char *after)
{
    struct remedy_done done = { 0 };
    struct action a = { 0 };
    json_t *record = NULL;
    char *kept = NULL;

    expect_look(t, line, REMEDY_NOT, before);
    assert_int_equal(action_parse(line, &a, NULL), ACTION_OK);
    assert_true(remedy_can(t, &a, NULL));
    for (int again = 0; again < 2; again++) {
        assert_ok(remedy_record(t, &a, &record));
        assert_ok(remedy_apply(t, &a, record, deadline_in_ms(10000), &done));
        assert_int_equal(done.end, REMEDY_DONE);
        expect_look(t, line, REMEDY_HOLDS, after);
        assert_ok(remedy_undo(t, &a, record, deadline_in_ms(10000), &kept));
        assert_ok(remedy_undo(t, &a, record, deadline_in_ms(10000), &kept));
        expect_look(t, line, REMEDY_NOT, before);
        json_decref(record);
        remedy_done_done(&done);
        free(kept);
        kept = NULL;
    }
    action_done(&a);
}

static void
test_remedies(void **state)
{
    struct disk *d = *state;
    struct action a = { 0 };
    char *why = NULL;

    expect_look(d->t, "windows.library.loads name=msvcr120.dll", REMEDY_NOT, "msvcr120.dll");
    expect_look(d->t, "windows.library.loads name=ole32.dll", REMEDY_HOLDS, "");
    expect_look(d->t, "windows.service.is service=msiserver start=3", REMEDY_NOT,
        "start type 4");
    expect_look(d->t, "windows.service.is service=nosuch start=3", REMEDY_NOT, "missing");
    expect_look(d->t, "windows.service.is service=vss state=running", REMEDY_UNKNOWN, "off");
    expect_look(d->t, "windows.installer.idle", REMEDY_HOLDS, "");
    there_and_back(d->t, "windows.service.start_type service=msiserver want=3", "start type 4",
        "start type 3");
    there_and_back(d->t,
        "override.set key=HKLM\\SOFTWARE\\Microsoft\\BcdrAgentPersistentKeys "
        "name=IsVCRedistInstalled type=sz data=True", "not set", "True");
    there_and_back(d->t,
        "windows.registry.set key=HKLM\\SOFTWARE\\New\\Newer name=x type=dword data=5",
        "not set", "5");

    assert_int_equal(action_parse("windows.installer.run path=" PLUGINS
                                  "<latest>\\vcredist2013_x64.exe", &a, NULL), ACTION_OK);
    assert_false(remedy_can(d->t, &a, &why));
    assert_non_null(why);
    free(why);
    action_done(&a);
    assert_int_equal(action_parse("machine.restart", &a, NULL), ACTION_OK);
    assert_false(remedy_can(d->t, &a, NULL));
    action_done(&a);
}

/* The installer service is made anew, value by value, and put back. */
static void
test_register(void **state)
{
    struct disk *d = *state;

    there_and_back(d->t, "windows.installer.register", "start type 4", "start type 3");
}

static void
test_cannot(void **state)
{
    struct disk *d = *state;
    const char *const argv[] = { "C:\\Windows\\System32\\msiexec.exe", NULL };
    uint32_t exit_code;
    bool busy = true;
    char *s = NULL;

    assert_fails(target_run(d->t, argv, deadline_in_ms(10), &exit_code, &s), E_TargetCannot);
    assert_fails(target_service_control(d->t, "msiserver", true, deadline_in_ms(10)),
        E_TargetCannot);
    assert_fails(target_restart(d->t, deadline_in_ms(10)), E_TargetCannot);
    assert_fails(target_boot_id(d->t, &s), E_TargetCannot);
    assert_fails(target_package_configure(d->t, deadline_in_ms(10), &exit_code, &s),
        E_TargetCannot);
    assert_ok(target_installer_busy(d->t, &busy, &s));
    assert_false(busy);
}

static void
test_files(void **state)
{
    struct disk *d = *state;
    struct target *t = d->t;
    void *data = NULL;
    char *latest = NULL, **names = NULL;
    size_t len;
    uint64_t bytes;
    bool found;

    assert_ok(target_latest(t, PLUGINS "<latest>\\vcredist2013_x64.exe", &latest));
    assert_string_equal(latest, PLUGINS WINDOWS_LATEST "\\vcredist2013_x64.exe");
    assert_ok(target_exists(t, latest, &found));
    assert_true(found);
    free(latest);
    assert_ok(target_file_read(t, "c:\\WINDOWS\\system32\\NTDLL.DLL", &data, &len, &found));
    assert_true(found && memcmp(data, "MZ", 2) == 0);
    free(data);
    assert_ok(target_file_read(t, "%SystemRoot%\\System32\\nothing", &data, &len, &found));
    assert_false(found);
    assert_ok(target_file_read(t, "C:\\nothing\\at\\all", &data, &len, &found));
    assert_false(found);

    assert_ok(target_file_write(t, "C:\\packages\\a.txt", "one", 3));
    assert_ok(target_file_write(t, "C:\\Packages\\A.TXT", "two!", 4));
    assert_ok(target_file_read(t, "C:\\Packages\\a.txt", &data, &len, &found));
    assert_true(found && len == 4 && memcmp(data, "two!", 4) == 0);
    free(data);
    assert_ok(target_file_write(t, "C:\\Packages\\b.txt", "", 0));
    assert_fails(target_file_rename(t, "C:\\Packages\\a.txt", "C:\\Packages\\B.txt"),
        E_FileUnwritable);
    assert_ok(target_file_rename(t, "C:\\Packages\\a.txt", "C:\\Packages\\c.txt"));
    assert_ok(target_file_list(t, "C:\\Packages", &names, &found));
    assert_true(found);
    for (len = 0; names[len] != NULL;)
        len++;
    assert_int_equal(len, 3); /* Plugins, b.txt, c.txt */
    target_names_free(names);
    assert_ok(target_file_delete(t, "C:\\Packages\\C.TXT"));
    assert_ok(target_file_delete(t, "C:\\Packages\\c.txt"));
    assert_ok(target_exists(t, "C:\\Packages\\c.txt", &found));
    assert_false(found);
    assert_fails(target_file_delete(t, "C:\\Packages"), E_FileUnwritable);
    assert_ok(target_file_list(t, "C:\\", &names, &found));
    assert_true(found);
    target_names_free(names);
    assert_ok(target_space_free(t, "C:\\", &bytes));
    assert_true(bytes > 0);
}

/* Nothing leads out of the disk. */
static void
test_ways_out(void **state)
{
    struct disk *d = *state;
    void *data;
    size_t len;
    bool found;
    char path[128];

    (void)snprintf(path, sizeof path, "%s/Users", d->path);
    assert_int_equal(symlink("/etc", path), 0);
    (void)snprintf(path, sizeof path, "%s/passwd", d->path);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    assert_fails(target_file_read(d->t, "C:\\Users\\passwd", &data, &len, &found),
        E_DiskElsewhere);
    assert_fails(target_file_read(d->t, "C:\\passwd", &data, &len, &found), E_DiskElsewhere);
    assert_fails(target_file_write(d->t, "C:\\Users\\x", "x", 1), E_DiskElsewhere);
    assert_fails(target_file_read(d->t, "C:\\..\\x", &data, &len, &found), E_InputInvalid);
    assert_fails(target_file_read(d->t, "D:\\x", &data, &len, &found), E_DiskElsewhere);
    assert_fails(target_file_read(d->t, "\\\\server\\x", &data, &len, &found),
        E_DiskElsewhere);
    assert_fails(target_file_read(d->t, "x", &data, &len, &found), E_InputInvalid);
}

static void
expect_load(struct target *t, const char *library, uint32_t error, const char *missing)
{
    struct target_load l = { 0 };

    assert_ok(target_load(t, library, deadline_in_ms(10000), &l));
    print_message("# %s\n", l.words);
    assert_int_equal(l.error, error);
    assert_int_equal(l.loads, error == 0);
    if (missing == NULL)
        assert_null(l.missing);
    else
        assert_string_equal(l.missing, missing);
    target_load_done(&l);
}

static void
put(struct disk *d, const char *name, const struct pe_spec *spec)
{
    char path[200];
    size_t len;
    uint8_t *data = pe_make(spec, &len);
    FILE *f;

    (void)snprintf(path, sizeof path, "%s/%s", d->path, name);
    f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
    free(data);
}

#define PROVIDER PLUGINS WINDOWS_LATEST "\\iaasvmprovider.dll"

static void
test_load(void **state)
{
    struct disk *d = *state;
    struct pe_spec runtime = { .exports = "malloc,free,_initterm" };
    struct pe_spec second = { .exports = "_Xlength_error", .imports = "MSVCR120.dll:malloc" };
    struct pe_spec old = { .exports = "malloc" };
    struct pe_spec x86 = { .machine = 0x14c, .exports = "malloc,free,_initterm" };
    struct pe_spec sets = { .imports = "api-ms-win-core-file-l1-1-0.dll:CreateFileW" };
    struct pe_spec circle = { .imports = "circle.dll:x", .exports = "x" };

    expect_load(d->t, PROVIDER, 126, "MSVCR120.dll");
    expect_load(d->t, "msvcr120.dll", 126, "msvcr120.dll");
    expect_load(d->t, "kernel32.dll", 0, NULL);
    put(d, "Windows/System32/msvcr120.dll", &runtime);
    expect_load(d->t, PROVIDER, 126, "MSVCP120.dll");
    put(d, "Windows/System32/MSVCP120.DLL", &second);
    expect_load(d->t, PROVIDER, 0, NULL);
    put(d, "Windows/System32/msvcr120.dll", &old);
    expect_load(d->t, PROVIDER, 127, "MSVCR120.dll");
    put(d, "Windows/System32/msvcr120.dll", &x86);
    expect_load(d->t, PROVIDER, 193, NULL);
    /* a private copy beside the plug-in comes first */
    put(d, WINDOWS_PLUGIN "/" WINDOWS_LATEST "/msvcr120.dll", &runtime);
    expect_load(d->t, PROVIDER, 0, NULL);
    put(d, "sets.dll", &sets);
    expect_load(d->t, "C:\\sets.dll", 0, NULL);
    put(d, "circle.dll", &circle);
    expect_load(d->t, "C:\\circle.dll", 0, NULL);
    assert_ok(target_file_write(d->t, "C:\\text.dll", "text", 4));
    expect_load(d->t, "C:\\text.dll", 193, NULL);
    expect_load(d->t, "C:\\nothing.dll", 126, "C:\\nothing.dll");
}

/* ---- refusals ---- */

static void
expect_refused(const char *path, int code)
{
    struct target *t = NULL;

    assert_fails(target_hive_open(path, "disk:w", &t), code);
    assert_null(t);
}

static void
patch(struct disk *d, const char *name, off_t at, const void *data, size_t len, bool checksum)
{
    uint8_t base[4096];
    char path[200];
    int fd;

    (void)snprintf(path, sizeof path, "%s/%s", d->path, name);
    fd = open(path, O_RDWR | O_CLOEXEC | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, data, len, at), (ssize_t)len);
    if (checksum) {
        assert_int_equal(pread(fd, base, sizeof base, 0), (ssize_t)sizeof base);
        hive_make_checksum(base);
        assert_int_equal(pwrite(fd, base, sizeof base, 0), (ssize_t)sizeof base);
    }
    assert_int_equal(close(fd), 0);
}

static void
test_refused(void **state)
{
    struct disk *d = *state;
    char path[200];

    expect_refused("/nonexistent", E_FileUnreadable);
    (void)snprintf(path, sizeof path, "%s/Packages", d->path);
    expect_refused(path, E_WindowsMissing);
    (void)snprintf(path, sizeof path, "%s/Windows/System32/ntdll.dll", d->path);
    expect_refused(path, E_HiveForeign);

    patch(d, "disk.raw", 510, "\x55\xaa", 2, false);
    (void)snprintf(path, sizeof path, "%s/disk.raw", d->path);
    expect_refused(path, E_DiskNotMounted);
    patch(d, "disk.qcow2", 508, "\0\0\0\0", 4, false);
    patch(d, "disk.qcow2", 0, "QFI\xfb", 4, false);
    (void)snprintf(path, sizeof path, "%s/disk.qcow2", d->path);
    expect_refused(path, E_DiskNotMounted);

    patch(d, "hiberfil.sys", 0, "hibr", 4, false);
    expect_refused(d->path, E_WindowsHibernated);
    patch(d, "hiberfil.sys", 0, "wake", 4, false);
    target_free(d->t);
    assert_ok(target_hive_open(d->path, "disk:w", &d->t));
    patch(d, "hiberfil.sys", 0, "RSTR", 4, false);
    expect_refused(d->path, E_WindowsHibernated);
    patch(d, "hiberfil.sys", 0, "\0\0\0\0", 4, false);

    patch(d, WINDOWS_CONFIG "/SOFTWARE", 4, "\2", 1, true);
    expect_refused(d->path, E_HiveDirty);
    patch(d, WINDOWS_CONFIG "/SOFTWARE", 4, "\1", 1, true);
    patch(d, WINDOWS_CONFIG "/SYSTEM", 100, "x", 1, false);
    expect_refused(d->path, E_HiveDirty);
    patch(d, WINDOWS_CONFIG "/SYSTEM", 100, "\0", 1, false);
    patch(d, WINDOWS_CONFIG "/SYSTEM", 4096 + 32, "\x10\0\0\0", 4, false); /* root: free */
    expect_refused(d->path, E_HiveDamaged);
}

static void
remake(struct disk *d, const char *name, const char *text)
{
    char path[200];
    uint8_t *data;
    size_t len;
    unsigned line;
    FILE *f;

    assert_true(hive_make(text, "SYSTEM", &data, &len, &line));
    (void)snprintf(path, sizeof path, "%s/%s", d->path, name);
    f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
    free(data);
}

static void
test_control_sets(void **state)
{
    struct disk *d = *state;
    char hive[200];

    (void)snprintf(hive, sizeof hive, "%s/" WINDOWS_CONFIG "/SYSTEM", d->path);
    remake(d, WINDOWS_CONFIG "/SYSTEM", "[Select]\n[ControlSet001]\n");
    expect_refused(hive, E_HiveDamaged);
    remake(d, WINDOWS_CONFIG "/SYSTEM", "[Select]\nCurrent = dword:2\n[ControlSet001]\n");
    expect_refused(hive, E_HiveDamaged);
    remake(d, WINDOWS_CONFIG "/SYSTEM", "[Select]\nCurrent = dword:5000\n[ControlSet001]\n");
    expect_refused(hive, E_HiveDamaged);
    remake(d, WINDOWS_CONFIG "/SYSTEM", "[x]\n");
    expect_refused(hive, E_HiveForeign);
    remake(d, WINDOWS_CONFIG "/SYSTEM",
        "[Select]\nCurrent = dword:3\nDefault = dword:1\n[ControlSet001\\a]\nx = dword:1\n"
        "[ControlSet003\\a]\nx = dword:33\n"
        "[ControlSet003\\Control\\Session Manager\\Environment]\n"
        "PROCESSOR_ARCHITECTURE = sz:x86\n");
    target_free(d->t);
    assert_ok(target_hive_open(hive, "disk:SYSTEM", &d->t));
    assert_int_equal(dword(d->t, "HKLM\\SYSTEM\\CurrentControlSet\\a", "x"), 33);
    assert_false(d->t->bits64);
}

/* One hive alone, and both without their Windows. */
static void
test_loose(void **state)
{
    struct disk *d = *state;
    struct target *t = NULL;
    char path[200];
    void *data;
    size_t len;
    bool found;

    (void)snprintf(path, sizeof path, "%s/" WINDOWS_CONFIG "/SYSTEM", d->path);
    assert_ok(target_hive_open(path, "disk:SYSTEM", &t));
    assert_int_equal(dword(t, MSISERVER, "Start"), 4);
    set_start(t, 3);
    assert_fails(target_reg_key(t, KEYS, &found), E_DiskElsewhere);
    assert_fails(target_file_read(t, "C:\\x", &data, &len, &found), E_TargetCannot);
    target_free(t);
    (void)snprintf(path, sizeof path, "%s/" WINDOWS_CONFIG "/SOFTWARE", d->path);
    assert_ok(target_hive_open(path, "disk:SOFTWARE", &t));
    assert_ok(target_reg_key(t, KEYS, &found));
    assert_true(found);
    assert_fails(target_reg_key(t, MSISERVER, &found), E_DiskElsewhere);
    target_free(t);
    (void)snprintf(path, sizeof path, "%s/" WINDOWS_CONFIG, d->path);
    assert_ok(target_hive_open(path, "disk:config", &t));
    assert_int_equal(dword(t, MSISERVER, "Start"), 3);
    assert_ok(target_reg_key(t, KEYS, &found));
    assert_true(found);
    target_free(t);
}

/* Names in other cases, as other systems write them. */
static void
test_case(void **state)
{
    struct disk *d = *state;
    char from[200], to[200];

    (void)snprintf(from, sizeof from, "%s/" WINDOWS_CONFIG "/SYSTEM", d->path);
    (void)snprintf(to, sizeof to, "%s/" WINDOWS_CONFIG "/system", d->path);
    assert_int_equal(rename(from, to), 0);
    (void)snprintf(from, sizeof from, "%s/Windows", d->path);
    (void)snprintf(to, sizeof to, "%s/WINDOWS", d->path);
    assert_int_equal(rename(from, to), 0);
    target_free(d->t);
    assert_ok(target_hive_open(d->path, "disk:w", &d->t));
    set_start(d->t, 3);
    assert_int_equal(dword(d->t, MSISERVER, "Start"), 3);
    expect_load(d->t, "kernel32.dll", 0, NULL);
}

/* ---- a real NTFS file system ---- */

struct ntfs {
    char folder[64], image[80], mount[80];
};

static bool
run(const char *a, const char *b, const char *c, const char *d, const char *e)
{
    const char *const argv[] = { a, b, c, d, e, NULL };
    int status = -1;

    assert_ok(proc_run(argv, deadline_in_ms(60000), &status, NULL));
    return status == 0;
}

static bool
can_mount(void)
{
    static const char *const programs[] = { "mkntfs", "ntfs-3g", "umount" };

    for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++) {
        auto_free char *path = NULL;

        assert_ok(proc_find(programs[i], &path));
        if (path == NULL)
            return false;
    }
    return geteuid() == 0 && access("/dev/fuse", R_OK | W_OK) == 0;
}

/* What Windows keeps of a file beside its bytes (who may do what) goes with the new file. */
static void
test_ntfs(void **state)
{
    static const char acl_of[] = "system.ntfs_acl";
    struct ntfs n;
    struct target *t = NULL;
    uint8_t acl[2][4096];
    ssize_t len[2];
    char hive[160];
    int fd;

    (void)state;
    if (!can_mount())
        skip();
    (void)snprintf(n.folder, sizeof n.folder, "/tmp/firn-ntfs.XXXXXX");
    assert_non_null(mkdtemp(n.folder));
    (void)snprintf(n.image, sizeof n.image, "%s/image", n.folder);
    (void)snprintf(n.mount, sizeof n.mount, "%s/mount", n.folder);
    fd = open(n.image, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0 && ftruncate(fd, 48 << 20) == 0 && close(fd) == 0);
    assert_int_equal(mkdir(n.mount, 0700), 0);
    assert_true(run("mkntfs", "-Q", "-F", "-q", n.image));
    expect_refused(n.image, E_DiskNotMounted);
    if (!run("ntfs-3g", n.image, n.mount, NULL, NULL)) {
        assert_true(run("rm", "-rf", n.folder, NULL, NULL));
        skip(); /* no right to mount */
    }
    assert_true(windows_make(n.mount, WINDOWS_BROKEN));
    (void)snprintf(hive, sizeof hive, "%s/" WINDOWS_CONFIG "/SYSTEM", n.mount);
    len[0] = getxattr(hive, acl_of, acl[0], sizeof acl[0]);
    assert_true(len[0] > 20);
    acl[0][len[0] - 4] ^= 1; /* another group than it would get by itself */
    assert_int_equal(setxattr(hive, acl_of, acl[0], (size_t)len[0], 0), 0);
    len[0] = getxattr(hive, acl_of, acl[0], sizeof acl[0]);
    assert_ok(target_hive_open(n.mount, "disk:ntfs", &t));
    there_and_back(t, "windows.service.start_type service=msiserver want=3", "start type 4",
        "start type 3");
    set_start(t, 3);
    target_free(t);
    len[1] = getxattr(hive, acl_of, acl[1], sizeof acl[1]);
    assert_int_equal(len[0], len[1]);
    assert_memory_equal(acl[0], acl[1], (size_t)len[0]);
    assert_true(run("umount", n.mount, NULL, NULL, NULL));

    /* it is on the disk */
    assert_true(run("ntfs-3g", n.image, n.mount, NULL, NULL));
    assert_ok(target_hive_open(n.mount, "disk:ntfs", &t));
    assert_int_equal(dword(t, MSISERVER, "Start"), 3);
    target_free(t);
    assert_true(run("umount", n.mount, NULL, NULL, NULL));
    assert_true(run("rm", "-rf", n.folder, NULL, NULL));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_registry, begin_broken, end_any),
        cmocka_unit_test_setup_teardown(test_remedies, begin_broken, end_any),
        cmocka_unit_test_setup_teardown(test_register, begin_broken, end_any),
        cmocka_unit_test_setup_teardown(test_cannot, begin_broken, end_any),
        cmocka_unit_test_setup_teardown(test_files, begin_broken, end_any),
        cmocka_unit_test_setup_teardown(test_ways_out, begin_broken, end_any),
        cmocka_unit_test_setup_teardown(test_load, begin_broken, end_any),
        cmocka_unit_test_setup_teardown(test_refused, begin_broken, end_any),
        cmocka_unit_test_setup_teardown(test_control_sets, begin_broken, end_any),
        cmocka_unit_test_setup_teardown(test_loose, begin_broken, end_any),
        cmocka_unit_test_setup_teardown(test_case, begin_broken, end_any),
        cmocka_unit_test(test_ntfs),
    };

    return cmocka_run_group_tests_name("target_hive", tests, NULL, NULL);
}
