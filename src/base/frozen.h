/* SPDX-License-Identifier: Apache-2.0 */
/* frozen.h -- is a guest held still by this process now?
 *
 * From the reply to a freeze until the request to thaw the guest cannot write.  Meanwhile this
 * process talks to the machine and waits for that; it must neither touch a vault nor write to a
 * terminal, either of which may take as long as it likes.  What would do so says
 * frozen_forbids first, in releases too: a defect of firn ends it then, and the guard thaws. */
#ifndef FROZEN_H
#define FROZEN_H

#include <assert.h>
#include <stdbool.h>

/* By the freeze window alone; one at a time. */
void frozen_begin(void);
void frozen_end(void);

bool frozen_now(void);

#define frozen_forbids() assert(!frozen_now() && "a guest is held still")

#endif
