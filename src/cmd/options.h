/* SPDX-License-Identifier: Apache-2.0 */
/* options.h -- from the words of a command line to a command and its options.
 *
 * Options may stand anywhere, "--name value" or "--name=value"; "--" ends them.  Nothing is
 * abbreviated, so that a script goes on to mean what it meant.  An option's variable stands
 * in for it where it is not given; an empty variable counts as not set. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>

#include "err.h"
#include "table.h"

struct options {
    const struct cmd_command *command;
    bool set[OPT_COUNT];          /* on the command line */
    const char *value[OPT_COUNT]; /* NULL: neither given nor in the environment */
    const char **args;            /* the words that are no options */
    unsigned nargs;
};

/* UsageWrong with a hint when the words make no command.  ${ret} borrows from ${argv};
 * ret->args has room of its own, see options_done. */
struct err *options_parse(int argc, char **argv, struct options *ret) must_use;

void options_done(struct options *o);

/* The command whose name is the words ${first} and, where it has two, ${second} (which may
 * be NULL); NULL when there is none. */
const struct cmd_command *options_command(const char *first, const char *second);

/* UsageWrong for words that make no command, with what may be meant. */
struct err *options_unknown(const char *first, const char *second) must_use;

/* The value of a number option, ${usual} when it is not given. */
struct err *options_number(const struct options *o, enum cmd_option_id id, uint64_t least,
    uint64_t most, uint64_t usual, uint64_t *ret) must_use;

/* How many letters to change, add or drop to make one word of the other; for hints. */
unsigned options_distance(const char *a, const char *b);

#endif
