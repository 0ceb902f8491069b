/* SPDX-License-Identifier: Apache-2.0 */
/* Files that the extension reads in a guest, on any bytes.  The first byte chooses the kind:
 * m a package's manifest, s settings, t a status, c the configuration of scripts, j JSON.
 * What is taken keeps its promises: names lead nowhere else, lists are within their limits,
 * JSON that is written again reads the same. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "doc.h"
#include "handler.h"
#include "package.h"
#include "script.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_name(const char *name)
{
    assert(name[0] != '/' && name[0] != '.' && strchr(name, '\\') == NULL);
    assert(strchr(name, ':') == NULL && strstr(name, "/.") == NULL);
    assert(strlen(name) <= PACKAGE_NAME_MAX);
}

static void
check_package(const struct package *p)
{
    assert(p->nfiles >= 1 && p->nfiles <= PACKAGE_FILES_MAX);
    assert(package_name_ok(p->name) && strlen(p->digest) == 2 * DIGEST_BYTES);
    for (size_t i = 0; i < p->nfiles; i++)
        check_name(p->files[i].name);
    for (size_t i = 0; i < p->nprerequisites; i++) {
        const struct package_prerequisite *q = &p->prerequisites[i];

        assert(q->nlibraries >= 1 && q->nlibraries <= PACKAGE_LIBRARIES_MAX);
        for (size_t k = 0; k < q->nlibraries; k++)
            check_name(q->library[k]);
        assert(q->installer == NULL || package_file(p, q->installer) != NULL);
        assert(q->deadline_s >= 1 && q->deadline_s <= PACKAGE_INSTALL_MAX_S);
        assert((q->key == NULL) == (q->value == NULL) && *q->failure != '\0');
    }
    for (size_t i = 0; i < p->nplugins; i++) {
        assert(package_file(p, p->plugins[i].file) != NULL);
        for (size_t k = 0; k < p->plugins[i].nrequires; k++)
            assert(p->plugins[i].requires[k] >= p->prerequisites &&
                   p->plugins[i].requires[k] < p->prerequisites + p->nprerequisites);
    }
}

static struct err *
read_manifest(const char *s, size_t len)
{
    struct package *p = NULL;
    struct err *e = package_parse("/a/folder", s, len, &p);

    assert((e == NULL) == (p != NULL));
    if (p != NULL)
        check_package(p);
    package_free(p);
    return e;
}

static struct err *
read_settings(const char *s, size_t len)
{
    struct handler_settings settings = { 0 };
    struct err *e = handler_settings_parse("0.settings", s, len, &settings);

    if (e == NULL)
        assert(settings.deadline_s >= 1 && settings.deadline_s <= HANDLER_ENABLE_MAX_S);
    return e;
}

static struct err *
read_status(const char *s, size_t len)
{
    enum handler_state state = HANDLER_NO_STATUS;
    struct err *e = handler_status_parse("0.status", s, len, &state);

    assert((e == NULL) == (state != HANDLER_NO_STATUS));
    return e;
}

static struct err *
read_scripts(const char *s, size_t len)
{
    struct scripts *scripts = NULL;
    struct err *e = script_parse("/a/file", s, len, &scripts);

    assert((e == NULL) == (scripts != NULL));
    scripts_free(scripts);
    return e;
}

static char *
rewritten(const struct doc *d)
{
    struct doc_out o = { 0 };
    char *text = NULL;

    doc_put_value(&o, NULL, doc_root(d));
    err_free(doc_out_take(&o, &text));
    assert(text != NULL);
    return text;
}

static struct err *
read_json(const char *s, size_t len)
{
    struct doc *d = NULL, *again = NULL;
    struct err *e = doc_parse("JSON", s, len, &d);

    if (e != NULL)
        return e;
    char *once = rewritten(d), *twice;
    /* an escape is longer than what it stands for, so the limit may be passed now */
    if (strlen(once) <= DOC_BYTES_MAX) {
        e = doc_parse("JSON", once, strlen(once), &again);
        assert(e == NULL);
        twice = rewritten(again);
        assert(strcmp(once, twice) == 0);
        free(twice);
    }
    free(once);
    doc_free(d);
    doc_free(again);
    return NULL;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *s = (const char *)data + 1;
    struct err *e = NULL;

    if (size == 0)
        return 0;
    switch (data[0]) {
    case 'm':
        e = read_manifest(s, size - 1);
        break;
    case 's':
        e = read_settings(s, size - 1);
        break;
    case 't':
        e = read_status(s, size - 1);
        break;
    case 'c':
        e = read_scripts(s, size - 1);
        break;
    default:
        e = read_json(s, size - 1);
        break;
    }
    err_free(e);
    return 0;
}
