#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Passphrases, key files and writer keys: what each may do and may not.
. "$(dirname "$0")/lib.sh"

new_vault v
disk a.raw 1000
firn_is 0 'backup' backup --machine web1 a.raw

firn_is 0 'one key' key list
[ "$(wc -l < out)" -eq 1 ] && ok 'it is listed' || not_ok 'it is listed'
first=$(awk '{ print $1 }' out)
firn_is 1 'the last key stays' key remove "$first"
code_is KeySlotLast 'it says so'

echo 'another one' > pass2
firn_is 0 'add a passphrase' key add --new-passphrase-file pass2 --label second
firn_is 0 'it opens' points --passphrase-file pass2
firn_is 0 'add a key file' key add --new-key-file key
firn_is 0 'it opens' points --key-file key
[ "$(stat -c %a key)" = 600 ] && ok 'nobody else reads it' || not_ok 'nobody else reads it'
firn_is 1 'a key file is not overwritten' key add --new-key-file key
code_is KeyFileExists 'it says so'
firn_is 0 'restore with it' restore --key-file key web1 b.raw
same a.raw b.raw 'bit for bit'
firn_is 0 'three keys' key list
[ "$(wc -l < out)" -eq 3 ] && ok 'they are listed' || not_ok 'they are listed'
says out second 'a label is shown'
firn_is 2 'too few digits' key remove abc
firn_is 1 'no such key' key remove 0000000000000000
code_is KeySlotMissing 'it says so'
firn_is 0 'remove the first' key remove "$first" --passphrase-file pass2
firn_is 1 'it opens no more' points
code_is VaultKeyWrong 'it says so'
export FIRN_PASSPHRASE_FILE="$t_dir/pass2"

firn_is 0 'export a writer key' key export-writer w1 web1
firn_is 0 'it lists nothing' points --writer-key w1
says err 'made with this key; it shows no others' 'and does not call the vault empty'
[ "$(stat -c %a w1)" = 600 ] && ok 'nobody else reads it' || not_ok 'nobody else reads it'
firn_is 0 'it backs up' backup --writer-key w1 --machine web1 a.raw
firn_is 0 'it lists its own' points --writer-key w1
firn_is 0 'it verifies' verify --writer-key w1
says out 'that this key made; it sees no other' 'what it can see, and says so'
firn_is 1 'not another machine' backup --writer-key w1 --machine web2 a.raw
code_is WriterMachineDenied 'it says so'
firn_is 1 'it does not restore' restore --writer-key w1 web1 c.raw
code_is KeyCannotRead 'it says so'
[ ! -e c.raw ] && ok 'no file is left' || not_ok 'no file is left'
firn_is 1 'it adds no keys' key add --writer-key w1 --new-key-file k2
code_is KeyNotOwner 'it says so'
firn_is 0 'what it wrote can be restored' restore web1 c.raw
same a.raw c.raw 'bit for bit'
firn_is 0 'a writer for any machine' key export-writer w2
firn_is 0 'it backs up' backup --writer-key w2 --machine any a.raw

firn_is 2 'two keys at once' points --key-file key --writer-key w1
head -c 20 key > cut
firn_is 1 'a key file that is cut' points --key-file cut
code_is KeyFileDamaged 'it says so'
unset FIRN_PASSPHRASE_FILE
setsid "$firn" points > out 2> err < /dev/null
[ $? -eq 2 ] && code_is SecretMissing 'no passphrase and no terminal' ||
    not_ok 'no passphrase and no terminal'
firn_is 1 'a passphrase file that is not there' points --passphrase-file nowhere
code_is FileUnreadable 'it says so'
: > empty
firn_is 2 'an empty one' points --passphrase-file empty
code_is SecretEmpty 'it says so'
done_testing
