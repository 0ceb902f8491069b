#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# firn doctor on a Windows disk that is not running: the cause is found, what can be repaired
# there is repaired and kept, the rest is said, and all of it can be taken back.
mkhive=$2 articles=$3
. "$(dirname "$0")/lib.sh"
code=ExtensionVCRedistInstallationFailure
config=pc/Windows/System32/config
unset XDG_STATE_HOME

"$mkhive" --broken pc > out 2> err || { not_ok 'a broken Windows is made'; done_testing; }
hives() { (cd "$1" && find . -type f -exec sha256sum {} + | LC_ALL=C sort -k 2); }
# values HIVE OUT: all of it as text, by a program that is not firn
values() { hivexregedit --export "$1" '\' > "$2" 2> hivex.txt; }
is_whole() { # NAME: nothing in the tree differs from what was made
    hives pc > now
    if cmp hives.0 now > cmp.txt 2>&1; then ok "$1"; else
        not_ok "$1" "$(diff hives.0 now)"
    fi
}
last_word() { # WORD NAME
    if [ "$(tail -n 1 out)" = "$1" ]; then ok "$2"; else not_ok "$2" "$(tail -n 1 out)"; fi
}
json_has() { # NAME PYTHON: conditions on the document d
    if ! have python3; then skip "$1" 'no python3'; return; fi
    if python3 -c "import json
d = json.load(open('out'))
assert d['schema'] == 1
$2" > py.txt 2>&1; then ok "$1"; else not_ok "$1" "$(tail -1 py.txt)"; fi
}
hives pc > hives.0
! have hivexregedit || values $config/SYSTEM system.0

# ---- found, and nothing touched ----
firn_is 1 'the cause is found' doctor disk:pc $code
code_is CauseFound 'by its code'
last_word found 'the text ends with the outcome'
says out "^cause: $code in disk:$t_dir/pc$" 'it names the cause'
says out 'msvcr120.dll does not load (126)' 'and what proved it'
says out 'not possible here: it is not running' 'and what cannot be done there'
says out 'start type 4 (disabled) -> start type 3' 'the plan says what would change'
firn_is 1 'without a code' doctor disk:pc
says out "^cause: $code in disk:$t_dir/pc$" 'all articles are tried, and the same one is it'
last_word found 'with the same outcome'
firn_is 1 'as a document' doctor --json disk:pc $code
json_has 'with outcome, cause and plan' "assert d['outcome'] == 'found', d['outcome']
assert d['cause'] == '$code' and d['observed'] and d['journal'] is None
assert d['error']['code'] == 'CauseFound', d['error']
by = {s['kind']: s for s in d['plan']}
s = by['windows.service.start_type']
assert s['params'] == {'service': 'msiserver', 'want': '3'} and s['risk'] == 'service', s
assert s['probe'] == 'start type 4 (disabled)' and s['result'] is None, s
assert all(s['undo'] for s in d['plan'] if s['runs'] and s['risk'] != 'read')"
firn_is 1 'no consent' doctor --apply disk:pc $code
code_is RepairBlocked 'and it is blocked'
last_word blocked 'and says so'
says out 'for a person: allow step 3 (--yes=service)' 'and names the consent'
is_whole 'after all of this not a byte differs'

# ---- repaired as far as a disk can be ----
firn_is 1 'the repair' doctor --apply --yes=service disk:pc $code
code_is RepairBlocked 'is not at its end'
last_word blocked 'and is blocked'
says out 'for a person: start the machine' 'a person must start the machine'
says out 'offers no way to run programs' 'nothing was installed'
says out '^journal [0-9a-f]\{16\}; ' 'a journal has it'
if grep -q 'undone$' out; then not_ok 'the repair stays'; else ok 'the repair stays'; fi
id=$(sed -n 's/^journal \([0-9a-f]*\);.*/\1/p' out)
if have hivexregedit; then
    values $config/SYSTEM system.1
    # one line, of one key
    if [ "$(diff system.0 system.1 | grep '^[<>]' | tr -d '\r')" = '< "Start"=dword:00000004
> "Start"=dword:00000003' ]; then
        ok 'one value differs, as another program reads it'
    else
        not_ok 'one value differs' "$(diff system.0 system.1)"
    fi
    key='ControlSet001\Services\msiserver'
    [ "$(hivexget $config/SYSTEM "$key" Start 2> err)" = 3 ]
    if [ $? -eq 0 ]; then ok 'it is the start type'; else not_ok 'it is the start type'; fi
else
    skip 'one value differs, as another program reads it' 'no hivexregedit'
    skip 'it is the start type' 'no hivexregedit'
fi
hives pc > hives.1
firn_is 1 'once more' doctor --json --apply --yes=service,config disk:pc $code
json_has 'changes nothing' "assert d['outcome'] == 'blocked' and d['journal'] is None
assert not d['undone'] and 'start the machine' in d['blocked'], d['blocked']"
firn_is 1 "in the article's order too" doctor --apply --yes=service,override \
    --order article disk:pc $code
says out 'only the running machine shows whether' 'and no check is switched off'
hives pc > now
same hives.1 now 'and not a byte differs'

# ---- taken back ----
# the machine is known by where it is, not by the words that led there
mkdir -p other
cp -a pc other/pc
hives other/pc > other.0
cd other || exit 1
firn_is 1 'the same words elsewhere mean another machine' doctor disk:pc --undo "$id"
code_is InputInvalid 'whose run it is not'
cd ..
hives other/pc > other.1
same other.0 other.1 'and which is left alone'
firn_is 0 'the run can be taken back' doctor disk:./pc/ --undo "$id"
says out '^windows.service.start_type .*: undone$' 'and says what'
if have hivexregedit; then
    values $config/SYSTEM system.2
    same system.0 system.2 'all values are as they were'
else
    skip 'all values are as they were' 'no hivexregedit'
fi
firn_is 1 'and the first look' doctor disk:pc $code
says out 'start type 4 (disabled) -> start type 3' 'sees it again'
firn_is 1 'another run has no journal' doctor disk:pc --undo 0123456789abcdef
code_is JournalMissing 'and says so'

# ---- the article as others wrote it ----
set -- "$articles"/*.txt
if [ -e "$1" ]; then
    firn_is 1 'an article of others' doctor disk:pc --article "$1"
    says out "^cause: $code in disk:$t_dir/pc$" 'finds the same'
    last_word found 'with the same outcome'
    hives pc > before
    firn_is 1 'its repair' doctor disk:pc --article "$1" --apply --yes=service
    says out 'for a person: start the machine' 'ends with the same'
    id=$(sed -n 's/^journal \([0-9a-f]*\);.*/\1/p' out)
    firn_is 0 'and can be taken back' doctor disk:pc --undo "$id"
    firn_is 1 'and then' doctor disk:pc $code
    says out 'start type 4 (disabled) -> start type 3' 'all is as before'
else
    skip 'an article of others' 'it is not here'
fi

# ---- an article that firn has none of ----
cat > own.md << 'END'
# SomethingOfOthers

1. Go to C:\Packages\Plugins\Microsoft.Azure.RecoveryServices.VMSnapshot\<LatestVersion> folder
   and run **vcredist2013_x64** file.
2. If the installation fails, run `sc config msiserver start= demand`.
END
firn_is 1 'an article that firn has none of' doctor disk:pc --article own.md --apply --yes=service
says out 'run firn doctor qga:SOCKET --article=own.md --apply' 'is what to go on with'
id=$(sed -n 's/^journal \([0-9a-f]*\);.*/\1/p' out)
[ -z "$id" ] || firn_is 0 'it can be taken back' doctor disk:pc --undo "$id"

# ---- a disk that cannot be written ----
exec 6< $config/SYSTEM
flock 6
hives pc > before
firn_is 1 'a disk that cannot be written' doctor disk:pc $code --apply --yes=service
says out '^for a person: step 3 failed: .*SYSTEM.*put that right' 'is what a person is told of first'
hives pc > now
same before now 'and nothing is changed'
exec 6<&-

# ---- disks that must not be changed ----
printf '\377' | dd of=$config/SYSTEM bs=1 seek=4 conv=notrunc 2> dd.txt
hives pc > before
firn_is 1 'a hive that was not written to its end' doctor --apply --yes=service disk:pc $code
code_is HiveDirty 'is refused'
hives pc > now
same before now 'and left alone'
mkdir empty
firn_is 1 'a folder without Windows' doctor disk:empty $code
code_is WindowsMissing 'has its own code'
firn_is 1 'a folder that is not there' doctor disk:nothing $code
code_is FileUnreadable 'too'
done_testing
