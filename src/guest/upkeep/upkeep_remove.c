/* SPDX-License-Identifier: Apache-2.0 */
/* Taking the extension out of a guest.
 *
 * Which versions there are, its own program says; where none of its programs can be run, there
 * is nobody to tell, and the folders go all the same.  A folder's name comes from its version,
 * which is read as one, never from what the guest says. */
#include <stdio.h>
#include <string.h>

#include "codes.h"
#include "upkeep_internal.h"

struct removing {
    const char *package;
    struct upkeep_removed removed;
};

/* Let the version in ${folder} do a verb. */
static void
tell(struct tended *t, const char *package, const char *folder, const char *verb)
{
    auto_free char *bin = tended_path(t, folder, "bin"), *program = NULL;
    auto_free char *plain = tended_plain(folder);
    const char *const words[] = { verb, "--folder", plain, "--json", NULL };
    json_auto_t *answer = NULL;

    program = bin != NULL ? tended_path(t, bin, t->place->program) : NULL;
    if (program == NULL || plain == NULL)
        tended_warn(t, fail(OutOfMemory));
    else
        tended_warn(t, tended_ask(t, program, words, package, tended_soon(), &answer));
}

static struct err *
leave(struct tended *t, struct removing *r, const json_t *version)
{
    const char *name = json_string_value(json_object_get(version, "version"));
    const char *state = json_string_value(json_object_get(version, "state"));
    auto_free char *parent = tended_path(t, t->root, r->package), *folder = NULL;
    struct dotted d;

    if (name == NULL || !dotted_parse(name, &d))
        return NULL;
    folder = parent != NULL ? tended_path(t, parent, name) : NULL;
    if (folder == NULL)
        return fail(OutOfMemory);
    if (json_is_true(json_object_get(version, "active")))
        tell(t, r->package, folder, "disable");
    if (state == NULL || strcmp(state, "NotInstalled") != 0)
        tell(t, r->package, folder, "uninstall");
    r->removed.versions++;
    return NULL;
}

static struct err *
leave_all(struct tended *t, struct removing *r)
{
    struct guest_copies all;
    json_auto_t *status = NULL;
    struct err *e = NULL;

    TRY(guest_find(t->g, t->u->root, tended_soon(), &all));
    for (size_t i = 0; i < all.n && status == NULL && e == NULL; i++)
        if (strcmp(all.item[i].package, r->package) == 0)
            e = upkeep_ask_status(t, all.item[i].path, r->package, &status);
    guest_copies_done(&all);
    if (err_is(e, C_guest_agent) && !err_has(e, E_GuestProgramUnstarted))
        return e; /* the conversation, not the program */
    tended_warn(t, e);
    const json_t *package = json_array_get(json_object_get(status, "packages"), 0);
    const json_t *versions = json_object_get(package, "versions");
    for (size_t i = 0; i < json_array_size(versions); i++)
        TRY(leave(t, r, json_array_get(versions, i)));
    return NULL;
}

/* Once the versions were told, they are not told again when the conversation breaks. */
static struct err *
tell_versions(struct tended *t, void *arg)
{
    struct removing *r = arg;
    auto_free char *folder = tended_path(t, t->root, r->package);
    bool there;

    if (folder == NULL)
        return fail(OutOfMemory);
    TRY(tended_is_there(t, folder, &there));
    r->removed.was_there = there;
    r->removed.versions = 0;
    return there ? leave_all(t, r) : NULL;
}

static struct err *
remove_folders(struct tended *t, void *arg)
{
    const struct removing *r = arg;
    auto_free char *folder = tended_path(t, t->root, r->package);

    if (folder == NULL)
        return fail(OutOfMemory);
    TRY(tended_remove_tree(t, folder));
    TRY(tended_remove_tree(t, t->incoming));
    TRY(tended_remove_empty(t, t->root));
    if (t->u->root != NULL)
        return NULL;
    if (t->windows)
        TRY(tended_remove_empty(t, "C:\\Packages"));
    return tended_remove_empty(t, t->above);
}

struct err *
upkeep_remove(const struct upkeep *u, const char *package, struct upkeep_removed *ret)
{
    struct removing r = { .package = package };
    struct tended t;

    TRY(tended_open(u, &t));
    struct err *e = tended_do(&t, tell_versions, &r, NULL, tended_soon());
    if (e == NULL)
        e = tended_do(&t, remove_folders, &r, NULL, tended_soon());
    tended_done(&t);
    TRY(e);
    *ret = r.removed;
    return NULL;
}
