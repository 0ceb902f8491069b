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
#include "ambiguity.h"
#include "article.h"
#include "auto.h"
#include "err.h"

enum { PLAN_STEPS_MAX = 256, PLAN_AMBIGUITIES_MAX = 256, PLAN_ID_MAX = 16 };

/* When a step is to be done.  The text form stands in brackets.
 *
 * ${of} is most often an earlier step.  An alternative of a step that only a person can do
 * stands the other way round: what firn can execute has the condition, and the person's step
 * is "instead" of it, even where it stands first.
 *
 * Unsolved:N asks whether the operation that failed still fails when step N has had its turn:
 * N is a retry that failed, or one that was left out because its own condition did not hold;
 * where N is no retry at all, the operation is tried again first.
 *
 * After:N waits for a person: step ${of} is an earlier one that only a person can do.  It holds
 * when the turn of that step has come (its own condition held; one that is after:M itself is
 * met) and a person says that it is done. */
enum plan_when {
    PLAN_ALWAYS,      /* after the steps before it                  [always] */
    PLAN_FAILED,      /* when step ${of} failed                     [failed:2] */
    PLAN_UNSOLVED,    /* when the operation fails after step ${of}  [unsolved:3] */
    PLAN_ALTERNATIVE, /* instead of step ${of}                      [instead:1] */
    PLAN_EACH,        /* once for each thing that probe ${of} finds [each:1] */
    PLAN_AFTER,       /* when a person has done step ${of}          [after:2] */
    PLAN_IF,          /* on a condition that only a person can judge [if:...] */
    PLAN_PREMISE      /* of a probe: what must hold for the article to be about this machine at
                       * all                                        [premise] */
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

/* Something that the text leaves open or gets wrong.  What it leaves open so far that nobody
 * can say what is meant (a placeholder in a command, say) has become a step for a person;
 * so no ambiguity keeps a step from being executed, but each is worth showing. */
struct plan_ambiguity {
    const char *id; /* of plan_ambiguities */
    char step[PLAN_ID_MAX]; /* "" when it belongs to the article */
    struct article_span span;
    char *text;
};

struct plan {
    /* how a healthy machine looks; the first one that is no premise names the cause: while
     * all premises hold and it does not, the article's cause is there.  Empty for articles that
     * are prose only. */
    struct plan_step *probes;
    size_t nprobes;
    struct plan_step *steps;
    size_t nsteps;
    struct plan_ambiguity *ambiguities;
    size_t nambiguities;
    bool remedy_lost; /* the article is only a link */
    bool ours;        /* made from fences, which may hold variables */
};

const char *plan_confidence_name(enum plan_confidence c);

/* "always", "failed:2" ...; to be freed.  NULL without memory. */
char *plan_condition(const struct plan_step *s);

/* Read a condition as plan_condition writes it; false when it is none.  Sets ${when}, ${of}
 * and ${when_text} of ${s}; false without memory too. */
bool plan_condition_parse(const char *text, struct plan_step *s);

/* May firn execute it: not for a person, and complete (action_complete)? */
bool plan_step_runs(const struct plan_step *s);

/* Does the after:N of ${s} name an earlier step that is for a person, as it must? */
bool plan_after_fits(const struct plan *p, const struct plan_step *s);

/* Does a step of it wait for a person (after:N)? */
bool plan_has_after(const struct plan *p);

/* Is ${id} one of the ids in ${list}, "2,5"?  NULL has none. */
bool plan_ids_have(const char *list, const char *id);

/* The probe that names the cause; NULL when there is none. */
const struct plan_step *plan_naming(const struct plan *p);

/* The step of this id; NULL when there is none. */
struct plan_step *plan_find(const struct plan *p, const char *id);

/* Add a step with the next id, or a probe ("p1", "p2" ...), or an ambiguity of ${step} (NULL:
 * of the article).  ${action} is taken.  NULL without memory or beyond the limit; what was to
 * be taken is freed. */
struct plan_step *plan_add(struct plan *p, bool probe, struct action *action);
struct plan_ambiguity *plan_add_ambiguity(struct plan *p, const char *id,
    struct plan_step *step, struct article_span span, const char *text);

/* Fill the variables of all probes and steps (action_fill) of an article of ours; a step whose
 * variables are not known stays as it is and does not run. */
struct err *plan_fill(struct plan *p, const char *(*find)(void *arg, const char *name),
    void *arg) must_use;

/* {line, column, length}; NULL without memory. */
json_t *plan_span_json(struct article_span s);
/* [{id, kind, params, condition, risk, confidence, runs, span, text}] (probes first) and
 * [{id, step, span, text}]. */
struct err *plan_json(const struct plan *p, json_t **ret_plan,
    json_t **ret_ambiguities) must_use;

void plan_free(struct plan *p); /* accepts NULL */
DEFINE_AUTO(plan);

#endif
