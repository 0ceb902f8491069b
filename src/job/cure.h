/* SPDX-License-Identifier: Apache-2.0 */
/* cure.h -- a stage of a backup that fails for a cause that can be repaired: verify the cause,
 * repair it with the consent given, and prove that by the stage itself.
 *
 * It is the doctor's run (runbook.h): its looks, its order, journals and budgets, its undoing
 * of what did not help, its going on with the next cause.  Nobody is asked; what was not
 * allowed is not done. */
#ifndef CURE_H
#define CURE_H

#include "chain.h"
#include "stage.h"

/* A stage, in whose guest a cure is tried. */
struct cure {
    struct stages *stages;
    const struct job_cure *allowed; /* NULL: no cure is tried */
    const char *target;             /* as for firn doctor; NULL: none */
    struct err *(*stage)(void *arg); /* may be run again after it worked */
    void *arg;
    struct chain_facts *facts; /* of the point: gets "cured.CODE" with the journal's id, and
                                * RepairMasked with the code where it was masked only */
};

/* stage_run, and after a failure a cure.  NULL: the stage worked, at last.  Otherwise its last
 * failure; beside it, what the doctor says of it.  Warnings of the job: BackupCured,
 * RepairMasked. */
struct err *cure_run(const struct cure *c) must_use;

#endif
