#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# firn-extension doctor inside of a Windows machine, by Wine: the failure that firn was made
# for, found, repaired with consent, proved by prepare, taken back; only an override helps;
# nothing helps; killed in the middle; a damaged journal; every kind of step that a Windows
# machine takes, done and undone.
# usage: extension_doctor_wine.sh FIRN BUILD
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
trap 'wine_end; t_end' EXIT
key='HKLM\SOFTWARE\Firn Test'
extension() { win "C:\\Packages\\Plugins\\$scenario_name\\1.0.10000.0\\bin\\firn-extension.exe" "$@"; }
is() { # STATUS NAME ARGUMENT...
    want=$1 about=$2
    shift 2
    extension "$@" > out.crlf 2> err
    got=$?
    tr -d '\r' < out.crlf > out
    if [ $got -eq "$want" ]; then ok "$about"; else not_ok "$about" "status $got: $*"; fi
}
journals() { echo "$WINEPREFIX/drive_c/ProgramData/firn/state/journal"; }
journal() { ls -t "$(journals)"/*.jsonl | head -n 1 | sed 's/.*\///; s/\.jsonl$//'; }
machine() {
    [ -z "${WINEPREFIX:-}" ] || { wine_end; wine_server -w; rm -rf "$WINEPREFIX"; }
    scenario_make "$build" || return 1
    wine_server -p # stays between commands; says no when it does already
    return 0
}
article() { # NAME PROBE ACTION...: write NAME.md in the machine
    local file=$WINEPREFIX/drive_c/$1.md
    printf '<properties\n pageTitle="%s"\n/>\n# %s\n\n## **Probe**\n\n* Is it so?\n\n' "$1" "$1" \
        > "$file"
    printf '  ```probe\n  %s\n  ```\n\n## **Recommended Steps**\n\n' "$2" >> "$file"
    shift 2
    for action; do printf '* Do it.\n\n  ```action\n  %s\n  ```\n\n' "$action" >> "$file"; done
}
registry() { # NAME: the value, as reg.exe shows it
    win reg query "$key" /v "$1" 2> /dev/null | tr -d '\r' | sed -n "s/^ *$1 *//p"
}

restart() {
    wine_end
    wine_server -w
    wine_server -p
    win wineboot -r > /dev/null 2>&1
}

machine || { echo 'Bail out! no machine'; exit 1; }

# named, looked at
is 1 'prepare' prepare
says out $code 'fails by the code of the document'
is 1 'looked at' doctor $code --json
in_json outcome found 'the cause is verified'
in_json cause $code 'by its code'
in_json plan.0.kind windows.installer.run 'the plan begins with the installer'
in_json error.code CauseFound 'the exit status has a code'
service_is 4 'and nothing was changed'
is 1 'without consent' doctor $code --apply --yes=config
says out '^blocked' 'a repair is blocked'
service_is 4 'and changes nothing'

# repaired and proved, taken back
is 0 'with consent' doctor $code --apply --yes=service,install
says out '^repaired$' 'it is repaired'
says out '^prepare works again$' 'prepare was run again'
runtime_is there 'the runtime is installed'
service_is 3 'the installer service starts on demand'
grep -q '"status":"success"' "$scenario_plugins/$scenario_name/1.0.10000.0/Status/prepare.status" &&
    ok 'the status of prepare says so' || not_ok 'the status of prepare says so'
id=$(journal)
is 0 'prepare' prepare
is 0 'another look' doctor $code
says out '^healthy$' 'finds all well'
is 0 'undo' doctor --undo "$id"
says out "the repair $id is undone" 'says so'
service_is 4 'the service is as it was'
record $code verified repaired proved undone

# what was under way when it was killed is undone by the next; one at a time
article Waits 'windows.library.loads name=firn-nowhere.dll' \
    "windows.registry.set key=\"$key\" name=Level type=dword data=5" \
    'file.copy from=C:\before.txt to=C:\after.txt' 'machine.wait seconds=600'
echo before > "$WINEPREFIX/drive_c/before.txt"
extension doctor --article 'C:\Waits.md' --apply --yes=config > /dev/null 2>&1 &
shell=$!
began=$SECONDS
until id=$(journal) && grep -qs 'file.copy' "$(journals)/$id.jsonl" &&
    grep -q '"result":1' "$(journals)/$id.jsonl"; do
    [ $((SECONDS - began)) -lt 60 ] || break
    read -r -t 0.1 <> <(:) || :
done
[ "$(registry Level)" = 'REG_DWORD    0x5' ] && ok 'a value is set' || not_ok 'a value is set' "$(registry Level)"
[ -f "$WINEPREFIX/drive_c/after.txt" ] && ok 'a file is copied' || not_ok 'a file is copied'
is 1 'a second one at the same time' doctor --undo "$id"
says err JournalBusy 'stops'
kill -9 "$(pgrep -f '[e]xtension.exe doctor')"
wait $shell 2> /dev/null
is 1 'the next plan' doctor --article 'C:\Waits.md'
says out 'an earlier run has no end' 'tells of it'
article Helpless 'windows.library.loads name=firn-nowhere.dll' \
    'windows.installer.run path=C:\nowhere.exe'
is 1 'the next run' doctor --article 'C:\Helpless.md' --apply
says out "$id, which was broken off, is undone" 'takes it up'
[ -z "$(registry Level)" ] && ok 'the value is gone' || not_ok 'the value is gone' "$(registry Level)"
[ ! -e "$WINEPREFIX/drive_c/after.txt" ] && ok 'so is the file' || not_ok 'so is the file'
sed -i 's/"intent":1/"intent":7/' "$(journals)/$id.jsonl"
is 1 'a damaged journal' doctor --undo "$id"
says err JournalDamaged 'is said to be one, and changes nothing'
is 2 'wrong words' doctor $code --undo "$id" --json
in_json error.code UsageWrong 'have their status and document'

# a folder for journals that others may write to is not believed
chmod 777 "$(dirname "$(journals)")"
is 1 'a folder that others may write to' doctor $code --apply --yes=service
says err 'others may write to it' 'is not acted on'
is 1 'a look' doctor $code
says err 'warning' 'goes on without'
chmod 700 "$(dirname "$(journals)")"
chmod 777 "$WINEPREFIX/drive_c/ProgramData/firn"
is 1 'nor one in a folder whose owner is everybody' doctor $code --apply --yes=service
says err 'others may write to it' 'is acted on'
chmod 700 "$WINEPREFIX/drive_c/ProgramData/firn"

# the literal words of the document delete the installer's service, which goes with a restart:
# that is asked for, what was done stays, and the doctor goes on after it
win msiexec /unregister > /dev/null 2>&1
is 1 'prepare' prepare
is 1 'a service that goes' doctor $code --apply --yes=service,install
says out '^blocked$' 'waits for a restart'
says out 'for a person: restart the machine, then run the doctor again' 'which is asked for'
restart
is 0 'after it' doctor $code --apply --yes=service,install
says out '^repaired$' 'it is repaired'
service_is 3 'the service is there again'
runtime_is there 'and the runtime'

# nothing helps: the installer is broken
machine || not_ok 'another machine can be made'
broken() { # [FILE...]: versions whose installer is broken, with these files beside the plug-in
    local v
    for v in "$scenario_plugins/$scenario_name"/1.0.*0.0; do
        echo 'no package' > "$v/vcredist2013_x64.msi"
        [ $# = 0 ] || cp "$@" "$v/bin/"
        "$here/../../tools/mkpackage" "$v" $scenario_name "$(basename "$v")" windows-x86_64 \
            parts/parts.json > /dev/null
    done
}
broken
is 1 'prepare' prepare
is 1 'an installer that is broken' doctor $code --apply --yes=service,install
says out '^blocked$' 'is not called repaired: a restart may help'
restart
is 0 'it can be taken back after that, too' doctor --undo "$(journal)"
service_is 4 'the service is as it was'
runtime_is missing 'and nothing is installed'

# a restart is asked for once more, and then never again
is 1 'another run' doctor $code --apply --yes=service,install
says out 'restart the machine, then run the doctor again' 'asks for a second restart'
restart
is 1 'after two restarts' doctor $code --apply --yes=service,install --json
in_json outcome blocked 'something else is asked for'
in_json blocked "allow override.set key=HKLM\\SOFTWARE\\Microsoft\\BcdrAgentPersistentKeys \
name=IsVCRedistInstalled type=sz data=True (--yes=override)" 'and no restart'
in_json undone true 'what did not help is undone'
service_is 4 'the service is as it was'

# only the override helps: the plug-in has a private copy of the runtime
service 3
broken parts/msvcr120.dll parts/msvcp120.dll
is 1 'prepare' prepare
is 3 'with a private copy, by the override' doctor $code --apply --yes=install,override
says out '^masked$' 'it is masked, not repaired'
says err RepairMasked 'with a code'
says err ExtensionCheckSkipped 'and the check is said to be skipped'
key='HKLM\SOFTWARE\Microsoft\BcdrAgentPersistentKeys'
[ "$(registry IsVCRedistInstalled)" = 'REG_SZ    True' ] && ok 'the key is set' ||
    not_ok 'the key is set' "$(registry IsVCRedistInstalled)"
is 0 'undo' doctor --undo "$(journal)"
[ -z "$(registry IsVCRedistInstalled)" ] && ok 'takes it away' || not_ok 'takes it away'
done_testing
