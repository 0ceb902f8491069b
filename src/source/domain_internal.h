/* SPDX-License-Identifier: Apache-2.0 */
/* domain_internal.h -- what the files behind domain.h share. */
#ifndef DOMAIN_INTERNAL_H
#define DOMAIN_INTERNAL_H

#include <jansson.h>

#include "domain.h"
#include "scratch.h"
#include "virt_link.h"
#include "xml.h"

enum {
    DOMAIN_ASK_MS = 60 * 1000,
    DOMAIN_TRACK_MAX = RUNNING_TAG_MAX + SCRATCH_RUN_LEN + 8,
    DOMAIN_SOCKET_MAX = SCRATCH_RUN_LEN + 16 /* "/firn-RUN/nbd" */
};

struct domain {
    struct running is;
    struct virt_link *link; /* NULL: lost, to be opened anew */
    char *address;
    int64_t command_ms;
    json_t *look; /* what libvirt said when it was opened */
    struct xml *xml;
    struct scratch scratch;
    bool began; /* a job of ours may be at work */
    bool by_bitmap[RUNNING_DISKS_MAX]; /* the job tells what changed of this disk */
    bool told;  /* DomainHeldUp, to whoever asked why */
    char track[DOMAIN_TRACK_MAX]; /* the checkpoint that comes with it; "": none */
    char tag[RUNNING_TAG_MAX + 1];
};

static inline struct domain *
domain_of(struct running *r)
{
    return (struct domain *)r;
}

/* ---- domain.c ---- */

/* Ask, by a new connection when the old one is lost.  ${arguments} is taken. */
struct err *domain_ask(struct domain *d, const char *what, json_t *arguments,
    const char *for_people, json_t **ret) must_use;

/* ---- domain_list.c ---- */

/* Fill the disks from d->xml and d->look, and the flash. */
struct err *domain_list(struct domain *d, const struct running_options *o) must_use;

/* Has it a channel for a guest agent? */
bool domain_has_agent(const struct xml_node *domain);

/* The user that its QEMU runs as, from the label of its security; false: not told. */
struct ucred;
bool domain_user(const struct xml_node *domain, struct ucred *ret);

/* ---- domain_cut.c ---- */

struct err *domain_prepare(struct running *r) must_use;
struct err *domain_track(struct running *r, const char *tag) must_use;
const char *domain_track_name(const struct running *r);
struct err *domain_cut(struct running *r, struct deadline by) must_use;
struct err *domain_flash_open(const struct running_disk *chip, struct source **ret) must_use;
struct err *domain_flash_read(struct running *r, size_t i, struct deadline by,
    void *to) must_use;
struct err *domain_source(struct running *r, size_t i, unsigned lanes,
    struct source **ret) must_use;
struct err *domain_keep(struct running *r) must_use;
struct err *domain_why(struct running *r, struct err *e) must_use;
struct err *domain_close(struct running *r) must_use;

/* The end of the socket's path, by which a job is known. */
void domain_socket(char to[DOMAIN_SOCKET_MAX], const char *run);

#endif
