/* SPDX-License-Identifier: Apache-2.0 */
/* moment.h -- the moment at which a machine's disks are held still, and what its point says
 * of it.
 *
 * Without a guest agent it is that of a power cut.  With one it lies in a freeze window
 * (window.h), as consistent as the guest can be made and the user asked for. */
#ifndef MOMENT_H
#define MOMENT_H

#include "chain.h"
#include "clock.h"
#include "err.h"
#include "vault.h"

struct moment_options {
    const char *agent;   /* its socket; NULL: none */
    const char *machine; /* for messages */
    const char *levels;  /* "application,filesystem,crash" or a part of it; NULL: all of it */
    bool prepared;       /* the extension was asked before whether it is ready */
    /* Hold the disks still, by ${by}. */
    struct err *(*cut)(void *arg, struct deadline by);
    void (*warn)(void *arg, struct err *warning); /* of what the guest is asked before */
    void *arg; /* of both */
};

/* What became of it; starts as { 0 }. */
struct moment {
    enum vault_consistency level;
    struct chain_facts facts; /* of the point: window.* and what was weaker */
    struct err *weaker;       /* QuiesceWeaker; NULL: it is as good as was asked for */
    char *resumes;            /* the extension that lets applications go on; NULL: none does */
    struct err *stuck;        /* GuestLeftFrozen: the disks are fine, the guest is not */
};

/* Are ${levels} (which may be NULL) what --consistency takes?  UsageWrong. */
struct err *moment_check(const char *levels, const char *agent) must_use;

/* Do ${levels}, which moment_check has found right, hold this one? */
bool moment_allows(const char *levels, enum vault_consistency level);

/* CUT or the failures of window_run; then nothing is frozen. */
struct err *moment_hold(const struct moment_options *o, struct moment *ret) must_use;

/* Did applications go on after it?  ApplicationsNotResumed, a warning; else NULL, also where
 * nobody can tell.  Asks once: the answer is another moment's after the next. */
struct err *moment_resumed(const struct moment_options *o, struct moment *m) must_use;

void moment_done(struct moment *m);

#endif
