#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The command line itself: wrong words, help, explain, versions; no vault is needed.
. "$(dirname "$0")/lib.sh"

firn_is 2 'no command'
code_is UsageWrong 'it is wrong usage'
firn_is 2 'a command that is not there' bakup
says err 'did you mean backup' 'the near one is named'
firn_is 2 'half a command' extension
says err 'such as install' 'the other half is named'
firn_is 2 'no command, and an option that is not there' -x
says err 'no option -x' 'it is named'
firn_is 2 'no command, and one that is there' --vault v
says err 'needs a command' 'that is what lacks'
firn_is 2 'help for a command that is not there' help pionts
says err 'no command pionts; did you mean points' 'it is named, and the near one'
firn_is 2 'help for a second word that is not there' help key lsit
says err 'no command key lsit; did you mean key list' 'it is named, and the near one'
firn_is 2 'an option that is not there' backup --vualt x y
says err 'did you mean --vault' 'the near one is named'
firn_is 2 'an option twice' points --vault a --vault b
firn_is 2 'an option without its value' points --vault
firn_is 2 'a flag with a value' points --json=yes
firn_is 2 'too few words' restore latest
firn_is 2 'too many words' init a b
for words in 'backup' 'restore latest' 'points' 'verify' 'explain' 'help' 'init' 'article' \
    'key remove' 'doctor' 'extension status'; do
    # shellcheck disable=SC2086
    firn_is 2 "an empty word after $words" $words ''
    says err "word . after firn .* is empty" 'it is told which'
done
firn_is 2 'a word that is none of those' backup --vault v --format floppy disk
firn_is 2 'a number that is none' backup --vault v --threads many disk
firn_is 2 'a block size that cannot be' init --block-size 48K v
firn_is 2 'no vault named' points
says err FIRN_VAULT 'it says how to name one'
firn_is 2 'json and a disk on standard output' restore --vault v --json latest -
firn_is 0 'help' help
grep -q '.\{81\}' out && not_ok 'it fits a terminal' "$(grep '.\{81\}' out)" ||
    ok 'it fits a terminal'
for command in init backup points restore verify explain doctor help; do
    firn_is 0 "help $command" help $command
    says out "firn $command" "it is about $command"
    firn_is 0 "$command --help" $command --help
done
firn_is 0 'help of two words' help key add
firn_is 0 'version' --version
says out '^firn [0-9]' 'it is a number'
firn_is 0 'all codes' explain
says out VaultKeyWrong 'a code is in the list'
grep -A 20 '^vault.key$' out | sed '2,$ { /^[a-z]/,$d }' | grep -q VaultKeyWrong &&
    ok 'below its class' || not_ok 'below its class'
[ "$(grep -c '^ *[0-9]' out)" = "$(grep '^ *[0-9]' out | sort -u | wc -l)" ] && ok 'each once' ||
    not_ok 'each once'
says out 'StorePermission .* The vault.s folder does not allow this$' 'with its title'
says out 'FileUnwritable .* could not be created \.\.\.$' 'whose end is not lost unseen'
firn_is 0 'an article' explain VaultKeyWrong
firn_is 0 'an article by number' explain 205
firn_is 0 'an article by scenario' explain firn-crc-vaultkeywrong
firn_is 0 'a class' explain vault.key
[ "$(grep -c '^[a-z]' out)" = 1 ] && ok 'and no other' || not_ok 'and no other' "$(cat out)"
firn_is 2 'a code that is not there' explain VaultKeyWrogn
says err 'did you mean VaultKeyWrong' 'the near one is named'
firn_is 0 'each article can be shown as JSON' explain --json OutOfMemory
firn_is 1 'a vault that is not there' points --vault nowhere --passphrase-file pass
new_vault v
firn_is 1 'a disk that is not there' backup gone.raw
firn_is 0 'its article' explain SourceMissing
says out '^gone.raw does not exist' 'holds the values of the last failure'
firn_is 2 'wrong usage' backup --changed a b c
firn_is 0 'its article once more' explain SourceMissing
says out '^gone.raw does not exist' 'wrong usage is not remembered as a failure'
last=.local/state/firn/last-failure.json
[ "$(stat -c %a $last)" = 600 ] && ok 'only its owner reads it' || not_ok 'only its owner reads it'
for odd in '' '[' '{"time": "x", "folder": "/", "command": [1], "error": {"code": "SourceMissing"}}'; do
    printf '%s' "$odd" > $last
    firn_is 0 'an odd file of the last failure does no harm' explain SourceMissing
    says out '‹path› does not exist' 'it counts as none'
done
rm $last
mkdir $last
firn_is 0 'nor does a folder in its place' explain SourceMissing
firn_is 1 'nor when it cannot be written' backup gone.raw
code_is SourceMissing 'the failure is told'
rmdir $last
unset FIRN_VAULT FIRN_PASSPHRASE_FILE
if [ -e /dev/full ]; then
    "$firn" explain > /dev/full 2> err
    [ $? -eq 1 ] && code_is OutputFailed 'output that cannot be written is told' ||
        not_ok 'output that cannot be written is told'
fi
"$firn" explain >&- 2> err
[ $? -eq 1 ] && code_is OutputFailed 'output that was closed is told' ||
    not_ok 'output that was closed is told'
"$firn" explain 2> err | head -n 1 > out
says out internal 'a reader that goes away ends it quietly enough'
for odd in "$(printf 'a\033[31mb')" "$(printf 'a\377b')"; do
    "$firn" "$odd" > out 2> err
    if LC_ALL=C grep -q "$(printf '[\033\377]')" err; then
        not_ok 'nothing foreign reaches the terminal as it is'
    else
        ok 'nothing foreign reaches the terminal as it is'
    fi
done
done_testing
