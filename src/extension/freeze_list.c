/* SPDX-License-Identifier: Apache-2.0 */
/* freeze_list.c -- /proc/self/mountinfo, and the order in which to freeze.
 *
 * Only mounts of devices below /dev are opened: to open a network or FUSE file system whose
 * server is gone would hang.  Which device a loop device's file lies on is told by the kernel
 * (/sys/dev/block); one that is a partition asks its whole device. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "auto.h"
#include "codes.h"
#include "freeze.h"
#include "mountinfo.h"

static const char THIS[] = "this machine"; /* as failures call it */

enum { LOOP_MAJOR = 7, BLKEXT_MAJOR = 259 };

static bool
is_wanted(const struct mountinfo *l, const char *const *only)
{
    if (!mountinfo_on_device(l) || mountinfo_read_only(l) ||
        strlen(l->point) >= FREEZE_NAME_MAX)
        return false;
    for (; only != NULL; only++) {
        if (*only == NULL)
            return false;
        if (strcmp(*only, l->point) == 0)
            return true;
    }
    return true;
}

/* Is the mount what its mount point leads to, or does another one hide it? */
static bool
is_visible(const struct mountinfo *l)
{
    struct statx st;

    if (statx(AT_FDCWD, l->point, AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC, STATX_MNT_ID, &st) != 0)
        return false;
    if ((st.stx_mask & STATX_MNT_ID) != 0)
        return st.stx_mnt_id == l->id;
    /* before Linux 5.8; the volumes of btrfs have devices of their own */
    return strcmp(l->type, "btrfs") == 0 ||
           (st.stx_dev_major == l->major && st.stx_dev_minor == l->minor);
}

/* Each file system once, by the mount that came last. */
static void
add(struct freeze_list *l, const struct mountinfo *line)
{
    struct freeze_mount *m = NULL;

    for (unsigned i = 0; i < l->n; i++)
        if (l->item[i].major == line->major && l->item[i].minor == line->minor)
            m = &l->item[i];
    if (m != NULL) {
        memmove(m, m + 1, (size_t)(&l->item[l->n] - (m + 1)) * sizeof(*m));
        l->n--;
    }
    m = &l->item[l->n++];
    *m = (struct freeze_mount){ .major = line->major, .minor = line->minor, .id = line->id,
        .fd = -1 };
    snprintf(m->path, sizeof(m->path), "%s", line->point);
}

static struct err *
read_whole(const char *path, char **ret)
{
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    auto_free char *text = malloc(FREEZE_MOUNTINFO_MAX + 1);
    size_t len = 0;
    ssize_t n = 1;

    if (fd < 0)
        return fail(FileUnreadable, path);
    if (text == NULL)
        return fail(OutOfMemory);
    while (n > 0 && len < FREEZE_MOUNTINFO_MAX) {
        n = read(fd, text + len, FREEZE_MOUNTINFO_MAX - len);
        if (n < 0)
            return fail(FileUnreadable, path);
        len += (size_t)n;
    }
    if (len == FREEZE_MOUNTINFO_MAX)
        return fail(InputInvalid, path, "there are too many mounts");
    text[len] = '\0';
    *ret = take(text);
    return NULL;
}

/* ---- loop devices ---- */

/* The device of the file that the device ${major}:${minor} is made of; false: it is no loop
 * device. */
static bool
lies_on(uint32_t major, uint32_t minor, uint32_t *ret_major, uint32_t *ret_minor)
{
    static const char *const whole[] = { "", "/.." };
    char name[128], file[FREEZE_NAME_MAX];
    struct stat st;

    if (major != LOOP_MAJOR && major != BLKEXT_MAJOR)
        return false;
    for (size_t i = 0; i < 2; i++) {
        snprintf(name, sizeof(name), "/sys/dev/block/%u:%u%s/loop/backing_file", major, minor,
            whole[i]);
        auto_fd int fd = open(name, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? -1 : read(fd, file, sizeof(file) - 1);
        if (n <= 0)
            continue;
        file[n] = '\0';
        file[strcspn(file, "\n")] = '\0';
        if (stat(file, &st) != 0)
            return false;
        *ret_major = major(st.st_dev);
        *ret_minor = minor(st.st_dev);
        return true;
    }
    return false;
}

static int
depth_of(const struct freeze_mount *m)
{
    uint32_t major = m->major, minor = m->minor;
    int depth = 0;

    while (depth < FREEZE_DEPTH_MAX && lies_on(major, minor, &major, &minor))
        depth++;
    return depth;
}

/* Deepest first; of one depth, what was mounted last first. */
static void
sort(struct freeze_list *l)
{
    for (unsigned i = 0; i < l->n; i++)
        l->item[i].depth = depth_of(&l->item[i]);
    for (unsigned i = 0, j = l->n; i + 1 < j; i++) {
        struct freeze_mount m = l->item[i];
        l->item[i] = l->item[--j];
        l->item[j] = m;
    }
    for (unsigned i = 1; i < l->n; i++) { /* stable: there are few */
        struct freeze_mount m = l->item[i];
        unsigned j = i;

        for (; j > 0 && l->item[j - 1].depth < m.depth; j--)
            l->item[j] = l->item[j - 1];
        l->item[j] = m;
    }
}

/* ---- the list ---- */

static struct err *
all_found(const struct freeze_list *l, const char *const *only)
{
    for (; only != NULL && *only != NULL; only++) {
        bool found = false;

        for (unsigned i = 0; i < l->n; i++)
            found |= strcmp(l->item[i].path, *only) == 0;
        if (!found) {
            errno = ENODEV;
            return fail(MountUnopenable, THIS, *only);
        }
    }
    return NULL;
}

struct err *
freeze_list_read(const char *mountinfo, const char *const *only, struct freeze_list *ret)
{
    auto_free struct freeze_list *l = calloc(1, sizeof(*l));
    auto_free char *text = NULL;
    char *rest, *one;

    if (l == NULL)
        return fail(OutOfMemory);
    TRY(read_whole(mountinfo, &text));
    rest = text;
    while ((one = strsep(&rest, "\n")) != NULL) {
        struct mountinfo line;

        if (!mountinfo_parse(one, &line) || !is_wanted(&line, only) || !is_visible(&line))
            continue;
        if (l->n == FREEZE_MOUNTS_MAX)
            return fail(InputInvalid, mountinfo, "there are too many file systems");
        add(l, &line);
    }
    TRY(all_found(l, only));
    sort(l);
    *ret = *l;
    return NULL;
}

struct err *
freeze_list_open(struct freeze_list *l)
{
    for (unsigned i = 0; i < l->n; i++) {
        struct freeze_mount *m = &l->item[i];

        m->fd = open(m->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (m->fd < 0) {
            struct err *e = fail(MountUnopenable, THIS, m->path);
            freeze_list_close(l);
            return e;
        }
    }
    return NULL;
}

void
freeze_list_close(struct freeze_list *l)
{
    for (unsigned i = 0; i < l->n; i++) {
        if (l->item[i].fd >= 0)
            (void)close(l->item[i].fd);
        l->item[i].fd = -1;
    }
}
