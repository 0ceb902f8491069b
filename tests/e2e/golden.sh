#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Vaults that were made once, by the first firn of each format, open, list, restore and verify
# for ever.  tests/golden/make.sh made them.
golden=$(realpath "$(dirname "$0")/../golden")
. "$(dirname "$0")/lib.sh"

for tar in "$golden"/format-*.tar; do
    format=$(basename "$tar" .tar)
    mkdir "$format" && tar -xf "$tar" -C "$format" --no-same-owner
    cp -r "$format/vault" v
    chmod -R u+w v
    export FIRN_VAULT=$t_dir/v FIRN_PASSPHRASE_FILE="$t_dir/$format/passphrase"
    firn_is 0 "$format opens by its passphrase" points
    [ "$(wc -l < out)" -ge "$(cut -d ' ' -f 1 "$format/points" | sort -u | wc -l)" ] &&
        ok 'all points are listed' || not_ok 'all points are listed'
    cp out points
    while read -r point machine disk hash; do
        says points "^$(echo "$point" | cut -c 1-8) .* $machine" "$machine's point is there"
        "$firn" restore "$point" back.raw --disk "$disk" > restore.out 2> err < /dev/null
        is=$(sha256sum < back.raw | cut -c 1-64)
        [ "$is" = "$hash" ] && ok "disk $disk comes back" ||
            not_ok "disk $disk comes back" "$is, not $hash"
        rm -f back.raw
    done < "$format/points"
    firn_is 0 'every byte is proven' verify --data
    firn_is 0 'keys are listed' key list
    [ "$(grep -c . out)" -eq 2 ] && ! grep -q removed out &&
        ok 'the removed key is not among them' || not_ok 'the removed key is not among them'
    unset FIRN_PASSPHRASE_FILE
    firn_is 0 'it opens by its key file' points --key-file "$format/key"
    firn_is 0 'its writer key lists what is its own' points --writer-key "$format/writer"
    says out ' web' 'the machine that it is for'
    disk web.raw 100
    firn_is 0 'and backs up' backup --writer-key "$format/writer" --machine web web.raw
    firn_is 1 'but not for others' backup --writer-key "$format/writer" --machine mail web.raw
    code_is WriterMachineDenied 'it says so'
    firn_is 0 'what it wrote comes back' restore --key-file "$format/key" latest back.raw
    same web.raw back.raw 'bit for bit'
    rm -rf v back.raw
done
done_testing
