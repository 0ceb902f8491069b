/* SPDX-License-Identifier: Apache-2.0 */
/* A Linux guest as a target: the real qemu-ga, with this machine as its guest, in a mount
 * namespace where the folders that would be changed are other ones. */
#include "check.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "pattern.h"
#include "proc.h"
#include "qga.h"
#include "target_guest_internal.h"

enum { PATIENT_MS = 60000,
    START_MS = 20000 };

static struct proc *agent;
static char sock[200];

static const char START[] =
    "D=$1; mkdir -p \"$D/updates\"; : > \"$D/lock\"; "
    "for p in /etc/systemd/system; do [ ! -d $p ] || mount -t tmpfs none $p || exit 9; done; "
    "[ ! -d /var/lib/dpkg/updates ] || "
    "mount --bind \"$D/updates\" /var/lib/dpkg/updates || exit 9; "
    "[ ! -e /var/lib/dpkg/lock-frontend ] || "
    "mount --bind \"$D/lock\" /var/lib/dpkg/lock-frontend || exit 9; "
    "exec qemu-ga -m unix-listen -p \"$D/ga\" -t \"$D\" -l \"$D/ga.log\" -b guest-shutdown,"
    "guest-fsfreeze-freeze,guest-fsfreeze-freeze-list,guest-fsfreeze-thaw,guest-fstrim,"
    "guest-suspend-disk,guest-suspend-ram,guest-suspend-hybrid,guest-set-time";

static int
start_agent(void **state)
{
    const char *argv[] = { "unshare", "-m", "--propagation", "private", "sh", "-c", START, "sh",
        pattern_folder(), NULL };
    struct deadline by = deadline_in_ms(START_MS);
    auto_free char *ga = NULL, *unshare = NULL;
    bool ended = false;
    int status = 0;

    (void)state;
    assert_ok(proc_find("qemu-ga", &ga));
    assert_ok(proc_find("unshare", &unshare));
    if (ga == NULL || unshare == NULL || getuid() != 0)
        return 0;
    snprintf(sock, sizeof(sock), "%s", pattern_path("ga"));
    assert_ok(proc_start(argv, NULL, &agent));
    while (!pattern_listens(sock) && !ended && !deadline_passed(by))
        assert_ok(proc_wait(agent, deadline_in_ms(5), &ended, &status));
    if (ended) { /* no namespace to be had here */
        proc_free(agent);
        agent = NULL;
    }
    return 0;
}

static int
stop_agent(void **state)
{
    (void)state;
    proc_free(agent);
    return 0;
}

static struct target *
guest(void)
{
    const struct target_guest_options options = { .name = "web1" };
    struct target *t = NULL;

    if (agent == NULL) {
        print_message("# needs qemu-ga (package qemu-guest-agent), root and namespaces\n");
        skip();
    }
    assert_ok(target_guest_open(sock, &options, deadline_in_ms(PATIENT_MS), &t));
    return t;
}

static struct deadline
patient(void)
{
    return deadline_in_ms(PATIENT_MS);
}

static void
what_it_can(void **state)
{
    auto_ptr(target) t = guest();
    bool found;

    (void)state;
    assert_int_equal(t->os, ACTION_LINUX);
    assert_int_equal(t->can,
        TARGET_FILES | TARGET_PROGRAMS | TARGET_LIBRARIES | TARGET_PACKAGES | TARGET_UNITS);
    assert_non_null(strstr(t->cannot[0], "forbids guest-shutdown"));
    assert_null(t->cannot[1]);
    assert_fails(target_restart(t, patient()), E_TargetCannot);
    assert_fails(target_reg_key(t, "HKLM\\SOFTWARE", &found), E_TargetCannot);
}

static void
assert_content(struct target *t, const char *path, const char *words)
{
    auto_free void *data = NULL;
    bool found = false;
    size_t len = 0;

    assert_ok(target_file_read(t, path, &data, &len, &found));
    assert_true(found);
    assert_int_equal(len, strlen(words));
    assert_memory_equal(data, words, len);
}

static void
files(void **state)
{
    auto_ptr(target) t = guest();
    auto_free void *data = NULL;
    bool found = true;
    size_t len = 0;
    struct stat st;

    (void)state;
    assert_int_equal(mkdir(pattern_path("f"), 0755), 0);
    const char *path = pattern_path("f/a b'\"$(id)");
    assert_ok(target_file_read(t, path, &data, &len, &found));
    assert_false(found);
    assert_ok(target_file_write(t, path, "one", 3));
    assert_content(t, path, "one");
    /* what takes its place has its rights */
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(chown(path, 1, 2), 0);
    assert_ok(target_file_write(t, path, "a second text", 13));
    assert_content(t, path, "a second text");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_int_equal(st.st_uid, 1);
    assert_int_equal(st.st_gid, 2);
    assert_ok(target_file_write(t, path, "", 0));
    assert_content(t, path, "");
    assert_ok(target_file_rename(t, path, pattern_path("f/.hidden")));
    assert_ok(target_exists(t, path, &found));
    assert_false(found);
    assert_ok(target_file_write(t, path, "x", 1));
    assert_fails(target_file_rename(t, path, pattern_path("f/.hidden")), E_TargetRefused);
    assert_ok(target_file_delete(t, path));
    assert_ok(target_file_delete(t, path)); /* what is not there is fine */
    assert_fails(target_file_write(t, pattern_path("f"), "x", 1), E_TargetRefused);
    assert_fails(target_file_write(t, "/proc/none", "x", 1), E_GuestFileFailed);
    assert_ok(target_file_delete(t, pattern_path("f/.hidden")));
}

static void
folders(void **state)
{
    static const char *const names[] = { ".dot", "-rf", "*", "line\nend", "a b", "\xff" };
    enum { N = sizeof names / sizeof names[0] };
    auto_ptr(target) t = guest();
    char **list = NULL, path[600];
    bool found = true;
    size_t n = 0;

    (void)state;
    assert_ok(target_file_list(t, pattern_path("no folder"), &list, &found));
    assert_false(found);
    assert_int_equal(mkdir(pattern_path("l"), 0755), 0);
    assert_ok(target_file_list(t, pattern_path("l"), &list, &found));
    assert_true(found);
    assert_null(list[0]);
    target_names_free(list);
    for (size_t i = 0; i < N; i++) {
        snprintf(path, sizeof(path), "%s/%s", pattern_path("l"), names[i]);
        assert_int_equal(symlink("nowhere", path), 0);
    }
    assert_ok(target_file_list(t, pattern_path("l"), &list, &found));
    for (; list[n] != NULL; n++) {
        size_t k = 0;
        while (k < N && strcmp(names[k], list[n]) != 0)
            k++;
        assert_true(k < N);
    }
    assert_int_equal(n, N);
    target_names_free(list);
}

static void
programs(void **state)
{
    const char *const argv[] = { "/bin/sh", "-c", "echo out; echo err >&2; exit 7", NULL };
    const char *const missing[] = { "/no/such/program", NULL };
    const char *const slow[] = { "/bin/sleep", "1000", NULL };
    auto_ptr(target) t = guest();
    auto_free char *output = NULL, *id = NULL, *again = NULL;
    uint32_t code = 0;
    uint64_t bytes = 0;

    (void)state;
    assert_ok(target_run(t, argv, patient(), &code, &output));
    assert_int_equal(code, 7);
    assert_string_equal(output, "out\nerr\n");
    struct err *e = target_run(t, missing, patient(), &code, NULL);
    assert_true(err_has(e, E_GuestProgramUnstarted));
    assert_fails(e, E_TargetRefused);
    e = target_run(t, slow, deadline_in_ms(100), &code, NULL);
    assert_true(err_has(e, E_GuestProgramOverdue));
    assert_fails(e, E_DeadlinePassed);
    assert_ok(target_boot_id(t, &id));
    assert_ok(target_boot_id(t, &again));
    assert_string_equal(id, again);
    assert_ok(target_space_free(t, pattern_path("not/there/yet"), &bytes));
    assert_true(bytes > 0 && bytes < UINT64_C(1) << 60);
}

static void
assert_load(struct target *t, const char *library, uint32_t error, const char *missing)
{
    struct target_load l = { 0 };

    assert_ok(target_load(t, library, patient(), &l));
    assert_int_equal(l.loads, error == 0);
    assert_int_equal(l.error, error);
    if (missing != NULL)
        assert_string_equal(l.missing, missing);
    target_load_done(&l);
}

static void
libraries(void **state)
{
    static const uint8_t elf32[64] = { 0x7f, 'E', 'L', 'F', 1, 1, 1, 0, [16] = 3, [18] = 3,
        [20] = 1 };
    auto_ptr(target) t = guest();

    (void)state;
    assert_load(t, "libc.so.6", 0, NULL);
    assert_load(t, "libfirn-nowhere.so.1", TARGET_LOAD_MISSING, "libfirn-nowhere.so.1");
    pattern_to_file(pattern_path("elf32.so"), elf32, sizeof(elf32), NULL);
    assert_load(t, pattern_path("elf32.so"), TARGET_LOAD_CLASS, NULL);
    pattern_to_file(pattern_path("junk.so"), (const uint8_t *)"junk", 4, NULL);
    assert_load(t, pattern_path("junk.so"), TARGET_LOAD_OTHER, NULL);
}

static void
packages(void **state)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    auto_ptr(target) t = guest();
    auto_free char *version = NULL, *who = NULL;
    bool found = true, interrupted = true, busy = true;
    char expected[60];

    (void)state;
    if (access("/var/lib/dpkg/lock-frontend", F_OK) != 0) {
        print_message("# needs dpkg\n");
        skip();
    }
    assert_ok(target_package_version(t, "firn-no-such-package", &version, &found));
    assert_false(found);
    assert_ok(target_package_version(t, "dpkg", &version, &found));
    assert_true(found && version[0] >= '1' && version[0] <= '9');
    pattern_to_file(pattern_path("updates/0001"), (const uint8_t *)"x", 1, NULL);
    assert_ok(target_package_interrupted(t, &interrupted));
    assert_true(interrupted);
    assert_ok(target_installer_busy(t, &busy, &who));
    assert_false(busy);
    auto_fd int fd = open(pattern_path("lock"), O_RDWR | O_CLOEXEC);
    assert_int_equal(fcntl(fd, F_SETLK, &lock), 0);
    assert_ok(target_installer_busy(t, &busy, &who));
    assert_true(busy);
    snprintf(expected, sizeof(expected), "unit-target_gue (process %d)", (int)getpid());
    assert_string_equal(who, expected);
}

/* Another file's lock, of the same number in another file system, is no installer's. */
static void
locks_of_other_files(void **state)
{
    static const char locks[] = "1: POSIX  ADVISORY  WRITE 11 08:12:100 0 EOF\n"
                                "1: -> POSIX  ADVISORY  WRITE 12 fe:00:200 0 EOF\n"
                                "2: FLOCK  ADVISORY  WRITE 13 fe:00:300 0 EOF\n"
                                "3: OFDLCK ADVISORY  READ  14 103:01:400 0 EOF\n"
                                "4: POSIX  ADVISORY  WRITE 15 00:2a:500 0 EOF\n"
                                "5: POSIX  ADVISORY  WRITE 16 odd\n"
                                "6: POSIX  ADVISORY  WRITE 17 fe:00:30 0 EOF\n"
                                "7: LEASE  ACTIVE    READ  18 fe:100:600 0 EOF\n";
    static const struct {
        const char *inode;
        uint64_t device; /* as stat has it */
        const char *holder; /* NULL: nobody */
    } cases[] = {
        { "100", 0x812, "11" },
        { "100", 0x813, NULL },   /* another partition */
        { "100", 0xfe12, NULL },  /* another kind of disk */
        { "100", 0, "11" },       /* not known */
        { "100", 0x2b, "11" },    /* overlay tells a device of none */
        { "200", 0xfe00, NULL },  /* who waits does not hold */
        { "300", 0xfe00, "13" },
        { "30", 0xfe00, "17" },
        { "0", 0xfe00, NULL },
        { "400", 0x10301, "14" }, /* major 259 */
        { "400", 0x301, NULL },
        { "500", 0x2b, "15" },    /* a volume of btrfs has a number of its own */
        { "500", 0xfe00, "15" },
        { "600", 0x10fe00, "18" }, /* minor 256 */
        { "600", 0xfe00, NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char holder[GUEST_HOLDER_MAX] = "";
        bool held = guest_lock_holder(locks, cases[i].inode, cases[i].device, holder);

        print_message("# %s on %llx\n", cases[i].inode, (unsigned long long)cases[i].device);
        assert_int_equal(held, cases[i].holder != NULL);
        assert_string_equal(holder, cases[i].holder != NULL ? cases[i].holder : "");
    }
}

static void
units(void **state)
{
    static const char timer[] = "apt-daily.timer";
    auto_ptr(target) t = guest();
    auto_free char *tool = NULL;
    enum target_unit is = UNIT_STATIC;
    bool active = true;

    (void)state;
    assert_ok(proc_find("systemctl", &tool));
    if (tool == NULL || access("/lib/systemd/system/apt-daily.timer", F_OK) != 0) {
        print_message("# needs systemctl and %s\n", timer);
        skip();
    }
    assert_ok(target_unit_get(t, "firn-none.service", &is, &active));
    assert_int_equal(is, UNIT_MISSING);
    assert_ok(target_unit_get(t, timer, &is, &active));
    assert_int_equal(is, UNIT_DISABLED); /* /etc/systemd/system is empty there */
    static const enum target_unit wants[] = { UNIT_ENABLED, UNIT_MASKED, UNIT_DISABLED,
        UNIT_MASKED, UNIT_ENABLED, UNIT_ENABLED, UNIT_DISABLED };
    for (size_t i = 0; i < sizeof wants / sizeof wants[0]; i++) {
        assert_ok(target_unit_set(t, timer, wants[i]));
        assert_ok(target_unit_get(t, timer, &is, &active));
        assert_int_equal(is, wants[i]);
    }
}

/* ---- services of a Windows guest that need another ---- */

static void
assert_names(const char *text, const char *want)
{
    struct guest m = { .t.name = (char[]){ "web1" } };
    char told[2000] = "", **names = NULL;

    assert_ok(guest_dependents_in(&m, text, &names));
    for (size_t i = 0; names[i] != NULL; i++)
        snprintf(told + strlen(told), sizeof(told) - strlen(told), "%s%s", i > 0 ? " " : "",
            names[i]);
    target_names_free(names);
    assert_string_equal(told, want);
}

#define TYPE "        TYPE               : 20  WIN32_SHARE_PROCESS  \r\n"
#define STATE(n) "        STATE              : " n " \r\n"
#define FLAGS "                                (STOPPABLE, PAUSABLE, ACCEPTS_SHUTDOWN)\r\n"
#define REST "        WIN32_EXIT_CODE    : 0  (0x0)\r\n        CHECKPOINT         : 0x0\r\n\r\n"

static void
dependents_are_read_by_their_places(void **state)
{
    struct guest m = { .t.name = (char[]){ "web1" } };
    char many[TARGET_DEPENDENTS_MAX * 200] = "";
    char **names = NULL;
    size_t n = 0;

    (void)state;
    assert_names("Enum: entriesRead  = 0\r\n\r\n", "");
    assert_names("", "");
    assert_names("Enum: entriesRead  = 3\r\n\r\nSERVICE_NAME: SENS\r\n"
                 "DISPLAY_NAME: System Event Notification Service\r\n" TYPE STATE("4  RUNNING")
                     FLAGS REST "SERVICE_NAME: Off\r\nDISPLAY_NAME: \r\n" TYPE
                     STATE("1  STOPPED") REST "SERVICE_NAME: COMSysApp\r\n"
                 "DISPLAY_NAME: COM+ : 1\r\n" TYPE STATE("2  START_PENDING") FLAGS REST,
        "SENS COMSysApp");
    /* other words; a name with blanks; lines that end otherwise */
    assert_names("Anzahl: 1\n\nDIENSTNAME: My Service\nANZEIGENAME: x: y\n        TYP : 10\n"
                 "        STATUS : 7\n        REST : 0\n", "My Service");
    /* what is no answer names nobody */
    assert_names("[SC] OpenService FAILED 5:\r\n\r\nAccess is denied.\r\n", "");
    assert_fails(guest_dependents_in(&m, "SERVICE_NAME: x\n" TYPE STATE("4") REST, &names),
        E_AgentWrong);
    assert_fails(guest_dependents_in(&m, "NAME:\nSHOWN: x\n" TYPE STATE("4") REST, &names),
        E_AgentWrong);
    assert_fails(guest_dependents_in(&m, "NAME: x\nSHOWN: x\n" TYPE STATE("RUNNING") REST,
                     &names), E_AgentWrong);
    assert_fails(guest_dependents_in(&m, "NAME: \x81x\nSHOWN: x\n" TYPE STATE("4"), &names),
        E_TargetCannot);
    for (int i = 0; i < TARGET_DEPENDENTS_MAX + 5; i++)
        n += (size_t)snprintf(many + n, sizeof(many) - n, "N: s%d\nD: d\n T : 1\n S : 4\n", i);
    assert_ok(guest_dependents_in(&m, many, &names));
    for (n = 0; names[n] != NULL; n++)
        continue;
    assert_int_equal(n, TARGET_DEPENDENTS_MAX + 1); /* too many, whoever asks sees */
    target_names_free(names);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_it_can),
        cmocka_unit_test(files),
        cmocka_unit_test(folders),
        cmocka_unit_test(programs),
        cmocka_unit_test(libraries),
        cmocka_unit_test(packages),
        cmocka_unit_test(locks_of_other_files),
        cmocka_unit_test(units),
        cmocka_unit_test(dependents_are_read_by_their_places),
    };

    return cmocka_run_group_tests(tests, start_agent, stop_agent);
}
