/* SPDX-License-Identifier: Apache-2.0 */
/* chain_look.h -- how things are now, for chain.h: the file of an image, the process that has
 * it open, this host.  What cannot be learned stays NULL; only memory can be short. */
#ifndef CHAIN_LOOK_H
#define CHAIN_LOOK_H

#include <sys/types.h>

#include "chain.h"

/* Fills image and file.  A regular file is known by its inode and the moment it was born,
 * which no copy shares and no start of the host changes; of a device only the path counts. */
struct err *chain_look_image(const char *path, struct chain *to) must_use;

/* Fills process: its number and when it was started, which no other process shares until the
 * host is started anew. */
struct err *chain_look_process(pid_t pid, struct chain *to) must_use;

/* Fills boot and host. */
struct err *chain_look_host(struct chain *to) must_use;

#endif
