/* SPDX-License-Identifier: Apache-2.0 */
/* The backup that failed is made once more, by the same words and in the same folder, in this
 * process: so its failure comes back as a value, with its code and facts. */
#include <string.h>
#include <unistd.h>

#include "codes.h"
#include "doctor_internal.h"
#include "job_target.h"

/* As the command line of then, which begins with the program's name. */
static struct err *
words_of_then(const struct last *last, char ***ret, int *ret_n)
{
    const char *folder, *const *words;
    size_t n;
    char **argv;

    words = last_command(last, &n, &folder);
    argv = calloc(n + 2, sizeof(*argv));
    if (argv == NULL)
        return fail(OutOfMemory);
    argv[0] = (char *)(uintptr_t) "firn";
    for (size_t i = 0; i < n; i++)
        argv[i + 1] = (char *)(uintptr_t)words[i];
    *ret = argv;
    *ret_n = (int)n + 1;
    return NULL;
}

/* The words come from a file, so that nothing but a backup is taken from them, with options
 * that the command line takes. */
static bool
is_backup(const struct options *o)
{
    return o->command == &cmd_commands[CMD_BACKUP] && !o->set[OPT_HELP] && o->nargs > 0 &&
        o->value[OPT_VAULT] != NULL;
}

/* Asked before anything is changed: a retry that cannot be made would come too late. */
static struct err *
is_possible(const struct last *last, bool *ret)
{
    struct options o = { 0 };
    auto_free char **argv = NULL;
    const char *folder;
    struct err *e;
    size_t n;
    int argc = 0;

    TRY(words_of_then(last, &argv, &argc));
    (void)last_command(last, &n, &folder);
    e = options_parse(argc, argv, &o);
    *ret = e == NULL && is_backup(&o) && access(folder, X_OK) == 0;
    options_done(&o);
    return e;
}

bool
doctor_can_retry(const struct last *last, const struct doctor_causes *d)
{
    bool possible = false;

    if (last != NULL && doctor_has_cause(d, last_code(last)))
        err_free(is_possible(last, &possible)); /* words that are none are no backup */
    return possible;
}

static struct err *
backup_again(struct doctor_retry *r, struct options *o)
{
    struct cmd then = { .o = *o, .out = r->c->out, .meter = r->c->meter };
    struct job_backup b;

    TRY(cmd_set_up_job(&then));
    then.job.arg = r->c; /* warnings and progress are this command's */
    cmd_backup_of(&then, &b);
    vault_point_free(r->point);
    r->point = NULL;
    return job_backup(&then.job, &b, &r->point);
}

static struct err *
run_words(struct doctor_retry *r, char **argv, int argc, struct err **ret_why)
{
    struct options o = { 0 };
    struct err *e = options_parse(argc, argv, &o);

    if (e == NULL && !is_backup(&o))
        e = fail(UsageWrong, "the command that failed was no backup");
    if (e == NULL)
        *ret_why = backup_again(r, &o);
    options_done(&o);
    return e;
}

/* In the folder of then, and back. */
static struct err *
run_there(struct doctor_retry *r, struct err **ret_why)
{
    auto_free char *here = getcwd(NULL, 0);
    auto_free char **argv = NULL;
    const char *folder;
    struct err *e;
    size_t n;
    int argc = 0;

    if (here == NULL)
        return fail(SystemCallFailed, "getcwd");
    TRY(words_of_then(r->last, &argv, &argc));
    (void)last_command(r->last, &n, &folder);
    if (chdir(folder) != 0)
        return fail(FileUnreadable, folder);
    e = run_words(r, argv, argc, ret_why);
    if (chdir(here) != 0)
        e = err_also(e, fail(FileUnreadable, here));
    return e;
}

/* The last try alone tells how the operation works now: what an earlier one warned of is on
 * the screen, but no part of the result. */
static void
forget_warnings(struct doctor_retry *r)
{
    while (json_array_size(r->c->warnings) > r->warnings)
        (void)json_array_remove(r->c->warnings, json_array_size(r->c->warnings) - 1);
    r->c->weaker = r->weaker;
}

struct err *
doctor_try_again(struct doctor_retry *r, struct err **ret_why)
{
    struct err *e;

    *ret_why = NULL;
    cmd_note(r->c, "Trying the backup again.\n");
    forget_warnings(r);
    if (r->guest != NULL)
        job_target_let_go(r->guest);
    e = run_there(r, ret_why);
    if (r->guest != NULL)
        e = err_also(e, job_target_take_up(r->guest));
    if (e != NULL && *ret_why != NULL) {
        e = err_also(e, *ret_why);
        *ret_why = NULL;
    }
    return e;
}
