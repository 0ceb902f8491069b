/* SPDX-License-Identifier: Apache-2.0 */
/* Folders in a guest.
 *
 * An agent makes files that everybody may write to, so they go into a folder that nobody else
 * can enter.  On Linux that is made with mode 0700 below /var/lib, which is root's.  On
 * Windows it lies below Program Files, where folders inherit that only administrators write;
 * C:\Packages does not, and gets rights of its own.  Which system calls a guest's failure by
 * which words is not asked: whether a file system is read-only or full is looked at. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codes.h"
#include "guest_mounts.h"
#include "mountinfo.h"
#include "number.h"
#include "upkeep_internal.h"

enum { FOLDERS_MAX = 64 };

char *
tended_path(const struct tended *t, const char *a, const char *b)
{
    char *path;

    if (asprintf(&path, "%s%c%s", a, t->place->slash, b) < 0)
        return NULL;
    for (char *s = path; t->windows && *s != '\0'; s++)
        if (*s == '/')
            *s = '\\';
    return path;
}

char *
tended_plain(const char *path)
{
    char *copy = strdup(path);

    for (char *s = copy; s != NULL && *s != '\0'; s++)
        if (*s == '\\')
            *s = '/';
    return copy;
}

/* ---- looking ---- */

static struct err *
look_at_mount(struct tended *t, const char *folder)
{
    auto_free uint8_t *text = NULL;
    struct mountinfo m;
    size_t len;

    TRY(qga_read_file(t->g, "/proc/self/mountinfo", GUEST_MOUNTS_FILE_MAX, tended_soon(), &text,
        &len));
    if (!mountinfo_find((char *)text, folder, &m))
        return NULL; /* what is wrong with its place is found when a file is put there */
    if (mountinfo_has(m.options, "ro") || mountinfo_read_only(&m))
        return fail(GuestFolderReadOnly, t->u->vm, folder, m.point);
    if (mountinfo_has(m.options, "noexec"))
        return fail(GuestFolderNoexec, t->u->vm, folder, m.point);
    return NULL;
}

/* The number of free KiB in what `df -Pk` says; false when it says something else. */
static bool
free_kib(const char *said, uint64_t *ret)
{
    const char *line = strchr(said, '\n');
    char number[24];

    return line != NULL && sscanf(line + 1, "%*s %*s %*s %23[0-9]", number) == 1 &&
           number_parse(number, ret);
}

/* A guest without df, or one that does not know the folder, is not asked: what does not fit
 * fails later. */
static struct err *
look_at_room(struct tended *t, const char *folder, uint64_t need)
{
    const char *const args[] = { "-Pk", "--", folder, NULL };
    const struct qga_program df = { .path = "df", .args = args };
    struct qga_result r = { 0 };
    uint64_t kib = 0;

    struct err *e = qga_run(t->g, &df, tended_soon(), &r);
    if (err_code(e) == E_GuestProgramUnstarted) {
        err_free(e); /* there is no df */
        return NULL;
    }
    TRY(e);
    bool known = r.exit == 0 && r.out != NULL && free_kib((const char *)r.out, &kib);
    qga_result_done(&r);
    if (known && kib < need / 1024)
        return fail(GuestSpaceShort, t->u->vm, folder, need, kib * 1024);
    return NULL;
}

struct err *
tended_look_at(struct tended *t, const char *folder, uint64_t need)
{
    if (t->windows)
        return NULL;
    TRY(look_at_mount(t, folder));
    return need > 0 ? look_at_room(t, folder, need) : NULL;
}

/* ---- making ---- */

static struct err *
must(struct tended *t, const char *folder, const char *const argv[])
{
    auto_free char *words = NULL;
    int64_t status;

    TRY(tended_run(t, argv, &status, &words));
    return status == 0 ? NULL : fail(GuestFolderFailed, t->u->vm, folder, words);
}

static struct err *
make_on_linux(struct tended *t, const char *folder, const char *const *in_it)
{
    static const char script[] = "umask 022 && mkdir -p -- \"$1\" && umask 077 && shift && "
                                 "mkdir -p -- \"$@\" && chmod 700 -- \"$1\"";
    auto_free char *above = strdup(t->incoming);
    const char *argv[FOLDERS_MAX + 8] = { "/bin/sh", "-c", script, "sh", NULL, folder };
    size_t n = 6;

    if (above == NULL)
        return fail(OutOfMemory);
    char *slash = strrchr(above, '/');
    if (slash != NULL && slash != above)
        *slash = '\0';
    argv[4] = above;
    for (; *in_it != NULL && n < FOLDERS_MAX + 7; in_it++)
        argv[n++] = *in_it;
    return must(t, folder, argv);
}

/* It says nothing of what failed but that a folder is there; what cannot be made is found when
 * a file is put into it. */
static struct err *
make_on_windows(struct tended *t, const char *folder)
{
    const char *const argv[] = { "C:\\Windows\\System32\\cmd.exe", "/d", "/c", "mkdir", folder,
        NULL };
    int64_t status;

    return tended_run(t, argv, &status, NULL);
}

struct err *
tended_make_folders(struct tended *t, const char *folder, const char *const *in_it)
{
    if (!t->windows)
        return make_on_linux(t, folder, in_it);
    TRY(make_on_windows(t, folder));
    for (; *in_it != NULL; in_it++)
        TRY(make_on_windows(t, *in_it));
    return NULL;
}

/* S-1-5-18 is the system, S-1-5-32-544 the administrators. */
static struct err *
close_folder(struct tended *t, const char *folder)
{
    const char *const owner[] = { "C:\\Windows\\System32\\icacls.exe", folder, "/setowner",
        "*S-1-5-32-544", "/q", NULL };
    const char *const rights[] = { "C:\\Windows\\System32\\icacls.exe", folder,
        "/inheritance:r", "/grant:r", "*S-1-5-18:(OI)(CI)F", "*S-1-5-32-544:(OI)(CI)F", "/q",
        NULL };

    TRY(must(t, folder, owner));
    return must(t, folder, rights);
}

struct err *
tended_close_root(struct tended *t, const char *package)
{
    bool there;

    if (!t->windows || t->u->root != NULL)
        return NULL;
    TRY(tended_is_there(t, "C:\\Packages", &there));
    if (!there) {
        TRY(make_on_windows(t, "C:\\Packages"));
        TRY(close_folder(t, "C:\\Packages"));
    }
    auto_free char *folder = tended_path(t, t->root, package);
    if (folder == NULL)
        return fail(OutOfMemory);
    TRY(make_on_windows(t, folder));
    return close_folder(t, folder);
}

/* A copy takes its place: an answer that was lost may have left the file open for writing in
 * the agent, and what is open so cannot be run. */
struct err *
tended_make_program(struct tended *t, const char *path)
{
    static const char script[] = "cp -- \"$1\" \"$1.copy\" && chmod 700 -- \"$1.copy\" && "
                                 "mv -f -- \"$1.copy\" \"$1\"";
    const char *const argv[] = { "/bin/sh", "-c", script, "sh", path, NULL };

    return t->windows ? NULL : must(t, path, argv);
}

/* ---- removing ---- */

struct err *
tended_is_there(struct tended *t, const char *path, bool *ret)
{
    const char *const on_linux[] = { "/bin/sh", "-c", "[ -e \"$1\" ] || [ -L \"$1\" ]", "sh",
        path, NULL };
    const char *const on_windows[] = { "C:\\Windows\\System32\\cmd.exe", "/d", "/c", "dir",
        "/b", "/a", path, NULL };
    int64_t status;

    TRY(tended_run(t, t->windows ? on_windows : on_linux, &status, NULL));
    *ret = status == 0;
    return NULL;
}

struct err *
tended_remove_tree(struct tended *t, const char *path)
{
    const char *const on_linux[] = { "rm", "-rf", "--", path, NULL };
    const char *const on_windows[] = { "C:\\Windows\\System32\\cmd.exe", "/d", "/c", "rmdir",
        "/s", "/q", path, NULL };
    auto_free char *words = NULL;
    int64_t status;
    bool there;

    TRY(tended_is_there(t, path, &there));
    if (!there)
        return NULL;
    TRY(tended_run(t, t->windows ? on_windows : on_linux, &status, &words));
    TRY(tended_is_there(t, path, &there));
    return there ? fail(GuestFolderFailed, t->u->vm, path, words) : NULL;
}

struct err *
tended_remove_empty(struct tended *t, const char *path)
{
    const char *const on_linux[] = { "rmdir", "--", path, NULL };
    const char *const on_windows[] = { "C:\\Windows\\System32\\cmd.exe", "/d", "/c", "rmdir",
        path, NULL };
    int64_t status;

    return tended_run(t, t->windows ? on_windows : on_linux, &status, NULL);
}
