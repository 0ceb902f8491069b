/* SPDX-License-Identifier: Apache-2.0 */
#include "table.h"

#define EVERY (OPT(JSON) | OPT(QUIET) | OPT(TRACE) | OPT(HELP))
#define OPENS (EVERY | OPT(VAULT) | OPT(PASSPHRASE_FILE) | OPT(KEY_FILE) | OPT(WRITER_KEY))
#define WORKS (OPENS | OPT(THREADS))

const struct cmd_option cmd_options[OPT_COUNT] = {
    [OPT_VAULT] = { "vault", VALUE_FILE, "VAULT", "FIRN_VAULT", "The folder of the vault." },
    [OPT_PASSPHRASE_FILE] = { "passphrase-file", VALUE_FILE, "FILE", "FIRN_PASSPHRASE_FILE",
        "Take the passphrase from the first line of FILE instead of asking for it." },
    [OPT_KEY_FILE] = { "key-file", VALUE_FILE, "FILE", NULL,
        "Open the vault with a key file made by firn key add." },
    [OPT_WRITER_KEY] = { "writer-key", VALUE_FILE, "FILE", NULL,
        "Open the vault with a writer key made by firn key export-writer: it can back up, "
        "but not read what is there." },
    [OPT_THREADS] = { "threads", VALUE_NUMBER, "N", NULL,
        "Use N threads. Without it one for each processor, at most 16." },
    [OPT_JSON] = { "json", VALUE_NONE, NULL, NULL,
        "Print one JSON document on standard output, also on failure." },
    [OPT_QUIET] = { "quiet", VALUE_NONE, NULL, NULL, "Show no progress." },
    [OPT_TRACE] = { "trace", VALUE_NONE, NULL, NULL,
        "With a failure, show the places in firn's source that it went through." },
    [OPT_HELP] = { "help", VALUE_NONE, NULL, NULL, "Show the help of the command." },
    [OPT_BLOCK_SIZE] = { "block-size", VALUE_SIZE, "SIZE", NULL,
        "The unit of deduplication: 16K, 32K, 64K (usual) or 128K. Fixed for the vault's "
        "life." },
    [OPT_KDF_MEMORY] = { "kdf-memory", VALUE_NUMBER, "MIB", NULL,
        "Memory in MiB that a guess of the passphrase costs, 8 to 4096; 32 without it." },
    [OPT_TRUST_GROUP] = { "trust-group", VALUE_NONE, NULL, NULL,
        "Let all writers of the vault deduplicate against each other's blocks without "
        "checking them first. Saves space; a malicious writer could then spoil others' "
        "later points." },
    [OPT_LABEL] = { "label", VALUE_TEXT, "TEXT", NULL, "A note for people." },
    [OPT_MACHINE] = { "machine", VALUE_TEXT, "NAME", NULL,
        "The machine that the point belongs to. Without it the first disk's name." },
    [OPT_SOURCE_FORMAT] = { "format", VALUE_WORD, "raw|qcow2|vmdk|vhdx|vdi|vpc", NULL,
        "The format of the sources. Without it the suffix of each file decides." },
    [OPT_CHANGED] = { "changed", VALUE_FILE, "FILE", NULL,
        "Read only the blocks that FILE lists; all others are as in the machine's newest "
        "point." },
    [OPT_REREAD] = { "reread", VALUE_NONE, NULL, NULL,
        "Read also files that nothing has written to since the last backup." },
    [OPT_BITMAP] = { "bitmap", VALUE_TEXT, "NAME", NULL,
        "The dirty bitmap, of the qcow2 image or the NBD server, that records what is written "
        "to the disk. Without it a qcow2 image's is used that the machine's newest point goes "
        "by." },
    [OPT_AUDIT] = { "audit", VALUE_NUMBER, "PERCENT", NULL,
        "Of a disk that is read by its bitmap, hold this much of what the bitmap calls clean "
        "against the newest point, 1 to 100; 1 without it." },
    [OPT_COMPRESSION] = { "compression", VALUE_WORD, "off|fast|normal|best", NULL,
        "How hard to compress what the vault does not have. normal without it; fast takes a "
        "quarter of the time for it and four tenths more room." },
    [OPT_GUEST] = { "guest", VALUE_TEXT, "TARGET", NULL,
        "Ask the backup extension in this guest first whether all that it needs is there: "
        "qga:SOCKET, the socket of its guest agent, or vm:NAME, a machine of libvirt's. If it "
        "is not, the backup fails with the code that says why." },
    [OPT_CONNECT] = { "connect", VALUE_TEXT, "URI", NULL,
        "The libvirt that has the machine vm:NAME; qemu:///system without it." },
    [OPT_VM_DISKS] = { "disk", VALUE_TEXT, "NAME[,NAME]...", NULL,
        "Of a running machine, only these disks." },
    [OPT_EXCEPT_DISKS] = { "exclude-disk", VALUE_TEXT, "NAME[,NAME]...", NULL,
        "Of a running machine, all disks but these." },
    [OPT_SCRATCH] = { "scratch", VALUE_FILE, "FOLDER", NULL,
        "Keep here, while a running machine is copied, what its guest overwrites." },
    [OPT_CONSISTENCY] = { "consistency", VALUE_TEXT, "LEVEL[,LEVEL]...", NULL,
        "What the point of a running machine may be: application, filesystem, crash. The best "
        "of these that the guest can give is made; without it any will do." },
    [OPT_RETRIES] = { "retries", VALUE_NUMBER, "NUMBER", "FIRN_RETRIES",
        "How often in a row to wait for what may be gone after a while (a vault that is away, "
        "an agent that is silent), 0 to 100; 12, some minutes in all, without it." },
    [OPT_CURE] = { "cure", VALUE_TEXT, "RISKS", NULL,
        "When the guest is why the backup fails, and firn knows a cure: repair it as firn "
        "doctor does, prove it, and go on. RISKS are the kinds of change that may be made, "
        "with commas between them: config, service, install, restart, override, data." },
    [OPT_DISK] = { "disk", VALUE_TEXT, "NAME", NULL, "Only this disk of the point." },
    [OPT_AS] = { "as", VALUE_TEXT, "NAME", NULL,
        "Restore the machine under this name, with a new UUID and new network addresses, so "
        "that it can run beside the one that it was. Without DEST it goes into the folder "
        "NAME, which is made." },
    [OPT_TARGET_FORMAT] = { "format", VALUE_WORD, "raw|qcow2", NULL,
        "The format to write. Without it qcow2 for a DEST that ends in .qcow2, else raw; one "
        "that ends as other images do (.vmdk, .vhdx, .vhd, .vdi) is refused then." },
    [OPT_IN_PLACE] = { "in-place", VALUE_NONE, NULL, NULL,
        "Write into the file or device that is there, and only what differs." },
    [OPT_FORCE] = { "force", VALUE_NONE, NULL, NULL, "Replace a file that is there." },
    [OPT_DATA] = { "data", VALUE_NONE, NULL, NULL,
        "Read and check every stored byte, not only the structure." },
    [OPT_REPAIR] = { "repair", VALUE_NONE, NULL, NULL,
        "Mend what parity can mend." },
    [OPT_NEW_PASSPHRASE_FILE] = { "new-passphrase-file", VALUE_FILE, "FILE", NULL,
        "Take the new passphrase from the first line of FILE instead of asking for it." },
    [OPT_NEW_KEY_FILE] = { "new-key-file", VALUE_FILE, "FILE", NULL,
        "Make a key file instead of a passphrase. FILE must not exist." },
    [OPT_APPLY] = { "apply", VALUE_NONE, NULL, NULL,
        "Repair. Each kind of change is asked for on the terminal, or allowed by --yes." },
    [OPT_YES] = { "yes", VALUE_TEXT, "RISKS", NULL,
        "With --apply: allow these kinds of change without asking, with commas between them: "
        "config, service, install, restart, override, data. None implies another." },
    [OPT_DONE] = { "done", VALUE_TEXT, "STEPS", NULL,
        "With --apply: you have done these steps of the plan, which are for a person, by their "
        "numbers with commas between them; what follows them is no longer waited with." },
    [OPT_ORDER] = { "order", VALUE_WORD, "safe|article", NULL,
        "The order of the steps: safe (usual), which installs again after a repair and "
        "restarts only where something waits for it, or the article's own." },
    [OPT_UNDO] = { "undo", VALUE_TEXT, "ID", NULL, "Take back the repair of this journal." },
    [OPT_ARTICLE] = { "article", VALUE_FILE, "FILE", NULL,
        "Take cause and steps from this article, of firn or of another product." },
    [OPT_LINT] = { "lint", VALUE_NONE, NULL, NULL,
        "Look for what is wrong, and fail when something is." },
    [OPT_CLOUD] = { "cloud", VALUE_TEXT, "NAME", "FIRN_CLOUD",
        "Warn of articles that are not meant for this cloud; public without it." },
    [OPT_PRODUCT] = { "product", VALUE_TEXT, "ID", "FIRN_PRODUCT",
        "Warn of articles that are not meant for this product." },
    [OPT_PACKAGE] = { "package", VALUE_FILE, "FOLDER", NULL,
        "Put the package in FOLDER into the guest, not the one that firn brings along." },
    [OPT_PACKAGE_NAME] = { "package", VALUE_TEXT, "NAME", NULL,
        "The package of this name: with remove instead of firn's own, Firn.VMSnapshot; with "
        "status it alone." },
};

const struct cmd_command cmd_commands[CMD_COUNT] = {
    [CMD_INIT] = { "init", "init", "VAULT", 1, 1, WORD_FILE,
        EVERY | OPT(PASSPHRASE_FILE) | OPT(BLOCK_SIZE) | OPT(KDF_MEMORY) | OPT(TRUST_GROUP) |
            OPT(LABEL),
        "make a vault",
        "Makes an empty vault in the folder VAULT, which is created if it is not there, and "
        "protects it with a passphrase. Nobody can recover a lost passphrase: keep it in a "
        "second place, or add a key file with firn key add." },
    [CMD_BACKUP] = { "backup", "backup", "[NAME=]SOURCE...", 1, 256, WORD_FILE,
        WORKS | OPT(MACHINE) | OPT(SOURCE_FORMAT) | OPT(CHANGED) | OPT(REREAD) | OPT(BITMAP) |
            OPT(AUDIT) | OPT(COMPRESSION) | OPT(GUEST) | OPT(CONNECT) | OPT(VM_DISKS) |
            OPT(EXCEPT_DISKS) | OPT(SCRATCH) | OPT(CONSISTENCY) | OPT(RETRIES) | OPT(CURE),
        "store disks as a recovery point",
        "Stores the state of one or several disks as one recovery point. Only blocks that "
        "the vault does not have are stored. The point appears in the list when it is "
        "complete and durable, or not at all.\n"
        "A SOURCE is a file, a block device, an image (by its suffix .qcow2, .vmdk, .vhdx, "
        ".vdi or .vhd, or by --format) or an address nbd://HOST[:PORT][/EXPORT] or "
        "nbd+unix:///EXPORT?socket=PATH. A disk's name is NAME, or the file's name without "
        "folder and suffix. The disk must not be written to meanwhile.\n"
        "qmp:SOCKET is a machine that is running, by the socket of its QEMU's monitor: all its "
        "disks as they are at one moment, while the guest goes on. With ,qga=SOCKET behind it, "
        "the guest is frozen for that moment by its agent.\n"
        "vm:NAME is a machine of libvirt's, by its name or UUID: while it runs through "
        "libvirt's backup jobs, with its guest frozen by its agent where it has one, and when "
        "it is off by its images." },
    [CMD_POINTS] = { "points", "points", "[MACHINE]", 0, 1, WORD_NONE, OPENS,
        "list recovery points",
        "Lists the recovery points that this key can read, of one machine or of all, oldest "
        "first." },
    [CMD_RESTORE] = { "restore", "restore", "POINT [DEST]", 1, 2, WORD_FILE,
        WORKS | OPT(DISK) | OPT(AS) | OPT(TARGET_FORMAT) | OPT(IN_PLACE) | OPT(FORCE),
        "bring a point's disks back",
        "Restores the disks of a recovery point, bit for bit, and checks every byte while it "
        "writes. POINT is an id or at least 4 digits of its beginning, a machine's name (its "
        "newest point), or latest.\n"
        "DEST is for one disk a file, a block device or - (standard output), for several "
        "disks a folder. Into a folder the point of a running machine brings what makes a "
        "machine of its disks: machine.sh starts it. A file that is there is refused without "
        "--in-place or --force." },
    [CMD_VERIFY] = { "verify", "verify", "[POINT]", 0, 1, WORD_NONE,
        WORKS | OPT(DATA) | OPT(REPAIR),
        "check the vault, and mend it",
        "Checks that each listed point, or the one that is named, is whole: signatures, maps "
        "and that everything they name is there. Names what is damaged, and what each point "
        "would lose by it." },
    [CMD_EXPLAIN] = { "explain", "explain", "[CODE]", 0, 1, WORD_CODE, EVERY,
        "say what a failure means and what to do",
        "Shows the article of a failure: what happened, how to look closer, what to do. CODE "
        "is the name that a failure was reported with, its number, or its diagnostic "
        "scenario. A class, such as vault.key, lists the codes in it; without CODE all are "
        "listed, class by class." },
    [CMD_DOCTOR] = { "doctor", "doctor", "[TARGET] [CODE]", 0, 2, WORD_CODE,
        OPENS | OPT(MACHINE) | OPT(VM_DISKS) | OPT(EXCEPT_DISKS) | OPT(SCRATCH) |
            OPT(CONSISTENCY) | OPT(APPLY) | OPT(YES) | OPT(DONE) | OPT(ORDER) | OPT(UNDO) |
            OPT(ARTICLE) | OPT(CLOUD) | OPT(PRODUCT) | OPT(CONNECT),
        "verify a failure's cause, and repair it",
        "Looks whether the cause that an article names is really there, and shows each step of "
        "its repair: what is seen now, what would change, how risky it is and how it is "
        "undone. Nothing is changed without --apply and consent for the kind of change. What "
        "is changed is written to a journal first, proved by the same look and by the retried "
        "backup, and undone if it did not help.\n"
        "TARGET is local (usual), root:FOLDER (the tree of a Linux system), qga:SOCKET (a "
        "guest, through its agent), vm:NAME (the same, of a machine of libvirt's) or "
        "disk:FOLDER (a Windows disk that is not running, or one of its registry hives). "
        "Without CODE every article is tried whose look can be had "
        "there and whose repair firn knows. The last word of the text is the outcome: found, "
        "healthy, repaired, masked, blocked or escalated.\n"
        "A TARGET qmp:SOCKET[,qga=SOCKET], or vm:NAME without a CODE, is a running machine, "
        "whose backup is rehearsed: all "
        "of it is done, with nothing stored, and a table says what it met. The last word is "
        "ready, weaker or fails." },
    [CMD_ARTICLE] = { "article", "article", "FILE|DIR...", 1, ARGS_MANY, WORD_FILE,
        EVERY | OPT(LINT) | OPT(CLOUD) | OPT(PRODUCT),
        "show what firn understands of an article",
        "Reads self-help articles, also those that others wrote, and shows for each the code, "
        "the steps as typed actions with their conditions, and what its text leaves unclear. "
        "A step that firn would not execute is marked for a person. Nothing is executed.\n"
        "Of a folder all files that end with .md or .txt are read, also in folders below it." },
    [CMD_EXTENSION_INSTALL] = { "extension install", "extension-install", "TARGET", 1, 1,
        WORD_FILE, EVERY | OPT(PACKAGE) | OPT(CONNECT),
        "put the backup extension into a guest",
        "Puts the backup extension into the guest TARGET through its agent (qga:SOCKET, or "
        "vm:NAME of libvirt's): the package for the guest's system is sent, verified there "
        "file by file, put into place "
        "and tried. A new version that does not work is taken back, and the one before it "
        "stays in force. A run that broke off is gone on with." },
    [CMD_EXTENSION_STATUS] = { "extension status", "extension-install", "TARGET", 1, 1,
        WORD_FILE, EVERY | OPT(PACKAGE_NAME) | OPT(CONNECT),
        "show the backup extension of a guest",
        "Shows which versions of the extension are in the guest, which one is in force, what "
        "it said last, and whether it could do its work now. Nothing is changed in the guest. "
        "When it could not, or there is none, that is a failure, by the code that says why." },
    [CMD_EXTENSION_REMOVE] = { "extension remove", "extension-install", "TARGET", 1, 1,
        WORD_FILE, EVERY | OPT(PACKAGE_NAME) | OPT(CONNECT),
        "take the backup extension out of a guest",
        "Disables each version of the extension in the guest, lets it leave, and removes its "
        "folders. What a person has set, and runtimes that others may use by now, stay. Where "
        "nothing is, nothing is done." },
    [CMD_KEY_ADD] = { "key add", "key", "", 0, 0, WORD_NONE,
        OPENS | OPT(NEW_PASSPHRASE_FILE) | OPT(NEW_KEY_FILE) | OPT(LABEL),
        "add a passphrase or a key file",
        "Adds a way to open the vault: a further passphrase, or with --new-key-file a key "
        "file. Either opens all of the vault." },
    [CMD_KEY_LIST] = { "key list", "key", "", 0, 0, WORD_NONE, OPENS,
        "list what opens the vault",
        "Lists the key slots: each is a passphrase or a key file that opens the vault. Writer "
        "keys are not in the vault and are not listed." },
    [CMD_KEY_REMOVE] = { "key remove", "key", "ID", 1, 1, WORD_NONE, OPENS,
        "remove a passphrase or a key file",
        "Removes a key slot, named by at least 4 digits of its id. The last one cannot be "
        "removed. A copy of the vault that was made before still opens with the removed key." },
    [CMD_KEY_EXPORT_WRITER] = { "key export-writer", "key", "FILE [MACHINE]...", 1, 257,
        WORD_FILE, OPENS,
        "make a key that can back up but not read",
        "Writes a writer key to FILE, for a machine that makes backups. With it firn can add "
        "points for the named machines (without names: for any), list its own, and read no "
        "data." },
    [CMD_HELP] = { "help", NULL, "[COMMAND]", 0, 2, WORD_COMMAND, OPT(JSON) | OPT(HELP),
        "show help",
        "Shows what commands there are, or the help of one." },
};
