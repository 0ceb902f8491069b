/* SPDX-License-Identifier: Apache-2.0 */
/* pattern.h -- disks for tests: made from a seed, so that a failure can be made again. */
#ifndef PATTERN_H
#define PATTERN_H

#include <stdbool.h>
#include <stdint.h>

#define PATTERN_BLOCK 4096

struct rng {
    uint64_t state;
};

uint64_t rng_next(struct rng *r);
/* 0 to below - 1; 0 when below is 0. */
uint64_t rng_below(struct rng *r, uint64_t below);

/* ${size} bytes (at least one is allocated): runs of random bytes, text, zeros and holes.
 * ${holes} (may be NULL) gets a bitmap with one bit per PATTERN_BLOCK, set in holes, which
 * are zero in memory. */
uint8_t *pattern_new(uint64_t seed, uint64_t size, uint8_t **holes);

/* Write it to a new file with its holes. */
void pattern_to_file(const char *path, const uint8_t *data, uint64_t size,
    const uint8_t *holes);

bool pattern_is_hole(const uint8_t *holes, uint64_t off);

/* The whole of a file; cmocka's failure when it cannot be read. */
uint8_t *pattern_from_file(const char *path, uint64_t *ret_size);

/* A folder of its own for this test program below $TMPDIR or /tmp; removed with all that is
 * in it when the program ends. */
const char *pattern_folder(void);

/* Remove a file, or a folder with all that is in it. */
void pattern_remove(const char *path);

/* ${folder}/${name}, in one of eight buffers that are used in turn. */
const char *pattern_path(const char *name);
/* The same, kept in ${to}, which is returned; it fits, or the test ends. */
const char *pattern_path_in(char *to, size_t size, const char *name);

/* Does a server listen at the local socket ${path}?  The file is there a moment before it
 * does. */
bool pattern_listens(const char *path);

#endif
