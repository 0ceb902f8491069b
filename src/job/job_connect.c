/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codes.h"
#include "job_connect.h"

static const char libvirt[] = "vm:", agent[] = "qga:";

bool
job_connect_is(const char *text)
{
    return strncmp(text, libvirt, strlen(libvirt)) == 0;
}

struct err *
job_connect(const char *text, const char *connect, char **ret)
{
    char *made = NULL;
    int n;

    if (connect != NULL && !job_connect_is(text))
        return fail(UsageWrong, "--connect says which libvirt has a machine: it goes with "
                                "vm:NAME");
    if (job_connect_is(text) && (text[strlen(libvirt)] == '\0' || text[strlen(libvirt)] == ','))
        return fail(UsageWrong, "a machine of libvirt's is vm:NAME");
    n = connect != NULL ? asprintf(&made, "%s,connect=%s", text, connect)
                        : asprintf(&made, "%s", text);
    if (n < 0)
        return fail(OutOfMemory);
    *ret = made;
    return NULL;
}

struct err *
job_connect_agent(const char *target, const char *option, char **ret)
{
    const char *socket = target + strlen(agent);

    if (job_connect_is(target))
        return job_connect(target, NULL, ret);
    if (strncmp(target, agent, strlen(agent)) != 0 || socket[0] == '\0')
        return fail(UsageWrong, option);
    *ret = strdup(socket);
    return *ret == NULL ? fail(OutOfMemory) : NULL;
}
