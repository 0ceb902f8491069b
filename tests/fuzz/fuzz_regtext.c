/* SPDX-License-Identifier: Apache-2.0 */
/* An exported registry key that a guest hands over, whatever it is: the first byte chooses
 * UTF-8 text, which is made UTF-16 first, or the bytes as they are.  A value that is found
 * keeps its limit, and written again it is read as the same. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "auto.h"
#include "codes.h"
#include "regtext.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define KEY "HKLM\\SOFTWARE\\Firn"

static bool
worked(struct err *e)
{
    assert(e == NULL || err_code(e) == E_OutOfMemory);
    bool ok = e == NULL;
    err_free(e);
    return ok;
}

static void
round_trip(const char *name, const struct target_value *v)
{
    auto_free uint8_t *text = NULL;
    struct target_value again = { 0 };
    bool found = false, ok = false;
    size_t len = 0;

    assert(v->len <= TARGET_VALUE_MAX);
    if (!worked(regtext_write(KEY, name, v, &text, &len)) ||
        !worked(regtext_value((struct view){ text, len }, KEY, name, &again, &found, &ok)))
        return;
    assert(ok && found && target_value_equal(v, &again));
    target_value_done(&again);
}

static void
fuzz_file(struct view file)
{
    static const char *const names[] = { "", "Start", "a\\b\"" };
    struct regtext_key look = { 0 };
    bool ok = false;

    if (!worked(regtext_look(file, KEY, &look, &ok)))
        return;
    assert(!ok || look.there || (look.nkeys == 0 && look.nvalues == 0));
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct target_value v = { 0 };
        bool found = false, valid = false;
        if (!worked(regtext_value(file, KEY, names[i], &v, &found, &valid)))
            continue;
        assert(!found || valid);
        if (found)
            round_trip(names[i], &v);
        target_value_done(&v);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct target_value v = { 0 };

    if (size < 1)
        return 0;
    if (data[0] != 'u') {
        fuzz_file((struct view){ data + 1, size - 1 });
        return 0;
    }
    auto_free char *text = strndup((const char *)data + 1, size - 1);
    struct err *e = text != NULL ? target_value_of_text(TARGET_REG_SZ, text, &v) : NULL;
    if (e == NULL && v.len >= 2)
        fuzz_file((struct view){ v.data, v.len - 2 });
    err_free(e);
    target_value_done(&v);
    return 0;
}
