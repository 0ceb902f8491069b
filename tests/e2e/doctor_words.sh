#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What firn doctor makes of words, files and folders that are not as they should be, on a
# Windows disk that mkhive makes: the status, the code, and JSON in each case.
# usage: doctor_words.sh FIRN MKHIVE CORPUS
. "$(dirname "$0")/lib.sh"
mkhive=$2 corpus=$3
unset XDG_STATE_HOME
state=.local/state/firn

# both STATUS NAME ARGUMENT...: as text (its words stay in out and err), and with --json, which
# must be one document with a schema and, where it failed, the code that the text has.
both() {
    want=$1 name=$2
    shift 2
    "$firn" doctor --json "$@" > json 2> err < /dev/null
    got=$?
    python3 - "$want" > code 2> err <<'END' || got="$got, $(cat err)"
import json, sys
doc = json.load(open("json"))
assert doc["schema"] == 1, "no schema"
assert ("error" in doc) == (sys.argv[1] != "0"), "error or none"
print(doc["error"]["code"] if "error" in doc else "none")
END
    [ "$got" = "$want" ] && ok "$name, as JSON" || not_ok "$name, as JSON" "$got, not $want"
    firn_is "$want" "$name" doctor "$@"
    [ "$want" = 0 ] || code_is "$(cat code)" "$name: the same code"
}
is() { # CODE NAME
    [ "$(cat code)" = "$1" ] && ok "$2" || not_ok "$2" "$(cat code), not $1"
}

"$mkhive" --broken win || exit 1

both 2 'a code that is not there' disk:win VssServiceBed
says err 'did you mean VssServiceBad' 'the near one is named'
both 2 'a folder without what it is' win/Windows
says err 'disk:FOLDER' 'how it is named is told'
both 2 'a number that nobody has' disk:win status:9999
both 2 'no word at all' ''
both 2 'a target of no known kind' floppy:win
both 2 'a scheme without its rest' disk:
both 2 'two codes' VssServiceBad VssServiceBusy
both 2 'a code and an article' disk:win VssServiceBad --article /dev/null
both 2 'consent to what is no risk' disk:win --yes=config,everything
says err 'install, restart' 'the risks are listed'
both 2 'wrong words come before a machine is looked for' disk:nowhere --yes=everything
both 2 'an order that is none' disk:win --order=random
both 2 'undo and a code' disk:win --undo 0123456789abcdef VssServiceBad
both 2 'undo and apply' disk:win --undo 0123456789abcdef --apply

both 1 'a disk that is not there' disk:nowhere
is FileUnreadable 'it cannot be read'
mkdir empty
both 1 'a folder without Windows' disk:empty
is WindowsMissing 'it is no Windows'
both 1 'a socket that is not there' qga:nowhere
is AgentUnreachable 'nobody answers'
python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("dead")'
both 1 'a socket that nobody listens on' qga:dead
is AgentUnreachable 'nobody answers'
both 1 'a file in place of a socket' qga:pass
is AgentUnreachable 'nobody answers'

both 1 'a repair that never was' disk:win --undo 0123456789abcdef
is JournalMissing 'there is no such repair'
both 1 'a path in place of its name' disk:win --undo ../../../pass
is JournalMissing 'there is no such repair'

both 1 'an article that is not there' disk:win --article nowhere.md
both 1 'a folder in its place' disk:win --article win
both 1 'one without an end' disk:win --article /dev/zero
is ArticleTooLarge 'it is too large'
for a in "$corpus"/*.md; do
    both 1 "the odd article ${a##*/}" disk:win --article "$a"
    ! LC_ALL=C grep -q "$(printf '[\001-\010\013-\037]')" out err && ok 'nothing in it steers a terminal' ||
        not_ok 'nothing in it steers a terminal'
done

# ---- words of the last failure that firn did not write ----

"$mkhive" --healthy well || exit 1
mkdir -p $state
both 0 'a disk that is well, by every article' disk:well
says out '^ruled out: DtcBroken' 'what was looked at is ruled out'
says out '^not looked at: VssServiceBad, since .*no way to run programs' 'the rest is told apart'
! grep -q '^ruled out: Vss' out && ok 'and not ruled out' || not_ok 'and not ruled out'
says out '^healthy$' 'it is well'
both 1 'a cause that cannot be looked at there' disk:well VssServiceBad
is RepairBlocked 'is for a person'
says out 'whether VssServiceBad is the cause' 'who is told which'
! grep -q '^cause: [A-Z]' out && ok 'no cause is named' || not_ok 'no cause is named'
both 1 'one that is not' disk:win
is CauseFound 'its cause is found'
says out '^cause: ExtensionVCRedistInstallationFailure' 'and named'
last() { # WORDS: the backup that failed
    printf '{"time": "2024-01-01T00:00:00Z", "folder": "%s", "command": %s, "error": {"code":
        "PluginSharedLibraryMissing", "facts": {"vm": "a", "runtime": [], "library": "%s"}}}' \
        "$t_dir" "$1" libc.so.6 > $state/last-failure.json
}
disk d.raw 64
"$firn" init --kdf-memory 8 --passphrase-file pass vault > out 2> err || exit 1
last '["backup", "--vault", "vault", "--passphrase-file", "pass", "d.raw"]'
(cd / && exec "$firn" doctor local PluginSharedLibraryMissing --apply) > out 2> err < /dev/null
says err 'Trying the backup again' 'the words of a backup are tried again, in their folder'
says out '^the backup works again: recovery point' 'and make a point'
while read -r words; do
    last "$words"
    both 0 "the last failure's words were $words" local PluginSharedLibraryMissing --apply
    ! grep -q 'Trying' err && [ ! -e made ] && ok 'they are not run' || not_ok 'they are not run'
done << 'END'
["init", "--kdf-memory", "8", "--passphrase-file", "pass", "made"]
["--passphrase-file", "backup", "--kdf-memory", "8", "init", "made"]
["backup", "--help"]
["backup", "--vault", "made"]
["backup", "--vault", "made", "--no-such-option", "disk"]
["backup", "--vault"]
["--", "backup", "disk"]
[""]
END
rm $state/last-failure.json

# ---- folders for the state ----

find win -type f -exec sha256sum {} + > before
mkdir -p $state
chmod 777 $state
both 1 'a state folder that all may write to' disk:win ExtensionVCRedistInstallationFailure
is CauseFound 'a look needs none'
says err 'warning: .*others may write to it' 'it is told'
both 1 'and with --apply' disk:win ExtensionVCRedistInstallationFailure --apply --yes=config
is InputInvalid 'nothing can be recorded there'
both 1 'and with --undo' disk:win --undo 0123456789abcdef
is InputInvalid 'nor taken from there'
if [ "$(id -u)" = 0 ]; then
    chmod 700 $state
    chown 1 $state
    both 1 'that of another user' disk:win ExtensionVCRedistInstallationFailure --apply --yes=config
    is InputInvalid 'is not used'
    says err 'belongs to another user' 'it is told why'
    chown 0 $state
fi
chmod 700 $state
export XDG_STATE_HOME="$t_dir/pass"
both 1 'a state folder that cannot be made' disk:win ExtensionVCRedistInstallationFailure
is CauseFound 'a look needs none'
both 1 'and with --apply' disk:win ExtensionVCRedistInstallationFailure --apply --yes=config
is FileUnwritable 'nothing can be recorded there'
unset XDG_STATE_HOME
find win -type f -exec sha256sum {} + > after
same before after 'nothing was changed'
done_testing
