/* SPDX-License-Identifier: Apache-2.0 */
/* guest_rule.h -- what a guest's administrator has decided about its backups. */
#ifndef GUEST_RULE_H
#define GUEST_RULE_H

#include "err.h"

/* Has a script failed whose configuration says that the backup ends then
 * (continueBackupOnFailure: false)?  Looks through all causes.  Where an extension does not say
 * it, the answer is no. */
bool guest_rule_ends(const struct err *e);

#endif
