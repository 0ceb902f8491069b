#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The Windows machine as the extension's doctor has it, from inside: registry, services, files,
# programs, load tests and journals are those of Wine.
# usage: machine_windows.sh FIRN TEST-PROGRAM.EXE PLUGIN-HOST.EXE TEST-SERVICE.EXE
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=lib.sh
. "$here/lib.sh"
# shellcheck source=../lib/wine.sh
. "$here/../lib/wine.sh"
program=$2 host=$3 service=$4
[ -n "$wine" ] || { echo '1..0 # SKIP no wine here'; exit 0; }
wine_prefix prefix || { echo '1..0 # SKIP wine cannot make a prefix here'; exit 0; }
trap 'wine_end; t_end' EXIT
mkdir -p "$WINEPREFIX/drive_c/firn"
cp "$program" "$host" "$service" "$WINEPREFIX/drive_c/firn/"
echo 'no library' > "$WINEPREFIX/drive_c/firn/odd.dll"
win 'C:\firn\machine-windows.exe' > all.txt 2> err
status=$?
tr -d '\r' < all.txt
left=$(pgrep -fc 'firn.wait.bat')
[ "$left" -eq 0 ] || { echo "# $left programs are left"; status=1; }
exit $status
