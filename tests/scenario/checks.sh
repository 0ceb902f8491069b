# SPDX-License-Identifier: Apache-2.0
# What the tests of the scenario share; sourced after lib.sh, wine.sh and machine.sh, with
# $build the build folder.  The test is skipped where there is no Wine.
code=ExtensionVCRedistInstallationFailure
[ -n "$wine" ] || { echo '1..0 # SKIP no wine here (package wine64)'; exit 0; }
have wixl || { echo '1..0 # SKIP no wixl here (package wixl)'; exit 0; }
trap 'wine_agent_end; wine_end; t_end' EXIT
guest=qga:$t_dir/ga
allowed=service,install,restart
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
# A machine as it was at first: made once, then copied.
machine() {
    wine_agent_end
    rm -f ga
    if [ -d first-machine ]; then
        machine_off
        rm -rf "$WINEPREFIX"
        cp -a --reflink=auto first-machine "$WINEPREFIX"
    else
        scenario_make "$build" && machine_off && cp -a --reflink=auto "$WINEPREFIX" first-machine
    fi && wine_agent "$t_dir/ga" "$build/tests/lib/wine_launch.exe"
}
machine_off() { wine_end; wine_server -w; }
# The bundled installer of each version finds a package that is none, or its own again.
installer_is() { # broken|whole
    for v in "$scenario_plugins/$scenario_name"/1.0.*0.0; do
        if [ "$1" = broken ]; then
            echo 'no package' > "$v/vcredist2013_x64.msi"
        else
            cp parts/vcredist2013_x64.msi "$v/"
        fi
        "$scenario_here/../../tools/mkpackage" "$v" "$scenario_name" "$(basename "$v")" \
            windows-x86_64 parts/parts.json > /dev/null
    done
}
# What programs and services of the machine have in its registry, as text.  Wine keeps the
# numbers of each start of its display elsewhere.
registry() { # FILE
    local key n=0
    for key in 'HKLM\SOFTWARE\Microsoft' 'HKLM\SYSTEM\CurrentControlSet\Services'; do
        n=$((n + 1))
        win reg export "$key" "$1.$n" /y > /dev/null || return 1
    done
    for key in "$1.1" "$1.2"; do iconv -f UTF-16 -t UTF-8 "$key"; done | tr -d '\r' > "$1"
}
backup_fails() {
    firn_is 1 'the backup fails' backup --machine web1 disk.raw --guest "$guest"
    code_is $code 'by the code of the document'
}

