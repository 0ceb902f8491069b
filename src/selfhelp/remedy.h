/* SPDX-License-Identifier: Apache-2.0 */
/* remedy.h -- what each kind of action does on a machine, over the primitives of target.h.
 *
 * An action that changes something goes through five calls, and the journal stands between
 * them: look (is it so already?), record (what is there now, enough to bring it back), apply,
 * look again by another way than the one that wrote, undo from the record.  Undo brings back
 * the recorded state whether or not the apply took effect, so it may run after a crash, and
 * twice.
 *
 * Two rules that undo keeps: software is removed only if it was absent before, and the
 * Windows Installer service is never left missing. */
#ifndef REMEDY_H
#define REMEDY_H

#include <jansson.h>

#include "action.h"
#include "exitcode.h"
#include "target.h"

enum remedy_state {
    REMEDY_HOLDS,  /* it is so */
    REMEDY_NOT,    /* it is not so */
    REMEDY_UNKNOWN /* this target cannot tell */
};

struct remedy_look {
    enum remedy_state state;
    char *observed; /* for people and journals: "start type 4" */
};

enum remedy_end {
    REMEDY_DONE,
    REMEDY_AFTER_RESTART, /* done, and takes effect with the next restart */
    REMEDY_FAILED
};

/* What an apply came to. */
struct remedy_done {
    enum remedy_end end;
    bool has_exit; /* of an installer */
    uint32_t exit;
    enum exit_class class;
    char *words; /* for people; may be NULL */
};

/* May ${a} be done there at all?  For reading kinds: can it be asked?  *ret_why (to be freed,
 * may be NULL) says why not. */
bool remedy_can(const struct target *t, const struct action *a, char **ret_why);

/* Is what ${a} states or wants so on the machine?  Changes nothing.  What the target cannot
 * tell is REMEDY_UNKNOWN; a machine that fails to answer is a failure. */
struct err *remedy_look(struct target *t, const struct action *a, struct deadline by,
    struct remedy_look *ret) must_use;

/* "start type 4 -> start type 3"; to be freed. */
struct err *remedy_change(struct target *t, const struct action *a, struct deadline by,
    char **ret) must_use;

/* What is there now, as a JSON object; the caller owns it. */
struct err *remedy_record(struct target *t, const struct action *a, json_t **ret) must_use;

/* Do it.  An installer that fails is no failure of this call but REMEDY_FAILED. */
struct err *remedy_apply(struct target *t, const struct action *a, const json_t *before,
    struct deadline by, struct remedy_done *ret) must_use;

/* Bring back what ${before} records.  *ret_kept (to be freed) is NULL, or says what is left
 * as it is and why.  A ${before} that no record of this kind can be is InputInvalid. */
struct err *remedy_undo(struct target *t, const struct action *a, const json_t *before,
    struct deadline by, char **ret_kept) must_use;

/* The services that run and need the one that ${a} stops or restarts, in the order in which
 * they can be stopped: whoever applies ${a} stops them first, and starts them again in the
 * reverse order (runbook_dependents.c).  None where ${a} stops nothing that runs.  Ends with
 * NULL, free with target_names_free.  TargetCannot where there are too many, or no such order;
 * with ${settle} also when one of them stays between running and stopped. */
struct err *remedy_dependents(struct target *t, const struct action *a, bool settle,
    char ***ret) must_use;

/* "SENS and COMSysApp" of such a list that is not empty; to be freed. */
struct err *remedy_tell_dependents(char *const names[], char **ret) must_use;

/* After a restart a Windows Installer service that was marked for deletion is gone: make it
 * again from ${before}, the record of a windows.installer.register.  Nothing to do is fine. */
struct err *remedy_keep_installer(struct target *t, const json_t *before) must_use;

void remedy_look_done(struct remedy_look *l);
void remedy_done_done(struct remedy_done *d);

const char *remedy_state_name(enum remedy_state s); /* "holds", "not", "unknown" */

#endif
