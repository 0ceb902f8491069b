/* SPDX-License-Identifier: Apache-2.0 */
/* compile_scope.h -- what reaches further than its own block: what a title names, markup for
 * one kind of readers, ways of which one is chosen, and items under which later items stand.
 *
 * All of it errs on the side of a person: what is found here becomes a condition, word for
 * word, or keeps what it may reach from running. */
#ifndef COMPILE_SCOPE_H
#define COMPILE_SCOPE_H

#include <stdbool.h>
#include <stddef.h>

struct article_block;
struct cond;
struct compiler;
struct finds;
struct sentence;

/* Words [*ret_from, *ret_to) of a title name a system, a role or a range of versions; *ret_os
 * is how the kinds of its actions begin when it says nothing else, else NULL. */
bool title_limits(const struct sentence *s, size_t *ret_from, size_t *ret_to,
    const char **ret_os);
/* "Install it if you want to use it": the word behind "if"; 0: a heading of another form. */
size_t headed_if(const struct sentence *s);
/* Does word ${i} name what a machine is for, or is: "domain controller", "replica"? */
bool role_at(const struct sentence *s, size_t i);
/* The paragraph opens a tab, a fold or a zone of a template: who it is for is not understood,
 * and what comes of its section is for a person. */
void scope_markup(struct compiler *c, const struct article_block *b);
/* "There are two ways:": is there a section for each?  Then all of them are for a person. */
bool scope_offers(const struct compiler *c, const struct sentence *s);
/* A section that says what others are for: "Before you begin", "Scope", "Remarks". */
bool heading_is_frame(const struct sentence *s);
/* The first heading of an article, which may tell in its own words what it is about: are there
 * none beside it that could be other cases? */
bool heading_is_alone(struct compiler *c, const struct sentence *s);
/* "Workaround" beside a "Resolution" above it: one of several ways. */
bool scope_other_way(struct compiler *c, const struct sentence *s, long level);
/* No sentence, but words that name a role or a choice: "Scope: HA pairs", "Where: standby". */
bool names_role(const struct sentence *s);
/* An item that is no order and no sentence, with items below it: "- Domain joined". */
bool item_is_case(const struct compiler *c, const struct sentence *s);
/* "With systemd, start it by ...": how many words say with what; 0: it does not begin so. */
size_t manner_at(const struct sentence *s);
/* What ${s}, ${rest} without its label, says of all that comes; its condition ${cond} ends
 * before word ${then} (SIZE_MAX: it has none). */
void scope_sentence(struct compiler *c, const struct sentence *s, const struct sentence *rest,
    const struct cond *cond, size_t then);
/* An item "Symptom: it hangs": the items behind it are for that, to the end of the list or the
 * next such item. */
bool scope_symptom(struct compiler *c, const struct sentence *s);
/* "If you do not like X, there is a way to change it.": all that comes is for who wants that;
 * the condition ends before word ${then}. */
bool scope_wish(const struct compiler *c, const struct sentence *s, size_t then);
/* A comment in code that is not understood may limit the lines below it. */
void scope_comment(struct compiler *c, const struct sentence *s);
/* A sentence of an item, with a condition (${conditional}) or without: later items may stand on
 * the condition of an earlier one.  ${l}: what was found in it. */
void scope_item(struct compiler *c, const struct sentence *s, const struct finds *l,
    bool conditional);
/* Of a section that has no steps: does it speak of those of others, and limit them? */
bool tells_of_steps(const struct sentence *s);

#endif
