/* SPDX-License-Identifier: Apache-2.0 */
/* virt_internal.h -- what the parts of the process that holds the connection share. */
#ifndef VIRT_INTERNAL_H
#define VIRT_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "clock.h"
#include "talk.h"
#include "virt_calls.h"

struct virt {
    const struct virt_calls *call;
    const char *name, *uri; /* as they were given */
    pid_t owner;            /* the firn that this process is for */
    virConnectPtr conn;
    virDomainPtr domain;
    struct line *line;
    char words[512]; /* of the agent's last refusal */
    /* the backup that was begun here */
    char *socket, *scratch; /* the end of its path, the folder; NULL: none */
    uint64_t spare;         /* bytes; with less free it is ended */
    bool full;              /* that happened, */
    int64_t looked_ns;      /* the last look */
    int64_t held_ms;        /* the machine had stood still for want of room, at most so long */
    bool stood;             /* it did so before the backup already: that is not ours to end */
};

bool virt_connected(const struct virt *v);

/* LibvirtRefused with libvirt's last words; LibvirtLost when the connection has gone. */
struct err *virt_refused(const struct virt *v, const char *what) must_use;

/* Answer a request of "domain" mode. */
struct err *virt_domain_do(struct virt *v, const json_t *request, json_t **ret) must_use;

/* Look after the backup; called some times a second.  Nothing when there is none. */
void virt_watch(struct virt *v);

/* End the job whose socket that is; one of another stays.  NULL when there is none. */
struct err *virt_end(struct virt *v, const char *socket) must_use;

/* Speak as the guest agent until the other side goes. */
void virt_agent(struct virt *v);

#endif
