/* SPDX-License-Identifier: Apache-2.0 */
/* slow_store.so -- with LD_PRELOAD, a store that takes SLOW_STORE_MS milliseconds more for each
 * object: an object of a vault in a folder becomes visible by one linkat(2), and that is
 * where it waits. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

int
linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
    int (*next)(int, const char *, int, const char *, int) = dlsym(RTLD_NEXT, "linkat");
    const char *ms = getenv("SLOW_STORE_MS");
    long wait = ms != NULL ? strtol(ms, NULL, 10) : 0;
    struct timespec t = { .tv_sec = wait / 1000, .tv_nsec = wait % 1000 * 1000000 };

    nanosleep(&t, NULL);
    return next(from_dir, from, to_dir, to, flags);
}
