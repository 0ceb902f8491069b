#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A machine of libvirt's: the guest that writes numbered records to two disks is backed up through
# backup jobs and checkpoints.  Every point is whole; then everything goes wrong that can.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
unpacked=$2
. "$here/guest_lib.sh"
. "$here/libvirt_lib.sh"
leave() {
    [ -z "$g_pid" ] || { kill -KILL "$g_pid"; tail --pid="$g_pid" -f /dev/null; }
    libvirt_end
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
# held FOLDER: firn (h_firn) and the process that speaks to libvirt for it (h_link), firn stopped
# in the copy, with its scratch files in FOLDER.  One that was done before is followed by another.
held() {
    local try
    for try in {1..20}; do
        "$firn" backup --retries 0 --reread --consistency crash --connect "$l_uri" \
            --scratch "$1" vm:web1 > held.out 2> held.err < /dev/null &
        h_firn=$!
        until ls "$1"/firn-*/nbd > /dev/null 2>&1 || ! kill -0 $h_firn 2> /dev/null; do
            read -r -t 0.01 _ <> <(:) || true
        done
        kill -STOP $h_firn 2> /dev/null
        h_link=$(pgrep -P $h_firn -f libvirt-link)
        [ -z "$h_link" ] || [ -z "$(job)" ] || return 0
        kill -CONT $h_firn 2> /dev/null
        wait $h_firn
    done
    not_ok 'a copy is under way' "$(cat held.err)"
}

new_guest
qemu-img convert -f raw -O qcow2 two.raw two.qcow2
truncate -s 8M three.raw
mkdir scratch small
chmod 755 scratch small vmlinuz initrd
mount -t tmpfs -o size=9m none small 2> mount.txt ||
    { echo "1..0 # SKIP cannot mount a tmpfs here"; exit 0; }
libvirt_start || { not_ok 'libvirtd starts'; done_testing; }
domain_xml web1 > web1.xml
virsh define web1.xml && domain_on && until_done 1 ||
    { not_ok 'the guest is up' "$(tail -n 5 console)"; done_testing; }
ok 'the guest is up'
new_vault v

# ---- a full backup and some that read what changed ----
for i in 0 1 2 3 4 5; do
    until_done $(($(done_so_far) + 1)) || not_ok 'the guest goes on'
    finished[i]=$(done_so_far)
    backup 0 "backup $i" --json
    id[i]=$(python3 - "$i" << 'END'
import json, sys
p = json.load(open("out"))["point"]
f = p["facts"]
assert p["consistency"] == "filesystem" and f["window.held"] == "firn", p
assert f["window.filesystems"] == "2" and int(f["window.own_ns"]) > 0, p
assert sys.argv[1] == "0" or p["read_bytes"] < 40 << 20, p
print(p["id"])
END
    ) || not_ok "point $i says how it was made" "$(cat out)"
done
clean 'nothing is left but the checkpoint of the newest point'
until_done $((finished[5] + 2)) && ok 'the guest goes on after it' || not_ok 'the guest goes on after it'
for i in 0 1 2 3 4 5; do
    whole "${id[i]}" "${finished[i]}" "point $i is whole"
done
firn_is 0 'the points are listed' points
says out 'file.*web1: vda, vdb, vdc' 'as file-system-consistent'

# ---- another reader sees the same ----
held scratch
run=$(echo "$t_dir"/scratch/firn-*)
for i in 0 1 2; do
    qemu-img convert -f raw -O raw "nbd+unix:///d$i?socket=$run/nbd" other$i.raw ||
        not_ok 'another reader can read'
done
kill -CONT $h_firn
wait $h_firn && ok 'a backup beside another reader' || not_ok 'a backup beside another reader' "$(cat held.err)"
rm -rf back
mkdir back
firn_is 0 'is restored' restore --force "$(awk 'END { print $NF }' held.out)" back
same back/vda.raw other0.raw 'as the other reader saw the first disk'
same back/vdb.raw other1.raw 'and the second'
same back/vdc.raw other2.raw 'and the third'

# ---- ends in the middle ----
held scratch
kill -KILL $h_firn
{ wait $h_firn; } 2> /dev/null
until_no_job && ok 'a firn that was killed: its job ends by itself' ||
    not_ok 'a firn that was killed: its job ends by itself'
held scratch
kill -KILL $h_firn $h_link
{ wait $h_firn; } 2> /dev/null
[ -n "$(job)" ] && ok 'both were killed: the job goes on' || not_ok 'both were killed: the job goes on'
n=$(done_so_far)
backup 0 'the next backup'
whole "$(point)" "$n" 'is whole'
clean 'and has ended and removed what they left'
held scratch
kill -STOP $h_link
backup 1 'another firn meanwhile'
code_is VmBusy 'is told so'
kill -CONT $h_link $h_firn
wait $h_firn && ok 'and the first goes on' || not_ok 'and the first goes on' "$(cat held.err)"

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
# full OPTION...: firn stopped in the copy, with no room for what the guest overwrites
full() {
    held small
    [ $# -eq 0 ] || kill -STOP $h_link
    dd if=/dev/zero of=small/fill bs=64k > /dev/null 2>&1
}
full
until_no_job && ok 'a full scratch folder: the job ends' || not_ok 'a full scratch folder: the job ends'
until_done $(($(done_so_far) + 3)) && ok 'and the guest goes on' || not_ok 'and the guest goes on' "$(virsh domstate web1 --reason)"
kill -CONT $h_firn
wait $h_firn
[ $? -eq 1 ] && ok 'firn fails' || not_ok 'firn fails'
cp held.err err
code_is VmScratchFull 'and says why'
rm -f small/fill
full late
# sooner or later the guest writes where it has not yet: what was kept already needs no room
by=$((SECONDS + 150))
until virsh domstate web1 --reason | grep -q 'paused (I/O error)' || [ $SECONDS -ge $by ]; do
    read -r -t 0.1 _ <> <(:) || true
done
stood=$(virsh domstate web1 --reason | grep 'paused (I/O error)')
n=$(done_so_far)
kill -CONT $h_link
until_done $((n + 3)) && ok 'a guest that QEMU stopped goes on as soon as somebody looks' ||
    not_ok 'a guest that QEMU stopped goes on as soon as somebody looks' "$(virsh domstate web1 --reason)"
kill -CONT $h_firn
wait $h_firn
cp held.err err
if [ -n "$stood" ]; then
    says err '(DomainHeldUp,' 'and that it stood still is told'
else
    skip 'and that it stood still is told' 'the guest wrote nothing that needed room'
fi
rm -f small/fill
n=$(done_so_far)
backup 0 'the next backup'
whole "$(point)" "$n" 'has lost no record'

# ---- power is cut, and it is shut down in order ----
kill -KILL "$g_pid"
tail --pid="$g_pid" -f /dev/null
by=$((SECONDS + 60))
until virsh domstate web1 | grep -q 'shut off' || [ $SECONDS -ge $by ]; do read -r -t 0.1 _ <> <(:) || true; done
domain_on && until_done 1 || not_ok 'the guest is up again' "$(tail -n 5 console)"
backup 3 'a backup after the power cut'
says err '(BitmapInconsistent,' 'says that the bitmap was not saved'
backup 0 'a backup after that'
virsh destroy web1 > /dev/null
g_pid=
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

# ---- the definition, the agent, what is not there ----
firn_is 0 'its definition is in the point' restore --force --disk machine.xml latest def.xml
says def.xml '<name>web1</name>' 'as XML'
"$firn" doctor --scratch scratch --connect "$l_uri" vm:web1 > out 2> err
says out '^\(ready\|weaker\|fails\)$' 'a backup of it is rehearsed'
says out 'held for .* thawed by firn' 'down to the freeze'
clean 'and nothing is left of that'
firn_is 1 'whose extension is asked for' extension status --connect "$l_uri" vm:web1
firn_is 1 'a repair through its agent is looked at' doctor --connect "$l_uri" vm:web1 \
    ExtensionVCRedistInstallationFailure
virsh destroy web1 > /dev/null
g_pid=
firn_is 1 'an agent of a machine that is off' doctor --connect "$l_uri" vm:web1 \
    ExtensionVCRedistInstallationFailure
code_is AgentGone 'has its code'
virsh undefine web1 --checkpoints-metadata > /dev/null
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
