/* SPDX-License-Identifier: Apache-2.0 */
/* writers.h -- in which service a writer of the Volume Shadow Copy service is at home.  A
 * failure names the writer; what can be started again is its service. */
#ifndef WRITERS_H
#define WRITERS_H

/* NULL when the writer is not known, or its service is one not to be restarted for a backup. */
const char *writer_service(const char *writer);

#endif
