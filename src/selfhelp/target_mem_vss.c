/* SPDX-License-Identifier: Apache-2.0 */
/* target_mem_vss.c -- the model's Volume Shadow Copy service: writers, each at home in a
 * service whose start makes it stable again, and the list that vssadmin shows of them.
 *
 * Labels are those of a German Windows, since nothing may go by words. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "codes.h"
#include "target_mem_internal.h"
#include "text.h"

#define VSS "VSS"
#define EVENTS "EventSystem"

enum { VSSADMIN_FAILS = 2, STABLE = 1, FAILED = 8, START_DISABLED = 4 };

static const struct {
    const char *name;
    uint32_t start;
} services[] = { { VSS, 3 }, { "swprv", 3 }, { EVENTS, 2 }, { "CryptSvc", 2 },
    { "Winmgmt", 2 }, { "SQLWriter", 2 }, { "SENS", 2 }, { "COMSysApp", 2 },
    { "iphlpsvc", 2 }, { "AppIDSvc", 3 } };

/* As on Windows: services that need those above. */
static const struct {
    const char *service, *needs;
} needs[] = { { "SENS", EVENTS }, { "COMSysApp", EVENTS }, { "COMSysApp", "SENS" },
    { "iphlpsvc", "Winmgmt" }, { "AppIDSvc", "CryptSvc" } };

static const struct mem_writer usual[] = { { "System Writer", "CryptSvc", STABLE, false },
    { "Registry Writer", VSS, STABLE, false },
    { "Shadow Copy Optimization Writer", VSS, STABLE, false },
    { "WMI Writer", "Winmgmt", STABLE, false },
    { "SqlServerWriter", "SQLWriter", STABLE, false } };

void
target_mem_vss(struct target *t)
{
    struct mem *m = (struct mem *)t;

    for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
        target_mem_service(t, services[i].name, services[i].start);
        if (services[i].start == 2)
            mem_service_find(m, services[i].name)->s.state = SERVICE_IS_RUNNING;
    }
    for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++)
        target_mem_needs(t, needs[i].service, needs[i].needs);
    m->nwriters = sizeof(usual) / sizeof(usual[0]);
    memcpy(m->writers, usual, sizeof(usual));
    target_mem_put(t, MEM_VSSADMIN, "MZ");
}

void
target_mem_fail_writer(struct target *t, const char *name, bool for_good)
{
    struct mem *m = (struct mem *)t;
    size_t i = 0;

    while (i < m->nwriters && strcmp(m->writers[i].name, name) != 0)
        i++;
    assert(i < m->nwriters);
    m->writers[i].state = FAILED;
    m->writers[i].stays = for_good;
}

void
target_mem_hang_vss(struct target *t, bool for_good)
{
    struct mem *m = (struct mem *)t;

    m->vss = for_good ? MEM_VSS_STUCK : MEM_VSS_HANGS;
    mem_service_find(m, VSS)->s.state = SERVICE_IS_RUNNING;
}

struct err *
mem_vss_control(struct mem *m, const char *service, bool run, struct deadline by)
{
    if (strcasecmp(service, VSS) == 0) {
        if (m->vss == MEM_VSS_STUCK)
            return mem_hang(m, by);
        if (run)
            m->vss = MEM_VSS_ANSWERS;
    }
    for (size_t i = 0; run && i < m->nwriters; i++)
        if (strcasecmp(m->writers[i].service, service) == 0 && !m->writers[i].stays)
            m->writers[i].state = STABLE;
    return NULL;
}

void
mem_vss_restart(struct mem *m)
{
    m->vss = MEM_VSS_ANSWERS;
    for (size_t i = 0; i < m->nwriters; i++) {
        m->writers[i].state = STABLE;
        m->writers[i].stays = false;
    }
}

static void
list_writers(struct mem *m, struct text *to)
{
    const struct mem_service *events = mem_service_find(m, EVENTS);

    if (events == NULL || events->s.state != SERVICE_IS_RUNNING)
        return; /* no writer hears that it is asked for */
    for (size_t i = 0; i < m->nwriters; i++)
        text_fmt(to, "Verfassername: '%s'\r\n   Status: [%u] %s\r\n", m->writers[i].name,
            m->writers[i].state, m->writers[i].state == STABLE ? "Stabil" : "Fehlgeschlagen");
}

struct err *
mem_vssadmin(struct mem *m, const char *const argv[], struct deadline by, uint32_t *ret_exit,
    char **ret_output)
{
    const struct mem_service *vss = mem_service_find(m, VSS);
    struct text t = { 0 };

    if (m->vss != MEM_VSS_ANSWERS)
        return mem_hang(m, by);
    *ret_exit = vss == NULL || vss->s.start == START_DISABLED ? VSSADMIN_FAILS : 0;
    text_str(&t, "vssadmin 1.1\r\n");
    if (*ret_exit != 0)
        text_str(&t, "Fehler: 0x80070422\r\n");
    else if (argv[1] != NULL && argv[2] != NULL && strcmp(argv[2], "writers") == 0)
        list_writers(m, &t);
    else
        text_str(&t, "Anbietername: 'Microsoft Software Shadow Copy provider 1.0'\r\n");
    assert(!t.no_memory);
    *ret_output = t.s;
    return NULL;
}
