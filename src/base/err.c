/* SPDX-License-Identifier: Apache-2.0 */
/* How it works: a failure is one allocation: the struct, then its strings.  The message is
 * the article's, with each {name} replaced; control characters in a variable are shown as
 * \xNN there, because names of files and answers of guests end up on terminals, while the
 * variables themselves stay as they were.
 *
 * When memory is short every failure is the same constant.  It lies in read-only memory, so
 * each function that would change a failure must leave it alone, and it can stand in many
 * chains at once.
 *
 * Failures form a tree of causes and "also" lists.  It is freed without recursion: the depth
 * of what was joined while cleaning up has no useful bound, its weight has. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codes.h"
#include "err_table.h"
#include "text.h"

#include "err.h"

#define MESSAGE_MAX 8192 /* bytes of a filled message */

struct err {
    const struct err_info *info; /* NULL: the constant below */
    int64_t os_number;
    char *message;
    size_t nargs, nsites;
    struct err *cause, *also;
    size_t weight; /* failures in this one, itself included */
    struct err_arg args[ERR_MAX_ARGS];
    struct err_site sites[ERR_MAX_SITES];
    char strings[];
};

static const struct err out_of_memory = { .weight = 1 };

/* Where a filled message goes; without a buffer it is only measured. */
struct out {
    char *to;
    size_t n;
};

static struct err *
memory_error(void)
{
    return (struct err *)&out_of_memory;
}

static bool
is_constant(const struct err *e)
{
    return e == &out_of_memory;
}

static const struct err_info *
find_info(int code)
{
    size_t lo = 0, hi = err_table_len;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (err_table[mid].code < code)
            lo = mid + 1;
        else
            hi = mid;
    }
    assert(lo < err_table_len && err_table[lo].code == code);
    return &err_table[lo];
}

static const struct err_info *
info_of(const struct err *e)
{
    return is_constant(e) ? find_info(E_OutOfMemory) : e->info;
}

static void
put(struct out *o, const char *s, size_t len)
{
    if (len > MESSAGE_MAX - o->n)
        len = MESSAGE_MAX - o->n;
    if (o->to != NULL)
        memcpy(o->to + o->n, s, len);
    o->n += len;
}

static void
put_string(struct out *o, const char *s)
{
    while (*s != '\0') {
        size_t n = text_visible(s);
        char hex[8];

        if (n > 0) {
            put(o, s, n);
            s += n;
            continue;
        }
        put(o, hex, (size_t)snprintf(hex, sizeof(hex), "\\x%02x", (unsigned char)*s));
        s++;
    }
}

static void
put_arg(struct out *o, const struct err_need *need, const struct err_arg *arg)
{
    char number[32], size[TEXT_SIZE_MAX];

    switch (need->type) {
    case NEED_STRING:
        put_string(o, arg->str);
        break;
    case NEED_INT:
        put(o, number, (size_t)snprintf(number, sizeof(number), "%" PRId64, arg->num));
        break;
    case NEED_SIZE:
        put(o, size, text_size(size, (uint64_t)arg->num));
        break;
    }
}

/* The need that {name} at ${s} stands for, with the length of the whole; NULL when it is
 * plain text. */
static const struct err_need *
need_at(const struct err_info *info, const char *s, size_t *ret_len)
{
    const char *end = *s == '{' ? strchr(s, '}') : NULL;

    for (size_t i = 0; end != NULL && i < info->nneeds; i++) {
        size_t n = strlen(info->needs[i].name);
        if ((size_t)(end - s) == n + 1 && memcmp(s + 1, info->needs[i].name, n) == 0) {
            *ret_len = n + 2;
            return &info->needs[i];
        }
    }
    return NULL;
}

static void
fill(struct out *o, const struct err_info *info, const struct err_arg *args)
{
    size_t len = 0;

    for (const char *s = info->message; *s != '\0';) {
        const struct err_need *need = need_at(info, s, &len);

        if (need == NULL) {
            put(o, s++, 1);
        } else {
            put_arg(o, need, &args[need - info->needs]);
            s += len;
        }
    }
}

static int64_t
number_at(const struct err_info *info, const struct err_site *at)
{
    if (info->os == OS_ERRNO)
        return at->sys_errno;
    return info->os == OS_WIN32 ? (int64_t)at->sys_win32 : 0;
}

struct err *
err_new(int code, const struct err_site *at, const struct err_arg *args, size_t nargs)
{
    const struct err_info *info = find_info(code);
    struct err_arg own[ERR_MAX_ARGS] = { 0 };
    size_t len[ERR_MAX_ARGS] = { 0 }, total = 0;
    struct out o = { NULL, 0 };
    int saved = errno;
    struct err *e;
    char *next;

    assert(nargs == info->nneeds);
    for (size_t i = 0; i < nargs; i++) {
        own[i] = args[i];
        own[i].name = info->needs[i].name;
        if (info->needs[i].type != NEED_STRING)
            continue;
        own[i].str = args[i].str == NULL ? "" : args[i].str;
        len[i] = strnlen(own[i].str, ERR_MAX_STRING);
        total += len[i] + 1;
    }
    fill(&o, info, own);
    e = calloc(1, sizeof(*e) + total + o.n + 1);
    errno = saved;
    if (e == NULL)
        return memory_error();
    next = e->strings;
    for (size_t i = 0; i < nargs; i++) {
        e->args[i] = own[i];
        if (info->needs[i].type != NEED_STRING)
            continue;
        e->args[i].str = memcpy(next, own[i].str, len[i]);
        next += len[i] + 1;
    }
    e->message = o.to = next;
    o.n = 0;
    fill(&o, info, own);
    e->info = info;
    e->nargs = nargs;
    e->weight = 1;
    e->os_number = number_at(info, at);
    e->sites[e->nsites++] = *at;
    return e;
}

struct err *
err_via(struct err *e, const char *file, int line, const char *func)
{
    if (!is_constant(e) && e->nsites < ERR_MAX_SITES)
        e->sites[e->nsites++] = (struct err_site){ .file = file, .func = func, .line = line };
    return e;
}

static size_t
chain_length(const struct err *e)
{
    size_t n = 0;

    for (; e != NULL; e = e->cause)
        n++;
    return n;
}

struct err *
err_because(struct err *outer, struct err *cause)
{
    struct err *last = outer;

    if (cause == NULL)
        return outer;
    if (outer == NULL || is_constant(outer)) {
        err_free(outer == NULL ? NULL : cause);
        return outer == NULL ? cause : outer;
    }
    while (last->cause != NULL && !is_constant(last->cause))
        last = last->cause;
    if (last->cause != NULL || outer->weight + cause->weight > ERR_MAX_TREE) {
        err_free(cause);
        return outer;
    }
    for (struct err *e = outer; e != NULL; e = e->cause)
        e->weight += cause->weight;
    last->cause = cause;
    /* Both ends tell most: what was asked for, and what went wrong first. */
    while (chain_length(outer) > ERR_MAX_CHAIN) {
        struct err *middle = outer->cause;

        outer->cause = middle->cause;
        outer->weight -= middle->weight - middle->cause->weight;
        middle->cause = NULL;
        err_free(middle);
    }
    return outer;
}

struct err *
err_also(struct err *e, struct err *second)
{
    struct err *last = e;

    if (e == NULL || second == NULL)
        return e == NULL ? second : e;
    if (is_constant(e) || e->weight + second->weight > ERR_MAX_TREE) {
        err_free(second);
        return e;
    }
    while (last->also != NULL && !is_constant(last->also))
        last = last->also;
    if (last->also != NULL) { /* the constant ends a list: put the other before it */
        struct err *tail = second;

        if (is_constant(second))
            return e;
        while (tail->also != NULL && !is_constant(tail->also))
            tail = tail->also;
        tail->also = last->also;
    }
    last->also = second;
    e->weight += second->weight;
    return e;
}

struct err *
err_with_os(struct err *e, int64_t number)
{
    if (e != NULL && !is_constant(e))
        e->os_number = number;
    return e;
}

static bool
class_below(int class, int above)
{
    for (; class != C_none; class = err_class_table[class].parent)
        if (class == above)
            return true;
    return false;
}

bool
err_is(const struct err *e, int class)
{
    for (; e != NULL; e = e->cause)
        if (class_below(info_of(e)->class, class))
            return true;
    return false;
}

int
err_code(const struct err *e)
{
    return e == NULL ? E_NONE : info_of(e)->code;
}

bool
err_has(const struct err *e, int code)
{
    for (; e != NULL; e = e->cause)
        if (info_of(e)->code == code)
            return true;
    return false;
}

static const struct err_class_info *
class_of(const struct err *e)
{
    return &err_class_table[info_of(e)->class];
}

int
err_exit_status(const struct err *e)
{
    if (e == NULL)
        return 0;
    if (err_is(e, C_internal))
        return err_class_table[C_internal].exit_status;
    return class_of(e)->exit_status;
}

enum err_retry
err_retry(const struct err *e)
{
    for (; e != NULL; e = e->cause)
        if (class_of(e)->retry != RETRY_NEVER)
            return class_of(e)->retry;
    return RETRY_NEVER;
}

enum err_severity
err_severity(const struct err *e)
{
    return class_of(e)->severity;
}

const char *
err_id(const struct err *e)
{
    return info_of(e)->id;
}

int
err_number(const char *id)
{
    for (size_t i = 0; i < err_table_len; i++)
        if (strcmp(err_table[i].id, id) == 0)
            return err_table[i].code;
    return 0;
}

const char *
err_class(const struct err *e)
{
    return class_of(e)->name;
}

const char *
err_message(const struct err *e)
{
    return is_constant(e) ? info_of(e)->message : e->message;
}

enum err_os
err_os_kind(const struct err *e)
{
    return e->os_number == 0 ? OS_NONE : info_of(e)->os;
}

int64_t
err_os_number(const struct err *e)
{
    return e->os_number;
}

const struct err *
err_cause(const struct err *e)
{
    return e->cause;
}

const struct err *
err_next(const struct err *e)
{
    return e->also;
}

size_t
err_nargs(const struct err *e)
{
    return e->nargs;
}

const struct err_arg *
err_arg(const struct err *e, size_t i)
{
    assert(i < e->nargs);
    return &e->args[i];
}

size_t
err_nsites(const struct err *e)
{
    return e->nsites;
}

const struct err_site *
err_site(const struct err *e, size_t i)
{
    assert(i < e->nsites);
    return &e->sites[i];
}

void
err_free(struct err *e)
{
    int saved = errno;

    /* What is still to be freed hangs on the "also" list of the one in hand. */
    while (e != NULL && !is_constant(e)) {
        struct err *next = e->also, *cause = e->cause;

        if (cause != NULL && !is_constant(cause)) {
            struct err *tail = cause;

            while (tail->also != NULL && !is_constant(tail->also))
                tail = tail->also;
            tail->also = next;
            next = cause;
        }
        free(e);
        e = next;
    }
    errno = saved;
}
