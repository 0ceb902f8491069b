/* SPDX-License-Identifier: Apache-2.0 */
/* article_reading.h -- what firn makes of one article: read, compiled, judged.
 *
 * A reading shares nothing with others, so that a pool's workers make many at once while the
 * command shows them in their order. */
#ifndef ARTICLE_READING_H
#define ARTICLE_READING_H

#include <stdbool.h>

#include "article.h"
#include "compile.h"
#include "err.h"
#include "lint.h"
#include "plan.h"
#include "pool.h"

struct article_reading {
    char *path; /* owned, as are all below */
    bool as_json;
    struct article *article;
    struct plan *plan;
    struct article_codes codes;
    struct lint lint;
    char *json; /* with as_json: the whole as one JSON object */
    /* Makes it, on any thread; fails with FileUnreadable, ArticleTooLarge,
     * ArticleEmpty, ArticleNotText, OutOfMemory, Interrupted. */
    struct pool_task task;
};

/* A reading that is still to be made, of the file ${path}; OutOfMemory. */
struct err *article_reading_new(const char *path, bool as_json,
    struct article_reading **ret) must_use;

/* Accepts NULL. */
void article_reading_free(struct article_reading *r);
DEFINE_AUTO(article_reading);

#endif
