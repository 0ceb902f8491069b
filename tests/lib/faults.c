/* SPDX-License-Identifier: Apache-2.0 */
/* faults.c -- what --wrap puts in the place of calls, and when they fail.
 *
 * A place is a hash of the innermost return addresses. */
#include "faults.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unwind.h>

#include <openssl/evp.h>
#include <zstd.h>

enum { CALLERS = 7, SKIPPED = 3 }; /* skipped: this file's own */

static struct fault_plan plan;
static atomic_bool active, noting, tripped;
static atomic_ulong calls, failures;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards the table */
static uint64_t places[FAULT_PLACES_MAX], table[4 * FAULT_PLACES_MAX];
static size_t nplaces;
static uintptr_t base; /* where the stack of faults_begin ended */
static _Thread_local bool inside; /* what looks for the place allocates */

struct walk {
    uint64_t hash;
    int frames;
};

/* Frames above the one that called faults_begin are the test's own and say nothing. */
static _Unwind_Reason_Code
walk_frame(struct _Unwind_Context *c, void *arg)
{
    struct walk *w = arg;

    if (w->frames == SKIPPED + CALLERS || _Unwind_GetCFA(c) > base)
        return _URC_END_OF_STACK;
    if (w->frames++ >= SKIPPED)
        w->hash = (w->hash ^ _Unwind_GetIP(c)) * 0x100000001b3ULL;
    return _URC_NO_REASON;
}

static __attribute__((noinline)) uint64_t
place_now(void)
{
    struct walk w = { .hash = 0xcbf29ce484222325ULL };

    inside = true;
    (void)_Unwind_Backtrace(walk_frame, &w);
    inside = false;
    return w.hash == 0 ? 1 : w.hash;
}

static _Unwind_Reason_Code
first_frame(struct _Unwind_Context *c, void *arg)
{
    *(uintptr_t *)arg = _Unwind_GetCFA(c);
    return _URC_END_OF_STACK;
}

static void
note_place(uint64_t place)
{
    size_t room = sizeof(table) / sizeof(table[0]), at = place % room;

    pthread_mutex_lock(&lock);
    while (table[at] != 0 && table[at] != place)
        at = (at + 1) % room;
    if (table[at] == 0 && nplaces < FAULT_PLACES_MAX) {
        table[at] = place;
        places[nplaces++] = place;
    }
    pthread_mutex_unlock(&lock);
}

static bool
is_asked(void)
{
    unsigned long call = atomic_fetch_add(&calls, 1) + 1;

    if (plan.from_then_on && atomic_load(&tripped))
        return true;
    if (call == plan.n)
        return true;
    if (plan.place == 0 && !atomic_load(&noting))
        return false;
    uint64_t place = place_now();
    if (atomic_load(&noting))
        note_place(place);
    return place == plan.place && !atomic_load(&tripped);
}

static __attribute__((noinline)) bool
fails_now(unsigned kind, int number)
{
    if (!atomic_load(&active) || inside || (plan.kinds & kind) == 0 || !is_asked())
        return false;
    atomic_store(&tripped, true);
    atomic_fetch_add(&failures, 1);
    errno = number;
    return true;
}

__attribute__((noinline)) void
faults_begin(const struct fault_plan *p)
{
    (void)_Unwind_Backtrace(first_frame, &base);
    plan = *p;
    atomic_store(&calls, 0);
    atomic_store(&failures, 0);
    atomic_store(&tripped, false);
    atomic_store(&active, true);
}

unsigned long
faults_end(unsigned long *ret_failed)
{
    atomic_store(&active, false);
    if (ret_failed != NULL)
        *ret_failed = atomic_load(&failures);
    return atomic_load(&calls);
}

void
faults_note(bool on)
{
    if (on) {
        nplaces = 0;
        for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
            table[i] = 0;
    }
    atomic_store(&noting, on);
}

const uint64_t *
faults_places(size_t *ret_n)
{
    assert(nplaces < FAULT_PLACES_MAX);
    *ret_n = nplaces;
    return places;
}

/* ---- the calls ---- */

#define WRAP(kind, type, failure, number, name, params, args) \
    type __real_##name params; \
    type __wrap_##name params; \
    __attribute__((noinline)) type __wrap_##name params \
    { \
        return fails_now(FAULT_##kind, number) ? (failure) : __real_##name args; \
    }

WRAP(MEMORY, void *, NULL, ENOMEM, malloc, (size_t n), (n))
WRAP(MEMORY, void *, NULL, ENOMEM, calloc, (size_t n, size_t size), (n, size))
WRAP(MEMORY, void *, NULL, ENOMEM, realloc, (void *p, size_t n), (p, n))
WRAP(MEMORY, void *, NULL, ENOMEM, aligned_alloc, (size_t align, size_t n), (align, n))
WRAP(MEMORY, char *, NULL, ENOMEM, strdup, (const char *s), (s))
WRAP(MEMORY, char *, NULL, ENOMEM, strndup, (const char *s, size_t n), (s, n))
WRAP(MEMORY, int, -1, ENOMEM, vasprintf, (char **to, const char *format, va_list args),
    (to, format, args))
WRAP(MEMORY, void *, NULL, ENOMEM, sodium_malloc, (size_t n), (n))
WRAP(MEMORY, ZSTD_CCtx *, NULL, ENOMEM, ZSTD_createCCtx, (void), ())
WRAP(MEMORY, ZSTD_DCtx *, NULL, ENOMEM, ZSTD_createDCtx, (void), ())
WRAP(MEMORY, EVP_CIPHER_CTX *, NULL, ENOMEM, EVP_CIPHER_CTX_new, (void), ())
WRAP(MEMORY, EVP_MAC_CTX *, NULL, ENOMEM, EVP_MAC_CTX_new, (EVP_MAC *mac), (mac))
WRAP(MEMORY, EVP_KDF_CTX *, NULL, ENOMEM, EVP_KDF_CTX_new, (EVP_KDF *kdf), (kdf))
WRAP(MEMORY, int, -1, ENOMEM, crypto_pwhash,
    (unsigned char *out, unsigned long long outlen, const char *pass,
        unsigned long long passlen, const unsigned char *salt, unsigned long long passes,
        size_t memory, int how),
    (out, outlen, pass, passlen, salt, passes, memory, how))

WRAP(FILES, int, -1, EMFILE, open64, (const char *path, int flags, mode_t mode),
    (path, flags, mode))
WRAP(FILES, int, -1, ENOSPC, openat64, (int dir, const char *path, int flags, mode_t mode),
    (dir, path, flags, mode))
WRAP(FILES, void *, NULL, ENOMEM, fdopendir, (int fd), (fd))
WRAP(FILES, int, -1, EIO, stat64, (const char *path, struct stat *st), (path, st))
WRAP(FILES, int, -1, EIO, fstat64, (int fd, struct stat *st), (fd, st))
WRAP(FILES, int, -1, EIO, fstatat64, (int dir, const char *path, struct stat *st, int flags),
    (dir, path, st, flags))
WRAP(FILES, off_t, -1, EIO, lseek64, (int fd, off_t off, int whence), (fd, off, whence))
WRAP(FILES, ssize_t, -1, EIO, read, (int fd, void *buf, size_t n), (fd, buf, n))
WRAP(FILES, ssize_t, -1, ENOSPC, write, (int fd, const void *buf, size_t n), (fd, buf, n))
WRAP(FILES, ssize_t, -1, EIO, pread64, (int fd, void *buf, size_t n, off_t off),
    (fd, buf, n, off))
WRAP(FILES, ssize_t, -1, EIO, pwrite64, (int fd, const void *buf, size_t n, off_t off),
    (fd, buf, n, off))
WRAP(FILES, int, -1, ENOSPC, ftruncate64, (int fd, off_t size), (fd, size))
WRAP(FILES, int, -1, ENOSPC, fallocate64, (int fd, int mode, off_t off, off_t len),
    (fd, mode, off, len))
WRAP(FILES, int, -1, EIO, fsync, (int fd), (fd))
WRAP(FILES, int, -1, ENOSPC, mkdir, (const char *path, mode_t mode), (path, mode))
WRAP(FILES, int, -1, ENOSPC, mkdirat, (int dir, const char *path, mode_t mode),
    (dir, path, mode))
WRAP(FILES, int, -1, ENOSPC, linkat,
    (int from, const char *old, int to, const char *name, int flags),
    (from, old, to, name, flags))
WRAP(FILES, int, -1, EIO, renameat, (int from, const char *old, int to, const char *name),
    (from, old, to, name))
WRAP(FILES, int, -1, EIO, renameat2,
    (int from, const char *old, int to, const char *name, unsigned flags),
    (from, old, to, name, flags))
WRAP(FILES, char *, NULL, EACCES, mkdtemp, (char *name), (name))
WRAP(REMOVE, int, -1, EIO, unlinkat, (int dir, const char *path, int flags),
    (dir, path, flags))
WRAP(REMOVE, int, -1, EIO, unlink, (const char *path), (path))

WRAP(SPAWN, pid_t, -1, EAGAIN, fork, (void), ())
WRAP(SPAWN, int, -1, EMFILE, pipe2, (int *ends, int flags), (ends, flags))
WRAP(SPAWN, int, -1, EMFILE, memfd_create, (const char *name, unsigned flags), (name, flags))
WRAP(SPAWN, int, -1, EMFILE, socket, (int domain, int type, int protocol),
    (domain, type, protocol))
WRAP(SPAWN, int, -1, EADDRINUSE, bind,
    (int fd, const struct sockaddr *address, socklen_t len), (fd, address, len))
WRAP(SPAWN, int, -1, EADDRINUSE, listen, (int fd, int backlog), (fd, backlog))
WRAP(SPAWN, int, EAGAIN, EAGAIN, pthread_create,
    (pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *arg),
    (thread, attr, run, arg))

int __wrap_asprintf(char **to, const char *format, ...)
    __attribute__((format(printf, 2, 3), noinline));

int
__wrap_asprintf(char **to, const char *format, ...)
{
    va_list args;

    if (fails_now(FAULT_MEMORY, ENOMEM))
        return -1;
    va_start(args, format);
    int n = __real_vasprintf(to, format, args);
    va_end(args);
    return n;
}
