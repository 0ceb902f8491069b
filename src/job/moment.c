/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "codes.h"
#include "guest_resumed.h"
#include "moment.h"
#include "window.h"

enum { CUT_MS = 10 * 1000 };

/* ---- which levels ---- */

static const struct {
    const char *word;
    enum window_level level;
} words[] = {
    { "application", WINDOW_APPLICATION },
    { "filesystem", WINDOW_FILESYSTEM },
    { "crash", WINDOW_CRASH },
};

/* The level that the ${len} bytes at ${word} name, 0 for none. */
static unsigned
allow(const char *word, size_t len)
{
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strlen(words[i].word) == len && memcmp(words[i].word, word, len) == 0)
            return WINDOW_ALLOW(words[i].level);
    return 0;
}

static struct err *
parse(const char *levels, unsigned *ret)
{
    unsigned allowed = 0;

    for (const char *at = levels != NULL ? levels : "application,filesystem,crash";;) {
        size_t len = strcspn(at, ",");
        unsigned one = allow(at, len);

        if (one == 0)
            return fail(UsageWrong, "--consistency takes application, filesystem and crash, or "
                                    "some of them, with commas between them");
        allowed |= one;
        if (at[len] == '\0')
            break;
        at += len + 1;
    }
    *ret = allowed;
    return NULL;
}

struct err *
moment_check(const char *levels, const char *agent)
{
    unsigned allowed;

    TRY(parse(levels, &allowed));
    if (agent == NULL && levels != NULL && (allowed & WINDOW_ALLOW(WINDOW_CRASH)) == 0)
        return fail(UsageWrong, "without its agent a guest gives crash consistency: name the "
                                "agent, qmp:SOCKET,qga=SOCKET");
    return NULL;
}

bool
moment_allows(const char *levels, enum vault_consistency level)
{
    unsigned allowed = 0;

    err_free(parse(levels, &allowed)); /* there is none: they were checked */
    return (allowed & WINDOW_ALLOW(level)) != 0;
}

/* ---- what the point says ---- */

static struct err *
add_number(struct chain_facts *to, const char *name, int64_t value)
{
    char text[24];

    snprintf(text, sizeof(text), "%" PRId64, value);
    return chain_facts_add(to, name, text);
}

static struct err *
describe(struct moment *m, const struct window_result *r)
{
    TRY(add_number(&m->facts, "window.filesystems", r->frozen));
    TRY(chain_facts_add(&m->facts, "window.held", window_held_word(r->held)));
    TRY(add_number(&m->facts, "window.own_ns", r->own_ns));
    TRY(add_number(&m->facts, "window.snapshot_ns", r->snapshot_ns));
    TRY(add_number(&m->facts, "window.frozen_ns", r->frozen_ns));
    if (m->weaker != NULL) {
        const struct err *cause = err_cause(m->weaker);
        TRY(chain_facts_add(&m->facts, err_id(m->weaker),
            err_id(cause != NULL ? cause : m->weaker)));
    }
    return NULL;
}

/* ---- the moment ---- */

static struct err *
hold_alone(const struct moment_options *o, struct moment *ret)
{
    int64_t began_ns = clock_mono_ns();

    TRY(o->cut(o->arg, deadline_in_ms(CUT_MS)));
    ret->level = VAULT_CRASH;
    return add_number(&ret->facts, "window.snapshot_ns", clock_mono_ns() - began_ns);
}

struct err *
moment_hold(const struct moment_options *o, struct moment *ret)
{
    struct window_options options = { .socket = o->agent, .machine = o->machine,
        .prepared = o->prepared, .warn = o->warn, .snapshot = o->cut, .arg = o->arg };
    struct window_result r = { 0 };

    if (o->agent == NULL)
        return hold_alone(o, ret);
    TRY(parse(o->levels, &options.levels));
    TRY(window_run(&options, &r));
    ret->level = (enum vault_consistency)r.level;
    ret->weaker = take(r.weaker);
    ret->stuck = take(r.stuck);
    ret->resumes = take(r.resumes);
    struct err *e = describe(ret, &r);
    window_result_done(&r);
    return e;
}

struct err *
moment_resumed(const struct moment_options *o, struct moment *m)
{
    auto_free char *program = take(m->resumes);

    return program == NULL ? NULL : guest_resumed(o->agent, o->machine, program);
}

void
moment_done(struct moment *m)
{
    chain_facts_done(&m->facts);
    err_free(m->weaker);
    err_free(m->stuck);
    free(m->resumes);
    *m = (struct moment){ 0 };
}
