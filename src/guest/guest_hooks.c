/* SPDX-License-Identifier: Apache-2.0 */
/* One listing, "OWNER MODE PATH" for each.  stat follows links, as whoever runs a script
 * does. */
#include <string.h>

#include "codes.h"
#include "guest_hooks.h"
#include "number.h"
#include "qga.h"

enum { WRITABLE_BY_OTHERS = 022, STICKY = 01000 };

static const char *const args[] = { "/etc/qemu", "/etc/qemu-kvm", "/etc/qemu-ga", "-maxdepth",
    "2", "-path", "*fsfreeze-hook*", "-exec", "stat", "-L", "-c", "%u %a %n", "{}", ";", NULL };

static bool
octal(const char *s, unsigned *ret)
{
    *ret = 0;
    for (; *s >= '0' && *s <= '7' && *ret < 010000; s++)
        *ret = *ret * 8 + (unsigned)(*s - '0');
    return *s == '\0';
}

/* One line; *ret_is is false when it is something else. */
static struct err *
judge(const struct qga *g, char *line, bool *ret_is)
{
    char *rest = line, *owner = strsep(&rest, " "), *mode = strsep(&rest, " ");
    unsigned bits;
    uint64_t uid;

    *ret_is = rest != NULL && mode != NULL && number_parse(owner, &uid) && octal(mode, &bits);
    if (!*ret_is)
        return NULL;
    if (uid != 0)
        return fail(FreezeHookOpen, qga_name(g), rest, "it does not belong to root");
    if ((bits & WRITABLE_BY_OTHERS) != 0 && (bits & STICKY) == 0)
        return fail(FreezeHookOpen, qga_name(g), rest, "others than root may write to it");
    return NULL;
}

static struct err *
judge_all(const struct qga *g, char *lines, size_t *ret_n)
{
    char *rest = lines, *line;
    size_t n = 0;

    while ((line = strsep(&rest, "\n")) != NULL && n < GUEST_HOOKS_MAX) {
        bool is;

        TRY(judge(g, line, &is));
        n += is;
    }
    *ret_n = n;
    return NULL;
}

struct err *
guest_hooks_check(struct qga *g, struct deadline by, size_t *ret_n)
{
    const struct qga_program find = { .path = "/usr/bin/find", .args = args };
    struct qga_result r = { 0 };

    TRY(qga_run(g, &find, by, &r)); /* where a folder is not there it ends with 1 */
    struct err *e = judge_all(g, (char *)r.out, ret_n);
    qga_result_done(&r);
    return e;
}
