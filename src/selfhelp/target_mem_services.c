/* SPDX-License-Identifier: Apache-2.0 */
/* target_mem_services.c -- the model's services at work: start and stop, and which needs which.
 *
 * What a service needs is a list of pairs beside the services, so that it outlives a service
 * that is deleted and made again. */
#include <assert.h>
#include <string.h>

#include "codes.h"
#include "target_mem_internal.h"

enum { ERROR_NO_SERVICE = 1060, ERROR_DISABLED = 1058, ERROR_MARKED = 1072,
    ERROR_NEED_FAILED = 1068, ERROR_NEED_MISSING = 1075, START_DISABLED = 4, START_AUTO = 2,
    DEPTH_MAX = 16 };

void
target_mem_needs(struct target *t, const char *name, const char *needs)
{
    struct mem *m = (struct mem *)t;

    assert(m->nneeds < MEM_MAX);
    m->needs[m->nneeds++] = (struct mem_need){ mem_copy(name), mem_copy(needs) };
}

void
target_mem_no_start(struct target *t, const char *name, uint32_t error)
{
    struct mem_service *s = mem_service_find((struct mem *)t, name);

    assert(s != NULL);
    s->no_start = error;
}

void
target_mem_no_stop(struct target *t, const char *name, uint32_t error)
{
    struct mem_service *s = mem_service_find((struct mem *)t, name);

    assert(s != NULL);
    s->no_stop = error;
}

void
target_mem_starts_when(struct target *t, const char *name, const char *stopped, unsigned times)
{
    struct mem *m = (struct mem *)t;

    m->starts = name;
    m->when_stopped = stopped;
    m->starts_times = times;
}

static bool
runs(struct mem *m, const char *name)
{
    const struct mem_service *s = mem_service_find(m, name);

    return s != NULL && s->s.state != SERVICE_IS_STOPPED;
}

bool
target_mem_runs(struct target *t, const char *name)
{
    return runs((struct mem *)t, name);
}

static bool
needs_itself(const struct mem *m, const char *service, const char *needed, unsigned depth)
{
    for (size_t i = 0; depth < DEPTH_MAX && i < m->nneeds; i++)
        if (strcasecmp(m->needs[i].service, service) == 0 &&
            (strcasecmp(m->needs[i].needs, needed) == 0 ||
                needs_itself(m, m->needs[i].needs, needed, depth + 1)))
            return true;
    return false;
}

/* In the order in which they were made, so that nobody can rely on a better one. */
struct err *
mem_service_dependents(struct target *t, const char *name, char ***ret)
{
    struct mem *m = (struct mem *)t;
    char **all = calloc(m->nservices + 1, sizeof(*all));
    size_t n = 0;

    if (all == NULL)
        return fail(OutOfMemory);
    for (size_t i = 0; i < m->nservices; i++)
        if (m->services[i].s.state != SERVICE_IS_STOPPED &&
            needs_itself(m, m->services[i].name, name, 0))
            all[n++] = mem_copy(m->services[i].name);
    *ret = all;
    return NULL;
}

char **
mem_service_needs(const struct mem *m, const char *name)
{
    char **all = calloc(m->nneeds + 1, sizeof(*all));
    size_t n = 0;

    assert(all != NULL);
    for (size_t i = 0; i < m->nneeds; i++)
        if (strcasecmp(m->needs[i].service, name) == 0)
            all[n++] = mem_copy(m->needs[i].needs);
    return all;
}

static uint32_t
stop(struct mem *m, struct mem_service *s)
{
    for (size_t i = 0; i < m->nneeds; i++)
        if (strcasecmp(m->needs[i].needs, s->name) == 0 && runs(m, m->needs[i].service))
            return TARGET_DEPENDENTS_RUN;
    return s->no_stop;
}

static struct err *start(struct mem *m, const char *name, struct deadline by, unsigned depth,
    uint32_t *ret_error);

static struct err *
start_needs(struct mem *m, const char *name, struct deadline by, unsigned depth,
    uint32_t *ret_error)
{
    for (size_t i = 0; *ret_error == 0 && i < m->nneeds; i++) {
        const char *needs = m->needs[i].needs;

        if (strcasecmp(m->needs[i].service, name) != 0 || runs(m, needs))
            continue;
        TRY(start(m, needs, by, depth + 1, ret_error));
        if (*ret_error != 0)
            *ret_error = *ret_error == ERROR_NO_SERVICE ? ERROR_NEED_MISSING
                                                        : ERROR_NEED_FAILED;
    }
    return NULL;
}

/* What it needs first. */
static struct err *
start(struct mem *m, const char *name, struct deadline by, unsigned depth, uint32_t *ret_error)
{
    struct mem_service *s = mem_service_find(m, name);

    assert(depth < DEPTH_MAX);
    *ret_error = s == NULL ? ERROR_NO_SERVICE : s->s.marked ? ERROR_MARKED :
        s->s.start == START_DISABLED ? ERROR_DISABLED : s->no_start;
    if (*ret_error == 0)
        TRY(start_needs(m, name, by, depth, ret_error));
    if (*ret_error != 0)
        return NULL;
    TRY(mem_vss_control(m, name, true, by));
    s->s.state = SERVICE_IS_RUNNING;
    return NULL;
}

struct err *
mem_service_control(struct target *t, const char *name, bool run, struct deadline by)
{
    struct mem *m = (struct mem *)t;
    struct mem_service *s = mem_service_find(m, name);
    uint32_t error;

    if (run) {
        TRY(start(m, name, by, 0, &error));
        return error == 0 ? NULL : fail(TargetRefused, t->name, "start a service", error);
    }
    error = s == NULL ? ERROR_NO_SERVICE : s->s.marked ? ERROR_MARKED :
        s->s.state == SERVICE_IS_STOPPED ? 0 : stop(m, s);
    if (error != 0)
        return fail(TargetRefused, t->name, "stop a service", error);
    TRY(mem_vss_control(m, name, false, by));
    s->s.state = SERVICE_IS_STOPPED;
    if (m->starts_times > 0 && strcasecmp(m->when_stopped, name) == 0) {
        m->starts_times--;
        TRY(start(m, m->starts, by, 0, &error));
    }
    return NULL;
}

void
mem_services_begin(struct mem *m)
{
    for (size_t i = 0; i < m->nservices; i++)
        m->services[i].s.state = SERVICE_IS_STOPPED;
    for (size_t i = 0; i < m->nservices; i++) {
        uint32_t error; /* one that cannot start stays as it is */
        struct err *e = NULL;

        if (m->services[i].s.start == START_AUTO && !runs(m, m->services[i].name))
            e = start(m, m->services[i].name, deadline_in_ms(1000), 0, &error);
        assert(e == NULL);
    }
}
