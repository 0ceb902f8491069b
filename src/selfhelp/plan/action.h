/* SPDX-License-Identifier: Apache-2.0 */
/* action.h -- what a runbook may do: one closed table of typed actions.
 *
 * An action is a kind and its parameters, "windows.service.start_type service=msiserver
 * want=3".  Articles of ours hold them in fences (action, probe); foreign prose is compiled
 * to the same values (compile.h).  There is no action that runs a free command line, and no
 * string of an article ever reaches a shell.
 *
 * A kind says its risk, its parameters and whether it can be undone; what it does on a target
 * is in remedy.h.  Kinds of risk RISK_READ change nothing and state how a healthy machine
 * looks: they hold or they do not.  Kinds that only a person can do (person.*) are never
 * executed.  firn-article(5) lists all of them; its list is generated from this table. */
#ifndef ACTION_H
#define ACTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The ladder of consent.  Consent for one rung never implies another. */
enum action_risk {
    RISK_READ,     /* changes nothing */
    RISK_CONFIG,   /* a setting, undone by writing the old one */
    RISK_SERVICE,  /* a service or unit: its start type, its state, its registration */
    RISK_INSTALL,  /* software is installed */
    RISK_RESTART,  /* the machine is started anew */
    RISK_OVERRIDE, /* a check is switched off; repairs nothing */
    RISK_DATA,     /* somebody's data may be touched */
    RISK_COUNT
};

enum action_os { ACTION_ANY, ACTION_WINDOWS, ACTION_LINUX };

enum action_type {
    PARAM_TEXT,    /* any text of one line */
    PARAM_NUMBER,  /* decimal, or 0x... */
    PARAM_PATH,    /* C:\... or /...; no "..", no wildcard; may hold <latest>, see below */
    PARAM_KEY,     /* a registry key: HKLM, HKCU, HKCR, HKU or HKCC, then \name\name... */
    PARAM_NAME,    /* a service, unit, package, library or value: no blanks around it */
    PARAM_WORD,    /* one of the words in .words */
    PARAM_ADDRESS  /* http, https or mailto, for a person to open */
};

/* In a path, this folder stands for the newest version that lies beside it; the target
 * resolves it by number, never by letter or time. */
#define ACTION_LATEST "<latest>"

/* A value of our own articles may hold {variables} of the failure, as its message does; they
 * are filled before the action runs (action_fill), and only then is the value checked
 * against its type.  A variable is a lower-case word in braces, so a GUID is none. */

enum {
    ACTION_PARAMS_MAX = 8,
    ACTION_VALUE_MAX = 1024,   /* bytes of one parameter */
    ACTION_LINE_MAX = 4096,    /* bytes of an action as text */
    ACTION_VARIABLE_MAX = 32   /* bytes of a variable's name, with the NUL */
};

struct action_param {
    const char *name; /* NULL ends the list */
    enum action_type type;
    bool required;
    const char *words; /* of PARAM_WORD: "running|stopped|restarted" */
};

struct action_kind {
    const char *name; /* "windows.service.start_type" */
    enum action_risk risk;
    enum action_os os;
    bool person; /* only a person can do it */
    struct action_param param[ACTION_PARAMS_MAX + 1];
    const char *undo;  /* how it is undone, for people; NULL: there is nothing to undo */
    const char *fixed; /* why it cannot be undone; NULL when it can */
    const char *about; /* one line for the manual page */
};

extern const struct action_kind action_kinds[];
extern const size_t action_kinds_len;

/* NULL when there is none of that name (case counts). */
const struct action_kind *action_find(const char *name);

/* An action of an article or plan.  Owned values, in the order of the kind's parameters; NULL
 * where a parameter is not given. */
struct action {
    const struct action_kind *kind;
    char *value[ACTION_PARAMS_MAX];
};

/* What action_parse found wrong; ACTION_OK is 0. */
enum action_fault {
    ACTION_OK,
    ACTION_NO_MEMORY,
    ACTION_EMPTY,
    ACTION_UNKNOWN_KIND,
    ACTION_UNKNOWN_PARAM,
    ACTION_PARAM_TWICE,
    ACTION_PARAM_MISSING,
    ACTION_VALUE_WRONG, /* not of its type, too long, control characters */
    ACTION_SYNTAX,      /* no name=value, quote not closed */
    ACTION_VARIABLE_UNKNOWN
};

/* Read "kind name=value name=\"value with blanks\"" (backslash stands for itself; \" and \\
 * only inside quotes).  One line.  ${ret} is set only with ACTION_OK; end it with
 * action_done.  *ret_at (may be NULL) is the byte at which the fault was seen. */
enum action_fault action_parse(const char *line, struct action *ret, size_t *ret_at);
const char *action_fault_text(enum action_fault f);

/* Start an action of ${kind}, then set its parameters: ACTION_OK, or what was wrong, and then
 * the parameter is as it was.  action_set asks only whether it worked. */
void action_init(struct action *a, const struct action_kind *kind);
enum action_fault action_put(struct action *a, const char *param, const char *value);
bool action_set(struct action *a, const char *param, const char *value);

/* NULL when it was not given. */
const char *action_get(const struct action *a, const char *param);

/* The parameter as a number (PARAM_NUMBER, or a PARAM_TEXT or _WORD that is one); false when
 * it is not given or none. */
bool action_number(const struct action *a, const char *param, uint64_t *ret);
/* ... of text that is no parameter: decimal or 0x..., all of ${s}. */
bool action_number_of(const char *s, uint64_t *ret);

/* All required parameters are there, what is typed by another parameter (a registry value's
 * data) is of that type, and no variable is left. */
bool action_complete(const struct action *a);

/* Find the next {variable} in ${value}: its name goes to ${ret}, and the place after it is
 * returned; NULL when there is none. */
const char *action_variable(const char *value, char ret[ACTION_VARIABLE_MAX]);

/* Replace all variables by what ${find} says; NULL from it means unknown.  After a fault the
 * action may be filled in part. */
enum action_fault action_fill(struct action *a,
    const char *(*find)(void *arg, const char *name), void *arg);

/* As action_parse reads it, to be freed; parameters in the order of the kind.  NULL without
 * memory. */
char *action_text(const struct action *a);

/* Is it of this kind?  An action { 0 } is of none. */
bool action_is(const struct action *a, const char *kind);
bool action_equal(const struct action *a, const struct action *b);
bool action_copy(struct action *to, const struct action *from); /* false without memory */
void action_done(struct action *a);                              /* accepts { 0 } */

const char *action_risk_name(enum action_risk risk); /* "read", "config", ... */
bool action_risk_parse(const char *name, enum action_risk *ret);

#endif
