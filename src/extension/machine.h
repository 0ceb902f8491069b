/* SPDX-License-Identifier: Apache-2.0 */
/* machine.h -- the machine that this program is inside of, as what a doctor acts on
 * (target.h), and what asks it to end.
 *
 * Bodies: machine_linux.c over target_local.h; machine_win32.c and its parts over the Win32
 * API.  Restarting is for a person: the doctor would end with the machine.  What takes effect
 * with a restart is kept and recorded; the doctor goes on when it is called again after it. */
#ifndef MACHINE_H
#define MACHINE_H

#include "target.h"

/* Its name is "local". */
struct err *machine_open(struct target **ret) must_use;

/* From here on Ctrl-C, a closed window and SIGTERM ask to end (stop.h). */
void machine_hear_stop(void);

#endif
