/* SPDX-License-Identifier: Apache-2.0 */
/* exitcode.c -- one table from numbers to classes, one from classes to what follows. */
#include <stddef.h>
#include <string.h>

#include "codes.h"
#include "exitcode.h"

enum {
    HRESULT_WIN32 = 0x8007,
    NT_DLL_NOT_FOUND = 0xC0000135,
    NT_INVALID_IMAGE = 0xC000007B
};

static const struct {
    uint32_t code;
    enum exit_class class;
} known[] = {
    { 0, EXIT_OK },
    { 2, EXIT_MISSING },
    { 3, EXIT_MISSING },
    { 5, EXIT_DENIED },
    { 112, EXIT_SPACE },
    { 193, EXIT_PACKAGE },
    { 740, EXIT_DENIED },
    { 1058, EXIT_SERVICE }, /* "the service is disabled" */
    { 1060, EXIT_SERVICE },
    { 1601, EXIT_SERVICE },
    { 1602, EXIT_CANCELLED },
    { 1603, EXIT_FATAL },
    { 1618, EXIT_BUSY },
    { 1619, EXIT_PACKAGE },
    { 1620, EXIT_PACKAGE },
    { 1625, EXIT_POLICY },
    { 1631, EXIT_SERVICE },
    { 1632, EXIT_SPACE },
    { 1633, EXIT_PACKAGE },
    { 1638, EXIT_NEWER_PRESENT },
    { 1639, EXIT_ARGUMENTS },
    { 1641, EXIT_RESTARTING },
    { 1643, EXIT_POLICY },
    { 1654, EXIT_POLICY },
    { 1719, EXIT_SERVICE },
    { 3010, EXIT_OK_RESTART },
    { 5100, EXIT_NEWER_PRESENT }, /* of older bootstrappers */
    { NT_DLL_NOT_FOUND, EXIT_CANNOT_START },
    { NT_INVALID_IMAGE, EXIT_CANNOT_START },
};

/* Numbers in the log of a fatal error, most telling first.  Numbers, since words are in the
 * language of the machine. */
static const struct {
    const char *word;
    enum exit_class class;
} told[] = {
    { "1719", EXIT_SERVICE },
    { "1601", EXIT_SERVICE },
    { "1310", EXIT_DENIED },
    { "error 5.", EXIT_DENIED },
    { "1632", EXIT_SPACE },
    { "error 112", EXIT_SPACE },
};

static const struct {
    const char *name;
    enum exit_next next;
} classes[EXIT_CLASS_COUNT] = {
    [EXIT_OK] = { "ok", NEXT_VERIFY },
    [EXIT_OK_RESTART] = { "ok-restart", NEXT_RESTART },
    [EXIT_RESTARTING] = { "restarting", NEXT_WAIT_RESTART },
    [EXIT_NEWER_PRESENT] = { "newer-present", NEXT_VERIFY },
    [EXIT_BUSY] = { "busy", NEXT_WAIT_IDLE },
    [EXIT_SERVICE] = { "service", NEXT_CHECK_SERVICE },
    [EXIT_CANCELLED] = { "cancelled", NEXT_PERSON },
    [EXIT_FATAL] = { "fatal", NEXT_CHECK_SERVICE },
    [EXIT_PACKAGE] = { "package", NEXT_PERSON },
    [EXIT_POLICY] = { "policy", NEXT_PERSON },
    [EXIT_SPACE] = { "space", NEXT_PERSON },
    [EXIT_ARGUMENTS] = { "arguments", NEXT_PERSON },
    [EXIT_DENIED] = { "denied", NEXT_PERSON },
    [EXIT_MISSING] = { "missing", NEXT_PERSON },
    [EXIT_CANNOT_START] = { "cannot-start", NEXT_PERSON },
    [EXIT_HUNG] = { "hung", NEXT_CHECK_SERVICE },
    [EXIT_UNKNOWN] = { "unknown", NEXT_CHECK_SERVICE },
};

uint32_t
exitcode_normal(uint32_t code)
{
    return code >> 16 == HRESULT_WIN32 ? code & 0xffff : code;
}

/* ${word} stands in ${s} with no digit on either side of it. */
static bool
says(const char *s, const char *word)
{
    size_t len = strlen(word);

    for (const char *at = s; (at = strstr(at, word)) != NULL; at++) {
        bool before = at > s && at[-1] >= '0' && at[-1] <= '9';
        bool after = at[len] >= '0' && at[len] <= '9';

        if (!before && !after)
            return true;
    }
    return false;
}

enum exit_class
exitcode_class(uint32_t code, const char *log)
{
    code = exitcode_normal(code);
    for (size_t i = 0; code == 1603 && log != NULL && i < sizeof(told) / sizeof(told[0]); i++)
        if (says(log, told[i].word))
            return told[i].class;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (known[i].code == code)
            return known[i].class;
    return EXIT_UNKNOWN;
}

/* ${word} stands in a line of ${log} that is no warning of apt: "W: Unable to read ... No such
 * file" comes with every run of a system without that folder. */
static bool
is_told(const char *log, const char *word)
{
    for (const char *line = log; *line != '\0'; line += *line == '\n') {
        size_t len = strcspn(line, "\n");

        if (strncmp(line, "W: ", 3) != 0 && memmem(line, len, word, strlen(word)) != NULL)
            return true;
        line += len;
    }
    return false;
}

/* dpkg and apt have few codes; LC_ALL=C makes their words dependable. */
enum exit_class
exitcode_class_dpkg(uint32_t code, const char *log)
{
    static const struct {
        const char *word;
        enum exit_class class;
    } words[] = {
        { "Could not get lock", EXIT_BUSY },
        { "lock-frontend", EXIT_BUSY },
        { "is locked by another process", EXIT_BUSY },
        { "dpkg was interrupted", EXIT_SERVICE },
        { "dpkg --configure -a", EXIT_SERVICE },
        { "apt --fix-broken install", EXIT_SERVICE },
        { "dependency problems", EXIT_SERVICE },
        { "No space left on device", EXIT_SPACE },
        { "not have enough free space", EXIT_SPACE },
        { "Permission denied", EXIT_DENIED },
        { "requires superuser", EXIT_DENIED },
        { "Read-only file system", EXIT_DENIED },
        { "Unable to locate package", EXIT_PACKAGE },
        { "has no installation candidate", EXIT_PACKAGE },
        { "Could not resolve", EXIT_PACKAGE },
        { "Failed to fetch", EXIT_PACKAGE },
        { "does not match system", EXIT_PACKAGE },
        { "not a Debian format archive", EXIT_PACKAGE },
        { "Held packages were changed", EXIT_POLICY },
        { "No such file", EXIT_MISSING },
    };

    for (size_t i = 0; code != 0 && log != NULL && i < sizeof(words) / sizeof(words[0]); i++)
        if (is_told(log, words[i].word))
            return words[i].class;
    return code == 0 ? EXIT_OK : EXIT_FATAL;
}

enum exit_next
exitcode_next(enum exit_class class)
{
    return classes[class].next;
}

const char *
exitcode_class_name(enum exit_class class)
{
    return classes[class].name;
}

struct err *
exitcode_error(enum exit_class class, const char *installer, uint32_t code)
{
    switch (class) {
    case EXIT_OK:
    case EXIT_OK_RESTART:
    case EXIT_RESTARTING:
    case EXIT_NEWER_PRESENT:
        return NULL;
    case EXIT_BUSY:
        return fail(InstallerBusy, installer);
    case EXIT_SERVICE:
        return fail(InstallerServiceOff, installer, code);
    case EXIT_CANCELLED:
    case EXIT_POLICY:
        return fail(InstallerForbidden, installer, code);
    case EXIT_PACKAGE:
    case EXIT_MISSING:
    case EXIT_ARGUMENTS:
    case EXIT_CANNOT_START:
        return fail(InstallerPackageBad, installer, code);
    case EXIT_SPACE:
        return fail(InstallerSpaceShort, installer, code);
    case EXIT_DENIED:
        return fail(InstallerDenied, installer, code);
    case EXIT_HUNG:
        return fail(InstallerHung, installer);
    case EXIT_FATAL:
    case EXIT_UNKNOWN:
    case EXIT_CLASS_COUNT:
        break;
    }
    return fail(InstallerFailed, installer, code);
}
