/* SPDX-License-Identifier: Apache-2.0 */
/* target_guest.c -- what both systems have in common: the connection, programs, whole files,
 * and a restart, which only another boot id proves. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codes.h"
#include "json_read.h"
#include "target_guest_internal.h"
#include "text.h"

enum { RECONNECT_MS = 3000, BOOT_ID_MS = 20000, RETRY_MS = 500, HOST_DEPTH_MAX = 8,
    HOST_VALUES_MAX = 4096 };

struct deadline
guest_by(const struct guest *m)
{
    return deadline_in_ms(m->call_ms);
}

struct err *
guest_refused(struct guest *m, const char *what, uint32_t number)
{
    return fail(TargetRefused, m->t.name, what, number);
}

struct err *
guest_exec(struct guest *m, const char *const argv[], struct deadline by, uint32_t *ret_exit,
    struct qga_result *result)
{
    struct qga_program p = { .path = argv[0], .args = argv + 1, .discard = result == NULL };
    struct qga_result r = { 0 };

    TRY(qga_run(m->g, &p, by, &r));
    *ret_exit = r.signal != 0 ? 128 + (uint32_t)r.signal : (uint32_t)r.exit;
    if (result != NULL)
        *result = r;
    else
        qga_result_done(&r);
    return NULL;
}

struct err *
guest_output(const struct qga_result *r, char **ret)
{
    struct text t = { 0 };

    text_escaped(&t, (const char *)r->out);
    text_escaped(&t, (const char *)r->err);
    if (t.no_memory) {
        text_done(&t);
        return fail(OutOfMemory);
    }
    if (t.s == NULL)
        text_str(&t, "");
    *ret = t.s != NULL ? t.s : strdup("");
    if (*ret == NULL)
        return fail(OutOfMemory);
    if (strlen(*ret) > TARGET_OUTPUT_MAX)
        (*ret)[TARGET_OUTPUT_MAX] = '\0';
    return NULL;
}

struct err *
guest_names(struct guest *m, const char *text, size_t len, char end, char ***ret)
{
    char **names = calloc(TARGET_ENTRIES_MAX + 1, sizeof(names[0]));
    size_t n = 0;

    if (names == NULL)
        return fail(OutOfMemory);
    for (const char *s = text; s < text + len; n++) {
        const char *stop = memchr(s, end, len - (size_t)(s - text));
        size_t name_len = stop != NULL ? (size_t)(stop - s) : len - (size_t)(s - text);

        if (n == TARGET_ENTRIES_MAX) {
            target_names_free(names);
            return fail(TargetCannot, m->t.name, "list a folder of so many files");
        }
        while (end == '\n' && name_len > 0 && s[name_len - 1] == '\r')
            name_len--;
        names[n] = strndup(s, name_len);
        if (names[n] == NULL) {
            target_names_free(names);
            return fail(OutOfMemory);
        }
        s = stop != NULL ? stop + 1 : text + len;
    }
    *ret = names;
    return NULL;
}

static const struct guest_files *
files(const struct guest *m)
{
    return m->t.os == ACTION_WINDOWS ? &guest_windows_files : &guest_linux_files;
}

/* ---- files ---- */

static struct err *
guest_file_read(struct target *t, const char *path, void **ret, size_t *ret_len,
    bool *ret_found)
{
    struct guest *m = guest_of(t);
    uint8_t *data = NULL;

    TRY(target_exists(t, path, ret_found));
    if (!*ret_found)
        return NULL;
    TRY(qga_read_file(m->g, path, TARGET_FILE_MAX, guest_by(m), &data, ret_len));
    *ret = data;
    return NULL;
}

static struct err *
guest_file_write(struct target *t, const char *path, const void *data, size_t len)
{
    struct guest *m = guest_of(t);
    auto_free char *fresh = NULL;

    if (asprintf(&fresh, "%s.firn-new", path) < 0)
        return fail(OutOfMemory);
    TRY(files(m)->prepare(m, fresh, path));
    struct err *e = qga_write_file(m->g, fresh, (struct view){ data, len }, guest_by(m));
    if (e == NULL)
        e = files(m)->replace(m, fresh, path);
    if (e != NULL && !err_has(e, E_AgentGone) && !err_has(e, E_AgentSilent))
        e = err_also(e, files(m)->delete (m, fresh));
    return e;
}

static struct err *
guest_file_rename(struct target *t, const char *from, const char *to)
{
    bool there, taken;

    TRY(target_exists(t, from, &there));
    TRY(target_exists(t, to, &taken));
    if (!there || taken)
        return guest_refused(guest_of(t), "rename a file",
            !there ? ENOENT : t->os == ACTION_WINDOWS ? 183
                                                      : EEXIST);
    return files(guest_of(t))->rename(guest_of(t), from, to);
}

/* The programs for it tell nothing by their exit codes; the folder does. */
static struct err *
guest_file_delete(struct target *t, const char *path)
{
    struct guest *m = guest_of(t);
    bool there;

    TRY(target_exists(t, path, &there));
    if (!there)
        return NULL;
    TRY(files(m)->delete (m, path));
    TRY(target_exists(t, path, &there));
    if (!there)
        return NULL;
    return guest_refused(m, "delete a file", t->os == ACTION_WINDOWS ? 5 : EACCES);
}

static struct err *
guest_file_list(struct target *t, const char *folder, char ***ret, bool *ret_found)
{
    return files(guest_of(t))->list(guest_of(t), folder, ret, ret_found);
}

static struct err *
guest_space_free(struct target *t, const char *path, uint64_t *ret_bytes)
{
    return files(guest_of(t))->space(guest_of(t), path, ret_bytes);
}

/* ---- programs ---- */

static struct err *
guest_run(struct target *t, const char *const argv[], struct deadline by, uint32_t *ret_exit,
    char **ret_output)
{
    struct guest *m = guest_of(t);
    struct qga_program p = { .path = argv[0], .args = argv + 1, .may_stop = true };
    struct qga_result r = { 0 };
    struct err *e = qga_run(m->g, &p, by, &r);

    if (err_code(e) == E_GuestProgramOverdue)
        return err_because(fail(DeadlinePassed, argv[0]), e);
    if (err_code(e) == E_GuestProgramUnstarted)
        return err_because(guest_refused(m, "start a program", ENOENT), e);
    TRY(e);
    *ret_exit = r.signal != 0 ? 128 + (uint32_t)r.signal : (uint32_t)r.exit;
    if (ret_output != NULL)
        e = guest_output(&r, ret_output);
    qga_result_done(&r);
    return e;
}

static struct err *
guest_load(struct target *t, const char *library, struct deadline by, struct target_load *ret)
{
    return files(guest_of(t))->load(guest_of(t), library, by, ret);
}

static struct err *
guest_installer_busy(struct target *t, bool *ret_busy, char **ret_who)
{
    return files(guest_of(t))->busy(guest_of(t), ret_busy, ret_who);
}

static struct err *
copy_text(char **to, const json_t *object, const char *name)
{
    const char *s = json_string_value(json_object_get(object, name));

    if (s == NULL || s[0] == '\0')
        return NULL;
    *to = strdup(s);
    return *to == NULL ? fail(OutOfMemory) : NULL;
}

/* {"libraries": [{"loaded": false, "number": 126, "reason": "missing", "words": "..."}]} */
static struct err *
read_load(struct guest *m, const struct qga_result *r, struct target_load *ret)
{
    const struct json_limits limits = { TARGET_OUTPUT_MAX, HOST_DEPTH_MAX, HOST_VALUES_MAX };
    json_auto_t *answer = NULL;
    struct target_load l = { 0 };
    char why[JSON_WHY_MAX];

    TRY(json_read((struct view){ r->out, r->out_len }, &limits, why, &answer));
    json_t *one = json_array_get(json_object_get(answer, "libraries"), 0);
    json_t *loaded = json_object_get(one, "loaded"), *number = json_object_get(one, "number");
    if (!json_is_boolean(loaded) || !json_is_integer(number))
        return fail(GuestProgramFailed, qga_name(m->g), m->plugin_host, r->exit);
    l.loads = json_is_true(loaded);
    l.error = l.loads ? 0 : (uint32_t)json_integer_value(number);
    struct err *e = copy_text(&l.words, one, "words");
    if (e == NULL && m->t.os == ACTION_LINUX && l.words != NULL) /* the loader has no numbers */
        e = guest_classify_load(&l);
    if (e != NULL) {
        target_load_done(&l);
        return e;
    }
    *ret = l;
    return NULL;
}

struct err *
guest_load_by_host(struct guest *m, const char *library, struct deadline by,
    struct target_load *ret)
{
    const char *const argv[] = { m->plugin_host, "load", library, NULL };
    struct qga_result r = { 0 };
    uint32_t code;

    TRY(guest_exec(m, argv, by, &code, &r));
    struct err *e = read_load(m, &r, ret);
    qga_result_done(&r);
    return e;
}

/* ---- the machine ---- */

static struct err *
guest_boot_id(struct target *t, char **ret)
{
    char id[QGA_BOOT_ID_MAX];

    TRY(qga_boot_id(guest_of(t)->g, guest_by(guest_of(t)), id));
    *ret = strdup(id);
    return *ret == NULL ? fail(OutOfMemory) : NULL;
}

/* Does it answer, with another boot id?  While it goes down and comes up, every failure of
 * the agent only means: not yet. */
static struct err *
has_restarted(struct guest *m, const char *old, bool *ret)
{
    char id[QGA_BOOT_ID_MAX] = "";
    struct qga *g = NULL;

    *ret = false;
    qga_free(m->g);
    m->g = NULL;
    struct err *e = qga_open(m->socket, m->t.name, deadline_in_ms(RECONNECT_MS), &g);
    if (e == NULL) {
        m->g = g;
        e = qga_boot_id(g, deadline_in_ms(BOOT_ID_MS), id);
    }
    if (err_has(e, E_OutOfMemory))
        return e;
    *ret = e == NULL && strcmp(id, old) != 0;
    err_free(e);
    return NULL;
}

static struct err *
guest_restart(struct target *t, struct deadline by)
{
    struct guest *m = guest_of(t);
    char old[QGA_BOOT_ID_MAX];
    bool done = false;

    TRY(qga_boot_id(m->g, guest_by(m), old));
    TRY(qga_shutdown(m->g, QGA_REBOOT, guest_by(m)));
    while (!done && !deadline_passed(by)) {
        TRY(target_wait(t, RETRY_MS));
        TRY(has_restarted(m, old, &done));
    }
    if (m->g == NULL) /* later calls shall say what is wrong with the agent */
        TRY(qga_open(m->socket, m->t.name, deadline_in_ms(RECONNECT_MS), &m->g));
    return done ? NULL : fail(DeadlinePassed, "the restart of the guest");
}

static void
guest_free(struct target *t)
{
    struct guest *m = guest_of(t);

    guest_registry_done(m);
    qga_free(m->g);
    free(m->socket);
    free(m->plugin_host);
    free(m->windows);
    free(m->exchange);
    free(m);
}

static const struct target_vtable linux_calls = {
    .file_read = guest_file_read,
    .file_write = guest_file_write,
    .file_rename = guest_file_rename,
    .file_delete = guest_file_delete,
    .file_list = guest_file_list,
    .run = guest_run,
    .load = guest_load,
    .installer_busy = guest_installer_busy,
    .boot_id = guest_boot_id,
    .restart = guest_restart,
    .package_version = guest_package_version,
    .package_interrupted = guest_package_interrupted,
    .package_install = guest_package_install,
    .package_remove = guest_package_remove,
    .package_configure = guest_package_configure,
    .unit_get = guest_unit_get,
    .unit_set = guest_unit_set,
    .unit_control = guest_unit_control,
    .space_free = guest_space_free,
    .free = guest_free,
};

static const struct target_vtable windows_calls = {
    .reg_get = guest_reg_get,
    .reg_set = guest_reg_set,
    .reg_delete = guest_reg_delete,
    .reg_key = guest_reg_key,
    .reg_delete_key = guest_reg_delete_key,
    .service_get = guest_service_get,
    .service_set_start = guest_service_set_start,
    .service_create = guest_service_create,
    .service_configure = guest_service_configure,
    .service_control = guest_service_control,
    .service_dependents = guest_service_dependents,
    .file_read = guest_file_read,
    .file_write = guest_file_write,
    .file_rename = guest_file_rename,
    .file_delete = guest_file_delete,
    .file_list = guest_file_list,
    .run = guest_run,
    .load = guest_load,
    .installer_busy = guest_installer_busy,
    .boot_id = guest_boot_id,
    .restart = guest_restart,
    .space_free = guest_space_free,
    .free = guest_free,
};

/* Are all of ${commands} allowed?  If not, ${note} says which is missing and why. */
static struct err *
allowed(struct guest *m, const char *const commands[], char note[100], bool *ret)
{
    enum qga_may may = QGA_MAY;

    *ret = true;
    for (; *ret && *commands != NULL; commands++) {
        TRY(qga_may(m->g, *commands, guest_by(m), &may));
        *ret = may == QGA_MAY;
        if (!*ret)
            snprintf(note, 100, "its guest agent %s %s",
                may == QGA_LACKS ? "does not know" : "forbids", *commands);
    }
    return NULL;
}

static struct err *
learn_abilities(struct guest *m)
{
    static const char *const exec[] = { "guest-exec", "guest-exec-status", NULL };
    static const char *const file[] = { "guest-file-open", "guest-file-read",
        "guest-file-write", "guest-file-seek", "guest-file-flush", "guest-file-close", NULL };
    static const char *const down[] = { "guest-shutdown", NULL };
    bool may_exec, may_file, may_down;
    size_t n = 0;

    TRY(allowed(m, exec, m->cannot[n], &may_exec));
    n += !may_exec;
    TRY(allowed(m, file, m->cannot[n], &may_file));
    n += !may_file;
    TRY(allowed(m, down, m->cannot[n], &may_down));
    n += !may_down;
    for (size_t i = 0; i < n; i++)
        m->t.cannot[i] = m->cannot[i];
    bool windows = m->t.os == ACTION_WINDOWS;
    if (may_exec)
        m->t.can = TARGET_PROGRAMS |
                   (windows ? TARGET_SERVICES : TARGET_PACKAGES | TARGET_UNITS);
    if (may_exec && may_file)
        m->t.can |= TARGET_FILES | (windows ? TARGET_REGISTRY : 0U);
    if (may_exec && (!windows || m->plugin_host != NULL))
        m->t.can |= TARGET_LIBRARIES;
    /* a Windows guest tells its boot id by a program */
    if (may_down && (windows ? may_exec : may_file))
        m->t.can |= TARGET_RESTART;
    return NULL;
}

static struct err *
learn_system(struct guest *m)
{
    const struct qga_os *os;

    TRY(qga_os(m->g, guest_by(m), &os));
    if (os->family == QGA_OTHER)
        return fail(TargetCannot, m->t.name, "be repaired: its system is not known here");
    m->t.os = os->family == QGA_WINDOWS ? ACTION_WINDOWS : ACTION_LINUX;
    m->t.call = os->family == QGA_WINDOWS ? &windows_calls : &linux_calls;
    m->t.bits64 = strstr(os->machine, "64") != NULL;
    TRY(learn_abilities(m));
    if (m->t.os == ACTION_WINDOWS && (m->t.can & TARGET_PROGRAMS) != 0)
        TRY(guest_windows_open(m));
    return NULL;
}

struct err *
target_guest_open(const char *socket, const struct target_guest_options *options,
    struct deadline by, struct target **ret)
{
    struct guest *m = calloc(1, sizeof(*m));
    auto_ptr(target) owned = (struct target *)m;

    if (m == NULL)
        return fail(OutOfMemory);
    m->call_ms = options->call_ms > 0 ? options->call_ms : TARGET_GUEST_CALL_MS;
    TRY(target_init(&m->t, &linux_calls, options->name));
    m->socket = strdup(socket);
    m->plugin_host = options->plugin_host != NULL ? strdup(options->plugin_host) : NULL;
    if (m->socket == NULL || (options->plugin_host != NULL && m->plugin_host == NULL))
        return fail(OutOfMemory);
    TRY(qga_open(socket, options->name, by, &m->g));
    TRY(learn_system(m));
    *ret = take(owned);
    return NULL;
}

void
target_guest_let_go(struct target *t)
{
    struct guest *m = guest_of(t);

    qga_free(m->g);
    m->g = NULL;
}

struct err *
target_guest_take_up(struct target *t, struct deadline by)
{
    struct guest *m = guest_of(t);

    return qga_open(m->socket, m->t.name, by, &m->g);
}
