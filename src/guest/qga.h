/* SPDX-License-Identifier: Apache-2.0 */
/* qga.h -- what the QEMU guest agent can do for us inside a guest.
 *
 * One struct qga is one conversation over the agent's socket, which serves one client at a
 * time; it belongs to one thread.  Every call has a deadline, and every answer a limit.  What
 * comes back is numbers and bytes: the words of a guest's programs depend on its language,
 * and its bytes need not be UTF-8.  Strings that are handed over must be UTF-8
 * (InputInvalid).
 *
 * The guest is not trusted.  Its administrator may forbid any command: then the failure is
 * AgentCommandForbidden and names it, and qga_may says so beforehand.  Failures of the
 * conversation itself are those of qga_link.h. */
#ifndef QGA_H
#define QGA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auto.h"
#include "bytes.h"
#include "clock.h"
#include "err.h"

struct qga;

enum {
    QGA_COMMANDS_MAX = 1024, /* that an agent may have */
    QGA_FS_MAX = 1024, /* file systems that it may list */
    QGA_NAME_MAX = 256, /* bytes of a name or a path, with its NUL */
    QGA_CHUNK = 256 * 1024, /* bytes of a file in one answer */
    QGA_SENT = 64 * 1024, /* and in one request */
    QGA_GRACE_MS = 10000 /* that the end of a program may take beyond its deadline */
};

/* Connect to the agent's socket; ${name} is the machine's name, for messages. */
struct err *qga_open(const char *socket, const char *name, struct deadline by,
    struct qga **ret) must_use;

const char *qga_name(const struct qga *g);

/* Accepts NULL. */
void qga_free(struct qga *g);
DEFINE_AUTO(qga);

/* ---- the agent and the guest ---- */

struct err *qga_ping(struct qga *g, struct deadline by) must_use;

enum qga_may { QGA_MAY,
    QGA_FORBIDDEN,
    QGA_LACKS };

/* May ${command} ("guest-exec") be used?  Asked of the agent once in a conversation. */
struct err *qga_may(struct qga *g, const char *command, struct deadline by,
    enum qga_may *ret) must_use;

/* Each command in turn, and whether it is allowed.  ${version} (may be NULL) holds
 * QGA_NAME_MAX bytes. */
struct err *qga_commands(struct qga *g, struct deadline by, char *version,
    void (*each)(void *arg, const char *command, bool allowed), void *arg) must_use;

enum qga_family { QGA_LINUX,
    QGA_WINDOWS,
    QGA_OTHER };

struct qga_os {
    enum qga_family family;
    char id[64]; /* "debian", "mswindows"; empty when it is not told */
    char version_id[64]; /* "12", "2019" */
    char kernel[128]; /* "6.1.0-18-amd64", "17763" */
    char machine[64]; /* "x86_64" */
};

/* Which system it is.  Asked once in a conversation; *ret_os is borrowed until qga_free. */
struct err *qga_os(struct qga *g, struct deadline by, const struct qga_os **ret_os) must_use;

enum { QGA_BOOT_ID_MAX = 64 };

/* A text that is another one after each start of the guest's system: on Linux the kernel's
 * boot id, on Windows the number of the boot that the system itself counts. */
struct err *qga_boot_id(struct qga *g, struct deadline by, char to[QGA_BOOT_ID_MAX]) must_use;

enum qga_shutdown { QGA_POWERDOWN,
    QGA_REBOOT,
    QGA_HALT };

/* What its clock says now, nanoseconds since 1970. */
struct err *qga_time(struct qga *g, struct deadline by, int64_t *ret_ns) must_use;

/* Ask the guest to go down.  NULL: the agent did not refuse; that it happened, only a later
 * boot id tells. */
struct err *qga_shutdown(struct qga *g, enum qga_shutdown how, struct deadline by) must_use;

/* ---- programs ---- */

struct qga_program {
    const char *path; /* of the guest, or a name that its search path has */
    const char *const *args; /* without the program itself; ends with NULL; NULL: none */
    const char *const *env; /* "NAME=value"; NULL: the agent's own */
    struct view input; /* its standard input */
    bool discard; /* its output is not wanted */
    bool may_stop; /* give up when stop_requested(), with Interrupted */
};

struct qga_result {
    int64_t exit; /* on Windows any 32 bits, without a sign */
    int signal; /* that ended it; 0: none */
    uint8_t *out, *err;
    size_t out_len, err_len; /* a NUL follows that does not count */
    bool cut; /* there was more output than the agent keeps */
};

/* Run a program to its end.  When it does not end by ${by} it is ended with all that it
 * started: GuestProgramOverdue, beside which stands why when it could not be ended.  The
 * agent keeps 16 MiB of each stream and drops the rest.  GuestProgramUnstarted with the
 * guest's words when it cannot be run at all. */
struct err *qga_run(struct qga *g, const struct qga_program *program, struct deadline by,
    struct qga_result *ret) must_use;

void qga_result_done(struct qga_result *r);

/* ---- files ---- */

/* Write all of ${fd}, a regular file, to the guest's file ${path}, then read it back and
 * compare.  What is already there and agrees is kept, so a transfer that broke off goes on.
 * GuestFileFailed, GuestFileDiffers. */
struct err *qga_push(struct qga *g, int fd, const char *path, struct deadline by) must_use;

/* The same for bytes in memory. */
struct err *qga_write_file(struct qga *g, const char *path, struct view data,
    struct deadline by) must_use;

/* Write the guest's file ${path} to ${fd}, an empty regular file, read it once more and
 * compare: GuestFileDiffers when it changes meanwhile.  GuestFileTooLarge beyond ${max}
 * bytes. */
struct err *qga_pull(struct qga *g, const char *path, int fd, uint64_t max,
    struct deadline by) must_use;

/* A small file at once: *ret is the caller's, with a NUL behind it that does not count.  It
 * is read once, so that files of /proc can be. */
struct err *qga_read_file(struct qga *g, const char *path, size_t max, struct deadline by,
    uint8_t **ret, size_t *ret_len) must_use;

/* ---- file systems ---- */

struct qga_fs {
    char mountpoint[QGA_NAME_MAX];
    char type[64];
    char device[QGA_NAME_MAX]; /* as the guest names it: "vda1", a volume's GUID */
};

/* The caller frees *ret_list. */
struct err *qga_filesystems(struct qga *g, struct deadline by, struct qga_fs **ret_list,
    size_t *ret_n) must_use;

struct err *qga_is_frozen(struct qga *g, struct deadline by, bool *ret) must_use;

/* Freeze the file systems that are mounted at ${mounts} (ends with NULL; NULL: all that can
 * be).  *ret_n is how many there are; 0 is no failure, but nothing is frozen then.  After a
 * refusal (AgentRefused, with the guest's words) the agent has thawed again what it froze.
 * When the answer does not come by ${by} they may freeze later: thaw until qga_is_frozen
 * says no. */
struct err *qga_freeze(struct qga *g, const char *const *mounts, struct deadline by,
    unsigned *ret_n) must_use;

/* Thaw all that the agent has frozen; *ret_n is how many those were. */
struct err *qga_thaw(struct qga *g, struct deadline by, unsigned *ret_n) must_use;

#endif
