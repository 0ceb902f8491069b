#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The extension on Windows, by Wine: the same programs that go to guests, on a real registry,
# with libraries that are missing and present, and an installer that does as it is told.
# usage: extension_wine.sh FIRN EXTENSION.EXE HOST.EXE MARKER.DLL MKPACKAGE TEST-LIBRARIES
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=../lib/wine.sh
. "$(dirname "$0")/../lib/wine.sh"
extension=$2 host=$3 marker=$4 mkpackage=$5 libraries=$6
[ -n "$wine" ] || { echo '1..0 # SKIP no wine here'; exit 0; }
wine_prefix prefix || { echo '1..0 # SKIP wine cannot make a prefix here'; exit 0; }
trap 'wine_end; t_end' EXIT
name=Microsoft.Azure.RecoveryServices.VMSnapshot
plugins=$WINEPREFIX/drive_c/Packages/Plugins
system=$WINEPREFIX/drive_c/windows/system32
export FIRN_MARKER='C:\at-rest'
mkdir -p "$plugins"

is() { # STATUS NAME PROGRAM ARGUMENT...
    want=$1 about=$2
    shift 2
    win "$@" > out 2> err
    got=$?
    if [ $got -eq "$want" ]; then ok "$about"; else not_ok "$about" "status $got: $*"; fi
}
in_json() { # FILE PATH VALUE NAME
    got=$(python3 -c '
import json, sys
v = json.load(open(sys.argv[1]))
for p in sys.argv[2].split("."):
    v = v[int(p) if p.isdigit() else p]
print(v.strip() if isinstance(v, str) else json.dumps(v))' "$1" "$2" 2>&1)
    if [ "$got" = "$3" ]; then ok "$4"; else not_ok "$4" "$2 is $got, not $3"; fi
}
package() { # FOLDER NAME VERSION [PARTS]: sets digest
    mkdir -p "$1/bin"
    cp "$extension" "$host" "$1/bin/"
    digest=$("$mkpackage" "$1" "$2" "$3" windows-x86_64 ${4:+"$4"})
}

# what hosts of plug-ins and load tests say
is 0 'a library of Windows loads' "$host" load kernel32.dll
in_json out libraries.0.loaded true 'and is said to'
is 1 'a library that is not there does not' "$host" load firnrt120.dll
in_json out libraries.0.number 126 'with the number of the loader'
mkdir -p "$WINEPREFIX/drive_c/alone" && cp "$libraries/needy.dll" "$WINEPREFIX/drive_c/alone/"
is 1 'one whose import is missing does not' "$host" describe 'C:\alone\needy.dll'
in_json out number 126 'with the same number'
echo 'no library' > "$system/broken.dll"
is 1 'one that is no library does not' "$host" load broken.dll
in_json out libraries.0.reason format 'and is said to have no such form'

# put into place; versions side by side
mkdir marker-package marker-package/bin
cp "$marker" marker-package/bin/
echo '"plugins": [{"name": "marker", "file": "bin/marker.dll"}]' > marker.json
package marker-package Firn.VMSnapshot 1.0.9120.0 marker.json
is 0 'a package is put into place' "$extension" activate marker-package --digest "$digest"
says out 'C:/Packages/Plugins/Firn.VMSnapshot/1.0.9120.0' 'below C:\Packages\Plugins'
package marker-package Firn.VMSnapshot 1.0.10000.0 marker.json
is 0 'and a newer one' "$extension" activate marker-package --digest "$digest"
mkdir -p "$plugins/Firn.VMSnapshot/2.0.0.0" "$plugins/Firn.VMSnapshot/99" "$plugins/Firn.VMSnapshot/9.9-old"
is 0 'there is a latest' "$extension" latest Firn.VMSnapshot
says out '/1.0.10000.0$' 'it is the highest number'
in_json "$plugins/Firn.VMSnapshot/1.0.10000.0/Status/0.status" 0.status.status success 'enabled, says its status'
in_json "$plugins/Firn.VMSnapshot/1.0.10000.0/Status/HeartBeat.Json" 0.heartbeat.status ready 'and its heartbeat'
is 0 'its plug-in comes to rest and goes on' "$extension" rehearse --package Firn.VMSnapshot --json
in_json out steps.1.result done 'and says so'
echo x >> marker-package/bin/marker.dll
is 1 'a changed package is refused' "$extension" activate marker-package --digest "$digest"
says err PackageFileChanged 'by its code'

# a runtime that is missing, with the names of the failure that this is about
v=$plugins/$name/1.0.9120.0
mkdir -p "$v/bin"
cp "$libraries/needy.dll" "$v/bin/"
mkdir -p "$v/vcredist"
cp "$libraries/firnrt120.dll" "$v/vcredist/"
cp "$libraries/win_installer.exe" "$v/vcredist/vcredist2013_x64.exe"
cat > needy.json << 'END'
"prerequisites": [{"name": "vcredist2013", "title": "Visual C++ 2013 (x64)",
  "probe": {"libraries": ["firnrt120.dll"]},
  "installer": {"file": "vcredist/vcredist2013_x64.exe", "kind": "windows", "deadlineSeconds": 5,
    "arguments": ["/install", "/quiet", "/norestart", "/log", "C:\\a b\\vc.log"]},
  "override": {"key": "SOFTWARE\\Microsoft\\BcdrAgentPersistentKeys", "value": "IsVCRedistInstalled"},
  "failure": "ExtensionVCRedistInstallationFailure"}],
"plugins": [{"name": "needy", "file": "bin/needy.dll", "requires": ["vcredist2013"]}]
END
package "$v" $name 1.0.9120.0 needy.json
# the installer's log is no part of the package: it goes where the package is not
todo() { printf '%s\n' "$@" > "$plugins/installer.todo"; rm -f "$v/vcredist/installer.log"; }
prepare() { # STATUS NAME
    is "$1" "$2" "$extension" prepare --package $name --json
    [ -f "$v/vcredist/installer.log" ] || return 0
    tr -d '\r' < "$v/vcredist/installer.log" > log.txt
    rm -f "$v/vcredist/installer.log"
}

todo 'say the service could not be accessed' 'exit 1601'
prepare 1 'an installer that finds no service'
in_json out code ExtensionVCRedistInstallationFailure 'the code is that of the manifest'
in_json out facts.exit 1601 'with the whole exit code'
in_json out facts.class service 'and its class'
in_json out facts.number 126 'and the number of the loader'
says log.txt '^\[/install\]\[/quiet\]\[/norestart\]\[/log\]\[C:\\a b\\vc.log\]$' 'its arguments arrived whole'
in_json "$v/Status/prepare.status" 0.status.code 900 'the status has the number'
in_json "$v/Status/prepare.status" 0.status.substatus.0.code ExtensionVCRedistInstallationFailure 'and the code'
for row in '0x80070643 fatal' '0xC0000135 cannot-start' '77 unknown'; do
    todo "exit ${row% *}"
    prepare 1 "an installer that ends with ${row% *}"
    in_json out facts.class "${row#* }" "is ${row#* }"
done
todo hang
prepare 1 'an installer that hangs is ended'
in_json out facts.class hung 'and said to hang'
[ "$(pgrep -cf vcredist2013_x64.exe)" = 0 ] && ok 'with all that it started' || not_ok 'with all that it started'
win reg add 'HKLM\SOFTWARE\Microsoft\BcdrAgentPersistentKeys' /v IsVCRedistInstalled /t REG_SZ /d True /f > /dev/null
prepare 1 'the key skips the check, and the plug-in does not load'
in_json out code PluginUnloadable 'which is the failure then'
in_json out facts.number 126 'with the number of the loader'
in_json out prerequisites.0.override.set true 'the key is on record'
cp "$libraries/firnrt120.dll" "$v/bin/"
package "$v" $name 1.0.9120.0 needy.json
prepare 3 'with a private copy beside it the plug-in loads'
in_json out result skipped 'and the check is said to be skipped'
rm "$v/bin/firnrt120.dll"
package "$v" $name 1.0.9120.0 needy.json
win reg add 'HKLM\SOFTWARE\Microsoft\BcdrAgentPersistentKeys' /v IsVCRedistInstalled /t REG_SZ /d False /f > /dev/null
todo 'copy firnrt120.dll' 'exit 3010'
prepare 0 'an installer that works, without the key'
in_json out prerequisites.0.state installed 'brings it'
in_json out prerequisites.0.installer.class ok-restart 'and would like a restart'
[ -f "$system/firnrt120.dll" ] && ok 'it is in System32' || not_ok 'it is in System32'
prepare 0 'then it is there'
in_json out prerequisites.0.state present 'and no installer runs'

# killed
rm "$system/firnrt120.dll"
todo hang
"$wine" "$extension" prepare --package $name > out 2> err < /dev/null &
began=$SECONDS
until grep -qs transitioning "$v/Status/prepare.status"; do [ $((SECONDS - began)) -lt 20 ] || break; done
until pgrep -f 'vcredist2013_x64.exe' > /dev/null; do [ $((SECONDS - began)) -lt 20 ] || break; done
kill -9 "$(pgrep -f '[e]xtension.exe prepare' | head -n 1)"
wait $! 2> /dev/null
until grep -qs ExtensionDied "$v/Status/prepare.status"; do [ $((SECONDS - began)) -lt 40 ] || break; done
in_json "$v/Status/prepare.status" 0.status.substatus.0.code ExtensionDied 'a killed verb has a final status'
until [ "$(pgrep -cf vcredist2013_x64.exe)" = 0 ]; do [ $((SECONDS - began)) -lt 40 ] || break; done
[ "$(pgrep -cf vcredist2013_x64.exe)" = 0 ] && ok 'and its installer has ended too' || not_ok 'and its installer has ended too'
done_testing
