/* SPDX-License-Identifier: Apache-2.0 */
/* Which machine a TARGET means.  A Windows guest's load tests are made by the extension's own
 * plug-in host, so it is looked for first, in a conversation of its own: the agent serves one
 * at a time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codes.h"
#include "guest_prepare.h"
#include "job_target.h"
#include "qga.h"
#include "target_guest.h"
#include "target_hive.h"
#include "target_local.h"
#include "virt_link.h"

enum { CONNECT_MS = 30000, TAKE_UP_MS = 60000 };

/* What follows ${scheme}; NULL when ${text} is of another one. */
static const char *
after(const char *text, const char *scheme)
{
    size_t n = strlen(scheme);

    return strncmp(text, scheme, n) == 0 && text[n] != '\0' ? text + n : NULL;
}

/* One name for one machine, wherever firn was started and however the path to it was written:
 * its journals are found by it, and by no other machine that the same words lead to from
 * elsewhere. */
static struct err *
name_of(const char *scheme, const char *real, char **ret)
{
    if (asprintf(ret, "%s%s", scheme, real) < 0) {
        *ret = NULL;
        return fail(OutOfMemory);
    }
    return NULL;
}

static struct err *
open_guest(const char *socket, const char *name, struct target **ret)
{
    struct deadline by = deadline_in_ms(CONNECT_MS);
    struct target_guest_options options = { .name = name };
    auto_free char *host = NULL;
    auto_ptr(qga) g = NULL;

    TRY(qga_open(socket, name, by, &g));
    TRY(guest_plugin_host(g, by, &host));
    qga_free(take(g));
    options.plugin_host = host;
    return target_guest_open(socket, &options, by, ret);
}

static struct err *
open_agent(const char *socket, const char *text, struct target **ret)
{
    auto_free char *real = realpath(socket, NULL), *name = NULL;

    if (real == NULL) /* what is wrong with it says who connects to it */
        return open_guest(socket, text, ret);
    TRY(name_of("qga:", real, &name));
    return open_guest(socket, name, ret);
}

/* Its name is as it was typed, for the lines that are to be typed next. */
static struct err *
open_libvirts(const char *text, struct target **ret)
{
    auto_free char *same = NULL;
    auto_ptr(target) t = NULL;

    TRY(open_guest(text, text, &t));
    TRY(virt_identify(after(text, "vm:"), deadline_in_ms(CONNECT_MS), &same));
    TRY(name_of("vm:", same, &t->identity));
    *ret = take(t);
    return NULL;
}

static struct err *
open_tree(const char *folder, struct target **ret)
{
    auto_free char *real = realpath(folder, NULL), *name = NULL;

    if (real == NULL)
        return fail(FileUnreadable, folder);
    TRY(name_of("root:", real, &name));
    TRY(target_local_open(real, name, ret));
    return NULL;
}

static struct err *
open_disk(const char *path, struct target **ret)
{
    auto_free char *real = realpath(path, NULL), *name = NULL;

    if (real == NULL)
        return fail(FileUnreadable, path);
    TRY(name_of("disk:", real, &name));
    return target_hive_open(path, name, ret);
}

struct err *
job_target_open(const char *text, struct target **ret, bool *ret_guest)
{
    const char *rest;

    *ret_guest = after(text, "qga:") != NULL || after(text, "vm:") != NULL;

    if (strcmp(text, "local") == 0)
        return target_local_open(NULL, text, ret);
    rest = after(text, "root:");
    if (rest != NULL)
        return open_tree(rest, ret);
    rest = after(text, "qga:");
    if (rest != NULL)
        return open_agent(rest, text, ret);
    if (after(text, "vm:") != NULL)
        return open_libvirts(text, ret);
    rest = after(text, "disk:");
    if (rest != NULL)
        return open_disk(rest, ret);
    return fail(UsageWrong, "a TARGET is local, root:FOLDER, qga:SOCKET, vm:NAME or "
                            "disk:FOLDER");
}

void
job_target_let_go(struct target *guest)
{
    target_guest_let_go(guest);
}

struct err *
job_target_take_up(struct target *guest)
{
    return target_guest_take_up(guest, deadline_in_ms(TAKE_UP_MS));
}
