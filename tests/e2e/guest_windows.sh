#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A Windows guest as a target, over the guest agent's protocol: the registry, the service
# manager and the folders are those of Wine.
# usage: guest_windows.sh FIRN TEST-PROGRAM LAUNCHER.EXE PLUGIN-HOST.EXE
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=lib.sh
. "$here/lib.sh"
# shellcheck source=../lib/wine.sh
. "$here/../lib/wine.sh"
program=$2 launcher=$3 host=$4
[ -n "$wine" ] || { echo '1..0 # SKIP no wine here'; exit 0; }
wine_prefix prefix || { echo '1..0 # SKIP wine cannot make a prefix here'; exit 0; }
mkdir -p "$WINEPREFIX/drive_c/firn"
cp "$host" "$WINEPREFIX/drive_c/firn/firn-plugin-host.exe"
wine_server -p
export FIRN_WINE=$wine FIRN_WINESERVER
for s in wineserver /usr/lib/wine/wineserver64 /usr/lib/wine/wineserver; do
    FIRN_WINESERVER=$s
    ! command -v "$s" > /dev/null || break
done

# an agent; it ends with its standard input
agent() { # SOCKET [FORBIDDEN]: sets agent_fd
    coproc AGENT { exec "$here/../lib/wine_agent.py" "$1" "$launcher" "${2:-}" > agent.log 2>&1; }
    for _ in $(seq 600); do
        [ ! -S "$1" ] || return 0
        kill -0 "$AGENT_PID" 2> /dev/null || break
        read -r -t 0.1 <> <(:) || :
    done
    return 1
}
trap 'wine_end; t_end' EXIT
export CMOCKA_MESSAGE_OUTPUT=TAP
agent "$t_dir/ga" || { sed 's/^/# /' agent.log; echo 'Bail out! no agent'; exit 1; }
"$here/../lib/tap" "$program" "$t_dir/ga" "$t_dir/prefix"
