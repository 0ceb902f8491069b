/* SPDX-License-Identifier: Apache-2.0 */
/* job_machine.h -- the running machine that a SOURCE means: found by its words, opened, and
 * held still with its guest. */
#ifndef JOB_MACHINE_H
#define JOB_MACHINE_H

#include "job.h"
#include "running.h"

/* A list of names as it was given, "vda,vdb". */
struct job_names {
    char *text;
    const char *name[RUNNING_DISKS_MAX];
    size_t n;
};

/* Starts as { 0 }. */
struct job_machine {
    char *monitor;     /* its socket; or vm:NAME[,connect=URI] */
    const char *agent; /* its guest agent, as qga_open takes it; NULL: none */
    struct job_names only, except;
    struct running *r; /* job_machine_open; NULL before */
};

/* Is the SOURCE a machine, qmp:SOCKET[,qga=SOCKET] or vm:NAME? */
bool job_machine_is(const char *source);

/* What ${o} asks for, whose one source is a running machine.  UsageWrong. */
struct err *job_machine_parse(const struct job_backup *o, struct job_machine *m) must_use;

/* Failures of vm_open and domain_open.  A machine of libvirt's may be off (running.off). */
struct err *job_machine_open(const struct job_backup *o, struct job_machine *m) must_use;

/* What its points are called by: --machine, or its own name.  UsageWrong: it has none. */
struct err *job_machine_name(const struct job_backup *o, const struct job_machine *m,
    const char **ret) must_use;

/* What running_close would have removed stays. */
void job_machine_done(struct job_machine *m);

#endif
