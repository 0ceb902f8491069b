/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "codes.h"
#include "job_extension.h"
#include "qga.h"

static const char scheme[] = "qga:";

struct guest {
    const struct job *j;
    const char *target;
};

static struct err *
open_agent(void *arg, struct deadline by, struct qga **ret)
{
    const struct guest *g = arg;

    return qga_open(g->target + strlen(scheme), g->target, by, ret);
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

    if (g->j->warn != NULL)
        g->j->warn(g->j->arg, warning);
    else
        err_free(warning);
}

static struct err *
set_up(struct guest *g, struct upkeep *ret)
{
    if (strncmp(g->target, scheme, strlen(scheme)) != 0 || g->target[strlen(scheme)] == '\0')
        return fail(UsageWrong, "a guest is qga:SOCKET, the socket of its agent");
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
