/* SPDX-License-Identifier: Apache-2.0 */
/* qopt.h -- the value of one of QEMU's options, "driver,key=value,flag" or a JSON object, as a
 * list of keys and values.
 *
 * In the first form a comma within a value is written twice.  Members of objects within JSON
 * have keys with dots between them, as the first form has them.  What was not changed is
 * written as it was. */
#ifndef QOPT_H
#define QOPT_H

#include <jansson.h>

#include "auto.h"
#include "err.h"
#include "text.h"

/* How an item stands there: "key=value", its value alone, its key alone. */
enum qopt_form { QOPT_PAIR, QOPT_IMPLIED, QOPT_FLAG };

struct qopt_item {
    char *key, *value;
    enum qopt_form form;
};

struct qopt {
    struct qopt_item *item;
    size_t n;
    json_t *json; /* NULL: of the first form */
};

/* ${implied}: the key of a first item that has none.  *ret_is = false: it is neither form. */
struct err *qopt_parse(const char *text, const char *implied, struct qopt *ret,
    bool *ret_is) must_use;
void qopt_done(struct qopt *o);

/* The last of that key; NULL: none. */
const char *qopt_get(const struct qopt *o, const char *key);
bool qopt_is_on(const struct qopt *o, const char *key);

/* In place of those of this key, or at the end. */
struct err *qopt_set(struct qopt *o, const char *key, const char *value) must_use;
void qopt_drop(struct qopt *o, const char *key);

void qopt_print(const struct qopt *o, struct text *to);

/* ${value} with its commas doubled. */
void qopt_escape(struct text *to, const char *value);

#endif
