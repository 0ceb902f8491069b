/* SPDX-License-Identifier: Apache-2.0 */
/* qga.c -- the agent itself and the guest as a whole. */
#include <stdlib.h>
#include <string.h>

#include "codes.h"
#include "json_read.h"
#include "qga_internal.h"

enum { BOOT_NUMBER_DIGITS = 8 };

static const char BOOT_ID_PATH[] = "/proc/sys/kernel/random/boot_id";
static const char BOOT_KEY[] = "HKLM\\SYSTEM\\CurrentControlSet\\Control\\Session Manager"
                               "\\Memory Management\\PrefetchParameters";

struct err *
qga_open(const char *socket, const char *name, struct deadline by, struct qga **ret)
{
    auto_ptr(qga) g = calloc(1, sizeof(*g));

    if (g == NULL)
        return fail(OutOfMemory);
    TRY(qga_link_open(socket, name, by, &g->link));
    *ret = take(g);
    return NULL;
}

const char *
qga_name(const struct qga *g)
{
    return qga_link_name(g->link);
}

struct err *
qga_odd(const struct qga *g, const char *command)
{
    char why[120];

    snprintf(why, sizeof(why), "the answer to %.60s has another form", command);
    return fail(AgentWrong, qga_name(g), why);
}

struct err *
qga_ask(struct qga *g, const char *command, json_t *arguments, struct deadline by, json_t **ret)
{
    return qga_link_ask(g->link, command, arguments, QGA_REPLY_MAX, by, ret);
}

struct err *
qga_ping(struct qga *g, struct deadline by)
{
    return qga_ask(g, "guest-ping", NULL, by, NULL);
}

/* Ask once; what it says does not change while the agent runs, except that a freeze disables
 * most of it. */
static struct err *
learn_commands(struct qga *g, struct deadline by)
{
    json_auto_t *info = NULL;

    if (g->info != NULL)
        return NULL;
    TRY(qga_ask(g, "guest-info", NULL, by, &info));
    json_t *list = json_object_get(info, "supported_commands");
    if (!json_is_array(list) || json_array_size(list) > QGA_COMMANDS_MAX)
        return qga_odd(g, "guest-info");
    g->info = take(info);
    return NULL;
}

struct err *
qga_may(struct qga *g, const char *command, struct deadline by, enum qga_may *ret)
{
    json_t *entry;
    size_t i;

    TRY(learn_commands(g, by));
    *ret = QGA_LACKS;
    json_array_foreach(json_object_get(g->info, "supported_commands"), i, entry)
    {
        const char *name = json_string_value(json_object_get(entry, "name"));
        if (name != NULL && strcmp(name, command) == 0)
            *ret = json_is_true(json_object_get(entry, "enabled")) ? QGA_MAY : QGA_FORBIDDEN;
    }
    return NULL;
}

struct err *
qga_commands(struct qga *g, struct deadline by, char *version,
    void (*each)(void *arg, const char *command, bool allowed), void *arg)
{
    json_t *entry;
    size_t i;

    TRY(learn_commands(g, by));
    const char *v = json_string_value(json_object_get(g->info, "version"));
    if (version != NULL)
        snprintf(version, QGA_NAME_MAX, "%s", v != NULL ? v : "");
    json_array_foreach(json_object_get(g->info, "supported_commands"), i, entry)
    {
        const char *name = json_string_value(json_object_get(entry, "name"));
        if (name != NULL)
            each(arg, name, json_is_true(json_object_get(entry, "enabled")));
    }
    return NULL;
}

struct err *
qga_os(struct qga *g, struct deadline by, const struct qga_os **ret_os)
{
    json_auto_t *os = NULL;

    if (!g->os_known) {
        TRY(qga_ask(g, "guest-get-osinfo", NULL, by, &os));
        if (!qga_decode_os(os, &g->os))
            return qga_odd(g, "guest-get-osinfo");
        g->os_known = true;
    }
    *ret_os = &g->os;
    return NULL;
}

static struct err *
linux_boot_id(struct qga *g, struct deadline by, char *to)
{
    auto_free uint8_t *text = NULL;
    size_t len, digits;

    TRY(qga_read_file(g, BOOT_ID_PATH, QGA_BOOT_ID_MAX - 1, by, &text, &len));
    digits = strspn((const char *)text, "0123456789abcdef-");
    if (digits == 0 || digits + 1 < len)
        return qga_odd(g, BOOT_ID_PATH);
    snprintf(to, QGA_BOOT_ID_MAX, "%.*s", (int)digits, (const char *)text);
    return NULL;
}

/* "    BootId    REG_DWORD    0x2a": names of types are in no language. */
static struct err *
windows_boot_id(struct qga *g, struct deadline by, char *to)
{
    const char *const args[] = { "query", BOOT_KEY, "/v", "BootId", NULL };
    const struct qga_program reg = { .path = "reg.exe", .args = args };
    struct qga_result r = { 0 };

    TRY(qga_run(g, &reg, by, &r));
    const char *at = strstr((const char *)r.out, "REG_DWORD");
    at = at != NULL ? strstr(at, "0x") : NULL;
    size_t digits = at != NULL ? strspn(at + 2, "0123456789abcdefABCDEF") : 0;
    bool found = r.exit == 0 && digits > 0 && digits <= BOOT_NUMBER_DIGITS;
    if (found)
        snprintf(to, QGA_BOOT_ID_MAX, "boot-%.*s", (int)digits, at + 2);
    struct err *e = found ? NULL : fail(GuestProgramFailed, qga_name(g), "reg.exe", r.exit);
    qga_result_done(&r);
    return e;
}

struct err *
qga_boot_id(struct qga *g, struct deadline by, char to[QGA_BOOT_ID_MAX])
{
    const struct qga_os *os;

    TRY(qga_os(g, by, &os));
    if (os->family == QGA_WINDOWS)
        return windows_boot_id(g, by, to);
    return linux_boot_id(g, by, to);
}

struct err *
qga_time(struct qga *g, struct deadline by, int64_t *ret_ns)
{
    json_auto_t *value = NULL;

    TRY(qga_ask(g, "guest-get-time", NULL, by, &value));
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return qga_odd(g, "guest-get-time");
    *ret_ns = json_integer_value(value);
    return NULL;
}

struct err *
qga_shutdown(struct qga *g, enum qga_shutdown how, struct deadline by)
{
    static const char *const modes[] = { "powerdown", "reboot", "halt" };
    json_auto_t *arguments = NULL;

    TRY(json_build("guest-shutdown", &arguments, "{s:s}", "mode", modes[how]));
    return qga_link_tell(g->link, "guest-shutdown", arguments, by);
}

void
qga_free(struct qga *g)
{
    if (g == NULL)
        return;
    qga_link_free(g->link);
    json_decref(g->info);
    free(g);
}
