/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codes.h"
#include "guest_mounts.h"
#include "mountinfo.h"
#include "qga.h"

enum { LOOP_MAJOR = 7, BLKEXT_MAJOR = 259, PATH_ROOM = 4096 };

static const char MOUNTINFO[] = "/proc/self/mountinfo";

/* ---- kinds ---- */

static bool
is_one_of(const char *s, const char *const list[])
{
    for (size_t i = 0; list[i] != NULL; i++)
        if (strcmp(s, list[i]) == 0)
            return true;
    return false;
}

static bool
is_remote(const struct mountinfo *m)
{
    static const char *const types[] = { "nfs", "nfs4", "cifs", "smb3", "smbfs", "ceph", "9p",
        "virtiofs", "lustre", "afs", "beegfs", "glusterfs", "fuse.glusterfs", "fuse.sshfs",
        "fuse.ceph", "fuse.s3fs", "fuse.rclone", NULL };

    return is_one_of(m->type, types);
}

/* What the kernel can freeze, as far as a disk of a machine has it. */
static bool
can_freeze(const struct mountinfo *m)
{
    static const char *const types[] = { "ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs",
        "jfs", "nilfs2", "reiserfs", "gfs2", "bcachefs", NULL };

    return is_one_of(m->type, types);
}

static bool
is_for_firmware(const struct mountinfo *m)
{
    return strcmp(m->type, "vfat") == 0 &&
           (strncmp(m->point, "/boot", 5) == 0 || strncmp(m->point, "/efi", 4) == 0);
}

static enum guest_mount_kind
kind_of(const struct mountinfo *m)
{
    bool device = strncmp(m->source, "/dev/", 5) == 0 && strcmp(m->type, "devtmpfs") != 0;

    if (is_remote(m))
        return GUEST_MOUNT_REMOTE;
    if (mountinfo_read_only(m) || (!device && strcmp(m->type, "zfs") != 0))
        return GUEST_MOUNT_OTHER;
    if (is_for_firmware(m))
        return GUEST_MOUNT_BOOT;
    return can_freeze(m) ? GUEST_MOUNT_HELD : GUEST_MOUNT_UNABLE;
}

/* ---- reading ---- */

static struct err *
add(struct guest_mounts *l, const struct mountinfo *m)
{
    struct guest_mount *to = &l->item[l->n++];

    *to = (struct guest_mount){ .point = strdup(m->point), .type = strdup(m->type),
        .source = strdup(m->source), .major = m->major, .minor = m->minor,
        .kind = kind_of(m) };
    return to->point != NULL && to->type != NULL && to->source != NULL ? NULL
                                                                       : fail(OutOfMemory);
}

static struct err *
parse(char *text, struct guest_mounts *l)
{
    char *rest = text, *line;

    l->item = calloc(GUEST_MOUNTS_MAX, sizeof(*l->item));
    if (l->item == NULL)
        return fail(OutOfMemory);
    while ((line = strsep(&rest, "\n")) != NULL) {
        struct mountinfo m;

        if (!mountinfo_parse(line, &m))
            continue;
        if (l->n == GUEST_MOUNTS_MAX)
            return fail(InputInvalid, MOUNTINFO, "there are too many mounts");
        TRY(add(l, &m));
    }
    return NULL;
}

struct err *
guest_mounts_parse(char *text, struct guest_mounts *ret)
{
    struct guest_mounts l = { 0 };
    struct err *e = parse(text, &l);

    if (e != NULL)
        guest_mounts_done(&l);
    else
        *ret = l;
    return e;
}

/* The file of a loop device, or of the one that a partition is of; what cannot be read is of
 * none. */
static struct err *
read_loop_file(struct qga *g, struct deadline by, struct guest_mount *m)
{
    static const char *const whole[] = { "", "/.." };
    char path[96];

    if (m->kind == GUEST_MOUNT_OTHER || (m->major != LOOP_MAJOR && m->major != BLKEXT_MAJOR))
        return NULL;
    for (size_t i = 0; i < 2 && m->file == NULL; i++) {
        auto_free uint8_t *text = NULL;
        size_t len = 0;

        snprintf(path, sizeof(path), "/sys/dev/block/%u:%u%s/loop/backing_file", m->major,
            m->minor, whole[i]);
        struct err *e = qga_read_file(g, path, PATH_ROOM, by, &text, &len);
        if (err_has(e, E_GuestFileFailed)) {
            err_free(e); /* no loop device, or its whole device has the file */
            continue;
        }
        TRY(e);
        text[strcspn((char *)text, "\n")] = '\0';
        m->file = (char *)take(text);
    }
    return NULL;
}

struct err *
guest_mounts_read(struct qga *g, struct deadline by, struct guest_mounts *ret)
{
    auto_free uint8_t *text = NULL;
    struct guest_mounts l = { 0 };
    struct err *e = NULL;
    size_t len;

    TRY(qga_read_file(g, MOUNTINFO, GUEST_MOUNTS_FILE_MAX, by, &text, &len));
    TRY(guest_mounts_parse((char *)text, &l));
    for (size_t i = 0; i < l.n && e == NULL; i++)
        e = read_loop_file(g, by, &l.item[i]);
    if (e != NULL)
        guest_mounts_done(&l);
    else
        *ret = l;
    return e;
}

/* ---- what lies on what ---- */

const struct guest_mount *
guest_mounts_of_path(const struct guest_mounts *l, const char *path)
{
    const struct guest_mount *best = NULL;
    size_t longest = 0;

    for (size_t i = 0; i < l->n; i++) {
        size_t n = strlen(l->item[i].point);

        if (mountinfo_holds(l->item[i].point, path) && n >= longest) { /* it hides an earlier */
            best = &l->item[i];
            longest = n;
        }
    }
    return best;
}

static bool
same_file_system(const struct guest_mount *a, const struct guest_mount *b)
{
    return a->major == b->major && a->minor == b->minor;
}

/* The mount by which the agent would freeze the file system of ${m}: its last. */
static const struct guest_mount *
frozen_by(const struct guest_mounts *l, const struct guest_mount *m)
{
    const struct guest_mount *last = m;

    for (const struct guest_mount *at = m; at < l->item + l->n; at++)
        if (same_file_system(at, m))
            last = at;
    return last;
}

/* The file system below ${m}, or one below that, which would be frozen before it. */
static const struct guest_mount *
frozen_before(const struct guest_mounts *l, const struct guest_mount *m)
{
    const struct guest_mount *own = frozen_by(l, m), *at = m;

    for (unsigned i = 0; i < GUEST_MOUNTS_DEPTH && at != NULL && at->file != NULL; i++) {
        at = guest_mounts_of_path(l, at->file);
        if (at == NULL || at->kind != GUEST_MOUNT_HELD || same_file_system(at, m))
            continue;
        const struct guest_mount *below = frozen_by(l, at);
        if (below > own)
            return below;
    }
    return NULL;
}

const struct guest_mount *
guest_mounts_unsafe(const struct guest_mounts *l, const struct guest_mount **ret_below)
{
    for (size_t i = 0; i < l->n; i++) {
        const struct guest_mount *m = &l->item[i];

        if (m->kind != GUEST_MOUNT_HELD || m->file == NULL)
            continue;
        const struct guest_mount *below = frozen_before(l, m);
        if (below != NULL) {
            *ret_below = below;
            return m;
        }
    }
    return NULL;
}

void
guest_mounts_done(struct guest_mounts *l)
{
    for (size_t i = 0; i < l->n; i++) {
        free(l->item[i].point);
        free(l->item[i].type);
        free(l->item[i].source);
        free(l->item[i].file);
    }
    free(l->item);
    *l = (struct guest_mounts){ 0 };
}
