/* SPDX-License-Identifier: Apache-2.0 */
/* virt_serve.h -- the process that holds a connection to libvirt (virt_link.h).
 *
 *     {}                                                ready, or {"error": {...}} and the end
 *     {"do": "look"}                                    {"name", "uuid", "active", "xml",
 *                                                        "backup" (absent: no job),
 *                                                        "job" (another's: its kind),
 *                                                        "checkpoints": [{"name", "xml"}]}
 *     {"do": "size", "with": {"disk"}}                  {"bytes"}
 *     {"do": "begin", "with": {"xml", "checkpoint" (may lack), "socket", "scratch"}}
 *     {"do": "state"}                                   {"active", "full", "held_ms"}
 *     {"do": "end", "with": {"socket"}}                 of the job with that socket, if any
 *     {"do": "delete", "with": {"name"}}                a checkpoint; it may be gone
 *
 * "socket" is the end of the socket's path, by which a job is known: "/firn-RUN/nbd".
 *
 * Each is answered by an object or {"error": {...}}.  A backup that was begun here is watched
 * between requests: when its scratch files are full, or nearly, it is ended, and a machine that
 * was stopped for want of room goes on; and it is ended when the other side has gone. */
#ifndef VIRT_SERVE_H
#define VIRT_SERVE_H

#include "err.h"
#include "virt_calls.h"

/* Serve over ${fd}, which it closes, by these calls.  Returns the exit status. */
int virt_serve(const struct virt_calls *calls, int fd, const char *mode, const char *uri,
    const char *name);

#endif
