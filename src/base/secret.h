/* SPDX-License-Identifier: Apache-2.0 */
/* secret.h -- key material: locked memory that is wiped when it is freed. */
#ifndef SECRET_H
#define SECRET_H

#include <stddef.h>
#include <stdint.h>

#include "auto.h"
#include "err.h"

struct secret {
    size_t len;
    uint8_t data[];
};

/* ${len} zero bytes. */
struct err *secret_new(size_t len, struct secret **ret) must_use;

/* A copy of ${data}, which stays as it is. */
struct err *secret_copy(const void *data, size_t len, struct secret **ret) must_use;

/* The first line of a file, without its newline; at most 4096 bytes and at least 1
 * (SecretEmpty).  FileUnreadable when it cannot be read. */
struct err *secret_from_file(const char *path, struct secret **ret) must_use;

/* Ask at the terminal, without showing what is typed.  ${twice} asks again and compares
 * (SecretDiffers).  SecretMissing when there is no terminal. */
struct err *secret_ask(const char *prompt, bool twice, struct secret **ret) must_use;

/* Accepts NULL. */
void secret_free(struct secret *s);
DEFINE_AUTO(secret);

#endif
