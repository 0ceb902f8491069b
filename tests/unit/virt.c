/* SPDX-License-Identifier: Apache-2.0 */
/* A machine of libvirt's without libvirt: its calls are a table of our own here, in the process
 * that would hold the connection (this program, run anew).  Each call fails once, for every
 * one, from then on, or never comes back; whatever happens, the outcome is a code, and the next
 * to come finds or makes the machine as it was. */
#include "check.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "domain.h"
#include "pattern.h"
#include "proc.h"
#include "qga_link.h"
#include "virt_link.h"
#include "virt_serve.h"
#include "xml.h"

enum {
    PATIENT_MS = 60000,
    HASTY_MS = 300,
    LOOK_MS = 10,
    CALLS_MAX = 200,
    NAMES = 8,
    LEN = 2048
};

/* What there is of the machine, in a file that all processes share. */
struct world {
    int calls, fail_at, hang_at; /* calls are counted from 1; 0: none */
    bool forever;
    bool on, paused;
    int generation; /* of the daemon: connections to an earlier one are dead */
    int opened; /* connections */
    char job[LEN]; /* the XML of the backup; "": none */
    char checkpoints[NAMES][64];
    char nvram[512]; /* the element; "": none */
    int drained; /* requests that QEMU drains all disks for, while a backup is at work */
    bool full; /* there is no room in the folder of the scratch files */
    bool untaken; /* the end of a job waits for a firn that has not taken an answer */
};

#define UUID "40460b4c-1fd2-4130-8d00-2107993b0588"

static struct world *w;
static char path[4096];

static void
open_world(void)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    assert_true(fd >= 0 && ftruncate(fd, sizeof(*w)) == 0);
    w = mmap(NULL, sizeof(*w), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(w != MAP_FAILED);
    (void)close(fd);
}

static void
new_world(void)
{
    memset(w, 0, sizeof(*w));
    w->on = true;
}

/* Where the scratch files lie there is as much room as the world says. */
int
statvfs(const char *folder, struct statvfs *to)
{
    (void)folder;
    *to = (struct statvfs){ .f_frsize = 1, .f_bavail = w->full ? 0 : 1 << 30 };
    return 0;
}

/* ---- libvirt ---- */

static int last_code;
static char a_thing;
static int generation; /* that this process is connected to */
#define THING ((void *)&a_thing)

static bool
fails(void)
{
    int n = ++w->calls;

    last_code = VIR_ERR_OPERATION_FAILED;
    if (w->hang_at != 0 && n == w->hang_at)
        for (;;)
            (void)pause();
    if (generation != w->generation)
        return true;
    return w->fail_at != 0 && (n == w->fail_at || (w->forever && n > w->fail_at));
}

static const char *uri_of_now;

static virConnectPtr
fake_open(const char *uri)
{
    uri_of_now = uri;
    generation = w->generation;
    w->opened++;
    return fails() ? NULL : THING;
}

/* As libvirt does for one that names no path. */
static char *
fake_uri(virConnectPtr c)
{
    (void)c;
    return fails() ? NULL : strdup(strcmp(uri_of_now, "qemu:") == 0 ? VIRT_URI : uri_of_now);
}

static int
fake_done(virConnectPtr c)
{
    (void)c;
    return 0;
}

static int
fake_alive(virConnectPtr c)
{
    (void)c;
    return generation == w->generation;
}

static void
fake_error_func(void *arg, virErrorFunc f)
{
    (void)arg;
    (void)f;
}

static int
fake_code(void)
{
    return last_code;
}

static const char *
fake_message(void)
{
    return "it cannot";
}

static int
fake_domain_free(virDomainPtr d)
{
    (void)d;
    return 0;
}

static virDomainPtr
fake_by_name(virConnectPtr c, const char *name)
{
    (void)c;
    if (fails())
        return NULL;
    last_code = VIR_ERR_NO_DOMAIN;
    return strcmp(name, "web1") == 0 ? THING : NULL;
}

static virDomainPtr
fake_by_uuid(virConnectPtr c, const char *uuid)
{
    (void)c;
    return strcmp(uuid, UUID) == 0 ? THING : NULL;
}

static const char *
fake_name(virDomainPtr d)
{
    (void)d;
    return "web1";
}

static int
fake_uuid(virDomainPtr d, char *to)
{
    (void)d;
    snprintf(to, VIR_UUID_STRING_BUFLEN, UUID);
    return 0;
}

static char *
fake_xml(virDomainPtr d, unsigned flags)
{
    char *xml = NULL;

    (void)d;
    (void)flags;
    if (fails() || asprintf(&xml, "<domain type='qemu'><name>web1</name><os>%s</os><devices>"
                            "<disk type='file' device='disk'><driver type='qcow2'/>"
                            "<source file='/images/a&amp;b.qcow2'/><target dev='vda'/></disk>"
                            "<disk type='file' device='cdrom'><target dev='sda'/></disk>"
                            "<disk type='file' device='disk'><driver type='raw'/>"
                            "<source file='/images/two'/><target dev='vdb'/></disk>"
                            "</devices></domain>", w->nvram) < 0)
        return NULL;
    return xml;
}

static int
fake_state(virDomainPtr d, int *state, int *reason, unsigned flags)
{
    (void)d;
    (void)flags;
    if (fails())
        return -1;
    *state = !w->on ? VIR_DOMAIN_SHUTOFF : w->paused ? VIR_DOMAIN_PAUSED : VIR_DOMAIN_RUNNING;
    *reason = w->paused ? VIR_DOMAIN_PAUSED_IOERROR : 0;
    return 0;
}

static int
fake_resume(virDomainPtr d)
{
    (void)d;
    if (fails())
        return -1;
    w->paused = false;
    return 0;
}

static int
fake_info(virDomainPtr d, const char *disk, virDomainBlockInfoPtr info, unsigned flags)
{
    (void)d;
    (void)disk;
    (void)flags;
    info->capacity = 1 << 20;
    return fails() ? -1 : 0;
}

static int
fake_abort(virDomainPtr d)
{
    (void)d;
    if (fails())
        return -1;
    while (w->untaken)
        (void)poll(NULL, 0, LOOK_MS);
    w->job[0] = '\0';
    return 0;
}

static int
fake_job(virDomainPtr d, virDomainJobInfoPtr info)
{
    (void)d;
    info->type = VIR_DOMAIN_JOB_NONE;
    return 0;
}

static int
fake_begin(virDomainPtr d, const char *xml, const char *checkpoint, unsigned flags)
{
    const char *name = checkpoint != NULL ? strstr(checkpoint, "<name>") : NULL;

    (void)d;
    (void)flags;
    if (fails())
        return -1;
    snprintf(w->job, sizeof(w->job), "%s", xml);
    for (int i = 0; name != NULL && i < NAMES; i++)
        if (w->checkpoints[i][0] == '\0') {
            snprintf(w->checkpoints[i], 64, "%.*s", (int)strcspn(name + 6, "<"), name + 6);
            break;
        }
    return 0;
}

static char *
fake_job_xml(virDomainPtr d, unsigned flags)
{
    (void)d;
    (void)flags;
    return generation == w->generation && w->job[0] != '\0' ? strdup(w->job) : NULL;
}

static int
fake_list(virDomainPtr d, virDomainCheckpointPtr **ret, unsigned flags)
{
    int n = 0;

    (void)d;
    (void)flags;
    if (fails())
        return -1;
    *ret = calloc(NAMES, sizeof(**ret));
    for (int i = 0; i < NAMES; i++)
        if (w->checkpoints[i][0] != '\0')
            (*ret)[n++] = (void *)w->checkpoints[i];
    return n;
}

static virDomainCheckpointPtr
fake_find(virDomainPtr d, const char *name, unsigned flags)
{
    (void)d;
    (void)flags;
    if (fails())
        return NULL;
    for (int i = 0; i < NAMES; i++)
        if (strcmp(w->checkpoints[i], name) == 0)
            return (void *)w->checkpoints[i];
    last_code = VIR_ERR_NO_DOMAIN_CHECKPOINT;
    return NULL;
}

static const char *
fake_checkpoint_name(virDomainCheckpointPtr c)
{
    return (const char *)c;
}

static char *
fake_checkpoint_xml(virDomainCheckpointPtr c, unsigned flags)
{
    char *xml = NULL;

    if ((flags & VIR_DOMAIN_CHECKPOINT_XML_SIZE) != 0 && w->job[0] != '\0')
        w->drained++;
    if (fails() ||
        asprintf(&xml, "<domaincheckpoint><disks><disk name='vda' checkpoint='bitmap' "
                       "bitmap='%s' size='0'/></disks></domaincheckpoint>",
            (const char *)c) < 0)
        return NULL;
    return xml;
}

static int
fake_delete(virDomainCheckpointPtr c, unsigned flags)
{
    (void)flags;
    if (fails())
        return -1;
    memset(c, 0, 64);
    return 0;
}

static int
fake_checkpoint_free(virDomainCheckpointPtr c)
{
    (void)c;
    return 0;
}

static char *
fake_agent(virDomainPtr d, const char *command, int seconds, unsigned flags)
{
    const char *id = strstr(command, "\"id\":");

    (void)d;
    (void)seconds;
    (void)flags;
    if (fails())
        return NULL;
    if (id != NULL) {
        char *reply = NULL;

        return asprintf(&reply, "{\"return\":%llu}", strtoull(id + 5, NULL, 10)) < 0 ? NULL
                                                                                     : reply;
    }
    if (strstr(command, "guest-ping") != NULL)
        return strdup("{\"return\":{}}");
    last_code = VIR_ERR_INTERNAL_ERROR;
    return NULL;
}

static const struct virt_calls calls = { fake_open, fake_done, fake_uri, fake_alive,
    fake_error_func, fake_code, fake_message, fake_domain_free, fake_by_name, fake_by_uuid,
    fake_name, fake_uuid, fake_xml, fake_state, fake_resume, fake_info, fake_abort, fake_job,
    fake_begin, fake_job_xml, fake_list, fake_find, fake_checkpoint_name, fake_checkpoint_xml,
    fake_delete, fake_checkpoint_free, fake_agent };

/* ---- a machine ---- */

static int
count_checkpoints(void)
{
    int n = 0;

    for (int i = 0; i < NAMES; i++)
        n += w->checkpoints[i][0] != '\0';
    return n;
}

/* All that a backup does with a machine, but for reading. */
static struct err *
back_up(struct running *r, int64_t ms)
{
    TRY(running_prepare(r));
    TRY(running_track(r, "test"));
    TRY(running_cut(r, deadline_in_ms(ms)));
    assert_string_not_equal(w->job, "");
    return running_keep(r);
}

static struct err *
from_open_to_close(const char *name, int64_t command_ms)
{
    const struct running_options o = { .scratch = pattern_folder(), .command_ms = command_ms };
    auto_ptr(running) r = NULL;

    TRY(domain_open(name, &o, &r));
    struct err *e = back_up(r, command_ms);
    return err_also(e, running_close(r));
}

/* After it one backup has a clean machine with one checkpoint. */
static void
is_well_afterwards(void)
{
    w->fail_at = w->hang_at = 0;
    w->forever = false;
    assert_ok(from_open_to_close("web1", PATIENT_MS));
    assert_string_equal(w->job, "");
    assert_int_equal(count_checkpoints(), 1);
}

/* By name and by UUID, with the libvirt named and without; another libvirt's is another. */
static void
one_machine_has_one_identity(void **state)
{
    static const char *const spelled[] = { "web1", UUID, "web1,connect=" VIRT_URI,
        UUID ",connect=" VIRT_URI, "web1,connect=qemu:" };
    struct deadline by = deadline_in_ms(PATIENT_MS);
    char *same = NULL;

    (void)state;
    new_world();
    for (size_t i = 0; i < sizeof(spelled) / sizeof(spelled[0]); i++) {
        auto_free char *one = NULL;

        assert_ok(virt_identify(spelled[i], by, &one));
        assert_string_equal(one, UUID ",connect=" VIRT_URI);
    }
    auto_free char *other = NULL;
    assert_ok(virt_identify("web1,connect=qemu:///session", by, &other));
    assert_string_equal(other, UUID ",connect=qemu:///session");
    assert_fails(virt_identify("web2", by, &same), E_DomainMissing);
    w->fail_at = w->calls + 3; /* connect, look up, and then */
    assert_fails(virt_identify("web1", by, &same), E_LibvirtRefused);
    assert_null(same);
}

static void
what_is_there(void **state)
{
    const struct running_options o = { .scratch = pattern_folder() };
    auto_ptr(running) r = NULL;

    (void)state;
    new_world();
    assert_ok(from_open_to_close("web1", PATIENT_MS));
    is_well_afterwards();
    assert_ok(domain_open("web1", &o, &r));
    assert_string_equal(running_name(r), "web1");
    assert_int_equal(running_ndisks(r), 2);
    assert_string_equal(running_disk(r, 0)->image, "/images/a&b.qcow2");
    assert_int_equal(running_disk(r, 0)->nbitmaps, 1);
    assert_string_equal(running_disk(r, 1)->format, "raw");
    assert_int_equal(running_disk(r, 1)->nbitmaps, 0);
    running_free(take(r));
    assert_fails(domain_open("web2", &o, &r), E_DomainMissing);
    assert_fails(domain_open("web1,connect=qemu+ssh://other.invalid/system", &o, &r),
        E_DomainElsewhere);
    snprintf(w->job, sizeof(w->job), "<domainbackup><server socket='/tmp/x'/></domainbackup>");
    assert_fails(domain_open("web1", &o, &r), E_DomainBusy);
    assert_string_not_equal(w->job, "");
    assert_int_equal(w->drained, 0);
}

static bool
may_end_in(const struct err *e)
{
    return err_code(e) == E_LibvirtRefused || err_code(e) == E_LibvirtUnreachable ||
           err_code(e) == E_VmSnapshotFailed || err_code(e) == E_VmNotClean ||
           err_code(e) == E_LibvirtLost;
}

static void
every_call_fails(void **state)
{
    int n, failed = 0;

    (void)state;
    for (int forever = 0; forever < 2; forever++) {
        for (n = 1; n < CALLS_MAX; n++) {
            new_world();
            w->fail_at = n;
            w->forever = forever != 0;
            struct err *e = from_open_to_close("web1", PATIENT_MS);
            bool reached = w->calls >= n;

            assert_true(e == NULL || may_end_in(e));
            failed += e != NULL;
            err_free(e);
            is_well_afterwards();
            if (!reached)
                break;
        }
        assert_in_range(n, 10, CALLS_MAX - 1);
    }
    assert_in_range(failed, 10, 2 * CALLS_MAX);
}

static bool
is_silent(const struct err *e)
{
    for (; e != NULL; e = err_next(e))
        if (err_has(e, E_LibvirtSilent) || err_has(e, E_LibvirtLost))
            return true;
    return false;
}

static void
calls_never_come_back(void **state)
{
    (void)state;
    for (int n = 1; n < CALLS_MAX; n++) {
        new_world();
        w->hang_at = n;
        struct err *e = from_open_to_close("web1", HASTY_MS);

        bool whole = w->calls < n && e == NULL;

        assert_true(e == NULL || is_silent(e));
        err_free(e);
        if (whole)
            return;
        is_well_afterwards();
    }
    assert_true(false); /* it never ends */
}

static void
a_machine_that_is_off(void **state)
{
    const struct running_options o = { .scratch = pattern_folder() };
    auto_ptr(running) r = NULL;

    (void)state;
    new_world();
    w->on = false;
    assert_ok(domain_open("web1", &o, &r));
    assert_true(r->off);
    assert_int_equal(running_ndisks(r), 2);
}

/* The daemon is started anew in the copy: the process that watches goes on doing so. */
static void
a_daemon_that_is_started_anew(void **state)
{
    const struct running_options o = { .scratch = pattern_folder() };
    auto_ptr(running) r = NULL;

    (void)state;
    new_world();
    assert_ok(domain_open("web1", &o, &r));
    assert_ok(running_prepare(r));
    assert_ok(running_track(r, "test"));
    assert_ok(running_cut(r, deadline_in_ms(PATIENT_MS)));
    w->generation++;
    assert_fails(running_why(r, fail(SourceVanished, "vda", 0, 1)), E_SourceVanished);
    assert_string_not_equal(w->job, "");
    w->generation++;
    assert_ok(running_keep(r));
    assert_ok(running_close(r));
    assert_string_equal(w->job, "");
    assert_int_equal(w->opened, 3);
}

/* ---- a full scratch folder ---- */

static struct running *
open_in_copy(void)
{
    const struct running_options o = { .scratch = pattern_folder() };
    auto_ptr(running) r = NULL;

    new_world();
    assert_ok(domain_open("web1", &o, &r));
    assert_ok(running_prepare(r));
    assert_ok(running_track(r, "test"));
    assert_ok(running_cut(r, deadline_in_ms(PATIENT_MS)));
    return take(r);
}

static bool
no_job(void)
{
    return w->job[0] == '\0';
}

static bool
runs(void)
{
    return !w->paused;
}

static bool
until(bool (*there)(void))
{
    struct deadline by = deadline_in_ms(PATIENT_MS);

    while (!there() && !deadline_passed(by))
        (void)poll(NULL, 0, LOOK_MS);
    return there();
}

static void
no_room(void **state)
{
    auto_ptr(running) r = open_in_copy();

    (void)state;
    w->full = true;
    assert_true(until(no_job));
    assert_fails(running_why(r, fail(SourceVanished, "vda", 0, 1)), E_VmScratchFull);
    assert_ok(running_close(r));
    assert_int_equal(count_checkpoints(), 0);
}

/* QEMU has stopped the machine for that before anybody looked. */
static void
no_room_and_a_machine_that_stands(void **state)
{
    auto_ptr(running) r = open_in_copy();

    (void)state;
    w->paused = w->full = true;
    assert_true(until(no_job) && until(runs));
    struct err *e = running_why(r, fail(SourceVanished, "vda", 0, 1));
    assert_true(err_code(e) == E_VmScratchFull && err_code(err_cause(e)) == E_DomainHeldUp);
    err_free(e);
    assert_ok(running_close(r));
}

/* A firn that is stopped in the copy; its exit status. */
static int
sleep_in_copy(void)
{
    struct running *r = open_in_copy();

    w->untaken = true;
    (void)raise(SIGSTOP);
    w->untaken = false;
    struct err *e = running_why(r, fail(SourceVanished, "vda", 0, 1));
    bool right = err_code(e) == E_VmScratchFull;
    err_free(e);
    e = running_close(r);
    right = right && e == NULL;
    err_free(e);
    running_free(r);
    return right ? 0 : 1;
}

/* ${options}: of waitpid, the next event of the child.  -1: none came */
static int
next_event(pid_t child, int options)
{
    struct deadline by = deadline_in_ms(PATIENT_MS);
    int status;

    while (!deadline_passed(by)) {
        pid_t pid = waitpid(child, &status, options | WNOHANG);

        if (pid != 0)
            return pid == child ? status : -1;
        (void)poll(NULL, 0, LOOK_MS);
    }
    return -1;
}

/* The end of the job waits for firn, and the machine for the end of the job; nobody tells firn
 * to go on but the process that watches. */
static void
no_room_and_a_firn_that_is_stopped(void **state)
{
    (void)state;
    for (int stands = 0; stands < 2; stands++) {
        pid_t firn = fork();

        assert_true(firn >= 0);
        if (firn == 0)
            _exit(sleep_in_copy());
        int asleep = next_event(firn, WUNTRACED);
        w->paused = stands != 0;
        w->full = true;
        int ended = next_event(firn, 0);
        w->untaken = false; /* whatever happened: its process that watches can end */
        if (ended == -1)
            (void)kill(firn, SIGKILL);
        assert_true(asleep != -1 && WIFSTOPPED(asleep));
        assert_true(ended != -1 && WIFEXITED(ended) && WEXITSTATUS(ended) == 0);
        assert_true(no_job() && !w->paused);
        assert_int_equal(count_checkpoints(), 0);
    }
}

/* ---- its firmware ---- */

enum { CHIP = 528 * 1024 };

/* Open the machine with this <nvram> (${format}: its format, NULL: none is said). */
static struct running *
open_with(bool on, const char *file, const char *format)
{
    const struct running_options o = { .scratch = pattern_folder() };
    struct running *r = NULL;

    new_world();
    w->on = on;
    snprintf(w->nvram, sizeof(w->nvram), "<nvram%s%s%s>%s</nvram>",
        format != NULL ? " format='" : "", format != NULL ? format : "",
        format != NULL ? "'" : "", file);
    assert_ok(domain_open("web1", &o, &r));
    return r;
}

static void
variables_of_firmware(void **state)
{
    const char *file = pattern_path("vars.fd");
    auto_free uint8_t *was = pattern_new(7, CHIP, NULL), *is = malloc(CHIP);

    (void)state;
    assert_non_null(is);
    pattern_to_file(file, was, CHIP, NULL);
    for (int on = 0; on < 2; on++) {
        auto_ptr(running) r = open_with(on != 0, file, on != 0 ? "raw" : NULL);

        assert_int_equal(running_nflash(r), 1);
        assert_string_equal(running_flash(r, 0)->file, file);
        assert_int_equal(running_flash(r, 0)->size, CHIP);
        assert_ok(running_flash_read(r, 0, deadline_in_ms(PATIENT_MS), is));
        assert_memory_equal(is, was, CHIP);
        assert_int_equal(truncate(file, CHIP / 2), 0);
        assert_fails(running_flash_read(r, 0, deadline_in_ms(PATIENT_MS), is), E_InputInvalid);
        pattern_to_file(file, was, CHIP, NULL);
    }
}

static void
variables_that_cannot_be_read(void **state)
{
    auto_free char *source = NULL;
    uint8_t byte;

    (void)state;
    auto_ptr(running) gone = open_with(true, "/images/none.fd", NULL);
    assert_int_equal(running_nflash(gone), 1);
    assert_int_equal(running_flash(gone, 0)->size, 0);
    assert_fails(running_flash_read(gone, 0, deadline_in_ms(PATIENT_MS), &byte),
        E_SourceMissing);
    auto_ptr(running) away = open_with(true, "<source protocol='nbd' name='x'/>", NULL);
    assert_fails(running_flash_read(away, 0, deadline_in_ms(PATIENT_MS), &byte),
        E_InputInvalid);
    auto_ptr(running) never_on = open_with(false, "/images/none.fd", NULL);
    assert_int_equal(running_nflash(never_on), 0);
    assert_true(asprintf(&source, "<source file='%s'/>", pattern_path("vars.fd")) > 0);
    auto_ptr(running) other_form = open_with(true, source, NULL);
    assert_int_equal(running_flash(other_form, 0)->size, CHIP);
}

/* ---- its agent ---- */

static void
an_agent(void **state)
{
    auto_ptr(qga_link) l = NULL;
    json_auto_t *value = NULL;

    (void)state;
    new_world();
    assert_ok(qga_link_open("vm:web1", "web1", deadline_in_ms(PATIENT_MS), &l));
    assert_ok(qga_link_ask(l, "guest-ping", NULL, QGA_REPLY_MAX, deadline_in_ms(PATIENT_MS),
        &value));
    assert_fails(qga_link_ask(l, "guest-nope", NULL, QGA_REPLY_MAX, deadline_in_ms(PATIENT_MS),
                     NULL),
        E_AgentRefused);
    w->hang_at = w->calls + 1;
    assert_fails(qga_link_ask(l, "guest-ping", NULL, QGA_REPLY_MAX, deadline_in_ms(HASTY_MS),
                     NULL),
        E_AgentSilent);
    qga_link_free(take(l));
    w->hang_at = 0;
    assert_ok(qga_link_open("vm:web1", "web1", deadline_in_ms(PATIENT_MS), &l));
    qga_link_free(take(l));
    assert_fails(qga_link_open("vm:web2", "web2", deadline_in_ms(PATIENT_MS), &l),
        E_DomainMissing);
}

/* ---- its XML ---- */

static void
xml_that_is_none(void **state)
{
    static const char *const wrong[] = { "", "x", "<a>", "<a></b>", "</a>", "<a/><b/>",
        "<a b/>", "<a b=c/>", "<a b='c/>", "<a>&nope;</a>", "<a>&#0;</a>", "<a>&#x110000;</a>",
        "<!DOCTYPE a><a/>", "<a", "<a/", "<>", "<a><!-- </a>", "<a>&amp", "<a='b'/>" };
    struct xml *x;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_ok(xml_read(wrong[i], &x));
        assert_null(x);
    }
}

static void
xml_that_is_some(void **state)
{
    auto_ptr(xml) x = NULL;
    struct text t = { 0 };

    (void)state;
    assert_ok(xml_read("<?xml version='1.0'?>\n<!-- -->"
                       "<a b='1' c=\"&lt;&apos;&#65;&#xe9;&#x20ac;\"> t &amp; u<d/>"
                       "<e><f g='2'/></e><d h='3'/><![CDATA[<z>]]></a>\n",
        &x));
    assert_non_null(x);
    const struct xml_node *a = xml_root(x);
    assert_string_equal(xml_text(a), " t & u");
    assert_string_equal(xml_attr(a, "c"), "<'A\u00e9\u20ac");
    assert_null(xml_attr(a, "z"));
    assert_string_equal(xml_attr(xml_find(a, "e/f"), "g"), "2");
    assert_string_equal(xml_attr(xml_again(xml_first(a, "d")), "h"), "3");
    assert_null(xml_find(a, "e/z"));
    xml_escape(&t, "<'a\" & b>");
    assert_string_equal(t.s, "&lt;&apos;a&quot; &amp; b&gt;");
    text_done(&t);
}

static void
xml_beyond_the_limits(void **state)
{
    struct text t = { 0 };
    struct xml *x;

    (void)state;
    for (int i = 0; i <= XML_DEPTH_MAX; i++)
        text_str(&t, "<a>");
    assert_ok(xml_read(t.s, &x));
    assert_null(x);
    t.len = 0;
    text_str(&t, "<a>");
    for (int i = 0; i < XML_NODES_MAX; i++)
        text_str(&t, "<b/>");
    text_str(&t, "</a>");
    assert_ok(xml_read(t.s, &x));
    assert_null(x);
    text_done(&t);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_there),
        cmocka_unit_test(one_machine_has_one_identity),
        cmocka_unit_test(every_call_fails),
        cmocka_unit_test(calls_never_come_back),
        cmocka_unit_test(a_machine_that_is_off),
        cmocka_unit_test(a_daemon_that_is_started_anew),
        cmocka_unit_test(no_room),
        cmocka_unit_test(no_room_and_a_machine_that_stands),
        cmocka_unit_test(no_room_and_a_firn_that_is_stopped),
        cmocka_unit_test(variables_of_firmware),
        cmocka_unit_test(variables_that_cannot_be_read),
        cmocka_unit_test(an_agent),
        cmocka_unit_test(xml_that_is_none),
        cmocka_unit_test(xml_that_is_some),
        cmocka_unit_test(xml_beyond_the_limits),
    };

    if (argc > 4 && strcmp(argv[1], VIRT_VERB) == 0) {
        snprintf(path, sizeof(path), "%s", getenv("FIRN_TEST_WORLD"));
        open_world();
        return virt_serve(&calls, dup(STDIN_FILENO), argv[2], argv[3], argv[4]);
    }
    snprintf(path, sizeof(path), "%s", pattern_path("world"));
    assert_int_equal(setenv("FIRN_TEST_WORLD", path, 1), 0);
    open_world();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
