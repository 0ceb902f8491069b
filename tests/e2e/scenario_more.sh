#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What can go otherwise with the failure that firn was made for, on a Windows machine that Wine
# stands in for: only an override helps, nothing helps, firn is killed in the middle.
# usage: scenario_more.sh FIRN BUILD masked|nothing|killed
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=lib.sh
. "$here/lib.sh"
# shellcheck source=../lib/wine.sh
. "$here/../lib/wine.sh"
# shellcheck source=../scenario/machine.sh
. "$here/../scenario/machine.sh"
build=$2
# shellcheck source=../scenario/checks.sh
. "$here/../scenario/checks.sh"

doctor() { # STATUS NAME ARGUMENT...
    status=$1 about=$2
    shift 2
    firn_is "$status" "$about" doctor "$guest" "$@"
}
override_is() { # True|none NAME
    got=$(win reg query 'HKLM\SOFTWARE\Microsoft\BcdrAgentPersistentKeys' /v IsVCRedistInstalled \
        2> /dev/null | tr -d '\r' | awk '$1 == "IsVCRedistInstalled" { print $3 }')
    if [ "${got:-none}" = "$1" ]; then ok "$2"; else not_ok "$2" "it is ${got:-none}, not $1"; fi
}

journal() { # of the last run
    python3 -c 'import json; print(json.load(open("out"))["journal"])'
}

masked() {
    installer_is broken
    newest=$scenario_plugins/$scenario_name/1.0.10000.0
    cp parts/msvc[rp]120.dll "$newest/bin/" # a private copy beside the plug-in
    "$here/../../tools/mkpackage" "$newest" "$scenario_name" 1.0.10000.0 windows-x86_64 \
        parts/parts.json > /dev/null
    backup_fails
    doctor 3 'only the override helps' $code --apply --yes=$allowed,override --json
    in_json outcome masked 'it is masked'
    in_json warnings.1.code RepairMasked 'by its code'
    in_json undone true 'what did not help is undone'
    record $code verified undone
    service_is 4 'the service is as it was'
    runtime_is missing 'and the runtime is still missing'
    override_is True 'the key is set'
    firn_is 3 'the backup goes on' backup --machine web1 disk.raw --guest "$guest"
    says err ExtensionCheckSkipped 'and says that a check was skipped'
    firn_is 0 'its point' points --json
    in_json points.1.facts.ExtensionCheckSkipped $scenario_name 'says it, too'

    # somebody brings the right installer
    installer_is whole
    doctor 3 'a real repair' $code --apply --yes=$allowed --json
    in_json outcome repaired 'is one'
    says out 'IsVCRedistInstalled is still set from earlier.*it can be removed' 'the key may go'
    override_is True 'which needs consent'
    doctor 0 'the repair is taken back' --undo "$(journal)"
    service_is 4 'with the service'
    runtime_is missing 'and the runtime'
    doctor 0 'once more with consent' $code --apply --yes=$allowed,override --json
    in_json outcome repaired 'it is repaired'
    in_json note 'IsVCRedistInstalled, set earlier, is removed' 'and the key is gone'
    override_is none 'from the registry, too'
    firn_is 0 'the backup is whole again' backup --machine web1 disk.raw --guest "$guest"
    record ExtensionCheckSkipped repaired proved
    record RepairMasked repaired proved
}

nothing() {
    # the service's command line has a secret, as that of many services has
    sc=$build/tests/lib/sc.exe
    win "$sc" delete msiserver > /dev/null
    win "$sc" create msiserver binPath= 'C:\windows\system32\msiexec.exe /V token=hunter22' \
        type= own start= disabled error= normal obj= LocalSystem \
        DisplayName= 'Windows Installer' > /dev/null # Wine loses what a changed one depends on
    installer_is broken
    registry before
    grep -q hunter22 before && ok 'a secret is in the registry' || not_ok 'a secret is in the registry'
    backup_fails
    doctor 1 'an installer that is broken' $code --apply --yes=$allowed,override --json
    in_json outcome escalated 'is for somebody else'
    in_json error.code RepairEscalated 'by its code'
    in_json undone true 'what was changed is undone'
    registry after
    if diff before after > diff.txt; then
        ok 'the registry is as it was'
    else
        not_ok 'the registry is as it was' "$(cat diff.txt)"
    fi
    runtime_is missing 'and nothing is installed'
    record $code undone
    bundle=$(python3 -c 'import json; print(json.load(open("out"))["bundle"])')
    says "$bundle" 1601 'a bundle tells what the installer said'
    says "$bundle" 'token=\[removed\]' 'where a secret was'
    # in hex, too: "hunter22" as the registry has it
    if grep -qi 'hunter22\|680075006e00740065007200' "$bundle"; then
        not_ok 'but not the secret'
    else
        ok 'but not the secret'
    fi
}

# kill_at N WORDS: firn is killed when the N-th program with these words has ended
kill_at() {
    mkdir -p "$WINEPREFIX/drive_c/firn"
    echo "$*" > "$WINEPREFIX/drive_c/firn/kill"
}
killed() {
    kill_at 1 'config msiserver'
    backup_fails
    doctor 137 'killed at a change' $code --apply --yes=$allowed
    service_is 3 'which was made'
    doctor 1 'a look' $code --json
    says out 'an earlier run has no end' 'tells of it'
    id=$(sed -n 's/.*--undo \([0-9a-f]*\) .*/\1/p' out)
    doctor 0 'it is taken back' --undo "$id"
    service_is 4 'by the journal'
    doctor 1 'which has an end then' $code --json
    in_json note null 'and is not told of'

    kill_at 2 vcredist2013_x64.exe
    doctor 137 'killed at the installer that works' $code --apply --yes=$allowed
    service_is 3 'the service is on'
    runtime_is there 'and the runtime is there'
    doctor 0 'the next call' $code --apply --yes=$allowed --json
    in_json finished.0 "$(ls -t "$HOME/.local/state/firn/journal" | sed -n 2p | cut -d . -f 1)" \
        'undoes the run that was killed'
    in_json outcome repaired 'and repairs'
    in_json retry.error null 'which the backup proves'
    firn_is 0 'the same backup' backup --machine web1 disk.raw --guest "$guest"
    record $code repaired proved undone
}

new_vault v
disk disk.raw 1000
machine || { sed 's/^/# /' agent.log; echo 'Bail out! no machine'; exit 1; }
"$3"
sed 's/^/# agent: /' agent.log
done_testing
