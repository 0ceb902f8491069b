#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A Linux guest whose extension lacks a library, end to end: a small machine of its own
# (tests/lib/linux_machine.sh) with the real qemu-ga, dpkg, apt-get and systemctl; our package,
# activated in it, brings the library as a Debian package.  The backup asks first; what fails
# there is named, verified, repaired with consent and proved by the same backup, or undone.
# usage: guest_linux.sh FIRN EXTENSION HOST MKPACKAGE NEEDY RUNTIME
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=lib.sh
. "$here/lib.sh"
# shellcheck source=../lib/linux_machine.sh
. "$here/../lib/linux_machine.sh"
extension=$2 host=$3 mkpackage=$4 needy=$5 runtime=$6
linux_test
root=$t_dir/root plugins=/var/lib/firn/plugins/Firn.VMSnapshot
code=PluginSharedLibraryMissing

# deb NAME: build NAME_1.0_all.deb of the folder NAME, whose DEBIAN/ has what else is wanted
deb() {
    mkdir -p "$1/DEBIAN"
    printf 'Package: %s\nVersion: 1.0\nArchitecture: all\nMaintainer: x <x@x.example>\n%s\n' \
        "$1" "Description: for tests${2:+
$2}" > "$1/DEBIAN/control"
    chmod -R u=rwX,go=rX "$1"
    dpkg-deb -b "$1" "$1_1.0_all.deb" > /dev/null || exit 1
}
mkdir -p firn-runtime/usr/lib firn-other/DEBIAN firn-wrong/{DEBIAN,opt}
cp "$runtime" firn-runtime/usr/lib/libfirn-test-runtime.so.1
# it needs a unit, as packages of daemons do: with that one masked it cannot be unpacked
mkdir -p firn-runtime/DEBIAN
printf '#!/bin/sh\nset -e\n[ ! -e /etc/needs-unit ] || systemctl enable app.service\n' \
    > firn-runtime/DEBIAN/preinst
printf '#!/bin/sh\nset -e\n[ ! -e /etc/needs-unit ] || systemctl disable app.service\n' \
    > firn-runtime/DEBIAN/prerm
# while it is configured, dpkg is killed once
printf '#!/bin/sh\n[ ! -e /etc/power-fails ] || { rm /etc/power-fails; kill -9 $PPID; }\n' \
    > firn-other/DEBIAN/postinst
echo nothing of use > firn-wrong/opt/firn-wrong
printf '#!/bin/sh\n[ ! -e /etc/says ] || { cat /etc/says >&2; exit 1; }\n' \
    > firn-wrong/DEBIAN/preinst
chmod +x firn-*/DEBIAN/*
deb firn-runtime
deb firn-other
deb firn-wrong

# package VERSION DEB SECONDS: the extension's package, with a Debian package as its installer
package() {
    rm -rf new && mkdir -p new/bin
    cp "$extension" "$host" new/bin/
    cp "$needy" new/bin/needy.so
    cp "$2_1.0_all.deb" new/
    cat > parts.json << END
"prerequisites": [{"name": "runtime", "title": "the test runtime", "package": "$2",
  "probe": {"libraries": ["libfirn-test-runtime.so.1"]},
  "installer": {"file": "$2_1.0_all.deb", "kind": "dpkg", "deadlineSeconds": $3},
  "failure": "$code"}],
"plugins": [{"name": "needy", "file": "bin/needy.so", "requires": ["runtime"]}]
END
    digest=$("$mkpackage" new Firn.VMSnapshot "$1" "linux-$(uname -m)" parts.json)
}

# machine [DEB [SECONDS]]: a fresh one, with the extension in force and the library gone again
machine() {
    linux_stop
    rm -rf "$root" "$XDG_STATE_HOME"
    linux_tree "$root"
    printf '[Unit]\nDescription=x\n[Service]\nExecStart=/bin/true\n[Install]\n%s\n' \
        'WantedBy=multi-user.target' > "$root/usr/lib/systemd/system/app.service"
    linux_start "$root" || { not_ok 'a machine starts' "$(cat machine.log)"; done_testing; }
    guest=qga:$linux_socket
    package 1.0.10000.0 "${1:-firn-runtime}" "${2:-60}"
    mkdir "$root/opt/new" && cp -r new/. "$root/opt/new"
}
activate() {
    linux_in /opt/new/bin/firn-extension activate /opt/new --digest "$digest" > out 2> err
}
lose() { linux_in dpkg --purge firn-runtime > /dev/null 2>&1; }
library() { # there|gone NAME
    [ -e "$root/usr/lib/libfirn-test-runtime.so.1" ] && got=there || got=gone
    if [ $got = "$1" ]; then ok "$2"; else not_ok "$2" "the library is $got"; fi
}
state() { # what is installed, configured and enabled
    # dpkg may keep the name of what was only tried
    (cd "$root" && awk -v RS= '!/\nStatus: [a-z ]* not-installed/' var/lib/dpkg/status |
        sed -n 's/^\(Package\|Status\): //p'
        find etc opt usr/lib -path usr/lib/apt -prune -o -path "usr$(linux_libraries)" -prune -o \
            -type f -exec cksum {} + -o -type l -printf '%p %l\n' | sort)
}
backup() { # STATUS NAME
    firn_is "$1" "$2" backup --machine web1 disk.raw --guest "$guest"
}
comes_back() {
    rm -f back.raw
    firn_is 0 'the point is restored' restore latest back.raw
    same disk.raw back.raw 'bit for bit'
}
doctor() { # STATUS NAME ARGUMENT...
    status=$1 what=$2
    shift 2
    firn_is "$status" "$what" doctor "$guest" "$@"
}

new_vault v
disk disk.raw 1000

# ---- the package brings what is missing ----
machine
if activate; then ok 'the extension is activated'; else not_ok 'the extension is activated'; fi
library there 'which has installed what it needs'
says "$root/var/lib/dpkg/status" 'Package: firn-runtime' 'by the package manager'
lose
library gone 'somebody removes it'
backup 0 'the backup brings it back by itself'
library there 'it is there'
comes_back
rm "$root/usr/lib/libfirn-test-runtime.so.1"
backup 0 'also where only the file is lost and dpkg holds the package for installed'
library there 'it is there again'

# ---- dpkg was interrupted ----
machine
activate || not_ok 'the extension is activated'
lose
touch "$root/etc/power-fails"
cp firn-other_1.0_all.deb "$root/opt/"
linux_in dpkg -i /opt/firn-other_1.0_all.deb > out 2>&1 && not_ok 'dpkg is killed'
ls "$root/var/lib/dpkg/updates" | grep -q '^[0-9]*$' && ok 'dpkg was killed: a journal is left' ||
    not_ok 'dpkg was killed: a journal is left' "$(ls "$root/var/lib/dpkg/updates")"
state > before
backup 1 'the backup fails'
code_is $code 'by its code'
says err "firn doctor $guest $code" 'with the line to type'
firn_is 0 'which is explained' explain $code
says out 'libfirn-test-runtime.so.1' 'with the values of this failure'
doctor 1 'looked at' --json
says out '"outcome": "found"' 'a cause is found'
says out "\"cause\": \"$code\"" 'which is this one'
says out 'an installation was interrupted' 'and what stands in the way of its repair'
state > after
same before after 'nothing was changed by that'
doctor 1 'without consent' --apply
says out '^blocked$' 'nothing is done'
says err 'yes=install' 'and said what to allow'
state > after
same before after 'nothing was changed by that either'
doctor 0 'with consent' --apply --yes=install
says out '^repaired$' 'it is repaired'
says out 'the backup works again: recovery point' 'and proved by the same backup'
library there 'the library is there'
[ -z "$(linux_in dpkg --audit)" ] && ok 'what was interrupted is finished' ||
    not_ok 'what was interrupted is finished' "$(linux_in dpkg --audit)"
comes_back
backup 0 'and the next backup works'
record $code verified repaired proved

# ---- somebody else holds the lock ----
machine firn-runtime 8
activate || not_ok 'the extension is activated'
lose
mkfifo hold "$root/held"
linux_in /usr/bin/perl -e '
    use Fcntl; open(F, "+<", "/var/lib/dpkg/lock-frontend") or die;
    my $lock = pack("s s x4 q q i x4", F_WRLCK, 0, 0, 0, 0);
    fcntl(F, F_SETLK, $lock) or die;
    open(H, ">", "/held"); print H "held\n"; close(H); <STDIN>' < hold &
holder=$!
exec 7> hold 8<> "$root/held"
read -r -t 60 _ <&8 || not_ok 'the lock is held'
exec 8>&-
backup 1 'while another program installs, the backup waits, then fails'
code_is GuestInstallerBusy 'by the code for that'
says err 'perl (process [0-9]*)' 'which names the program'
doctor 1 'looked at'
says out '^found$' 'the cause is found'
says out 'locked by perl (process [0-9]*)' 'with the program that holds the lock'
record GuestInstallerBusy verified
"$firn" backup --machine web1 disk.raw --guest "$guest" > waiting 2>&1 < /dev/null 7>&- &
waiting=$!
began=$SECONDS
until linux_in pgrep -x firn-extension > /dev/null || [ $((SECONDS - began)) -gt 60 ]; do
    [ -d /proc/$waiting ] || break
done
exec 7>&-
wait $holder
if wait $waiting; then ok 'a backup that waits goes on when the lock is free'; else
    not_ok 'a backup that waits goes on when the lock is free' "$(cat waiting)"
fi
library there 'and has installed what was missing'
doctor 0 'then no cause is left' GuestInstallerBusy
record GuestInstallerBusy repaired

# ---- a unit that is masked ----
machine
activate || not_ok 'the extension is activated'
lose
touch "$root/etc/needs-unit"
ln -s /dev/null "$root/etc/systemd/system/app.service"
state > before
backup 1 'a package whose unit is masked is not installed'
code_is $code 'and the library missing'
cat > $code.md << 'END'
<properties
 pageTitle="PluginSharedLibraryMissing"
/>
# PluginSharedLibraryMissing

## **Probe**

* Does it load?

  ```probe
  linux.library.loads name=libfirn-test-runtime.so.1
  ```

## **Recommended Steps**

* Unmask its unit.

  ```action
  linux.unit.enabled unit=app.service want=unmasked
  ```

* Install it.

  ```action
  linux.package.install_file path=/var/lib/firn/plugins/Firn.VMSnapshot/<latest>/firn-runtime_1.0_all.deb
  ```

* Retry the backup.

  ```action
  operation.retry what=backup
  ```
END
doctor 1 'an article that knows of it' --article $code.md
says out 'the unit is masked' 'shows that'
doctor 0 'and unmasks it with consent' --article $code.md --apply --yes=service,install
says out '^repaired$' 'it is repaired'
is_enabled=$(systemctl --root="$root" is-enabled app.service)
[ "$is_enabled" = enabled ] && ok 'the unit is enabled' || not_ok 'the unit is enabled' "$is_enabled"
comes_back
id=$(ls -t "$XDG_STATE_HOME"/firn/journal | sed -n 's/\.jsonl$//p' | head -n 1)
doctor 0 'the repair is taken back' --undo "$id"
state > after
same before after 'the mask is there again, the package is not'
record $code undone

# ---- nothing helps ----
machine firn-wrong
lose
mkdir -p "$root$plugins"
cp -r new "$root$plugins/1.0.10000.0"
mkdir "$root$plugins/1.0.10000.0/config"
printf Enabled > "$root$plugins/1.0.10000.0/config/HandlerState"
backup 1 'a package that brings something else does not help'
code_is $code 'the library is missing'
says err libfirn-test-runtime.so.1 'which is named'
linux_in dpkg --purge firn-wrong > /dev/null 2>&1
while read -r told words; do
    echo "$words" > "$root/etc/says"
    doctor 1 "an installation that ends with: $words" --apply --yes=install
    code_is RepairBlocked 'is for a person'
    says err "firn explain $told tells what to do" "who finds it under $told"
done << 'END'
InstallerSpaceShort cannot copy: No space left on device
InstallerDenied cannot copy: Read-only file system
InstallerForbidden E: Held packages were changed and -y was used
InstallerPackageBad does not match system
END
rm "$root/etc/says"
state > before
doctor 1 'firn doctor tries' --apply --yes=install,service,config
code_is RepairEscalated 'and hands it on'
says out 'what was changed is undone' 'undone'
state > after
same before after 'all is as before'
id=$(ls -t "$XDG_STATE_HOME"/firn/journal | sed -n 's/\.jsonl$//p' | head -n 1)
says "$XDG_STATE_HOME/firn/journal/$id.json" firn-wrong 'the file for those who look further tells it'
done_testing
