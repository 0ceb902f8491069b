/* SPDX-License-Identifier: Apache-2.0 */
/* A failure that another process wrote, or the extension in a guest: it becomes one that can be
 * printed, or none. */
#include <assert.h>
#include <stdint.h>

#include "err_json.h"
#include "json_read.h"
#include "reported.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
line(void *to, const char *text)
{
    (void)to;
    assert(text != NULL);
}

static unsigned
causes_of(const struct err *e)
{
    unsigned n = 0;

    for (; e != NULL; e = err_cause(e))
        n++;
    return n;
}

static void
by_extension(const json_t *o)
{
    struct err *e = reported_chain("web1", "package", o);

    assert(e != NULL && causes_of(e) <= 2 * REPORTED_CAUSES); /* a foreign one is two */
    err_print(e, true, line, NULL);
    err_free(e);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct json_limits limits = { 1 << 20, 64, 65536 };
    char why[JSON_WHY_MAX];
    json_t *o = NULL, *again;

    err_free(json_read((struct view){ data, size }, &limits, why, &o));
    struct err *e = err_json_read(o);
    assert(causes_of(e) <= ERR_JSON_CAUSES_MAX + 1);
    by_extension(o);
    err_print(e, true, line, NULL);
    again = e == NULL ? NULL : err_json(e);
    json_decref(again);
    err_free(e);
    json_decref(o);
    return 0;
}
