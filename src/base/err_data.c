/* SPDX-License-Identifier: Apache-2.0 */
/* Failures whose code and variables come as data: from a guest, from a file. */
#include <assert.h>

#include "codes.h"
#include "err_table.h"
#include "number.h"

/* Digits, with or without a sign; 0 for all else. */
static int64_t
number_of(const char *s)
{
    bool minus = *s == '-';
    uint64_t n;

    if (!number_parse(s + minus, &n) || n > INT64_MAX)
        return 0;
    return minus ? -(int64_t)n : (int64_t)n;
}

static const struct err_info *
find(int code)
{
    size_t i = 0;

    while (i < err_table_len && err_table[i].code != code)
        i++;
    assert(i < err_table_len);
    return &err_table[i];
}

struct err *
err_of_data(int code, const struct err_site *at,
    const char *(*value)(void *arg, const char *name), void *arg)
{
    const struct err_info *info = find(code);
    struct err_arg args[ERR_MAX_ARGS] = { 0 };

    for (size_t i = 0; i < info->nneeds; i++) {
        const char *s = value(arg, info->needs[i].name);

        args[i].name = info->needs[i].name;
        if (info->needs[i].type == NEED_STRING)
            args[i].str = s != NULL ? s : "?";
        else
            args[i].num = s != NULL ? number_of(s) : 0;
    }
    return err_new(code, at, args, info->nneeds);
}
