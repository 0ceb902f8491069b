#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The Linux twin of the Windows scenario, in a real guest that QEMU runs: the library of a plug-in
# is missing in it, and its package manager was interrupted, so that the extension cannot bring
# the library either.  Its backup fails by its code, or is weaker; firn doctor repairs the guest
# through its agent, and the backup is application-consistent.  Then one command does all of it.
# usage: vm_cure.sh FIRN UNPACKED EXTENSION HOST MKPACKAGE NEEDY RUNTIME
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=lib.sh
. "$here/lib.sh"
# shellcheck source=../lib/linux_machine.sh
. "$here/../lib/linux_machine.sh"
unpacked=$2 extension=$3 host=$4 mkpackage=$5 needy=$6 runtime=$7
for tool in dash dpkg-deb apt-get tar; do
    have $tool || { echo "1..0 # SKIP $tool is not installed"; exit 0; }
done
. "$here/guest_lib.sh"
umask 022
g_memory=512
guest=qga:$g_agent source=qmp:$g_mon,qga=$g_agent
code=PluginSharedLibraryMissing

# ---- what lies in the guest ----
deb() { # NAME: build NAME_1.0_all.deb of the folder NAME
    printf 'Package: %s\nVersion: 1.0\nArchitecture: all\nMaintainer: x <x@x.example>\n%s\n' \
        "$1" 'Description: for tests' > "$1/DEBIAN/control"
    chmod -R u=rwX,go=rX "$1"
    dpkg-deb -b "$1" "$1_1.0_all.deb" > /dev/null || exit 1
}
mkdir -p firn-runtime/{DEBIAN,usr/lib} firn-other/DEBIAN new/bin extra/opt
cp "$runtime" firn-runtime/usr/lib/libfirn-test-runtime.so.1
# while it is configured, dpkg is killed once
printf '#!/bin/sh\n[ ! -e /etc/power-fails ] || { rm /etc/power-fails; kill -9 $PPID; }\n' \
    > firn-other/DEBIAN/postinst
chmod +x firn-other/DEBIAN/postinst
deb firn-runtime
deb firn-other
cp "$extension" "$host" new/bin/
cp "$needy" new/bin/needy.so
cp firn-runtime_1.0_all.deb new/
cat > parts.json << END
"prerequisites": [{"name": "runtime", "title": "the test runtime", "package": "firn-runtime",
  "probe": {"libraries": ["libfirn-test-runtime.so.1"]},
  "installer": {"file": "firn-runtime_1.0_all.deb", "kind": "dpkg", "deadlineSeconds": 120},
  "failure": "$code"}],
"plugins": [{"name": "needy", "file": "bin/needy.so", "requires": ["runtime"]}]
END
digest=$("$mkpackage" new Firn.VMSnapshot 1.0.10000.0 "linux-$(uname -m)" parts.json)
linux_tree "$t_dir/extra"
rm -r extra/bin extra/sbin extra/lib extra/lib64 extra/dev
cp -r new firn-other_1.0_all.deb extra/opt/
for program in dpkg dpkg-deb dpkg-query dpkg-split dpkg-trigger apt-get tar rm diff ldconfig \
    start-stop-daemon find grep sed cat cp mv ln ls stat readlink mktemp head chmod \
    sha256sum df sync env mkdir "$host"; do
    file=$(command -v "$program") || continue
    [ "$program" = "$host" ] || cp "$file" extra/usr/bin/
    echo "$file"
done > programs
mkdir extra/bin
cp /bin/dash extra/bin/sh # busybox's takes its own dpkg for the real one
cp -r /usr/lib/apt extra/usr/lib/
cp -r /usr/share/dpkg extra/usr/share/
find /usr/lib/apt -type f -perm -u+x >> programs
while read -r file; do ldd "$file" 2> /dev/null | grep -o '/[^ )]*'; done < programs | sort -u |
    while read -r file; do
        mkdir -p "extra$(dirname "$file")"
        cp -L "$file" "extra$file"
    done
# the extension is put in force, which installs the library; then somebody takes it away, and
# the power fails in the middle of another installation
cat > extra/setup << END
mkdir -p /dev/pts /var/lib/firn
mount -t devpts devpts /dev/pts
/opt/new/bin/firn-extension activate /opt/new --digest $digest
dpkg --purge firn-runtime
touch /etc/power-fails
dpkg -i /opt/firn-other_1.0_all.deb
ls /var/lib/dpkg/updates
[ -e /usr/lib/libfirn-test-runtime.so.1 ] || echo LOST
END
new_guest extra
g_disk vda qcow2 one.qcow2
g_disk vdb raw two.raw

# start_guest: it is up, and in that state; nothing of before is left in it but its disks
start_guest() {
    local by=$((SECONDS + 240))
    g_start "${g_disks[@]}" || return 1
    until grep -q '^LOST' console && grep -q '^DONE' console; do
        kill -0 "$g_pid" 2> /dev/null && [ $SECONDS -lt $by ] || return 1
        read -r -t 0.1 _ <> <(:) || true
    done
}
in_json() { # EXPRESSION VALUE NAME
    got=$(python3 -c 'import json, sys; d = json.load(open("out")); print(eval(sys.argv[1]))' \
        "$1" 2>&1)
    [ "$got" = "$2" ] && ok "$3" || not_ok "$3" "$1 is $got, not $2"
}
whole() { # NAME: the newest point restores to file systems without a fault
    rm -rf back
    mkdir back
    firn_is 0 "$1" restore --force web1 back
    for disk in vda vdb; do
        e2fsck -fn back/$disk.raw > fsck.txt 2>&1 && ok "$1: $disk is clean" ||
            not_ok "$1: $disk is clean" "$(cat fsck.txt)"
    done
}
# The processor of the guest is a program, and a plug-in has ten seconds.
quick_enough() {
    ! grep -q PluginTooSlow err out || { skip 'the rest' 'this machine is too slow now'; done_testing; }
}
new_vault v
start_guest || { not_ok 'the guest is up' "$(tail -n 20 console)"; done_testing; }
ok 'the guest is up, and lacks the library'
grep -v '^DONE' console | sed 's/^/# guest: /'

# ---- named, explained, repaired, proved ----
firn_is 3 'a backup that may be weaker' backup --json "$source"
in_json 'd["point"]["consistency"]' filesystem 'is'
in_json 'd["point"]["facts"]["QuiesceWeaker"]' $code 'and its point says why'
in_json '"QuiesceWeaker" in [w["code"] for w in d["warnings"]]' True 'as the screen does'
firn_is 1 'a backup that may not' backup --consistency application "$source"
code_is $code 'fails by the code'
says err "firn doctor $guest $code" 'with the line to type'
firn_is 1 'looked at' doctor "$guest" $code
says out '^found$' 'the cause is found'
"$firn" doctor "$guest" $code --apply --yes=install > out 2> err < /dev/null
got=$?
quick_enough
[ $got -eq 0 ] && ok 'with consent' || not_ok 'with consent' "status $got"
says out '^repaired$' 'the guest is repaired'
says out 'the backup works again: recovery point' 'which the same backup proves'
firn_is 0 'the points' points web1 --json
in_json 'd["points"][-1]["consistency"]' application 'the last one is application-consistent'
whole 'it is restored'
record $code verified repaired proved

# ---- one command ----
g_end
start_guest || { not_ok 'the guest is up again' "$(tail -n 20 console)"; done_testing; }
"$firn" backup --reread --cure=install --json "$source" > out 2> err < /dev/null
got=$?
quick_enough
[ $got -eq 0 ] && ok 'a backup that repairs its guest' ||
    not_ok 'a backup that repairs its guest' "status $got"
in_json 'd["cure"]["outcome"], d["cure"]["cause"]' "('repaired', '$code')" 'has repaired it'
in_json 'd["point"]["consistency"]' application 'its point is application-consistent'
in_json "d['point']['facts']['cured.$code'] == d['cure']['journal']" True 'and tells of it'
whole 'that is restored'
done_testing
