/* SPDX-License-Identifier: Apache-2.0 */
/* firn-plugin-host -- loads what may crash, hang or be missing, so that the extension does
 * not have to.
 *
 *   firn-plugin-host load NAME...     load libraries of the system, one after the other
 *   firn-plugin-host describe PATH    load a plug-in and say what it is
 *   firn-plugin-host serve PATH       load it and obey lines of standard input:
 *                                     "ready MS", "quiesce MS HOLD_MS", "resume MS", "end"
 *
 * Each answer is one line of JSON.  Exit status: 0 all is well, 1 something could not be
 * loaded, 2 wrong usage.
 *
 * serve is where the promise to resume is kept: once it was told to quiesce, it resumes when
 * its input ends or HOLD_MS have passed, whoever is still there. */
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "doc.h"
#include "firn-plugin.h"
#include "host.h"

enum {
    LOAD_S = 60,       /* a load test ends by then */
    SERVE_S = 7200,    /* a served plug-in ends by then */
    RESUME_MS = 30000, /* for a resume that nobody asked for */
    LIBRARIES_MAX = 16
};

static int answers; /* where answers go */

static const char *const reasons[] = {
    [HOST_LOADED] = "", [HOST_MISSING] = "missing", [HOST_VERSION] = "version",
    [HOST_SYMBOL] = "symbol", [HOST_FORMAT] = "format", [HOST_REFUSED] = "refused",
    [HOST_OTHER] = "other",
};

static bool
answer(struct doc_out *o)
{
    auto_free char *text = NULL;
    struct err *e = doc_out_take(o, &text);
    size_t len, done = 0;
    bool good = e == NULL;

    err_free(e);
    if (!good)
        return false;
    len = strlen(text);
    text[len++] = '\n';
    while (done < len) {
        ssize_t n = write(answers, text + done, (unsigned)(len - done));
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

static void
put_library(struct doc_out *o, const char *name, const struct host_library *l)
{
    doc_put_string(o, "library", name);
    doc_put_bool(o, "loaded", l->reason == HOST_LOADED);
    doc_put_int(o, "number", l->number);
    doc_put_string(o, "reason", reasons[l->reason]);
    doc_put_string(o, "words", l->words);
    doc_put_string(o, "path", l->path);
    doc_put_string(o, "version", l->version);
}

static int
load(char **names, int n)
{
    struct doc_out o = { 0 };
    bool all = true;

    host_end_in(LOAD_S);
    doc_open(&o, NULL, '{');
    doc_open(&o, "libraries", '[');
    for (int i = 0; i < n; i++) {
        struct host_library l = { 0 };

        host_load(names[i], true, &l);
        all = all && l.reason == HOST_LOADED;
        doc_open(&o, NULL, '{');
        put_library(&o, names[i], &l);
        doc_close(&o, '}');
    }
    doc_close(&o, ']');
    doc_close(&o, '}');
    return answer(&o) && all ? 0 : 1;
}

/* Load a plug-in; NULL when it is none that can be used, which ${o} says. */
static const struct firn_plugin *
open_plugin(const char *path, struct doc_out *o)
{
    const struct firn_plugin *(*describe)(void) = NULL;
    const struct firn_plugin *p = NULL;
    struct host_library l = { 0 };
    void *symbol;

    host_load(path, false, &l);
    put_library(o, path, &l);
    symbol = l.reason == HOST_LOADED ? host_symbol(&l, "firn_plugin_describe") : NULL;
    if (symbol != NULL) {
        memcpy(&describe, &symbol, sizeof(describe));
        p = describe();
    }
    doc_put_int(o, "host_abi", FIRN_PLUGIN_ABI);
    doc_put_int(o, "abi", p != NULL ? p->abi : 0);
    if (p == NULL || p->abi != FIRN_PLUGIN_ABI ||
        p->size < offsetof(struct firn_plugin, ready) || p->name == NULL ||
        p->quiesce == NULL || p->resume == NULL) {
        doc_put_bool(o, "usable", false);
        return NULL;
    }
    doc_put_bool(o, "usable", true);
    doc_put_string(o, "name", p->name);
    doc_put_string(o, "plugin_version", p->version);
    doc_put_string(o, "about", p->about);
    return p;
}

static const struct firn_plugin *
introduce(const char *path)
{
    struct doc_out o = { 0 };
    const struct firn_plugin *p;

    doc_open(&o, NULL, '{');
    p = open_plugin(path, &o);
    doc_close(&o, '}');
    return answer(&o) ? p : NULL;
}

static bool
call(int (*what)(uint32_t ms, char *words, size_t size), uint32_t ms)
{
    char words[1024] = "";
    struct doc_out o = { 0 };
    int number = what(ms, words, sizeof(words));

    words[sizeof(words) - 1] = '\0';
    doc_open(&o, NULL, '{');
    doc_put_bool(&o, "done", number == 0);
    doc_put_int(&o, "number", number);
    doc_put_string(&o, "words", words);
    doc_close(&o, '}');
    return answer(&o);
}

/* A plug-in that has nothing to say to it is ready. */
static int
always_ready(uint32_t ms, char *words, size_t size)
{
    (void)ms;
    (void)words;
    (void)size;
    return 0;
}

static bool
call_ready(const struct firn_plugin *p, uint32_t ms)
{
    bool can = p->size >= sizeof(*p) && p->ready != NULL;

    return call(can ? p->ready : always_ready, ms);
}

static int
serve(const char *path)
{
    const struct firn_plugin *p;
    struct deadline hold = deadline_in_ms(SERVE_S * INT64_C(1000));
    bool at_rest = false;
    char line[128];

    host_end_in(SERVE_S);
    p = introduce(path);
    if (p == NULL)
        return 1;
    for (;;) {
        unsigned ms = 0, hold_ms = 0;
        int got = host_line(line, sizeof(line), (uint32_t)deadline_poll_ms(hold));

        if (got <= 0 || strcmp(line, "end") == 0)
            break;
        if (sscanf(line, "quiesce %9u %9u", &ms, &hold_ms) == 2) {
            at_rest = true; /* from here on: also one that fails half-way */
            hold = deadline_in_ms((int64_t)ms + hold_ms);
            if (!call(p->quiesce, ms))
                break;
        } else if (sscanf(line, "ready %9u", &ms) == 1) {
            if (!call_ready(p, ms))
                break;
        } else if (sscanf(line, "resume %9u", &ms) == 1) {
            at_rest = false;
            hold = deadline_in_ms(SERVE_S * INT64_C(1000));
            if (!call(p->resume, ms))
                break;
        } else {
            break;
        }
    }
    if (at_rest)
        (void)call(p->resume, RESUME_MS);
    return 0;
}

int
host_main(int argc, char **argv)
{
    answers = host_own_output();
    if (answers < 0)
        return 1;
    if (argc >= 3 && argc <= 2 + LIBRARIES_MAX && strcmp(argv[1], "load") == 0)
        return load(argv + 2, argc - 2);
    if (argc == 3 && strcmp(argv[1], "describe") == 0) {
        host_end_in(LOAD_S);
        return introduce(argv[2]) != NULL ? 0 : 1;
    }
    if (argc == 3 && strcmp(argv[1], "serve") == 0)
        return serve(argv[2]);
    (void)fprintf(stderr, "firn-plugin-host serves firn-extension; it is not for people.\n");
    return 2;
}
