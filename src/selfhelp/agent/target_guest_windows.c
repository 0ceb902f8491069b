/* SPDX-License-Identifier: Apache-2.0 */
/* target_guest_windows.c -- the service manager by sc.exe, folders by cmd.exe.
 *
 * What sc.exe prints has labels in the guest's language, but always the same lines in the
 * same order, each with a number behind its colon: those are read.  Texts of a service come
 * from its registry key, where they keep every character.
 *
 * cmd.exe parses what it is given.  A path with blanks reaches it in quotes, where all but %
 * and ! is taken as it is; one without reaches it bare.  So paths that hold a character that
 * could mean something there are refused. */
#include <stdio.h>
#include <string.h>

#include "codes.h"
#include "target_guest_internal.h"

enum { ERROR_NO_SERVICE = 1060,
    ERROR_RUNNING = 1056,
    ERROR_NOT_ACTIVE = 1062,
    ERROR_MORE = 234,
    STATE_STOPPED = 1,
    STATE_RUNNING = 4,
    STATE_PAUSE_MS = 300 };

#define SERVICES "HKLM\\SYSTEM\\CurrentControlSet\\Services\\"

/* ---- cmd.exe ---- */

static bool
is_plain(const char *path)
{
    if (strpbrk(path, "%!^&|<>\"*?`\r\n") != NULL)
        return false;
    return strchr(path, ' ') != NULL || strpbrk(path, ",;=()") == NULL;
}

struct err *
guest_cmd(struct guest *m, const char *const argv[], uint32_t *ret_exit,
    struct qga_result *result)
{
    const char *full[12] = { "cmd.exe", "/d", "/u", "/c" };
    size_t n = 4;

    for (; *argv != NULL; argv++) {
        if (strchr(*argv, '\\') != NULL && !is_plain(*argv))
            return fail(TargetCannot, m->t.name, "use a path with such characters");
        full[n++] = *argv;
    }
    full[n] = NULL;
    return guest_exec(m, full, guest_by(m), ret_exit, result);
}

/* What a built-in command printed, as UTF-8. */
static struct err *
wide_output(struct guest *m, const struct qga_result *r, char **ret)
{
    const struct target_value v = { TARGET_REG_SZ, r->out, r->out_len & ~(size_t)1 };

    if (!target_value_text(&v, ret))
        return fail(AgentWrong, m->t.name, "cmd.exe printed what is no UTF-16");
    return NULL;
}

/* %SystemRoot%, which is plain on every Windows. */
struct err *
guest_windows_open(struct guest *m)
{
    const char *const argv[] = { "cmd.exe", "/d", "/c", "echo", "%SystemRoot%", NULL };
    struct qga_result r = { 0 };
    uint32_t code;

    TRY(guest_exec(m, argv, guest_by(m), &code, &r));
    m->windows = strndup((const char *)r.out, strcspn((const char *)r.out, "\r\n"));
    qga_result_done(&r);
    if (m->windows == NULL)
        return fail(OutOfMemory);
    if (code != 0 || strlen(m->windows) < 3 || m->windows[1] != ':' || !is_plain(m->windows))
        return fail(AgentWrong, m->t.name, "it does not say where Windows is");
    return NULL;
}

/* ---- files ---- */

static struct err *
is_folder(struct guest *m, const char *path, bool *ret)
{
    const char *const argv[] = { "cd", "/d", path, NULL };
    uint32_t code;

    TRY(guest_cmd(m, argv, &code, NULL));
    *ret = code == 0;
    return NULL;
}

/* dir gives 1 for an empty folder as for a missing one. */
static struct err *
list(struct guest *m, const char *folder, char ***ret, bool *ret_found)
{
    const char *const argv[] = { "dir", "/b", "/a", folder, NULL };
    struct qga_result r = { 0 };
    auto_free char *text = NULL;
    uint32_t code;

    TRY(is_folder(m, folder, ret_found));
    if (!*ret_found)
        return NULL;
    TRY(guest_cmd(m, argv, &code, &r));
    struct err *e = wide_output(m, &r, &text);
    qga_result_done(&r);
    TRY(e);
    return guest_names(m, text, strlen(text), '\n', ret);
}

static struct err *
move(struct guest *m, const char *from, const char *to)
{
    const char *const argv[] = { "move", "/y", from, to, NULL };
    uint32_t code;
    bool left;

    TRY(guest_cmd(m, argv, &code, NULL));
    TRY(target_exists(&m->t, from, &left));
    return code != 0 || left ? guest_refused(m, "rename a file", code != 0 ? code : 5) : NULL;
}

static struct err *
replace(struct guest *m, const char *fresh, const char *path)
{
    bool folder = false;

    TRY(is_folder(m, path, &folder)); /* into which it would be moved */
    return folder ? guest_refused(m, "write a file", 5) : move(m, fresh, path);
}

static struct err *delete (struct guest *m, const char *path)
{
    const char *const argv[] = { "del", "/f", "/q", path, NULL };
    uint32_t code;

    return guest_cmd(m, argv, &code, NULL);
}

/* A new file gets the rights that its folder gives. */
static struct err *
prepare(struct guest *m, const char *fresh, const char *path)
{
    (void)path;
    if (!is_plain(fresh))
        return fail(TargetCannot, m->t.name, "use a path with such characters");
    return NULL;
}

/* The last number of the listing of a drive: "... 2 Dir(s)  58491387904 bytes free". */
static struct err *
space(struct guest *m, const char *path, uint64_t *ret_bytes)
{
    const char drive[] = { path[0], ':', '\\', '\0' };
    const char *const argv[] = { "dir", "/-c", drive, NULL };
    struct qga_result r = { 0 };
    auto_free char *text = NULL;
    uint64_t n = 0;
    uint32_t code;

    if (path[0] == '\0' || path[1] != ':')
        return fail(TargetCannot, m->t.name, "tell the free space there");
    TRY(guest_cmd(m, argv, &code, &r));
    struct err *e = wide_output(m, &r, &text);
    qga_result_done(&r);
    TRY(e);
    size_t end = strlen(text);
    while (end > 0 && (text[end - 1] < '0' || text[end - 1] > '9'))
        end--;
    size_t at = end;
    while (at > 0 && text[at - 1] >= '0' && text[at - 1] <= '9')
        at--;
    if (code != 0 || at == end || end - at > 18)
        return guest_refused(m, "tell the free space", code);
    for (; at < end; at++)
        n = n * 10 + (uint64_t)(text[at] - '0');
    *ret_bytes = n;
    return NULL;
}

static struct err *
load(struct guest *m, const char *library, struct deadline by, struct target_load *ret)
{
    return guest_load_by_host(m, library, by, ret);
}

/* While Windows Installer works it keeps this key. */
static struct err *
busy(struct guest *m, bool *ret_busy, char **ret_who)
{
    *ret_who = NULL;
    return target_reg_key(&m->t,
        "HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Installer\\InProgress", ret_busy);
}

const struct guest_files guest_windows_files = { move, delete, list, prepare, replace, space,
    load, busy };

/* ---- services ---- */

/* The text behind the colon of the ${n}th line of an answer, from 0; NULL when it is not
 * there.  Lines that tell something are indented; the one that names the service is not. */
static const char *
line_of(const char *text, unsigned n)
{
    for (; text != NULL && *text != '\0'; text = strchr(text, '\n')) {
        text += strspn(text, "\r\n");
        size_t len = strcspn(text, "\r\n");
        const char *colon = memmem(text, len, " : ", 3);
        if (text[0] == ' ' && colon != NULL && n-- == 0)
            return colon + 3;
    }
    return NULL;
}

static bool
number_of_line(const char *text, unsigned n, unsigned base, uint32_t *ret)
{
    const char *digits = base == 16 ? "0123456789abcdef" : "0123456789";
    const char *s = line_of(text, n), *d;
    uint32_t v = 0;
    size_t i = 0;

    if (s == NULL)
        return false;
    for (; i < 8 && s[i] != '\0' && (d = strchr(digits, s[i] | 0x20)) != NULL; i++)
        v = v * base + (uint32_t)(d - digits);
    *ret = v;
    return i > 0;
}

/* sc.exe ${verb} ${name} ...; what it prints to *r unless NULL. */
static struct err *
sc(struct guest *m, const char *const argv[], uint32_t *ret_exit, struct qga_result *r)
{
    const char *full[24] = { "sc.exe" };
    size_t n = 1;

    for (; *argv != NULL; argv++)
        full[n++] = *argv;
    full[n] = NULL;
    return guest_exec(m, full, guest_by(m), ret_exit, r);
}

/* Line ${line} of what "sc query" says: 1 is the state. */
static struct err *
query_state(struct guest *m, const char *name, uint32_t *ret_state)
{
    const char *const argv[] = { "query", name, NULL };
    struct qga_result r = { 0 };
    uint32_t code;

    TRY(sc(m, argv, &code, &r));
    bool ok = code == 0 && number_of_line((const char *)r.out, 1, 10, ret_state);
    qga_result_done(&r);
    return ok ? NULL : guest_refused(m, "tell the state of a service", code);
}

/* Type, start type and error control are the first three lines of "sc qc". */
static struct err *
query_config(struct guest *m, const char *name, struct target_service *s, bool *ret_found)
{
    const char *const argv[] = { "qc", name, NULL };
    struct qga_result r = { 0 };
    uint32_t code;

    TRY(sc(m, argv, &code, &r));
    const char *text = (const char *)r.out;
    bool ok = code == 0 && number_of_line(text, 0, 16, &s->type) &&
        number_of_line(text, 1, 10, &s->start) &&
        number_of_line(text, 2, 10, &s->error_control);
    qga_result_done(&r);
    *ret_found = code != ERROR_NO_SERVICE;
    return ok || !*ret_found ? NULL : guest_refused(m, "tell how a service is set up", code);
}

/* A text of the service's key: NULL when it has none. */
static struct err *
key_text(struct guest *m, const char *key, const char *name, char **ret)
{
    struct target_value v = { 0 };
    bool found;

    TRY(guest_reg_get(&m->t, key, name, &v, &found));
    bool ok = !found || target_value_text(&v, ret);
    target_value_done(&v);
    return ok ? NULL : guest_refused(m, "tell how a service is set up", 13);
}

/* The strings of a MULTI_SZ, each with its NUL. */
static struct err *
key_list(struct guest *m, const char *key, const char *name, char ***ret)
{
    struct target_value v = { 0 };
    auto_free char *all = NULL;
    bool found;

    TRY(guest_reg_get(&m->t, key, name, &v, &found));
    size_t n = 0;
    for (size_t at = 0; found && v.type == TARGET_REG_MULTI_SZ && at + 2 <= v.len; at += 2)
        if (v.data[at] == 0 && v.data[at + 1] == 0 && at + 2 < v.len)
            v.data[at] = '\n'; /* so that it is one text for the reader below */
    v.type = TARGET_REG_SZ;
    bool ok = !found || target_value_text(&v, &all);
    target_value_done(&v);
    if (!found || !ok)
        return ok ? NULL : guest_refused(m, "tell how a service is set up", 13);
    n = strlen(all);
    while (n > 0 && all[n - 1] == '\n')
        n--;
    return n > 0 ? guest_names(m, all, n, '\n', ret) : NULL;
}

static struct err *
add_texts(struct guest *m, const char *name, struct target_service *s)
{
    auto_free char *key = NULL;
    struct target_value v = { 0 };
    uint64_t flag = 0;

    if (asprintf(&key, SERVICES "%s", name) < 0)
        return fail(OutOfMemory);
    TRY(key_text(m, key, "ImagePath", &s->image));
    TRY(key_text(m, key, "ObjectName", &s->account));
    TRY(key_text(m, key, "DisplayName", &s->display));
    TRY(key_list(m, key, "DependOnService", &s->depends));
    TRY(guest_reg_get(&m->t, key, "DeleteFlag", &v, &s->marked));
    s->marked = s->marked && target_value_number(&v, &flag) && flag != 0;
    target_value_done(&v);
    return NULL;
}

static struct err *
fill_service(struct guest *m, const char *name, struct target_service *s, bool *ret_found)
{
    uint32_t state = 0;

    TRY(query_config(m, name, s, ret_found));
    if (!*ret_found)
        return NULL;
    TRY(query_state(m, name, &state));
    s->state = SERVICE_IS_BETWEEN;
    if (state == STATE_STOPPED)
        s->state = SERVICE_IS_STOPPED;
    if (state == STATE_RUNNING)
        s->state = SERVICE_IS_RUNNING;
    return (m->t.can & TARGET_REGISTRY) != 0 ? add_texts(m, name, s) : NULL;
}

struct err *
guest_service_get(struct target *t, const char *name, struct target_service *ret,
    bool *ret_found)
{
    struct target_service s = { 0 };
    struct err *e = fill_service(guest_of(t), name, &s, ret_found);

    if (e != NULL || !*ret_found)
        target_service_done(&s);
    else
        *ret = s;
    return e;
}

struct err *
guest_service_set_start(struct target *t, const char *name, uint32_t start)
{
    static const char *const words[] = { "boot", "system", "auto", "demand", "disabled" };
    const char *const argv[] = { "config", name, "start=", words[start], NULL };
    struct guest *m = guest_of(t);
    uint32_t code;

    TRY(sc(m, argv, &code, NULL));
    return code != 0 ? guest_refused(m, "change the start type of a service", code) : NULL;
}

/* "a/b/c", as sc.exe wants it. */
static struct err *
join_depends(char *const depends[], char **ret)
{
    size_t len = 1;

    for (size_t i = 0; depends != NULL && depends[i] != NULL; i++)
        len += strlen(depends[i]) + 1;
    char *s = calloc(1, len);
    if (s == NULL)
        return fail(OutOfMemory);
    for (size_t i = 0; depends != NULL && depends[i] != NULL; i++)
        snprintf(s + strlen(s), len - strlen(s), "%s%s", i > 0 ? "/" : "", depends[i]);
    *ret = s;
    return NULL;
}

/* sc.exe takes the same words to make a service and to change one. */
static struct err *
set_up(struct target *t, const char *verb, const char *what, const char *name,
    const struct target_service *s)
{
    static const char *const starts[] = { "boot", "system", "auto", "demand", "disabled" };
    static const char *const errors[] = { "ignore", "normal", "severe", "critical" };
    enum { TYPE_OWN = 0x10,
        TYPE_SHARE = 0x20 };
    struct guest *m = guest_of(t);
    auto_free char *depends = NULL;
    const char *argv[20] = { verb, name, "binPath=", s->image };
    size_t n = 4;
    uint32_t code;

    if ((s->type != TYPE_OWN && s->type != TYPE_SHARE) || s->start > 4 || s->error_control > 3)
        return fail(TargetCannot, m->t.name, "have a service of this kind");
    TRY(join_depends(s->depends, &depends));
    const char *const pairs[][2] = { { "type=", s->type == TYPE_OWN ? "own" : "share" },
        { "start=", starts[s->start] }, { "error=", errors[s->error_control] },
        { "obj=", s->account }, { "DisplayName=", s->display },
        { "depend=", depends[0] != '\0' ? depends : NULL } };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        if (pairs[i][1] == NULL)
            continue;
        argv[n++] = pairs[i][0];
        argv[n++] = pairs[i][1];
    }
    TRY(sc(m, argv, &code, NULL));
    return code != 0 ? guest_refused(m, what, code) : NULL;
}

struct err *
guest_service_create(struct target *t, const char *name, const struct target_service *s)
{
    return set_up(t, "create", "create a service", name, s);
}

struct err *
guest_service_configure(struct target *t, const char *name, const struct target_service *s)
{
    return set_up(t, "config", "change a service", name, s);
}

struct err *
guest_service_control(struct target *t, const char *name, bool run, struct deadline by)
{
    const char *const argv[] = { run ? "start" : "stop", name, NULL };
    const uint32_t want = run ? STATE_RUNNING : STATE_STOPPED;
    struct guest *m = guest_of(t);
    uint32_t code, state = 0;

    TRY(sc(m, argv, &code, NULL));
    if (code != 0 && code != (run ? ERROR_RUNNING : ERROR_NOT_ACTIVE))
        return guest_refused(m, run ? "start a service" : "stop a service", code);
    for (;;) {
        TRY(query_state(m, name, &state));
        if (state == want)
            return NULL;
        if (deadline_passed(by))
            return fail(DeadlinePassed,
                run ? "the start of a service" : "the stop of a service");
        TRY(target_wait(t, STATE_PAUSE_MS));
    }
}

/* ---- services that need another ---- */

/* A line of text without its end. */
struct line {
    const char *s;
    size_t len;
};

/* The next line that is not empty; false at the end. */
static bool
next_line(const char **text, struct line *ret)
{
    *text += strspn(*text, "\r\n");
    *ret = (struct line){ *text, strcspn(*text, "\r\n") };
    *text += ret->len;
    return ret->len > 0;
}

/* What is behind "LABEL: ", as a service is named by letters that any code page has. */
static struct err *
add_dependent(struct guest *m, struct line label, char **names, size_t *n)
{
    const char *colon = label.s == NULL ? NULL : memmem(label.s, label.len, ": ", 2);
    size_t len = colon == NULL ? 0 : label.len - (size_t)(colon + 2 - label.s);

    for (size_t i = 0; i < len; i++)
        if ((unsigned char)colon[2 + i] < 0x20 || (unsigned char)colon[2 + i] > 0x7e)
            return fail(TargetCannot, m->t.name, "read the name of a service that needs it");
    if (len == 0)
        return fail(AgentWrong, m->t.name, "sc.exe does not name a service");
    if (*n > TARGET_DEPENDENTS_MAX)
        return NULL; /* too many already */
    names[*n] = strndup(colon + 2, len);
    return names[(*n)++] == NULL ? fail(OutOfMemory) : NULL;
}

struct err *
guest_dependents_in(struct guest *m, const char *text, char ***ret)
{
    char **names = calloc(TARGET_DEPENDENTS_MAX + 2, sizeof(*names));
    struct line before = { 0 }, last = { 0 }, now;
    struct err *e = names == NULL ? fail(OutOfMemory) : NULL;
    unsigned told = 0; /* lines of this block that tell something */
    size_t n = 0;

    while (e == NULL && next_line(&text, &now)) {
        uint32_t state;

        if (now.s[0] != ' ') {
            before = told > 0 ? (struct line){ 0 } : last;
            last = now;
            told = 0;
        } else if (memmem(now.s, now.len, " : ", 3) != NULL && ++told == 2) {
            if (!number_of_line(now.s, 0, 10, &state))
                e = fail(AgentWrong, m->t.name, "sc.exe does not tell a service's state");
            else if (state != STATE_STOPPED)
                e = add_dependent(m, before, names, &n);
        }
    }
    if (e != NULL)
        target_names_free(names);
    else
        *ret = names;
    return e;
}

/* With room for the most that sc.exe can ask for; it has room for three or four otherwise. */
struct err *
guest_service_dependents(struct target *t, const char *name, char ***ret)
{
    const char *const argv[] = { "enumdepend", name, "65536", NULL };
    struct guest *m = guest_of(t);
    struct qga_result r = { 0 };
    uint32_t code;

    TRY(sc(m, argv, &code, &r));
    struct err *e = NULL;

    if (code == 0)
        e = guest_dependents_in(m, (const char *)r.out, ret);
    else if (code == ERROR_MORE)
        e = fail(TargetCannot, t->name, "tell of so many services that need another");
    else if (code != ERROR_NO_SERVICE)
        e = guest_refused(m, "tell which services need another", code);
    qga_result_done(&r);
    return e;
}
