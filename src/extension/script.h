/* SPDX-License-Identifier: Apache-2.0 */
/* script.h -- an administrator's own programs before and after a snapshot (Linux).
 *
 * Which ones is said by VMSnapshotScriptPluginConfig.json, whose fields and permission rules
 * are those of the public contract; firn-package(5) lists them.  They run as root, so
 * nobody else may have had a hand in them: configuration and programs belong to root, are
 * closed to everybody else, and so is each folder above them (a sticky one counts as
 * closed).  No link is followed in any part of a path.  The file that was checked is the
 * open file that runs.
 *
 * On Windows the contract has no scripts, and there are none. */
#ifndef SCRIPT_H
#define SCRIPT_H

#include "auto.h"
#include "clock.h"
#include "err.h"

enum {
    SCRIPT_PARAMETERS_MAX = 16,
    SCRIPT_RETRIES_MAX = 5,
    SCRIPT_TIMEOUT_S = 30,
    SCRIPT_TIMEOUT_MAX_S = 1800
};

struct scripts;

/* Read the configuration and check both scripts; *ret = NULL when nothing is configured.
 * FreezeConfigEncoding, ScriptConfigInvalid, ScriptConfigOpen, ScriptMissing, ScriptOpen,
 * ScriptUnstartable; those of one script say goes_on, as script_goes_on does. */
struct err *script_open(struct scripts **ret) must_use;
/* From bytes, for tests of the reader. */
struct err *script_parse(const char *path, const char *bytes, size_t len, struct scripts **ret)
    must_use;
void scripts_free(struct scripts *s);
DEFINE_AUTO(scripts);

/* Only check. */
struct err *script_check(void) must_use;

/* Run one, with its retries, inside its time.  *ret_warned: it ended with 2.  ScriptFailed,
 * ScriptTooSlow, ScriptUnstartable. */
struct err *script_run_pre(struct scripts *s, bool *ret_warned) must_use;
struct err *script_run_post(struct scripts *s, bool *ret_warned) must_use;

/* Does the backup go on when one fails? */
bool script_goes_on(const struct scripts *s);

#endif
