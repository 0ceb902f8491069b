/* SPDX-License-Identifier: Apache-2.0 */
/* target_guest_linux.c -- files, libraries and packages by the guest's own tools.
 *
 * The few lines of shell are fixed; paths come to them as arguments and are never parsed.
 * They use what every shell and busybox has. */
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "codes.h"
#include "number.h"
#include "target_guest_internal.h"

enum { SH_ARGS_MAX = 4,
    SH_MISSING = 3,
    EXIT_NO_PACKAGE = 1,
    LOCK_LINES_MAX = 64 * 1024 };

struct err *
guest_shell(struct guest *m, const char *lines, const char *const args[], struct deadline by,
    uint32_t *ret_exit, struct qga_result *result)
{
    const char *argv[SH_ARGS_MAX + 5] = { "/bin/sh", "-c", lines, "sh" };
    size_t n = 4;

    for (; *args != NULL && n < SH_ARGS_MAX + 4; args++)
        argv[n++] = *args;
    argv[n] = NULL;
    return guest_exec(m, argv, by, ret_exit, result);
}

/* Lines whose exit status says it all. */
static struct err *
shell_or(struct guest *m, const char *lines, const char *one, const char *two, const char *what)
{
    const char *const args[] = { one, two, NULL };
    uint32_t code;

    TRY(guest_shell(m, lines, args, guest_by(m), &code, NULL));
    return code != 0 ? guest_refused(m, what, code) : NULL;
}

/* ---- files ---- */

static struct err *
list(struct guest *m, const char *folder, char ***ret, bool *ret_found)
{
    static const char lines[] =
        "cd -- \"$1\" 2>/dev/null || exit 3; "
        "for f in * .*; do case $f in .|..) continue;; esac; "
        "[ -e \"$f\" ] || [ -L \"$f\" ] || continue; printf '%s\\000' \"$f\"; done; exit 0";
    const char *const args[] = { folder, NULL };
    struct qga_result r = { 0 };
    uint32_t code;

    TRY(guest_shell(m, lines, args, guest_by(m), &code, &r));
    struct err *e = NULL;
    *ret_found = code == 0;
    if (code == 0)
        e = guest_names(m, (const char *)r.out, r.out_len, '\0', ret);
    else if (code != SH_MISSING)
        e = guest_refused(m, "list a folder", code);
    qga_result_done(&r);
    return e;
}

static struct err *
move(struct guest *m, const char *from, const char *to)
{
    return shell_or(m, "mv -f -- \"$1\" \"$2\"", from, to, "rename a file");
}

/* With owner and rights of the file whose place it takes. */
static struct err *
prepare(struct guest *m, const char *fresh, const char *path)
{
    return shell_or(m,
        "[ ! -d \"$2\" ] || exit 21; rm -f -- \"$1\"; "
        "if [ -e \"$2\" ]; then cp -p -- \"$2\" \"$1\"; exit; fi; "
        "case ${2##*/} in *" TARGET_OLD "*) umask 077; : > \"$1\";; esac",
        fresh, path, "write a file");
}

static struct err *
replace(struct guest *m, const char *fresh, const char *path)
{
    return shell_or(m,
        "{ sync -- \"$1\" 2>/dev/null || sync; } && mv -f -- \"$1\" \"$2\" && "
        "{ sync -- \"$2\" 2>/dev/null || sync; }",
        fresh, path, "write a file");
}

static struct err *delete (struct guest *m, const char *path)
{
    return shell_or(m, "rm -f -- \"$1\"", path, NULL, "delete a file");
}

/* Blocks and their size, of the folder that is there. */
static struct err *
space(struct guest *m, const char *path, uint64_t *ret_bytes)
{
    static const char lines[] = "p=$1; while [ ! -e \"$p\" ]; do p=${p%/*}; p=${p:-/}; done; "
                                "stat -f -c '%a %S' -- \"$p\"";
    const char *const args[] = { path, NULL };
    struct qga_result r = { 0 };
    uint64_t blocks = 0, size = 0, bytes = 0;
    uint32_t code;

    TRY(guest_shell(m, lines, args, guest_by(m), &code, &r));
    char *text = (char *)r.out, *blank = strchr(text, ' '), *end = strchr(text, '\n');
    bool ok = code == 0 && blank != NULL && end != NULL;
    if (ok) {
        *blank = *end = '\0';
        ok = number_parse(text, &blocks) && number_parse(blank + 1, &size) &&
            mul_ok(blocks, size, &bytes);
    }
    qga_result_done(&r);
    if (!ok)
        return guest_refused(m, "tell the free space", code);
    *ret_bytes = bytes;
    return NULL;
}

/* ---- libraries ---- */

static const char *
loader_of(const struct qga_os *os)
{
    if (strcmp(os->machine, "x86_64") == 0)
        return "/lib64/ld-linux-x86-64.so.2";
    if (strcmp(os->machine, "aarch64") == 0)
        return "/lib/ld-linux-aarch64.so.1";
    return NULL;
}

/* The name between ${before} and ${after}, for the caller; NULL when it is not there. */
static struct err *
name_between(const char *words, const char *before, const char *after, char **ret)
{
    const char *from = strstr(words, before), *to;

    from = from != NULL ? from + strlen(before) : NULL;
    to = from != NULL ? strstr(from, after) : NULL;
    if (to == NULL || memchr(from, '\n', (size_t)(to - from)) != NULL)
        return NULL;
    *ret = strndup(from, (size_t)(to - from));
    return *ret == NULL ? fail(OutOfMemory) : NULL;
}

/* The loader's own words are no message of a library of translations; they are the same in
 * every language. */
struct err *
guest_classify_load(struct target_load *l)
{
    static const struct {
        const char *words;
        uint32_t error;
    } kinds[] = {
        { "cannot open shared object file", TARGET_LOAD_MISSING },
        { "version `", TARGET_LOAD_TOO_NEW },
        { "wrong ELF class", TARGET_LOAD_CLASS },
        { "undefined symbol", TARGET_LOAD_SYMBOL },
        { "symbol lookup error", TARGET_LOAD_SYMBOL },
    };

    l->error = TARGET_LOAD_OTHER;
    for (size_t i = sizeof kinds / sizeof kinds[0]; i-- > 0;)
        if (strstr(l->words, kinds[i].words) != NULL)
            l->error = kinds[i].error;
    if (l->error != TARGET_LOAD_MISSING)
        return NULL;
    TRY(name_between(l->words, "shared libraries: ", ": cannot open", &l->missing));
    if (l->missing == NULL) /* the library itself: "libx.so.1: cannot open ..." */
        TRY(name_between(l->words, "", ": cannot open", &l->missing));
    return NULL;
}

/* The system's loader, asked to list what a library needs, looks for all of it and binds
 * every symbol. */
static struct err *
load_by_loader(struct guest *m, const char *loader, const char *library, struct deadline by,
    struct target_load *ret)
{
    const char *const args[] = { "--list", library, NULL };
    const char *const env[] = { "LC_ALL=C", "LD_BIND_NOW=1", "LD_WARN=yes", NULL };
    struct qga_program p = { .path = loader, .args = args, .env = env };
    struct target_load l = { 0 };
    struct qga_result r = { 0 };

    TRY(qga_run(m->g, &p, by, &r));
    l.loads = r.exit == 0 && r.signal == 0 && r.err_len == 0;
    struct err *e = NULL;
    r.out[0] = '\0'; /* what it found is of no interest */
    if (!l.loads)
        e = guest_output(&r, &l.words);
    if (e == NULL && !l.loads)
        e = guest_classify_load(&l);
    qga_result_done(&r);
    if (e != NULL)
        target_load_done(&l);
    else
        *ret = l;
    return e;
}

static struct err *
load(struct guest *m, const char *library, struct deadline by, struct target_load *ret)
{
    const struct qga_os *os;

    if (m->plugin_host != NULL)
        return guest_load_by_host(m, library, by, ret);
    TRY(qga_os(m->g, guest_by(m), &os));
    const char *loader = loader_of(os);
    if (loader == NULL)
        return fail(TargetCannot, m->t.name, "load libraries on such a machine");
    return load_by_loader(m, loader, library, by, ret);
}

/* ---- packages ---- */

/* Is ${lock}, as "fe:00:131090", on this file?  The kernel names the device of the file system
 * there.  That of btrfs and overlay is a number without a disk (major 0), and stat tells yet
 * another one: then the inode decides alone, since who waits for nobody loses less than who
 * disturbs an installer. */
static bool
is_lock_on(char *lock, const char *inode, uint64_t device)
{
    char *minor_text = lock, *major_text = strsep(&minor_text, ":"), *its;
    uint64_t above, below;

    its = minor_text != NULL ? strchr(minor_text, ':') : NULL;
    if (its == NULL || strcmp(its + 1, inode) != 0)
        return false;
    *its = '\0';
    if (!number_parse_hex(major_text, &above) || !number_parse_hex(minor_text, &below) ||
        above == 0 || major(device) == 0)
        return true;
    return above == major(device) && below == minor(device);
}

/* A line of the kernel's list: "1: POSIX  ADVISORY  WRITE 1234 fe:00:131090 0 EOF". */
bool
guest_lock_holder(const char *locks, const char *inode, uint64_t device,
    char to[GUEST_HOLDER_MAX])
{
    for (; *locks != '\0'; locks += *locks != '\0') {
        size_t len = strcspn(locks, "\n");
        char line[200], *word[8], *rest = line;
        size_t n = 0;

        snprintf(line, sizeof(line), "%.*s", (int)(len < sizeof(line) ? len : sizeof(line) - 1),
            locks);
        locks += len;
        while (n < 8 && (word[n] = strsep(&rest, " ")) != NULL)
            n += *word[n] != '\0';
        if (n < 6 || strcmp(word[1], "->") == 0)
            continue;
        if (!is_lock_on(word[5], inode, device))
            continue;
        snprintf(to, GUEST_HOLDER_MAX, "%.20s", word[4]);
        return true;
    }
    return false;
}

/* "apt-get (process 1234)"; the program may have ended meanwhile. */
static struct err *
name_holder(struct guest *m, const char *pid, char **ret)
{
    static const char lines[] = "cat \"/proc/$1/comm\" 2>/dev/null; exit 0";
    const char *const args[] = { pid, NULL };
    struct qga_result r = { 0 };
    uint32_t code;

    TRY(guest_shell(m, lines, args, guest_by(m), &code, &r));
    int len = (int)strcspn((const char *)r.out, "\n");
    int n = asprintf(ret, "%.*s (process %s)", len == 0 ? 9 : len < 64 ? len : 64,
        len == 0 ? "a program" : (const char *)r.out, pid);

    qga_result_done(&r);
    return n < 0 ? fail(OutOfMemory) : NULL;
}

/* Is one of ${files}, lines "INODE DEVICE" as stat prints them, locked? */
static bool
any_locked(const char *locks, char *files, char to[GUEST_HOLDER_MAX])
{
    char *line;

    while ((line = strsep(&files, "\n")) != NULL) {
        const char *inode = strsep(&line, " ");
        uint64_t device = 0;

        if (line == NULL || !number_parse_hex(line, &device))
            device = 0; /* the inode alone, then */
        if (*inode != '\0' && guest_lock_holder(locks, inode, device, to))
            return true;
    }
    return false;
}

static struct err *
busy(struct guest *m, bool *ret_busy, char **ret_who)
{
    const char *const args[] = { NULL };
    struct qga_result r = { 0 };
    auto_free uint8_t *locks = NULL;
    char who[GUEST_HOLDER_MAX] = "";
    size_t len;
    uint32_t code;

    *ret_busy = false;
    if (ret_who != NULL)
        *ret_who = NULL;
    TRY(guest_shell(m,
        "for f in /var/lib/dpkg/lock-frontend /var/lib/dpkg/lock /var/lib/apt/lists/lock "
        "/var/cache/apt/archives/lock; do [ ! -e $f ] || stat -c '%i %D' $f; done",
        args, guest_by(m), &code, &r));
    struct err *e = qga_read_file(m->g, "/proc/locks", LOCK_LINES_MAX, guest_by(m), &locks,
        &len);
    *ret_busy = e == NULL && any_locked((const char *)locks, (char *)r.out, who);
    qga_result_done(&r);
    TRY(e);
    return *ret_busy && ret_who != NULL ? name_holder(m, who, ret_who) : NULL;
}

const struct guest_files guest_linux_files = { move, delete, list, prepare, replace, space,
    load, busy };

/* "installed 1.2-3": words of dpkg's data base, in no language. */
struct err *
guest_package_version(struct target *t, const char *name, char **ret_version, bool *ret_found)
{
    static const char installed[] = "installed ";
    const char *const argv[] = { "dpkg-query", "-W", "-f", "${db:Status-Status} ${Version}\\n",
        name, NULL };
    struct guest *m = guest_of(t);
    struct qga_result r = { 0 };
    struct err *e = NULL;
    uint32_t code;

    TRY(guest_exec(m, argv, guest_by(m), &code, &r));
    const char *text = (const char *)r.out;
    *ret_found = code == 0 && strncmp(text, installed, sizeof(installed) - 1) == 0;
    if (*ret_found) {
        text += sizeof(installed) - 1;
        *ret_version = strndup(text, strcspn(text, "\n"));
        e = *ret_version == NULL ? fail(OutOfMemory) : NULL;
    } else if (code > EXIT_NO_PACKAGE) {
        e = guest_refused(m, "tell the version of a package", code);
    }
    qga_result_done(&r);
    return e;
}

/* Numbered files that dpkg has not worked off, or packages between two states. */
struct err *
guest_package_interrupted(struct target *t, bool *ret)
{
    static const char lines[] =
        "for f in /var/lib/dpkg/updates/[0-9]*; do [ ! -e \"$f\" ] || exit 10; done; "
        "s=$(dpkg-query -W -f '${db:Status-Status}\\n') || exit 1; "
        "case $s in *half-*|*unpacked*|*triggers-awaited*) exit 10;; esac; exit 0";
    const char *const args[] = { NULL };
    struct guest *m = guest_of(t);
    uint32_t code;

    TRY(guest_shell(m, lines, args, guest_by(m), &code, NULL));
    if (code != 0 && code != 10)
        return guest_refused(m, "tell whether dpkg was interrupted", code);
    *ret = code == 10;
    return NULL;
}

/* Packages are changed without a question to anybody.  apt-get waits a while for others. */
static struct err *
change_packages(struct target *t, const char *lines, const char *what, struct deadline by,
    uint32_t *ret_exit, char **ret_output)
{
    const char *const args[] = { what, NULL };
    struct guest *m = guest_of(t);
    struct qga_result r = { 0 };
    struct err *e = guest_shell(m, lines, args, by, ret_exit, &r);

    if (err_code(e) == E_GuestProgramOverdue)
        return err_because(fail(DeadlinePassed, "the package manager"), e);
    TRY(e);
    if (ret_output != NULL)
        e = guest_output(&r, ret_output);
    qga_result_done(&r);
    return e;
}

#define QUIET "export DEBIAN_FRONTEND=noninteractive LC_ALL=C; "
#define KEEP_FILES "-o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold"
#define APT_GET "apt-get -q -y -o DPkg::Lock::Timeout=60 "

/* A file that was asked for is unpacked again where dpkg holds its package for installed: its
 * files may be lost. */
struct err *
guest_package_install(struct target *t, const char *what, struct deadline by,
    uint32_t *ret_exit, char **ret_output)
{
    const char *lines = what[0] == '/'
        ? QUIET "exec " APT_GET "--no-remove " KEEP_FILES " --reinstall install -- \"$1\""
        : QUIET "exec " APT_GET "--no-remove " KEEP_FILES " install -- \"$1\"";

    return change_packages(t, lines, what, by, ret_exit, ret_output);
}

struct err *
guest_package_remove(struct target *t, const char *name, struct deadline by,
    uint32_t *ret_exit, char **ret_output)
{
    return change_packages(t, QUIET "exec " APT_GET "remove -- \"$1\"", name, by, ret_exit,
        ret_output);
}

/* What was interrupted is finished; then what still lacks others gets them. */
struct err *
guest_package_configure(struct target *t, struct deadline by, uint32_t *ret_exit,
    char **ret_output)
{
    return change_packages(t,
        QUIET "dpkg --force-confdef --force-confold --configure -a && "
              "[ -z \"$(dpkg --audit)\" ] && exit 0; "
              "exec " APT_GET KEEP_FILES " -f install",
        NULL, by, ret_exit, ret_output);
}
