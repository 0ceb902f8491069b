/* SPDX-License-Identifier: Apache-2.0 */
/* regtext.h -- registry keys as the text that Windows exports and imports: UTF-16LE, "Windows
 * Registry Editor Version 5.00".
 *
 * Strings, numbers and bytes are read in every form that an export has; they are written in
 * the one that keeps all bytes of all types (hex).  A file from a guest is not trusted: what
 * is not of this form is said so. */
#ifndef REGTEXT_H
#define REGTEXT_H

#include "bytes.h"
#include "target.h"

/* What an exported file says about ${key} ("HKLM\...") itself. */
struct regtext_key {
    bool there;
    size_t nvalues, nkeys; /* of its own */
};

/* *ret_ok is false when ${file} is no such text.  Case does not count. */
struct err *regtext_look(struct view file, const char *key, struct regtext_key *ret,
    bool *ret_ok) must_use;

/* The value ${name} ("" is the key's own) of ${key}; the caller ends it. */
struct err *regtext_value(struct view file, const char *key, const char *name,
    struct target_value *ret, bool *ret_found, bool *ret_ok) must_use;

/* A file to import, the caller's: set a value; delete one (${v} NULL); delete the key and all
 * in it (${name} NULL too). */
struct err *regtext_write(const char *key, const char *name, const struct target_value *v,
    uint8_t **ret, size_t *ret_len) must_use;

#endif
