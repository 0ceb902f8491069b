#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The hives that mkhive makes, read by programs of others: they must see what was described.
# usage: mkhive.sh MKHIVE
mkhive=$1
n=0 failed=0
dir=$(mktemp -d "${TMPDIR:-/tmp}/firn-mkhive.XXXXXX") || exit 1
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
export LC_ALL=C

check() { # NAME STATUS
    n=$((n + 1))
    if [ "$2" -eq 0 ]; then echo "ok $n - $1"; else
        failed=1
        echo "not ok $n - $1"
        cut -c 1-200 out | sed 's/^/# /'
    fi
}
skip() { n=$((n + 1)); echo "ok $n - $1 # SKIP no $2"; }
have() { command -v "$1" > /dev/null; }

cat > text <<'END'
# all kinds of values, and a key of each kind of list
[Select]
Current = dword:1
[ControlSet001\Services\msiserver]
Start = dword:4
ImagePath = expand:%systemroot%\system32\msiexec.exe /V
DependOnService = multi:rpcss|http
DisplayName = sz:Windows Installer
Blob = hex:00 01 ff
@ = sz:unnamed
Size = qword:1
Big = fill:40000
END
for i in $(seq 1200); do printf '[Many\\key%d]\nn = dword:%d\n' "$i" "$i"; done >> text
"$mkhive" text SYSTEM > out 2>&1
check 'a hive is made' $?
"$mkhive" - SOFTWARE < text > out 2>&1 && cmp -l SYSTEM SOFTWARE > out 2>&1
[ -s SYSTEM ] && [ "$(stat -c %s SYSTEM)" -eq "$(stat -c %s SOFTWARE)" ] &&
    [ "$(wc -l < out)" -le 20 ]
check 'from standard input, the same but for its name' $?
"$mkhive" text SYSTEM > out 2>&1
[ $? -eq 1 ] && [ -s SYSTEM ]
check 'nothing is overwritten' $?
echo nonsense | "$mkhive" - x > out 2>&1
[ $? -eq 1 ] && grep -q 'line 1' out && [ ! -e x ]
check 'a wrong line is named' $?
"$mkhive" > out 2>&1
[ $? -eq 2 ]
check 'wrong usage' $?

key='ControlSet001\Services\msiserver'
if have hivexget; then
    hivexget SYSTEM "$key" > out 2>&1
    grep -q '^"Start"=dword:00000004$' out && grep -q '^"DisplayName"="Windows Installer"$' out &&
        grep -q '^"@"="unnamed"$' out && grep -q '^"Blob"=hex(3):00,01,ff$' out
    check 'hivexget reads its values' $?
    [ "$(hivexget SYSTEM 'Many\key777' n 2> out)" = 777 ]
    check 'hivexget finds one key of many' $?
else
    skip 'hivexget reads its values' hivexget
fi
if have hivexml; then
    hivexml SYSTEM > xml 2> out && [ "$(grep -o 'name="key[0-9]*"' xml | wc -l)" -eq 1200 ]
    check 'hivexml walks all keys' $?
else
    skip 'hivexml walks all keys' hivexml
fi
if have hivexregedit; then
    hivexregedit --export SYSTEM '\Select' > out 2>&1
    grep -q '^"Current"=dword:00000001$' out
    check 'hivexregedit exports it' $?
    printf 'Windows Registry Editor Version 5.00\n\n[\\%s]\n"Start"=dword:00000003\n' "$key" > reg
    cp SYSTEM changed
    hivexregedit --merge changed reg > out 2>&1 &&
        hivexget changed "$key" 2>> out | grep -q '^"Start"=dword:00000003$'
    check 'hivexregedit changes it' $?
else
    skip 'hivexregedit exports it' hivexregedit
fi
if have reged; then
    reged -x SYSTEM HKLM '\' x.reg < /dev/null > out 2>&1
    grep -q '^"Start"=dword:00000004' x.reg && grep -q '^"DisplayName"="Windows Installer"' x.reg &&
        [ "$(grep -c 'Many\\key' x.reg)" -eq 1200 ]
    check 'reged exports all of it' $?
else
    skip 'reged exports all of it' reged
fi
"$mkhive" --broken w > out 2>&1 && [ -s w/Windows/System32/config/SYSTEM ] &&
    [ ! -e w/Windows/System32/msvcr120.dll ]
check 'a broken Windows' $?
"$mkhive" --healthy h > out 2>&1 && [ -s h/Windows/System32/msvcr120.dll ]
check 'a healthy one' $?
echo "1..$n"
[ $failed -eq 0 ]
