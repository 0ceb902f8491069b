/* SPDX-License-Identifier: Apache-2.0 */
/* catalog.h -- the articles that firn carries inside itself.
 *
 * Everything here is constant and lives as long as the program.  An article is found by
 * its code, its number or its diagnostic scenario, all without regard to case. */
#ifndef CATALOG_H
#define CATALOG_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"

struct catalog_entry {
    int code;  /* E_... of codes.h */
    int class; /* C_... of codes.h */
    const char *id, *class_name;
    const char *file; /* "base/OutOfMemory.md" */
    const char *message; /* with {variables} */
    const char *description;
    const char *scenario;
    const char *clouds, *products, *resource; /* where it applies; comma lists */
    const char *os;    /* whose number belongs to it */
    const char *needs; /* "path:string offset:int" */
    const char *text;  /* the whole article */
    size_t text_len;
};

extern const struct catalog_entry catalog_table[]; /* by number */
extern const size_t catalog_table_len;

/* ${what} is a code, its number, its diagnostic scenario, or what others call the failure
 * (foreign.h); NULL when there is none. */
const struct catalog_entry *catalog_find(const char *what);
const struct catalog_entry *catalog_by_number(int code);

/* Does the entry's class lie in ${class} ("vault" or "vault.corrupt") or below it? */
bool catalog_in_class(const struct catalog_entry *e, const char *class);

/* Does the article apply there?  NULL asks nothing about that point; an article that names
 * nothing for a point applies everywhere. */
bool catalog_applies(const struct catalog_entry *e, const char *cloud, const char *product,
    const char *resource);

/* Codes that ${what} may have meant, best first: those that hold it, and those that differ
 * by few letters.  At most ${max} go to ${ret}; returns how many. */
size_t catalog_suggest(const char *what, const struct catalog_entry **ret, size_t max);

/* UsageWrong for a ${what} that catalog_find does not know; it names codes like it. */
struct err *catalog_unknown(const char *what) must_use;

#endif
