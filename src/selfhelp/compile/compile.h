/* SPDX-License-Identifier: Apache-2.0 */
/* compile.h -- from an article to a plan of typed actions.
 *
 * Articles of ours say what to do in fences, one action each:
 *
 *     ```probe
 *     windows.service.is service=msiserver start=3
 *     ```
 *     ```action failed:1
 *     windows.service.start_type service=msiserver want=3
 *     ```
 *
 * The words after "action" are the condition, in the form of plan.h; without them it is
 * [always].  As soon as an article has one such fence, its prose is for people alone.
 *
 * Articles from elsewhere are prose.  Their steps are found by a closed list of forms, in
 * code, in bold or in plain words alike, so that equal procedures give equal plans.  What is
 * not recognised becomes a step for a person.  A step of a kind that firn executes is one that
 * the article really asks for, in full: every word of its sentence, and all that stands around
 * it, must be known to say nothing of when, where or for whom it is meant, or have been read as
 * its condition.  What firn does not know keeps it from acting. */
#ifndef COMPILE_H
#define COMPILE_H

#include "article.h"
#include "auto.h"
#include "err.h"
#include "plan.h"

/* A name that the article may be found by. */
struct article_code {
    char *code;
    const char *source; /* "title", "pageTitle", "description", "articleId",
                         * "diagnosticScenario", "text", "file" */
    struct article_span span; /* empty for "file" */
};

enum { ARTICLE_CODES_MAX = 16 };

struct article_codes {
    struct article_code code[ARTICLE_CODES_MAX];
    size_t n;
};

/* All candidates for the article's code, best first, none twice.  ${file} (its base name)
 * may be NULL. */
struct err *compile_codes(const struct article *a, const char *file,
    struct article_codes *ret) must_use;
void article_codes_done(struct article_codes *c);

/* A fence of ours that does not parse is left out, and the plan's ambiguity action-invalid
 * says where and why.  ${file} (its base name, for the comparison of codes) may be NULL. */
struct err *compile_article(const struct article *a, const char *file,
    struct plan **ret) must_use;

/* Does the article hold action or probe fences? */
bool compile_is_ours(const struct article *a);

#endif
