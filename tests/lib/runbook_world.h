/* SPDX-License-Identifier: Apache-2.0 */
/* runbook_world.h -- machines in every state that the failure loop can meet, made by chance
 * from a seed: the same seed is the same machine. */
#ifndef RUNBOOK_WORLD_H
#define RUNBOOK_WORLD_H

#include "plan.h"
#include "runbook.h"
#include "target.h"

enum operation {
    OP_CHECKS,      /* works when the check passes and the plug-in loads */
    OP_WRONG_CHECK, /* the check fails though all is there; only the override helps */
    OP_NEVER,       /* fails whatever is done */
    OP_OTHER        /* fails with another code as soon as the plug-in loads */
};

struct world {
    struct target *t;
    enum action_os os;
    enum operation operation;
    bool service_was_there, service_held, machine_dies, broken_registration;
    bool manager_refuses; /* to change any service, for ever: not all can be undone then */
    bool product_was_there; /* there was a sign of it: undo leaves it alone */
    unsigned consent;
    enum runbook_order order;
    const char *code;
    struct plan *plan;
};

/* ${os}: which kind of machine. */
void world_make(struct world *w, enum action_os os, uint64_t seed);
void world_done(struct world *w);

/* The retried operation of a world; ${arg} is the struct world. */
struct err *world_retry(void *arg, struct deadline by, struct err **ret_why);

/* As the operation sees it now. */
bool world_works(struct world *w);
/* The library that the plan is about loads by itself. */
bool world_loads(struct world *w);
bool world_override_is_set(struct world *w);
bool world_service_exists(struct world *w);

/* The machine's state without what no undo can bring back (a registration that was repaired),
 * as after its next start. */
char *world_dump(struct world *w);

/* The plan of an article of the catalogue, variables filled. */
struct plan *world_plan(const char *code);

#endif
