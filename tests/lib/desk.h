/* SPDX-License-Identifier: Apache-2.0 */
/* desk.h -- a machine, a plan of which a person does a part, and the person. */
#ifndef DESK_H
#define DESK_H

#include "journals.h"
#include "plan.h"
#include "runbook.h"
#include "target.h"

#define KEY "HKLM\\SOFTWARE\\Test"
#define SET(name) "windows.registry.set key=" KEY " name=" name " type=dword data=1"
#define STOPS "windows.service.state service=Spooler want=stopped"
#define STARTS "windows.service.state service=Spooler want=running"
#define PERSON "person.do text=\"Empty the folder\""
#define PROBE "probe | windows.registry.is key=" KEY " name=Set data=1"
#define CODE "VssServiceBad"

struct desk {
    struct target *t;
    struct plan *plan;
    enum runbook_order order;
    unsigned consent;
    bool never;          /* the operation fails whatever is done */
    bool look;           /* nothing is to be changed */
    bool alone;          /* there is no operation: the look alone proves */
    const char *options; /* how the doctor is called to go on; NULL: as it is usual */
    const char *done;    /* what the person says by an option */
    const char *answers; /* the person's at the terminal, one letter each; NULL: nobody */
    char asked[1024];    /* the last question */
    unsigned questions;
    struct kill_at kill;
};

/* Stop; the person empties the folder; set; start. */
extern const char *const desk_usual[];

/* Lines of "condition | action", those of "probe | ..." first; without one it is prose. */
struct plan *desk_plan(const char *const lines[]);

/* A Windows on which Spooler runs, and Fax, which needs it. */
void desk_make(struct desk *d, const char *const lines[]);
void desk_done(struct desk *d);

/* Only its disk is there. */
void desk_switch_off(struct desk *d);

/* The person's own work. */
void desk_work(struct desk *d);

/* NULL: it was killed. */
struct runbook_report *desk_run(struct desk *d);
/* The same, killed at the line ${after} of the journal. */
struct runbook_report *desk_run_killed(struct desk *d, unsigned after);

/* Of the test's registry key; 0 where it is not there. */
uint32_t desk_number(struct desk *d, const char *name);
bool desk_runs(struct desk *d);    /* both services */
bool desk_stopped(struct desk *d); /* neither */

/* The outcome is ${want}; else the report is shown. */
void desk_is(const struct runbook_report *r, enum runbook_outcome want);

#endif
