/* SPDX-License-Identifier: Apache-2.0 */
/* target_local_system.c -- libraries, packages and units of this machine or of a tree. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "codes.h"
#include "proc.h"
#include "target_local_internal.h"
#include "text.h"

#define DPKG_FOLDER "/var/lib/dpkg"

enum { SHORT_MS = 60 * 1000 };

static const char *const plain_env[] = { "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive", NULL };

/* ---- libraries ---- */

#if defined(__x86_64__)
#define LOADER "/lib64/ld-linux-x86-64.so.2"
#define TRIPLET "x86_64-linux-gnu"
#elif defined(__aarch64__)
#define LOADER "/lib/ld-linux-aarch64.so.1"
#define TRIPLET "aarch64-linux-gnu"
#endif

#ifdef LOADER

/* Where a tree keeps libraries, in the order in which its loader looks. */
static const char *const folders[] = { "/lib/" TRIPLET, "/usr/lib/" TRIPLET,
    "/usr/local/lib/" TRIPLET, "/usr/local/lib", "/lib64", "/usr/lib64", "/lib", "/usr/lib" };
enum { FOLDERS = sizeof(folders) / sizeof(folders[0]) };

static uint32_t
class_of(const char *words)
{
    return strstr(words, "wrong ELF class") != NULL ? TARGET_LOAD_CLASS
        : strstr(words, "version `") != NULL ? TARGET_LOAD_TOO_NEW
        : strstr(words, "undefined symbol") != NULL ? TARGET_LOAD_SYMBOL
        : strstr(words, "cannot open shared object file") != NULL ||
              strstr(words, "not found") != NULL
        ? TARGET_LOAD_MISSING : TARGET_LOAD_OTHER;
}

/* "libx.so.1: cannot open shared object file" and "libx.so.1 => not found" name the one. */
static char *
missing_in(const char *words)
{
    static const char *const marks[] = { ": cannot open shared object file", " => not found" };

    for (size_t i = 0; i < 2; i++) {
        const char *mark = strstr(words, marks[i]), *s = mark;

        while (s != NULL && s > words && strchr(" \t\n'", s[-1]) == NULL)
            s--;
        if (s != NULL && s < mark)
            return strndup(s, (size_t)(mark - s));
    }
    return NULL;
}

static struct err *
judge(int code, const char *words, struct target_load *ret)
{
    bool bad = code != 0 || strstr(words, "ERROR: ld.so") != NULL ||
        strstr(words, "not found") != NULL || strstr(words, "undefined symbol") != NULL;

    *ret = (struct target_load){ .loads = !bad };
    if (!bad)
        return NULL;
    ret->error = class_of(words);
    ret->words = strndup(words, 400);
    ret->missing = missing_in(words);
    if (ret->words != NULL)
        return NULL;
    target_load_done(ret);
    return fail(OutOfMemory);
}

/* The loader maps and binds it, with all that it needs, into a program that does nothing. */
static struct err *
load_here(const char *library, struct deadline by, struct target_load *ret)
{
    static const char *const env[] = { "LC_ALL=C", "LD_BIND_NOW=1", NULL };
    const char *argv[] = { LOADER, "--preload", library, "/bin/true", NULL };
    auto_free char *words = NULL;
    int code;

    TRY(local_run(argv, env, by, &code, &words));
    TRY(judge(code, words, ret));
    return NULL;
}

/* The file of ${library} in the tree, as a path of this machine; NULL: there is none. */
static struct err *
find_in_tree(struct local *l, const char *library, char **ret)
{
    *ret = NULL;
    for (size_t i = 0; i < FOLDERS && *ret == NULL; i++) {
        auto_free char *path = NULL;

        if (asprintf(&path, "%s/%s", strchr(library, '/') != NULL ? "" : folders[i],
                library[0] == '/' ? library + 1 : library) < 0)
            return fail(OutOfMemory);
        auto_fd int fd = local_open(l, path, O_RDONLY | O_NONBLOCK);
        char link[64], real[4096];

        if (fd < 0)
            continue;
        (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        ssize_t n = readlink(link, real, sizeof(real) - 1); /* links resolved in the tree */

        if (n <= 0)
            continue;
        *ret = strndup(real, (size_t)n);
        if (*ret == NULL)
            return fail(OutOfMemory);
    }
    return NULL;
}

/* Nothing of the tree runs: this machine's loader lists what it finds there. */
static struct err *
load_in_tree(struct local *l, const char *library, struct deadline by, struct target_load *ret)
{
    static const char *const env[] = { "LC_ALL=C", "LD_WARN=yes", "LD_BIND_NOW=yes", NULL };
    auto_free char *file = NULL, *words = NULL;
    struct text paths = { 0 };
    int code;

    TRY(find_in_tree(l, library, &file));
    if (file == NULL) {
        *ret = (struct target_load){ .error = TARGET_LOAD_MISSING, .missing = strdup(library) };
        return NULL;
    }
    const char *slash = strrchr(file, '/');

    text_add(&paths, file, (size_t)(slash - file));
    for (size_t i = 0; i < FOLDERS; i++)
        text_fmt(&paths, ":%s%s", l->root, folders[i]);
    if (paths.no_memory) {
        text_done(&paths);
        return fail(OutOfMemory);
    }
    const char *argv[] = { LOADER, "--inhibit-cache", "--library-path", paths.s, "--list",
        file, NULL };
    struct err *e = local_run(argv, env, by, &code, &words);

    text_done(&paths);
    TRY(e);
    TRY(judge(code, words, ret));
    return NULL;
}

struct err *
local_load(struct target *t, const char *library, struct deadline by, struct target_load *ret)
{
    struct local *l = (struct local *)t;

    TRY(t->offline ? load_in_tree(l, library, by, ret) : load_here(library, by, ret));
    return NULL;
}

#else

struct err *
local_load(struct target *t, const char *library, struct deadline by, struct target_load *ret)
{
    (void)library;
    (void)by;
    (void)ret;
    return fail(TargetCannot, t->name, "load libraries on such a processor");
}

#endif

/* ---- packages ---- */

/* Who holds one of dpkg's locks; 0: nobody. */
static pid_t
lock_holder(const struct local *l)
{
    static const char *const locks[] = { DPKG_FOLDER "/lock-frontend", DPKG_FOLDER "/lock",
        "/var/lib/apt/lists/lock", "/var/cache/apt/archives/lock" };

    for (size_t i = 0; i < sizeof(locks) / sizeof(locks[0]); i++) {
        auto_fd int fd = local_open(l, locks[i], O_RDWR);
        struct flock f = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

        if (fd >= 0 && fcntl(fd, F_GETLK, &f) == 0 && f.l_type != F_UNLCK)
            return f.l_pid;
    }
    return 0;
}

struct err *
local_busy(struct target *t, bool *ret_busy, char **ret_who)
{
    pid_t pid = lock_holder((struct local *)t);
    char path[64], name[64] = "";

    *ret_busy = pid != 0;
    if (pid == 0 || ret_who == NULL)
        return NULL;
    (void)snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, name, sizeof(name) - 1);

    name[n > 0 ? n : 0] = '\0';
    name[strcspn(name, "\n")] = '\0';
    if (asprintf(ret_who, "%s (process %d)", name[0] == '\0' ? "a process" : name,
            (int)pid) < 0)
        return fail(OutOfMemory);
    return NULL;
}

/* "--root=DIR", or for this machine an option that changes nothing. */
static struct err *
root_option(const struct local *l, char **ret)
{
    if (asprintf(ret, "--root=%s", l->root[0] == '\0' ? "/" : l->root) < 0)
        return fail(OutOfMemory);
    return NULL;
}

struct err *
local_package_version(struct target *t, const char *name, char **ret_version, bool *ret_found)
{
    struct local *l = (struct local *)t;
    auto_free char *admin = NULL, *out = NULL;
    int code;

    if (asprintf(&admin, "--admindir=%s" DPKG_FOLDER, l->root) < 0)
        return fail(OutOfMemory);
    const char *argv[] = { "dpkg-query", admin, "-W", "-f", "${db:Status-Status} ${Version}\n",
        name, NULL };

    TRY(local_run(argv, plain_env, deadline_in_ms(SHORT_MS), &code, &out));
    *ret_found = code == 0 && strncmp(out, "installed ", 10) == 0;
    if (!*ret_found)
        return NULL;
    *ret_version = strndup(out + 10, strcspn(out + 10, "\n"));
    return *ret_version == NULL ? fail(OutOfMemory) : NULL;
}

/* Files with numbers for names in updates/ are a run of dpkg that did not end; --audit names
 * packages that are half there. */
struct err *
local_package_interrupted(struct target *t, bool *ret)
{
    struct local *l = (struct local *)t;
    auto_free char *root = NULL, *out = NULL;
    char **names = NULL;
    bool found;
    int code;

    *ret = false;
    TRY(target_file_list(t, DPKG_FOLDER "/updates", &names, &found));
    for (size_t i = 0; found && names[i] != NULL; i++)
        *ret |= names[i][strspn(names[i], "0123456789")] == '\0';
    if (found)
        target_names_free(names);
    TRY(root_option(l, &root));
    const char *argv[] = { "dpkg", root, "--audit", NULL };

    if (*ret)
        return NULL;
    TRY(local_run(argv, plain_env, deadline_in_ms(SHORT_MS), &code, &out));
    *ret = code != 0 || *out != '\0';
    return NULL;
}

static struct err *
run_installer(const char *const argv[], struct deadline by, uint32_t *ret_exit,
    char **ret_output)
{
    int code = 0;

    TRY(local_run(argv, plain_env, by, &code, ret_output));
    *ret_exit = (uint32_t)code;
    return NULL;
}

static struct err *
install_file(struct local *l, const char *path, struct deadline by, uint32_t *ret_exit,
    char **ret_output)
{
    auto_free char *root = NULL;
    auto_fd int fd = local_open(l, path, O_RDONLY | O_NONBLOCK);
    char link[64], real[4096];

    if (fd < 0)
        return local_refused(&l->t, "open a package", errno);
    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, real, sizeof(real) - 1);

    if (n <= 0)
        return local_refused(&l->t, "open a package", errno);
    real[n] = '\0';
    TRY(root_option(l, &root));
    const char *argv[] = { "dpkg", root, "-i", real, NULL };

    TRY(run_installer(argv, by, ret_exit, ret_output));
    return NULL;
}

struct err *
local_package_install(struct target *t, const char *what, struct deadline by,
    uint32_t *ret_exit, char **ret_output)
{
    struct local *l = (struct local *)t;
    auto_free char *dir = NULL, *status = NULL, *root = NULL, *dpkg = NULL;

    if (what[0] == '/') {
        TRY(install_file(l, what, by, ret_exit, ret_output));
        return NULL;
    }
    TRY(root_option(l, &root));
    if (asprintf(&dir, "Dir=%s/", l->root) < 0 ||
        asprintf(&status, "Dir::State::status=%s" DPKG_FOLDER "/status", l->root) < 0 ||
        asprintf(&dpkg, "DPkg::Options::=%s", root) < 0)
        return fail(OutOfMemory);
    const char *here[] = { "apt-get", "-y", "-o", "DPkg::Lock::Timeout=60", "install", what,
        NULL };
    const char *tree[] = { "apt-get", "-y", "-o", dir, "-o", status, "-o", dpkg, "install",
        what, NULL };

    TRY(run_installer(t->offline ? tree : here, by, ret_exit, ret_output));
    return NULL;
}

struct err *
local_package_remove(struct target *t, const char *name, struct deadline by,
    uint32_t *ret_exit, char **ret_output)
{
    auto_free char *root = NULL;

    TRY(root_option((struct local *)t, &root));
    const char *argv[] = { "dpkg", root, "--purge", name, NULL };

    TRY(run_installer(argv, by, ret_exit, ret_output));
    return NULL;
}

struct err *
local_package_configure(struct target *t, struct deadline by, uint32_t *ret_exit,
    char **ret_output)
{
    auto_free char *root = NULL, *first = NULL;
    bool left;

    TRY(root_option((struct local *)t, &root));
    const char *argv[] = { "dpkg", root, "--configure", "-a", NULL };
    const char *fix[] = { "apt-get", "-y", "-o", "DPkg::Lock::Timeout=60", "-f", "install",
        NULL };

    TRY(run_installer(argv, by, ret_exit, &first));
    TRY(local_package_interrupted(t, &left));
    if (!left || t->offline) {
        if (ret_output != NULL)
            *ret_output = take(first);
        return NULL;
    }
    TRY(run_installer(fix, by, ret_exit, ret_output));
    return NULL;
}

/* ---- units ---- */

static struct err *
systemctl(struct local *l, const char *verb, const char *unit, struct deadline by,
    int *ret_exit, char **ret_output)
{
    auto_free char *root = NULL;

    TRY(root_option(l, &root));
    const char *here[] = { "systemctl", "--no-ask-password", verb, unit, NULL };
    const char *tree[] = { "systemctl", root, verb, unit, NULL };

    TRY(local_run(l->systemd ? here : tree, plain_env, by, ret_exit, ret_output));
    return NULL;
}

static enum target_unit
state_of(const char *word)
{
    static const struct {
        const char *word;
        enum target_unit state;
    } all[] = { { "enabled", UNIT_ENABLED }, { "enabled-runtime", UNIT_ENABLED },
        { "masked", UNIT_MASKED }, { "masked-runtime", UNIT_MASKED },
        { "disabled", UNIT_DISABLED }, { "linked", UNIT_DISABLED },
        { "static", UNIT_STATIC }, { "alias", UNIT_STATIC }, { "indirect", UNIT_STATIC },
        { "generated", UNIT_STATIC }, { "transient", UNIT_STATIC } };

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (strcmp(word, all[i].word) == 0)
            return all[i].state;
    return UNIT_MISSING;
}

struct err *
local_unit_get(struct target *t, const char *unit, enum target_unit *ret, bool *ret_active)
{
    struct local *l = (struct local *)t;
    auto_free char *out = NULL;
    int code;

    TRY(systemctl(l, "is-enabled", unit, deadline_in_ms(SHORT_MS), &code, &out));
    out[strcspn(out, "\n")] = '\0';
    *ret = state_of(out);
    *ret_active = false;
    if (!l->systemd)
        return NULL;
    TRY(systemctl(l, "is-active", unit, deadline_in_ms(SHORT_MS), &code, NULL));
    *ret_active = code == 0;
    return NULL;
}

static struct err *
change_unit(struct local *l, const char *verb, const char *unit)
{
    int code;

    TRY(systemctl(l, verb, unit, deadline_in_ms(SHORT_MS), &code, NULL));
    return code == 0 ? NULL : local_refused(&l->t, "change a unit", code);
}

/* From masked to disabled the mask goes and nothing else. */
struct err *
local_unit_set(struct target *t, const char *unit, enum target_unit want)
{
    struct local *l = (struct local *)t;
    enum target_unit now;
    bool active;

    TRY(local_unit_get(t, unit, &now, &active));
    if (now == UNIT_MASKED && want != UNIT_MASKED)
        TRY(change_unit(l, "unmask", unit));
    if (want == UNIT_MASKED)
        TRY(change_unit(l, "mask", unit));
    else if (want == UNIT_ENABLED)
        TRY(change_unit(l, "enable", unit));
    else if (now != UNIT_MASKED)
        TRY(change_unit(l, "disable", unit));
    return NULL;
}

struct err *
local_unit_control(struct target *t, const char *unit, bool run, struct deadline by)
{
    struct local *l = (struct local *)t;
    int code;

    if (!l->systemd)
        return fail(TargetCannot, t->name, "start or stop units");
    TRY(systemctl(l, run ? "start" : "stop", unit, by, &code, NULL));
    return code == 0 ? NULL : local_refused(t, "start or stop a unit", code);
}
