/* SPDX-License-Identifier: Apache-2.0 */
/* latency DEVICE -- how long a guest's writes take, seen from the inside.
 *
 * Writes 4 KiB of chance to a random place of DEVICE every 5 ms, past the page cache; each
 * second write is made durable (O_DSYNC), as a database's log is.  Once a second it prints
 *
 *     LATENCY plain COUNT MEDIAN P95 GREATEST durable COUNT MEDIAN P95 GREATEST
 *
 * in microseconds.  A write that is late makes the next ones late, too, but none is left out:
 * what the host holds up is what is to be seen. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <linux/fs.h>

enum { WRITE = 4096, EVERY_US = 5000, MOST = 1024 };

struct seen {
    int64_t us[MOST];
    size_t n;
};

static int64_t
now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* xorshift64*: places and contents need no more. */
static uint64_t
chance(void)
{
    static uint64_t x = UINT64_C(0x9e3779b97f4a7c15);

    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    return x * UINT64_C(0x2545f4914f6cdd1d);
}

static int
by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static void
print(const char *name, struct seen *s)
{
    qsort(s->us, s->n, sizeof(s->us[0]), by_size);
    printf(" %s %zu", name, s->n);
    if (s->n == 0)
        printf(" 0 0 0");
    else
        printf(" %lld %lld %lld", (long long)s->us[s->n / 2],
            (long long)s->us[s->n * 95 / 100], (long long)s->us[s->n - 1]);
    s->n = 0;
}

int
main(int argc, char **argv)
{
    static struct seen seen[2];
    uint64_t size, *block;
    int fd[2];

    if (argc != 2 || posix_memalign((void **)&block, WRITE, WRITE) != 0)
        return 2;
    fd[0] = open(argv[1], O_RDWR | O_DIRECT | O_CLOEXEC);
    fd[1] = open(argv[1], O_RDWR | O_DIRECT | O_DSYNC | O_CLOEXEC);
    if (fd[0] < 0 || fd[1] < 0 || ioctl(fd[0], BLKGETSIZE64, &size) != 0) {
        perror(argv[1]);
        return 1;
    }
    int64_t told = now_us(), next = told;
    for (size_t i = 0;; i++) {
        for (size_t k = 0; k < WRITE / sizeof(*block); k++)
            block[k] = chance();
        int64_t start = now_us();
        off_t at = (off_t)(chance() % (size / WRITE) * WRITE);
        if (pwrite(fd[i % 2], block, WRITE, at) != WRITE) {
            perror("write");
            return 1;
        }
        int64_t end = now_us();
        struct seen *s = &seen[i % 2];
        if (s->n < MOST)
            s->us[s->n++] = end - start;
        if (end - told >= 1000000) {
            printf("LATENCY");
            print("plain", &seen[0]);
            print("durable", &seen[1]);
            printf("\n");
            fflush(stdout);
            told = end;
        }
        next += EVERY_US;
        if (next < end)
            next = end;
        else
            usleep((useconds_t)(next - end));
    }
}
