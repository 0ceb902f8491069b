/* SPDX-License-Identifier: Apache-2.0 */
/* The backup that failed is made once more, by the same words and in the same folder, in this
 * process: so its failure comes back as a value, with its code and facts. */
#include <string.h>
#include <unistd.h>

#include "codes.h"
#include "doctor_internal.h"
#include "job_target.h"

bool
doctor_can_retry(const struct last *last, const struct doctor_causes *d)
{
    const char *const *words, *folder;
    size_t n;

    if (last == NULL)
        return false;
    words = last_command(last, &n, &folder);
    if (n == 0 || strcmp(words[0], "backup") != 0)
        return false;
    for (size_t i = 0; i < d->n; i++)
        if (strcmp(last_code(last), d->item[i].code) == 0)
            return true;
    return false;
}

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

struct err *
doctor_try_again(struct doctor_retry *r, struct err **ret_why)
{
    auto_free char *here = getcwd(NULL, 0);
    auto_free char **argv = NULL;
    struct options o = { 0 };
    const char *folder;
    size_t n;
    int argc = 0;

    *ret_why = NULL;
    TRY(words_of_then(r->last, &argv, &argc));
    TRY(options_parse(argc, argv, &o));
    (void)last_command(r->last, &n, &folder);
    if (here == NULL || chdir(folder) != 0) {
        options_done(&o);
        return fail(FileUnreadable, folder);
    }
    cmd_note(r->c, "Trying the backup again.\n");
    if (r->guest != NULL)
        job_target_let_go(r->guest);
    *ret_why = backup_again(r, &o);
    options_done(&o);
    if (r->guest != NULL) {
        struct err *e = job_target_take_up(r->guest);

        if (e != NULL)
            return err_also(e, *ret_why);
    }
    if (chdir(here) != 0)
        return err_also(fail(FileUnreadable, here), *ret_why);
    return NULL;
}
