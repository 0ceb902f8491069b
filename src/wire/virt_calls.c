/* SPDX-License-Identifier: Apache-2.0 */
#include <dlfcn.h>

#include "codes.h"
#include "virt_calls.h"

static const char library[] = "libvirt.so.0", qemu_library[] = "libvirt-qemu.so.0";

static struct err *
load(const char *name, void **ret)
{
    *ret = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    return *ret == NULL ? fail(LibvirtMissing, name) : NULL;
}

/* A pointer to an object becomes one to a function, which POSIX allows and C has no word for:
 * so it is stored as what it is. */
static struct err *
find(void *in, const char *name, void *to)
{
    void *found = dlsym(in, name);

    if (found == NULL)
        return fail(LibvirtTooOld, name);
    *(void **)to = found;
    return NULL;
}

struct err *
virt_calls_load(struct virt_calls *ret)
{
    void *virt, *qemu;

    TRY(load(library, &virt));
    TRY(load(qemu_library, &qemu));
#define FIND(name) TRY(find(virt, #name, &ret->name));
#define FIND_QEMU(name) TRY(find(qemu, #name, &ret->name));
    VIRT_CALLS(FIND)
    VIRT_QEMU_CALLS(FIND_QEMU)
#undef FIND
#undef FIND_QEMU
    return NULL;
}
