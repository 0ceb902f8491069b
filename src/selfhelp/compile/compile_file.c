/* SPDX-License-Identifier: Apache-2.0 */
/* Prose about files: an installer that is run from its folder, a file that is renamed or
 * copied.  Paths must be there in full; only the folder of a newest version may be left
 * open. */
#include <string.h>
#include <strings.h>

#include "compile_internal.h"

/* ---- installers ---- */

/* ${path} with its placeholder of a newest version made <latest>; *ret_said is set when there
 * was one.  NULL when another placeholder is left. */
static char *
latest_path(const char *path, bool *ret_said, bool *no_memory)
{
    struct text t = { 0 };

    *ret_said = false;
    for (const char *p = path; *p != '\0';) {
        size_t n = strcspn(p, "\\");

        if (folder_is_latest(p, n)) {
            text_str(&t, ACTION_LATEST);
            *ret_said = true;
        } else if (has_placeholder(p, n)) {
            text_done(&t);
            return NULL;
        } else {
            text_add(&t, p, n);
        }
        p += n;
        if (*p == '\\' && p[1] != '\0')
            text_str(&t, "\\");
        p += *p == '\\';
    }
    if (t.no_memory) {
        *no_memory = true;
        text_done(&t);
        return NULL;
    }
    return t.s;
}

static bool
ends_in(const char *s, size_t len, const char *end)
{
    size_t n = strlen(end);

    return len > n && strncasecmp(s + len - n, end, n) == 0;
}

/* Does the file's name say that it installs something? */
static bool
is_installer(const char *s, size_t len)
{
    char low[128];
    size_t n = len < sizeof(low) ? len : sizeof(low) - 1;

    for (size_t i = 0; i < n; i++)
        low[i] = (char)(s[i] >= 'A' && s[i] <= 'Z' ? s[i] + 32 : s[i]);
    low[n] = '\0';
    return strstr(low, "redist") != NULL || strstr(low, "setup") != NULL ||
        strstr(low, "install") != NULL || ends_in(s, len, ".msi");
}

/* A program's file name at word ${i}: with its suffix, or marked, or named as a file. */
static bool
is_program_file(const struct sentence *s, size_t i)
{
    size_t len;
    const char *t;

    if (i >= s->nwords)
        return false;
    len = word_len(s, i);
    t = word_at(s, i);
    if (len < 4 || has_placeholder(t, len) || name_is_generic(t, len) ||
        typographic(t, len) != NULL || memchr(t, ' ', len) != NULL ||
        memchr(t, '\\', len) != NULL || memchr(t, '/', len) != NULL || !is_installer(t, len))
        return false;
    if (ends_in(t, len, ".exe") || ends_in(t, len, ".msi"))
        return true;
    return memchr(t, '.', len) == NULL && strpbrk(t, "_0123456789") < t + len &&
        strpbrk(t, "_0123456789") != NULL;
}

static void
installer(struct finds *l, const struct sentence *s, size_t from, size_t to, const char *dir,
    size_t file)
{
    const char *name = word_at(s, file);
    size_t len = word_len(s, file);
    bool latest = false, suffix;
    auto_free char *folder = latest_path(dir, &latest, &l->no_memory);
    struct text path = { 0 };
    struct find *f;

    suffix = ends_in(name, len, ".exe") || ends_in(name, len, ".msi");
    if (folder == NULL)
        return;
    text_str(&path, folder);
    if (path.len > 0 && path.s[path.len - 1] != '\\')
        text_str(&path, "\\");
    text_add(&path, name, len);
    f = path.no_memory ? NULL
        : find_words(l, s, from, to,
              ends_in(name, len, ".msi") ? "windows.msi.install" : "windows.installer.run");
    l->no_memory = l->no_memory || path.no_memory;
    if (f != NULL) {
        find_put(l, f, "path", path.s, path.len);
        if (latest)
            find_note(l, f, "placeholder",
                "the folder of the newest version is meant; it is found by number");
        if (!suffix)
            find_note(l, f, "extension-missing", NULL);
    }
    text_done(&path);
}

/* "Go to FOLDER and run FILE", "run FILE from FOLDER", "run FOLDER\FILE". */
void
find_installer(struct finds *l, const struct sentence *s)
{
    if (!has_word(s, 0, s->nwords, "run|install|execute"))
        return;
    for (size_t i = 0; i < s->nwords; i++) {
        bool run = word_is(s, i, "run|install|execute");
        size_t end = 0, k = i + 1;
        auto_free char *path = NULL;

        if (!run || !is_imperative(s, i))
            continue;
        while (word_is(s, k, "the|file|installer|program|setup|executable|this"))
            k++;
        if (k >= s->nwords)
            return;
        path = path_at(s, k, &end);
        if (path != NULL) { /* the whole path */
            char *name = strrchr(path, '\\');
            bool latest = false;
            auto_free char *full = latest_path(path, &latest, &l->no_memory);
            bool msi = ends_in(path, strlen(path), ".msi");
            struct find *f;

            if (full == NULL || name == NULL || !is_installer(name + 1, strlen(name + 1)) ||
                !(msi || ends_in(path, strlen(path), ".exe")))
                continue;
            f = find_words(l, s, i, end, msi ? "windows.msi.install" : "windows.installer.run");
            if (f != NULL)
                find_put(l, f, "path", full, strlen(full));
            if (f != NULL && latest)
                find_note(l, f, "placeholder",
                    "the folder of the newest version is meant; it is found by number");
            continue;
        }
        if (!is_program_file(s, k))
            continue;
        for (size_t d = 0; d < s->nwords; d++) { /* its folder, before or after it */
            path = path_at(s, d, &end);
            if (path == NULL)
                continue;
            installer(l, s, d < i ? d : i, (end > k + 1 ? end : k + 1), path, k);
            break;
        }
    }
}

/* ---- files ---- */

static bool
plain_path(const char *p)
{
    return p != NULL && !has_placeholder(p, strlen(p)) && typographic(p, strlen(p)) == NULL &&
        strlen(p) > 4;
}

/* "Rename FILE to FILE", "Copy FILE to FILE": both in full. */
void
find_file(struct finds *l, const struct sentence *s)
{
    if (!has_word(s, 0, s->nwords, "rename|copy"))
        return;
    for (size_t i = 0; i < s->nwords; i++) {
        const char *kind = word_is(s, i, "rename") ? "file.rename"
            : word_is(s, i, "copy")                ? "file.copy"
                                                   : NULL;
        auto_free char *from = NULL, *to = NULL;
        size_t end = 0, k = i + 1, stop = 0;
        struct find *f;

        if (kind == NULL || !is_imperative(s, i))
            continue;
        while (word_is(s, k, "the|file|folder|from|directory"))
            k++;
        if (k >= s->nwords)
            return;
        from = path_at(s, k, &end);
        while (word_is(s, end, "folder|file|directory"))
            end++;
        if (from == NULL || !word_is(s, end, "to|as") || end + 1 >= s->nwords)
            continue;
        to = path_at(s, end + 1, &stop);
        if (!plain_path(from) || !plain_path(to))
            continue;
        if (from[strlen(from) - 1] == '\\' || to[strlen(to) - 1] == '\\')
            continue; /* a folder: which file? */
        f = find_words(l, s, i, stop, kind);
        if (f == NULL)
            return;
        find_put(l, f, "from", from, strlen(from));
        find_put(l, f, "to", to, strlen(to));
    }
}
