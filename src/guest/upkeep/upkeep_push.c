/* SPDX-License-Identifier: Apache-2.0 */
/* A package on its way into a guest.
 *
 * The program goes first, since everything after it can be told by it; the manifest last, so
 * that a folder without one is no package.  Each file is compared with what lies there from an
 * earlier time and only its rest is sent; then it is read back (qga_push).  Files that were
 * compared in this run are not compared again when a conversation breaks. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "codes.h"
#include "package.h"
#include "stop.h"
#include "upkeep_internal.h"

/* A conversation that is silent for longer than this takes is broken. */
enum { FILE_MS = 30000, BYTES_PER_MS = 64, MARGIN = 4 << 20, FOLDERS_MAX = 64 };

struct push {
    const struct package *p;
    const char *folder;
    const char **names; /* in the order in which they are sent */
    size_t n;
    uint64_t done;      /* how many are there */
    uint64_t bytes, sent;
    struct deadline by;
};

static uint64_t
len_of(const struct push *u, const char *name)
{
    const struct package_file *f = package_file(u->p, name);

    return f != NULL ? f->len : 0;
}

static struct err *
order(struct push *u, const char *program)
{
    u->names = calloc(u->p->nfiles + 2, sizeof(*u->names));
    if (u->names == NULL)
        return fail(OutOfMemory);
    u->names[u->n++] = program;
    for (size_t i = 0; i < u->p->nfiles; i++) {
        u->bytes += u->p->files[i].len;
        if (strcmp(u->p->files[i].name, program) != 0)
            u->names[u->n++] = u->p->files[i].name;
    }
    u->names[u->n++] = PACKAGE_MANIFEST;
    return NULL;
}

static struct err *
send_file(struct tended *t, struct push *u, const char *name)
{
    int64_t ms = FILE_MS + (int64_t)(len_of(u, name) / BYTES_PER_MS);
    auto_free char *from = NULL, *to = tended_path(t, u->folder, name);
    auto_fd int fd = -1;

    if (to == NULL || asprintf(&from, "%s/%s", u->p->folder, name) < 0)
        return fail(OutOfMemory);
    fd = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return fail(FileUnreadable, from);
    TRY(qga_push(t->g, fd, to, deadline_first(u->by, deadline_in_ms(ms))));
    return u->done == 0 ? tended_make_program(t, to) : NULL;
}

static struct err *
send_all(struct tended *t, void *arg)
{
    struct push *u = arg;

    while (u->done < u->n) {
        const char *name = u->names[u->done];

        TRY(stop_check());
        if (t->u->progress != NULL)
            t->u->progress(t->u->arg, "sending the extension", u->sent, u->bytes);
        TRY(send_file(t, u, name));
        u->sent += len_of(u, name);
        u->done++;
    }
    if (t->u->progress != NULL)
        t->u->progress(t->u->arg, "sending the extension", u->bytes, u->bytes);
    return NULL;
}

/* Each folder that a file of the package lies in, within ${paths}, which ends with NULL. */
static struct err *
folders_of(struct tended *t, const struct push *u, char *paths[FOLDERS_MAX + 1])
{
    size_t n = 0;

    for (size_t i = 0; i < u->p->nfiles; i++) {
        auto_free char *path = tended_path(t, u->folder, u->p->files[i].name);
        bool known = false;

        if (path == NULL)
            return fail(OutOfMemory);
        *strrchr(path, t->place->slash) = '\0';
        for (size_t k = 0; k < n; k++)
            known = known || strcmp(paths[k], path) == 0;
        if (known || strcmp(path, u->folder) == 0)
            continue;
        if (n == FOLDERS_MAX)
            return fail(PackageManifestInvalid, u->p->folder, "it has too many folders");
        paths[n++] = take(path);
    }
    return NULL;
}

static struct err *
make_folders(struct tended *t, void *arg)
{
    struct push *u = arg;
    char *paths[FOLDERS_MAX + 1] = { NULL };

    TRY(tended_look_at(t, u->folder, 0));
    TRY(tended_look_at(t, t->root, 0));
    struct err *e = folders_of(t, u, paths);
    if (e == NULL)
        e = tended_make_folders(t, u->folder, (const char *const *)paths);
    for (size_t i = 0; paths[i] != NULL; i++)
        free(paths[i]);
    TRY(e);
    /* once where it is sent to, once where it lies in the end */
    TRY(tended_look_at(t, u->folder, 2 * u->bytes + MARGIN));
    return NULL;
}

/* A file that could not be written: is it for want of room? */
static struct err *
name_cause(struct tended *t, const struct push *u, struct err *e)
{
    if (!err_has(e, E_GuestFileFailed) || t->g == NULL)
        return e;
    struct err *why = tended_look_at(t, u->folder, u->bytes - u->sent + MARGIN);
    if (err_code(why) == E_GuestSpaceShort || err_code(why) == E_GuestFolderReadOnly)
        return err_because(why, e);
    err_free(why); /* it says nothing of the cause */
    return e;
}

static struct err *
push(struct tended *t, struct push *u)
{
    TRY(tended_do(t, make_folders, u, &u->done, u->by));
    struct err *e = tended_do(t, send_all, u, &u->done, u->by);
    return e != NULL ? name_cause(t, u, e) : NULL;
}

struct err *
upkeep_push(struct tended *t, const struct package *p, const char *folder, struct deadline by)
{
    const char *program = t->windows ? "bin/firn-extension.exe" : "bin/firn-extension";
    struct push u = { .p = p, .folder = folder, .by = by };

    if (package_file(p, program) == NULL)
        return fail(PackageFileMissing, p->folder, program);
    struct err *e = order(&u, program);
    if (e == NULL)
        e = push(t, &u);
    free(u.names);
    return e;
}
