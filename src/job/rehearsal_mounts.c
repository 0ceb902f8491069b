/* SPDX-License-Identifier: Apache-2.0 */
/* rehearsal_mounts.c -- the look at the file systems of the guest.
 *
 * Where the agent lets files be read, all that is mounted is judged (guest_mounts.h).  Else
 * there is its own list, which tells neither what lies on what nor what it leaves out: then an
 * order that may not end is not tried. */
#include <string.h>

#include "codes.h"
#include "guest_mounts.h"
#include "rehearsal_internal.h"
#include "text.h"

enum { LOOK_MS = 20000, NAMES_MAX = 8 };

/* ---- what is seen ---- */

static void
add_name(struct text *t, unsigned n, const char *point, const char *type)
{
    if (n == NAMES_MAX)
        text_str(t, " and more");
    if (n >= NAMES_MAX)
        return;
    text_str(t, n > 0 ? ", " : "");
    text_inline(t, point);
    text_str(t, " (");
    text_inline(t, type);
    text_str(t, ")");
}

/* "LEAD a (ext4), b (xfs)" of this kind; nothing where there is none. */
static unsigned
add_kind(struct text *t, const char *lead, const struct guest_mounts *l,
    enum guest_mount_kind kind)
{
    unsigned n = 0;

    for (size_t i = 0; i < l->n; i++) {
        const struct guest_mount *m = &l->item[i];

        if (m->kind != kind)
            continue;
        if (n == 0)
            text_str(t, lead);
        add_name(t, n++, m->point, m->type);
    }
    return n;
}

/* Loop devices, and what they lie on. */
static void
add_loops(struct text *t, const struct guest_mounts *l)
{
    for (size_t i = 0; i < l->n; i++) {
        const struct guest_mount *m = &l->item[i], *on;

        if (m->file == NULL || (on = guest_mounts_of_path(l, m->file)) == NULL)
            continue;
        text_str(t, "; ");
        text_inline(t, m->point);
        text_str(t, " is a file on ");
        text_inline(t, on->point);
    }
}

static struct err *
say_text(struct rehearsing *r, struct text *t, enum rehearsal_result result)
{
    struct err *e = t->no_memory ? fail(OutOfMemory)
                                 : rehearsing_say(r, result, NULL, "%s", t->s);

    text_done(t);
    return e;
}

/* ---- what is found ---- */

static struct err *
say_unable(struct rehearsing *r, const struct guest_mounts *l)
{
    enum rehearsal_result result = rehearsing_without(r, VAULT_FILESYSTEM) == REHEARSAL_OK
        ? REHEARSAL_OK : REHEARSAL_WEAKER;

    for (size_t i = 0; i < l->n; i++) {
        const struct guest_mount *m = &l->item[i];

        if (m->kind == GUEST_MOUNT_UNABLE)
            TRY(rehearsing_say(r, result, fail(MountNotFrozen, r->name, m->point, m->type),
                "%s is not held still", m->point));
    }
    return NULL;
}

static struct err *
say_mounts(struct rehearsing *r, const struct guest_mounts *l)
{
    const struct guest_mount *below = NULL, *unsafe = guest_mounts_unsafe(l, &below);
    struct text t = { 0 };

    if (add_kind(&t, "held by a freeze: ", l, GUEST_MOUNT_HELD) == 0)
        text_str(&t, "none that a freeze holds");
    (void)add_kind(&t, "; for the firmware: ", l, GUEST_MOUNT_BOOT);
    (void)add_kind(&t, "; elsewhere, and in no backup of this machine: ", l,
        GUEST_MOUNT_REMOTE);
    add_loops(&t, l);
    TRY(say_text(r, &t, REHEARSAL_OK));
    TRY(say_unable(r, l));
    if (unsafe == NULL)
        return NULL;
    if (r->extended)
        return rehearsing_say(r, REHEARSAL_OK, NULL, "%s lies on %s, which the agent would "
            "freeze first; the extension goes by that", unsafe->point, below->point);
    r->unsafe_order = true;
    return rehearsing_say(r, rehearsing_without(r, VAULT_FILESYSTEM),
        fail(MountOrderUnsafe, r->name, unsafe->point, below->point),
        "%s would be frozen before %s, which is a file on it", below->point, unsafe->point);
}

static struct err *
look_at_files(struct rehearsing *r, struct deadline by)
{
    struct guest_mounts l = { 0 };

    TRY(guest_mounts_read(r->qga, by, &l));
    struct err *e = say_mounts(r, &l);
    guest_mounts_done(&l);
    return e;
}

static struct err *
look_at_list(struct rehearsing *r, struct deadline by)
{
    auto_free struct qga_fs *list = NULL;
    struct text t = { 0 };
    size_t n;

    TRY(qga_filesystems(r->qga, by, &list, &n));
    text_str(&t, n > 0 ? "listed by the agent: " : "the agent lists none");
    for (size_t i = 0; i < n; i++) {
        add_name(&t, (unsigned)i, list[i].mountpoint, list[i].type);
        if (r->linux_guest && strncmp(list[i].device, "loop", 4) == 0)
            r->unsafe_order = true;
    }
    if (r->unsafe_order)
        text_str(&t, "; what a loop device lies on cannot be told without reading files");
    return say_text(r, &t, r->unsafe_order ? REHEARSAL_IMPOSSIBLE : REHEARSAL_OK);
}

struct err *
rehearse_mounts(struct rehearsing *r)
{
    struct deadline by = deadline_in_ms(LOOK_MS);
    bool files = r->linux_guest && (r->has & HAS_FILES) != 0;

    struct err *e = files ? look_at_files(r, by) : look_at_list(r, by);
    if (e == NULL || rehearsing_ends(e))
        return e;
    return rehearsing_say(r, REHEARSAL_IMPOSSIBLE, e,
        "not possible: the agent does not tell what is mounted");
}
