/* SPDX-License-Identifier: Apache-2.0 */
/* upkeep.h -- put the extension into a guest, look after it, take it out: by the guest's agent
 * and nothing else.
 *
 * A package (firn-package(5)) goes into a folder of its own in the guest, which only the
 * administrator can enter, its program first.  That program then verifies all of it by the
 * manifest's SHA-256, which firn says, copies it to its place and puts the version into force,
 * or leaves everything as it was (`firn-extension activate`).  Whatever ends it, the next call
 * goes on with what is there and agrees, byte by byte; nothing that lies there is believed.
 * When the agent goes away meanwhile, a new conversation is opened and the work goes on.
 *
 * What comes back from the guest is read within limits and never trusted.  One thread. */
#ifndef UPKEEP_H
#define UPKEEP_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "err.h"

struct qga;

enum {
    UPKEEP_PUSH_S = 3600,     /* sending a package, at most */
    UPKEEP_ACTIVATE_S = 1800, /* an installer may run meanwhile */
    UPKEEP_SHORT_S = 180,     /* everything else that is done in the guest */
    UPKEEP_TRIES = 5          /* conversations that break one after another, without progress */
};

/* The package that firn brings along. */
#define UPKEEP_PACKAGE "Firn.VMSnapshot"

struct upkeep {
    const char *vm; /* the machine's name, for messages */
    /* Begin a conversation with the agent; called again when one broke. */
    struct err *(*open)(void *arg, struct deadline by, struct qga **ret);
    void (*progress)(void *arg, const char *stage, uint64_t done, uint64_t total); /* or NULL */
    void (*warn)(void *arg, struct err *warning); /* takes it; or NULL */
    void *arg;
    const char *root;     /* where packages lie in the guest; NULL: its system's folder */
    const char *incoming; /* where they are sent to; NULL: its system's folder */
};

struct upkeep_installed {
    char *package, *version;
    char *folder;   /* in the guest */
    char *previous; /* folder of the version before it, which is kept; NULL: none */
    bool already;   /* it was in force before, and whole */
    bool mended;    /* it was in force before, and damaged: it was put into place anew */
    uint64_t bytes; /* of the package */
    json_t *status; /* what it says of itself then, an element of upkeep_status's packages */
};

/* ${package} is a folder with firn-package.json, or one in which a folder for each system holds
 * packages (<system>/<name>/<version>/, the highest version is taken); NULL: the packages that
 * firn brings along (in the folder that FIRN_PACKAGES names, or where they were installed).
 *
 * ExtensionPackageMissing, GuestSystemUnsupported, ExtensionPushForbidden, GuestSpaceShort,
 * GuestFolderReadOnly, GuestFolderNoexec, GuestFolderFailed, ExtensionVersionTaken; those of
 * package.h for the package here; what the extension says of itself there
 * (ActivationRolledBack and why, PackageOlder ...); failures of the agent (qga.h). */
struct err *upkeep_install(const struct upkeep *u, const char *package,
    struct upkeep_installed *ret) must_use;
void upkeep_installed_done(struct upkeep_installed *i);

/* What the extension says of itself: an object with "platform", "root" and "packages", those
 * called ${package}, or all (NULL); firn-extension(1) describes it.  Nothing is changed in the
 * guest.  The caller owns *ret.  ExtensionMissing, ExtensionAnswerWrong. */
struct err *upkeep_status(const struct upkeep *u, const char *package, json_t **ret) must_use;

/* Would prepare work, by what the status says of a package?  The failure that it tells of, or
 * ExtensionNotReady when no version is in force. */
struct err *upkeep_judge(const char *vm, const json_t *package) must_use;

struct upkeep_removed {
    bool was_there;
    size_t versions; /* that were told to leave */
};

/* Disable and uninstall each version of ${package}, then remove its folders, and those above
 * that are empty then.  What is not the package's stays: runtimes that others may use, settings
 * and persistent keys of the administrator.  Nothing there is no failure.  A version that does
 * not leave in order is a warning; it is removed all the same. */
struct err *upkeep_remove(const struct upkeep *u, const char *package,
    struct upkeep_removed *ret) must_use;

#endif
