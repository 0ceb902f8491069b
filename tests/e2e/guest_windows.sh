#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A Windows guest as a target, over the guest agent's protocol: the registry, the service
# manager and the folders are those of Wine.
# usage: guest_windows.sh FIRN TEST-PROGRAM LAUNCHER.EXE PLUGIN-HOST.EXE TEST-SERVICE.EXE
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=lib.sh
. "$here/lib.sh"
# shellcheck source=../lib/wine.sh
. "$here/../lib/wine.sh"
program=$2 launcher=$3 host=$4 service=$5
[ -n "$wine" ] || { echo '1..0 # SKIP no wine here'; exit 0; }
wine_prefix prefix || { echo '1..0 # SKIP wine cannot make a prefix here'; exit 0; }
mkdir -p "$WINEPREFIX/drive_c/firn"
cp "$host" "$WINEPREFIX/drive_c/firn/firn-plugin-host.exe"
cp "$service" "$WINEPREFIX/drive_c/firn/"
trap 'wine_end; t_end' EXIT
export CMOCKA_MESSAGE_OUTPUT=TAP
wine_agent "$t_dir/ga" "$launcher" || { sed 's/^/# /' agent.log; echo 'Bail out! no agent'; exit 1; }
"$here/../lib/tap" "$program" "$t_dir/ga" "$t_dir/prefix"
status=$?
sed 's/^/# agent: /' agent.log
exit $status
