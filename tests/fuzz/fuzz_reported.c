/* SPDX-License-Identifier: Apache-2.0 */
/* A failure that another process wrote: it becomes one that can be printed, or none. */
#include <assert.h>
#include <stdint.h>

#include "err_json.h"
#include "json_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
line(void *to, const char *text)
{
    (void)to;
    assert(text != NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct json_limits limits = { 1 << 20, 64, 65536 };
    char why[JSON_WHY_MAX];
    json_t *o = NULL, *again;
    unsigned causes = 0;

    err_free(json_read((struct view){ data, size }, &limits, why, &o));
    struct err *e = err_json_read(o);
    for (const struct err *c = e; c != NULL; c = err_cause(c))
        causes++;
    assert(causes <= ERR_JSON_CAUSES_MAX + 1);
    err_print(e, true, line, NULL);
    again = e == NULL ? NULL : err_json(e);
    json_decref(again);
    err_free(e);
    json_decref(o);
    return 0;
}
