/* SPDX-License-Identifier: Apache-2.0 */
/* lint.h -- what an article gets wrong.
 *
 * For any article: what its parser found odd, and whether it applies where it is read.  For
 * articles of ours (those with an errorNumber) also our own rules: each fence holds one valid
 * action below a step of its own; a step that acts has a probe to be judged by; variables are
 * declared in needs; commands of firn that are cited exist; links lead somewhere. */
#ifndef LINT_H
#define LINT_H

#include <jansson.h>

#include "article.h"
#include "err.h"
#include "plan.h"

enum { LINT_MAX = 600 };

struct lint_finding {
    const char *id; /* a closed list, in firn-article(5) */
    enum article_severity severity;
    struct article_span span;
    char *text; /* owned */
};

struct lint {
    struct lint_finding finding[LINT_MAX];
    size_t n, errors;
};

/* Does a command line such as "firn verify --data" name a command and options that exist?
 * ${why} gets words for people when not. */
typedef bool lint_command_fn(void *arg, const char *line, const char **ret_why);

/* Is it text, and any at all?  ArticleNotText, ArticleEmpty, which call it ${path}. */
struct err *lint_readable(const struct article *a, const char *path) must_use;

/* Does it say what to look at or what to do?  ArticleEmpty. */
struct err *lint_tells(const struct article *a, const struct plan *p,
    const char *path) must_use;

/* ${known} may be NULL. */
struct err *lint_article(const struct article *a, const struct plan *p,
    lint_command_fn *known, void *arg, struct lint *ret) must_use;
struct err *lint_json(const struct lint *l, json_t **ret) must_use;
void lint_done(struct lint *l);

/* Is ${value}, one of the header's comma lists, empty, absent (NULL) or does it name
 * ${what}? */
bool lint_applies(const char *value, const char *what);

#endif
