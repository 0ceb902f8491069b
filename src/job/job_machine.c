/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "codes.h"
#include "domain.h"
#include "job_connect.h"
#include "job_machine.h"
#include "moment.h"
#include "scratch.h"
#include "vm.h"

static const char scheme[] = "qmp:", agent[] = ",qga=";

bool
job_machine_is(const char *source)
{
    return strncmp(source, scheme, strlen(scheme)) == 0 || job_connect_is(source);
}

/* Whether there is an agent, libvirt says. */
static struct err *
parse_libvirt(const struct job_backup *o, struct job_machine *m)
{
    TRY(job_connect(o->sources[0], o->connect, &m->monitor));
    m->agent = m->monitor;
    return NULL;
}

const char *
job_machine_agent(const char *source)
{
    const char *at = job_machine_is(source) ? strstr(source, agent) : NULL;

    return at != NULL ? at + strlen(agent) : NULL;
}

static struct err *
parse_source(const struct job_backup *o, struct job_machine *m)
{
    const char *source = o->sources[0];

    if (job_connect_is(source))
        return parse_libvirt(o, m);
    if (o->connect != NULL && (o->guest == NULL || !job_connect_is(o->guest)))
        return fail(UsageWrong, "--connect says which libvirt has a machine: it goes with "
                                "vm:NAME");
    m->monitor = strdup(source + strlen(scheme));
    if (m->monitor == NULL)
        return fail(OutOfMemory);
    char *rest = strstr(m->monitor, agent);
    if (rest != NULL) {
        *rest = '\0';
        m->agent = rest + strlen(agent);
    }
    if (m->monitor[0] == '\0' || (m->agent != NULL && m->agent[0] == '\0'))
        return fail(UsageWrong, "a running machine is qmp:SOCKET or qmp:SOCKET,qga=SOCKET");
    return NULL;
}

static struct err *
parse_names(const char *list, struct job_names *ret)
{
    char *rest, *name;

    if (list == NULL)
        return NULL;
    ret->text = strdup(list);
    if (ret->text == NULL)
        return fail(OutOfMemory);
    rest = ret->text;
    while ((name = strsep(&rest, ",")) != NULL) {
        if (name[0] == '\0' || ret->n == RUNNING_DISKS_MAX)
            return fail(UsageWrong, "--disk and --exclude-disk take names of disks, with "
                                    "commas between them");
        ret->name[ret->n++] = name;
    }
    return NULL;
}

struct err *
job_machine_parse(const struct job_backup *o, struct job_machine *m)
{
    TRY(parse_source(o, m));
    TRY(moment_check(o->consistency, m->agent));
    TRY(parse_names(o->disks, &m->only));
    TRY(parse_names(o->except_disks, &m->except));
    return NULL;
}

struct err *
job_machine_open(const struct job_backup *o, struct job_machine *m)
{
    const struct running_options options = { .scratch = o->scratch, .only = m->only.name,
        .nonly = m->only.n, .except = m->except.name, .nexcept = m->except.n };

    if (!job_connect_is(m->monitor))
        return vm_open(m->monitor, &options, &m->r);
    TRY(domain_open(m->monitor + strlen("vm:"), &options, &m->r));
    m->agent = m->r->off || !m->r->agent ? NULL : m->monitor;
    return m->r->off ? NULL : moment_check(o->consistency, m->agent);
}

struct err *
job_machine_name(const struct job_backup *o, const struct job_machine *m, const char **ret)
{
    *ret = o->machine != NULL ? o->machine : running_name(m->r);
    if (*ret == NULL)
        return fail(UsageWrong, "QEMU was started without -name, so the machine needs one: "
                                "--machine NAME");
    return NULL;
}

void
job_sweep(void)
{
    scratch_sweep_usual();
}

void
job_machine_done(struct job_machine *m)
{
    running_free(m->r);
    free(m->only.text);
    free(m->except.text);
    free(m->monitor);
    *m = (struct job_machine){ 0 };
}
