/* SPDX-License-Identifier: Apache-2.0 */
/* Forms of prose that ask for one typed action: a service, an installer, a file, the machine,
 * the operation.  Each form is a verb that is an instruction (is_imperative), an object that
 * a closed list knows or that is written out in full, and nothing in between that could turn
 * the meaning. */
#include <string.h>
#include <strings.h>

#include "compile_internal.h"
#include "number.h"

static size_t
word_len(const struct sentence *s, size_t i)
{
    return s->word[i].to - s->word[i].from;
}

static const char *
word_at(const struct sentence *s, size_t i)
{
    return s->f->s + s->word[i].from;
}

/* Done in windows, or in the portal of a cloud. */
static bool
by_hand(const struct sentence *s)
{
    return has_word(s, 0, s->nwords,
        "services.msc|portal|blade|click|clicking|double-click|right-click|right|tab|button|"
        "dialog|console|mmc|gpedit|gpedit.msc|window|snap-in|gui|page|wizard|ui") ||
        has_phrase(s, 0, s->nwords, "task manager") ||
        has_phrase(s, 0, s->nwords, "control panel") ||
        has_phrase(s, 0, s->nwords, "server manager");
}

/* On some machine other than the one that is looked after. */
static bool
elsewhere(const struct sentence *s)
{
    static const char *const phrases[] = { "domain controller", "domain controllers",
        "process server", "configuration server", "backup server", "host server",
        "local computer", "local machine", "client computer", "client machine",
        "client machines", "on-premises server", "on-premises machine", "proxy server",
        "other machine", "another machine", "each node", "all nodes", "file server",
        "appliance", "master target", "management server", "your computer", "your pc",
        "your laptop", "your device", "your phone", "gateway machine", "jump box",
        "physical host", "hyper-v host", "vmm server", "dpm server", "sql server instance",
        "scale set", "app service", "web app", "cloud service", "the cluster",
        "your cluster", "head node", "worker node", "the router", "your router" };

    for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++)
        if (has_phrase(s, 0, s->nwords, phrases[i]))
            return true;
    return false;
}

static struct find *
find_words(struct finds *l, const struct sentence *s, size_t from, size_t to,
    const char *kind)
{
    size_t last = to > from ? to - 1 : from;

    return find_new(l, s->word[from].from, s->word[last].to, kind);
}

/* ---- services ---- */

/* The service that words from ${i} on name, at most ${far} words away; *ret_end is the word
 * after it.  "the VSS service", "service 'COM+ System Application'", "VSS (Volume Shadow
 * Copy) service". */
static const char *
service_near(const struct sentence *s, size_t i, size_t far, size_t *ret_at, size_t *ret_end)
{
    for (size_t k = i; k < s->nwords && k <= i + far; k++) {
        size_t n = 0;
        const char *name = service_at(s, k, &n);

        if (name != NULL) {
            *ret_at = k;
            *ret_end = k + n;
            return name;
        }
        if (s->word[k].after != 0 && strchr(".;:,", s->word[k].after) != NULL)
            return NULL;
        if (!word_is(s, k, "the|a|windows|service|services|called|named|of|microsoft|that|"
                           "following|your"))
            return NULL;
    }
    return NULL;
}

/* A name of one word that stands next to "service": in code or bold, or quoted. */
static size_t
marked_service(const struct sentence *s, size_t i, size_t far)
{
    for (size_t k = i; k < s->nwords && k <= i + far; k++) {
        const struct word *w = &s->word[k];
        bool quoted = w->before == '\'' || w->before == '"';
        bool code = (w->mark & FLAT_CODE) != 0, bold = (w->mark & FLAT_BOLD) != 0;
        const char *t = word_at(s, k);
        size_t len = word_len(s, k);

        if ((code || bold || quoted) && !name_is_generic(t, len) &&
            (word_is(s, k + 1, "service") || (k > i && word_is(s, k - 1, "service"))) &&
            memchr(t, ' ', len) == NULL && memchr(t, '\\', len) == NULL &&
            memchr(t, '.', len) == NULL && typographic(t, len) == NULL)
            /* a part of a longer bold name is none */
            return bold && !code && w->from > 0 && (s->f->mark[w->from - 1] & FLAT_BOLD) != 0
                ? SIZE_MAX
                : k;
        if (!word_is(s, k, "the|a|windows|service|called|named"))
            return SIZE_MAX;
    }
    return SIZE_MAX;
}

static void
service_is(struct finds *l, const struct sentence *s, size_t from, size_t to,
    const char *name, const char *want, bool look)
{
    bool unit = service_is_linux(name);
    bool start = strlen(want) == 1; /* "2", "3", "4" */
    const char *kind, *subject = unit ? "unit" : "service", *param = "want";
    struct find *f;

    if ((strcmp(want, "stopped") == 0 || want[0] == '4') &&
        service_protects(name, strlen(name)))
        return;
    if (unit && start)
        return;
    if (look) {
        kind = unit ? "linux.unit.is" : "windows.service.is";
        param = start ? "start" : "state";
        if (unit)
            want = strcmp(want, "running") == 0 ? "active" : "inactive";
    } else {
        kind = unit ? "linux.unit.state"
            : start ? "windows.service.start_type"
                    : "windows.service.state";
    }
    f = find_words(l, s, from, to, kind);
    if (f == NULL)
        return;
    find_put(l, f, subject, name, strlen(name));
    find_put(l, f, param, want, strlen(want));
    f->look = look;
}

/* "restart X": verb, service. */
static void
service_verb(struct finds *l, const struct sentence *s, size_t i)
{
    const char *want = word_is(s, i, "restart") ? "restarted"
        : word_is(s, i, "start")                ? "running"
        : word_is(s, i, "stop")                 ? "stopped"
                                                : NULL;
    auto_free char *own = NULL;
    const char *name;
    size_t at, end, k;

    if (want == NULL || !is_imperative(s, i))
        return;
    name = service_near(s, i + 1, 4, &at, &end);
    if (name == NULL) {
        k = marked_service(s, i + 1, 3);
        if (k == SIZE_MAX)
            return;
        own = strndup(word_at(s, k), word_len(s, k));
        if (own == NULL) {
            l->no_memory = true;
            return;
        }
        name = own;
        at = k;
        end = k + 1;
    } else if (s->word[at].before != '\'' && s->word[at].before != '"' && end == at + 1 &&
        (s->word[at].mark & (FLAT_CODE | FLAT_BOLD)) == 0 &&
        !has_word(s, at > 2 ? at - 2 : 0, end + 5, "service|services") &&
        !word_is(s, at, "vss|msdtc|msiserver|waagent|walinuxagent|comsysapp|netlogon"))
        return; /* a short word that means other things too */
    /* "restart the VSS writers" is another thing */
    if (word_is(s, end, "writer|writers|provider|providers|agents|on|snapshot|backup") &&
        !word_is(s, end, "on"))
        return;
    /* "and then" at the end of the list: "stop and start the X service" */
    while (end < s->nwords && word_is(s, end, "service|services"))
        end++;
    service_is(l, s, i, end, name, want, false);
}

/* "ensure that X is running", "verify the service X is started". */
static void
service_assert(struct finds *l, const struct sentence *s, size_t i)
{
    bool look = word_is(s, i, "verify|check|confirm|validate|see|determine");
    size_t k = i + 1, at, end;
    const char *name, *want = NULL;

    if (!look && !word_is(s, i, "ensure|make"))
        return;
    if (!is_imperative(s, i) || (word_is(s, i, "make") && !word_is(s, k, "sure")))
        return;
    while (word_is(s, k, "sure|that|if|whether|the|your"))
        k++;
    name = service_near(s, k, 3, &at, &end);
    if (name == NULL)
        return;
    while (word_is(s, end, "service|services|windows|on|the|vm|virtual|machine"))
        end++;
    if (!word_is(s, end, "is|are") || word_is(s, end + 1, "not"))
        return;
    end++;
    while (word_is(s, end, "up|and|in|a|the|present|installed|set|to|started|enabled,")) {
        if (word_is(s, end, "started"))
            want = "running";
        end++;
    }
    if (word_is(s, end, "running") && !word_is(s, end + 1, "as|under|with"))
        want = "running";
    else if (word_is(s, end, "stopped"))
        want = "stopped";
    else if (word_is(s, end, "automatic"))
        want = "2";
    else if (word_is(s, end, "disabled"))
        want = "4";
    else if (word_is(s, end, "manual"))
        want = "3";
    else if (want == NULL)
        return;
    service_is(l, s, i, end < s->nwords ? end + 1 : end, name, want, look);
}

/* "set the startup type of X to Automatic". */
static void
service_start_type(struct finds *l, const struct sentence *s, size_t i)
{
    const char *name = NULL, *want = NULL;
    size_t at = 0, end = 0;

    if (!word_is(s, i, "set|change") || !is_imperative(s, i) ||
        !(has_phrase(s, i, i + 12, "startup type") || has_phrase(s, i, i + 12, "start type") ||
            has_phrase(s, i, i + 12, "start-up type")))
        return;
    for (size_t k = i; name == NULL && k < s->nwords && k < i + 12; k++) {
        size_t n = 0;

        name = service_at(s, k, &n);
        at = k;
        end = k + n;
    }
    for (size_t k = i; want == NULL && k + 1 < s->nwords; k++)
        if (word_is(s, k, "to|as")) {
            want = word_is(s, k + 1, "automatic|auto") ? "2"
                : word_is(s, k + 1, "manual|demand")   ? "3"
                : word_is(s, k + 1, "disabled")        ? "4"
                                                       : NULL;
            end = k + 2 > end ? k + 2 : end;
        }
    if (name != NULL && want != NULL && at > i)
        service_is(l, s, i, end, name, want, false);
}

void
find_service(struct finds *l, const struct sentence *s)
{
    if (!has_word(s, 0, s->nwords,
            "restart|start|stop|ensure|make|verify|check|confirm|validate|set|change") ||
        by_hand(s) || elsewhere(s))
        return;
    for (size_t i = 0; i < s->nwords; i++) {
        if (word_is(s, i, "restart|start|stop"))
            service_verb(l, s, i);
        else if (word_is(s, i, "ensure|make|verify|check|confirm|validate"))
            service_assert(l, s, i);
        else if (word_is(s, i, "set|change"))
            service_start_type(l, s, i);
    }
}

/* ---- installers ---- */

/* A full Windows path at word ${i}; in running words it may hold blanks as a registry key
 * does.  *ret_end is the word after it.  To be freed. */
static char *
path_at(const struct sentence *s, size_t i, size_t *ret_end)
{
    const struct flat *f = s->f;
    size_t from = s->word[i].from, to = s->word[i].to, end = i + 1;
    const char *t = f->s + from;

    if (to - from < 4 || t[1] != ':' || t[2] != '\\' || (f->low[from] < 'a') ||
        f->low[from] > 'z')
        return NULL;
    if ((s->word[i].mark & FLAT_CODE) == 0) {
        if ((s->word[i].mark & FLAT_BOLD) != 0) {
            for (to = from; to < s->to && (f->mark[to] & FLAT_BOLD) != 0; to++)
                ;
            while (to > from && strchr(" .,:", f->s[to - 1]) != NULL)
                to--;
        } else { /* a blank belongs to it when a backslash follows within three words */
            for (size_t k = i + 1; k < s->nwords && k <= end + 2; k++) {
                if (s->word[k - 1].after != 0 || word_is(s, k, "to|and|or|folder|as"))
                    break;
                if (memchr(word_at(s, k), '\\', word_len(s, k)) != NULL &&
                    !(word_len(s, k) > 2 && word_at(s, k)[1] == ':')) {
                    to = s->word[k].to;
                    end = k + 1;
                }
            }
        }
    }
    while (end < s->nwords && s->word[end].from < to)
        end++;
    *ret_end = end;
    return strndup(t, to - from);
}

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
    if (!has_word(s, 0, s->nwords, "run|install|execute") || elsewhere(s))
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
    if (!has_word(s, 0, s->nwords, "rename|copy") || elsewhere(s))
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

/* ---- the machine ---- */

static void
restart(struct finds *l, const struct sentence *s, size_t i)
{
    bool reboot = word_is(s, i, "reboot");
    size_t k = i + 1;
    struct find *f;

    if (!is_imperative(s, i) || by_hand(s) || elsewhere(s))
        return;
    while (word_is(s, k, "the|your|this|impacted|affected|guest|azure|protected|source|windows|"
                         "linux|host|target|problem"))
        k++;
    if (words_are(s, k, "virtual machine"))
        k += 2;
    else if (word_is(s, k, "vm|machine|computer|system") || (reboot && word_is(s, k, "server")))
        k++;
    else if (!reboot || (k == i + 1 && k < s->nwords && s->word[i].after == 0 &&
                            !word_is(s, k, "and|or|then|to|once|again|if")))
        return;
    if (word_is(s, k, "s|extension|agent|service|scale|instances|and/or") ||
        word_is(s, k - 1, "vms|machines"))
        return;
    f = find_words(l, s, i, k, "machine.restart");
    if (f != NULL &&
        (has_phrase(s, k, s->nwords, "scheduled downtime") ||
            has_phrase(s, k, s->nwords, "maintenance window")))
        find_note(l, f, "maintenance-window", NULL);
}

static void
wait_some(struct finds *l, const struct sentence *s, size_t i)
{
    uint64_t n = 0, unit;
    size_t k = i + 1;
    char seconds[24];
    auto_free char *count = NULL;
    struct find *f;

    if (!is_imperative(s, i))
        return;
    while (word_is(s, k, "for|about|approximately|at|least|around|another|a|few"))
        k++;
    if (k + 1 >= s->nwords || has_word(s, i, k, "few"))
        return;
    count = strndup(word_at(s, k), word_len(s, k));
    if (count == NULL) {
        l->no_memory = true;
        return;
    }
    if (!number_parse(count, &n) || n == 0)
        return;
    unit = word_is(s, k + 1, "second|seconds|sec")                ? 1
        : word_is(s, k + 1, "minute|minutes|min|mins")            ? 60
        : word_is(s, k + 1, "hour|hours")                         ? 3600
                                                                  : 0;
    if (unit == 0 || n > 3600 || n * unit > 3600)
        return; /* longer than anybody would let a program wait */
    f = find_words(l, s, i, k + 2, "machine.wait");
    if (f == NULL)
        return;
    snprintf(seconds, sizeof(seconds), "%llu", (unsigned long long)(n * unit));
    find_put(l, f, "seconds", seconds, strlen(seconds));
}

/* "retry the backup operation", "trigger a manual backup", "try again". */
static void
retry(struct finds *l, const struct sentence *s, size_t i, bool about_backup)
{
    bool strong = word_is(s, i, "retry|re-try|rerun|re-run|retrigger|re-trigger");
    bool start = word_is(s, i, "trigger|triggered|start|run|perform|initiate|try");
    bool backup = false, object = false;
    size_t k = i + 1;

    if ((!strong && !start) ||
        !(is_imperative(s, i) || (word_is(s, i, "triggered") && i == 0)))
        return;
    while (k < s->nwords && (s->word[k - 1].after == 0 || s->word[k - 1].after == '"')) {
        if (word_is(s, k, "backup|backups|snapshot"))
            backup = true;
        else if (word_is(s, k, "operation|job|again") &&
            (strong || backup || word_is(s, i, "try")))
            object = true;
        else if (!word_is(s, k, "the|your|a|an|this|same|failed|vm|manual|ad-hoc|adhoc|"
                                "on-demand|new|another|full|first"))
            break;
        k++;
    }
    if (word_is(s, k, "schedule|policy|to|extension|configuration|item|items|server|agent|"
                      "vault|pre-check|wizard|report|reports|explorer|admin|center") &&
        !(object && word_is(s, k, "to")))
        return;
    if (!backup && !(object && about_backup) &&
        !(strong && about_backup && (k >= s->nwords || s->word[k - 1].after != 0)))
        return;
    if (word_is(s, i, "try") && !object)
        return;
    if (has_word(s, i, k, "restore|protection|replication"))
        return;
    (void)find_words(l, s, i, k, "operation.retry");
}

void
find_machine(struct finds *l, const struct sentence *s, bool about_backup)
{
    for (size_t i = 0; i < s->nwords; i++) {
        if (word_is(s, i, "reboot|restart"))
            restart(l, s, i);
        else if (word_is(s, i, "wait"))
            wait_some(l, s, i);
        else
            retry(l, s, i, about_backup);
    }
}

/* ---- for a person ---- */

static const struct flat_link *
link_in(const struct sentence *s)
{
    for (size_t i = 0; i < s->f->nlinks; i++)
        if (s->f->link[i].from >= s->from && s->f->link[i].from < s->to &&
            (strncasecmp(s->f->link[i].address, "http", 4) == 0 ||
                strncasecmp(s->f->link[i].address, "mailto:", 7) == 0))
            return &s->f->link[i];
    return NULL;
}

void
find_download(struct finds *l, const struct sentence *s)
{
    for (size_t i = 0; i < s->nwords; i++) {
        struct find *f;

        if (!word_is(s, i, "download") || !is_imperative(s, i))
            continue;
        for (size_t k = 0; k < s->f->nlinks; k++) {
            const struct flat_link *link = &s->f->link[k];

            if (link->from < s->word[i].from || link->from >= s->to)
                continue;
            f = find_new(l, s->word[i].from, link->to, "person.download");
            if (f != NULL)
                find_person(l, f, "person.download", link->address, strlen(link->address));
            return;
        }
    }
}

/* What is left: an instruction that no form covers.  A sentence that only leads to a list
 * ("perform the steps below:") is none. */
void
find_person_step(struct finds *l, const struct sentence *s)
{
    const struct flat_link *link = link_in(s);
    bool download = has_word(s, 0, s->nwords, "download|downloads");
    size_t verb = SIZE_MAX;
    struct find *f;
    long first, last;

    for (size_t i = 0; verb == SIZE_MAX && i < s->nwords; i++)
        if (is_verb(s, i) && is_imperative(s, i))
            verb = i;
    if (link == NULL && verb == SIZE_MAX)
        return;
    if (link == NULL &&
        (s->word[s->nwords - 1].after == ':' ||
            has_word(s, 0, s->nwords, "below|following")) &&
        has_word(s, 0, s->nwords,
            "step|steps|below|following|resolve|perform|instructions|actions|command|commands"))
        return;
    if (link == NULL && word_is(s, 0, "note|we|you|it|this"))
        return;
    if (link == NULL && labels_named(s, 0, s->nwords, &first, &last) && s->nwords < 14 &&
        has_word(s, 0, s->nwords, "perform|follow|complete|do|try"))
        return; /* "perform Step 1" */
    if (link != NULL && verb == SIZE_MAX && link->to - link->from < (s->to - s->from) / 2)
        return; /* a reference in passing */
    f = find_new(l, s->from, s->to, "person.do");
    if (f == NULL)
        return;
    if (link != NULL) {
        find_person(l, f, download ? "person.download" : "person.open", link->address,
            strlen(link->address));
        return;
    }
    find_person(l, f, "person.do", s->f->s + s->from, s->to - s->from);
    if (by_hand(s) || has_word(s, 0, s->nwords, "regedit|regedit.exe|gpedit.msc|services.msc"))
        find_note(l, f, "ui-launcher", NULL);
    if (has_word(s, 0, s->nwords, "delete|uninstall|remove|erase|format|drop"))
        find_note(l, f, "destroys", NULL);
    if (has_word(s, 0, s->nwords, "disable|disabled|off|stop") &&
        has_word(s, 0, s->nwords, "antivirus|anti-virus|firewall|defender|uac|selinux|policy"))
        find_note(l, f, "disables-security", NULL);
}
