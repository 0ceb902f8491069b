/* SPDX-License-Identifier: Apache-2.0 */
/* compile_choice.h -- what is offered or listed, and what belongs together. */
#ifndef COMPILE_CHOICE_H
#define COMPILE_CHOICE_H

#include <stdbool.h>
#include <stddef.h>

struct compiler;
struct finds;
struct flat;
struct sentence;

/* "You must either:", "For some operations you may have to install:", "To stop and disable:":
 * what they lead to, or their section, is for a person. */
void choice_read(struct compiler *c, const struct sentence *s);
/* Is all of the section meant for a case, or another system, that ${s} tells: "If it runs on
 * another node, access must be allowed.", "It is a service in FreeBSD."?  ${then}: the word
 * after its condition; SIZE_MAX: it has none. */
bool choice_in_case(const struct compiler *c, const struct sentence *s, size_t then);
/* A heading "With apt", "Manual installation": one of several ways. */
bool names_way(const struct sentence *s);
/* An item that is the bare word "reboot", among items that are single words too: a name. */
bool is_listed_name(const struct compiler *c, const struct sentence *s);
/* Do the lines of code call the package managers of different systems? */
bool has_managers(const struct flat *f);
/* "Stop it with X and start it again with Y": when a person has to stop it, or it stops
 * another one, none of it runs. */
void pair_finds(struct finds *l, const struct sentence *s);

#endif
