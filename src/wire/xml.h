/* SPDX-License-Identifier: Apache-2.0 */
/* xml.h -- XML as libvirt writes it, read into a tree within limits: by libxml2, without
 * document types, so without entities of a document's own, and without the network. */
#ifndef XML_H
#define XML_H

#include <stddef.h>

#include "auto.h"
#include "err.h"
#include "text.h"

struct xml;
struct xml_node; /* an element */

enum {
    XML_BYTES_MAX = 4 * 1024 * 1024, /* libvirt sends no longer string */
    XML_DEPTH_MAX = 64,
    XML_NODES_MAX = 65536, /* elements and attributes */
};

/* *ret is NULL when ${text} is none, or beyond the limits; that is no failure. */
struct err *xml_read(const char *text, struct xml **ret) must_use;

/* The outermost element, borrowed like all below it. */
const struct xml_node *xml_root(const struct xml *x);

/* The first element ${name} in ${n}, the next of the same name, and one by a path "a/b"; NULL:
 * none.  ${n} may be NULL. */
const struct xml_node *xml_first(const struct xml_node *n, const char *name);
const struct xml_node *xml_again(const struct xml_node *n);
const struct xml_node *xml_find(const struct xml_node *n, const char *path);

/* An attribute; NULL: none.  ${n} may be NULL. */
const char *xml_attr(const struct xml_node *n, const char *name);

/* The text before its first element, comment or section of characters; "": none.  ${n} may be
 * NULL. */
const char *xml_text(const struct xml_node *n);

/* ${s} as it may stand in text and between quotes. */
void xml_escape(struct text *t, const char *s);

/* Accepts NULL. */
void xml_free(struct xml *x);
DEFINE_AUTO(xml);

#endif
