/* SPDX-License-Identifier: Apache-2.0 */
/* What libvirt says of a machine, whatever it is: a tree whose every string can be read, or
 * none.  What is escaped reads as it was, if it is text at all. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codes.h"
#include "xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* All that the corpus has names for, each string to its end. */
static void
walk(const struct xml_node *n, unsigned depth)
{
    static const char *const elements[] = { "a", "b", "domain", "os", "nvram", "devices",
        "disk", "source", "target", "driver", "channel", "seclabel", "label", "server" };
    static const char *const attributes[] = { "a", "b", "c", "file", "dev", "name", "type" };

    assert(depth <= XML_DEPTH_MAX && strlen(xml_text(n)) <= XML_BYTES_MAX);
    for (size_t i = 0; i < sizeof(attributes) / sizeof(*attributes); i++) {
        const char *value = xml_attr(n, attributes[i]);

        assert(value == NULL || strlen(value) <= XML_BYTES_MAX);
    }
    for (size_t i = 0; i < sizeof(elements) / sizeof(*elements); i++) {
        const struct xml_node *c = xml_first(n, elements[i]);

        assert(c == xml_find(n, elements[i]));
        for (; c != NULL; c = xml_again(c))
            walk(c, depth + 1);
    }
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
        walk(xml_root(x), 1);
    xml_free(x);
    escape_and_back(text);
    free(text);
    return 0;
}
