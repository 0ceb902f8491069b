/* SPDX-License-Identifier: Apache-2.0 */
/* compile_platform.h -- names of operating systems in a sentence. */
#ifndef COMPILE_PLATFORM_H
#define COMPILE_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>

struct article;
struct sentence;

/* What a whole article has signs of; several may be. */
enum about { ABOUT_NOTHING, ABOUT_WINDOWS = 1, ABOUT_LINUX = 2, ABOUT_BSD = 4 };
enum about article_about(const struct article *a);

/* "Linux:", a heading "Ubuntu and Debian": *ret_os is how the kinds of its actions begin when
 * it says nothing else, else NULL. */
bool names_platform(const struct sentence *s, bool heading, const char **ret_os);
/* Is one of them in it, but for Windows and Linux as such? */
bool names_distribution(const struct sentence *s);
/* How many words at word ${i} are such a name, in a title; 0: none. */
size_t platform_name(const struct sentence *s, size_t i, const char **ret_os);
/* "Install it on Ubuntu": at which word the platform begins that ends the sentence; 0: none. */
size_t platform_behind(const struct sentence *s, const char **ret_os);
/* "To install it on Ubuntu, complete these steps:": the same, before word *ret_to. */
size_t platform_in_purpose(const struct sentence *s, size_t *ret_to, const char **ret_os);
/* "On Ubuntu, run ...", "Debian: COMMAND": how many words the platform takes before an order or
 * a command; 0: it does not begin so. */
size_t platform_at(const struct sentence *s, const char **ret_os);

#endif
