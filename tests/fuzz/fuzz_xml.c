/* SPDX-License-Identifier: Apache-2.0 */
/* What libvirt says of a machine, whatever it is: a tree whose every string can be read, or
 * none.  What is escaped reads as it was. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codes.h"
#include "xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t
walk(const struct xml_node *n, unsigned depth)
{
    size_t len = strlen(n->name) + strlen(n->text);

    assert(n->name[0] != '\0' && depth <= XML_DEPTH_MAX + 1);
    for (const struct xml_attr *a = n->attrs; a != NULL; a = a->next) {
        assert(a->name[0] != '\0' && xml_attr(n, a->name) != NULL);
        len += strlen(a->name) + strlen(a->value);
    }
    for (const struct xml_node *c = n->child; c != NULL; c = c->next) {
        assert(c->parent == n && xml_first(n, c->name) != NULL);
        len += walk(c, depth + 1);
    }
    return len;
}

static void
escape_and_back(const char *s)
{
    struct text t = { 0 };
    struct xml *x = NULL;

    text_str(&t, "<a b='");
    xml_escape(&t, s);
    text_str(&t, "'/>");
    if (!t.no_memory) {
        struct err *e = xml_read(t.s, &x);

        assert(e == NULL || err_code(e) == E_OutOfMemory);
        err_free(e);
        assert(x == NULL || strcmp(xml_attr(xml_root(x), "b"), s) == 0);
    }
    xml_free(x);
    text_done(&t);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    struct xml *x = NULL;

    if (text == NULL)
        return 0;
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    struct err *e = xml_read(text, &x);
    assert(e == NULL || err_code(e) == E_OutOfMemory);
    err_free(e);
    if (x != NULL)
        assert(walk(xml_root(x), 0) <= strlen(text));
    xml_free(x);
    escape_and_back(text);
    free(text);
    return 0;
}
