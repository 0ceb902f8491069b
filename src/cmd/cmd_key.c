/* SPDX-License-Identifier: Apache-2.0 */
/* firn key: what opens a vault. */
#include <ctype.h>
#include <string.h>

#include "cmd.h"
#include "codes.h"
#include "number.h"
#include "secret.h"
#include "show.h"

enum { ID_DIGITS_LEAST = 4 };

struct err *
cmd_key_add(struct cmd *c)
{
    const char *key_file = c->o.value[OPT_NEW_KEY_FILE];
    const char *from = c->o.value[OPT_NEW_PASSPHRASE_FILE];
    char id[2 * VAULT_KEY_LEN + 1];
    auto_ptr(secret) passphrase = NULL;
    auto_ptr(vault) v = NULL;
    struct vault_key key;

    if (key_file != NULL && from != NULL)
        return fail(UsageWrong, "--new-key-file and --new-passphrase-file: choose one");
    TRY(job_open(&c->job, &v));
    if (key_file != NULL) {
        TRY(vault_slot_add_key_file(v, key_file, c->o.value[OPT_LABEL], &key));
    } else {
        if (from != NULL)
            TRY(secret_from_file(from, &passphrase));
        else
            TRY(secret_ask("New passphrase: ", true, &passphrase));
        TRY(vault_slot_add(v, passphrase, c->o.value[OPT_LABEL], &key));
    }
    vault_key_hex(&key, id);
    cmd_say(c, "added key %s\n", id);
    return cmd_result(c, json_pack("{s:{s:s}}", "key", "id", id));
}

static void
say_slot(struct cmd *c, const struct vault_slot *s)
{
    char id[2 * VAULT_KEY_LEN + 1], time[NUMBER_TIME_MAX];

    vault_key_hex(&s->id, id);
    number_time(time, s->created_ns);
    cmd_say(c, "%s  %s  %-10s  %s\n", id, time, s->is_passphrase ? "passphrase" : "key file",
        s->label);
}

static json_t *
slot_json(const struct vault_slot *s)
{
    char id[2 * VAULT_KEY_LEN + 1], time[NUMBER_TIME_MAX];

    vault_key_hex(&s->id, id);
    number_time(time, s->created_ns);
    return json_pack("{s:s, s:s, s:s, s:o}", "id", id, "kind",
        s->is_passphrase ? "passphrase" : "key file", "time", time, "label",
        show_string(s->label));
}

struct err *
cmd_key_list(struct cmd *c)
{
    auto_free struct vault_slot *slots = NULL;
    auto_ptr(vault) v = NULL;
    json_t *all;
    size_t n;

    TRY(job_open(&c->job, &v));
    TRY(vault_slots(v, &slots, &n));
    all = json_array();
    for (size_t i = 0; i < n; i++) {
        say_slot(c, &slots[i]);
        (void)json_array_append_new(all, slot_json(&slots[i]));
    }
    return cmd_result(c, json_pack("{s:o}", "keys", all));
}

/* The one slot whose id begins with ${digits}. */
static struct err *
find_slot(const struct vault_slot *slots, size_t n, const char *digits,
    const struct vault_slot **ret)
{
    const struct vault_slot *found = NULL;
    size_t len = strlen(digits);

    if (len < ID_DIGITS_LEAST || strspn(digits, "0123456789abcdefABCDEF") != len)
        return fail(UsageWrong, "ID is at least 4 digits of a key's id; firn key list shows "
                                "them");
    for (size_t i = 0; i < n; i++) {
        char id[2 * VAULT_KEY_LEN + 1];

        vault_key_hex(&slots[i].id, id);
        if (strncasecmp(id, digits, len) != 0)
            continue;
        if (found != NULL)
            return fail(UsageWrong, "more than one key's id begins so; give more digits");
        found = &slots[i];
    }
    if (found == NULL)
        return fail(KeySlotMissing, digits);
    *ret = found;
    return NULL;
}

struct err *
cmd_key_remove(struct cmd *c)
{
    auto_free struct vault_slot *slots = NULL;
    const struct vault_slot *slot = NULL;
    char id[2 * VAULT_KEY_LEN + 1];
    auto_ptr(vault) v = NULL;
    size_t n;

    TRY(job_open(&c->job, &v));
    TRY(vault_slots(v, &slots, &n));
    TRY(find_slot(slots, n, c->o.args[0], &slot));
    TRY(vault_slot_remove(v, &slot->id));
    vault_key_hex(&slot->id, id);
    cmd_say(c, "removed key %s\n"
               "A copy of the vault that was made before still opens with it.\n", id);
    return cmd_result(c, json_pack("{s:{s:s}}", "key", "id", id));
}

struct err *
cmd_key_export_writer(struct cmd *c)
{
    static const char *const any[] = { "*" };
    const char *const *machines = c->o.nargs > 1 ? c->o.args + 1 : any;
    size_t n = c->o.nargs > 1 ? c->o.nargs - 1 : 1;
    auto_ptr(vault) v = NULL;

    TRY(job_open(&c->job, &v));
    TRY(vault_export_writer(v, c->o.args[0], machines, n));
    cmd_say(c, "wrote the writer key %s: it adds recovery points for %s and reads no data.\n",
        c->o.args[0], c->o.nargs > 1 ? "the named machines" : "any machine");
    return cmd_result(c, json_pack("{s:o}", "writer_key", show_string(c->o.args[0])));
}
