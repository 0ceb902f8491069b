/* SPDX-License-Identifier: Apache-2.0 */
/* probe.h -- asking firn-plugin-host, which lies beside the extension's own program. */
#ifndef PROBE_H
#define PROBE_H

#include "clock.h"
#include "doc.h"
#include "err.h"

enum {
    PROBE_MS = 60000 /* a load test that takes longer hangs */
};

/* Path of firn-plugin-host; PluginHostFailed when it is not there. */
struct err *probe_host(char **ret) must_use;

/* Try to load libraries of the system in a child.  The answer holds a list "libraries", one
 * object each: library, loaded, number (of the loader, 0 when it has none), reason (missing,
 * version, symbol, format, refused, crashed, hung, other), words, path, version.  A child
 * that crashes or hangs answers for the one library that it was at, by its reason.
 * ${names} has ${n}. */
struct err *probe_libraries(const char *host, const char *const names[], size_t n,
    struct deadline by, struct doc **ret, bool *ret_all) must_use;

/* One library: by its name where the system keeps them, or by its path, where what lies beside
 * it counts too.  The answer is one such object. */
struct err *probe_library(const char *host, const char *library, struct deadline by,
    struct doc **ret) must_use;

/* Try to load a plug-in in a child.  The answer is one such object, with usable, abi,
 * host_abi, name, plugin_version and about when it is one.  PluginUnloadable,
 * PluginAbiWrong. */
struct err *probe_plugin(const char *host, const char *name, const char *path,
    struct deadline by, struct doc **ret) must_use;

#endif
