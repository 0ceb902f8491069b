/* SPDX-License-Identifier: Apache-2.0 */
/* xml.c -- libxml2 reads; here are the limits, and how one looks at what was read.  A struct
 * xml_node is its xmlNode.  Without a document type nothing stands for something else, so that
 * each attribute and each text is one piece. */
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <stdlib.h>
#include <string.h>

#include "codes.h"
#include "xml.h"

struct xml {
    xmlDoc *doc;
};

static const xmlNode *
of(const struct xml_node *n)
{
    return (const xmlNode *)n;
}

/* ---- reading ---- */

static size_t
count_attributes(const xmlNode *n)
{
    size_t count = 0;

    for (const xmlAttr *a = n->properties; a != NULL; a = a->next)
        count++;
    return count;
}

/* The element that is met next on a walk through all; NULL: there is none. */
static const xmlNode *
next_element(const xmlNode *n, unsigned *depth)
{
    const xmlNode *below = xmlFirstElementChild((xmlNode *)n);

    if (below != NULL) {
        ++*depth;
        return below;
    }
    for (; n != NULL && n->type == XML_ELEMENT_NODE; n = n->parent, --*depth) {
        const xmlNode *beside = xmlNextElementSibling((xmlNode *)n);

        if (beside != NULL)
            return beside;
    }
    return NULL;
}

static bool
within_limits(xmlDoc *doc)
{
    unsigned depth = 1;
    size_t count = 0;

    if (xmlGetIntSubset(doc) != NULL)
        return false;
    for (const xmlNode *n = xmlDocGetRootElement(doc); n != NULL; n = next_element(n, &depth)) {
        count += 1 + count_attributes(n);
        if (depth > XML_DEPTH_MAX || count > XML_NODES_MAX)
            return false;
    }
    return true;
}

struct err *
xml_read(const char *text, struct xml **ret)
{
    size_t len = strlen(text);
    auto_ptr(xml) x = calloc(1, sizeof(*x));
    xmlParserCtxt *reader = xmlNewParserCtxt();

    *ret = NULL;
    if (x != NULL && reader != NULL && len <= XML_BYTES_MAX)
        x->doc = xmlCtxtReadMemory(reader, text, (int)len, NULL, NULL,
            XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    bool no_memory = x == NULL || reader == NULL || reader->errNo == XML_ERR_NO_MEMORY;
    if (reader != NULL)
        xmlFreeParserCtxt(reader);
    if (no_memory)
        return fail(OutOfMemory);
    if (x->doc != NULL && within_limits(x->doc))
        *ret = take(x);
    return NULL;
}

void
xml_free(struct xml *x)
{
    if (x == NULL)
        return;
    xmlFreeDoc(x->doc);
    free(x);
}

/* ---- looking ---- */

const struct xml_node *
xml_root(const struct xml *x)
{
    return (const struct xml_node *)xmlDocGetRootElement(x->doc);
}

/* ${n} itself or the first behind it that is an element of that name. */
static const struct xml_node *
named(const xmlNode *n, const char *name, size_t len)
{
    while (n != NULL && (n->type != XML_ELEMENT_NODE || strlen((const char *)n->name) != len ||
                            memcmp(n->name, name, len) != 0))
        n = n->next;
    return (const struct xml_node *)n;
}

const struct xml_node *
xml_first(const struct xml_node *n, const char *name)
{
    return n == NULL ? NULL : named(of(n)->children, name, strlen(name));
}

const struct xml_node *
xml_again(const struct xml_node *n)
{
    const char *name = (const char *)of(n)->name;

    return named(of(n)->next, name, strlen(name));
}

const struct xml_node *
xml_find(const struct xml_node *n, const char *path)
{
    while (n != NULL && *path != '\0') {
        size_t len = strcspn(path, "/");

        n = named(of(n)->children, path, len);
        path += len + (path[len] == '/');
    }
    return n;
}

const char *
xml_attr(const struct xml_node *n, const char *name)
{
    for (const xmlAttr *a = n != NULL ? of(n)->properties : NULL; a != NULL; a = a->next)
        if (strcmp((const char *)a->name, name) == 0)
            return a->children != NULL ? (const char *)a->children->content : "";
    return NULL;
}

const char *
xml_text(const struct xml_node *n)
{
    const xmlNode *first = n != NULL ? of(n)->children : NULL;

    return first != NULL && first->type == XML_TEXT_NODE ? (const char *)first->content : "";
}

/* ---- writing ---- */

void
xml_escape(struct text *t, const char *s)
{
    for (; *s != '\0'; s++) {
        switch (*s) {
        case '&': text_str(t, "&amp;"); break;
        case '<': text_str(t, "&lt;"); break;
        case '>': text_str(t, "&gt;"); break;
        case '"': text_str(t, "&quot;"); break;
        case '\'': text_str(t, "&apos;"); break;
        case '\t': text_str(t, "&#9;"); break; /* a blank, unescaped in an attribute */
        case '\n': text_str(t, "&#10;"); break;
        case '\r': text_str(t, "&#13;"); break;
        default: text_add(t, s, 1);
        }
    }
}
