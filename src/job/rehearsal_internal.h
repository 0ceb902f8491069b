/* SPDX-License-Identifier: Apache-2.0 */
/* rehearsal_internal.h -- the looks, and what they hand on to each other. */
#ifndef REHEARSAL_INTERNAL_H
#define REHEARSAL_INTERNAL_H

#include "job_machine.h"
#include "moment.h"
#include "qga.h"
#include "rehearsal.h"
#include "source.h"

/* What a look may need, and another one gives. */
enum rehearsal_has {
    HAS_VAULT = 1,    /* it is open */
    HAS_MACHINE = 2,  /* its monitor answers, its disks are known */
    HAS_AGENT = 4,    /* it answers */
    HAS_PROGRAMS = 8, /* the agent runs programs */
    HAS_FILES = 16,   /* ... and reads files */
    HAS_THAW = 32,    /* ... and may thaw */
    HAS_FREEZE = 64,  /* ... and freeze */
    HAS_PLACE = 128,  /* scratch files and filters stand ready */
    HAS_MOMENT = 256, /* the disks were held still */
    HAS_RUNNING = 512 /* the machine is not off */
};

struct rehearsing {
    const struct job *j;
    const struct job_backup *o;
    struct rehearsal *out;
    const char *look;       /* the one that is made now */
    unsigned has, unwanted; /* HAS_...; unwanted: nobody named a vault, an agent; it is off */
    unsigned said_unwanted;
    struct job_machine m;
    const char *name; /* of the machine, for messages; as its points have it: HAS_MACHINE */
    struct vault *vault;
    struct vault_points *points;
    struct qga *qga;
    bool linux_guest;
    bool unsafe_order; /* the agent may hang when it freezes */
    bool extended; /* the extension is there, and freezes in place of the agent */
    bool at_rest; /* the extension is ready to bring applications to rest */
    struct err *unprepared; /* why running_prepare failed, until it is told */
    struct moment moment;
    struct source **sources; /* one for each disk, NULL: not open */
};

/* A line of the look that is made now; takes ${error}, which may be NULL. */
struct err *rehearsing_say(struct rehearsing *r, enum rehearsal_result result,
    struct err *error, const char *format, ...) must_use
    __attribute__((format(printf, 4, 5)));

/* What ${error} is called when this level of consistency cannot be had: a backup goes on with
 * a lower one, where that is allowed. */
enum rehearsal_result rehearsing_without(const struct rehearsing *r,
    enum vault_consistency level);

/* After these nothing can be looked at any more. */
bool rehearsing_ends(const struct err *e);

/* rehearsal_vault.c */
struct err *rehearse_vault(struct rehearsing *r) must_use;
struct err *rehearse_vault_write(struct rehearsing *r) must_use;
struct err *rehearse_vault_room(struct rehearsing *r) must_use;

/* rehearsal_guest.c */
struct err *rehearse_agent(struct rehearsing *r) must_use;
struct err *rehearse_commands(struct rehearsing *r) must_use;
struct err *rehearse_clock(struct rehearsing *r) must_use;
struct err *rehearse_scripts(struct rehearsing *r) must_use;
struct err *rehearse_extension(struct rehearsing *r) must_use;

/* Does a row have this code, or one of its causes? */
bool rehearsing_told(const struct rehearsing *r, int code);

/* rehearsal_mounts.c */
struct err *rehearse_mounts(struct rehearsing *r) must_use;

/* rehearsal_vm.c */
struct err *rehearse_machine(struct rehearsing *r) must_use;
struct err *rehearse_threads(struct rehearsing *r) must_use;
struct err *rehearse_scratch(struct rehearsing *r) must_use;
struct err *rehearse_bitmaps(struct rehearsing *r) must_use;
struct err *rehearse_freeze(struct rehearsing *r) must_use;
struct err *rehearse_copy(struct rehearsing *r) must_use;
/* Also after a failure: everything is taken out of the machine. */
struct err *rehearse_end(struct rehearsing *r) must_use;

#endif
