/* SPDX-License-Identifier: Apache-2.0 */
/* The standard's own steps; names of variables are the standard's. */
#include <string.h>

#include "bytes.h"
#include "digest.h"

static const uint32_t K[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
    0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
    0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
    0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
    0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
    0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
    0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
    0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
    0xc67178f2,
};

static uint32_t
rotr(uint32_t x, unsigned n)
{
    return x >> n | x << (32 - n);
}

static uint32_t
get_be(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void
schedule(const uint8_t *block, uint32_t W[64])
{
    for (unsigned t = 0; t < 16; t++)
        W[t] = get_be(block + 4 * t);
    for (unsigned t = 16; t < 64; t++) {
        uint32_t s0 = rotr(W[t - 15], 7) ^ rotr(W[t - 15], 18) ^ W[t - 15] >> 3;
        uint32_t s1 = rotr(W[t - 2], 17) ^ rotr(W[t - 2], 19) ^ W[t - 2] >> 10;

        W[t] = s1 + W[t - 7] + s0 + W[t - 16];
    }
}

static void
compress(uint32_t H[8], const uint8_t *block)
{
    uint32_t W[64], v[8]; /* v: a to h */

    schedule(block, W);
    memcpy(v, H, sizeof(v));
    for (unsigned t = 0; t < 64; t++) {
        uint32_t S1 = rotr(v[4], 6) ^ rotr(v[4], 11) ^ rotr(v[4], 25);
        uint32_t S0 = rotr(v[0], 2) ^ rotr(v[0], 13) ^ rotr(v[0], 22);
        uint32_t ch = (v[4] & v[5]) ^ (~v[4] & v[6]);
        uint32_t maj = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
        uint32_t T1 = v[7] + S1 + ch + K[t] + W[t];

        memmove(v + 1, v, 7 * sizeof(v[0]));
        v[4] += T1;
        v[0] = T1 + S0 + maj;
    }
    for (unsigned i = 0; i < 8; i++)
        H[i] += v[i];
}

void
digest_init(struct digest *d)
{
    static const uint32_t start[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };

    memcpy(d->state, start, sizeof(start));
    d->len = 0;
}

void
digest_add(struct digest *d, const void *data, size_t len)
{
    const uint8_t *p = data;

    while (len > 0) {
        size_t at = (size_t)(d->len % 64), n = 64 - at < len ? 64 - at : len;

        memcpy(d->block + at, p, n);
        d->len += n;
        p += n;
        len -= n;
        if (at + n == 64)
            compress(d->state, d->block);
    }
}

void
digest_end(struct digest *d, uint8_t to[DIGEST_BYTES])
{
    static const uint8_t pad[64] = { 0x80 };
    uint64_t bits = d->len * 8;
    uint8_t tail[8];
    size_t at = (size_t)(d->len % 64);

    for (unsigned i = 0; i < 8; i++)
        tail[i] = (uint8_t)(bits >> (56 - 8 * i));
    digest_add(d, pad, at < 56 ? 56 - at : 120 - at);
    digest_add(d, tail, sizeof(tail));
    for (unsigned i = 0; i < DIGEST_BYTES; i++)
        to[i] = (uint8_t)(d->state[i / 4] >> (24 - 8 * (i % 4)));
}

void
digest_hex(const void *data, size_t len, char to[DIGEST_HEX])
{
    struct digest d;
    uint8_t sum[DIGEST_BYTES];

    digest_init(&d);
    digest_add(&d, data, len);
    digest_end(&d, sum);
    bytes_to_hex(sum, sizeof(sum), to);
}
