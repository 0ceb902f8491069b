/* SPDX-License-Identifier: Apache-2.0 */
/* running_list.c -- the names of a machine's disks, and which of them are meant.  Names come
 * from the machine's owner, but go into file names and to terminals. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codes.h"
#include "running.h"
#include "text.h"

/* ---- names ---- */

/* At most RUNNING_NAME_MAX bytes of it, without what a file's name or a terminal cannot
 * bear. */
static struct err *
clean_name(const char *s, size_t len, char **ret)
{
    struct text t = { 0 };
    auto_free char *part = strndup(s, len);

    if (part == NULL)
        return fail(OutOfMemory);
    for (const char *at = part; *at != '\0';) {
        size_t n = text_visible(at);
        bool good = n > 0 && *at != '/';

        if (t.len + (n > 0 ? n : 1) > RUNNING_NAME_MAX - 8) /* room to tell twins apart */
            break;
        text_add(&t, good ? at : "_", good ? n : 1);
        at += n > 0 ? n : 1;
    }
    if (!t.no_memory && (t.len == 0 || t.s[0] == '.'))
        text_str(&t, "_");
    if (t.no_memory) {
        text_done(&t);
        return fail(OutOfMemory);
    }
    *ret = t.s;
    return NULL;
}

static bool
is_taken(const struct running *r, const char *name)
{
    for (size_t i = 0; i < r->ndisks; i++)
        if (strcmp(r->disks[i].name, name) == 0)
            return true;
    return false;
}

/* "vda", and when another disk has it, "vda-2". */
static struct err *
make_unique(const struct running *r, char **name)
{
    char *other = NULL;

    for (unsigned i = 2; is_taken(r, other != NULL ? other : *name); i++) {
        free(other);
        if (asprintf(&other, "%s-%u", *name, i) < 0)
            return fail(OutOfMemory);
    }
    if (other != NULL) {
        free(*name);
        *name = other;
    }
    return NULL;
}

struct err *
running_name_disk(const struct running *r, const char *id, size_t len, struct running_disk *d)
{
    TRY(clean_name(id, len, &d->name));
    return make_unique(r, &d->name);
}

/* ---- which ---- */

static bool
is_named(const struct running_disk *d, const char *name)
{
    return strcmp(name, d->name) == 0 || strcmp(name, d->device) == 0 ||
           (d->node != NULL && strcmp(name, d->node) == 0);
}

static bool
is_listed(const struct running_disk *d, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (is_named(d, names[i]))
            return true;
    return false;
}

/* Each name must be that of a disk, before any is left out. */
static struct err *
check_names(const struct running *r, const char *const *names, size_t n, const char *where)
{
    struct text have = { 0 };

    for (size_t i = 0; i < n; i++) {
        bool found = false;

        for (size_t k = 0; k < r->ndisks && !found; k++)
            found = is_named(&r->disks[k], names[i]);
        if (found)
            continue;
        for (size_t k = 0; k < r->ndisks; k++)
            text_fmt(&have, "%s%s", k > 0 ? ", " : "", r->disks[k].name);
        struct err *e = have.no_memory ? fail(OutOfMemory)
                                       : fail(VmDiskUnknown, where, names[i],
                                             have.s != NULL ? have.s : "none");
        text_done(&have);
        return e;
    }
    return NULL;
}

struct err *
running_choose(struct running *r, const struct running_options *o, const char *where)
{
    size_t n = 0;

    TRY(check_names(r, o->only, o->nonly, where));
    TRY(check_names(r, o->except, o->nexcept, where));
    for (size_t i = 0; i < r->ndisks; i++) {
        struct running_disk *d = &r->disks[i];

        if ((o->nonly == 0 || is_listed(d, o->only, o->nonly)) &&
            !is_listed(d, o->except, o->nexcept))
            r->disks[n++] = *d;
        else
            running_disk_done(d);
    }
    r->ndisks = n;
    return n == 0 ? fail(VmNoDisks, where) : NULL;
}
