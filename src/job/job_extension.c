/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "job_connect.h"
#include "job_extension.h"
#include "job_internal.h"
#include "qga.h"

static const char not_one[] = "a guest is qga:SOCKET, the socket of its agent, or vm:NAME, a "
                              "machine of libvirt's";

struct guest {
    const struct job *j;
    const char *target;
};

static struct err *
open_agent(void *arg, struct deadline by, struct qga **ret)
{
    const struct guest *g = arg;
    auto_free char *agent = NULL;

    TRY(job_connect_agent(g->target, not_one, &agent));
    return qga_open(agent, g->target, by, ret);
}

static void
pass_progress(void *arg, const char *stage, uint64_t done, uint64_t total)
{
    const struct guest *g = arg;
    const struct job_progress p = { .stage = stage, .done = done, .total = total };

    if (g->j->progress != NULL)
        g->j->progress(g->j->arg, &p);
}

static void
pass_warning(void *arg, struct err *warning)
{
    const struct guest *g = arg;

    job_warn(g->j, warning);
}

static struct err *
set_up(struct guest *g, struct upkeep *ret)
{
    auto_free char *agent = NULL;

    TRY(job_connect_agent(g->target, not_one, &agent));
    *ret = (struct upkeep){ .vm = g->target, .open = open_agent, .progress = pass_progress,
        .warn = pass_warning, .arg = g };
    return NULL;
}

struct err *
job_extension_install(const struct job *j, const char *target, const char *package,
    struct upkeep_installed *ret)
{
    struct guest g = { j, target };
    struct upkeep u;

    TRY(set_up(&g, &u));
    return upkeep_install(&u, package, ret);
}

struct err *
job_extension_status(const struct job *j, const char *target, const char *package,
    json_t **ret)
{
    struct guest g = { j, target };
    struct upkeep u;

    TRY(set_up(&g, &u));
    return upkeep_status(&u, package, ret);
}

struct err *
job_extension_remove(const struct job *j, const char *target, const char *package,
    struct upkeep_removed *ret)
{
    struct guest g = { j, target };
    struct upkeep u;

    TRY(set_up(&g, &u));
    return upkeep_remove(&u, package, ret);
}
