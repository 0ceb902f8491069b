/* SPDX-License-Identifier: Apache-2.0 */
/* qargs.h -- QEMU's arguments as a list of options.  Options that stand alone are known by
 * name; every other one takes the argument behind it. */
#ifndef QARGS_H
#define QARGS_H

#include "auto.h"
#include "bytes.h"
#include "err.h"
#include "text.h"

struct qarg {
    char *option; /* without dashes; "": none, an image that stands alone */
    char *value;  /* NULL: the option stands alone */
    bool gone;    /* left out when the list is written */
};

struct qargs {
    char *program;
    struct qarg *arg;
    size_t n;
};

/* ${args}: each with a NUL behind it.  DefinitionUnclear, with ${machine}. */
struct err *qargs_parse(struct view args, const char *machine, struct qargs *ret) must_use;

bool qarg_is(const struct qarg *a, const char *option);
struct err *qarg_set(struct qarg *a, const char *option, const char *value) must_use;
struct err *qargs_add(struct qargs *q, const char *option, const char *value) must_use;

/* Each argument and a NUL. */
void qargs_print(const struct qargs *q, struct text *to);
void qargs_done(struct qargs *q);

#endif
