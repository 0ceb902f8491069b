/* SPDX-License-Identifier: Apache-2.0 */
/* A path is walked from the root, each folder opened from the one before and judged by what
 * is open, so nothing can be exchanged between the judgement and the use. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "codes.h"
#include "doc.h"
#include "os.h"
#include "run.h"
#include "script.h"
#include "script_start.h"
#include "text.h"

#define CONFIG "/etc/azure/VMSnapshotScriptPluginConfig.json"

enum {
    CONFIG_MAX = 64 * 1024,
    WORDS_MAX = 400, /* bytes of what a script printed */
    CAREFUL = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK
};

struct one {
    const char *path; /* NULL: none */
    int fd;           /* checked and open, or -1 */
    bool shell;       /* it names no interpreter */
    const char *parameter[SCRIPT_PARAMETERS_MAX + 1];
    int64_t retries;
};

struct scripts {
    struct doc *doc;
    char *config;
    struct one pre, post;
    int64_t timeout_s;
    bool goes_on;
};

static bool
ours(const struct stat *st)
{
    return st->st_uid == 0 || st->st_uid == geteuid();
}

/* Why somebody else could have had a hand in it; NULL when nobody could. */
static const char *
folder_fault(int fd)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return "a folder above it cannot be looked at";
    if (!ours(&st))
        return "a folder above it belongs to another user";
    if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0 && (st.st_mode & S_ISVTX) == 0)
        return "a folder above it can be written by other users";
    return NULL;
}

static const char *
file_fault(int fd, bool program)
{
    struct stat st;

    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return "it is not a regular file";
    if (!ours(&st))
        return "it belongs to another user";
    if (st.st_nlink != 1)
        return "it has a second name";
    if ((st.st_mode & 077) != 0)
        return program ? "its mode is not 700" : "its mode is not 600";
    if (program != ((st.st_mode & S_IXUSR) != 0))
        return program ? "its mode is not 700" : "its mode is not 600";
    return NULL;
}

/* *ret_fault = NULL and *ret_fd an open file, or -1 when there is no such file. */
static void
open_checked(const char *path, bool program, int *ret_fd, const char **ret_fault)
{
    auto_fd int dir = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const char *s = path;
    char part[256];

    *ret_fd = -1;
    *ret_fault = *s == '/' ? NULL : "its path is not absolute";
    while (*ret_fault == NULL) {
        size_t len = strcspn(s += strspn(s, "/"), "/");
        bool last = s[len + strspn(s + len, "/")] == '\0';

        *ret_fault = dir < 0 ? "a folder above it cannot be opened" : folder_fault(dir);
        if (*ret_fault != NULL)
            return;
        if (len == 0 || len >= sizeof(part) || (s[0] == '.' && (len == 1 || s[1] == '.'))) {
            *ret_fault = "its path has a part that leads elsewhere";
            return;
        }
        memcpy(part, s, len);
        part[len] = '\0';
        int fd = openat(dir, part, CAREFUL | (last ? 0 : O_DIRECTORY));

        if (fd < 0) {
            if (errno != ENOENT)
                *ret_fault = "a part of its path is a link or cannot be opened";
            return;
        }
        if (last) {
            *ret_fd = fd;
            *ret_fault = file_fault(fd, program);
            return;
        }
        (void)close(dir);
        dir = fd;
        s += len;
    }
}

static struct err *
invalid(const struct scripts *s, const char *why)
{
    return fail(ScriptConfigInvalid, s->config, why);
}

static struct err *
parse_one(const struct scripts *s, const char *location, const char *parameters,
    const char *retries, struct one *to)
{
    const struct doc_value *root = doc_root(s->doc), *list = doc_get(root, parameters);
    const struct doc_value *n = doc_get(root, retries);
    size_t count = 0;

    to->path = doc_string(doc_get(root, location), "");
    if (*to->path == '\0')
        to->path = NULL;
    if (n != NULL && (!doc_int(n, &to->retries) || to->retries < 0 ||
                         to->retries > SCRIPT_RETRIES_MAX))
        return invalid(s, "a number of retries is from 0 to 5");
    if (list != NULL &&
        (doc_kind(list) != DOC_ARRAY || doc_count(list) > SCRIPT_PARAMETERS_MAX))
        return invalid(s, "parameters are a list of up to 16 strings");
    for (const struct doc_value *v = doc_first(list); v != NULL; v = doc_next(v)) {
        const char *word = doc_string(v, NULL);

        if (word == NULL)
            return invalid(s, "parameters are a list of up to 16 strings");
        if (*word != '\0') /* the sample of the contract has empty ones, meaning none */
            to->parameter[count++] = word;
    }
    return NULL;
}

/* Saved by an editor that writes UTF-16, or a byte order mark before the text? */
static bool
is_recoded(const char *bytes, size_t len)
{
    return (len >= 2 && (memcmp(bytes, "\xff\xfe", 2) == 0 ||
                            memcmp(bytes, "\xfe\xff", 2) == 0)) ||
        (len >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) ||
        memchr(bytes, '\0', len) != NULL;
}

static struct err *
parse(struct scripts *s, const char *bytes, size_t len)
{
    const struct doc_value *root, *v;
    struct err *e;

    if (is_recoded(bytes, len))
        return fail(FreezeConfigEncoding, "this machine", s->config);
    e = doc_parse("the configuration of scripts", bytes, len, &s->doc);
    if (e != NULL)
        return err_because(invalid(s, "it is no JSON that can be used"), e);
    root = doc_root(s->doc);
    if (doc_kind(root) != DOC_OBJECT)
        return invalid(s, "it is no object");
    s->timeout_s = SCRIPT_TIMEOUT_S;
    v = doc_get(root, "timeoutInSeconds");
    if (v != NULL && (!doc_int(v, &s->timeout_s) || s->timeout_s < 1 ||
                         s->timeout_s > SCRIPT_TIMEOUT_MAX_S))
        return invalid(s, "timeoutInSeconds is from 1 to 1800");
    s->goes_on = true;
    v = doc_get(root, "continueBackupOnFailure");
    if (v != NULL && !doc_bool(v, &s->goes_on))
        return invalid(s, "continueBackupOnFailure is true or false");
    TRY(parse_one(s, "preScriptLocation", "preScriptParams", "preScriptNoOfRetries", &s->pre));
    TRY(parse_one(s, "postScriptLocation", "postScriptParams", "postScriptNoOfRetries",
        &s->post));
    return NULL;
}

struct err *
script_parse(const char *path, const char *bytes, size_t len, struct scripts **ret)
{
    auto_ptr(scripts) s = calloc(1, sizeof(*s));

    if (s == NULL)
        return fail(OutOfMemory);
    s->pre.fd = s->post.fd = -1;
    s->config = strdup(path);
    if (s->config == NULL)
        return fail(OutOfMemory);
    TRY(parse(s, bytes, len));
    *ret = take(s);
    return NULL;
}

/* As it stands in the configuration: what reads it from a failure knows whether a backup may go
 * on. */
static const char *
rule(const struct scripts *s)
{
    return s->goes_on ? "true" : "false";
}

static struct err *
open_one(const struct scripts *s, struct one *o, const char *which)
{
    auto_free char *why = NULL;
    const char *fault = NULL;

    if (o->path == NULL)
        return NULL;
    open_checked(o->path, true, &o->fd, &fault);
    if (fault != NULL)
        return fail(ScriptOpen, which, o->path, fault, rule(s));
    if (o->fd < 0)
        return fail(ScriptMissing, which, o->path, rule(s));
    TRY(script_start_look(o->fd, &o->shell, &why));
    return why != NULL ? fail(ScriptUnstartable, which, o->path, why, rule(s)) : NULL;
}

/* The whole of a small file. */
static struct err *
read_open(int fd, const char *path, char **ret, size_t *ret_len)
{
    auto_free char *s = calloc(1, CONFIG_MAX + 1);
    size_t n = 0;

    if (s == NULL)
        return fail(OutOfMemory);
    while (n <= CONFIG_MAX) {
        ssize_t r = pread(fd, s + n, CONFIG_MAX + 1 - n, (off_t)n);

        if (r < 0)
            return fail(FileUnreadable, path);
        if (r == 0)
            break;
        n += (size_t)r;
    }
    if (n > CONFIG_MAX)
        return fail(ScriptConfigInvalid, path, "it is too long");
    *ret = take(s);
    *ret_len = n;
    return NULL;
}

struct err *
script_open(struct scripts **ret)
{
    auto_free char *given = NULL, *bytes = NULL;
    const char *path, *fault = NULL;
    auto_ptr(scripts) s = NULL;
    auto_fd int fd = -1;
    size_t len = 0;

    *ret = NULL;
    TRY(os_env("FIRN_SCRIPT_CONFIG", &given));
    path = given != NULL ? given : CONFIG;
    open_checked(path, false, &fd, &fault);
    if (fault != NULL)
        return fail(ScriptConfigOpen, path, fault);
    if (fd < 0)
        return NULL;
    TRY(read_open(fd, path, &bytes, &len));
    TRY(script_parse(path, bytes, len, &s));
    TRY(open_one(s, &s->pre, "pre"));
    TRY(open_one(s, &s->post, "post"));
    *ret = take(s);
    return NULL;
}

void
scripts_free(struct scripts *s)
{
    if (s == NULL)
        return;
    if (s->pre.fd >= 0)
        (void)close(s->pre.fd);
    if (s->post.fd >= 0)
        (void)close(s->post.fd);
    doc_free(s->doc);
    free(s->config);
    free(s);
}

struct err *
script_check(void)
{
    auto_ptr(scripts) s = NULL;

    TRY(script_open(&s));
    return NULL;
}

/* The end of what it printed, for the message; NULL when memory is short. */
static char *
last_words(const char *output)
{
    size_t n = strlen(output), from;

    while (n > 0 && output[n - 1] == '\n')
        n--;
    from = n > WORDS_MAX ? n - WORDS_MAX : 0;
    return strndup(output + from, n - from);
}

/* Either by itself, or by the shell, which reads the same open file. */
static struct err *
start(const struct scripts *s, const struct one *o, const char *which, const char *const env[],
    struct run **ret)
{
    const char *words[SCRIPT_PARAMETERS_MAX + 2] = { "/dev/fd/3" };
    struct run_options ro = { .program = o->path, .arguments = o->parameter,
        .program_fd = o->fd, .env = env, .folder = "/" };

    if (o->shell) {
        memcpy(words + 1, o->parameter, sizeof(o->parameter));
        ro.program = SCRIPT_SHELL;
        ro.arguments = words;
        ro.program_fd = 0;
        ro.given_fd = o->fd;
    }
    struct err *e = run_start(&ro, ret);
    return err_code(e) != E_ChildFailed ? e
        : err_because(fail(ScriptUnstartable, which, o->path, "the system refuses it", rule(s)),
              e);
}

static struct err *
run_once(const struct scripts *s, const struct one *o, const char *which, struct deadline by,
    bool *ret_warned)
{
    auto_free char *variable = NULL, *words = NULL;
    struct text t = { 0 };
    const char *env[] = { NULL, NULL };
    auto_ptr(run) r = NULL;
    uint32_t status = 0;
    bool ended;

    /* by its own name it is /dev/fd/3 */
    text_fmt(&t, "FIRN_SCRIPT=%s", o->path);
    if (t.no_memory)
        return fail(OutOfMemory);
    env[0] = variable = t.s;
    TRY(start(s, o, which, env, &r));
    TRY(run_wait(r, by, &ended, &status));
    if (!ended)
        return fail(ScriptTooSlow, which, o->path, s->timeout_s, rule(s));
    *ret_warned = status == 2;
    if (status == 0 || status == 2)
        return NULL;
    words = last_words(run_output(r));
    return words == NULL ? fail(OutOfMemory)
        : fail(ScriptFailed, which, o->path, (int64_t)status, words, rule(s));
}

static struct err *
run_script(const struct scripts *s, const struct one *o, const char *which, bool *ret_warned)
{
    struct deadline by = deadline_in_ms(s->timeout_s * 1000);
    struct err *e = NULL;

    *ret_warned = false;
    if (o->fd < 0)
        return NULL;
    for (int64_t i = 0; i <= o->retries; i++) {
        err_free(e);
        e = run_once(s, o, which, by, ret_warned);
        if (e == NULL || err_code(e) != E_ScriptFailed || deadline_passed(by))
            break;
    }
    return e;
}

struct err *
script_run_pre(struct scripts *s, bool *ret_warned)
{
    TRY(run_script(s, &s->pre, "pre", ret_warned));
    return NULL;
}

struct err *
script_run_post(struct scripts *s, bool *ret_warned)
{
    TRY(run_script(s, &s->post, "post", ret_warned));
    return NULL;
}

bool
script_goes_on(const struct scripts *s)
{
    return s->goes_on;
}
