/* SPDX-License-Identifier: Apache-2.0 */
/* virt_domain.c -- what is asked of a domain, and the watch over its backup.
 *
 * A backup job of libvirt's keeps what the guest overwrites in scratch files, and fails the
 * guest's write when there is no room for it.  QEMU then does what it does for any disk
 * without space: by default it stops the machine, and goes on with that write when it is told
 * to.  So the job is ended before that where it can be, and else afterwards, and the machine
 * told to go on, which then writes to a disk without the job.
 *
 * QEMU's server waits for a reader to take an answer, and QEMU's drain waits for its server:
 * the whole machine would stand still at the next drain if firn was stopped in the copy.  A
 * transaction drains, and so does the end of a job. */
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "bytes.h"
#include "codes.h"
#include "virt_internal.h"

enum {
    CHECKPOINTS_MAX = 4096,
    END_MS = 30 * 1000,
    END_LOOK_MS = 20,
    WAKE_S = 5,
    NS_PER_MS = 1000000
};

/* With less free than the lesser of these, there is as good as none. */
static const uint64_t spare_most = UINT64_C(256) << 20, spare_part = 8;

/* ---- looking ---- */

/* Puts a string that libvirt allocated into ${o}, and frees it. */
static struct err *
put(json_t *o, const char *key, char *words)
{
    int failed = json_object_set_new(o, key, json_string(words));

    free(words);
    return failed != 0 ? fail(OutOfMemory) : NULL;
}

static struct err *
list_checkpoints(struct virt *v, unsigned sizes, json_t *list)
{
    const unsigned flags = VIR_DOMAIN_CHECKPOINT_XML_NO_DOMAIN;
    virDomainCheckpointPtr *all = NULL;
    int n = v->call->virDomainListAllCheckpoints(v->domain, &all, 0);
    struct err *e = NULL;

    if (n < 0)
        return virt_refused(v, "list the checkpoints of");
    for (int i = 0; i < n; i++) {
        if (e == NULL && i < CHECKPOINTS_MAX) {
            json_t *one = json_pack("{s:s}", "name",
                v->call->virDomainCheckpointGetName(all[i]));
            char *xml = v->call->virDomainCheckpointGetXMLDesc(all[i], flags | sizes);

            if (xml == NULL) /* a machine that is off cannot tell how much its bitmaps name */
                xml = v->call->virDomainCheckpointGetXMLDesc(all[i], flags);
            if (one == NULL || json_array_append_new(list, one) != 0)
                e = fail(OutOfMemory);
            else if (xml != NULL)
                e = put(one, "xml", xml);
        }
        (void)v->call->virDomainCheckpointFree(all[i]);
    }
    free(all);
    return e;
}

static struct err *
is_active(struct virt *v, bool *ret, int *ret_reason)
{
    int state = 0, reason = 0;

    if (v->call->virDomainGetState(v->domain, &state, &reason, 0) != 0)
        return virt_refused(v, "ask for the state of");
    *ret = state != VIR_DOMAIN_SHUTOFF && state != VIR_DOMAIN_CRASHED;
    *ret_reason = state == VIR_DOMAIN_PAUSED ? reason : 0;
    return NULL;
}

/* The job that is at work on it, if any: a backup by what was asked for, another by its
 * kind. */
static struct err *
add_job(struct virt *v, json_t *to)
{
    virDomainJobInfo job = { 0 };
    char *xml = v->call->virDomainBackupGetXMLDesc(v->domain, 0);

    if (xml != NULL)
        return put(to, "backup", xml);
    if (v->call->virDomainGetJobInfo(v->domain, &job) == 0 && job.type != VIR_DOMAIN_JOB_NONE &&
        json_object_set_new(to, "job", json_string("a migration, a save or a dump")) != 0)
        return fail(OutOfMemory);
    return NULL;
}

static struct err *
look(struct virt *v, const json_t *with, json_t **ret)
{
    char uuid[VIR_UUID_STRING_BUFLEN] = "";
    bool active = false;
    int reason = 0;

    (void)with;
    TRY(is_active(v, &active, &reason));
    char *xml = v->call->virDomainGetXMLDesc(v->domain, 0);
    if (xml == NULL)
        return virt_refused(v, "describe");
    (void)v->call->virDomainGetUUIDString(v->domain, uuid);
    json_auto_t *all = json_pack("{s:s, s:s, s:b, s:[]}", "name",
        v->call->virDomainGetName(v->domain), "uuid", uuid, "active", (int)active,
        "checkpoints");
    if (all == NULL) {
        free(xml);
        return fail(OutOfMemory);
    }
    TRY(put(all, "xml", xml));
    if (active)
        TRY(add_job(v, all));
    /* how much a bitmap names takes a transaction, which a backup at work may hold up */
    bool busy = json_object_get(all, "backup") != NULL;
    TRY(list_checkpoints(v, busy ? 0 : VIR_DOMAIN_CHECKPOINT_XML_SIZE,
        json_object_get(all, "checkpoints")));
    *ret = json_incref(all);
    return NULL;
}

static struct err *
size(struct virt *v, const json_t *with, json_t **ret)
{
    virDomainBlockInfo info = { 0 };

    if (v->call->virDomainGetBlockInfo(v->domain, talk_word(with, "disk"), &info, 0) != 0)
        return virt_refused(v, "ask for the size of a disk of");
    *ret = json_pack("{s:I}", "bytes", (json_int_t)info.capacity);
    return *ret == NULL ? fail(OutOfMemory) : NULL;
}

/* ---- the backup ---- */

static uint64_t
free_bytes(const char *folder)
{
    struct statvfs fs;
    uint64_t n;

    if (statvfs(folder, &fs) != 0)
        return UINT64_MAX;
    return mul_ok(fs.f_bavail, fs.f_frsize, &n) ? n : UINT64_MAX;
}

static void
forget(struct virt *v)
{
    free(take(v->socket));
    free(take(v->scratch));
}

static struct err *
begin(struct virt *v, const json_t *with, json_t **ret)
{
    const char *checkpoint = json_string_value(json_object_get(with, "checkpoint"));
    bool active = false;
    int reason = 0;

    TRY(is_active(v, &active, &reason));
    forget(v);
    v->full = false;
    v->held_ms = 0;
    v->looked_ns = clock_mono_ns();
    v->stood = reason == VIR_DOMAIN_PAUSED_IOERROR;
    v->socket = strdup(talk_word(with, "socket"));
    v->scratch = strdup(talk_word(with, "scratch"));
    if (v->socket == NULL || v->scratch == NULL)
        return fail(OutOfMemory);
    v->spare = free_bytes(v->scratch) / spare_part;
    if (v->spare > spare_most)
        v->spare = spare_most;
    if (v->call->virDomainBackupBegin(v->domain, talk_word(with, "xml"), checkpoint, 0) != 0) {
        struct err *e = virt_refused(v, "begin a backup of");

        forget(v);
        return e;
    }
    *ret = json_object();
    return *ret == NULL ? fail(OutOfMemory) : NULL;
}

/* Is the job that is at work the one with this socket? */
static bool
is_at_work(struct virt *v, const char *socket)
{
    char *xml = v->call->virDomainBackupGetXMLDesc(v->domain, 0);
    bool is = xml != NULL && strstr(xml, socket) != NULL;

    free(xml);
    return is;
}

/* libvirt ends a job in the background. */
struct err *
virt_end(struct virt *v, const char *socket)
{
    struct deadline by = deadline_in_ms(END_MS);

    if (!is_at_work(v, socket))
        return NULL;
    if (v->call->virDomainAbortJob(v->domain) != 0 && is_at_work(v, socket))
        return virt_refused(v, "end the backup of");
    while (is_at_work(v, socket)) {
        if (deadline_passed(by))
            return fail(LibvirtSilent, v->name, "end the backup");
        (void)poll(NULL, 0, END_LOOK_MS);
    }
    return NULL;
}

static struct err *
end(struct virt *v, const json_t *with, json_t **ret)
{
    TRY(virt_end(v, talk_word(with, "socket")));
    forget(v);
    *ret = json_object();
    return *ret == NULL ? fail(OutOfMemory) : NULL;
}

static struct err *
state(struct virt *v, const json_t *with, json_t **ret)
{
    bool active = false;
    int reason = 0;

    (void)with;
    virt_watch(v);
    TRY(is_active(v, &active, &reason));
    *ret = json_pack("{s:b, s:b, s:I}", "active", (int)active, "full", (int)v->full, "held_ms",
        (json_int_t)v->held_ms);
    return *ret == NULL ? fail(OutOfMemory) : NULL;
}

/* A job that does not end may wait for a firn that is stopped to take an answer. */
static pid_t sleeper;

static void
wake(int signal)
{
    (void)signal;
    if (getppid() == sleeper)
        (void)kill(sleeper, SIGCONT);
}

static void
end_waking(struct virt *v)
{
    const struct sigaction by = { .sa_handler = wake, .sa_flags = SA_RESTART };

    sleeper = v->owner;
    (void)sigaction(SIGALRM, &by, NULL);
    (void)alarm(WAKE_S);
    err_free(virt_end(v, v->socket)); /* firn is told, and ends it again */
    (void)alarm(0);
}

void
virt_watch(struct virt *v)
{
    int64_t last_ns = v->looked_ns;
    bool active = false;
    int reason = 0;

    v->looked_ns = clock_mono_ns();
    if (v->socket == NULL || v->full || free_bytes(v->scratch) >= v->spare ||
        !virt_connected(v))
        return;
    end_waking(v);
    v->full = virt_connected(v);
    err_free(is_active(v, &active, &reason)); /* unknown: it is left as it is */
    if (reason != VIR_DOMAIN_PAUSED_IOERROR || v->stood)
        return;
    (void)v->call->virDomainResume(v->domain);
    v->held_ms = (clock_mono_ns() - last_ns) / NS_PER_MS + 1;
}

/* ---- checkpoints ---- */

/* Where QEMU could not save a bitmap libvirt finds none to remove: then the checkpoint goes
 * alone. */
static struct err *
delete_it(struct virt *v, virDomainCheckpointPtr c)
{
    if (v->call->virDomainCheckpointDelete(c, 0) == 0)
        return NULL;
    int code = v->call->virGetLastErrorCode();
    struct err *e = virt_refused(v, "delete a checkpoint of");

    if ((code != VIR_ERR_INTERNAL_ERROR && code != VIR_ERR_CHECKPOINT_INCONSISTENT) ||
        v->call->virDomainCheckpointDelete(c, VIR_DOMAIN_CHECKPOINT_DELETE_METADATA_ONLY) != 0)
        return e;
    err_free(e);
    return NULL;
}

static struct err *
delete_checkpoint(struct virt *v, const json_t *with, json_t **ret)
{
    virDomainCheckpointPtr c =
        v->call->virDomainCheckpointLookupByName(v->domain, talk_word(with, "name"), 0);
    struct err *e = NULL;

    if (c == NULL && v->call->virGetLastErrorCode() != VIR_ERR_NO_DOMAIN_CHECKPOINT)
        return virt_refused(v, "look up a checkpoint of");
    if (c != NULL) {
        e = delete_it(v, c);
        (void)v->call->virDomainCheckpointFree(c);
    }
    TRY(e);
    *ret = json_object();
    return *ret == NULL ? fail(OutOfMemory) : NULL;
}

/* What stays the same however the machine and its libvirt are named. */
static struct err *
identify(struct virt *v, const json_t *with, json_t **ret)
{
    char uuid[VIR_UUID_STRING_BUFLEN] = "";

    (void)with;
    auto_free char *uri = v->call->virConnectGetURI(v->conn);
    if (uri == NULL || v->call->virDomainGetUUIDString(v->domain, uuid) != 0)
        return virt_refused(v, "identify");
    *ret = json_pack("{s:s, s:s}", "uuid", uuid, "uri", uri);
    return *ret == NULL ? fail(OutOfMemory) : NULL;
}

/* ---- which ---- */

static const struct {
    const char *word;
    struct err *(*call)(struct virt *v, const json_t *with, json_t **ret);
} requests[] = {
    { "look", look },
    { "identify", identify },
    { "size", size },
    { "begin", begin },
    { "state", state },
    { "end", end },
    { "delete", delete_checkpoint },
};

struct err *
virt_domain_do(struct virt *v, const json_t *request, json_t **ret)
{
    const char *word = talk_word(request, "do");

    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
        if (strcmp(requests[i].word, word) == 0)
            return requests[i].call(v, json_object_get(request, "with"), ret);
    return fail(LibvirtLost, v->name, "understand a request");
}
