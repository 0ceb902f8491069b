/* SPDX-License-Identifier: Apache-2.0 */
/* runtimes.h -- installers whose product firn knows: what they install, how they are silent,
 * and how one sees that the product is there.
 *
 * Keys and product codes are evidence and outlive files that were deleted; that a library
 * loads is the proof. */
#ifndef RUNTIMES_H
#define RUNTIMES_H

#include <stdbool.h>

struct runtime {
    const char *installer; /* the file's name up to its last dot, "vcredist2013_x64" */
    const char *name;      /* for people */
    const char *library;   /* its load test proves the runtime */
    const char *twin;      /* must come from the same build; NULL: none */
    const char *key;       /* presence: the DWORD Install is 1 */
    const char *silent, *remove; /* arguments */
};

/* By the last part of ${path}, with or without .exe or .msi; NULL when it is not known. */
const struct runtime *runtime_find(const char *path);

#endif
