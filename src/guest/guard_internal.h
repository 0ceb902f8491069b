/* SPDX-License-Identifier: Apache-2.0 */
/* guard_internal.h -- what firn and its guard say to each other: lines of talk.h.
 *
 *     {"do": "freeze", "ms": 10000, "mounts": ["/a"] or null,
 *      "helper": program of the extension, or null, "applications": bool,
 *      "with": names of packages, or null}
 *                                                                 firn, once
 *     {"do": "thaw"}                                             firn, once, after "frozen"
 *     {"is": "ready"}
 *     {"is": "frozen", "n": 2, "asked": ns, "at": ns}
 *     {"is": "trying", "ms": 1000}              about to ask for the thaw, and silent so long
 *     {"is": "thawed", "early": bool, "counted": bool, "n": 2, "asked": ns, "at": ns}
 *     {"is": "failed", "error": {...}}          as err_json has it
 *
 * The guard ends after "thawed" and "failed". */
#ifndef GUARD_INTERNAL_H
#define GUARD_INTERNAL_H

#include "talk.h"

#endif
