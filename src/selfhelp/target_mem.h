/* SPDX-License-Identifier: Apache-2.0 */
/* target_mem.h -- a model of a machine: what a runbook can meet, without a machine.
 *
 * It behaves as Windows and Debian do where remedies depend on it:
 *   - the service manager has its own copy of a service's entry, read at start: what is
 *     written to the registry counts there after a restart; a change through the manager
 *     changes both at once;
 *   - a service that others which run need is not stopped (1051); a start starts what the
 *     service needs first, and fails when that is missing (1075) or cannot start (1068);
 *   - msiexec /unregister deletes the installer service (or marks it for deletion while
 *     somebody holds it open), /regserver makes it again, started on demand; any other
 *     switch shows its usage and ends with 1;
 *   - one installation at a time; an installer needs the installer service, has a script of
 *     exit codes, may hang, may want a restart before its files are in place;
 *   - a library loads when its file and all that it imports are there and whole;
 *   - a writer of the Volume Shadow Copy service is stable again when the service that it is
 *     in starts; none is listed without the COM+ Event System, or while the service is
 *     disabled or hangs;
 *   - packages may be interrupted, locked, absent from the sources; units masked.
 *
 * Waiting costs nothing: the model has a clock of its own.  Everything is set up through the
 * target calls and the functions below, which assert that memory suffices. */
#ifndef TARGET_MEM_H
#define TARGET_MEM_H

#include "target.h"

#define MEM_SYSTEM32 "C:\\Windows\\System32\\"
#define MEM_MSISERVER_KEY "HKLM\\SYSTEM\\CurrentControlSet\\Services\\msiserver"

enum { MEM_SCRIPT_MAX = 8, MEM_PUTS_MAX = 4, MEM_INSTALLERS_MAX = 8, MEM_HANGS = 0x7fff0001 };

/* A bundled installer.  Its n-th run ends with the n-th code of the script, the last one
 * again and again; MEM_HANGS never ends.  0, 3010 and 1641 install; others do nothing.  A
 * machine has up to MEM_INSTALLERS_MAX; the strings are borrowed. */
struct mem_installer {
    const char *path;
    uint32_t script[MEM_SCRIPT_MAX];
    size_t nscript; /* 0: always 0 */
    bool needs_service;
    uint32_t no_service; /* what it says when the installer service cannot be started */
    uint32_t no_database; /* what it says while the installer's registration is broken */
    const char *puts[MEM_PUTS_MAX]; /* files that it installs */
    const char *key, *name;         /* presence: a DWORD 1 */
};

struct err *target_mem_new(enum action_os os, const char *name, struct target **ret) must_use;

/* Exact state as sorted text, to be freed: registry, service manager, files, packages, units.
 * The clock, the boot id and who holds a lock are left out. */
char *target_mem_dump(struct target *t);

void target_mem_set_number(struct target *t, const char *key, const char *name, uint32_t n);
void target_mem_set_text(struct target *t, const char *key, const char *name, const char *s);
void target_mem_put(struct target *t, const char *path, const char *data);

/* In the registry and the service manager. */
void target_mem_service(struct target *t, const char *name, uint32_t start);
/* As if a handle were held: deleting it only marks it. */
void target_mem_hold_service(struct target *t, const char *name);
/* The same, and again after each restart: whoever holds it starts with the machine. */
void target_mem_always_hold(struct target *t, const char *name);
/* A service that goes looks like any other, as Wine's manager has it. */
void target_mem_hide_marks(struct target *t);
/* In neither. */
void target_mem_remove_service(struct target *t, const char *name);
/* Changing it through the manager is refused with this number; 0: allowed again. */
void target_mem_refuse_service(struct target *t, uint32_t error);

/* The service ${name} needs ${needs}, which may be made later. */
void target_mem_needs(struct target *t, const char *name, const char *needs);
/* It can be started, or stopped, no more: the manager gives this number; 0: again. */
void target_mem_no_start(struct target *t, const char *name, uint32_t error);
void target_mem_no_stop(struct target *t, const char *name, uint32_t error);
bool target_mem_runs(struct target *t, const char *name);
/* Somebody starts ${name} when ${stopped} has stopped, so many times; strings are borrowed. */
void target_mem_starts_when(struct target *t, const char *name, const char *stopped,
    unsigned times);

void target_mem_installer(struct target *t, const struct mem_installer *i);
unsigned target_mem_installs(struct target *t); /* runs of installers so far */
/* A program that ends so and prints this; strings are borrowed. */
void target_mem_program(struct target *t, const char *path, uint32_t exit, const char *output);
/* The installer's registration is broken until /regserver. */
void target_mem_break_msi(struct target *t);
/* Another installation runs for so long from now on. */
void target_mem_busy_ms(struct target *t, int64_t ms);
/* A restart is awaited by the system; until then the runtime's installer gives 1603. */
void target_mem_want_restart(struct target *t);

#define MEM_VSSADMIN MEM_SYSTEM32 "vssadmin.exe"
/* Volume Shadow Copy with its writers and their services, all well. */
void target_mem_vss(struct target *t);
/* In the state [8]; ${for_good}: until the machine is restarted. */
void target_mem_fail_writer(struct target *t, const char *name, bool for_good);
/* It runs and answers nobody until it is started again; ${for_good}: nor does it stop. */
void target_mem_hang_vss(struct target *t, bool for_good);

/* ${library}, by name or path, imports ${needs}. */
void target_mem_imports(struct target *t, const char *library, const char *needs);
/* It does not load although it is there, with this number; 0: whole. */
void target_mem_break_library(struct target *t, const char *library, uint32_t error);

enum mem_restart { MEM_RESTARTS, MEM_RESTART_NEVER_BACK, MEM_RESTART_SAME_BOOT };
void target_mem_restart_is(struct target *t, enum mem_restart how);
unsigned target_mem_restarts(struct target *t);

/* Installing ${name} from the sources, or the file of that name, gives this version and puts
 * this file (may be NULL). */
void target_mem_offer(struct target *t, const char *name, const char *version,
    const char *puts);
void target_mem_package(struct target *t, const char *name, const char *version);
void target_mem_interrupt_packages(struct target *t);
/* Exit codes of installing packages, as an installer's. */
void target_mem_package_script(struct target *t, const uint32_t *script, size_t n);
void target_mem_unit(struct target *t, const char *name, enum target_unit state, bool active);
/* Packages cannot be installed while this unit is masked. */
void target_mem_packages_need_unit(struct target *t, const char *unit);

#endif
