/* SPDX-License-Identifier: Apache-2.0 */
/* The new version's own program judges it, since only that knows its manifest; it runs as
 * `firn-extension enable` from its place.  A version without such a program (a package that
 * only brings plug-ins) is judged by this one. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "activate.h"
#include "codes.h"
#include "os.h"
#include "package.h"
#include "run.h"

struct work {
    const char *root;
    struct deadline by;
    struct package *staged;
    char *parent; /* <root>/<name> */
    char *folder; /* <root>/<name>/<version> */
    char *beside; /* the copy without a name */
    char *previous;
    bool mended; /* it was in force, and damaged */
};

static struct err *
make_parents(const char *base, const char *name)
{
    auto_free char *path = NULL;
    char *slash;

    TRY(os_join(base, name, &path));
    slash = strrchr(path, '/');
    *slash = '\0';
    TRY(os_make_folder(path));
    return NULL;
}

static struct err *
copy_file(const struct work *w, const char *name, bool run)
{
    auto_free char *from = NULL, *to = NULL;

    TRY(make_parents(w->beside, name));
    TRY(os_join(w->staged->folder, name, &from));
    TRY(os_join(w->beside, name, &to));
    TRY(os_copy(from, to, run));
    return NULL;
}

/* What is behind the copy is verified again: the folder it came from may have changed. */
static struct err *
copy_all(const struct work *w, const char *digest)
{
    auto_ptr(package) copy = NULL;

    TRY(os_remove_tree(w->beside));
    TRY(os_make_folder(w->beside));
    TRY(copy_file(w, PACKAGE_MANIFEST, false));
    for (size_t i = 0; i < w->staged->nfiles; i++)
        TRY(copy_file(w, w->staged->files[i].name, w->staged->files[i].run));
    TRY(package_open(w->beside, &copy));
    if (strcasecmp(copy->digest, digest) != 0)
        return fail(PackageDigestWrong, w->staged->folder, digest, copy->digest);
    TRY(package_verify(copy));
    TRY(package_set_state(w->beside, PACKAGE_NOT_INSTALLED));
    return NULL;
}

/* What stands in the place of the new version: something that never counted, or was disabled,
 * makes room. */
static struct err *
clear_place(const struct work *w)
{
    enum package_state state;
    enum os_kind kind;

    TRY(os_kind(w->folder, &kind));
    if (kind == OS_IS_ABSENT)
        return NULL;
    TRY(package_state(w->folder, &state));
    if (state == PACKAGE_ENABLED)
        return fail(PackageOlder, w->staged->name, w->staged->version, w->folder);
    TRY(os_remove_tree(w->folder));
    return NULL;
}

/* Run a verb of the version in ${folder} by the program in it. */
static struct err *
run_verb(const struct work *w, const char *folder, const char *verb)
{
    auto_ptr(run) r = NULL;
    struct text t = { 0 };
    enum os_kind kind;
    bool ended = false;
    uint32_t status = 1;

    text_fmt(&t, "%s/bin/firn-extension%s", folder, os_layout.program_suffix);
    if (t.no_memory)
        return fail(OutOfMemory);
    auto_free char *program = t.s;
    TRY(os_kind(program, &kind));
    if (kind == OS_IS_ABSENT) {
        free(program);
        program = NULL;
        TRY(os_self(&program));
    }
    const char *arguments[] = { verb, "--folder", folder, NULL };
    struct run_options o = { .program = program, .arguments = arguments, .folder = folder };
    TRY(run_start(&o, &r));
    TRY(run_wait(r, w->by, &ended, &status));
    if (!ended)
        return fail(ExtensionTooSlow, verb);
    if (status != 0 && status != 3)
        return fail(ExtensionVerbFailed, verb, folder, (int64_t)status, run_output(r));
    return NULL;
}

/* The new one is in its place and did not work. */
static struct err *
roll_back(const struct work *w, struct err *why)
{
    struct err *e = fail(ActivationRolledBack, w->staged->name, w->staged->version,
        w->previous != NULL ? w->previous : "none");

    e = err_because(e, why);
    e = err_also(e, package_set_state(w->folder, PACKAGE_FAILED));
    if (w->previous != NULL) {
        e = err_also(e, run_verb(w, w->previous, "enable"));
        e = err_also(e, package_set_state(w->previous, PACKAGE_ENABLED));
    }
    return e;
}

static struct err *
switch_over(const struct work *w)
{
    struct err *e = run_verb(w, w->folder, "install");

    if (e == NULL)
        e = package_set_state(w->folder, PACKAGE_NOT_INSTALLED);
    if (e == NULL && w->previous != NULL)
        e = run_verb(w, w->folder, "update");
    if (e == NULL)
        e = run_verb(w, w->folder, "enable");
    if (e == NULL)
        e = package_set_state(w->folder, PACKAGE_ENABLED); /* from here on it counts */
    if (e != NULL)
        return roll_back(w, e);
    if (w->previous == NULL)
        return NULL;
    /* the old one stays, disabled, to go back to */
    TRY(run_verb(w, w->previous, "disable"));
    TRY(package_set_state(w->previous, PACKAGE_INSTALLED));
    return NULL;
}

/* The version that is in force has the number of the new one.  It is the new one when it has
 * that manifest; of one manifest, what is damaged is made anew. */
static struct err *
compare_contents(struct work *w, const char *digest, bool *ret_whole)
{
    auto_ptr(package) p = NULL;
    struct err *e = package_open(w->previous, &p);

    if (e == NULL && strcasecmp(p->digest, digest) != 0)
        return err_because(
            fail(PackageOlder, w->staged->name, w->staged->version, w->previous),
            fail(PackageDigestWrong, w->previous, digest, p->digest));
    if (e == NULL)
        e = package_verify(p);
    *ret_whole = e == NULL;
    if (e != NULL && !err_is(e, C_extension_package))
        return e;
    err_free(e); /* what is wrong with it is over soon */
    return NULL;
}

/* Nothing to do, or nothing that may be done? */
static struct err *
compare_versions(struct work *w, const char *digest, bool *ret_already)
{
    const char *version = w->previous != NULL ? strrchr(w->previous, '/') : NULL;
    enum package_state state;
    struct dotted d;
    int order;

    *ret_already = false;
    if (version == NULL || !dotted_parse(version + 1, &d))
        return NULL;
    order = dotted_compare(&w->staged->dotted, &d);
    if (order < 0)
        return fail(PackageOlder, w->staged->name, w->staged->version, w->previous);
    if (order > 0)
        return NULL;
    TRY(package_state(w->previous, &state));
    if (state == PACKAGE_ENABLED) {
        TRY(compare_contents(w, digest, ret_already));
        if (*ret_already)
            return NULL;
        w->mended = true;
        TRY(package_set_state(w->previous, PACKAGE_NOT_INSTALLED));
    }
    free(take(w->previous)); /* it is there and counts no more: made anew */
    return NULL;
}

static struct err *
run_all(struct work *w, const char *digest, bool *ret_already)
{
    auto_ptr(os_lock) lock = NULL;
    auto_free char *lock_path = NULL;
    struct text t = { 0 };

    TRY(os_join(w->root, w->staged->name, &w->parent));
    TRY(os_join(w->parent, w->staged->version, &w->folder));
    text_fmt(&t, "%s/new-%s", w->parent, w->staged->version);
    if (t.no_memory)
        return fail(OutOfMemory);
    w->beside = t.s;
    TRY(os_make_folder(w->parent));
    TRY(os_join(w->parent, "lock", &lock_path));
    TRY(os_lock(lock_path, w->by, &lock));
    TRY(package_latest(w->root, w->staged->name, &w->previous));
    TRY(compare_versions(w, digest, ret_already));
    if (*ret_already)
        return NULL;
    TRY(copy_all(w, digest));
    TRY(clear_place(w));
    TRY(os_rename(w->beside, w->folder));
    TRY(switch_over(w));
    return NULL;
}

struct err *
activate(const char *root, const char *staged, const char *digest, struct deadline by,
    struct activation *ret)
{
    struct work w = { .root = root, .by = by };
    auto_ptr(package) p = NULL;
    bool already = false;
    struct err *e;

    TRY(package_open(staged, &p));
    if (strcasecmp(p->digest, digest) != 0)
        return fail(PackageDigestWrong, staged, digest, p->digest);
    TRY(package_verify(p));
    w.staged = p;
    e = run_all(&w, digest, &already);
    if (e != NULL && w.beside != NULL)
        e = err_also(e, os_remove_tree(w.beside));
    free(w.parent);
    free(w.beside);
    if (e != NULL) {
        free(w.folder);
        free(w.previous);
        return e;
    }
    if (already) { /* where it is, however its number is written there */
        free(w.folder);
        w.folder = take(w.previous);
    }
    *ret = (struct activation){ w.folder, w.previous, already, w.mended };
    return NULL;
}

void
activation_done(struct activation *a)
{
    free(a->folder);
    free(a->previous);
    *a = (struct activation){ 0 };
}
