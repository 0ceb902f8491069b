/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "codes.h"
#include "guest_prepare.h"
#include "job_connect.h"
#include "job_guest.h"
#include "job_internal.h"
#include "qga.h"

struct listener {
    const struct job *j;
    struct chain_facts *facts;
    struct err *failed;
};

/* The extension that a warning is about. */
static const char *
package_of(const struct err *warning)
{
    for (size_t i = 0; i < err_nargs(warning); i++) {
        const struct err_arg *a = err_arg(warning, i);

        if (strcmp(a->name, "package") == 0 && a->str != NULL)
            return a->str;
    }
    return "";
}

static void
pass_on(void *arg, struct err *warning)
{
    struct listener *l = arg;

    if (l->failed == NULL)
        l->failed = chain_facts_add(l->facts, err_id(warning), package_of(warning));
    job_warn(l->j, warning);
}

struct err *
job_guest_prepare(const struct job *j, const char *target, const char *vm,
    struct chain_facts *facts)
{
    struct listener l = { .j = j, .facts = facts };
    auto_free char *agent = NULL;
    auto_ptr(qga) g = NULL;

    TRY(job_connect_agent(target, "--guest takes qga:SOCKET, the socket of a guest agent, or "
                                  "vm:NAME, a machine of libvirt's",
        &agent));
    TRY(qga_open(agent, vm, deadline_in_ms(JOB_GUEST_CONNECT_MS), &g));
    struct err *e = guest_prepare(g, deadline_in_ms((int64_t)GUEST_PREPARE_S * 1000), pass_on,
        &l);
    return err_also(e, l.failed);
}
