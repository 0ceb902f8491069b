/* SPDX-License-Identifier: Apache-2.0 */
/* chance.h -- numbers by chance from a seed, the same on every machine: splitmix64 (Steele,
 * Lea, Flood 2014). */
#ifndef CHANCE_H
#define CHANCE_H

#include <stdint.h>

/* 0 to ${n} - 1; ${state} starts with the seed. */
static inline uint32_t
below(uint64_t *state, uint32_t n)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((z ^ z >> 31) % n);
}

#endif
