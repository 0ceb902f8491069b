/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the manifest.  Names are taken from a short list of characters, so that no system
 * reads them in its own way (parents, drives, streams, devices, other case of the same
 * name). */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "bytes.h"
#include "codes.h"
#include "exitcode.h"
#include "os.h"
#include "package.h"

static bool
name_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '.' || c == '_' || c == '-' || c == '+';
}

/* Windows takes these for devices in any folder, with any suffix. */
static bool
is_device(const char *part, size_t len)
{
    static const char *const names[] = { "con", "prn", "aux", "nul" };
    size_t stem = 0;

    while (stem < len && part[stem] != '.')
        stem++;
    for (size_t i = 0; stem == 3 && i < sizeof(names) / sizeof(names[0]); i++)
        if (strncasecmp(part, names[i], 3) == 0)
            return true;
    return stem == 4 && part[3] >= '0' && part[3] <= '9' &&
           (strncasecmp(part, "com", 3) == 0 || strncasecmp(part, "lpt", 3) == 0);
}

static bool
part_ok(const char *part, size_t len)
{
    if (len == 0 || part[0] == '.' || part[len - 1] == '.' || is_device(part, len))
        return false;
    for (size_t i = 0; i < len; i++)
        if (!name_character(part[i]))
            return false;
    return true;
}

bool
package_file_name_ok(const char *name)
{
    unsigned depth = 0;

    if (strlen(name) > PACKAGE_NAME_MAX)
        return false;
    for (;;) {
        size_t len = strcspn(name, "/");

        if (!part_ok(name, len) || ++depth > OS_DEPTH_MAX)
            return false;
        if (name[len] == '\0')
            return true;
        name += len + 1;
    }
}

bool
package_name_ok(const char *name)
{
    return strlen(name) <= PACKAGE_NAME_MAX && part_ok(name, strlen(name)) &&
           strchr(name, '.') != NULL;
}

static struct err *
wrong(const struct package *p, const char *what)
{
    return fail(PackageManifestInvalid, p->folder, what);
}

static struct err *
parse_file(struct package *p, const struct doc_value *v)
{
    struct package_file *f = &p->files[p->nfiles];
    uint8_t sum[DIGEST_BYTES];
    int64_t len = -1;

    f->name = doc_name(v);
    f->sha256 = doc_string(doc_get(v, "sha256"), "");
    if (!package_file_name_ok(f->name))
        return fail(PackageNameRefused, p->folder, f->name);
    if (!bytes_from_hex(f->sha256, sum, sizeof(sum)) || !doc_int(doc_get(v, "size"), &len) ||
        len < 0)
        return wrong(p, "a file needs size and sha256");
    (void)doc_bool(doc_get(v, "run"), &f->run);
    f->len = (uint64_t)len;
    /* on Windows two names that differ in case are one file */
    for (size_t i = 0; i < p->nfiles; i++)
        if (strcasecmp(p->files[i].name, f->name) == 0)
            return fail(PackageNameRefused, p->folder, f->name);
    p->nfiles++;
    return NULL;
}

static struct err *
parse_files(struct package *p, const struct doc_value *files)
{
    size_t n = doc_count(files);

    if (doc_kind(files) != DOC_OBJECT || n == 0 || n > PACKAGE_FILES_MAX)
        return wrong(p, "files must name from 1 to 1024 files");
    p->files = calloc(n, sizeof(p->files[0]));
    if (p->files == NULL)
        return fail(OutOfMemory);
    for (const struct doc_value *v = doc_first(files); v != NULL; v = doc_next(v))
        TRY(parse_file(p, v));
    if (package_file(p, "HandlerManifest.json") == NULL)
        return wrong(p, "files must name HandlerManifest.json");
    return NULL;
}

static struct err *
parse_head(struct package *p, const char *platform, const struct doc_value *root)
{
    int64_t schema = 0;

    p->name = doc_string(doc_get(root, "name"), "");
    p->version = doc_string(doc_get(root, "version"), "");
    p->platform = doc_string(doc_get(root, "platform"), "");
    if (!doc_int(doc_get(root, "schema"), &schema) || schema != 1)
        return wrong(p, "schema must be 1");
    if (!package_name_ok(p->name))
        return wrong(p, "name must be publisher.name");
    if (!dotted_parse(p->version, &p->dotted))
        return wrong(p, "version must be numbers with dots");
    if (strcmp(p->platform, platform) != 0)
        return fail(PackageForeign, p->folder, p->platform, platform);
    return NULL;
}

/* Strings of an array, all of which pass ${ok}. */
static bool
parse_strings(const struct doc_value *v, bool (*ok)(const char *s), const char **to,
    size_t max, size_t *ret_n)
{
    size_t n = 0;

    if (doc_kind(v) != DOC_ARRAY || doc_count(v) > max)
        return false;
    for (const struct doc_value *i = doc_first(v); i != NULL; i = doc_next(i)) {
        to[n] = doc_string(i, NULL);
        if (to[n] == NULL || !ok(to[n]))
            return false;
        n++;
    }
    *ret_n = n;
    return true;
}

static bool
library_ok(const char *s)
{
    return strlen(s) <= PACKAGE_NAME_MAX && part_ok(s, strlen(s));
}

static bool
argument_ok(const char *s)
{
    return strlen(s) <= 1024;
}

/* A code is a capital letter, then letters and digits. */
static bool
code_ok(const char *s)
{
    size_t n = strlen(s);

    return n >= 3 && n <= 100 && s[0] >= 'A' && s[0] <= 'Z' &&
           strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") == n;
}

static struct err *
parse_exit_codes(struct package *p, const struct doc_value *codes)
{
    int class;

    if (codes == NULL)
        return NULL;
    if (doc_kind(codes) != DOC_OBJECT || doc_count(codes) > 64)
        return wrong(p, "exitCodes must be an object");
    for (const struct doc_value *v = doc_first(codes); v != NULL; v = doc_next(v))
        if (strspn(doc_name(v), "0123456789") != strlen(doc_name(v)) ||
            !package_exit_class(doc_string(v, ""), &class))
            return wrong(p, "exitCodes gives each number one of the class words");
    return NULL;
}

static bool
parse_kind(const char *word, enum package_installer *ret)
{
    static const char *const words[] = { "plain", "windows", "dpkg" };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(word, words[i]) == 0) {
            *ret = (enum package_installer)i;
            return true;
        }
    }
    return false;
}

static struct err *
parse_installer(struct package *p, const struct doc_value *v, struct package_prerequisite *q)
{
    size_t n = 0;

    q->deadline_s = PACKAGE_INSTALL_S;
    q->kind = PACKAGE_PLAIN;
    if (v == NULL)
        return NULL;
    q->installer = doc_string(doc_get(v, "file"), "");
    if (package_file(p, q->installer) == NULL)
        return wrong(p, "an installer must be one of the files");
    if (doc_get(v, "arguments") != NULL &&
        !parse_strings(doc_get(v, "arguments"), argument_ok, q->argument,
            PACKAGE_ARGUMENTS_MAX, &n))
        return wrong(p, "arguments must be up to 32 strings");
    if (doc_get(v, "deadlineSeconds") != NULL &&
        (!doc_int(doc_get(v, "deadlineSeconds"), &q->deadline_s) || q->deadline_s < 1 ||
            q->deadline_s > PACKAGE_INSTALL_MAX_S))
        return wrong(p, "deadlineSeconds is from 1 to 3600");
    if (!parse_kind(doc_string(doc_get(v, "kind"), "plain"), &q->kind))
        return wrong(p, "an installer's kind is windows, dpkg or plain");
    q->exit_codes = doc_get(v, "exitCodes");
    TRY(parse_exit_codes(p, q->exit_codes));
    return NULL;
}

static struct err *
parse_override(struct package *p, const struct doc_value *v, struct package_prerequisite *q)
{
    if (v == NULL)
        return NULL;
    q->key = doc_string(doc_get(v, "key"), NULL);
    q->value = doc_string(doc_get(v, "value"), NULL);
    q->data = doc_string(doc_get(v, "data"), "True");
    if (q->key == NULL || q->value == NULL || strlen(q->key) > 250 || !library_ok(q->value))
        return wrong(p, "an override needs key and value");
    return NULL;
}

static struct err *
parse_prerequisite(struct package *p, const struct doc_value *v)
{
    struct package_prerequisite *q = &p->prerequisites[p->nprerequisites];
    const struct doc_value *probe = doc_get(v, "probe");

    q->name = doc_string(doc_get(v, "name"), "");
    q->title = doc_string(doc_get(v, "title"), q->name);
    q->package = doc_string(doc_get(v, "package"), "");
    q->failure = doc_string(doc_get(v, "failure"), "");
    if (!library_ok(q->name))
        return wrong(p, "a prerequisite needs a name");
    for (size_t i = 0; i < p->nprerequisites; i++)
        if (strcmp(p->prerequisites[i].name, q->name) == 0)
            return wrong(p, "two prerequisites have one name");
    if (!parse_strings(doc_get(probe, "libraries"), library_ok, q->library,
            PACKAGE_LIBRARIES_MAX, &q->nlibraries) ||
        q->nlibraries == 0)
        return wrong(p, "a probe needs from 1 to 8 libraries");
    (void)doc_bool(doc_get(probe, "sameVersion"), &q->same_version);
    if (!code_ok(q->failure))
        return wrong(p, "failure must be a code");
    TRY(parse_installer(p, doc_get(v, "installer"), q));
    TRY(parse_override(p, doc_get(v, "override"), q));
    p->nprerequisites++;
    return NULL;
}

static struct err *
parse_plugin(struct package *p, const struct doc_value *v)
{
    struct package_plugin *g = &p->plugins[p->nplugins];
    const char *names[PACKAGE_PREREQUISITES_MAX];
    size_t n = 0;

    g->name = doc_string(doc_get(v, "name"), "");
    g->file = doc_string(doc_get(v, "file"), "");
    if (!library_ok(g->name) || package_file(p, g->file) == NULL)
        return wrong(p, "a plug-in needs a name, and a file that is one of the files");
    if (doc_get(v, "requires") != NULL &&
        !parse_strings(doc_get(v, "requires"), library_ok, names,
            PACKAGE_PREREQUISITES_MAX, &n))
        return wrong(p, "requires must be names of prerequisites");
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < p->nprerequisites; k++)
            if (strcmp(p->prerequisites[k].name, names[i]) == 0)
                g->requires[g->nrequires++] = &p->prerequisites[k];
        if (g->nrequires != i + 1)
            return wrong(p, "a plug-in requires what is no prerequisite");
    }
    p->nplugins++;
    return NULL;
}

static struct err *
parse_list(struct package *p, const struct doc_value *list, size_t max,
    struct err *(*one)(struct package *p, const struct doc_value *v))
{
    if (list == NULL)
        return NULL;
    if (doc_kind(list) != DOC_ARRAY || doc_count(list) > max)
        return wrong(p, "plugins and prerequisites are lists of up to 32");
    for (const struct doc_value *v = doc_first(list); v != NULL; v = doc_next(v))
        TRY(one(p, v));
    return NULL;
}

static struct err *
parse(struct package *p, const char *platform, const char *bytes, size_t len)
{
    struct err *e = doc_parse(PACKAGE_MANIFEST, bytes, len, &p->doc);
    const struct doc_value *root;

    if (e != NULL)
        return err_because(wrong(p, "it is no JSON that can be used"), e);
    root = doc_root(p->doc);
    digest_hex(bytes, len, p->digest);
    TRY(parse_head(p, platform, root));
    TRY(parse_files(p, doc_get(root, "files")));
    TRY(parse_list(p, doc_get(root, "prerequisites"), PACKAGE_PREREQUISITES_MAX,
        parse_prerequisite));
    TRY(parse_list(p, doc_get(root, "plugins"), PACKAGE_PLUGINS_MAX, parse_plugin));
    return NULL;
}

static struct err *
parse_for(const char *platform, const char *folder, const char *bytes, size_t len,
    struct package **ret)
{
    auto_ptr(package) p = calloc(1, sizeof(*p));

    if (p == NULL)
        return fail(OutOfMemory);
    p->folder = strdup(folder);
    if (p->folder == NULL)
        return fail(OutOfMemory);
    TRY(parse(p, platform, bytes, len));
    *ret = take(p);
    return NULL;
}

struct err *
package_parse(const char *folder, const char *bytes, size_t len, struct package **ret)
{
    return parse_for(os_layout.platform, folder, bytes, len, ret);
}

struct err *
package_open_for(const char *platform, const char *folder, struct package **ret)
{
    auto_free char *path = NULL, *bytes = NULL;
    size_t len = 0;

    TRY(os_join(folder, PACKAGE_MANIFEST, &path));
    TRY(os_read(path, DOC_BYTES_MAX, &bytes, &len));
    if (bytes == NULL)
        return fail(PackageManifestInvalid, folder, "it is not there");
    TRY(parse_for(platform, folder, bytes, len, ret));
    return NULL;
}

struct err *
package_open(const char *folder, struct package **ret)
{
    return package_open_for(os_layout.platform, folder, ret);
}

bool
package_exit_class(const char *name, int *ret)
{
    for (int i = 0; i < EXIT_CLASS_COUNT; i++) {
        if (strcmp(exitcode_class_name((enum exit_class)i), name) == 0) {
            *ret = i;
            return true;
        }
    }
    return false;
}

const struct package_file *
package_file(const struct package *p, const char *name)
{
    for (size_t i = 0; i < p->nfiles; i++)
        if (strcmp(p->files[i].name, name) == 0)
            return &p->files[i];
    return NULL;
}

void
package_free(struct package *p)
{
    if (p == NULL)
        return;
    free(p->folder);
    free(p->files);
    doc_free(p->doc);
    free(p);
}
