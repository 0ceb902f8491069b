/* SPDX-License-Identifier: Apache-2.0 */
/* job_connect.h -- machines that libvirt keeps, by the words of the command line: vm:NAME, and
 * --connect URI beside it.  In one word both are vm:NAME,connect=URI (virt_link.h). */
#ifndef JOB_CONNECT_H
#define JOB_CONNECT_H

#include <stdbool.h>

#include "err.h"

bool job_connect_is(const char *text); /* vm:... */

/* ${text} as it is, or a vm:NAME with ${connect} (NULL: none).  UsageWrong: --connect beside
 * anything else.  *ret is the caller's. */
struct err *job_connect(const char *text, const char *connect, char **ret) must_use;

/* The guest agent that ${target} names, qga:SOCKET or vm:NAME, as qga_open takes it; *ret is
 * the caller's.  UsageWrong about ${option}. */
struct err *job_connect_agent(const char *target, const char *option, char **ret) must_use;

#endif
