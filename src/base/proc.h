/* SPDX-License-Identifier: Apache-2.0 */
/* proc.h -- a child program: started by its arguments, never by a shell; ended for certain.
 *
 * The child gets the files that are named here and no others, a process group of its own
 * (so that Ctrl-C reaches firn alone, which then ends it in order) and LC_ALL=C.  It is
 * killed by the kernel when the thread that started it ends, so start it from one that
 * lives as long as the child is wanted; a firn that is killed leaves none behind, but those
 * that were told to survive.
 *
 * What it prints goes to memory, the first PROC_WORDS_MAX bytes of each stream; it never
 * blocks on an unread pipe.  One struct proc belongs to one thread at a time. */
#ifndef PROC_H
#define PROC_H

#include <stdbool.h>
#include <stddef.h>

#include "auto.h"
#include "clock.h"
#include "err.h"

struct proc;

enum {
    PROC_WORDS_MAX = 64 * 1024, /* bytes of a stream that are kept */
    PROC_GRACE_MS = 2000        /* between the request to end and the kill */
};

struct proc_options {
    int stdin_fd;  /* 0: /dev/null */
    int stdout_fd; /* 0: kept in memory, see proc_output */
    /* A listening socket that the child finds as systemd hands one over (LISTEN_FDS);
     * 0: none. */
    int listen_fd;
    int words_fd; /* 0: standard error is kept in memory, see proc_words */
    /* The program itself, open already, so that what was checked is what runs; argv[0] is
     * then only a name.  0: argv[0] is looked for.  The child has it as file 3, by which an
     * interpreter reads its script; it cannot go with listen_fd. */
    int program_fd;
    int given_fd; /* a file that the child has as file 3, and nothing else; 0: none */
    const char *folder;     /* where it runs; NULL: where firn runs */
    const char *const *env; /* NULL, or "NAME=value" over what firn has; ends with NULL */
    bool survives; /* a killed firn does not kill it: it sees the end of its input and tidies */
};

/* The program's path, as the shell would find it; *ret_path is NULL when there is none.
 * A name with a slash stands for itself. */
struct err *proc_find(const char *name, char **ret_path) must_use;

/* Start argv[0] (found as by proc_find) with argv, which ends with NULL.  ${options} may be
 * NULL.  ChildFailed with status 127 when it cannot be started. */
struct err *proc_start(const char *const argv[], const struct proc_options *options,
    struct proc **ret) must_use;

/* Wait for the end.  *ret_exit is the exit status, or 128 and the number of the signal that
 * ended it; *ret_ended = false when the deadline came first. */
struct err *proc_wait(struct proc *p, struct deadline by, bool *ret_ended,
    int *ret_exit) must_use;

/* Ask it to end (SIGTERM), wait for PROC_GRACE_MS, kill it and what is left of its process
 * group.  Does nothing when it has ended. */
void proc_end(struct proc *p);

/* Kill it and its process group at once: for one that is stopped, or hangs. */
void proc_kill(struct proc *p);

/* Let it run on without us: frees ${p} and ends nothing. */
void proc_leave(struct proc *p);

/* Its process number, which is also that of its group. */
int proc_number(const struct proc *p);

/* Becomes readable when the child ends, for poll(2); -1 where the kernel has none, and then
 * proc_wait must be asked now and then. */
int proc_pollfd(const struct proc *p);

/* What it has printed so far, without newlines at the end; the caller frees it. */
struct err *proc_words(struct proc *p, char **ret) must_use;  /* standard error */
struct err *proc_output(struct proc *p, char **ret) must_use; /* standard output */

/* Start, wait, and hand back the status and (unless NULL) the words.  DeadlinePassed when
 * it had to be ended. */
struct err *proc_run(const char *const argv[], struct deadline by, int *ret_exit,
    char **ret_words) must_use;

/* Ends it as proc_end does.  Accepts NULL. */
void proc_free(struct proc *p);
DEFINE_AUTO(proc);

#endif
