#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# firn puts the extension into a Linux guest, looks after it and takes it out, by the real
# qemu-ga of a small machine (tests/lib/linux_machine.sh), which has nothing of firn before.
# usage: extension_push.sh FIRN EXTENSION HOST MKPACKAGE NEEDY RUNTIME
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=lib.sh
. "$here/lib.sh"
# shellcheck source=../lib/linux_machine.sh
. "$here/../lib/linux_machine.sh"
extension=$2 host=$3 mkpackage=$4 needy=$5 runtime=$6
linux_test
root=$t_dir/root lib=$t_dir/root/var/lib/firn
pack=Firn.VMSnapshot system=linux-$(uname -m)
versions=$lib/plugins/$pack

# package FOLDER VERSION [needy]: another package of the extension
package() {
    rm -rf "$1" && mkdir -p "$1/bin"
    strip -o "$1/bin/firn-extension" "$extension"
    cp "$host" "$1/bin/"
    parts=()
    if [ "${3:-}" = needy ]; then
        cp "$needy" "$1/bin/needy.so"
        cat > parts.json << 'END'
"prerequisites": [{"name": "runtime", "title": "the test runtime", "package": "firn-runtime",
  "probe": {"libraries": ["libfirn-test-runtime.so.1"]},
  "failure": "PluginSharedLibraryMissing"}],
"plugins": [{"name": "needy", "file": "bin/needy.so", "requires": ["runtime"]}]
END
        parts=(parts.json)
    fi
    "$mkpackage" "$1" $pack "$2" "$system" "${parts[@]}" > /dev/null
}
install() { # STATUS NAME ARGUMENT...
    want=$1 what=$2
    shift 2
    firn_is "$want" "$what" extension install "$guest" "$@"
}
status() { firn_is "$1" "$2" extension status "$guest"; }
remove() { firn_is "$1" "$2" extension remove "$guest"; }
in_force() { # VERSION NAME
    status 0 "$2"
    says out "^  $1 *Enabled, in force" "version $1 is in force"
}
is_gone() { # PATH NAME
    if [ ! -e "$1" ]; then ok "$2"; else not_ok "$2" "$(find "$1" | head -n 20)"; fi
}
tree() { (cd "$root" && find . -path ./proc -prune -o -path ./run -prune -o -printf '%M %u %p %l\n' | sort); }

linux_tree "$root"
mkdir -p "$root/etc/firn"
echo 'IsOther = True' > "$root/etc/firn/persistent.conf"
linux_forbids=guest-exec,guest-file-write
linux_start "$root" || { not_ok 'a machine starts' "$(cat machine.log)"; done_testing; }
guest=qga:$linux_socket
tree > bare

# ---- an agent that may not ----
install 1 'an agent that forbids what it takes'
code_is ExtensionPushForbidden 'is told by its code'
says err 'guest-exec, guest-file-write' 'with all that is forbidden'
tree > after
same bare after 'and nothing was touched'
linux_stop
linux_forbids=
linux_start "$root" || { not_ok 'a machine starts' "$(cat machine.log)"; done_testing; }
guest=qga:$linux_socket

# ---- nothing there ----
status 1 'a fresh guest has no extension'
code_is ExtensionMissing 'which is told'
remove 0 'and nothing is to be removed'
says out 'nothing was to be removed' 'which is told too'
install 1 'a folder without packages' --package "$t_dir"
code_is ExtensionPackageMissing 'is told'
package new 1.0.1
sed -i "s/\"$system\"/\"linux-other\"/" new/firn-package.json
install 1 'a package for another system' --package new
code_is PackageForeign 'is not sent'
package new 1.0.1
echo more >> new/bin/firn-plugin-host
install 1 'a package that is not as its manifest says' --package new
code_is PackageFileChanged 'is not sent'

# ---- what firn brings along ----
install 0 'the package that firn brings along'
says out "is in force in $guest" 'is in force'
says out 'last .*Enable: success, ready' 'its status says so'
is_gone "$lib/incoming" 'what was sent is gone'
[ -z "$(find "$lib" \( -perm /022 -o ! -user root \) ! -type l)" ] && ok 'only root may write there' ||
    not_ok 'only root may write there' "$(find "$lib" -perm /022 -ls)"
shipped=$(ls "$versions" | grep '^[0-9]')
in_force "$shipped" 'its state is shown'
firn_is 0 'as a document' extension status "$guest" --json
python3 - << 'END' && ok 'with all that there is' || not_ok 'with all that there is'
import json
p = json.load(open("out"))["extension"]["packages"][0]
v = p["versions"][0]
assert p["name"] == "Firn.VMSnapshot" and p["active"] == v["version"], p
assert v["state"] == "Enabled" and v["active"] and len(v["digest"]) == 64, v
assert v["last"]["status"] == "success" and v["heartbeat"]["status"] == "ready", v
assert p["look"]["result"] == "ready", p
END
tree > once
install 0 'again'
says out 'already, and is whole' 'there is nothing to do'
tree > after
same once after 'and nothing is different'
new_vault v
disk disk.raw 100
firn_is 0 'a backup asks it' backup disk.raw --guest "$guest"

# ---- another version ----
package new 1.0.1
install 0 'a newer version' --package new
says out "before it .*/$shipped, which is kept" 'keeps the one before it'
in_force 1.0.1 'it is in force'
package new 1.0.2 needy
install 1 'a version that cannot work' --package new
code_is ActivationRolledBack 'is taken back'
says err '(PluginSharedLibraryMissing,' 'for what is missing'
says err "libfirn-test-runtime.so.1" 'by its name'
in_force 1.0.1 'the version before it stays'
says out '^  1.0.2 *FailedUpgrade' 'the other is marked'
is_gone "$lib/incoming" 'what was sent is gone'
firn_is 0 'backups go on' backup disk.raw --guest "$guest"
cp "$runtime" "$root/usr/lib/libfirn-test-runtime.so.1"
install 0 'when it is there the same version works' --package new
in_force 1.0.2 'and is in force'
says out 'needs the test runtime: present' 'with what it needs'
rm "$root/usr/lib/libfirn-test-runtime.so.1"
status 1 'when it is lost'
code_is PluginSharedLibraryMissing 'the status says so'
says err "firn doctor $guest PluginSharedLibraryMissing" 'with the line to type'
cp "$runtime" "$root/usr/lib/libfirn-test-runtime.so.1"
package old 1.0.1
install 1 'an older version' --package old
code_is PackageOlder 'is refused'
package other 1.0.2
install 1 'another package of the same version' --package other
code_is ExtensionVersionTaken 'is refused'
in_force 1.0.2 'nothing has changed'
echo x >> "$versions/1.0.2/bin/needy.so"
status 1 'a file that was changed'
code_is PackageFileChanged 'is told'
install 0 'is put into place anew' --package new
says out 'it was damaged there' 'which is told'
in_force 1.0.2 'it is in force'

# ---- killed ----
package new 1.0.3
head -c 24000000 /dev/urandom > new/bin/big
"$mkpackage" new $pack 1.0.3 "$system" > /dev/null
big() { stat -c %s "$lib"/incoming/*/bin/big 2> /dev/null || echo 0; }
"$firn" extension install "$guest" --package new > out 2> err &
pid=$!
until [ "$(big)" -gt 2000000 ] || [ ! -d /proc/$pid ]; do read -r -t 0.01 _ <> <(:) || :; done
kill -9 $pid
wait $pid 2> /dev/null
partly=$(big)
[ "$partly" -gt 0 ] && [ "$partly" -lt 24000000 ] && ok "killed when $partly bytes were there" ||
    not_ok "killed in the middle" "$partly"
[ "$(stat -c '%a %u' "$lib/incoming")" = '700 0' ] && ok 'where nobody else gets in' ||
    not_ok 'where nobody else gets in' "$(stat -c '%a %u' "$lib/incoming")"
# An agent whose client vanishes in the middle of an answer may end with it, a little later than
# that; whoever looks after it in a real machine starts it again.
if ! "$firn" extension status "$guest" > out 2> err && grep -q AgentUnreachable err; then
    linux_stop
    linux_start "$root" || not_ok 'the agent is there again' "$(cat machine.log)"
fi
in_force 1.0.2 'the version before is in force'
printf damaged | dd of="$(echo "$lib"/incoming/*/bin/firn-extension)" bs=1 seek=5000 conv=notrunc 2> /dev/null
install 0 'the next run goes on, and believes nothing' --package new
in_force 1.0.3 'the new version is in force'
same new/bin/big "$versions/1.0.3/bin/big" 'whole'

# ---- places that will not do ----
linux_in mount -t tmpfs -o size=6m none /var/lib/firn
install 1 'no room'
code_is GuestSpaceShort 'is told by its code'
linux_in mount -o remount,size=64m,noexec /var/lib/firn
install 1 'a place from which nothing may be run'
code_is GuestFolderNoexec 'is told'
linux_in mount -o remount,ro /var/lib/firn
install 1 'a place that is read-only'
code_is GuestFolderReadOnly 'is told'
linux_in umount /var/lib/firn
mv "$lib" "$lib.aside"
echo 'no folder' > "$lib"
install 1 'something else in its place'
code_is GuestFolderFailed 'is told'
rm "$lib"
mv "$lib.aside" "$lib"

# ---- gone ----
mkdir -p "$lib/plugins/Acme.Other/1.0"
remove 0 'it is removed'
is_gone "$versions" 'all versions'
[ -d "$lib/plugins/Acme.Other" ] && ok 'what is not ours stays' || not_ok 'what is not ours stays'
rm -r "$lib/plugins/Acme.Other"
install 0 'and installed'
remove 0 'and removed'
rm "$root/usr/lib/libfirn-test-runtime.so.1"
tree > after
same bare after 'nothing is left'
remove 0 'once more'
for code in ExtensionPushForbidden GuestSpaceShort GuestFolderNoexec GuestFolderReadOnly; do
    record $code verified
done
done_testing
