#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A backup that fails for two reasons, one behind the other: firn doctor repairs the first, tries
# the backup again, names the second and repairs that too, in one run.  The guest is this machine
# in a mount namespace of its own, with a data base of packages that belongs to the test; agent,
# apt, dpkg and loader are real.  The extension is a stand-in that looks at two files.
# usage: doctor_chain.sh FIRN HOST
here=$(cd "$(dirname "$0")" && pwd)
if [ "${FIRN_TEST_APART:-}" != 1 ]; then
    if [ "$(id -u)" -ne 0 ] || ! command -v qemu-ga > /dev/null ||
        ! command -v apt-get > /dev/null || ! command -v dpkg-deb > /dev/null ||
        ! command -v cc > /dev/null ||
        ! mkdir -p /var/lib/firn 2> /dev/null || ! unshare -m true 2> /dev/null; then
        echo '1..0 # SKIP needs root, mount namespaces, a C compiler, apt and qemu-ga'
        exit 0
    fi
    FIRN_TEST_APART=1 exec unshare -m "$0" "$@"
fi
# shellcheck source=lib.sh
. "$here/lib.sh"
umask 022
mkdir -p lib dpkg/updates dpkg/info "a folder of mine's"
: > dpkg/status
: > dpkg/available
for d in /var/lib/firn /var/lib/apt /var/cache/apt /var/log; do
    mount -t tmpfs tmpfs $d || { echo "1..0 # SKIP $d cannot be another one here"; exit 0; }
done
mkdir -p /var/lib/apt/lists/partial /var/cache/apt/archives/partial /var/log/apt
mount --bind dpkg /var/lib/dpkg || exit 1
export LD_LIBRARY_PATH=$t_dir/lib
unset XDG_STATE_HOME

# the guest: an agent whose socket has a name that needs quotes
sock="$t_dir/a folder of mine's/ga"
guest="qga:$sock"
qemu-ga -m unix-listen -p "$sock" -t "$t_dir" -l ga.log \
    -b guest-fsfreeze-freeze,guest-fsfreeze-freeze-list,guest-shutdown &
agent=$!
trap 'kill $agent; wait $agent 2> /dev/null; t_end' EXIT
until grep -qF "$sock" /proc/net/unix; do [ -d /proc/$agent ] || exit 1; done

# its extension, and the package that lies beside it
v=/var/lib/firn/plugins/Firn.VMSnapshot/1.0.0.0
conf=$t_dir/scripts.json
mkdir -p $v/bin $v/config
printf Enabled > $v/config/HandlerState
cat > $v/bin/firn-extension << END
#!/bin/sh
if [ ! -e $t_dir/lib/libfirnchain.so.1 ]; then
    echo '{"result": "failed", "code": "PluginSharedLibraryMissing", "message": "",
        "facts": {"runtime": "the chain", "library": "libfirnchain.so.1",
        "installer": "bin/firnchain_1.0_all.deb"}}'
elif [ "\$(head -c 2 $conf | od -A n -t x1 | tr -d ' ')" = fffe ]; then
    echo '{"result": "failed", "code": "FreezeConfigEncoding", "message": "",
        "facts": {"path": "$conf"}}'
elif [ -e $t_dir/odd ]; then
    echo '{"result": "failed", "code": "Odd", "message": "it is odd", "facts": {}}'
else
    echo '{"result": "ready"}'
fi
END
chmod 755 $v/bin/firn-extension
cp "$2" $v/bin/firn-plugin-host
mkdir -p "deb/DEBIAN" "deb$t_dir/lib"
echo 'int chain(void){return 1;}' | cc -shared -fPIC -nostdlib -Wl,-soname,libfirnchain.so.1 \
    -x c - -o "deb$t_dir/lib/libfirnchain.so.1" || exit 1
printf 'Package: firnchain\nVersion: 1.0\nArchitecture: all\nMaintainer: x <x@x.example>\n%s\n' \
    'Description: a library for tests' > deb/DEBIAN/control
dpkg-deb -b deb $v/bin/firnchain_1.0_all.deb > /dev/null || exit 1
break_it() {
    rm -f lib/libfirnchain.so.1 odd
    : > dpkg/status
    printf '\377\376{\0}\0' > "$conf"
}
in_json() { # EXPRESSION VALUE NAME
    got=$(python3 -c 'import json, sys; d = json.load(open("out")); print(eval(sys.argv[1]))' \
        "$1" 2>&1)
    [ "$got" = "$2" ] && ok "$3" || not_ok "$3" "$1 is $got, not $2"
}

new_vault v
disk d.raw 100
break_it
firn_is 1 'the backup fails' backup d.raw --guest "$guest"
code_is PluginSharedLibraryMissing 'for the first reason'

# the printed line is read by a shell as it is meant
line=$(grep '^ *firn doctor ' err)
sh -c 'firn() { for w; do printf "%s\n" "$w"; done; }'"
$line" > words
printf '%s\n' doctor "$guest" PluginSharedLibraryMissing > wanted
same wanted words 'the line to type names the machine, whatever its path'

# a plan goes on to nothing
firn_is 1 'a plan' doctor "$guest" PluginSharedLibraryMissing --json
in_json 'd["outcome"], d["earlier"]' "('found', [])" 'is about the first reason alone'

# consent for the first only: it is repaired and stays, the second is named and waits
firn_is 1 'with consent to install' doctor "$guest" PluginSharedLibraryMissing --apply \
    --yes=install
code_is RepairBlocked 'more is to be allowed'
says err 'for another reason now' 'the second reason is told'
says out '^cause: FreezeConfigEncoding' 'and is the cause now'
says out '^PluginSharedLibraryMissing: repaired' 'the first one is repaired'
says err 'yes=config' 'what the second needs is said'
[ -e lib/libfirnchain.so.1 ] && ok 'what helped stays' || not_ok 'what helped stays'
line=$(sed -n 's/^journal [0-9a-f]*; \(.*\) takes it back$/\1/p' out)
FIRN=$firn sh -c 'firn() { "$FIRN" "$@"; }'"
$line" > undone 2>&1 < /dev/null
[ ! -e lib/libfirnchain.so.1 ] && ok 'the printed line takes the repair back' ||
    not_ok 'the printed line takes the repair back' "$line" "$(cat undone)"

# consent for both
break_it
firn_is 1 'the backup fails again' backup d.raw --guest "$guest"
firn_is 0 'both are repaired in one run' doctor "$guest" PluginSharedLibraryMissing --apply \
    --yes=install,config --json
in_json 'd["outcome"], d["cause"]' "('repaired', 'FreezeConfigEncoding')" 'repaired'
in_json '[e["cause"] for e in d["earlier"]]' "['PluginSharedLibraryMissing']" 'one before'
in_json 'd["earlier"][0]["undone"]' False 'which stays'
in_json 'd["retry"]["error"]' None 'and the backup was made'
firn_is 0 'the same backup' backup d.raw --guest "$guest"
record FreezeConfigEncoding verified repaired proved

# a third reason that nobody has an article for
break_it
firn_is 1 'the backup fails once more' backup d.raw --guest "$guest"
touch odd
firn_is 1 'and for a reason that cannot be treated' doctor "$guest" PluginSharedLibraryMissing \
    --apply --yes=install,config --json
in_json 'd["outcome"], d["cause"], len(d["earlier"])' "('escalated', 'FreezeConfigEncoding', 1)" \
    'is handed on'
in_json '"ExtensionNotReady" in d["note"]' True 'with the reason'

# ---- one command: the backup repairs what it fails of, and goes on ----
break_it
firn_is 2 'a cure of nobody' backup d.raw --cure=install
firn_is 2 'a kind of change that is none' backup d.raw --guest "$guest" --cure=instal
firn_is 1 'a backup that may change settings only' backup d.raw --guest "$guest" --cure=config
code_is PluginSharedLibraryMissing 'fails as without a cure'
says err 'allow .*--cure=install' 'and says what would allow one'
says err '^blocked$' 'says what stands in the way'
says err 'RepairBlocked' 'by a code beside its own'
[ ! -e lib/libfirnchain.so.1 ] && ok 'nothing was installed' || not_ok 'nothing was installed'
firn_is 0 'a backup that may do both' backup --machine chain d.raw --guest "$guest" \
    --cure=install,config --json
in_json 'd["cure"]["outcome"], d["cure"]["retry"]["error"]' "('repaired', None)" 'repairs'
in_json '[w["code"] for w in d["warnings"]]' "['BackupCured', 'BackupCured']" 'says so'
in_json 'sorted(k for k in d["point"]["facts"] if k.startswith("cured."))' \
    "['cured.FreezeConfigEncoding', 'cured.PluginSharedLibraryMissing']" 'and its point keeps it'
in_json 'd["point"]["facts"]["cured.FreezeConfigEncoding"] == d["cure"]["journal"]' True \
    'with the journal'
id=$(python3 -c 'import json
print(json.load(open("out"))["point"]["facts"]["cured.PluginSharedLibraryMissing"])')
firn_is 0 'the point is restored' restore chain back.raw
same d.raw back.raw 'bit for bit'
firn_is 0 'the next backup has nothing to cure' backup --machine chain d.raw --guest "$guest" \
    --cure=install,config --json
in_json '"cure" in d, d["warnings"]' '(False, [])' 'and says nothing of it'
firn_is 0 'the repair is taken back by the id that the point keeps' doctor "$guest" --undo "$id"
[ ! -e lib/libfirnchain.so.1 ] && ok 'it is' || not_ok 'it is'
break_it
touch odd
firn_is 1 'a reason that has no cure' backup d.raw --guest "$guest" --cure=install,config
code_is ExtensionNotReady 'is the failure, after what could be cured'
says err 'RepairEscalated' 'with what the cure came to'
done_testing
