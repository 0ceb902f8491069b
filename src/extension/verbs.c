/* SPDX-License-Identifier: Apache-2.0 */
/* The table, and the verbs that look at packages. */
#include <string.h>

#include "activate.h"
#include "codes.h"
#include "os.h"
#include "package.h"
#include "quiet.h"
#include "verbs.h"

enum { ACTIVATE_S = 1800, REHEARSE_S = 120 };

/* The parent's parent of the program: <folder>/bin/firn-extension. */
static struct err *
own_folder(char **ret)
{
    auto_free char *self = NULL;

    TRY(os_self(&self));
    for (int i = 0; i < 2; i++) {
        char *slash = strrchr(self, '/');

        if (slash == NULL || slash == self)
            break;
        *slash = '\0';
    }
    *ret = take(self);
    return NULL;
}

struct err *
verbs_folder(const struct call *c, char **ret)
{
    auto_free char *root = NULL;

    if (c->folder != NULL) {
        *ret = strdup(c->folder);
        return *ret == NULL ? fail(OutOfMemory) : NULL;
    }
    if (c->package == NULL) {
        TRY(own_folder(ret));
        return NULL;
    }
    TRY(package_root(c->root, &root));
    TRY(package_latest(root, c->package, ret));
    return *ret == NULL ? fail(PackageMissing, c->package, root) : NULL;
}

static struct err *
print_doc(struct call *c, struct doc_out *o)
{
    auto_free char *text = NULL;

    TRY(doc_out_take(o, &text));
    text_fmt(&c->out, "%s\n", text);
    return NULL;
}

static struct err *
latest(struct call *c)
{
    struct doc_out o = { 0 };
    auto_free char *folder = NULL;

    c->package = c->words[0];
    TRY(verbs_folder(c, &folder));
    if (!c->json) {
        text_fmt(&c->out, "%s\n", folder);
        return NULL;
    }
    doc_open(&o, NULL, '{');
    doc_put_int(&o, "schema", 1);
    doc_put_string(&o, "folder", folder);
    doc_put_string(&o, "version", strrchr(folder, '/') + 1);
    doc_close(&o, '}');
    TRY(print_doc(c, &o));
    return NULL;
}

static struct err *
verify(struct call *c)
{
    auto_ptr(package) p = NULL;
    struct doc_out o = { 0 };

    TRY(package_open(c->words[0], &p));
    if (c->digest != NULL && strcmp(p->digest, c->digest) != 0)
        return fail(PackageDigestWrong, p->folder, c->digest, p->digest);
    TRY(package_verify(p));
    if (!c->json) {
        text_fmt(&c->out, "%s %s: as its manifest says; files: %zu\nmanifest %s\n", p->name,
            p->version, p->nfiles, p->digest);
        return NULL;
    }
    doc_open(&o, NULL, '{');
    doc_put_int(&o, "schema", 1);
    doc_put_string(&o, "name", p->name);
    doc_put_string(&o, "version", p->version);
    doc_put_string(&o, "digest", p->digest);
    doc_put_int(&o, "files", (int64_t)p->nfiles);
    doc_close(&o, '}');
    TRY(print_doc(c, &o));
    return NULL;
}

static struct err *
activate_staged(struct call *c)
{
    int64_t s = c->deadline_s > 0 ? c->deadline_s : ACTIVATE_S;
    struct activation a = { 0 };
    auto_free char *root = NULL;
    struct doc_out o = { 0 };
    struct err *e;

    if (c->digest == NULL)
        return fail(UsageWrong, "activate needs --digest, the SHA-256 of the manifest");
    TRY(package_root(c->root, &root));
    TRY(activate(root, c->words[0], c->digest, deadline_in_ms(s * 1000), &a));
    doc_open(&o, NULL, '{');
    doc_put_int(&o, "schema", 1);
    doc_put_string(&o, "folder", a.folder);
    doc_put_string(&o, "previous", a.previous);
    doc_put_bool(&o, "already", a.already);
    doc_put_bool(&o, "mended", a.mended);
    doc_close(&o, '}');
    if (!c->json)
        text_fmt(&c->out, "%s%s\n", a.folder,
            a.already  ? " was active already" :
            a.mended ? " was damaged, and is put into place anew" :
                       "");
    e = c->json ? print_doc(c, &o) : NULL;
    doc_out_done(&o);
    activation_done(&a);
    return e;
}

static struct err *
rehearse(struct call *c)
{
    int64_t s = c->deadline_s > 0 ? c->deadline_s : REHEARSE_S;
    auto_free char *folder = NULL;
    auto_ptr(package) p = NULL;
    auto_ptr(quiet) q = NULL;
    struct doc_out o = { 0 };

    TRY(verbs_folder(c, &folder));
    TRY(package_open(folder, &p));
    TRY(package_verify(p));
    TRY(quiet_begin(&p, 1, deadline_in_ms(s * 1000), &q));
    TRY(quiet_end(q));
    struct err *but = quiet_passed_over(q);
    c->exit_status = but != NULL ? 3 : 0;
    if (!c->json)
        text_fmt(&c->out, "everything came to rest and went on%s%s\n",
            but != NULL ? ", but " : "", but != NULL ? err_message(but) : "");
    err_free(but);
    if (!c->json)
        return NULL;
    doc_open(&o, NULL, '{');
    doc_put_int(&o, "schema", 1);
    quiet_report(q, &o, "steps");
    doc_close(&o, '}');
    TRY(print_doc(c, &o));
    return NULL;
}

const struct verb verbs[] = {
    { "install", "", "verify the package that this program lies in", 0, VERB_PLAIN,
        verb_install },
    { "enable", "", "make ready, once for each settings sequence", 0, VERB_PLAIN, verb_enable },
    { "update", "", "take over from an older version", 0, VERB_PLAIN, verb_update },
    { "disable", "", "stop being used", 0, VERB_PLAIN, verb_disable },
    { "uninstall", "", "leave; what others use stays", 0, VERB_PLAIN, verb_uninstall },
    { "reset", "", "forget what was done", 0, VERB_PLAIN, verb_reset },
    { "prepare", "", "check prerequisites, install what is missing, load plug-ins", 0,
        VERB_LOOKER, verb_prepare },
    { "rehearse", "", "bring applications to rest and let them go on", 0, VERB_PLAIN,
        rehearse },
    { "activate", "FOLDER", "put a new version into place, or leave all as it was", 1,
        VERB_PLAIN, activate_staged },
    { "latest", "PACKAGE", "show the folder of the latest version", 1, VERB_PLAIN, latest },
    { "status", "", "what is installed, what counts, would prepare work", 0,
        VERB_PLAIN, verb_status },
    { "verify", "FOLDER", "compare a package with its manifest", 1, VERB_PLAIN, verify },
    { "doctor", "[CODE]", "verify the cause of a failure of this machine, repair it", 1,
        VERB_DOCTOR, verb_doctor },
#ifndef _WIN32 /* there file systems are held by the system's own snapshot service */
    { "freeze", "", "hold file systems still until thaw, or a deadline", -1, VERB_PLAIN,
        verb_freeze },
    { "thaw", "", "let file systems go on", -1, VERB_PLAIN, verb_thaw },
    { "resumed", "", "did applications go on after the last snapshot", 0, VERB_PLAIN,
        verb_resumed },
#endif
    { "supervise", "", "", 5, VERB_HIDDEN, verb_supervise },
};
const unsigned verbs_len = sizeof(verbs) / sizeof(verbs[0]);
