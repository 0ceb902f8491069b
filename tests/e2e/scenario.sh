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
code=ExtensionVCRedistInstallationFailure
[ -n "$wine" ] || { echo '1..0 # SKIP no wine here (package wine64)'; exit 0; }
have wixl || { echo '1..0 # SKIP no wixl here (package wixl)'; exit 0; }
trap 'wine_agent_end; wine_end; t_end' EXIT
guest=qga:$t_dir/ga
service() { win "$t_dir/parts/service.exe" "$@" | tr -d '\r'; }
runtime_is() { # there|missing NAME
    [ -f "$WINEPREFIX/drive_c/windows/system32/msvcr120.dll" ] && got=there || got=missing
    if [ $got = "$1" ]; then ok "$2"; else not_ok "$2" "the runtime is $got"; fi
}
service_is() { # NUMBER NAME
    got=$(service)
    if [ "$got" = "$1" ]; then ok "$2"; else not_ok "$2" "start type $got, not $1"; fi
}
in_json() { # PATH VALUE NAME
    got=$(python3 -c '
import json, sys
v = json.load(open("out"))
for p in sys.argv[1].split("."):
    v = v[int(p) if p.isdigit() else p]
print(v if isinstance(v, str) else json.dumps(v))' "$1" 2>&1)
    if [ "$got" = "$2" ]; then ok "$3"; else not_ok "$3" "$1 is $got, not $2"; fi
}
machine() {
    wine_agent_end
    [ -z "${WINEPREFIX:-}" ] || { wine_end; wine_server -w; rm -rf "$WINEPREFIX"; }
    rm -f ga
    scenario_make "$build" && wine_agent "$t_dir/ga" "$build/tests/lib/wine_launch.exe"
}
backup_fails() {
    firn_is 1 'the backup fails' backup --machine web1 disk.raw --guest "$guest"
    code_is $code 'by the code of the document'
}

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
in_json plan.0.kind windows.installer.run 'the plan begins with the installer'
in_json error.code CauseFound 'the exit status has a code'
service_is 4 'and nothing was changed'
runtime_is missing 'nothing at all'
firn_is 1 'without consent' doctor "$guest" $code --apply --yes=config
says out '^blocked' 'a repair is blocked'
service_is 4 'and changes nothing'

# repaired and proved
firn_is 0 'with consent' doctor "$guest" $code --apply --yes=service,install,restart --json
in_json outcome repaired 'it is repaired'
in_json retry.error null 'the same backup was made again and succeeded'
in_json retry.point.machine web1 'as a point of the machine'
in_json undone false 'nothing had to be undone'
runtime_is there 'the runtime is installed'
service_is 3 'the installer service starts on demand'
firn_is 0 'the same backup' backup --machine web1 disk.raw --guest "$guest"
firn_is 0 'restores' restore web1 back.raw
same disk.raw back.raw 'bit for bit'
firn_is 0 'another look' doctor "$guest" $code
says out '^healthy' 'finds all well'

# the document itself, unmodified, in its own order
seed=$(ls "$here"/../../../shared/seeds/*.txt 2> /dev/null | head -n 1)
if [ -z "$seed" ]; then
    skip 'the document itself' 'it is not here'
else
    machine || not_ok 'another machine can be made'
    backup_fails
    firn_is 0 'by the document' doctor "$guest" --article "$seed" --order=article --apply \
        --yes=service,install,restart
    says out '^repaired' 'the machine is repaired'
    firn_is 0 'and the backup succeeds' backup --machine web1 disk.raw --guest "$guest"
fi

# the literal words of the document delete the installer's service; it is made again
machine || not_ok 'another machine can be made'
win msiexec /unregister > /dev/null 2>&1
backup_fails
firn_is 0 'a service that is gone' doctor "$guest" $code --apply --yes=service,install,restart
says out '^repaired' 'is repaired too'
service_is 3 'the service is there again'

# nothing helps: the installer is broken
machine || not_ok 'another machine can be made'
for v in "$scenario_plugins/$scenario_name"/1.0.*0.0; do
    echo 'no package' > "$v/vcredist2013_x64.msi"
    "$here/../../tools/mkpackage" "$v" $scenario_name "$(basename "$v")" windows-x86_64 \
        parts/parts.json > /dev/null
done
backup_fails
firn_is 1 'an installer that is broken' doctor "$guest" $code --apply \
    --yes=service,install,restart
says out 'escalated\|blocked' 'is not called repaired'
service_is 4 'what was changed is undone'
runtime_is missing 'and nothing is installed'
done_testing
