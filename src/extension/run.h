/* SPDX-License-Identifier: Apache-2.0 */
/* run.h -- the extension's children: installers, scripts, hosts of plug-ins.
 *
 * A child is started by its arguments, never by a shell.  It and everything that it starts
 * is one group (a process group, a job object of Windows) that is ended as a whole when
 * run_free comes before its end, or when the extension itself ends.  What it prints is read
 * all the time, so that it never waits for a reader; the first RUN_OUTPUT_MAX bytes are
 * kept.  Bodies: run_linux.c, run_win32.c. */
#ifndef RUN_H
#define RUN_H

#include "auto.h"
#include "clock.h"
#include "err.h"

enum { RUN_OUTPUT_MAX = 64 * 1024, RUN_ARGUMENTS_MAX = 64 };

struct run;

struct run_options {
    const char *program;          /* a path */
    const char *const *arguments; /* without the program's name; ends with NULL; may be NULL */
    const char *folder;           /* where it runs; NULL: where the extension does */
    const char *const *env;       /* "NAME=value" over what the extension has, or NULL */
    int program_fd;               /* Linux: run this open file, not what the path leads to */
    int given_fd; /* Linux: an open file that it has as file 3; 0: none */
    /* Its standard input is a pipe that run_tell writes to, and only its standard output is
     * read.  Otherwise it reads nothing, and both of its outputs are read as one. */
    bool talk;
    bool survives; /* not ended with the extension: it sees the end of its input itself */
};

/* A failure to start has the system's number: err_os_number of the failure or its cause. */
struct err *run_start(const struct run_options *o, struct run **ret) must_use;

/* One line to its standard input. */
struct err *run_tell(struct run *r, const char *line) must_use;

/* The next line of its output, without its end; *ret = NULL when none comes by then. */
struct err *run_line(struct run *r, struct deadline by, char **ret) must_use;

/* Wait for the end.  *ret_exit is its exit code (Linux: 128 and the number of the signal
 * that ended it); *ret_ended = false when the deadline came first. */
struct err *run_wait(struct run *r, struct deadline by, bool *ret_ended,
    uint32_t *ret_exit) must_use;

/* What was read so far, with a NUL behind it. */
const char *run_output(const struct run *r);

/* Ends the whole group.  Accepts NULL. */
void run_free(struct run *r);
DEFINE_AUTO(run);

/* Start a program that outlives the extension: no group, no terminal, no files but what it
 * opens, and a way to see when the extension ends and to end it (run_watched_*).  ${argv}
 * begins with the path and ends with NULL. */
struct err *run_watcher(const char *const argv[]) must_use;

/* In the watcher: wait for the end of who started it; false when it still runs then.
 * run_watched_end ends it by force and waits for that. */
bool run_watched_wait(struct deadline by);
void run_watched_end(void);

#endif
