/* SPDX-License-Identifier: Apache-2.0 */
/* A registry hive from anybody: it is refused by a code, or every part of it can be read and
 * it is equal to itself.  What is taken is then changed through libhivex, as firn does: the
 * library must live through all that regf_open lets pass, and what comes out has the change
 * and is a whole hive again (hive_edit proves that itself, or says which of its codes it is).
 *
 * The first byte chooses: 0 is the file as it is; otherwise sequence numbers, lengths and
 * checksum of the base block are put right first, so that changes reach what lies behind. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codes.h"
#include "hive_edit.h"
#include "hive_maker.h"
#include "regf_diff.h"
#include "regf_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
none_differs(void *arg, const struct regf_diff *d)
{
    (void)arg;
    (void)d;
    abort();
}

static void
is_of_a_hive(struct err *e)
{
    int code = err_code(e);

    assert(code == E_HiveForeign || code == E_HiveDirty || code == E_HiveDamaged ||
        code == E_HiveTooLarge || code == E_OutOfMemory);
    err_free(e);
}

static void
change(struct view file, const struct regf *r, const struct hive_edit *edit)
{
    uint8_t *new = NULL;
    size_t len;
    bool changed = false;
    struct err *e = hive_edit(file, r, edit, 1, &new, &len, &changed);
    int code = err_code(e);

    /* Wrong: the library knows less of the format than Windows writes; it was seen */
    assert(e == NULL || code == E_HiveEditFailed || code == E_HiveKeyFull ||
        code == E_HiveEditWrong || code == E_OutOfMemory);
    err_free(e);
    free(new);
}

static void
read_all(struct view file)
{
    static uint8_t number[4] = { 3 };
    struct hive_edit edits[] = {
        { HIVE_SET, "ControlSet001\\Services\\msiserver", "Start", { 4, number, 4 } },
        { HIVE_SET, "a\\b", "x", { 4, number, 4 } },
        { HIVE_DELETE, "a", "x", { 0 } },
        { HIVE_DELETE_KEY, "a\\b", "", { 0 } },
    };
    struct regf r;
    struct err *e = regf_open(file, "hive", &r);

    if (e != NULL) {
        is_of_a_hive(e);
        return;
    }
    e = regf_diff(&r, &r, none_differs, NULL, NULL);
    assert(e == NULL || err_code(e) == E_OutOfMemory);
    err_free(e);
    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++)
        change(file, &r, &edits[i]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy;

    if (size < 1 || size > 1 << 20)
        return 0;
    copy = malloc(size);
    assert(copy != NULL);
    memcpy(copy, data + 1, size - 1);
    if (data[0] != 0 && size > REGF_BASE) {
        memcpy(copy, "regf", 4);
        put_le(copy + BASE_SEQUENCE1, 1, 4);
        put_le(copy + BASE_SEQUENCE2, 1, 4);
        put_le(copy + BASE_MAJOR, 1, 4);
        put_le(copy + BASE_MINOR, 5, 4);
        put_le(copy + BASE_TYPE, 0, 4);
        put_le(copy + BASE_BINS_LEN, (size - 1 - REGF_BASE) / 4096 * 4096, 4);
        hive_make_checksum(copy);
    }
    read_all((struct view){ copy, size - 1 });
    free(copy);
    return 0;
}
