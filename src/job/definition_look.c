/* SPDX-License-Identifier: Apache-2.0 */
/* definition_look.c -- the arguments of a QEMU that runs, from the kernel; libvirt's XML; and
 * what the firmware keeps.
 *
 * A QEMU that became a daemon has left the folder in which it was started, from which its
 * arguments name files; where it was is then told by its environment, if anything does. */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "backup.h"
#include "codes.h"
#include "definition.h"
#include "running.h"

enum { ENVIRON_MAX = 1 << 20 };

/* All of /proc/PID/NAME, at most ${most} bytes; an empty one and a longer one are failures,
 * with errno. */
static bool
read_all(pid_t pid, const char *name, char *to, size_t most, size_t *ret_len)
{
    char path[64];
    size_t len = 0;

    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    while (len < most) {
        ssize_t n = read(fd, to + len, most - len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        if (n == 0)
            break;
        len += (size_t)n;
    }
    errno = len == most ? E2BIG : ESRCH;
    *ret_len = len;
    return len > 0 && len < most && to[len - 1] == '\0';
}

static bool
has(const char *args, size_t len, const char *word)
{
    for (size_t at = 0; at < len; at += strlen(args + at) + 1)
        if (strcmp(args + at, word) == 0)
            return true;
    return false;
}

/* Where its shell said that it was; NULL: nobody says. */
static struct err *
started_in(pid_t pid, char **ret)
{
    auto_free char *all = malloc(ENVIRON_MAX);
    size_t len;

    if (all == NULL)
        return fail(OutOfMemory);
    if (!read_all(pid, "environ", all, ENVIRON_MAX, &len))
        return NULL;
    for (size_t at = 0; at < len; at += strlen(all + at) + 1)
        if (strncmp(all + at, "PWD=/", 5) == 0) {
            *ret = strdup(all + at + 4);
            return *ret == NULL ? fail(OutOfMemory) : NULL;
        }
    return NULL;
}

static struct err *
folder_of(pid_t pid, bool daemon, char **ret)
{
    char path[64], folder[PATH_MAX];

    if (daemon)
        return started_in(pid, ret);
    snprintf(path, sizeof(path), "/proc/%d/cwd", (int)pid);
    ssize_t n = readlink(path, folder, sizeof(folder));
    if (n <= 0 || folder[0] != '/')
        return NULL;
    *ret = strndup(folder, (size_t)n);
    return *ret == NULL ? fail(OutOfMemory) : NULL;
}

struct err *
definition_of_process(struct definition *d, pid_t qemu)
{
    auto_free char *args = malloc(DEFINITION_LEN_MAX + 1), *folder = NULL;
    size_t len;

    if (args == NULL)
        return fail(OutOfMemory);
    errno = 0;
    if (qemu == 0)
        return fail(MachineUnread, d->machine);
    if (!read_all(qemu, "cmdline", args, DEFINITION_LEN_MAX + 1, &len))
        return fail(MachineUnread, d->machine);
    TRY(folder_of(qemu, has(args, len, "-daemonize") || has(args, len, "--daemonize"),
        &folder));
    TRY(definition_add(d, DEFINITION_QEMU, args, len));
    return definition_fact(d, DEFINITION_FOLDER, folder);
}

struct err *
definition_of(struct definition *d, struct running *r, const char *machine)
{
    auto_free char *xml = NULL;
    struct err *e;

    d->machine = machine;
    e = running_xml(r, &xml);
    if (e == NULL && xml != NULL)
        e = definition_add(d, DEFINITION_LIBVIRT, xml, strlen(xml));
    else if (e == NULL)
        e = definition_of_process(d, running_process(r));
    if (e != NULL && err_code(e) != E_MachineUnread && err_code(e) != E_OutOfMemory) {
        errno = 0;
        e = err_because(fail(MachineUnread, machine), e);
    }
    return definition_lacks(d, e);
}

static struct err *
read_chip(struct definition *d, struct running *r, size_t i, struct deadline by)
{
    const struct running_disk *chip = running_flash(r, i);
    auto_free uint8_t *all = NULL;

    if (chip->size > DEFINITION_NVRAM_MAX)
        return fail(InputInvalid, chip->name, "it is larger than 64 MiB");
    all = malloc(chip->size + 1);
    if (all == NULL)
        return fail(OutOfMemory);
    TRY(running_flash_read(r, i, by, all));
    TRY(definition_add(d, DEFINITION_NVRAM, all, chip->size));
    return definition_name_disk(&(struct definition_names){ chip->node, chip->drive,
        chip->file }, &d->parts[d->nparts - 1].facts);
}

struct err *
definition_of_firmware(struct definition *d, struct running *r, struct deadline by)
{
    for (size_t i = 0; i < running_nflash(r); i++) {
        struct err *e = read_chip(d, r, i, by);

        if (e != NULL && err_code(e) != E_OutOfMemory)
            e = err_because(fail(NvramUnread, d->machine, running_flash(r, i)->name), e);
        TRY(definition_lacks(d, e));
    }
    return NULL;
}
