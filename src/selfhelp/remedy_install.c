/* SPDX-License-Identifier: Apache-2.0 */
/* remedy_install.c -- installers on Windows, load tests, and the lists of vssadmin.
 *
 * Before an installer runs, every sign of its product is recorded.  Undo uninstalls only when
 * there was none, so that nobody loses what an administrator had put there; where firn does
 * not know the signs of a product, it leaves what it installed and says so. */
#include <stdio.h>
#include <string.h>

#include "codes.h"
#include "remedy_internal.h"
#include "runtimes.h"
#include "text.h"

enum { ARGS_MAX = 12, LOG_TAIL = 2000, IDLE_MS = 5 * 60 * 1000, IDLE_STEP_MS = 5000 };

#define MSIEXEC REMEDY_SYSTEM32 "msiexec.exe"

static bool
ends_with(const char *s, const char *end)
{
    size_t a = strlen(s), b = strlen(end);

    return a >= b && strcasecmp(s + a - b, end) == 0;
}

/* The newest version's file, with .exe or .msi added where the article leaves that out.
 * *ret_path is NULL when there is none. */
static struct err *
find_installer(struct target *t, const char *path, char **ret_path)
{
    static const char *const endings[] = { "", ".exe", ".msi" };
    auto_free char *base = NULL;

    *ret_path = NULL;
    TRY(target_latest(t, path, &base));
    for (size_t i = 0; base != NULL && i < sizeof(endings) / sizeof(endings[0]); i++) {
        auto_free char *one = NULL;
        bool found;

        if (asprintf(&one, "%s%s", base, endings[i]) < 0)
            return fail(OutOfMemory);
        TRY(target_exists(t, one, &found));
        if (found) {
            *ret_path = take(one);
            return NULL;
        }
    }
    return NULL;
}

/* Is there a sign of the product?  *ret_known = false: firn knows none. */
static struct err *
product_signs(struct target *t, const struct runtime *r, const char *product, bool *ret_known,
    bool *ret_present)
{
    struct target_value v = { 0 };
    uint64_t n = 0;
    bool found;

    *ret_known = r != NULL;
    *ret_present = false;
    (void)product;
    if (r == NULL)
        return NULL;
    if ((t->can & TARGET_REGISTRY) != 0) {
        TRY(target_reg_get(t, r->key, "Install", &v, &found));
        if (found)
            (void)target_value_number(&v, &n);
        target_value_done(&v);
        *ret_present = n == 1;
    }
    for (int i = 0; !*ret_present && i < 2; i++) {
        const char *library = i == 0 ? r->library : r->twin;
        auto_free char *path = NULL;

        if (library == NULL)
            continue;
        if (asprintf(&path, REMEDY_SYSTEM32 "%s", library) < 0)
            return fail(OutOfMemory);
        TRY(target_exists(t, path, ret_present));
    }
    return NULL;
}

static struct err *
look_installed(struct target *t, const struct action *a, struct deadline by,
    struct remedy_look *ret)
{
    const struct runtime *r = runtime_find(action_get(a, "path"));
    struct target_load l = { 0 };
    bool known, present;

    if (r != NULL && r->library != NULL && (t->can & TARGET_LIBRARIES) != 0) {
        TRY(target_load(t, r->library, by, &l));
        bool loads = l.loads;
        uint32_t error = l.error;

        target_load_done(&l);
        return loads ? remedy_saw(ret, REMEDY_HOLDS, "%s loads", r->library)
                     : remedy_saw(ret, REMEDY_NOT, "%s does not load (%u)", r->library, error);
    }
    TRY(product_signs(t, r, action_get(a, "product"), &known, &present));
    if (!known)
        return remedy_saw(ret, REMEDY_UNKNOWN, "firn knows no sign of this product");
    return remedy_saw(ret, present ? REMEDY_HOLDS : REMEDY_NOT, "the product is %s",
        present ? "there" : "not there");
}

static char *
wanted_installed(const struct action *a)
{
    const struct runtime *r = runtime_find(action_get(a, "path"));
    const char *path = action_get(a, "path");
    char *s;

    return (r != NULL ? asprintf(&s, "%s is installed by %s", r->name, path)
                      : asprintf(&s, "%s is run", path)) < 0 ? NULL : s;
}

static struct err *
record_installed(struct target *t, const struct action *a, json_t **ret)
{
    auto_free char *path = NULL;
    const struct runtime *r;
    bool known, present;

    TRY(find_installer(t, action_get(a, "path"), &path));
    r = runtime_find(path != NULL ? path : action_get(a, "path"));
    TRY(product_signs(t, r, action_get(a, "product"), &known, &present));
    TRY(remedy_json(json_pack("{s:s?, s:b, s:b}", "path", path, "known", known, "present",
                        present),
        ret));
    return NULL;
}

/* Arguments are words with blanks between them; a quoted one may hold blanks.  Pointers go
 * into ${words}, which is changed.  False when there are too many. */
static bool
split(char *words, const char **argv, size_t *n)
{
    for (char *s = words; *s != '\0';) {
        char stop = ' ';

        s += strspn(s, " ");
        if (*s == '\0')
            break;
        if (*s == '"') {
            stop = '"';
            s++;
        }
        if (*n >= ARGS_MAX)
            return false;
        argv[(*n)++] = s;
        while (*s != '\0' && *s != stop)
            s++;
        if (*s != '\0')
            *s++ = '\0';
    }
    return true;
}

static struct err *
run_installer(struct target *t, const char *path, const char *args, bool removing,
    struct deadline by, struct remedy_done *ret)
{
    const char *argv[ARGS_MAX + 4] = { path };
    auto_free char *words = strdup(args), *output = NULL;
    size_t n = 1;
    struct err *e;

    if (words == NULL)
        return fail(OutOfMemory);
    if (ends_with(path, ".msi")) {
        argv[0] = MSIEXEC;
        argv[n++] = removing ? "/x" : "/i";
        argv[n++] = path;
    }
    if (!split(words, argv, &n))
        return fail(InputInvalid, "the arguments of an installer", "there are too many");
    e = target_run(t, argv, by, &ret->exit, &output);
    ret->has_exit = e == NULL;
    if (err_code(e) == E_DeadlinePassed) {
        err_free(e);
        ret->class = EXIT_HUNG;
        return NULL;
    }
    TRY(e);
    ret->class = exitcode_class(ret->exit, output);
    if (output != NULL && *output != '\0') {
        size_t len = strlen(output);
        struct text tail = { 0 };

        text_escaped(&tail, len > LOG_TAIL ? output + len - LOG_TAIL : output);
        ret->words = tail.s;
    }
    return NULL;
}

static const char *
silent_args(const struct action *a, const char *path)
{
    const struct runtime *r = runtime_find(path);
    const char *args = action_get(a, "args");

    return args != NULL ? args : ends_with(path, ".msi") ? "/quiet /norestart" :
        r != NULL ? r->silent : "/install /quiet /norestart";
}

static void
settle(struct remedy_done *ret)
{
    switch (exitcode_next(ret->class)) {
    case NEXT_VERIFY:
        ret->end = REMEDY_DONE;
        break;
    case NEXT_RESTART:
    case NEXT_WAIT_RESTART:
        ret->end = REMEDY_AFTER_RESTART;
        break;
    case NEXT_WAIT_IDLE:
    case NEXT_CHECK_SERVICE:
    case NEXT_PERSON:
        ret->end = REMEDY_FAILED;
        break;
    }
}

static struct err *
apply_installed(struct target *t, const struct action *a, const json_t *before,
    struct deadline by, struct remedy_done *ret)
{
    const char *path = json_string_value(json_object_get(before, "path"));

    if (path == NULL) { /* the article's file is not on this machine */
        ret->class = EXIT_MISSING;
        ret->end = REMEDY_FAILED;
        ret->words = strdup("the installer is not there");
        return NULL;
    }
    TRY(run_installer(t, path, silent_args(a, path), false, by, ret));
    settle(ret);
    return NULL;
}

static struct err *
kept(char **ret_kept, const char *why)
{
    *ret_kept = strdup(why);
    return *ret_kept == NULL ? fail(OutOfMemory) : NULL;
}

/* A run that was killed may have left its installer at work, whose signs appear only later:
 * while an installation is under way nothing can be told, nor removed.  Who cannot tell is not
 * waited for. */
static struct err *
await_idle(struct target *t)
{
    const int64_t until = target_now_ns(t) + IDLE_MS * CLOCK_MS;
    bool busy = false;

    for (;;) {
        struct err *e = target_installer_busy(t, &busy, NULL);

        if (err_has(e, E_OutOfMemory) || err_has(e, E_Interrupted))
            return e;
        busy = busy && e == NULL;
        err_free(e);
        if (!busy || target_now_ns(t) >= until)
            return NULL;
        TRY(target_wait(t, IDLE_STEP_MS));
    }
}

static struct err *
undo_installed(struct target *t, const struct action *a, const json_t *before,
    struct deadline by, char **ret_kept)
{
    const char *path = json_string_value(json_object_get(before, "path"));
    const struct runtime *r = runtime_find(path == NULL ? "" : path);
    struct remedy_done done = { 0 };
    bool known, present;

    if (!json_is_boolean(json_object_get(before, "present")))
        return remedy_bad_record(a);
    if (path == NULL)
        return NULL;
    if (json_is_true(json_object_get(before, "present")))
        return kept(ret_kept, "what was installed before is left as it is");
    TRY(await_idle(t));
    TRY(product_signs(t, r, action_get(a, "product"), &known, &present));
    if (!known)
        return kept(ret_kept, "firn cannot tell whether it was there before: it stays");
    if (!present)
        return NULL;
    TRY(run_installer(t, path, ends_with(path, ".msi") ? "/quiet /norestart" : r->remove, true,
        by, &done));
    enum exit_class class = done.class;
    uint32_t code = done.exit;

    remedy_done_done(&done);
    return exitcode_error(class, path, code);
}

/* ---- Windows Installer packages by name ---- */

static struct err *
look_msi(struct target *t, const struct action *a, struct deadline by, struct remedy_look *ret)
{
    (void)by;
    (void)a;
    return remedy_saw(ret, REMEDY_UNKNOWN, "%s keeps no list that firn reads", t->name);
}

static struct err *
apply_msi_remove(struct target *t, const struct action *a, const json_t *before,
    struct deadline by, struct remedy_done *ret)
{
    const char *product = action_get(a, "product");

    (void)before;
    if (product[0] != '{' || strlen(product) != 38)
        return fail(TargetCannot, t->name, "remove a product by another name than its code");
    TRY(remedy_run(t, by, &ret->exit, NULL, MSIEXEC, "/x", product, "/quiet", "/norestart",
        NULL));
    ret->has_exit = true;
    ret->class = exitcode_class(ret->exit, NULL);
    settle(ret);
    return NULL;
}

/* ---- libraries ---- */

static struct err *
look_loads(struct target *t, const struct action *a, struct deadline by,
    struct remedy_look *ret)
{
    const char *name = action_get(a, "name"), *dir = action_get(a, "dir");
    auto_free char *path = NULL, *real = NULL;
    struct target_load l = { 0 };
    struct err *e;

    if (dir != NULL) {
        if (asprintf(&path, "%s%c%s", dir, t->os == ACTION_WINDOWS ? '\\' : '/', name) < 0)
            return fail(OutOfMemory);
        TRY(target_latest(t, path, &real));
        if (real == NULL)
            return remedy_saw(ret, REMEDY_NOT, "there is no version of %s", dir);
    }
    TRY(target_load(t, real != NULL ? real : name, by, &l));
    if (l.loads)
        e = remedy_saw(ret, REMEDY_HOLDS, "%s loads", name);
    else
        e = remedy_saw(ret, REMEDY_NOT, "%s does not load (%u)%s%s%s%.200s", name, l.error,
            l.missing != NULL ? ": not found: " : "", l.missing != NULL ? l.missing : "",
            l.words != NULL ? ": " : "", l.words != NULL ? l.words : "");
    target_load_done(&l);
    return e;
}

static struct err *
register_library(struct target *t, const struct action *a, bool remove, struct deadline by,
    struct remedy_done *ret)
{
    auto_free char *path = NULL;

    TRY(target_latest(t, action_get(a, "path"), &path));
    if (path == NULL)
        return fail(TargetRefused, t->name, "find the library", 2);
    TRY(remove ? remedy_run(t, by, &ret->exit, NULL, REMEDY_SYSTEM32 "regsvr32.exe", "/s",
                     "/u", path, NULL)
               : remedy_run(t, by, &ret->exit, NULL, REMEDY_SYSTEM32 "regsvr32.exe", "/s",
                     path, NULL));
    ret->has_exit = true;
    ret->class = ret->exit == 0 ? EXIT_OK : EXIT_FATAL;
    ret->end = ret->exit == 0 ? REMEDY_DONE : REMEDY_FAILED;
    return NULL;
}

static struct err *
apply_register(struct target *t, const struct action *a, const json_t *before,
    struct deadline by, struct remedy_done *ret)
{
    (void)before;
    TRY(register_library(t, a, false, by, ret));
    return NULL;
}

static struct err *
apply_unregister(struct target *t, const struct action *a, const json_t *before,
    struct deadline by, struct remedy_done *ret)
{
    (void)before;
    TRY(register_library(t, a, true, by, ret));
    return NULL;
}

/* No primitive tells whether a library had registered itself. */
static struct err *
undo_register(struct target *t, const struct action *a, const json_t *before,
    struct deadline by, char **ret_kept)
{
    (void)t;
    (void)a;
    (void)before;
    (void)by;
    return kept(ret_kept, "firn cannot tell whether it was registered before: it stays");
}

/* ---- vssadmin ---- */

/* States are numbers in brackets, "[1] Stable"; names stand in quotes.  Words are in the
 * language of the machine and count for nothing. */
static struct err *
look_writers(struct target *t, const struct action *a, struct deadline by,
    struct remedy_look *ret)
{
    const char *only = action_get(a, "writer"), *want = action_get(a, "want");
    const char *good = want != NULL && strcmp(want, "unfailed") == 0 ? "12345" : "1";
    auto_free char *out = NULL;
    char *save = NULL;
    unsigned seen = 0, bad = 0;
    uint32_t code;
    bool mine = only == NULL;
    char first[128] = "", name[128] = "";

    TRY(remedy_run(t, by, &code, &out, REMEDY_SYSTEM32 "vssadmin.exe", "list", "writers",
        NULL));
    if (code != 0)
        return remedy_saw(ret, REMEDY_NOT, "vssadmin ends with %u", code);
    for (char *line = strtok_r(out, "\r\n", &save); line != NULL;
         line = strtok_r(NULL, "\r\n", &save)) {
        const char *quote = strchr(line, '\''), *at = strchr(line, '[');

        if (quote != NULL) {
            (void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(quote + 1, "'"),
                quote + 1);
            mine = only == NULL || strcasecmp(name, only) == 0;
        } else if (at != NULL && mine && at[1] >= '0' && at[1] <= '9') {
            bool fine = strchr(good, at[1]) != NULL && at[2] == ']';

            seen++;
            if (!fine && bad++ == 0)
                (void)snprintf(first, sizeof(first), "%.80s %.20s", name, at);
            mine = only == NULL;
        }
    }
    if (seen == 0)
        return remedy_saw(ret, REMEDY_NOT, "%s is not listed",
            only == NULL ? "no writer" : only);
    if (bad == 0)
        return remedy_saw(ret, REMEDY_HOLDS, "%u writer%s, %s%s", seen,
            seen == 1 ? "" : "s", seen == 1 ? "" : "all ",
            good[1] == '\0' ? "stable" : "stable or at work");
    return remedy_saw(ret, REMEDY_NOT, "of %u writer%s, %u not %s: %s", seen,
        seen == 1 ? "" : "s", bad, good[1] == '\0' ? "stable" : "stable or at work", first);
}

static struct err *
look_providers(struct target *t, const struct action *a, struct deadline by,
    struct remedy_look *ret)
{
    const char *only = action_get(a, "provider");
    auto_free char *out = NULL;
    uint32_t code;
    struct err *e = remedy_run(t, by, &code, &out, REMEDY_SYSTEM32 "vssadmin.exe", "list",
        "providers", NULL);

    if (err_code(e) == E_DeadlinePassed && !deadline_passed(by)) {
        err_free(e); /* it waits for the service */
        return remedy_saw(ret, REMEDY_NOT, "vssadmin does not answer within %d seconds",
            REMEDY_SHORT_MS / 1000);
    }
    TRY(e);
    if (code != 0)
        return remedy_saw(ret, REMEDY_NOT, "vssadmin ends with %u", code);
    bool there = only == NULL || (out != NULL && strstr(out, only) != NULL);

    return remedy_saw(ret, there ? REMEDY_HOLDS : REMEDY_NOT, "%s is %slisted",
        only == NULL ? "a provider" : only, there ? "" : "not ");
}

static struct err *
look_idle(struct target *t, const struct action *a, struct deadline by,
    struct remedy_look *ret)
{
    auto_free char *who = NULL;
    bool busy;

    (void)a;
    (void)by;
    TRY(target_installer_busy(t, &busy, &who));
    return busy ? remedy_saw(ret, REMEDY_NOT, "an installation is under way: %s",
                      who == NULL ? "by somebody" : who)
                : remedy_saw(ret, REMEDY_HOLDS, "no installation is under way");
}

#define RUNS (TARGET_FILES | TARGET_PROGRAMS)

const struct remedy_body remedy_installers[] = {
    { "windows.installer.idle", 0, 0, look_idle, NULL, NULL, NULL, NULL },
    { "windows.installer.run", TARGET_FILES, RUNS, look_installed, wanted_installed,
        record_installed, apply_installed, undo_installed },
    { "windows.msi.install", TARGET_FILES, RUNS, look_installed, wanted_installed,
        record_installed, apply_installed, undo_installed },
    { "windows.msi.remove", 0, TARGET_PROGRAMS, look_msi, NULL, NULL, apply_msi_remove, NULL },
    { "windows.library.loads", TARGET_LIBRARIES, 0, look_loads, NULL, NULL, NULL, NULL },
    { "linux.library.loads", TARGET_LIBRARIES, 0, look_loads, NULL, NULL, NULL, NULL },
    { "windows.library.register", TARGET_FILES, RUNS, look_msi, NULL, NULL, apply_register,
        undo_register },
    { "windows.library.unregister", TARGET_FILES, RUNS, look_msi, NULL, NULL, apply_unregister,
        undo_register },
    { "windows.vss.writers", TARGET_PROGRAMS, 0, look_writers, NULL, NULL, NULL, NULL },
    { "windows.vss.providers", TARGET_PROGRAMS, 0, look_providers, NULL, NULL, NULL, NULL },
    { 0 },
};
