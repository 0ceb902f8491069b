/* SPDX-License-Identifier: Apache-2.0 */
/* How it works: one line for each failure, outermost first, "because:" before its causes
 * and "also:" before those that were met while cleaning up, indented by their depth.  Lines
 * are put together on the stack, so that printing works when memory is short. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "err.h"
#include "frozen.h"
#include "text.h"

#define LINE_BYTES 9216 /* a filled message and what stands around it */

struct printer {
    bool trace;
    void (*line)(void *to, const char *text);
    void *to;
};

const char *
err_qmp_name(int number)
{
    static const char *const names[ERR_QMP_CLASSES] = { "an unknown class", "GenericError",
        "CommandNotFound", "DeviceNotActive", "DeviceNotFound", "KVMMissingCap" };

    return number > 0 && number < ERR_QMP_CLASSES ? names[number] : names[0];
}

static void
os_words(const struct err *e, char *text, size_t size)
{
    int64_t number = err_os_number(e);
    char words[160];

    text[0] = '\0';
    switch (err_os_kind(e)) {
    case OS_NONE:
        break;
    case OS_ERRNO:
#ifdef _WIN32
        (void)snprintf(words, sizeof(words), "%s", strerror((int)number));
        (void)snprintf(text, size, ": %s", words);
#else
        (void)snprintf(text, size, ": %s",
            strerror_r((int)number, words, sizeof(words)));
#endif
        break;
    case OS_WIN32:
        (void)snprintf(text, size, ": Windows error %" PRId64, number);
        break;
    case OS_HRESULT:
        (void)snprintf(text, size, ": HRESULT 0x%08" PRIX32, (uint32_t)number);
        break;
    case OS_HTTP:
        (void)snprintf(text, size, ": HTTP status %" PRId64, number);
        break;
    case OS_QMP:
        (void)snprintf(text, size, ": %s", err_qmp_name((int)number));
        break;
    }
}

char *
err_sentence(const struct err *e)
{
    struct text t = { 0 };
    char words[200];

    for (const struct err *i = e; i != NULL; i = err_cause(i)) {
        os_words(i, words, sizeof(words));
        text_fmt(&t, "%s%s%s", i == e ? "" : "; because: ", err_message(i), words);
    }
    if (t.no_memory)
        text_done(&t);
    return t.s;
}

static void
print_one(const struct printer *p, const struct err *e, const char *lead, unsigned depth)
{
    char text[LINE_BYTES], words[200];

    os_words(e, words, sizeof(words));
    (void)snprintf(text, sizeof(text), "%*s%s%s (%s, %d)%s", (int)(2 * depth), "", lead,
        err_message(e), err_id(e), err_code(e), words);
    p->line(p->to, text);
    for (size_t i = 0; p->trace && i < err_nsites(e); i++) {
        const struct err_site *at = err_site(e, i);

        (void)snprintf(text, sizeof(text), "%*s  at %s:%d %s", (int)(2 * depth), "",
            at->file, at->line, at->func);
        p->line(p->to, text);
    }
}

static void
print_chain(const struct printer *p, const struct err *e, const char *lead, unsigned depth)
{
    for (; e != NULL; e = err_cause(e), lead = "because: ") {
        print_one(p, e, lead, depth);
        for (const struct err *a = err_next(e); depth == 0 && a != NULL; a = err_next(a))
            print_chain(p, a, "also: ", depth + 1);
    }
}

void
err_print(const struct err *e, bool trace, void (*line)(void *to, const char *text), void *to)
{
    const struct printer p = { trace, line, to };

    frozen_forbids();
    if (e != NULL)
        print_chain(&p, e, "", 0);
}
