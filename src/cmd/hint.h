/* SPDX-License-Identifier: Apache-2.0 */
/* hint.h -- lines for a person to type, quoted so that a shell reads what is meant. */
#ifndef HINT_H
#define HINT_H

#include "cmd.h"
#include "text.h"

/* "firn doctor TARGET CODE" for the outermost failure of the chain whose article has a step
 * that firn can take there; *ret is NULL when there is none, else the caller's.  The target is
 * the guest that the command named, or this machine. */
struct err *hint_doctor(const struct cmd *c, const struct err *e, char **ret) must_use;

/* The same for the guest ${guest} ("qga:SOCKET"; NULL: this machine). */
struct err *hint_doctor_for(const struct err *e, const char *guest, char **ret) must_use;

/* The guest that the command was about, as firn doctor's TARGET: of --guest, of a running
 * machine, or whose extension it was.  *ret is NULL when there is none, else the caller's. */
struct err *hint_guest(const struct cmd *c, char **ret) must_use;

/* Add the words (NULL ends them) to ${t}, each as a shell takes it (text_shell). */
void hint_words(struct text *t, const char *const words[]);

#endif
