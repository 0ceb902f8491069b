/* SPDX-License-Identifier: Apache-2.0 */
/* The values that a guest agent answers with, whatever they are: the first byte chooses what
 * is expected, the rest is JSON.  What is taken keeps its limits; what is refused leaves
 * nothing behind. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codes.h"
#include "json_read.h"
#include "qga_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BYTES_MAX = 300 };

static bool
worked(struct err *e)
{
    assert(e == NULL || err_code(e) == E_OutOfMemory);
    bool ok = e == NULL;
    err_free(e);
    return ok;
}

static void
fuzz_bytes(const json_t *value)
{
    auto_free uint8_t *bytes = NULL;
    auto_free char *again = NULL;
    size_t len = 0;
    bool ok = false;

    if (!worked(qga_decode_bytes(value, BYTES_MAX, &bytes, &len, &ok)) || !ok)
        return;
    assert(len <= BYTES_MAX && bytes[len] == '\0');
    if (worked(qga_encode((struct view){ bytes, len }, &again)))
        assert(strlen(again) == (len + 2) / 3 * 4);
}

static void
fuzz_status(const json_t *value)
{
    struct qga_status s = { 0 };
    bool ok = false;

    if (!worked(qga_decode_status(value, &s, &ok)) || !ok)
        return;
    assert(s.exited == (s.result.out != NULL) && s.exited == (s.result.err != NULL));
    if (s.exited)
        assert(s.result.out[s.result.out_len] + s.result.err[s.result.err_len] == 0);
    qga_result_done(&s.result);
}

static void
fuzz_piece(const json_t *value)
{
    struct qga_piece p = { 0 };
    bool ok = false;

    if (!worked(qga_decode_piece(value, BYTES_MAX, &p, &ok)) || !ok)
        return;
    assert(p.len <= BYTES_MAX && (p.len > 0 || p.eof));
    free(p.data);
}

static void
fuzz_filesystems(const json_t *value)
{
    struct qga_fs *list = NULL;
    size_t n = 0;
    bool ok = false;

    if (!worked(qga_decode_filesystems(value, &list, &n, &ok)) || !ok)
        return;
    assert(n <= QGA_FS_MAX);
    for (size_t i = 0; i < n; i++)
        assert(strlen(list[i].mountpoint) < sizeof(list[i].mountpoint) &&
            strlen(list[i].type) < sizeof(list[i].type) &&
            strlen(list[i].device) < sizeof(list[i].device));
    free(list);
}

static void
fuzz_os(const json_t *value)
{
    struct qga_os os;

    if (!qga_decode_os(value, &os))
        return;
    assert((os.family == QGA_WINDOWS) == (strcmp(os.id, "mswindows") == 0));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const targets[])(const json_t *) = { fuzz_bytes, fuzz_status, fuzz_piece,
        fuzz_filesystems, fuzz_os };
    const struct json_limits limits = { 1 << 20, 32, 4096 };
    json_auto_t *value = NULL;
    char why[JSON_WHY_MAX] = "";

    if (size < 1 || data[0] >= sizeof targets / sizeof targets[0])
        return 0;
    if (!worked(json_read((struct view){ data + 1, size - 1 }, &limits, why, &value)))
        return 0;
    assert((value == NULL) == (why[0] != '\0'));
    if (value != NULL) /* a text alone is no JSON document: it comes in a list */
        targets[data[0]](data[0] == 0 ? json_array_get(value, 0) : value);
    return 0;
}
