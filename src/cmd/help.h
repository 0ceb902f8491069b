/* SPDX-License-Identifier: Apache-2.0 */
/* help.h -- what the command table says, as text for people. */
#ifndef HELP_H
#define HELP_H

#include "err.h"
#include "table.h"
#include "text.h"

/* All commands, one line each. */
void help_all(struct text *to);

/* One command: synopsis, text, options. */
void help_command(const struct cmd_command *c, struct text *to);

#endif
