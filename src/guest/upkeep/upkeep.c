/* SPDX-License-Identifier: Apache-2.0 */
/* Putting a package into a guest: send it, let it put itself into force.
 *
 * What decides lies in the guest: `activate` is one transaction there, takes a lock, and is
 * done again without harm when its answer was lost.  It is the program that was just sent
 * which verifies a version that is in force already, not the one that it would judge. */
#include <stdio.h>
#include <string.h>

#include "codes.h"
#include "package.h"
#include "upkeep_internal.h"

enum { INCOMING_NAME = 16 }; /* digits of the manifest's SHA-256 that name a folder */

struct installing {
    const struct package *p;
    char *folder;  /* where it is sent to, in the guest */
    char *program; /* its program there */
    json_t *answer; /* of activate */
};

/* ---- into force ---- */

/* What failed there stands in the status file of the version, better than in its words. */
static struct err *
with_status(struct tended *t, const struct package *p, struct err *e)
{
    auto_free char *parent = tended_path(t, t->root, p->name), *folder = NULL;

    folder = parent != NULL ? tended_path(t, parent, p->version) : NULL;
    if (!err_has(e, E_ActivationRolledBack) || folder == NULL)
        return e;
    return err_because(e, upkeep_status_file(t, p->name, folder));
}

static struct err *
ask_activate(struct tended *t, void *arg)
{
    struct installing *i = arg;
    auto_free char *folder = tended_plain(i->folder), *root = tended_plain(t->root);
    const char *const words[] = { "activate", folder, "--digest", i->p->digest, "--root", root,
        "--json", NULL };

    if (folder == NULL || root == NULL)
        return fail(OutOfMemory);
    TRY(tended_close_root(t, i->p->name));
    json_decref(i->answer);
    i->answer = NULL;
    struct err *e = tended_ask(t, i->program, words, i->p->name,
        deadline_in_ms((int64_t)UPKEEP_ACTIVATE_S * 1000), &i->answer);
    return e != NULL ? with_status(t, i->p, e) : NULL;
}

/* Another package of that number is in force. */
static struct err *
say_taken(struct tended *t, const struct installing *i, struct err *e)
{
    auto_free char *parent = tended_path(t, t->root, i->p->name), *folder = NULL;

    if (!err_has(e, E_PackageOlder) || !err_has(e, E_PackageDigestWrong))
        return e;
    folder = parent != NULL ? tended_path(t, parent, i->p->version) : NULL;
    if (folder == NULL)
        return err_also(e, fail(OutOfMemory));
    return err_because(
        fail(ExtensionVersionTaken, t->u->vm, i->p->name, i->p->version, folder), e);
}

static struct err *
activate_there(struct tended *t, struct installing *i)
{
    struct deadline by = deadline_in_ms((int64_t)UPKEEP_ACTIVATE_S * 1000);

    if (t->u->progress != NULL)
        t->u->progress(t->u->arg, "putting it into force", 0, 0);
    return say_taken(t, i, tended_do(t, ask_activate, i, NULL, by));
}

/* The cause of a failure, where it is that there was no room for the copy. */
static struct err *
look_for_room(struct tended *t, const struct installing *i, struct err *e)
{
    uint64_t need = 0;

    if (e == NULL || t->g == NULL || err_has(e, E_ActivationRolledBack) ||
        !err_has(e, E_ExtensionNotReady))
        return e;
    for (size_t k = 0; k < i->p->nfiles; k++)
        need += i->p->files[k].len;
    struct err *why = tended_look_at(t, t->root, need);
    if (why != NULL && err_is(why, C_guest_resource))
        return err_because(why, e);
    err_free(why); /* it says nothing of the cause */
    return e;
}

/* ---- the end ---- */

static struct err *
remove_incoming(struct tended *t, void *arg)
{
    (void)arg;
    return tended_remove_tree(t, t->incoming);
}

/* What was sent is not needed any more; it stays where the next call goes on with it. */
static void
clean_up(struct tended *t, const struct err *e)
{
    bool goes_on = e != NULL && !err_has(e, E_ActivationRolledBack) &&
                   !err_has(e, E_PackageOlder) && !err_has(e, E_ExtensionVersionTaken);

    if (goes_on || t->g == NULL)
        return;
    tended_warn(t, tended_do(t, remove_incoming, NULL, NULL, tended_soon()));
}

/* Where its version lies now, as its program says; nothing of that is used without a look. */
static struct err *
keep_text(const json_t *answer, const char *name, char **ret)
{
    const char *s = json_string_value(json_object_get(answer, name));

    *ret = s != NULL ? strdup(s) : NULL;
    return s != NULL && *ret == NULL ? fail(OutOfMemory) : NULL;
}

struct asking {
    char *program;
    const char *package;
    json_t *answer;
};

static struct err *
ask_status(struct tended *t, void *arg)
{
    struct asking *a = arg;

    return upkeep_ask_status(t, a->program, a->package, &a->answer);
}

static struct err *
fill(struct tended *t, const struct installing *i, struct upkeep_installed *ret)
{
    ret->package = strdup(i->p->name);
    ret->version = strdup(i->p->version);
    if (ret->package == NULL || ret->version == NULL)
        return fail(OutOfMemory);
    TRY(keep_text(i->answer, "folder", &ret->folder));
    TRY(keep_text(i->answer, "previous", &ret->previous));
    if (ret->folder == NULL)
        return fail(ExtensionAnswerWrong, t->u->vm, "it does not say where it is");
    ret->mended = json_is_true(json_object_get(i->answer, "mended"));
    ret->already = json_is_true(json_object_get(i->answer, "already"));
    for (size_t k = 0; k < i->p->nfiles; k++)
        ret->bytes += i->p->files[k].len;
    auto_free char *bin = tended_path(t, ret->folder, "bin"), *program = NULL;
    program = bin != NULL ? tended_path(t, bin, t->place->program) : NULL;
    struct asking a = { .program = program, .package = ret->package };
    if (program == NULL)
        return fail(OutOfMemory);
    TRY(tended_do(t, ask_status, &a, NULL, tended_soon()));
    ret->status = json_incref(json_array_get(json_object_get(a.answer, "packages"), 0));
    json_decref(a.answer);
    return NULL;
}

static struct err *
send_and_activate(struct tended *t, struct installing *i)
{
    auto_free char *name = strndup(i->p->digest, INCOMING_NAME), *bin = NULL;

    i->folder = name != NULL ? tended_path(t, t->incoming, name) : NULL;
    bin = i->folder != NULL ? tended_path(t, i->folder, "bin") : NULL;
    i->program = bin != NULL ? tended_path(t, bin, t->place->program) : NULL;
    if (i->program == NULL)
        return fail(OutOfMemory);
    TRY(upkeep_push(t, i->p, i->folder, deadline_in_ms((int64_t)UPKEEP_PUSH_S * 1000)));
    struct err *e = activate_there(t, i);
    return e != NULL ? look_for_room(t, i, e) : NULL;
}

static struct err *
install(struct tended *t, const char *given, struct upkeep_installed *ret)
{
    auto_free char *folder = NULL;
    auto_ptr(package) p = NULL;

    TRY(upkeep_find(given, t->platform, &folder));
    TRY(package_open_for(t->platform, folder, &p));
    TRY(package_verify(p));
    struct installing i = { .p = p };
    struct err *e = send_and_activate(t, &i);
    if (e == NULL)
        e = fill(t, &i, ret);
    clean_up(t, e);
    free(i.folder);
    free(i.program);
    json_decref(i.answer);
    return e;
}

struct err *
upkeep_install(const struct upkeep *u, const char *package, struct upkeep_installed *ret)
{
    struct upkeep_installed result = { .bytes = 0 };
    struct tended t;

    TRY(tended_open(u, &t));
    struct err *e = install(&t, package, &result);
    tended_done(&t);
    if (e != NULL)
        upkeep_installed_done(&result);
    else
        *ret = result;
    return e;
}

void
upkeep_installed_done(struct upkeep_installed *i)
{
    free(i->package);
    free(i->version);
    free(i->folder);
    free(i->previous);
    json_decref(i->status);
    *i = (struct upkeep_installed){ 0 };
}
