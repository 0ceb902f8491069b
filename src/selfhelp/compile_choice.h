/* SPDX-License-Identifier: Apache-2.0 */
/* compile_choice.h -- what is offered or listed, and what belongs together. */
#ifndef COMPILE_CHOICE_H
#define COMPILE_CHOICE_H

#include <stdbool.h>

struct compiler;
struct finds;
struct flat;
struct sentence;

/* "You must either:", "Do one of the following:": what follows are ways to choose from. */
bool offers_choice(const struct sentence *s);
/* A heading "With apt", "Manual installation": one of several ways. */
bool names_way(const struct sentence *s);
/* "To stop and disable:", of nothing said: how it is done, where it is wanted. */
bool tells_usage(const struct sentence *s);
/* An item that is the bare word "reboot", among items that are single words too: a name. */
bool is_listed_name(const struct compiler *c, const struct sentence *s);
/* Do the lines of code call the package managers of different systems? */
bool has_managers(const struct flat *f);
/* "Stop it with X and start it again with Y": when a person has to stop it, or it stops
 * another one, none of it runs. */
void pair_finds(struct finds *l, const struct sentence *s);

#endif
