/* SPDX-License-Identifier: Apache-2.0 */
/* A definition from any bytes: a domain when the first is "<", else arguments.  What is made of
 * it is one again, and what is understood of an option is written so that it reads the same. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "codes.h"
#include "machine_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
drop(void *arg, struct err *e)
{
    (void)arg;
    err_free(e);
}

static void
look(void *arg, const char *what)
{
    (void)arg;
    for (const char *s = what; *s != '\0'; s += text_visible(s))
        assert(text_visible(s) > 0);
}

static void
check_option(const char *value)
{
    struct qopt one = { 0 }, two = { 0 };
    struct text t = { 0 };
    bool is, again = false;
    struct err *e = qopt_parse(value, "driver", &one, &is);

    if (e == NULL && is) {
        qopt_print(&one, &t);
        e = qopt_parse(t.s != NULL ? t.s : "", "driver", &two, &again);
        assert(e != NULL || (again && one.n == two.n));
        for (size_t i = 0; e == NULL && i < one.n; i++)
            assert(strcmp(one.item[i].value, two.item[i].value) == 0);
    }
    assert(e == NULL || err_code(e) == E_OutOfMemory);
    err_free(e);
    qopt_done(&one);
    qopt_done(&two);
    text_done(&t);
}

static void
fuzz_domain(const struct machine_plan *p, struct view xml)
{
    struct text one = { 0 }, two = { 0 };
    struct err *e = machine_of_domain(xml, p, &one);

    assert(e == NULL || err_code(e) == E_DefinitionUnclear || err_code(e) == E_OutOfMemory);
    if (e == NULL && one.len <= MACHINE_LEN_MAX) {
        e = machine_of_domain((struct view){ (const uint8_t *)one.s, one.len }, p, &two);
        assert(e == NULL || err_code(e) == E_OutOfMemory);
    }
    err_free(e);
    text_done(&one);
    text_done(&two);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct machine_disk disk = { .name = "vda", .node = "vda", .drive = "d0", .file = "/old/a",
        .path = "/new/vda.raw", .format = "raw" };
    struct machine_plan p = { .machine = "m", .folder = "/new", .was = "/old", .disks = &disk,
        .ndisks = 1, .warn = drop, .changed = look };
    struct text t = { 0 };

    if (size > 0 && data[size - 1] % 2 != 0)
        p.name = "n";
    if (size > 0 && data[0] == '<') {
        fuzz_domain(&p, (struct view){ data, size });
        return 0;
    }
    if (size > 0 && data[0] % 2 != 0)
        p.name = "n";
    struct err *e = machine_of_qemu((struct view){ data, size }, &p, &t);
    assert(e == NULL || err_code(e) == E_DefinitionUnclear || err_code(e) == E_InputInvalid ||
           err_code(e) == E_OutOfMemory);
    for (size_t at = 0; e == NULL && at < t.len; at += strlen(t.s + at) + 1)
        check_option(t.s + at);
    assert(e != NULL || (t.len > 0 && t.s[t.len - 1] == '\0'));
    err_free(e);
    text_done(&t);
    return 0;
}
