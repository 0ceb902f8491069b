/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a document for the small body of jansson's calls: what is taken is written, in
 * each shape, as a document that is read as the same value. */
#include <assert.h>
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
comes_back(const json_t *j, size_t flags)
{
    char *s = json_dumps(j, flags | JSON_ENCODE_ANY);
    json_t *again;

    assert(s != NULL);
    again = json_loads(s, JSON_DECODE_ANY, NULL);
    assert(again != NULL && json_equal(j, again));
    json_decref(again);
    free(s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    json_t *j = json_loadb(size > 0 ? text : "", size, JSON_DECODE_ANY, NULL), *copy;

    if (j == NULL)
        return 0;
    comes_back(j, JSON_COMPACT);
    comes_back(j, JSON_INDENT(2));
    comes_back(j, 0);
    copy = json_deep_copy(j);
    assert(json_equal(copy, j));
    json_decref(j);
    comes_back(copy, JSON_COMPACT); /* it has lost nothing with the other */
    json_decref(copy);
    return 0;
}
