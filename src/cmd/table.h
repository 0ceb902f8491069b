/* SPDX-License-Identifier: Apache-2.0 */
/* table.h -- the one command table.
 *
 * What commands there are, which words and options each takes and what they mean is said
 * here once.  The parser (options.c), the help (help.c), and at build time the completions
 * and the synopses of the manual pages (tools/mkcmd.c) all read it.  It is data alone, so
 * that a build tool can link it. */
#ifndef TABLE_H
#define TABLE_H

#include <stddef.h>
#include <stdint.h>

enum cmd_option_id {
    OPT_VAULT,
    OPT_PASSPHRASE_FILE,
    OPT_KEY_FILE,
    OPT_WRITER_KEY,
    OPT_THREADS,
    OPT_JSON,
    OPT_QUIET,
    OPT_TRACE,
    OPT_HELP,
    OPT_BLOCK_SIZE,
    OPT_KDF_MEMORY,
    OPT_TRUST_GROUP,
    OPT_LABEL,
    OPT_MACHINE,
    OPT_SOURCE_FORMAT,
    OPT_CHANGED,
    OPT_REREAD,
    OPT_BITMAP,
    OPT_AUDIT,
    OPT_COMPRESSION,
    OPT_GUEST,
    OPT_CONNECT,
    OPT_VM_DISKS,
    OPT_EXCEPT_DISKS,
    OPT_SCRATCH,
    OPT_CONSISTENCY,
    OPT_RETRIES,
    OPT_CURE,
    OPT_DISK,
    OPT_AS,
    OPT_TARGET_FORMAT,
    OPT_IN_PLACE,
    OPT_FORCE,
    OPT_DATA,
    OPT_REPAIR,
    OPT_NEW_PASSPHRASE_FILE,
    OPT_NEW_KEY_FILE,
    OPT_APPLY,
    OPT_YES,
    OPT_DONE,
    OPT_ORDER,
    OPT_UNDO,
    OPT_ARTICLE,
    OPT_LINT,
    OPT_CLOUD,
    OPT_PRODUCT,
    OPT_PACKAGE,
    OPT_PACKAGE_NAME,
    OPT_COUNT,
};
#define OPT(id) (UINT64_C(1) << OPT_##id)

enum cmd_value { VALUE_NONE, VALUE_FILE, VALUE_NUMBER, VALUE_SIZE, VALUE_TEXT, VALUE_WORD };

struct cmd_option {
    const char *name;  /* without the dashes */
    enum cmd_value value;
    const char *shown; /* the value's name in help; for VALUE_WORD the words, "raw|qcow2" */
    const char *env;   /* a variable that stands in for it, or NULL */
    const char *help;
};

enum cmd_id {
    CMD_INIT,
    CMD_BACKUP,
    CMD_POINTS,
    CMD_RESTORE,
    CMD_VERIFY,
    CMD_EXPLAIN,
    CMD_DOCTOR,
    CMD_ARTICLE,
    CMD_EXTENSION_INSTALL,
    CMD_EXTENSION_STATUS,
    CMD_EXTENSION_REMOVE,
    CMD_KEY_ADD,
    CMD_KEY_LIST,
    CMD_KEY_REMOVE,
    CMD_KEY_EXPORT_WRITER,
    CMD_HELP,
    CMD_COUNT,
};

#define ARGS_MANY 1000000U

/* What completes a word of a command. */
enum cmd_word { WORD_NONE, WORD_FILE, WORD_CODE, WORD_COMMAND };

struct cmd_command {
    const char *name; /* "backup", "key add" */
    const char *page; /* its manual page is firn-PAGE(1) */
    const char *args; /* "[NAME=]SOURCE..." */
    unsigned least, most; /* how many words it takes */
    enum cmd_word word;
    uint64_t options;  /* OPT() bits */
    const char *brief; /* one line */
    const char *text;  /* paragraphs, separated by a newline */
};

extern const struct cmd_option cmd_options[OPT_COUNT];
extern const struct cmd_command cmd_commands[CMD_COUNT];

#endif
