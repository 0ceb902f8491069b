/* SPDX-License-Identifier: Apache-2.0 */
/* A list of mounts, whose names any user of a machine may have a hand in, and the marker of a
 * freeze: within the limits, and each device once. */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "freeze_internal.h"
#include "mountinfo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const struct freeze_list *l)
{
    assert(l->n <= FREEZE_MOUNTS_MAX);
    for (unsigned i = 0; i < l->n; i++) {
        assert(l->item[i].path[0] == '/');
        assert(memchr(l->item[i].path, '\0', FREEZE_NAME_MAX) != NULL);
        assert(l->item[i].fd == -1);
    }
}

static void
each_once(const struct freeze_list *l)
{
    for (unsigned i = 0; i < l->n; i++)
        for (unsigned j = 0; j < i; j++)
            assert(l->item[i].major != l->item[j].major ||
                   l->item[i].minor != l->item[j].minor);
}

static void
find(const uint8_t *data, size_t size)
{
    static const char path[] = "/a/b";
    char *text = calloc(1, size + 1);
    struct mountinfo m;

    assert(text != NULL);
    memcpy(text, data, size);
    if (mountinfo_find(text, path, &m)) {
        assert(mountinfo_holds(m.point, path));
        (void)mountinfo_has(m.options, "noexec");
        (void)mountinfo_read_only(&m);
        (void)mountinfo_on_device(&m);
    }
    free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct freeze_list l;
    char path[64];
    struct err *e;
    int fd;

    if (size == 0 || (fd = memfd_create("mounts", MFD_CLOEXEC)) < 0)
        return 0;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    l.n = 0;
    if (data[0] != 'm') {
        e = freeze_mark_parse((const char *)data + 1, size - 1, &l);
    } else {
        assert(write(fd, data + 1, size - 1) == (ssize_t)(size - 1));
        e = freeze_list_read(path, NULL, &l);
        each_once(&l);
        find(data + 1, size - 1);
    }
    err_free(e);
    check(&l);
    close(fd);
    return 0;
}
