/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "catalog.h"
#include "codes.h"
#include "compile.h"
#include "hint.h"
#include "job_connect.h"

/* Has the article a step that changes something, on this machine or (${guest}) in a guest? */
static struct err *
can_act(const struct catalog_entry *entry, bool guest, bool *ret)
{
    auto_ptr(plan) p = NULL;
    struct article *a = NULL;
    struct err *e;

    *ret = false;
    if (article_parse(entry->text, entry->text_len, &a) != ARTICLE_OK)
        return fail(OutOfMemory);
    e = compile_article(a, entry->file, &p);
    article_free(a);
    TRY(e);
    for (size_t i = 0; i < p->nsteps; i++) {
        const struct action_kind *kind = p->steps[i].action.kind;

        if (!kind->person && kind->risk != RISK_READ && (guest || kind->os != ACTION_WINDOWS))
            *ret = true;
    }
    return NULL;
}

void
hint_words(struct text *t, const char *const words[])
{
    for (size_t i = 0; words[i] != NULL; i++) {
        text_str(t, i > 0 ? " " : "");
        text_shell(t, words[i]);
    }
}

struct err *
hint_doctor_for(const struct err *e, const char *guest, char **ret)
{
    struct text t = { 0 };

    *ret = NULL;
    for (; e != NULL; e = err_cause(e)) {
        const struct catalog_entry *entry = catalog_find(err_id(e));
        bool acts = false;

        if (entry != NULL)
            TRY(can_act(entry, guest != NULL, &acts));
        if (!acts)
            continue;
        hint_words(&t, guest != NULL
                ? (const char *const[]){ "firn", "doctor", guest, entry->id, NULL }
                : (const char *const[]){ "firn", "doctor", entry->id, NULL });
        if (t.no_memory) {
            text_done(&t);
            return fail(OutOfMemory);
        }
        *ret = t.s;
        return NULL;
    }
    return NULL;
}

struct err *
hint_guest(const struct cmd *c, char **ret)
{
    const char *guest = c->o.value[OPT_GUEST], *agent = NULL;

    *ret = NULL;
    if ((c->o.command == &cmd_commands[CMD_EXTENSION_INSTALL] ||
            c->o.command == &cmd_commands[CMD_EXTENSION_STATUS]) && c->o.nargs > 0)
        guest = c->o.args[0];
    for (unsigned i = 0; guest == NULL && agent == NULL && i < c->o.nargs; i++) {
        if (job_connect_is(c->o.args[i]))
            guest = c->o.args[i];
        else
            agent = job_machine_agent(c->o.args[i]);
    }
    if (guest != NULL && job_connect_is(guest))
        return job_connect(guest, c->o.value[OPT_CONNECT], ret);
    if (guest == NULL && agent == NULL)
        return NULL;
    if (asprintf(ret, "%s%s", guest != NULL ? guest : "qga:", guest != NULL ? "" : agent) < 0) {
        *ret = NULL;
        return fail(OutOfMemory);
    }
    return NULL;
}

struct err *
hint_doctor(const struct cmd *c, const struct err *e, char **ret)
{
    auto_free char *guest = NULL;

    *ret = NULL;
    TRY(hint_guest(c, &guest));
    return hint_doctor_for(e, guest, ret);
}
