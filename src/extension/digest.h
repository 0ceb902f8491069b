/* SPDX-License-Identifier: Apache-2.0 */
/* digest.h -- SHA-256 (FIPS 180-4), for the files of a package.
 *
 * The guest's program links nothing, and a package is a few megabytes: plain C does. */
#ifndef DIGEST_H
#define DIGEST_H

#include <stddef.h>
#include <stdint.h>

enum { DIGEST_BYTES = 32, DIGEST_HEX = 2 * DIGEST_BYTES + 1 };

struct digest {
    uint32_t state[8];
    uint64_t len;
    uint8_t block[64];
};

void digest_init(struct digest *d);
void digest_add(struct digest *d, const void *data, size_t len);
void digest_end(struct digest *d, uint8_t to[DIGEST_BYTES]);

/* Of one piece, as lower-case hex. */
void digest_hex(const void *data, size_t len, char to[DIGEST_HEX]);

#endif
