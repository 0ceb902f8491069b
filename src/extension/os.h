/* SPDX-License-Identifier: Apache-2.0 */
/* os.h -- what the extension asks of the operating system: files, folders, the persistent
 * keys, itself.  Children are run.h's.
 *
 * Two bodies stand behind it, os_linux.c and os_win32.c; nothing else in this folder knows
 * on which system it runs.  Paths are UTF-8 with '/' between their parts on both.  No call
 * follows a link in the last part of a path: the folders belong to the administrator, and
 * where a link stands, somebody else had a hand in. */
#ifndef OS_H
#define OS_H

#include "auto.h"
#include "clock.h"
#include "digest.h"
#include "err.h"

enum {
    OS_NAMES_MAX = 4096, /* entries of a folder; more is a failure */
    OS_DEPTH_MAX = 16    /* folders in each other, where a tree is removed */
};

/* What differs between the platforms by the public contract of extensions. */
struct os_layout {
    const char *platform; /* "linux-x86_64", "windows-x86_64", as packages spell it */
    const char *root;     /* where plug-in packages live */
    const char *settings_folder, *status_folder, *heartbeat_file; /* in a version's folder */
    const char *program_suffix; /* "" or ".exe" */
    const char *config;         /* where the persistent keys and script settings are */
    bool state_required;        /* a version without a state file is not installed */
};
extern const struct os_layout os_layout;

/* The variable, or NULL when it is not set or empty; the caller frees it. */
struct err *os_env(const char *name, char **ret) must_use;

/* "dir/name". */
struct err *os_join(const char *dir, const char *name, char **ret) must_use;

/* The full path of the running program. */
struct err *os_self(char **ret) must_use;

enum os_kind { OS_IS_ABSENT, OS_IS_FILE, OS_IS_FOLDER, OS_IS_LINK, OS_IS_OTHER };

/* A file that has a second name (a hard link) is OS_IS_LINK too. */
struct err *os_kind(const char *path, enum os_kind *ret) must_use;

/* The bytes of a regular file, with a NUL behind them; *ret = NULL when there is none.
 * InputInvalid when it is longer than ${max}. */
struct err *os_read(const char *path, size_t max, char **ret, size_t *ret_len) must_use;

/* Replace or make a file in one step: whoever reads it sees the old or the new one whole,
 * also after a crash. */
struct err *os_write(const char *path, const char *bytes, size_t len) must_use;

/* Is ${name} what os_write has beside a file until that is whole, and leaves there when it is
 * killed?  The file's own name is its first *ret_len bytes. */
bool os_is_unfinished(const char *name, size_t *ret_len);

/* SHA-256 and length of a regular file. */
struct err *os_digest(const char *path, char ret_hex[DIGEST_HEX], uint64_t *ret_len) must_use;

/* A new file with the same bytes; ${run} makes it a program. */
struct err *os_copy(const char *from, const char *to, bool run) must_use;

/* Names in a folder but . and .., sorted by their bytes; none when it is not there.  Freed
 * by os_names_done. */
struct os_names {
    char **name;
    size_t n;
};
struct err *os_list(const char *folder, struct os_names *ret) must_use;
void os_names_done(struct os_names *names);

struct err *os_make_folder(const char *path) must_use; /* its parents too; may be there */
struct err *os_rename(const char *from, const char *to) must_use;
struct err *os_remove(const char *path) must_use;      /* a file; may be gone */
struct err *os_remove_tree(const char *path) must_use; /* may be gone */

/* A lock that ends with its holder.  HandlerBusy when it is not free by then. */
struct os_lock;
struct err *os_lock(const char *path, struct deadline by, struct os_lock **ret) must_use;
void os_lock_free(struct os_lock *l);
DEFINE_AUTO(os_lock);

/* The text of a persistent key: on Windows the string ${value} of HKEY_LOCAL_MACHINE\${key}
 * (64-bit view), on Linux the line "${value} = text" of the file persistent.conf in the
 * configuration folder.  *ret = NULL when it is not set. */
struct err *os_persistent(const char *key, const char *value, char **ret) must_use;

enum { OS_WHO_MAX = 80 };

/* Wait until no other installation holds the machine's installer (the Windows Installer; dpkg
 * and apt); false when one still does at the deadline.  ${who} is then, and where there was a
 * wait, who that is or was, "apt-get (process 1234)"; otherwise it is left as it was. */
bool os_installer_wait(struct deadline by, char who[OS_WHO_MAX]);

#endif
