/* SPDX-License-Identifier: Apache-2.0 */
/* firn-plugin.h -- what a plug-in of the backup extension is made of; see firn-plugin(3).
 *
 * A plug-in is a shared library that brings one application to rest before a snapshot and
 * lets it go on afterwards.  It is loaded by firn-plugin-host, one process for each, never
 * into the extension; it may crash or hang without harm to others.  The host loads it,
 * calls firn_plugin_describe once, then ready, or quiesce and resume, at most once each, all on
 * one thread.  resume is called after every quiesce that was begun, also a failed one, also
 * when the extension is gone: the host calls it by itself at the deadline.
 *
 * This header is all that a plug-in needs; it includes nothing of firn. */
#ifndef FIRN_PLUGIN_H
#define FIRN_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#define FIRN_PLUGIN_ABI 1

#ifdef _WIN32
#define FIRN_PLUGIN_EXPORT __declspec(dllexport)
#else
#define FIRN_PLUGIN_EXPORT __attribute__((visibility("default")))
#endif

struct firn_plugin {
    uint32_t abi;  /* FIRN_PLUGIN_ABI of the plug-in's build: a host takes its own only */
    uint32_t size; /* sizeof(struct firn_plugin) of the plug-in's build */
    const char *name, *version;
    const char *about; /* one line: what it brings to rest */

    /* Return 0 when the application is at rest (is going on again), within ${deadline_ms}
     * milliseconds.  Otherwise return a number of your own that is not 0 and put a text for
     * a person, with a NUL, into ${words}. */
    int (*quiesce)(uint32_t deadline_ms, char *words, size_t words_size);
    int (*resume)(uint32_t deadline_ms, char *words, size_t words_size);

    /* May be NULL, or lie beyond ${size}: a plug-in made before it is as good.  Would quiesce
     * succeed now?  It answers as quiesce does, leaves nothing to resume, and is called long
     * before, while nothing waits for it: here what takes long is done, and what is wrong is
     * found before anything is frozen. */
    int (*ready)(uint32_t deadline_ms, char *words, size_t words_size);
};

/* The one symbol of a plug-in.  What it returns stays valid while the library is loaded. */
FIRN_PLUGIN_EXPORT const struct firn_plugin *firn_plugin_describe(void);

#endif
