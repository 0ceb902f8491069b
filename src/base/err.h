/* SPDX-License-Identifier: Apache-2.0 */
/* err.h -- a failure is a value that cannot be dropped.
 *
 * A call that can fail returns a struct err, or NULL when it worked.  Results go through
 * ret_ parameters, last in the list, which a failed call leaves as they were.  Whoever
 * receives an error owns it: pass it up with TRY, wrap it with err_because, or end it with
 * err_free.  Nothing below the command line prints.
 *
 * A code is born in its article, articles/<area>/<Code>.md.  tools/mkcodes turns each one
 * into an enumerator E_<Code> and a typed constructor, so that
 *
 *     return fail(PackUnreadable, path);
 *
 * compiles only where the article exists and declares these variables.  Include "codes.h"
 * (generated) beside this header.  Expected outcomes are not errors: "not found" is a
 * bool, the end of a stream a length of 0. */
#ifndef ERR_H
#define ERR_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#ifdef _WIN32
#include <windows.h>
#undef SEVERITY_ERROR /* of winerror.h, for building HRESULTs; ours is below */
#endif

struct err;

#define must_use __attribute__((warn_unused_result))

/* Whose number belongs to a failure; the article's errorOs says which. */
enum err_os { OS_NONE, OS_ERRNO, OS_WIN32, OS_HRESULT, OS_HTTP, OS_QMP };

/* The numbers of OS_QMP: QEMU's error classes, which have names only, in QEMU's order. */
enum err_qmp {
    ERR_QMP_UNKNOWN,
    ERR_QMP_GENERIC,
    ERR_QMP_COMMAND_NOT_FOUND,
    ERR_QMP_DEVICE_NOT_ACTIVE,
    ERR_QMP_DEVICE_NOT_FOUND,
    ERR_QMP_KVM_MISSING,
    ERR_QMP_CLASSES
};

/* What the class tree says about trying again, and how bad a failure is. */
enum err_retry { RETRY_NEVER, RETRY_TRANSIENT, RETRY_AFTER_REPAIR };
enum err_severity { SEVERITY_WARNING, SEVERITY_ERROR, SEVERITY_FATAL };

#define ERR_MAX_ARGS 8      /* variables of one failure */
#define ERR_MAX_SITES 16    /* places noted on the way up; later ones are left out */
#define ERR_MAX_STRING 4096 /* bytes of a variable that are kept */
#define ERR_MAX_CHAIN 24    /* causes in a row; the middle of a longer chain is left out */
#define ERR_MAX_TREE 256    /* failures joined in one; later ones are dropped */

/* Where a failure was seen, with the system's own numbers as they stood. */
struct err_site {
    const char *file, *func;
    int line;
    int sys_errno;
    unsigned long sys_win32;
};

/* One variable of a failure's message.  A string is copied. */
struct err_arg {
    const char *name;
    const char *str; /* NULL: num counts */
    int64_t num;
};

#ifdef _WIN32
#define err_win32_now() ((unsigned long)GetLastError())
#else
#define err_win32_now() 0UL
#endif

/* Must come before any argument is evaluated: arguments may clobber errno. */
#define ERR_SITE { __FILE__, __func__, __LINE__, errno, err_win32_now() }

#define fail(code, ...) \
    ({ \
        const struct err_site at_ = ERR_SITE; \
        fail_##code(&at_, ##__VA_ARGS__); \
    })

/* Return the failure of ${call} upward, noting this place. */
#define TRY(call) \
    do { \
        struct err *e_ = (call); \
        if (__builtin_expect(e_ != NULL, 0)) \
            return err_via(e_, __FILE__, __LINE__, __func__); \
    } while (0)

/* The failure of ${call}, a call to the system that may have lacked memory, with errno as its
 * reason: OutOfMemory or SystemCallFailed. */
#define fail_call(call) \
    (errno == ENOMEM ? fail(OutOfMemory) : fail(SystemCallFailed, call))

/* Used by the generated constructors only.  ${code} is an enumerator of codes.h.
 * When memory is short the one preallocated OutOfMemory comes back instead. */
struct err *err_new(int code, const struct err_site *at, const struct err_arg *args,
    size_t nargs) must_use;

/* Note a place on the way up; returns ${e}. */
struct err *err_via(struct err *e, const char *file, int line, const char *func) must_use;

/* ${outer} becomes the failure and ${cause} the reason for it; takes both. */
struct err *err_because(struct err *outer, struct err *cause) must_use;

/* ${second} is a further failure met while cleaning up after ${e}; takes both, either may
 * be NULL. */
struct err *err_also(struct err *e, struct err *second) must_use;

/* Give ${e} the number of a failed system, where the article's errorOs is one that no
 * thread variable holds (hresult, http, qmp), or an errno that was kept aside. */
struct err *err_with_os(struct err *e, int64_t number) must_use;

/* Does ${e} or one of its causes lie in ${class} (an enumerator C_... of codes.h) or below
 * it in the class tree? */
bool err_is(const struct err *e, int class);

/* The outermost code; 0 (E_NONE) for NULL. */
int err_code(const struct err *e);

/* True when ${code} is the code of ${e} or of one of its causes. */
bool err_has(const struct err *e, int code);

/* The exit status that the class tree gives the outermost code: 1, 3 ... (0 for NULL); a
 * defect of firn anywhere in the chain makes it the status of that. */
int err_exit_status(const struct err *e);

/* The first answer other than "never" along the chain: what failed may be worth another
 * try although its outermost name does not say so. */
enum err_retry err_retry(const struct err *e);
enum err_severity err_severity(const struct err *e); /* of the outermost code */

/* Parts of one failure, for those who print.  Pointers live as long as ${e}. */
const char *err_id(const struct err *e);      /* the code as it is spelled */
const char *err_class(const struct err *e);   /* its place in the tree, "vault.corrupt" */
const char *err_message(const struct err *e); /* the article's message, filled */
enum err_os err_os_kind(const struct err *e); /* OS_NONE when no number counts */
int64_t err_os_number(const struct err *e);
const char *err_qmp_name(int number);             /* "GenericError"; of any number */
const struct err *err_cause(const struct err *e); /* NULL at the end of the chain */
const struct err *err_next(const struct err *e);  /* the next of the "also" list */
size_t err_nargs(const struct err *e);            /* variables, strings as they were given */
const struct err_arg *err_arg(const struct err *e, size_t i);
size_t err_nsites(const struct err *e);
const struct err_site *err_site(const struct err *e, size_t i);

/* The number of the code that is spelled ${id}, for codes that come as data; 0: none. */
int err_number(const char *id);

/* The failure of a code that comes as data, with variables that do: ${value} gives the text
 * of one, NULL where there is none; the variable is then "?", or 0 where it is a number.
 * ${code} is one of codes.h. */
struct err *err_of_data(int code, const struct err_site *at,
    const char *(*value)(void *arg, const char *name), void *arg) must_use;

/* One line at a time: message, code and number, the system's words, causes.  ${trace}
 * adds the places in the source.  ${line} gets text without a newline. */
void err_print(const struct err *e, bool trace, void (*line)(void *to, const char *text),
    void *to);

/* One sentence for people, with the system's words and the causes: "F cannot be written: No
 * space left on device; because: ...".  The caller frees it; NULL when memory is short. */
char *err_sentence(const struct err *e) must_use;

/* Accepts NULL.  Keeps errno. */
void err_free(struct err *e);

#endif
