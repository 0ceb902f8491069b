/* SPDX-License-Identifier: Apache-2.0 */
/* text.h -- text for people: sizes in words, foreign strings made harmless, a string that
 * grows.
 *
 * Names of files, answers of guests and articles from elsewhere end up on terminals.  What
 * could steer one (control characters) or is not UTF-8 is shown as \xNN. */
#ifndef TEXT_H
#define TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The length in bytes of the character at ${s} (which ends with a NUL), 0 when it must not
 * reach a terminal as it is: a control character or a byte that is not UTF-8. */
size_t text_visible(const char *s);

/* Every character of it may reach a terminal as it is, in one line. */
bool text_is_visible(const char *s);

#define TEXT_SIZE_MAX 24 /* bytes that text_size needs at most */

/* "17 bytes", "512 KiB", "3.2 GiB" to ${to}, which holds TEXT_SIZE_MAX bytes; returns the
 * length. */
size_t text_size(char *to, uint64_t bytes);

/* Starts as { 0 }.  When memory is short it stays as it was and remembers: ask once, at the
 * end. */
struct text {
    char *s; /* NUL at the end; NULL while nothing was added */
    size_t len, room;
    bool no_memory;
};

void text_add(struct text *t, const char *s, size_t len);
void text_str(struct text *t, const char *s);
#ifdef _WIN32 /* where printf means Microsoft's own unless told otherwise */
#define TEXT_PRINTF gnu_printf
#else
#define TEXT_PRINTF printf
#endif
void text_fmt(struct text *t, const char *format, ...)
    __attribute__((format(TEXT_PRINTF, 2, 3)));
/* As text_str, with \xNN for what is not visible; a newline and a tab are. */
void text_escaped(struct text *t, const char *s);
/* As text_escaped, and what ends a line or moves along it becomes a blank: words from
 * elsewhere that stand within a message of ours. */
void text_inline(struct text *t, const char *s);

/* ${s} as one word for a POSIX shell: as it is where that is harmless, else quoted, and where
 * it holds what a terminal must not get, as what printf makes of it.  Lines for people to copy
 * are made of these words.  (Command substitution drops newlines at the end of a word; those
 * words alone need a shell that knows $'...'.) */
void text_shell(struct text *t, const char *s);

/* Accepts one that was never used. */
void text_done(struct text *t);

#endif
