/* SPDX-License-Identifier: Apache-2.0 */
/* qga_link.h -- a conversation with the QEMU guest agent over its local socket, or through
 * libvirt (vm:NAME, virt_link.h), which keeps the socket for itself.
 *
 * The socket stays when agent or guest come and go, and what an earlier client has asked may
 * still be answered.  So a conversation begins with a synchronisation that has a number of
 * its own, and begins anew after every answer that did not come in time: what lies before is
 * dropped.  QEMU serves one client of the socket at a time and lets a second one wait without
 * a word: that looks like an agent that is not there (AgentSilent).
 *
 * The guest is not trusted; every call has a deadline.  One thread at a time.
 *
 * AgentUnreachable: no connection to the socket or to libvirt (with LibvirtMissing,
 * LibvirtTooOld and DomainMissing as they are).  AgentSilent: no answer in time.  AgentGone:
 * the connection ended.  AgentWrong: answers that make no sense, or are too large.
 * AgentCommandMissing, AgentCommandForbidden, GuestFrozen and AgentRefused are answers to the
 * one command.  */
#ifndef QGA_LINK_H
#define QGA_LINK_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "auto.h"
#include "clock.h"
#include "err.h"

struct qga_link;

enum {
    QGA_REPLY_MAX = 4 * 1024 * 1024, /* bytes of an ordinary reply */
    QGA_REPLY_OUTPUT_MAX = 48 * 1024 * 1024, /* of one with two times 16 MiB of output */
    QGA_STALE_MAX = 256 * 1024 * 1024 /* bytes that are dropped before the agent counts
                                                as one that talks nonsense */
};

/* Connect to the socket ${path}, or to "vm:" and an address of virt_link.h, and synchronise.
 * ${name} is for messages. */
struct err *qga_link_open(const char *path, const char *name, struct deadline by,
    struct qga_link **ret) must_use;

const char *qga_link_name(const struct qga_link *l);

/* Run ${command}, synchronising first where that is needed.  ${arguments} (NULL: none) stays
 * the caller's, *ret_value becomes the caller's (ret_value may be NULL).  ${max} is the
 * limit of the reply in bytes. */
struct err *qga_link_ask(struct qga_link *l, const char *command, json_t *arguments,
    size_t max, struct deadline by, json_t **ret_value) must_use;

/* As qga_link_ask for a command that is not answered when it works (guest-shutdown): NULL
 * when the agent went on to other things, or went away, without refusing it. */
struct err *qga_link_tell(struct qga_link *l, const char *command, json_t *arguments,
    struct deadline by) must_use;

/* Wait, but not when the connection ends or something comes that nobody asked for; the next
 * call deals with that. */
struct err *qga_link_pause(struct qga_link *l, struct deadline until) must_use;

/* Accepts NULL. */
void qga_link_free(struct qga_link *l);
DEFINE_AUTO(qga_link);

#endif
