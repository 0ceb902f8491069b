/* SPDX-License-Identifier: Apache-2.0 */
/* render.h -- show an article: to people on a terminal, to programs as JSON.
 *
 * A {variable} of the article is replaced where its value is known, else shown as ‹name›, so
 * that nobody takes it for a word to type.  Inside commands a value is quoted for a shell
 * where it must be, because people copy commands.  Whatever could steer a terminal is
 * escaped: articles and values may come from elsewhere. */
#ifndef RENDER_H
#define RENDER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "err.h"

struct catalog_entry;

struct render_options {
    size_t width; /* columns to wrap at; 0: 80, less than 30 counts as 30 */
    bool bold;    /* escape sequences may be used: standard output is a terminal */
    const struct err_arg *args; /* values that are known, e.g. from a failure */
    size_t nargs;
};

/* The article as text that ends with a newline; ${ret} is to be freed. */
struct err *render_article(const struct catalog_entry *e, const struct render_options *o,
    char **ret) must_use;

/* {"article": {code, number, class, message, description, scenario, applies, needs, issue,
 * sections: [{title, blocks: [{kind, level, text}]}]}}; the caller owns it. */
struct err *render_article_json(const struct catalog_entry *e, const struct render_options *o,
    json_t **ret) must_use;

/* One line for a list of codes: number, code and description, cut to the width. */
struct err *render_line(const struct catalog_entry *e, const struct render_options *o,
    char **ret) must_use;

#endif
