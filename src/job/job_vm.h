/* SPDX-License-Identifier: Apache-2.0 */
/* job_vm.h -- the backup of a running machine: qmp:SOCKET[,qga=SOCKET]. */
#ifndef JOB_VM_H
#define JOB_VM_H

#include "job.h"

/* job_backup for such a source (job_machine.h).  The failures of vm.h and backup.h,
 * UsageWrong. */
struct err *job_vm_backup(const struct job *j, const struct job_backup *o,
    struct vault_point **ret) must_use;

#endif
