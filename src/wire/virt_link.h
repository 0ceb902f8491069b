/* SPDX-License-Identifier: Apache-2.0 */
/* virt_link.h -- a machine that libvirt keeps, asked through a process of our own.
 *
 * libvirt's calls have no deadline, and what may crash or hang is elsewhere: so they are made
 * by this program, run anew with VIRT_VERB (virt_serve.h), which speaks lines of JSON over a
 * socket pair.  A request that is not answered in time ends that process: LibvirtSilent; when
 * it ends by itself, or the daemon goes: LibvirtLost.  What libvirt refuses is LibvirtRefused
 * with its words.
 *
 * An address is "NAME" or "NAME,connect=URI": the name or the UUID of a domain, and which
 * libvirt has it (VIRT_URI without one). */
#ifndef VIRT_LINK_H
#define VIRT_LINK_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "auto.h"
#include "clock.h"
#include "err.h"

#define VIRT_VERB "libvirt-link" /* argv[1] of the process */
#define VIRT_URI "qemu:///system"

struct virt_link;

enum {
    VIRT_LINE_MAX = 32 * 1024 * 1024, /* bytes of what either says */
    VIRT_CONNECT_MS = 20 * 1000,
    VIRT_ASK_MS = 60 * 1000 /* what libvirt gets for an ordinary request */
};

/* Which libvirt has the machine of that address; borrowed. */
const char *virt_uri(const char *address);

/* What the process is to be: "domain", which takes virt_ask; or "agent", which speaks as the
 * guest agent does (qga_link.h). */
#define VIRT_DOMAIN "domain"
#define VIRT_AGENT "agent"

/* Start the process for ${address} and let it connect.  Its end of talk is *ret_fd, the
 * caller's.  LibvirtMissing, LibvirtTooOld, LibvirtUnreachable, DomainMissing. */
struct proc;
struct err *virt_start(const char *mode, const char *address, struct deadline by,
    struct proc **ret_proc, int *ret_fd) must_use;

struct err *virt_link_open(const char *address, struct deadline by,
    struct virt_link **ret) must_use;

/* Ask for ${what}; ${arguments} (NULL: none) is taken.  *ret (the caller's; ret may be NULL) is
 * an object.  ${for_people} goes on with the machine's name: "list the disks of". */
struct err *virt_ask(struct virt_link *l, const char *what, json_t *arguments,
    const char *for_people, struct deadline by, json_t **ret) must_use;

/* *ret (the caller's) is that address in one spelling: "UUID,connect=URI", the URI as libvirt
 * gives it.  What an address may be spelled as is one machine all the same. */
struct err *virt_identify(const char *address, struct deadline by, char **ret) must_use;

/* The process: ${argv} is what follows VIRT_VERB, standard input the socket pair.  Returns its
 * exit status. */
int virt_main(int argc, char *const *argv);

/* Accepts NULL.  The process sees the end, and ends a backup that is still under way. */
void virt_link_free(struct virt_link *l);
DEFINE_AUTO(virt_link);

#endif
