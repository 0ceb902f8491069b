/* SPDX-License-Identifier: Apache-2.0 */
/* plan.h -- a runbook as a value: the typed steps of one article, each with where it stands
 * in the text, when it is to be done, and what is unclear about it.
 *
 * Equal procedures give equal plans: ids and conditions are made of the order of the steps,
 * never of the layout of the text.  A plan says nothing about a machine; runbook.h runs it. */
#ifndef PLAN_H
#define PLAN_H

#include <jansson.h>

#include "action.h"
#include "article.h"
#include "auto.h"
#include "err.h"

enum { PLAN_STEPS_MAX = 256, PLAN_AMBIGUITIES_MAX = 256, PLAN_ID_MAX = 16 };

/* When a step is to be done.  The text form stands in brackets. */
enum plan_when {
    PLAN_ALWAYS,      /* after the steps before it          [always] */
    PLAN_FAILED,      /* when step ${of} failed             [failed:2] */
    PLAN_UNSOLVED,    /* when retry ${of} failed again      [unsolved:3] */
    PLAN_ALTERNATIVE, /* instead of step ${of}              [instead:1] */
    PLAN_EACH,        /* once for each thing that probe ${of} finds [each:1] */
    PLAN_IF           /* on a condition that only a person can judge [if:...] */
};

/* How sure the compiler is that the step means what the text says. */
enum plan_confidence {
    PLAN_STATED,   /* an action fence of ours, or a whole command */
    PLAN_READ,     /* a recognised form of prose */
    PLAN_INFERRED  /* something was missing and was filled from a closed list */
};

struct plan_step {
    char id[PLAN_ID_MAX]; /* "1", "2" ...: the order in the plan */
    struct action action;
    enum plan_when when;
    char of[PLAN_ID_MAX];
    char *when_text; /* of PLAN_IF, else NULL */
    enum plan_confidence confidence;
    struct article_span span;
    char *text;      /* the article's words, for people */
    unsigned ambiguities; /* how many of the plan's name this step */
};

/* Something that the text leaves open or gets wrong.  ${id} is one of a closed list,
 * plan_ambiguity_ids. */
struct plan_ambiguity {
    const char *id;
    char step[PLAN_ID_MAX]; /* "" when it belongs to the article */
    struct article_span span;
    char *text;
};

struct plan {
    /* how a healthy machine looks; the first one names the cause: while it does not hold,
     * the article's cause is there.  Empty for articles that are prose only. */
    struct plan_step *probes;
    size_t nprobes;
    struct plan_step *steps;
    size_t nsteps;
    struct plan_ambiguity *ambiguities;
    size_t nambiguities;
    bool remedy_lost; /* the article is only a link */
};

extern const char *const plan_ambiguity_ids[]; /* ends with NULL */

const char *plan_confidence_name(enum plan_confidence c);

/* "always", "failed:2" ...; to be freed.  NULL without memory. */
char *plan_condition(const struct plan_step *s);

/* May firn execute it: not for a person, complete, and without an ambiguity that leaves open
 * what is meant? */
bool plan_step_runs(const struct plan *p, const struct plan_step *s);

/* [{id, kind, params, condition, risk, confidence, span}] and [{id, step, span, text}]. */
struct err *plan_json(const struct plan *p, json_t **ret_plan,
    json_t **ret_ambiguities) must_use;

void plan_free(struct plan *p); /* accepts NULL */
DEFINE_AUTO(plan);

#endif
