/* SPDX-License-Identifier: Apache-2.0 */
/* real_agent.h -- the real qemu-ga, with this machine as its guest.  It may neither freeze, nor
 * shut down, nor set a clock or a password: that would be this machine's. */
#ifndef REAL_AGENT_H
#define REAL_AGENT_H

#include <stdbool.h>

/* It listens on ${sock}, which is replaced, when this returns; false: there is none here. */
bool real_agent_start(const char *sock);
/* Kill it, whatever it does. */
void real_agent_stop(void);

#endif
