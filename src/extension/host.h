/* SPDX-License-Identifier: Apache-2.0 */
/* host.h -- what firn-plugin-host asks of the system's loader.  Bodies: host_linux.c,
 * host_win32.c. */
#ifndef HOST_H
#define HOST_H

#include <stdbool.h>
#include <stdint.h>

enum host_reason {
    HOST_LOADED,
    HOST_MISSING, /* it, or a library that it needs, is not there */
    HOST_VERSION, /* it wants a newer version of a library that is there */
    HOST_SYMBOL,  /* a library that it needs lacks a function */
    HOST_FORMAT,  /* for another machine or damaged */
    HOST_REFUSED, /* its own start-up code refused, or may not be run */
    HOST_OTHER
};

struct host_library {
    void *handle;
    enum host_reason reason;
    int64_t number;   /* the loader's own number, 0 where it has none */
    char words[1024]; /* the loader's own words; "" where it has none */
    char path[1024];  /* where it was found */
    char version[64]; /* of the file; "" where files have none */
};

/* With ${system}, a name, only where the system keeps its libraries; else a path, and what
 * lies beside it counts too.  The library stays loaded. */
void host_load(const char *library, bool system, struct host_library *ret);

/* A function of it, or NULL. */
void *host_symbol(const struct host_library *l, const char *name);

/* The program, behind each system's main. */
int host_main(int argc, char **argv);

/* Keep the standard output for the host alone and give libraries standard error instead;
 * returns the descriptor to answer on, or -1. */
int host_own_output(void);

/* End this process at the deadline, whatever its one thread does then. */
void host_end_in(uint32_t seconds);

/* A line from standard input by then; -1: end of input, 0: none came, else 1. */
int host_line(char *to, unsigned long size, uint32_t deadline_ms);

#endif
