/* SPDX-License-Identifier: Apache-2.0 */
/* mkarticles -- a folder of self-help articles as people write them, from a seed.
 *
 *     mkarticles FOLDER COUNT SEED
 *
 * Sizes, line ends, encodings, header spellings and slips, kinds of lists, code and comments
 * come in about the frequencies of a large public collection: 16 in 100 files have CRLF, 2 a
 * mixture, 2.4 a byte order mark, one in 5,000 is Windows-1252, one in 1,500 has a slip in its
 * header, 23 in 100 end with a JSON payload, 7 hold commands.  The middle file has 1.8 KB,
 * one in a hundred 10 KB, and the largest 84 KB. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "pattern.h"
#include "text.h"

enum { PER_FOLDER = 26 };

static const char *const nouns[] = { "backup", "snapshot", "volume", "network", "agent",
    "vault", "policy", "disk", "gateway", "extension", "database", "certificate" };

static const char *const sentences[] = {
    "We have seen that the operation did not complete in the expected time.",
    "This can happen when the machine is under heavy load or has lost its connection.",
    "Check whether the agent is installed, and that it answers.",
    "Select **Settings** > **Networking**, then click **Save**.",
    "If the issue persists, collect the logs and contact support.",
    "Ensure that port 443 is open for the service [endpoints](https://example.org/ports).",
    "Make sure there is enough free space on the system drive.",
    "Restart the VM and retry the backup operation.",
    "Note that this may take up to 30 minutes.",
    "See [how to resize a machine](https://example.org/resize#steps) for the limits.",
    "Wait for 10 minutes, then try again.",
    "The account needs the *Contributor* role & access to the vault.",
    "Open the file <ConfigFile> and update the value of `timeout`.",
    "It\xe2\x80\x99s a transient issue \xe2\x80\x93 no action is needed.",
};

static const char *const commands[] = {
    "net stop VSS", "net start VSS", "vssadmin list writers", "sudo systemctl restart waagent",
    "REG ADD \"HKLM\\SOFTWARE\\Demo\" /v Mode /t REG_SZ /d True /f", "net stop serviceName",
    "sc config DemoSvc start= auto", "ipconfig /flushdns", "az vm list -o table",
    "Get-Service -Name DemoSvc", "msiexec /unregister", "bcdedit /store <DRIVE>:\\boot\\bcd",
};

static bool
chance(struct rng *r, uint64_t of)
{
    return rng_below(r, of) == 0;
}

#define ANY(r, list) (list)[rng_below(r, sizeof(list) / sizeof((list)[0]))]

static void
put_field(struct text *t, struct rng *r, const char *name, const char *value)
{
    const char *quote = chance(r, 44) ? "'" : "\"";

    text_fmt(t, "%s%s%s%s%s%s\n", chance(r, 2) ? "\t" : "    ", name,
        chance(r, 30) ? " = " : "=", quote, value, quote);
}

static void
put_header(struct text *t, struct rng *r, unsigned number)
{
    char id[64];

    snprintf(id, sizeof id, "article-crc-generated%u", number);
    if (chance(r, 25))
        text_str(t, chance(r, 20) ? "# Before\n\n" : "\n");
    text_str(t, chance(r, 34) ? "<properties " : "<properties\n");
    put_field(t, r, "pageTitle", ANY(r, nouns));
    put_field(t, r, chance(r, 10) ? "Description" : "description",
        chance(r, 30) ? "this & that" : ANY(r, nouns));
    put_field(t, r, "service", "microsoft.recoveryservices");
    put_field(t, r, "resource", ANY(r, nouns));
    if (chance(r, 1500)) /* a lost quote */
        text_str(t, "\tauthors=\"somebody\n");
    put_field(t, r, chance(r, 10) ? "articleid" : "articleId", id);
    if (chance(r, 4))
        put_field(t, r, "infoBubbleText", ANY(r, sentences));
    put_field(t, r, "selfHelpType", chance(r, 10) ? "diagnostics" : "generic");
    put_field(t, r, "supportTopicIds", chance(r, 4) ? "" : "32411835,32411836");
    put_field(t, r, "cloudEnvironments", chance(r, 20) ? "mooncake" : "public, Fairfax");
    text_str(t, chance(r, 10) ? "/>" : "/>\n");
    text_str(t, "\n");
}

static void
put_commands(struct text *t, struct rng *r)
{
    const char *c = ANY(r, commands);

    switch (rng_below(r, 5)) {
    case 0:
        text_fmt(t, "\n```%s\n%s\n%s\n%s\n", chance(r, 8) ? "bash" : "", c, ANY(r, commands),
            chance(r, 80) ? "" : "```");
        break;
    case 1:
        text_fmt(t, "Run `%s` in a prompt.<br>\n", c);
        break;
    case 2:
        text_fmt(t, "\t`%s`\n\t` %s `\n\n", c, ANY(r, commands));
        break;
    case 3:
        text_fmt(t, "Run **%s** and look.\n", c);
        break;
    default:
        text_fmt(t, "Run the following command: %s\n", c);
        break;
    }
}

static void
put_list(struct text *t, struct rng *r, bool with_commands)
{
    unsigned kind = (unsigned)rng_below(r, 5), n = 2 + (unsigned)rng_below(r, 5);

    for (unsigned i = 1; i <= n; i++) {
        if (chance(r, 8))
            text_str(t, "    ");
        if (kind < 2)
            text_str(t, kind == 0 ? "* " : "- ");
        else if (kind < 4)
            text_fmt(t, "%u%s ", kind == 2 ? i : 1, chance(r, 50) ? ")" : ".");
        else
            text_str(t, "\xe2\x80\xa2 ");
        text_fmt(t, "%s%s\n", ANY(r, sentences), chance(r, 7) ? "<br>" : "");
        if (with_commands && chance(r, 3))
            put_commands(t, r);
        if (chance(r, 6))
            text_str(t, "\t\n");
    }
}

static void
put_body(struct text *t, struct rng *r, size_t size)
{
    bool with_commands = chance(r, 14);

    text_fmt(t, "#%sError in the %s\n\n", chance(r, 300) ? "" : " ", ANY(r, nouns));
    if (chance(r, 5)) {
        text_fmt(t, "<!--issueDescription-->\n%s The machine "
                    "<!--$vmname-->[vmname]<!--/$vmname--> is affected.\n%s",
            ANY(r, sentences), chance(r, 30) ? "" : "<!--/issueDescription-->\n\n");
    }
    do {
        text_fmt(t, "%s**Recommended %s%s\n", chance(r, 200) ? "##" : "## ",
            chance(r, 3) ? "Documents" : "Steps", chance(r, 100) ? "*" : "**");
        if (!chance(r, 3))
            text_fmt(t, "%s %s\n\n", ANY(r, sentences), ANY(r, sentences));
        put_list(t, r, with_commands);
        if (chance(r, 60))
            text_str(t, "\n>**Note:** Plan a downtime.\n");
        if (chance(r, 120))
            text_str(t, "\n| a | b |\n|---|---|\n| 1 | 2 |\n");
        text_str(t, "\n");
    } while (t->len < size);
    if (chance(r, 4))
        text_str(t, "---\n{\n  \"$schema\": \"SelfHelpContent\", \"title\": \"{name}\"\n}\n");
}

/* Sizes around 1.8 KB, with a long tail. */
static size_t
any_size(struct rng *r, unsigned number)
{
    size_t size = 500 + (size_t)rng_below(r, 1900);

    if (number == 7)
        return 83000;
    if (chance(r, 8))
        size += (size_t)rng_below(r, 6000);
    return chance(r, 60) ? size + (size_t)rng_below(r, 30000) : size;
}

static void
write_file(const char *path, const struct text *t, struct rng *r)
{
    FILE *f = fopen(path, "wb");
    bool crlf = chance(r, 6), mixed = chance(r, 55), wide = chance(r, 4000);

    if (f == NULL) {
        perror(path);
        exit(1);
    }
    if (chance(r, 42))
        (void)fputs(chance(r, 190) ? "\xef\xbb\xbf\xef\xbb\xbf" : "\xef\xbb\xbf", f);
    for (size_t i = 0; i < t->len; i++) {
        if (t->s[i] == '\n' && (mixed ? chance(r, 2) : crlf))
            (void)fputc('\r', f);
        if (i + 1 == t->len && t->s[i] == '\n' && chance(r, 5))
            break;
        (void)fputc(wide && t->s[i] == '\'' ? 0x92 : t->s[i], f);
    }
    if (wide)
        (void)fputs("\x93quoted\x94\n", f);
    if (fclose(f) != 0) {
        perror(path);
        exit(1);
    }
}

int
main(int argc, char **argv)
{
    unsigned count;
    struct rng r = { 0 };

    if (argc != 4) {
        (void)fputs("usage: mkarticles FOLDER COUNT SEED\n", stderr);
        return 2;
    }
    count = (unsigned)strtoul(argv[2], NULL, 10);
    r.state = strtoull(argv[3], NULL, 10);
    for (unsigned i = 0; i < count; i++) {
        struct text path = { 0 }, t = { 0 };

        text_fmt(&path, "%s/%s%u", argv[1], chance(&r, 130) ? "odd, (name) -" : "service-",
            i / PER_FOLDER);
        if (mkdir(path.s, 0777) != 0 && errno != EEXIST) {
            perror(path.s);
            return 1;
        }
        text_fmt(&path, "/article-crc-generated%u.md", i);
        put_header(&t, &r, i);
        put_body(&t, &r, any_size(&r, i));
        if (path.no_memory || t.no_memory)
            return 1;
        write_file(path.s, &t, &r);
        text_done(&path);
        text_done(&t);
    }
    return 0;
}
