/* SPDX-License-Identifier: Apache-2.0 */
/* domain.c -- find the machine, and end what a dead firn left at work in it.
 *
 * A job of ours is known by its socket, which lies in the folder of a run: a living run keeps
 * that locked.  A checkpoint that belongs to no point is removed with the next one that is
 * kept. */
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "codes.h"
#include "domain_internal.h"

enum { HOST_MAX = 256 };

struct err *
domain_ask(struct domain *d, const char *what, json_t *arguments, const char *for_people,
    json_t **ret)
{
    struct deadline by = deadline_in_ms(d->command_ms);
    json_auto_t *again = json_incref(arguments);

    if (d->link == NULL) {
        struct err *e = virt_link_open(d->address, by, &d->link);
        if (e != NULL) {
            json_decref(arguments);
            return e;
        }
    }
    struct err *e = virt_ask(d->link, what, arguments, for_people, by, ret);
    if (err_code(e) != E_LibvirtLost)
        return e;
    err_free(e); /* the daemon was restarted: it knows what goes on as before */
    virt_link_free(take(d->link));
    TRY(virt_link_open(d->address, by, &d->link));
    TRY(virt_ask(d->link, what, take(again), for_people, by, ret));
    return NULL;
}

/* ---- where ---- */

/* A URI that names a host ("qemu+ssh://other/system") leads elsewhere. */
static struct err *
check_here(const char *uri)
{
    const char *host = strstr(uri, "://");
    char here[HOST_MAX] = "";

    size_t len = host != NULL ? strcspn(host + 3, "/?") : 0;
    (void)gethostname(here, sizeof(here) - 1);
    if (len == 0 || (len == strlen("localhost") && memcmp(host + 3, "localhost", len) == 0) ||
        (len == strlen(here) && memcmp(host + 3, here, len) == 0))
        return NULL;
    return fail(DomainElsewhere, uri);
}

/* ---- what others left ---- */

/* Is ${socket} that of a run?  Then *ret_folder is the run's, the caller's. */
static struct err *
folder_of(const char *socket, char **ret_folder, char run[SCRATCH_RUN_LEN + 1])
{
    auto_free char *copy = strdup(socket);
    const char *begin = "firn-";

    *ret_folder = NULL;
    if (copy == NULL)
        return fail(OutOfMemory);
    const char *folder = dirname(copy), *name = strrchr(folder, '/');
    if (folder[0] != '/' || strncmp(name + 1, begin, strlen(begin)) != 0 ||
        strlen(name + 1 + strlen(begin)) != SCRATCH_RUN_LEN ||
        strspn(name + 1 + strlen(begin), "0123456789abcdef") != SCRATCH_RUN_LEN)
        return NULL;
    memcpy(run, name + 1 + strlen(begin), SCRATCH_RUN_LEN + 1);
    *ret_folder = strdup(folder);
    return *ret_folder == NULL ? fail(OutOfMemory) : NULL;
}

static struct err *
end_job(struct domain *d, const char *run)
{
    char socket[DOMAIN_SOCKET_MAX];

    domain_socket(socket, run);
    TRY(domain_ask(d, "end", json_pack("{s:s}", "socket", socket), "end the backup of", NULL));
    return NULL;
}

/* ${socket} is that of the job that is at work. */
static struct err *
sweep_job(struct domain *d, const char *socket)
{
    struct scratch dead = { .fd = -1 };
    char run[SCRATCH_RUN_LEN + 1];
    auto_free char *folder = NULL;
    bool lives;

    TRY(folder_of(socket, &folder, run));
    if (folder == NULL)
        return fail(DomainBusy, d->is.name, "a backup");
    TRY(scratch_owner(folder, &lives, &dead));
    struct err *e = lives ? fail(VmBusy, d->is.name, folder) : end_job(d, run);
    if (e == NULL)
        scratch_remove(&dead);
    scratch_done(&dead);
    return e;
}

static struct err *
sweep(struct domain *d, bool *ret_ended)
{
    const char *job = json_string_value(json_object_get(d->look, "job"));
    const char *text = json_string_value(json_object_get(d->look, "backup"));
    auto_ptr(xml) x = NULL;

    if (job != NULL)
        return fail(DomainBusy, d->is.name, job);
    *ret_ended = text != NULL;
    if (text == NULL)
        return NULL;
    TRY(xml_read(text, &x));
    const char *socket =
        x != NULL ? xml_attr(xml_first(xml_root(x), "server"), "socket") : NULL;
    return sweep_job(d, socket != NULL ? socket : "");
}

/* ---- opening ---- */

static void
forget(struct domain *d)
{
    json_decref(take(d->look));
    xml_free(take(d->xml));
    free(take(d->is.name));
}

static struct err *
look(struct domain *d)
{
    json_t *found = NULL;

    TRY(domain_ask(d, "look", NULL, "describe", &found));
    forget(d);
    d->look = found;
    const char *name = json_string_value(json_object_get(d->look, "name"));
    const char *text = json_string_value(json_object_get(d->look, "xml"));

    if (name == NULL || text == NULL)
        return fail(LibvirtLost, d->address, "describe");
    d->is.name = strdup(name);
    if (d->is.name == NULL)
        return fail(OutOfMemory);
    TRY(xml_read(text, &d->xml));
    if (d->xml == NULL)
        return fail(LibvirtRefused, d->is.name, "describe", "its XML cannot be read");
    d->is.off = !json_is_true(json_object_get(d->look, "active"));
    d->is.agent = domain_has_agent(xml_root(d->xml));
    return NULL;
}

static struct err *
find_scratch(struct domain *d, const char *folder)
{
    struct ucred qemu = { 0 };
    bool told = domain_user(xml_root(d->xml), &qemu);

    TRY(scratch_where(&d->scratch, folder, told ? &qemu : NULL));
    scratch_sweep(d->scratch.where);
    return NULL;
}

static struct err *
xml_of(struct running *r, char **ret)
{
    struct domain *d = domain_of(r);

    *ret = strdup(json_string_value(json_object_get(d->look, "xml")));
    return *ret == NULL ? fail(OutOfMemory) : NULL;
}

static pid_t
process(const struct running *r)
{
    (void)r; /* its bitmaps lie in images, so its lives do not matter */
    return 0;
}

static void
free_domain(struct running *r)
{
    struct domain *d = domain_of(r);

    if (!d->began)
        scratch_remove(&d->scratch);
    scratch_done(&d->scratch);
    virt_link_free(d->link);
    json_decref(d->look);
    xml_free(d->xml);
    free(d->address);
}

static const struct running_body body = { .prepare = domain_prepare, .track = domain_track,
    .track_name = domain_track_name, .cut = domain_cut, .source = domain_source,
    .keep = domain_keep, .why = domain_why, .close = domain_close, .process = process,
    .xml = xml_of, .flash_read = domain_flash_read, .free = free_domain };

struct err *
domain_open(const char *address, const struct running_options *o, struct running **ret)
{
    struct domain *d = calloc(1, sizeof(*d));
    auto_ptr(running) made = d != NULL ? &d->is : NULL;
    bool ended;

    if (d == NULL)
        return fail(OutOfMemory);
    made->call = &body;
    made->checkpoints = true;
    d->scratch.fd = -1;
    d->command_ms = o->command_ms != 0 ? o->command_ms : DOMAIN_ASK_MS;
    d->address = strdup(address);
    if (d->address == NULL)
        return fail(OutOfMemory);
    TRY(check_here(virt_uri(address)));
    TRY(look(d));
    TRY(sweep(d, &ended));
    if (ended)
        TRY(look(d)); /* what checkpoints name is told only while there is no job */
    if (!made->off)
        TRY(find_scratch(d, o->scratch));
    TRY(domain_list(d, o));
    *ret = take(made);
    return NULL;
}
