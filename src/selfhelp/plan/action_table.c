/* SPDX-License-Identifier: Apache-2.0 */
/* action_table.c -- the closed table of what a runbook may do, group by group.
 *
 * It is data alone, so that build tools can link it: mkcodes lints the articles with it and
 * mkactions writes its part of firn-article(5) from it.  A kind that changes something says
 * how that is undone, or why it cannot be. */
#include "action.h"

#define NEED(name, type) { name, PARAM_##type, true, NULL }
#define MAY(name, type) { name, PARAM_##type, false, NULL }
#define NEED_WORD(name, words) { name, PARAM_WORD, true, words }
#define MAY_WORD(name, words) { name, PARAM_WORD, false, words }

#define REG_TYPES "sz|expand_sz|dword|qword|multi_sz|binary"
#define STARTS "2|3|4"
#define RUN_STATES "running|stopped"
#define WANT_STATES RUN_STATES "|restarted"
#define ACCOUNTS "LocalSystem|LocalService|NetworkService"

#define OLD_VALUE "The old value is written back, or the value removed if there was none."

const struct action_kind action_kinds[] = {
    /* ---- Windows: registry ---- */
    { "windows.registry.is", RISK_READ, ACTION_WINDOWS, false,
        { NEED("key", KEY), NEED("name", NAME), MAY_WORD("type", REG_TYPES),
            MAY("data", TEXT), MAY("not", TEXT) },
        NULL, NULL,
        "The value is there, has this type and data, and not the data that is excluded." },
    { "windows.registry.absent", RISK_READ, ACTION_WINDOWS, false,
        { NEED("key", KEY), MAY("name", NAME) }, NULL, NULL,
        "The value, or without a name the whole key, is not there." },
    { "windows.registry.set", RISK_CONFIG, ACTION_WINDOWS, false,
        { NEED("key", KEY), NEED("name", NAME), NEED_WORD("type", REG_TYPES),
            NEED("data", TEXT) },
        OLD_VALUE, NULL, "Write a value; the key is made if it is missing." },
    { "windows.registry.delete", RISK_CONFIG, ACTION_WINDOWS, false,
        { NEED("key", KEY), NEED("name", NAME) }, "The old value is written back.", NULL,
        "Remove one value, never a key." },
    { "windows.registry.part.is", RISK_READ, ACTION_WINDOWS, false,
        { NEED("key", KEY), NEED("name", NAME), NEED("part", NAME), NEED("data", TEXT) },
        NULL, NULL,
        "The string value holds the word part=data among its blank-separated words." },
    { "windows.registry.part.set", RISK_CONFIG, ACTION_WINDOWS, false,
        { NEED("key", KEY), NEED("name", NAME), NEED("part", NAME), NEED("data", TEXT) },
        "The old value is written back.", NULL,
        "Change the word part=... inside a longer string value, and nothing else of it." },

    /* ---- Windows: services ---- */
    { "windows.service.is", RISK_READ, ACTION_WINDOWS, false,
        { NEED("service", NAME), MAY_WORD("start", STARTS), MAY_WORD("state", RUN_STATES),
            MAY_WORD("account", ACCOUNTS) },
        NULL, NULL,
        "The service exists and has this start type (2 automatic, 3 on demand, 4 disabled), "
        "state and account." },
    { "windows.service.start_type", RISK_SERVICE, ACTION_WINDOWS, false,
        { NEED("service", NAME), NEED_WORD("want", STARTS) },
        "The old start type is set again.", NULL,
        "Set the start type: 2 automatic, 3 on demand, 4 disabled." },
    { "windows.service.state", RISK_SERVICE, ACTION_WINDOWS, false,
        { NEED("service", NAME), NEED_WORD("want", WANT_STATES) },
        "It is started or stopped as it was before, and so are those that need it.", NULL,
        "Start, stop or restart a service. Services that run and need it are stopped before "
        "it, and after a restart they are started again." },
    { "windows.service.account", RISK_SERVICE, ACTION_WINDOWS, false,
        { NEED("service", NAME), NEED_WORD("account", ACCOUNTS) },
        "The old account is set again, if it is one that needs no password.", NULL,
        "Let the service log on as one of the accounts that have no password." },

    /* ---- Windows: software ---- */
    { "windows.installer.idle", RISK_READ, ACTION_WINDOWS, false, { { 0 } }, NULL, NULL,
        "No other installation is under way." },
    { "windows.installer.register", RISK_SERVICE, ACTION_WINDOWS, false, { { 0 } },
        "The service is made again as it was recorded before.", NULL,
        "Unregister the Windows Installer service and register it again; afterwards it must "
        "exist with start type 3." },
    { "windows.installer.run", RISK_INSTALL, ACTION_WINDOWS, false,
        { NEED("path", PATH), MAY("args", TEXT), MAY("product", TEXT) },
        "What was installed is uninstalled, if it was absent before.", NULL,
        "Run an installer silently and judge its exit code. Without args the silent options "
        "of its kind are used." },
    { "windows.msi.install", RISK_INSTALL, ACTION_WINDOWS, false, { NEED("path", PATH) },
        "The product is uninstalled, if it was absent before.", NULL,
        "Install a Windows Installer package silently." },
    { "windows.msi.remove", RISK_DATA, ACTION_WINDOWS, false, { NEED("product", TEXT) }, NULL,
        "Software that was removed must be installed again by hand.",
        "Uninstall a product by its name or product code." },
    { "windows.library.loads", RISK_READ, ACTION_WINDOWS, false,
        { NEED("name", NAME), MAY("dir", PATH) }, NULL, NULL,
        "The library, with all that it needs, loads in a child process." },
    { "windows.library.register", RISK_CONFIG, ACTION_WINDOWS, false, { NEED("path", PATH) },
        "The library is unregistered, if it was not registered before.", NULL,
        "Let a library register its classes (regsvr32)." },
    { "windows.library.unregister", RISK_CONFIG, ACTION_WINDOWS, false, { NEED("path", PATH) },
        "The library is registered again, if it was before.", NULL,
        "Let a library remove its classes (regsvr32 /u)." },
    { "windows.vss.writers", RISK_READ, ACTION_WINDOWS, false,
        { MAY("writer", TEXT), MAY_WORD("want", "stable|unfailed") }, NULL, NULL,
        "All snapshot writers, or the one that is named, are stable ([1]); or, unfailed, "
        "stable or at work in a snapshot ([1] to [5])." },
    { "windows.vss.providers", RISK_READ, ACTION_WINDOWS, false, { MAY("provider", TEXT) },
        NULL, NULL, "Snapshot providers can be listed, and the one that is named is there." },
    { "windows.short_names", RISK_CONFIG, ACTION_WINDOWS, false,
        { NEED_WORD("want", "0|1|2|3") }, "The old setting is written back.", NULL,
        "Set whether short file names are made (fsutil 8dot3name set)." },
    { "windows.restart.not_pending", RISK_READ, ACTION_WINDOWS, false, { { 0 } }, NULL, NULL,
        "Windows is not waiting for a restart." },

    /* ---- Linux ---- */
    { "linux.unit.is", RISK_READ, ACTION_LINUX, false,
        { NEED("unit", NAME),
            NEED_WORD("state", "active|inactive|enabled|disabled|masked|unmasked") },
        NULL, NULL, "The unit exists and is so." },
    { "linux.unit.state", RISK_SERVICE, ACTION_LINUX, false,
        { NEED("unit", NAME), NEED_WORD("want", WANT_STATES) },
        "It is started or stopped as it was before.", NULL, "Start, stop or restart a unit." },
    { "linux.unit.enabled", RISK_SERVICE, ACTION_LINUX, false,
        { NEED("unit", NAME), NEED_WORD("want", "enabled|disabled|unmasked") },
        "The old links are made again.", NULL,
        "Let a unit start with the system, or not, or be startable at all." },
    { "linux.package.installed", RISK_READ, ACTION_LINUX, false,
        { NEED("name", NAME), MAY("version", NAME) }, NULL, NULL,
        "The package is installed, in this version or a newer one." },
    { "linux.package.install", RISK_INSTALL, ACTION_LINUX, false, { NEED("name", NAME) },
        "The package is removed, if it was absent before.", NULL,
        "Install a package from the system's sources." },
    { "linux.package.install_file", RISK_INSTALL, ACTION_LINUX, false, { NEED("path", PATH) },
        "The package is removed, if it was absent before.", NULL,
        "Install a package file that lies on the machine." },
    { "linux.package.upgrade", RISK_INSTALL, ACTION_LINUX, false, { NEED("name", NAME) }, NULL,
        "Older versions are not kept by the system's sources.",
        "Bring an installed package to its newest version." },
    { "linux.package.remove", RISK_DATA, ACTION_LINUX, false, { NEED("name", NAME) }, NULL,
        "Software that was removed must be installed again by hand.", "Remove a package." },
    { "linux.package.ready", RISK_READ, ACTION_LINUX, false, { { 0 } }, NULL, NULL,
        "No installation was interrupted and the package database is whole." },
    { "linux.package.configure", RISK_INSTALL, ACTION_LINUX, false, { { 0 } }, NULL,
        "An interrupted installation is completed; it cannot be interrupted again.",
        "Complete interrupted installations (dpkg --configure -a)." },
    { "linux.package.fix", RISK_INSTALL, ACTION_LINUX, false, { { 0 } }, NULL,
        "Packages that were missing are installed; the broken state is not made again.",
        "Install what installed packages need and do not have (apt-get -f install)." },
    { "linux.package.idle", RISK_READ, ACTION_LINUX, false, { { 0 } }, NULL, NULL,
        "No other package manager holds the lock." },
    { "linux.library.loads", RISK_READ, ACTION_LINUX, false,
        { NEED("name", NAME), MAY("dir", PATH) }, NULL, NULL,
        "The library, with all that it needs, loads in a child process." },

    /* ---- files and settings, on either system ---- */
    { "file.exists", RISK_READ, ACTION_ANY, false, { NEED("path", PATH) }, NULL, NULL,
        "The file or folder is there." },
    { "file.absent", RISK_READ, ACTION_ANY, false, { NEED("path", PATH) }, NULL, NULL,
        "The file or folder is not there." },
    { "file.encoding", RISK_READ, ACTION_ANY, false,
        { NEED("path", PATH), NEED_WORD("want", "ascii|utf-8") }, NULL, NULL,
        "The file's bytes are of this encoding, without a byte order mark." },
    { "file.convert", RISK_CONFIG, ACTION_ANY, false,
        { NEED("path", PATH), MAY_WORD("from", "utf-8|utf-16|utf-16le|utf-16be|cp1252"),
            NEED_WORD("to", "ascii|utf-8") },
        "The old file, of which a copy is kept, is put back; where somebody else has "
        "written to it since, beside it (.firn-old).", NULL,
        "Rewrite a text file in another encoding. Without from it is found by looking." },
    { "file.copy", RISK_CONFIG, ACTION_ANY, false, { NEED("from", PATH), NEED("to", PATH) },
        "The copy is removed; a file that was replaced is put back; where somebody else has "
        "written to it since, beside it (.firn-old).", NULL, "Copy a file." },
    { "file.rename", RISK_CONFIG, ACTION_ANY, false, { NEED("from", PATH), NEED("to", PATH) },
        "It is renamed back.", NULL, "Rename a file or folder; nothing is replaced." },
    { "file.delete", RISK_DATA, ACTION_ANY, false, { NEED("path", PATH) }, NULL,
        "What was deleted does not come back.", "Delete one file." },
    { "file.mode.is", RISK_READ, ACTION_LINUX, false,
        { NEED("path", PATH), NEED("mode", NAME), MAY("owner", NAME) }, NULL, NULL,
        "The file has this octal mode and owner." },
    { "file.mode.set", RISK_CONFIG, ACTION_LINUX, false,
        { NEED("path", PATH), NEED("mode", NAME), MAY("owner", NAME) },
        "The old mode and owner are set again.", NULL, "Set a file's octal mode and owner." },
    { "config.is", RISK_READ, ACTION_ANY, false,
        { NEED("file", PATH), NEED_WORD("format", "ini|json|conf"), MAY("section", NAME),
            NEED("key", NAME), NEED("value", TEXT) },
        NULL, NULL, "The setting is there and has this value." },
    { "config.set", RISK_CONFIG, ACTION_ANY, false,
        { NEED("file", PATH), NEED_WORD("format", "ini|json|conf"), MAY("section", NAME),
            NEED("key", NAME), NEED("value", TEXT) },
        "The old file, of which a copy is kept, is put back; where somebody else has "
        "written to it since, the old value alone.", NULL,
        "Change one setting of a configuration file, and nothing else of it." },

    /* ---- the machine ---- */
    { "machine.restart", RISK_RESTART, ACTION_ANY, false, { { 0 } }, NULL,
        "A restart cannot be undone.", "Restart the machine." },
    { "machine.wait", RISK_READ, ACTION_ANY, false, { NEED("seconds", NUMBER) }, NULL, NULL,
        "Let some time pass." },
    { "version.at_least", RISK_READ, ACTION_ANY, false,
        { NEED("component", TEXT), NEED("version", NAME) }, NULL, NULL,
        "The component is there in this version or a newer one." },
    { "space.at_least", RISK_READ, ACTION_ANY, false,
        { NEED("path", PATH), NEED("bytes", NUMBER) }, NULL, NULL,
        "So many bytes are free where the path lies." },
    { "network.reaches", RISK_READ, ACTION_ANY, false,
        { NEED("host", NAME), NEED("port", NUMBER) }, NULL, NULL,
        "A connection to the host and port can be made." },

    /* ---- the operation that failed ---- */
    { "operation.retry", RISK_READ, ACTION_ANY, false, { MAY_WORD("what", "backup") }, NULL,
        NULL, "Try the operation again that failed." },
    { "override.set", RISK_OVERRIDE, ACTION_WINDOWS, false,
        { NEED("key", KEY), NEED("name", NAME), NEED_WORD("type", REG_TYPES),
            NEED("data", TEXT) },
        OLD_VALUE, NULL,
        "Switch a check off by a key that its program looks at; repairs nothing." },

    /* ---- for a person: shown, never executed ---- */
    { "person.do", RISK_READ, ACTION_ANY, true, { NEED("text", TEXT) }, NULL, NULL,
        "Something that only a person can do." },
    { "person.decide", RISK_READ, ACTION_ANY, true, { NEED("text", TEXT) }, NULL, NULL,
        "Something that a person must find out or decide first." },
    { "person.open", RISK_READ, ACTION_ANY, true, { NEED("address", ADDRESS) }, NULL, NULL,
        "A page to read." },
    { "person.download", RISK_READ, ACTION_ANY, true, { NEED("address", ADDRESS) }, NULL, NULL,
        "Something to download; firn never fetches it." },
    { "person.command", RISK_READ, ACTION_ANY, true, { NEED("text", TEXT) }, NULL, NULL,
        "A command that firn recognises as one and does not execute." },
};

const size_t action_kinds_len = sizeof(action_kinds) / sizeof(action_kinds[0]);
