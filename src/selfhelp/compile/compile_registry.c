/* SPDX-License-Identifier: Apache-2.0 */
/* Registry keys in all the notations that people use, and what setting a value of one comes
 * to: a start type, an override, a step for a person, or a plain value. */
#include <string.h>
#include <strings.h>

#include "compile_internal.h"

/* ---- keys ---- */

static const struct {
    const char *said, *root;
} roots[] = {
    { "HKEY_LOCAL_MACHINE", "HKLM" }, { "HKEY_CURRENT_USER", "HKCU" },
    { "HKEY_CLASSES_ROOT", "HKCR" }, { "HKEY_USERS", "HKU" },
    { "HKEY_CURRENT_CONFIG", "HKCC" }, { "HKLM", "HKLM" }, { "HKCU", "HKCU" },
    { "HKCR", "HKCR" }, { "HKU", "HKU" }, { "HKCC", "HKCC" },
};

static const char *
root_at(const char *s, size_t len, size_t *ret_len)
{
    for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++) {
        size_t n = strlen(roots[i].said);

        if (len <= n || strncasecmp(s, roots[i].said, n) != 0)
            continue;
        if (s[n] == ':')
            n++;
        if (len > n && strchr("\\ ->|", s[n]) != NULL && s[n] != '\0') {
            *ret_len = n;
            return roots[i].root;
        }
    }
    return NULL;
}

/* The length of a separator at ${s}: a backslash (or two), an arrow, > or |, with blanks
 * around them; 0: none. */
static size_t
separator(const char *s, size_t len, bool *ret_arrow)
{
    static const char *const arrows[] = { "->", "=>", ">", "|", "\xe2\x86\x92", "\xc2\xbb" };
    size_t i = 0;

    *ret_arrow = false;
    if (len > 0 && s[0] == '\\') {
        while (i < len && s[i] == '\\')
            i++;
        return i;
    }
    while (i < len && s[i] == ' ')
        i++;
    for (size_t k = 0; k < sizeof(arrows) / sizeof(arrows[0]); k++) {
        size_t n = strlen(arrows[k]);

        if (len - i < n || strncmp(s + i, arrows[k], n) != 0)
            continue;
        i += n;
        while (i < len && s[i] == ' ')
            i++;
        *ret_arrow = true;
        return i;
    }
    return 0;
}

/* The end of one part of a path.  In running words a blank belongs to it only when a
 * separator follows soon and the words between are no words of a sentence. */
static size_t
part_end(const char *s, size_t len, bool whole)
{
    size_t i = 0;

    while (i < len) {
        bool arrow;
        size_t n = separator(s + i, len - i, &arrow);

        if (n > 0 && !(arrow && s[i] == ' ' && s[i + n - 1] != ' '))
            return i;
        if (s[i] == FLAT_HARD || s[i] == '=' || strchr("\"[],;()", s[i]) != NULL)
            return i;
        if (s[i] == ' ' || s[i] == FLAT_SOFT) {
            size_t j = i + 1, words = 1, word = j;

            if (s[i + strspn(s + i, " ")] == '=')
                return i;
            for (; j < len && s[j] != '\\' && s[j] != '>' && j - i < 48; j++) {
                if (strchr(",;:.()\"=\n\r", s[j]) != NULL)
                    break;
                if (s[j] != ' ')
                    continue;
                if (in_list(s + word, j - word,
                        "and|or|to|is|in|the|from|under|at|of|key|value|registry|set|"
                        "folder|then|not|for|with|has"))
                    break;
                words++;
                word = j + 1;
            }
            if (j >= len || (s[j] != '\\' && s[j] != '>') || words > 3)
                return whole ? len : i;
        }
        i++;
    }
    return len;
}

static bool
first_part_ok(const char *root, const char *part, size_t len)
{
    if (strcmp(root, "HKLM") != 0)
        return true;
    return in_list(part, len, "SOFTWARE|SYSTEM|SAM|SECURITY|HARDWARE|BCD00000000|DRIVERS");
}

bool
registry_path(const char *s, size_t len, bool whole, struct reg_path *ret,
    const char **ret_problem)
{
    struct text key = { 0 };
    size_t i = 0, parts = 0;
    const char *root = root_at(s, len, &i);
    bool ok = root != NULL, arrows = false, arrow = false;

    *ret_problem = NULL;
    if (!ok)
        return false;
    text_str(&key, root);
    for (size_t n; ok && (n = separator(s + i, len - i, &arrow)) > 0;) {
        size_t end;

        if (parts > 0 && arrow != arrows && arrow)
            break; /* "HKLM\A\B > ..." */
        arrows = arrow;
        i += n;
        end = part_end(s + i, len - i, whole);
        while (end > 0 && s[i + end - 1] == ' ')
            end--;
        if (!whole && !arrow && i + end == len)
            while (end > 0 && strchr(".:!?", s[i + end - 1]) != NULL)
                end--;
        if (end == 0) /* "HKLM\A\B\" */
            break;
        if (has_placeholder(s + i, end))
            *ret_problem = "placeholder";
        else if (typographic(s + i, end) != NULL)
            *ret_problem = "typographic";
        else if (parts == 0 && !first_part_ok(root, s + i, end))
            *ret_problem = "loaded-hive";
        parts++;
        ok = *ret_problem == NULL;
        text_str(&key, "\\");
        text_add(&key, s + i, end);
        i += end;
    }
    if (ok && parts > 0 && !key.no_memory) {
        *ret = (struct reg_path){ key.s, i, arrows };
        return true;
    }
    text_done(&key);
    return false;
}

char *
registry_key(const char *s, size_t len, const char **ret_problem)
{
    struct reg_path p;

    while (len > 0 && s[len - 1] == '\\')
        len--;
    if (len > 2 && s[0] == '\\' && s[1] == '\\') {
        *ret_problem = "other-machine";
        return NULL;
    }
    if (!registry_path(s, len, true, &p, ret_problem))
        return NULL;
    if (p.to == len && !p.arrows)
        return p.key;
    free(p.key);
    return NULL;
}

/* ---- finishing a statement ---- */

const char *
registry_service(const char *key)
{
    static const char services[] = "HKLM\\SYSTEM\\CurrentControlSet\\Services\\";
    size_t n = sizeof(services) - 1;

    if (strncasecmp(key, services, n) != 0 || key[n] == '\0' || strchr(key + n, '\\') != NULL)
        return NULL;
    return key + n;
}

const char *
registry_guess(const char *name, const char *data, bool *ret_sure)
{
    const char *type = registry_type(name);
    size_t n = strspn(data, "0123456789");

    *ret_sure = type != NULL;
    if (type != NULL)
        return type;
    return n > 0 && data[n] == '\0' && n < 10 ? "dword" : "sz";
}

static void
change_kind(struct find *f, const char *kind)
{
    action_done(&f->action);
    action_init(&f->action, action_find(kind));
}

void
registry_set(struct finds *l, struct find *f, const char *key, const char *name,
    const char *type, const char *data)
{
    const char *service = registry_service(key), *known;
    bool start = service != NULL && strcasecmp(name, "Start") == 0 && strlen(data) == 1 &&
        data[0] >= '2' && data[0] <= '4';

    if (name_is_generic(service != NULL ? service : "x-none",
            service != NULL ? strlen(service) : 6)) {
        find_person(l, f, f->command ? "person.command" : "person.do", key, strlen(key));
        find_note(l, f, "placeholder", NULL);
        return;
    }
    if (strncmp(key, "HKLM\\", 5) != 0) { /* of a user, and whose is open */
        find_person(l, f, f->command ? "person.command" : "person.do", key, strlen(key));
        return;
    }
    if (registry_protects(key, name, data) ||
        (start && data[0] == '4' && service_protects(service, strlen(service)))) {
        find_person(l, f, f->command ? "person.command" : "person.do", key, strlen(key));
        find_note(l, f, "disables-security", NULL);
        return;
    }
    if (start) {
        known = service_known(service, strlen(service));
        change_kind(f, f->look ? "windows.service.is" : "windows.service.start_type");
        find_put(l, f, "service", known != NULL ? known : service,
            strlen(known != NULL ? known : service));
        find_put(l, f, f->look ? "start" : "want", data, 1);
        return;
    }
    if (f->look)
        change_kind(f, "windows.registry.is");
    else if (registry_overrides(key, name))
        change_kind(f, "override.set");
    find_put(l, f, "key", key, strlen(key));
    find_put(l, f, "name", name, strlen(name));
    find_put(l, f, "type", type, strlen(type));
    find_put(l, f, "data", data, strlen(data));
    if (action_is(&f->action, "override.set"))
        find_note(l, f, "override-only", NULL);
    if (!f->action.kind->person && !action_complete(&f->action))
        find_person(l, f, f->command ? "person.command" : "person.do", key, strlen(key));
}
