/* SPDX-License-Identifier: Apache-2.0 */
/* firn init. */
#include "cmd.h"
#include "codes.h"

struct err *
cmd_init(struct cmd *c)
{
    struct job_init o = {
        .trust_group = c->o.set[OPT_TRUST_GROUP],
        .label = c->o.value[OPT_LABEL],
    };
    char id[2 * VAULT_KEY_LEN + 1];
    struct vault_key key;
    uint64_t block, mib;

    TRY(options_number(&c->o, OPT_BLOCK_SIZE, VAULT_BLOCK_MIN, VAULT_BLOCK_MAX, 64 << 10,
        &block));
    if ((block & (block - 1)) != 0)
        return fail(UsageWrong, "--block-size is 16K, 32K, 64K or 128K");
    TRY(options_number(&c->o, OPT_KDF_MEMORY, 8, 4096, 32, &mib));
    o.block_len = (unsigned)block;
    o.kdf_mib = (uint32_t)mib;
    c->job.vault = c->o.args[0];
    TRY(job_init(&c->job, &o, &key));
    vault_key_hex(&key, id);
    cmd_say(c,
        "The vault in %s is ready.\n"
        "Nobody can open it without its passphrase: keep that in a second place.\n",
        c->o.args[0]);
    return cmd_result(c, json_pack("{s:{s:s, s:s, s:I}}", "vault", "id", id, "path",
        c->o.args[0], "block_size", (json_int_t)block));
}
