/* SPDX-License-Identifier: Apache-2.0 */
/* Actions as text: what is read, is written and read again as the same. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "action.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *
value_of(void *arg, const char *name)
{
    (void)arg;
    return name[0] == 'a' ? "7" : name[0] == 'b' ? "C:\\b" : NULL;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *line = malloc(size + 1), *text;
    struct action a = { 0 }, b = { 0 };
    size_t at = 0;

    if (line == NULL)
        return 0;
    memcpy(line, data, size);
    line[size] = '\0';
    if (action_parse(line, &a, &at) == ACTION_OK) {
        text = action_text(&a);
        assert(text != NULL);
        assert(action_parse(text, &b, NULL) == ACTION_OK);
        assert(action_equal(&a, &b));
        if (action_fill(&b, value_of, NULL) == ACTION_OK)
            assert(action_complete(&b));
        action_done(&b);
        action_done(&a);
        free(text);
    }
    assert(at <= strlen(line));
    free(line);
    return 0;
}
