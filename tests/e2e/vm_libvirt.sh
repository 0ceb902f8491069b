#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A machine of libvirt's: the guest that writes numbered records to two disks is backed up through
# backup jobs and checkpoints.  Every point is whole, and one is a machine again; then everything
# goes wrong that can.
#
# A third disk, which the guest does not use, is served by nbdkit, which holds its reads when it is
# told to (the gate): so a copy is under way for certain, for as long as a test wants.  It is read
# before the others, and so small that what firn asked for, and does not take when it is stopped, fits
# into its socket: QEMU drains nothing while its server waits for a reader.
# usage: vm_libvirt.sh FIRN UNPACKED [PACKAGE]: a plain build's, for a firn that is sanitized
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
unpacked=$2 package=${3:-}
. "$here/guest_lib.sh"
. "$here/libvirt_lib.sh"
have nbdkit || { echo '1..0 # SKIP nbdkit is not installed'; exit 0; }
h_firn= h_link= new_pid= g_nbd= g_gate=$t_dir/gate
leave() {
    [ -z "$h_firn" ] || kill -KILL $h_firn $h_link
    [ -z "$g_pid" ] || { kill -KILL "$g_pid"; tail --pid="$g_pid" -f /dev/null; }
    [ -z "$new_pid" ] || { kill -KILL "$new_pid"; tail --pid="$new_pid" -f /dev/null; }
    libvirt_end
    [ -z "$g_nbd" ] || { kill $g_nbd; wait $g_nbd; }
    umount "$t_dir/small"
    t_end
} 2> /dev/null
trap leave EXIT
backup() { # STATUS NAME OPTION...
    local status=$1 name=$2
    shift 2
    firn_is "$status" "$name" backup --retries 0 --consistency filesystem --scratch scratch \
        --connect "$l_uri" "$@" vm:web1
}
# clean NAME: no job, no scratch file, and one checkpoint of ours
clean() {
    local left
    left="$(job; ls -d scratch/firn-* small/firn-* 2> /dev/null)"
    [ "$(checkpoints | grep -c '^firn-')" -le 1 ] || left="$left $(checkpoints)"
    if [ -z "$left" ]; then ok "$1"; else not_ok "$1" "$left"; fi
}
until_true() { # SECONDS COMMAND...
    local by=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $by ] || return 1
        read -r -t 0.1 _ <> <(:) || true
    done
}
gate() { # p: nothing passes, r: everything does
    python3 -c 'import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.sendall(sys.argv[2].encode())
assert s.recv(1) == sys.argv[2].upper().encode()' "$g_gate/control" "$1"
}
# nbd FOLDER FILE [OPTION...]: the file is served there, behind a gate
nbd() {
    local folder=$t_dir/$1 file=$2
    shift 2
    mkdir "$folder"
    chmod 755 "$folder"
    nbdkit -f -U "$folder/nbd" "$@" --filter=log --filter=pause file "$file" \
        pause-control="$folder/control" logfile="$folder/log" > nbdkit.txt 2>&1 &
    g_nbd="$g_nbd $!"
    until_true 60 test -S "$folder/nbd" && chmod 666 "$folder/nbd" ||
        { not_ok 'nbdkit starts' "$(cat nbdkit.txt)"; done_testing; }
}
reads() { grep -c ' \(Read\|Extents\) ' "$g_gate/log"; }
waits() { [ "$(reads)" -gt "$h_reads" ] || ! kill -0 $h_firn 2> /dev/null; }
# held FOLDER [OPTION...]: firn (h_firn) and the process that speaks to libvirt for it (h_link), firn
# stopped in the copy, with its scratch files in FOLDER
held() {
    [ $# -gt 1 ] || set -- "$1" --reread --consistency crash
    gate p
    h_reads=$(reads)
    "$firn" backup --retries 0 --connect "$l_uri" --scratch "$@" vm:web1 > held.out 2> held.err \
        < /dev/null &
    h_firn=$!
    until_true 240 waits
    kill -STOP $h_firn 2> /dev/null
    gate r
    h_link=$(pgrep -P $h_firn -f libvirt-link)
    [ -z "$h_link" ] || [ -z "$(job)" ] || return 0
    not_ok 'a copy is under way' "$(cat held.err)"
    done_testing
}
# ends: firn goes on, and ends; its status
ends() {
    kill -CONT $h_firn
    until_true 240 eval '! kill -0 $h_firn 2> /dev/null' || kill -KILL "$h_firn"
    wait $h_firn
    local status=$?
    h_firn=
    return $status
}
# copied NAME: what another reader sees of the disks while firn is held; seen POINT NAME: back is that
copied() {
    local i=0 run disk
    run=$(echo "$t_dir"/scratch/firn-*)
    for disk in sdb vda vdb; do
        qemu-img convert -f raw -O qcow2 "nbd+unix:///d$i?socket=$run/nbd" "$1.$disk" ||
            not_ok 'another reader can read'
        i=$((i + 1))
    done
}
seen() {
    local disk
    for disk in sdb vda vdb; do
        qemu-img compare -f raw -F qcow2 back/$disk.raw "$1.$disk" > cmp.txt 2>&1 ||
            { not_ok "$2" "$disk: $(cat cmp.txt)"; return; }
    done
    ok "$2"
}
# killed PID...: firn is one of them
killed() {
    kill -KILL "$@"
    { wait $h_firn; } 2> /dev/null
    h_firn=
}

mkdir -p extra/var/lib scratch small
new_guest extra
# what the guest writes over later, so that it has to be kept: zeros would need no room
head -c 4M /dev/urandom > noise
debugfs -w -R 'write noise noise' two.raw > /dev/null 2>&1
qemu-img convert -f raw -O qcow2 two.raw two.qcow2
head -c 128K /dev/urandom > three.raw
firmware=$(qemu-system-x86_64 -L help | while read -r d; do ls "$d/bios-256k.bin" 2> /dev/null; done | head -n 1)
cp -L "$firmware" code.fd && truncate -s 528K vars.fd || { not_ok 'there is firmware'; done_testing; }
printf 'boot order' | dd of=vars.fd bs=1 seek=1000 conv=notrunc 2> /dev/null
chmod 755 scratch small vmlinuz initrd code.fd
chown 64055 vars.fd
mount -t tmpfs -o size=9m none small 2> mount.txt ||
    { echo "1..0 # SKIP cannot mount a tmpfs here"; exit 0; }
nbd gate three.raw
libvirt_start || { not_ok 'libvirtd starts'; done_testing; }
domain_xml web1 "$g_gate/nbd" > web1.xml
virsh define web1.xml && domain_on && until_done 1 ||
    { not_ok 'the guest is up' "$(tail -n 5 console)"; done_testing; }
ok 'the guest is up'
new_vault v

# ---- a full backup and some that read what changed ----
last=10
[ -z "${FIRN_SLOW_BUILD:-}" ] || last=2
for ((i = 0; i <= last; i++)); do
    until_done $(($(done_so_far) + 1)) || not_ok 'the guest goes on'
    finished[i]=$(done_so_far)
    held scratch --consistency filesystem --json
    copied seen$i
    ends && ok "backup $i" || not_ok "backup $i" "$(cat held.err)"
    id[i]=$(python3 - "$i" << 'END'
import json, sys
p = json.load(open("held.out"))["point"]
f = p["facts"]
assert p["consistency"] == "filesystem" and f["window.held"] == "firn", p
assert f["window.filesystems"] == "2" and int(f["window.own_ns"]) > 0, p
assert sys.argv[1] == "0" or p["read_bytes"] < 40 << 20, p
print(p["id"])
END
    ) || not_ok "point $i says how it was made" "$(cat held.out)"
done
clean 'nothing is left but the checkpoint of the newest point'
until_done $((finished[last] + 2)) && ok 'the guest goes on after it' || not_ok 'the guest goes on after it'
for ((i = 0; i <= last; i++)); do
    whole "${id[i]}" "${finished[i]}" "point $i is whole"
    seen seen$i "and as another reader saw its disks"
done
rm seen*
firn_is 0 'the points are listed' points
says out 'file.*web1: sdb, vda, vdb' 'as file-system-consistent'

# ---- another reader sees the same ----
held scratch
copied seen
ends && ok 'a backup that reads everything anew' || not_ok 'a backup that reads everything anew' "$(cat held.err)"
rm -rf back
mkdir back
firn_is 0 'is restored' restore --force "$(awk 'END { print $NF }' held.out)" back
seen seen 'as the other reader saw it'

# ---- ends in the middle ----
held scratch
killed $h_firn
until_no_job && ok 'a firn that was killed: its job ends by itself' ||
    not_ok 'a firn that was killed: its job ends by itself'
held scratch
killed $h_firn $h_link
[ -n "$(job)" ] && ok 'both were killed: the job goes on' || not_ok 'both were killed: the job goes on'
n=$(done_so_far)
backup 0 'the next backup'
whole "$(point)" "$n" 'is whole'
clean 'and has ended and removed what they left'
held scratch
kill -STOP $h_link
backup 1 'another firn meanwhile'
code_is VmBusy 'is told so'
kill -CONT $h_link
ends && ok 'and the first goes on' || not_ok 'and the first goes on' "$(cat held.err)"

# ---- libvirt goes in the middle ----
n=$(done_so_far)
held scratch
libvirt_end
libvirt_start || not_ok 'libvirtd starts again'
ends && ok 'a libvirtd that was started anew: the copy goes on' ||
    not_ok 'a libvirtd that was started anew: the copy goes on' "$(cat held.err)"
whole "$(awk 'END { print $NF }' held.out)" "$n" 'and its point is whole'
clean 'nothing is left of it'
held scratch
libvirt_end
ends
[ $? -eq 3 ] && ok 'a libvirtd that does not come back: the copy is made' ||
    not_ok 'a libvirtd that does not come back: the copy is made' "$(cat held.out held.err)"
says held.err '(VmNotClean,' 'and that the machine is not as it was is told'
whole "$(awk 'END { print $NF }' held.out)" "$n" 'its point is whole'
libvirt_start || not_ok 'libvirtd starts again'
n=$(done_so_far)
backup 0 'the next backup'
whole "$(point)" "$n" 'has lost no record'
clean 'and removed what was left'

# ---- a machine again, beside the old one ----
n=$(done_so_far)
backup 0 'a backup to come back from'
firn_is 0 'it is restored under another name' restore "$(point)" --as web2
says out 'defined in web2/machine.xml' 'as a machine of libvirt'
sound web2 "$n" 'its disks are whole'
same web2/sdb.raw three.raw 'the disk that was served is a file'
same web2/nvram.fd vars.fd 'what its firmware kept is there'
chown -R 64055:64055 web2 # which libvirt does where it may label
if virsh define web2/machine.xml > virsh.txt 2>&1 && virsh start web2 >> virsh.txt 2>&1; then
    ok 'libvirt defines and starts it'
    new_pid=$(cat lv/run/qemu/web2.pid)
else
    not_ok 'libvirt defines and starts it' "$(cat virsh.txt web2/machine.xml)"
fi
answers() { virsh qemu-agent-command "$1" '{"execute": "guest-ping"}' 2> virsh.txt | grep -q '"return":{}'; }
until_done 1 web2/console && ok 'it boots and writes on' || not_ok 'it boots and writes on' "$(tail -n 5 web2/console)"
until_true 120 answers web2 && ok 'its agent answers' || not_ok 'its agent answers' "$(cat virsh.txt)"
virsh dumpxml web2 > web2.xml
says web2.xml "$t_dir/web2/nvram.fd" 'its firmware has the variables'
if grep -q "$t_dir/\(one\|two\|three\|vars\|console\|gate\)" web2.xml; then
    not_ok 'nothing of it is the old one'\''s' "$(cat web2.xml)"
else
    ok 'nothing of it is the old one'\''s'
fi
until_done $(($(done_so_far) + 2)) && answers web1 && ok 'which goes on' || not_ok 'which goes on'
virsh destroy web2
virsh undefine web2 --keep-nvram
new_pid=
rm -r web2

# ---- other programs ----
mkdir other
chown 64055 other
cat > job.xml << END
<domainbackup mode='pull'><server transport='unix' socket='$t_dir/other/nbd'/>
  <disks><disk name='vda' backup='yes' type='file'><scratch file='$t_dir/other/0'/></disk></disks>
</domainbackup>
END
cat > point.xml << END
<domaincheckpoint><name>theirs</name><disks><disk name='vda' checkpoint='bitmap'/></disks>
</domaincheckpoint>
END
virsh backup-begin web1 job.xml point.xml > /dev/null
backup 1 'a job of another program'
code_is DomainBusy 'is left alone'
[ -n "$(job)" ] && ok 'and goes on' || not_ok 'and goes on'
virsh domjobabort web1
until_no_job || not_ok 'it ends'
backup 0 'after it'
checkpoints | grep -qx theirs && ok 'its checkpoint is still there' || not_ok 'its checkpoint is still there'
virsh checkpoint-delete web1 theirs > /dev/null
virsh checkpoint-delete web1 "$(checkpoints)" > /dev/null
backup 3 'a checkpoint was deleted'
says err '(CheckpointGone,' 'which is named'
virsh blockresize web1 vda 72M > /dev/null
n=$(done_so_far)
backup 3 'a disk that grew'
says err '(DiskResized,' 'is named'
whole "$(point)" "$n" 'and its point is whole'

# ---- scratch files that are full ----
# The guest overwrites, and there is no room for it.  libvirtd was started anew before the first.
fill() { dd if=/dev/zero of=small/fill bs=64k > /dev/null 2>&1; }
held small
libvirt_end
libvirt_start || not_ok 'libvirtd starts again'
fill
until_no_job && ok 'a full scratch folder: the job ends' || not_ok 'a full scratch folder: the job ends'
until_done $(($(done_so_far) + 3)) && ok 'and the guest goes on' || not_ok 'and the guest goes on' "$(virsh domstate web1 --reason)"
ends
[ $? -eq 1 ] && ok 'firn fails' || not_ok 'firn fails'
cp held.err err
code_is VmScratchFull 'and says why'
rm -f small/fill
held small
kill -STOP $h_link
fill
virsh qemu-agent-command web1 '{"execute": "guest-exec", "arguments": {"path": "/bin/busybox",
    "arg": ["dd", "if=/dev/zero", "of=/two/noise", "bs=64k", "count=64", "conv=notrunc,fsync"]}}' > exec.txt
stands() { virsh domstate web1 --reason | grep -q 'paused (I/O error)'; }
until_true 180 stands && ok 'a guest that writes over what must be kept is stopped by QEMU' ||
    not_ok 'a guest that writes over what must be kept is stopped by QEMU' "$(virsh domstate web1 --reason; cat exec.txt)"
n=$(done_so_far)
kill -CONT $h_link
until_done $((n + 3)) && ok 'it goes on as soon as somebody looks' ||
    not_ok 'it goes on as soon as somebody looks' "$(virsh domstate web1 --reason)"
ends
cp held.err err
says err '(DomainHeldUp,' 'and that it stood still is told'
rm -f small/fill

# ---- the same, and firn is stopped with answers that it did not take ----
# Of a disk that does not fit into its socket.  QEMU's end of the job waits for firn to take them, and
# the guest for QEMU: nothing here tells firn to go on but the process that watches for it.
truncate -s 2M wide.raw
nbd wide wide.raw --filter=noextents
cat > wide.xml << END
<disk type='network'><driver name='qemu' type='raw'/>
  <source protocol='nbd'><host transport='unix' socket='$t_dir/wide/nbd'/></source>
  <target dev='sdc' bus='usb'/></disk>
END
virsh attach-device web1 wide.xml --live > virsh.txt 2>&1 || not_ok 'a disk is plugged in' "$(cat virsh.txt)"
stopped() { grep -q '^State:.T' /proc/$h_firn/status; }
n=$(done_so_far)
g_gate=$t_dir/wide held small
until_true 60 stopped && until_done $(($(done_so_far) + 2)) && stopped &&
    ok 'firn is stopped, and the guest goes on' || not_ok 'firn is stopped, and the guest goes on'
fill
until_true 240 eval '! stopped 2> /dev/null' && ok 'a full scratch folder: firn is woken' ||
    not_ok 'a full scratch folder: firn is woken'
ends
case $? in # it may have had everything before the job ended
1) says held.err '(VmScratchFull,' 'and says why it fails' ;;
*) whole "$(awk 'END { print $NF }' held.out)" "$n" 'and its point is whole' ;;
esac
until_done $(($(done_so_far) + 3)) && ok 'and the guest goes on' || not_ok 'and the guest goes on' "$(virsh domstate web1 --reason)"
rm -f small/fill
n=$(done_so_far)
backup 0 'the next backup'
whole "$(point)" "$n" 'has lost no record'

# ---- power is cut, and it is shut down in order ----
kill -KILL "$g_pid"
tail --pid="$g_pid" -f /dev/null
off() { virsh domstate web1 | grep -q 'shut off'; }
until_true 60 off || not_ok 'libvirt sees it'
domain_on && until_done 1 || not_ok 'the guest is up again' "$(tail -n 5 console)"
backup 3 'a backup after the power cut'
says err '(BitmapInconsistent,' 'says that the bitmap was not saved'
backup 0 'a backup after that'
virsh destroy web1 > /dev/null
g_pid=
uuid=$(virsh domuuid web1) # libvirt cannot tell the size of a disk that is served while it is off
domain_xml web1 | sed "s,<name>,<uuid>$uuid</uuid>&," > web1.xml
virsh define web1.xml || not_ok 'its definition can be changed'
backup 0 'a machine that is off'
says out '^web1: 3 disks' 'is backed up by its images'
qemu-img convert -O raw one.qcow2 off0.raw
rm -rf back
mkdir back
firn_is 0 'is restored' restore --force "$(point)" back
same back/vda.raw off0.raw 'as it was'
domain_on && until_done 1 || not_ok 'the guest is up again' "$(tail -n 5 console)"
backup 0 'it is on again, and its bitmaps hold'
clean 'and nothing is left'

# ---- a disk that was plugged in ----
qemu-img create -q -f qcow2 four.qcow2 16M
chown 64055 four.qcow2
virsh attach-disk web1 "$t_dir/four.qcow2" sdc --targetbus usb --subdriver qcow2 --live > virsh.txt 2>&1 ||
    not_ok 'a disk is plugged in' "$(cat virsh.txt)"
backup 0 'a disk that was plugged in'
says out '^web1: 4 disks' 'is backed up'
firn_is 0 'it comes back with it' restore "$(point)" --as web3
says web3/machine.xml "$t_dir/web3/sdc.raw" 'which the definition of that moment has'
says web3/nvram.fd 'boot order' 'and what its firmware kept'
rm -r web3

# ---- the definition, the agent, what is not there ----
firn_is 0 'its definition is in the point' restore --force --disk machine.xml latest def.xml
says def.xml '<name>web1</name>' 'as XML'
"$firn" doctor --scratch scratch --connect "$l_uri" vm:web1 > out 2> err
says out '^\(ready\|weaker\|fails\)$' 'a backup of it is rehearsed'
says out 'held for .* thawed by firn' 'down to the freeze'
clean 'and nothing is left of that'
firn_is 1 'whose extension is asked for' extension status --connect "$l_uri" vm:web1
code_is ExtensionMissing 'has none'
# a sanitized extension is too slow under an emulated processor: a plain build has another
of_package=()
[ -z "$l_sanitized" ] || of_package=(--package "$package")
if [ -n "$l_sanitized" ] && [ -z "$package" ]; then
    skip 'its extension' 'no plain build is named, whose package would be quick enough'
else
    firn_is 0 'it gets one' extension install --connect "$l_uri" "${of_package[@]}" vm:web1
    firn_is 0 'whose state is asked for' extension status --connect "$l_uri" vm:web1
    says out 'Enabled, in force' 'and which is in force'
    firn_is 0 'and is taken out' extension remove --connect "$l_uri" vm:web1
    firn_is 1 'then' extension status --connect "$l_uri" vm:web1
    code_is ExtensionMissing 'there is none again'
fi
firn_is 1 'a repair through its agent is looked at' doctor --connect "$l_uri" vm:web1 \
    ExtensionVCRedistInstallationFailure
# one machine however it is spelled: a run is gone on with, and taken back, by another of its names
cat > spelled.md << 'END'
<properties
 pageTitle="Spelled"
/>
# Spelled

## **Probe**

* Is it so?

  ```probe
  config.is file=/tmp/app.conf format=conf key=ready value=yes
  ```

## **Recommended Steps**

1. Hold it.

   ```action
   config.set file=/tmp/app.conf format=conf key=hold value=yes
   ```
2. Look at it.

   ```action
   person.do text="Look at it."
   ```
3. Make it ready.

   ```action after:2
   config.set file=/tmp/app.conf format=conf key=ready value=yes
   ```
END
spelled() { firn_is "$1" "$2" doctor "${@:3}" --article spelled.md --apply --yes=config; }
journals() { ls "$XDG_STATE_HOME"/firn/journal | sed -n 's/\.jsonl$//p'; }
export XDG_STATE_HOME=$t_dir/state
if [ -z "${FIRN_SLOW_BUILD:-}" ]; then
    spelled 1 'a procedure through its agent' --connect "$l_uri" vm:web1
    code_is RepairBlocked 'waits for a person'
    id=$(journals)
    uuid=$(virsh domuuid web1)
    spelled 0 'goes on by its UUID' "vm:$uuid,connect=$l_uri" --done=2
    [ -n "$id" ] && [ "$(journals)" = "$id" ] && ok 'as the same run' ||
        not_ok 'as the same run' "$(journals)"
    firn_is 0 'and is taken back by its name' doctor "vm:web1,connect=$l_uri" --undo "$id"
fi
virsh destroy web1 > /dev/null
g_pid=
firn_is 1 'an agent of a machine that is off' doctor --connect "$l_uri" vm:web1 \
    ExtensionVCRedistInstallationFailure
code_is AgentGone 'has its code'
virsh undefine web1 --checkpoints-metadata --keep-nvram > /dev/null
backup 1 'a machine that is gone'
code_is DomainMissing 'has its code'
firn_is 0 'its points are there' restore --force latest back
firn_is 1 'a libvirt that is not there' backup --retries 0 --connect "qemu:///system?socket=$t_dir/none" vm:web1
code_is LibvirtUnreachable 'has its code'
firn_is 2 'a libvirt elsewhere' backup --connect qemu+ssh://other.invalid/system vm:web1
code_is DomainElsewhere 'has its code'
firn_is 2 'a libvirt for a file' backup --connect "$l_uri" three.raw
firn_is 2 'a machine without a name' backup vm:
mkdir lib
: > lib/libvirt.so.0
LD_LIBRARY_PATH=$t_dir/lib firn_is 1 'without libvirt' backup vm:web1
code_is LibvirtMissing 'which package has it is told'
cp "$(ldd "$firn" | awk '/libjansson/ { print $3 }')" lib/libvirt.so.0
cp lib/libvirt.so.0 lib/libvirt-qemu.so.0
LD_LIBRARY_PATH=$t_dir/lib firn_is 1 'with an old libvirt' backup vm:web1
code_is LibvirtTooOld 'that is told'
firn_is 0 'the vault is sound' verify --data
done_testing
