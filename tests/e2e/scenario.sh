#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The failure that firn was made for, end to end on a Windows machine that Wine stands in for:
# the extension's runtime is missing, its installer fails because the Windows Installer
# service is disabled, the backup fails by its code; firn doctor verifies the cause, repairs it
# with consent, and the same backup succeeds.  Then what can go otherwise.
# usage: scenario.sh FIRN BUILD
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

new_vault v
disk disk.raw 1000
machine || { sed 's/^/# /' agent.log; echo 'Bail out! no machine'; exit 1; }

# named, explained, verified
backup_fails
says err 1601 'with the number of its installer'
says err "firn doctor $guest $code" 'and the line to type'
firn_is 0 'explained' explain $code
says out 'Visual C++ 2013 (x64)' 'with the values of this failure'
firn_is 1 'looked at' doctor "$guest" $code --json
in_json outcome found 'the cause is verified'
in_json cause $code 'by its code'
record $code verified
in_json plan.0.kind windows.installer.run 'the plan begins with the installer'
in_json error.code CauseFound 'the exit status has a code'
service_is 4 'and nothing was changed'
runtime_is missing 'nothing at all'
firn_is 1 'without consent' doctor "$guest" $code --apply --yes=config
says out '^blocked' 'a repair is blocked'
service_is 4 'and changes nothing'

# repaired and proved
firn_is 0 'with consent' doctor "$guest" $code --apply --yes=$allowed --json
in_json outcome repaired 'it is repaired'
in_json retry.error null 'the same backup was made again and succeeded'
in_json retry.point.machine web1 'as a point of the machine'
in_json undone false 'nothing had to be undone'
runtime_is there 'the runtime is installed'
service_is 3 'the installer service starts on demand'
firn_is 0 'the same backup' backup --machine web1 disk.raw --guest "$guest"
record $code repaired proved
firn_is 0 'restores' restore web1 back.raw
same disk.raw back.raw 'bit for bit'
firn_is 0 'another look' doctor "$guest" $code
says out '^healthy' 'finds all well'

# one command, from the failure to the point
machine || not_ok 'another machine can be made'
firn_is 1 'a backup that may not install' backup --machine web1 disk.raw --guest "$guest" \
    --cure=service
code_is $code 'fails by the code of the document'
runtime_is missing 'and nothing was installed'
firn_is 0 'a backup that repairs what it fails of' backup --machine web1 disk.raw \
    --guest "$guest" --cure=$allowed --json
in_json cure.outcome repaired 'it is repaired'
in_json cure.cause $code 'of that cause'
in_json warnings.0.code BackupCured 'which it says'
id=$(python3 -c 'import json; print(json.load(open("out"))["cure"]["journal"])')
says out "\"cured.$code\": \"$id\"" 'and its point keeps'
runtime_is there 'the runtime is installed'
rm -f back.raw
firn_is 0 'the point' restore web1 back.raw
same disk.raw back.raw 'is restored bit for bit'

# the document itself, unmodified, in its own order
seed=$(ls "$here"/../../../shared/seeds/*.txt 2> /dev/null | head -n 1)
if [ -z "$seed" ]; then
    skip 'the document itself' 'it is not here'
else
    machine || not_ok 'another machine can be made'
    backup_fails
    firn_is 0 'by the document' doctor "$guest" --article "$seed" --order=article --apply \
        --yes=$allowed
    says out '^repaired' 'the machine is repaired'
    firn_is 0 'and the backup succeeds' backup --machine web1 disk.raw --guest "$guest"
fi

# the literal words of the document delete the installer's service; it is made again
machine || not_ok 'another machine can be made'
win msiexec /unregister > /dev/null 2>&1
win msiexec /register > /dev/null 2>&1
service_is '' 'msiexec /register does not bring back what /unregister took away'
backup_fails
firn_is 0 'a service that is gone' doctor "$guest" $code --apply --yes=$allowed
says out '^repaired' 'is repaired too'
service_is 3 'the service is there again'
record $code repaired proved

sed 's/^/# agent: /' agent.log
done_testing
