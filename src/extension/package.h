/* SPDX-License-Identifier: Apache-2.0 */
/* package.h -- a version of the extension in its folder, and what its manifest says.
 *
 * <root>/<publisher.name>/<version>/ holds one version, made whole before it has its name,
 * and never changed but for its state (settings, status, heartbeat).  firn-package.json in
 * it lists every file with its length and SHA-256, the plug-ins and the prerequisites;
 * firn-package(5) describes it.  package_open takes a manifest whole or not at all, so that
 * nobody behind it meets a name that leads elsewhere or a list that is too long. */
#ifndef PACKAGE_H
#define PACKAGE_H

#include "auto.h"
#include "digest.h"
#include "doc.h"
#include "dotted.h"
#include "err.h"

#define PACKAGE_MANIFEST "firn-package.json"

enum {
    PACKAGE_FILES_MAX = 1024,
    PACKAGE_NAME_MAX = 200, /* bytes of a file's name */
    PACKAGE_PLUGINS_MAX = 32,
    PACKAGE_PREREQUISITES_MAX = 32,
    PACKAGE_LIBRARIES_MAX = 8,
    PACKAGE_ARGUMENTS_MAX = 32,
    PACKAGE_INSTALL_S = 900,     /* an installer's time when the manifest gives none */
    PACKAGE_INSTALL_MAX_S = 3600 /* the most that a manifest can give it */
};

struct package_file {
    const char *name; /* relative, with '/' */
    const char *sha256;
    uint64_t len;
    bool run;
};

/* Whose exit codes an installer has (exitcode.h). */
enum package_installer {
    PACKAGE_PLAIN,   /* 0 is success, and nothing else is known */
    PACKAGE_WINDOWS, /* the Windows Installer's, which bundles pass on */
    PACKAGE_DPKG     /* apt's and dpkg's */
};

/* What must be there before a plug-in can be loaded. */
struct package_prerequisite {
    const char *name, *title;
    const char *package; /* where the system gets it from (a Debian package); "" */
    const char *library[PACKAGE_LIBRARIES_MAX]; /* names for the system: all must load */
    size_t nlibraries;
    bool same_version;     /* and be of one version */
    const char *installer; /* a file of the package, or NULL */
    const char *argument[PACKAGE_ARGUMENTS_MAX + 1]; /* ends with NULL */
    int64_t deadline_s;
    enum package_installer kind;
    const struct doc_value *exit_codes; /* "code": "class" over the kind's own table */
    const char *key, *value, *data;     /* the persistent key that skips the check, or NULL */
    const char *failure;                /* the code when it cannot be had */
};

struct package_plugin {
    const char *name, *file;
    const struct package_prerequisite *requires[PACKAGE_PREREQUISITES_MAX];
    size_t nrequires;
};

struct package {
    char *folder;
    struct doc *doc; /* all strings lie in it */
    char digest[DIGEST_HEX];
    const char *name, *version, *platform;
    struct dotted dotted;
    struct package_file *files;
    size_t nfiles;
    struct package_plugin plugins[PACKAGE_PLUGINS_MAX];
    size_t nplugins;
    struct package_prerequisite prerequisites[PACKAGE_PREREQUISITES_MAX];
    size_t nprerequisites;
};

/* Read the manifest of a folder.  PackageManifestInvalid, PackageNameRefused,
 * PackageForeign. */
struct err *package_open(const char *folder, struct package **ret) must_use;
/* The same for a package of another platform ("windows-x86_64"), which is verified and sent on
 * here, and used there. */
struct err *package_open_for(const char *platform, const char *folder,
    struct package **ret) must_use;
/* The same from the manifest's bytes, for a package that lies in ${folder}. */
struct err *package_parse(const char *folder, const char *bytes, size_t len,
    struct package **ret) must_use;
void package_free(struct package *p);
DEFINE_AUTO(package);

/* The class of exit codes with that name; false when there is none. */
bool package_exit_class(const char *name, int *ret);

/* The file of that name, or NULL. */
const struct package_file *package_file(const struct package *p, const char *name);

/* Compare the folder with the manifest: each file there and unchanged, nothing else beside
 * the handler's state, no links.  PackageFileMissing, PackageFileChanged,
 * PackageFileUnlisted, PackageLinkRefused. */
struct err *package_verify(const struct package *p) must_use;
/* One file of it, right before it is used; *ret_path is its full path. */
struct err *package_verify_file(const struct package *p, const char *name, char **ret_path)
    must_use;

/* May a package, a part of it, a version have that name? */
bool package_name_ok(const char *name);
bool package_file_name_ok(const char *name);

/* What a version's state file says. */
enum package_state {
    PACKAGE_UNKNOWN, /* no file, or another word */
    PACKAGE_NOT_INSTALLED,
    PACKAGE_INSTALLED,
    PACKAGE_ENABLED,
    PACKAGE_FAILED /* an upgrade to it was rolled back */
};
struct err *package_state(const char *folder, enum package_state *ret) must_use;
struct err *package_set_state(const char *folder, enum package_state state) must_use;
/* "Enabled", as the file has it; "Unknown". */
const char *package_state_word(enum package_state state);

/* The folder of the latest version of ${name} below ${root}: the highest by number among
 * folders whose name is a version, that have a handler manifest, and that are installed.
 * *ret_folder = NULL when there is none. */
struct err *package_latest(const char *root, const char *name, char **ret_folder) must_use;

/* Where packages live: --root, FIRN_PLUGINS, or the platform's folder. */
struct err *package_root(const char *given, char **ret) must_use;

#endif
