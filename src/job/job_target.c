/* SPDX-License-Identifier: Apache-2.0 */
/* Which machine a TARGET means.  A Windows guest's load tests are made by the extension's own
 * plug-in host, so it is looked for first, in a conversation of its own: the agent serves one
 * at a time. */
#include <string.h>

#include "codes.h"
#include "guest_prepare.h"
#include "job_target.h"
#include "qga.h"
#include "target_guest.h"
#include "target_hive.h"

enum { CONNECT_MS = 30000, TAKE_UP_MS = 60000 };

/* What follows ${scheme}; NULL when ${text} is of another one. */
static const char *
after(const char *text, const char *scheme)
{
    size_t n = strlen(scheme);

    return strncmp(text, scheme, n) == 0 && text[n] != '\0' ? text + n : NULL;
}

static struct err *
open_guest(const char *socket, const char *name, struct target **ret)
{
    struct deadline by = deadline_in_ms(CONNECT_MS);
    struct target_guest_options options = { .name = name };
    auto_free char *host = NULL;
    auto_ptr(qga) g = NULL;

    TRY(qga_open(socket, name, by, &g));
    TRY(guest_plugin_host(g, by, &host));
    qga_free(take(g));
    options.plugin_host = host;
    return target_guest_open(socket, &options, by, ret);
}

struct err *
job_target_open(const char *text, struct target **ret, bool *ret_guest)
{
    const char *rest;

    *ret_guest = after(text, "qga:") != NULL;

    if (strcmp(text, "local") == 0 || after(text, "root:") != NULL)
        return fail(TargetCannot, text, "look at it yet; use qga: or disk:");
    rest = after(text, "qga:");
    if (rest != NULL)
        return open_guest(rest, text, ret);
    rest = after(text, "disk:");
    if (rest != NULL)
        return target_hive_open(rest, text, ret);
    return fail(UsageWrong, "a TARGET is local, root:FOLDER, qga:SOCKET or disk:FOLDER");
}

void
job_target_let_go(struct target *guest)
{
    target_guest_let_go(guest);
}

struct err *
job_target_take_up(struct target *guest)
{
    return target_guest_take_up(guest, deadline_in_ms(TAKE_UP_MS));
}
