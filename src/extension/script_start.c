/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's rules (binfmt_script): the first line, of which it sees START_MAX bytes; the
 * interpreter ends at a blank, and all that follows is one argument. */
#include <elf.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "auto.h"
#include "codes.h"
#include "proc.h"
#include "script_start.h"
#include "text.h"

enum { START_MAX = 256, HEADERS_MAX = 64 };

#define BLANKS " \t"
static const char NOT_THERE[] = "is not there";

static struct err *
say(struct text *t, char **ret_why)
{
    if (t->no_memory)
        return fail(OutOfMemory);
    *ret_why = t->s;
    return NULL;
}

/* What is wrong with the program at ${path}, or NULL. */
static const char *
program_fault(const char *path)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return NOT_THERE;
    if (!S_ISREG(st.st_mode) || access(path, X_OK) != 0)
        return "cannot be executed";
    return NULL;
}

/* ${rest} is what stands behind env: a program's name, or options.  With -S it is split, else
 * all of it is the name. */
static struct err *
look_for_env(const char *rest, char **ret_why)
{
    auto_free char *path = NULL, *name = NULL;
    struct text t = { 0 };
    size_t len = strlen(rest);

    if (strncmp(rest, "-S", 2) == 0) {
        rest += 2 + strspn(rest + 2, BLANKS);
        len = strcspn(rest, BLANKS);
    }
    if (len == 0 || *rest == '-' || memchr(rest, '=', len) != NULL)
        return NULL; /* other options, and variables: not looked through */
    name = strndup(rest, len);
    if (name == NULL)
        return fail(OutOfMemory);
    TRY(proc_find(name, &path));
    if (path != NULL && program_fault(path) == NULL)
        return NULL;
    text_fmt(&t, "\"%s\", which its first line lets env look for, is nowhere in PATH", name);
    return say(&t, ret_why);
}

static bool
is_env(const char *interpreter)
{
    const char *slash = strrchr(interpreter, '/');

    return strcmp(slash != NULL ? slash + 1 : interpreter, "env") == 0;
}

/* ${line}: the first line, behind "#!". */
static struct err *
look_at_line(char *line, char **ret_why)
{
    char *name = line + strspn(line, BLANKS);
    char *rest = name + strcspn(name, BLANKS);
    struct text t = { 0 };
    const char *fault;

    if (*rest != '\0')
        *rest++ = '\0';
    rest += strspn(rest, BLANKS);
    for (size_t n = strlen(rest); n > 0 && strchr(BLANKS, rest[n - 1]) != NULL; n--)
        rest[n - 1] = '\0';
    if (*name == '\0')
        text_str(&t, "its first line begins with #! and names no interpreter");
    else if (name[strlen(name) - 1] == '\r' || strchr(rest, '\r') != NULL)
        text_str(&t, "its lines end with a carriage return, as on Windows, which the system "
                     "takes for a part of its interpreter's name");
    else if ((fault = program_fault(name)) != NULL)
        text_fmt(&t, "its interpreter %s %s", name, fault);
    else if (is_env(name))
        return look_for_env(rest, ret_why);
    return say(&t, ret_why);
}

/* The loader that a program names, where it is one of this machine's kind. */
static struct err *
look_at_program(int fd, char **ret_why)
{
    struct text t = { 0 };
    char name[PATH_MAX];
    Elf64_Phdr p;
    Elf64_Ehdr h;

    if (pread(fd, &h, sizeof(h), 0) != sizeof(h) || h.e_ident[EI_CLASS] != ELFCLASS64 ||
        h.e_phentsize != sizeof(p))
        return NULL;
    for (unsigned i = 0; i < h.e_phnum && i < HEADERS_MAX; i++) {
        off_t at = (off_t)(h.e_phoff + i * sizeof(p));

        if (pread(fd, &p, sizeof(p), at) != sizeof(p))
            break;
        if (p.p_type != PT_INTERP || p.p_filesz == 0 || p.p_filesz > sizeof(name) ||
            pread(fd, name, p.p_filesz, (off_t)p.p_offset) != (ssize_t)p.p_filesz)
            continue;
        name[p.p_filesz - 1] = '\0';
        if (program_fault(name) != NULL)
            text_fmt(&t, "the loader that it needs, %s, %s", name, program_fault(name));
        break;
    }
    return say(&t, ret_why);
}

static struct err *
look_at_text(char *head, size_t len, bool *ret_shell, char **ret_why)
{
    struct text t = { 0 };
    char *end;

    *ret_shell = len < 2 || memcmp(head, "#!", 2) != 0;
    if (access("/dev/fd", X_OK) != 0) {
        text_str(&t, "/dev/fd, by which its interpreter reads it, is not there");
        return say(&t, ret_why);
    }
    if (*ret_shell && program_fault(SCRIPT_SHELL) != NULL)
        text_fmt(&t, "it names no interpreter, and " SCRIPT_SHELL " %s",
            program_fault(SCRIPT_SHELL));
    if (*ret_shell)
        return say(&t, ret_why);
    end = memchr(head, '\n', len);
    if (end == NULL && len >= START_MAX) {
        text_str(&t, "its first line is longer than the system reads");
        return say(&t, ret_why);
    }
    if (end != NULL)
        *end = '\0';
    return look_at_line(head + 2, ret_why);
}

struct err *
script_start_look(int fd, bool *ret_shell, char **ret_why)
{
    char head[START_MAX + 1] = "";
    struct statvfs fs;
    struct text t = { 0 };
    ssize_t n = pread(fd, head, START_MAX, 0);
    size_t len = n > 0 ? (size_t)n : 0;

    *ret_shell = false;
    *ret_why = NULL;
    if (n < 0)
        text_str(&t, "it cannot be read");
    else if (len >= SELFMAG && memcmp(head, ELFMAG, SELFMAG) == 0)
        TRY(look_at_program(fd, ret_why));
    else if (memchr(head, '\0', len) != NULL)
        text_str(&t, "it is neither a text nor a program of this system");
    else
        TRY(look_at_text(head, len, ret_shell, ret_why));
    if (!*ret_shell && *ret_why == NULL && t.len == 0 && fstatvfs(fd, &fs) == 0 &&
        (fs.f_flag & ST_NOEXEC) != 0)
        text_str(&t, "its file system is mounted so that nothing on it is run (noexec)");
    return *ret_why == NULL ? say(&t, ret_why) : NULL;
}
