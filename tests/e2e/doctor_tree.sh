#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# firn doctor on a Linux tree that is not running: dpkg, systemctl and the loader are real.
# A library is missing and its package lies there; dpkg was interrupted; a unit is masked; a
# run is killed in the middle; nothing helps.
. "$(dirname "$0")/lib.sh"
export XDG_STATE_HOME=$t_dir/state
for program in dpkg-deb dpkg systemctl cc; do
    have $program || { skip "doctor on a tree" "$program is not here"; done_testing; }
done
root=$t_dir/root

# tree: an empty Debian system
tree() {
    rm -rf "$root" "$XDG_STATE_HOME"
    mkdir -p "$root"/var/lib/dpkg/updates "$root"/var/lib/dpkg/info "$root"/opt "$root"/etc \
        "$root"/usr/lib/systemd/system "$root"/etc/systemd/system "$root"/tmp
    chmod 755 "$root"
    : > "$root"/var/lib/dpkg/status
    : > "$root"/var/lib/dpkg/available
    printf '[Unit]\nDescription=x\n[Service]\nExecStart=/bin/true\n[Install]\n%s\n' \
        'WantedBy=multi-user.target' > "$root"/usr/lib/systemd/system/agent.service
    printf '[a]\nlevel=1\n' > "$root"/etc/app.conf
    cp firnx_1.0_all.deb "$root"/opt/
}
mkdir -p deb/DEBIAN deb/usr/lib/firnx
echo 'int firnx(void){return 1;}' |
    cc -shared -fPIC -nostdlib -Wl,-soname,libfirnx.so.1 -x c - -o lib.so || exit 1
mkdir -p "deb/usr/lib/$(cc -dumpmachine)"
cp lib.so "deb/usr/lib/$(cc -dumpmachine)/libfirnx.so.1"
printf 'Package: firnx\nVersion: 1.0\nArchitecture: all\nMaintainer: x <x@x.example>\n%s\n' \
    'Description: a library for tests' > deb/DEBIAN/control
chmod -R u=rwX,go=rX deb
dpkg-deb -b deb firnx_1.0_all.deb > /dev/null || exit 1

# article NAME PROBE ACTION...: write NAME.md with these fences
article() {
    file=$1.md
    printf '<properties\n pageTitle="%s"\n/>\n# %s\n\n## **Probe**\n\n* Is it so?\n\n' "$1" "$1" \
        > "$file"
    printf '  ```probe\n  %s\n  ```\n\n## **Recommended Steps**\n\n' "$2" >> "$file"
    shift 2
    for action; do
        case $action in
        '['*) when=${action%%]*} when=${when#[} action=${action#*] } ;;
        *) when= ;;
        esac
        printf '* Do it.\n\n  ```action %s\n  %s\n  ```\n\n' "$when" "$action" >> "$file"
    done
}
state() { (cd "$root" && find . -type f ! -path './var/lib/dpkg/*' -exec cksum {} + | sort &&
    find . -type l -exec ls -l {} + | awk '{ print $9, $10, $11 }' | sort); }
journal() { ls -t "$XDG_STATE_HOME"/firn/journal | grep 'jsonl$' | head -n 1 | sed 's/\.jsonl$//'; }

article PluginSharedLibraryMissing 'linux.library.loads name=libfirnx.so.1' \
    'linux.package.install_file path=/opt/firnx_1.0_all.deb' \
    '[failed:1] linux.package.configure'
doctor() { # STATUS NAME ARGUMENT...
    status=$1 what=$2
    shift 2
    firn_is "$status" "$what" doctor "root:$root" "$@"
}

# ---- the missing library ----
tree
state > before
doctor 1 'the plan is shown' --article PluginSharedLibraryMissing.md
code_is CauseFound 'the cause is found'
says out '^found$' 'the last word is found'
says out 'libfirnx.so.1 does not load' 'what the probe saw is told'
state > after
same before after 'nothing is changed by a plan'
doctor 1 'no consent' --article PluginSharedLibraryMissing.md --apply
code_is RepairBlocked 'a person is needed'
says err 'yes=install' 'it says which consent is missing'
state > after
same before after 'nothing is changed without consent'
doctor 0 'it is repaired' --article PluginSharedLibraryMissing.md --apply --yes=install
says out '^repaired$' 'it says so'
record PluginSharedLibraryMissing verified repaired
doctor 0 'now it is healthy' --article PluginSharedLibraryMissing.md
says out '^healthy$' 'it says so'
id=$(journal)
doctor 0 'the repair is taken back' --undo "$id"
state > after
same before after 'all is as before'
record PluginSharedLibraryMissing undone
doctor 1 'an unknown run' --undo 0123456789abcdef
code_is JournalMissing 'it is missing'
doctor 2 'an unknown risk' --yes=everything
firn_is 2 'an unknown machine' doctor moon:nowhere
tree
doctor 0 'a tree in which nothing is wrong'
says out 'not looked at: PostgresqlLibraryMissing, since only a failure tells' \
    'nobody said that it needs the library'
doctor 1 'the same, after a failure that does' PostgresqlLibraryMissing
code_is CauseFound 'is looked at'
firn_is 1 'a tree that is not there' doctor root:nowhere
code_is FileUnreadable 'it cannot be read'
firn_is 2 'code before machine' doctor Nonsense "root:$root"

# ---- dpkg was interrupted ----
tree
dpkg --root="$root" --unpack "$root"/opt/firnx_1.0_all.deb > /dev/null 2>&1
article Interrupted 'linux.package.ready' 'linux.package.configure'
doctor 1 'an interrupted installation is found' --article Interrupted.md
doctor 0 'it is finished' --article Interrupted.md --apply --yes=install
says out '^repaired$' 'it says so'

# ---- a masked unit ----
tree
ln -s /dev/null "$root"/etc/systemd/system/agent.service
state > before
article UnitMasked 'linux.unit.is unit=agent.service state=unmasked' \
    'linux.unit.enabled unit=agent.service want=unmasked'
doctor 0 'a masked unit is unmasked' --article UnitMasked.md --apply --yes=service
says out '^repaired$' 'it says so'
doctor 0 'and masked again by undo' --undo "$(journal)"
state > after
same before after 'the link is there again'

# ---- nothing helps ----
tree
state > before
article NeverThere 'linux.library.loads name=libnowhere.so.9' \
    'config.set file=/etc/app.conf format=ini section=a key=level value=5' \
    'linux.package.install_file path=/opt/firnx_1.0_all.deb'
doctor 1 'nothing helps' --article NeverThere.md --apply --yes=config,install
code_is RepairEscalated 'it is handed on'
says out 'what was changed is undone' 'and undone'
state > after
same before after 'all is as before'
says "$XDG_STATE_HOME/firn/journal/$(journal).json" '"outcome": "escalated"' 'the bundle tells'

# ---- killed in the middle ----
tree
state > before
article Waits 'linux.library.loads name=libnowhere.so.9' \
    'config.set file=/etc/app.conf format=ini section=a key=level value=5' \
    'machine.wait seconds=600'
"$firn" doctor "root:$root" --article Waits.md --apply --yes=config > /dev/null 2>&1 &
pid=$!
tries=0
until grep -qs '"result":0' "$XDG_STATE_HOME"/firn/journal/*.jsonl || [ $tries -gt 600 ]; do
    tries=$((tries + 1))
    sleep 0.05
done
says "$root/etc/app.conf" 'level=5' 'the change was made'
doctor 1 'a second one at the same time' --undo "$(journal)"
code_is JournalBusy 'stops'
kill -9 $pid
wait $pid 2> /dev/null
doctor 1 'the next plan tells of it' --article Waits.md
says out 'an earlier run has no end' 'and how to go on'
article Waits 'linux.library.loads name=libnowhere.so.9' \
    'linux.package.install_file path=/opt/nothing_1_all.deb'
doctor 1 'the next run takes it up' --article Waits.md --apply
says out 'which was broken off, is undone' 'it says so'
state > after
same before after 'what was half done is undone'

# ---- as JSON ----
tree
doctor 1 'json' --article PluginSharedLibraryMissing.md --json
says out '"outcome": "found"' 'has the outcome'
says out '"kind": "linux.package.install_file"' 'and the plan'
done_testing
