/* SPDX-License-Identifier: Apache-2.0 */
/* target_mem_windows.c -- the model's registry and its service manager: two views of the same
 * services, which agree again after a restart. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "codes.h"
#include "target_mem_internal.h"

#define SERVICES_KEY "HKLM\\SYSTEM\\CurrentControlSet\\Services\\"

enum { ERROR_NO_SERVICE = 1060, ERROR_EXISTS = 1073, ERROR_MARKED = 1072,
    ERROR_NOT_EMPTY = 145, SERVICE_OWN_PROCESS = 0x10 };

/* ---- registry ---- */

struct mem_value *
mem_value_find(struct mem *m, const char *key, const char *name)
{
    for (size_t i = 0; i < m->nvalues; i++) {
        struct mem_value *v = &m->values[i];

        if (strcasecmp(v->key, key) == 0 && (v->name == NULL) == (name == NULL) &&
            (name == NULL || strcasecmp(v->name, name) == 0))
            return v;
    }
    return NULL;
}

void
mem_value_remove(struct mem *m, struct mem_value *v)
{
    free(v->key);
    free(v->name);
    target_value_done(&v->v);
    *v = m->values[--m->nvalues];
}

static bool
has_key(struct mem *m, const char *key)
{
    size_t len = strlen(key);

    for (size_t i = 0; i < m->nvalues; i++)
        if (strncasecmp(m->values[i].key, key, len) == 0 &&
            (m->values[i].key[len] == '\0' || m->values[i].key[len] == '\\'))
            return true;
    return false;
}

struct err *
mem_reg_get(struct target *t, const char *key, const char *name, struct target_value *ret,
    bool *ret_found)
{
    const struct mem_value *v = mem_value_find((struct mem *)t, key, name);

    *ret_found = v != NULL;
    if (v == NULL)
        return NULL;
    uint8_t *data = malloc(v->v.len + 1);

    if (data == NULL)
        return fail(OutOfMemory);
    if (v->v.len > 0)
        memcpy(data, v->v.data, v->v.len);
    *ret = (struct target_value){ v->v.type, data, v->v.len };
    return NULL;
}

static struct mem_value *
add_value(struct mem *m, const char *key, const char *name)
{
    assert(m->nvalues < MEM_MAX);
    struct mem_value *v = &m->values[m->nvalues++];

    *v = (struct mem_value){ .key = mem_copy(key),
        .name = name == NULL ? NULL : mem_copy(name) };
    return v;
}

struct err *
mem_reg_set(struct target *t, const char *key, const char *name, const struct target_value *v)
{
    struct mem *m = (struct mem *)t;
    struct mem_value *to = mem_value_find(m, key, name);

    if (mem_value_find(m, key, NULL) == NULL)
        add_value(m, key, NULL);
    if (to == NULL)
        to = add_value(m, key, name);
    target_value_done(&to->v);
    to->v = (struct target_value){ v->type, malloc(v->len + 1), v->len };
    assert(to->v.data != NULL);
    if (v->len > 0)
        memcpy(to->v.data, v->data, v->len);
    return NULL;
}

struct err *
mem_reg_delete(struct target *t, const char *key, const char *name)
{
    struct mem *m = (struct mem *)t;
    struct mem_value *v = mem_value_find(m, key, name);

    if (v != NULL)
        mem_value_remove(m, v);
    return NULL;
}

struct err *
mem_reg_key(struct target *t, const char *key, bool *ret_found)
{
    *ret_found = has_key((struct mem *)t, key);
    return NULL;
}

struct err *
mem_reg_delete_key(struct target *t, const char *key)
{
    struct mem *m = (struct mem *)t;
    struct mem_value *v = mem_value_find(m, key, NULL);
    size_t len = strlen(key);

    for (size_t i = 0; i < m->nvalues; i++)
        if (strncasecmp(m->values[i].key, key, len) == 0 &&
            (m->values[i].key[len] == '\\' ||
                (m->values[i].key[len] == '\0' && m->values[i].name != NULL)))
            return fail(TargetRefused, t->name, "delete a registry key", ERROR_NOT_EMPTY);
    if (v != NULL)
        mem_value_remove(m, v);
    return NULL;
}

void
mem_key_drop(struct mem *m, const char *key)
{
    size_t len = strlen(key);

    for (size_t i = 0; i < m->nvalues;)
        if (strncasecmp(m->values[i].key, key, len) == 0 &&
            (m->values[i].key[len] == '\0' || m->values[i].key[len] == '\\'))
            mem_value_remove(m, &m->values[i]);
        else
            i++;
}

void
target_mem_set_number(struct target *t, const char *key, const char *name, uint32_t n)
{
    struct target_value v = { 0 };
    struct err *e = target_value_of_number(TARGET_REG_DWORD, n, &v);

    assert(e == NULL);
    e = mem_reg_set(t, key, name, &v);
    assert(e == NULL);
    target_value_done(&v);
}

void
target_mem_set_text(struct target *t, const char *key, const char *name, const char *s)
{
    struct target_value v = { 0 };
    struct err *e = target_value_of_text(TARGET_REG_SZ, s, &v);

    assert(e == NULL);
    e = mem_reg_set(t, key, name, &v);
    assert(e == NULL);
    target_value_done(&v);
}

/* ---- services ---- */

static char *
service_key(const char *name)
{
    char *key;
    int n = asprintf(&key, SERVICES_KEY "%s", name);

    assert(n >= 0);
    return key;
}

struct mem_service *
mem_service_find(struct mem *m, const char *name)
{
    for (size_t i = 0; i < m->nservices; i++)
        if (strcasecmp(m->services[i].name, name) == 0)
            return &m->services[i];
    return NULL;
}

static void
write_entry(struct mem *m, const char *name, const struct target_service *s)
{
    auto_free char *key = service_key(name);

    target_mem_set_number(&m->t, key, "Start", s->start);
    target_mem_set_number(&m->t, key, "Type", s->type);
    target_mem_set_text(&m->t, key, "ImagePath", s->image);
    target_mem_set_text(&m->t, key, "ObjectName", s->account);
}

static struct mem_service *
add_service(struct mem *m, const char *name, const struct target_service *s)
{
    assert(m->nservices < MEM_MAX);
    struct mem_service *to = &m->services[m->nservices++];

    *to = (struct mem_service){ .name = mem_copy(name) };
    to->s = (struct target_service){ .type = s->type, .start = s->start,
        .error_control = s->error_control, .image = mem_copy(s->image),
        .account = mem_copy(s->account == NULL ? "LocalSystem" : s->account),
        .display = mem_copy(s->display == NULL ? name : s->display) };
    return to;
}

static void
remove_service(struct mem *m, struct mem_service *s)
{
    auto_free char *key = service_key(s->name);

    mem_key_drop(m, key);
    free(s->name);
    target_service_done(&s->s);
    *s = m->services[--m->nservices];
}

void
target_mem_service(struct target *t, const char *name, uint32_t start)
{
    struct mem *m = (struct mem *)t;
    char image[] = "%systemroot%\\system32\\msiexec.exe /V", account[] = "LocalSystem";
    const struct target_service s = { .type = SERVICE_OWN_PROCESS, .start = start,
        .error_control = 1, .image = image, .account = account };

    target_mem_remove_service(t, name);
    add_service(m, name, &s);
    write_entry(m, name, &s);
}

void
target_mem_hold_service(struct target *t, const char *name)
{
    struct mem_service *s = mem_service_find((struct mem *)t, name);

    assert(s != NULL);
    s->held = true;
}

void
target_mem_always_hold(struct target *t, const char *name)
{
    ((struct mem *)t)->always_held = name;
}

void
target_mem_hide_marks(struct target *t)
{
    ((struct mem *)t)->hides_marks = true;
}

void
target_mem_remove_service(struct target *t, const char *name)
{
    struct mem *m = (struct mem *)t;
    struct mem_service *s = mem_service_find(m, name);

    if (s != NULL)
        remove_service(m, s);
}

void
target_mem_refuse_service(struct target *t, uint32_t error)
{
    ((struct mem *)t)->refuse = error;
}

void
mem_service_drop(struct mem *m, const char *name)
{
    struct mem_service *s = mem_service_find(m, name);

    if (s == NULL)
        return;
    if (s->held || (m->always_held != NULL && strcasecmp(m->always_held, name) == 0))
        s->s.marked = true;
    else
        remove_service(m, s);
}

struct err *
mem_service_get(struct target *t, const char *name, struct target_service *ret,
    bool *ret_found)
{
    const struct mem *m = (struct mem *)t;
    const struct mem_service *s = mem_service_find((struct mem *)t, name);

    *ret_found = s != NULL;
    if (s == NULL)
        return NULL;
    *ret = s->s;
    ret->marked &= !m->hides_marks;
    ret->image = mem_copy(s->s.image);
    ret->account = mem_copy(s->s.account);
    ret->display = mem_copy(s->s.display);
    ret->depends = mem_service_needs(m, name);
    return NULL;
}

static struct err *
refused(struct target *t, const char *what, uint32_t error)
{
    return fail(TargetRefused, t->name, what, error);
}

static void
replace_text(char **to, const char *text)
{
    if (text == NULL)
        return;
    free(*to);
    *to = mem_copy(text);
}

struct err *
mem_service_set_start(struct target *t, const char *name, uint32_t start)
{
    struct mem *m = (struct mem *)t;
    struct mem_service *s = mem_service_find(m, name);
    uint32_t error = s == NULL ? ERROR_NO_SERVICE : s->s.marked ? ERROR_MARKED : m->refuse;
    auto_free char *key = service_key(name);

    if (error != 0)
        return refused(t, "change the start type of a service", error);
    s->s.start = start;
    target_mem_set_number(t, key, "Start", start);
    return NULL;
}

struct err *
mem_service_create(struct target *t, const char *name, const struct target_service *s)
{
    struct mem *m = (struct mem *)t;
    const struct mem_service *old = mem_service_find(m, name);
    uint32_t error = old == NULL ? m->refuse : old->s.marked ? ERROR_MARKED : ERROR_EXISTS;

    if (error != 0)
        return refused(t, "create a service", error);
    add_service(m, name, s);
    write_entry(m, name, &m->services[m->nservices - 1].s);
    return NULL;
}

struct err *
mem_service_configure(struct target *t, const char *name, const struct target_service *s)
{
    struct mem *m = (struct mem *)t;
    struct mem_service *old = mem_service_find(m, name);
    uint32_t error = old == NULL ? ERROR_NO_SERVICE : old->s.marked ? ERROR_MARKED : m->refuse;

    if (error != 0)
        return refused(t, "change a service", error);
    old->s.type = s->type;
    old->s.start = s->start;
    old->s.error_control = s->error_control;
    replace_text(&old->s.image, s->image);
    replace_text(&old->s.account, s->account);
    replace_text(&old->s.display, s->display);
    write_entry(m, name, &old->s);
    return NULL;
}

static uint32_t
number_at(struct mem *m, const char *key, const char *name, uint32_t usual)
{
    const struct mem_value *v = mem_value_find(m, key, name);
    uint64_t n;

    return v != NULL && target_value_number(&v->v, &n) ? (uint32_t)n : usual;
}

void
mem_services_load(struct mem *m)
{
    for (size_t i = 0; i < m->nservices;) {
        struct mem_service *s = &m->services[i];
        auto_free char *key = service_key(s->name);
        const struct mem_value *image = mem_value_find(m, key, "ImagePath");
        char *text;

        if (s->s.marked || !has_key(m, key)) {
            remove_service(m, s);
            continue;
        }
        s->held = false;
        s->s.start = number_at(m, key, "Start", s->s.start);
        if (image != NULL && target_value_text(&image->v, &text)) {
            free(s->s.image);
            s->s.image = text;
        }
        i++;
    }
    mem_services_begin(m);
}
