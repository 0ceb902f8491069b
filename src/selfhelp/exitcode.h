/* SPDX-License-Identifier: Apache-2.0 */
/* exitcode.h -- what the exit code of an installer means, and what to do next.
 *
 * Codes are the 32 bits that the system gives.  Bundled installers return HRESULTs, so
 * 0x80070642 is 1602; an agent may hand the same bits as a negative number. */
#ifndef EXITCODE_H
#define EXITCODE_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"

enum exit_class {
    EXIT_OK,
    EXIT_OK_RESTART,    /* installed; in place after a restart */
    EXIT_RESTARTING,    /* the installer has begun a restart */
    EXIT_NEWER_PRESENT, /* another or newer build is there */
    EXIT_BUSY,          /* another installation is under way */
    EXIT_SERVICE,       /* the installer service cannot be reached */
    EXIT_CANCELLED,     /* by nobody that can be seen: usually a policy */
    EXIT_FATAL,         /* "fatal error": its log says more */
    EXIT_PACKAGE,       /* the package is bad, out of reach, for another system */
    EXIT_POLICY,        /* forbidden */
    EXIT_SPACE,         /* no room, or no folder for temporary files */
    EXIT_ARGUMENTS,     /* the installer does not know them */
    EXIT_DENIED,        /* rights are missing */
    EXIT_MISSING,       /* the installer or a part of it is not there */
    EXIT_CANNOT_START,  /* the process could not start: a library or the bitness */
    EXIT_HUNG,          /* did not end in time */
    EXIT_UNKNOWN,
    EXIT_CLASS_COUNT
};

/* What may help, in the words of the safe order of runbook.h. */
enum exit_next {
    NEXT_VERIFY,        /* look whether it is there now */
    NEXT_RESTART,       /* restart, then look */
    NEXT_WAIT_RESTART,  /* a restart is under way */
    NEXT_WAIT_IDLE,     /* wait until nobody installs, then again */
    NEXT_CHECK_SERVICE, /* the installer service first */
    NEXT_PERSON         /* a person must do something */
};

/* 0x8007xxxx becomes xxxx; all else stays. */
uint32_t exitcode_normal(uint32_t code);

/* ${log} is the installer's output or log, NULL when there is none: a fatal error is told
 * apart by what it says. */
enum exit_class exitcode_class(uint32_t code, const char *log);

/* apt's and dpkg's; ${log} as above. */
enum exit_class exitcode_class_dpkg(uint32_t code, const char *log);

enum exit_next exitcode_next(enum exit_class class);

const char *exitcode_class_name(enum exit_class class); /* "busy" */

/* The failure that this class is; NULL for the classes that are none (EXIT_OK,
 * EXIT_OK_RESTART, EXIT_RESTARTING, EXIT_NEWER_PRESENT). */
struct err *exitcode_error(enum exit_class class, const char *installer,
    uint32_t code) must_use;

#endif
