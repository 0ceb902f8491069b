#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A running machine is backed up while it is written to; each point is as its disks were at
# one moment.  Then everything goes wrong that can: each ends in its code, the machine is
# left as it was found, and the next backup is right.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
monitor=$2
for tool in qemu-system-x86_64 qemu-img qemu-io; do
    have $tool || { echo "1..0 # SKIP $tool is not installed"; exit 0; }
done
. "$here/vm_lib.sh"

new_vault v
new_disks
vm_start || { not_ok 'QEMU starts'; done_testing; }
for disk in vda vdb; do
    guest_write $disk 1 0 6M
    guest_write $disk 2 20M 3M
done
firn_is 0 'a running machine is backed up' backup qmp:"$v_mon"
first=$(point)
says out '^web1: 2 disks, 112 MiB' 'by the name that it has'
restored "$first" '' 'its point is what the guest had written'
clean 'nothing of ours is left'
firn_is 0 'the point is listed' points
says out 'crash.*web1: vda, vdb' 'as crash-consistent, with its disks'

# ---- ten points while it writes ----
for i in 1 2 3 4 5 6 7 8 9 10; do
    guest_write vda $((i + 10)) $((i * 2))M 3M
    guest_write vdb $((i + 10)) $((i * 3))M 2M
    keep_reference ".$i"
    gate_at=1048576 held qmp:"$v_mon"
    guest_write vda $((i + 100)) $((i * 2))M 1M
    guest_write vdb $((i + 100)) 0 512k
    held_ends 0 "backup $i while the guest writes"
    ids[i]=$(point)
done
for i in 1 2 3 4 5 6 7 8 9 10; do
    restored "${ids[i]}" ".$i" "point $i is of its moment"
    rm -f ref-vd?.raw."$i"
done
clean 'nothing is left after ten'

bitmaps 'each disk has the bitmap of the newest point, and no other'
firn_is 0 'a backup after a write' backup qmp:"$v_mon"
guest_write vda 30 1M 1
firn_is 0 'a backup after a byte' backup qmp:"$v_mon"
says out '^read 64 KiB; 64 KiB of it new' 'reads one block'
firn_is 0 'a backup after nothing' backup qmp:"$v_mon"
says out '^read 0 bytes;' 'reads nothing'
restored "$(point)" '' 'and is the same'
firn_is 0 'a backup that is to read everything' backup --reread qmp:"$v_mon"
says out '^read [1-9][0-9.]* MiB; 0 bytes of it new' 'reads it and finds nothing'

# ---- one moment for both disks ----
( n=0
  until [ -e stop ]; do
    n=$((n % 250 + 1))
    guest_write vda $n 0 512 && guest_write vdb $n 0 512
  done ) &
writer=$!
together=0
for i in 1 2 3 4 5 6; do
    "$firn" backup qmp:"$v_mon" > out 2> err < /dev/null || not_ok 'a backup beside a writer'
    rm -rf back && mkdir back
    "$firn" restore --force "$(point)" back > out 2> err || not_ok 'its point restores'
    a=$(od -An -tu1 -N1 back/vda.raw) b=$(od -An -tu1 -N1 back/vdb.raw)
    [ $((a)) -eq $((b)) ] || [ $((a)) -eq $((b % 250 + 1)) ] && together=$((together + 1))
done
touch stop
wait $writer
[ $together -eq 6 ] && ok 'each time both disks are of one moment' ||
    not_ok 'each time both disks are of one moment' "$together of 6"

# ---- the machine changes ----
firn_is 1 'a monitor that is not there' backup qmp:"$t_dir/none"
code_is QmpUnreachable 'has its code'

ctl block_resize '{"node-name": "vda", "size": 75497472}' > /dev/null
truncate -s 72M ref-vda.raw
guest_write vda 77 70M 1M
firn_is 3 'a disk that grew' backup qmp:"$v_mon"
says err '(DiskResized,' 'is named'
restored "$(point)" '' 'is in the point as it is now'
truncate -s 8M vdc.raw ref-vdc.raw
ctl blockdev-add '{"driver": "raw", "node-name": "vdc", "file": {"driver": "file",
    "filename": "'"$t_dir"'/vdc.raw"}}' > /dev/null
ctl device_add '{"driver": "scsi-hd", "id": "vdc", "drive": "vdc", "bus": "scsi.0"}' > /dev/null
guest_write vdc 9 1M 1M
firn_is 0 'a disk that came' backup qmp:"$v_mon"
rm -rf back && mkdir back
firn_is 0 'is restored' restore --disk vdc "$(point)" back/vdc.raw
same back/vdc.raw ref-vdc.raw 'as it was written'
ctl device_del '{"id": "vdc"}' > /dev/null
firn_is 0 'a disk that went' backup qmp:"$v_mon"
says out '^web1: 2 disks' 'is not in the point'

# ---- somebody else is there ----
held --reread qmp:"$v_mon"
"$firn" backup qmp:"$v_ctl" > out 2> err < /dev/null
[ $? -eq 1 ] && ok 'a second firn at the same time' || not_ok 'a second firn at the same time'
code_is VmBusy 'has its code'
held_ends 0 'and does not disturb the first'
restored "$(point)" '' 'whose point is right'
ctl nbd-server-start "{\"addr\": {\"type\": \"unix\", \"data\": {\"path\": \"$t_dir/other\"}}}" \
    > /dev/null
firn_is 1 'a server of somebody else' backup qmp:"$v_mon"
code_is VmServerTaken 'has its code'
clean 'nothing is left after it'
ctl nbd-server-stop > /dev/null && ok 'and the server goes on' || not_ok 'the server goes on'

# ---- how consistent ----
firn_is 3 'an agent that is not there' backup qmp:"$v_mon",qga="$t_dir/none"
says err '(QuiesceWeaker,' 'makes the point a weaker one'
firn_is 1 'unless that is not allowed' backup --consistency application,filesystem \
    qmp:"$v_mon",qga="$t_dir/none"
code_is AgentUnreachable 'then it is a failure'
clean 'nothing is left after it'
bitmaps 'and the bitmaps are those of the point before'
firn_is 0 'a point that may be weak' backup --consistency crash qmp:"$v_mon",qga="$t_dir/none"
firn_is 2 'a word that is no level' backup --consistency best qmp:"$v_mon"
firn_is 2 'a level that needs an agent' backup --consistency filesystem qmp:"$v_mon"
firn_is 2 'a level of a file' backup --consistency crash vdb.raw

# ---- no room ----
mkdir -p scratch small
t_mount=$t_dir/small
if mount -t tmpfs -o size=1m firn-test small 2> /dev/null; then
    firn_is 1 'too little room to begin' backup --scratch small qmp:"$v_mon"
    code_is VmScratchSmall 'has its code'
    mount -o remount,size=9m small
    held --reread --scratch small qmp:"$v_mon"
    guest_write vda 90 0 10M
    guest_write vdb 91 0 10M
    held_ends 1 'scratch files that are full'
    code_is VmScratchFull 'have their code'
    clean 'nothing is left after it'
    [ -z "$(ls small)" ] && ok 'nor in the scratch folder' || not_ok 'nor in the scratch folder'
    held --reread --scratch small qmp:"$v_mon"
    guest_write vda 92 0 10M
    guest_write vdb 93 0 10M
    mount -o remount,size=900m small
    held_ends 1 'scratch files that failed where there is room now'
    code_is VmSnapshotBroken 'only that they failed is told'
    clean 'nothing is left after that'
    mount -o remount,size=9m small
    held --retries 3 --reread --scratch small qmp:"$v_mon"
    guest_write vda 94 0 10M
    guest_write vdb 95 0 10M
    mount -o remount,size=900m small
    held_ends 0 'where it is tried again, by another moment'
    says err 'VmSnapshotBroken may be gone after a while: trying again' 'with its code'
    restored "$(point)" '' 'the point is right'
    firn_is 0 'the next backup' backup --scratch scratch qmp:"$v_mon"
    restored "$(point)" '' 'has all that the guest wrote meanwhile'
else
    t_mount=
    skip 'scratch files that are full' 'cannot mount a tmpfs here'
fi
t_mount=
umount small 2> /dev/null

# ---- ends in the middle ----
held --reread qmp:"$v_mon"
kill -TERM $held_pid
held_ends 1 'firn is asked to end'
code_is Interrupted 'and says so'
clean 'nothing is left after it'

firn_is 0 'another' backup qmp:"$v_mon"
held --reread qmp:"$v_mon"
kill -KILL $held_pid
{ wait $held_pid; } 2> /dev/null
[ -n "$(nodes)" ] && ok 'a firn that was killed leaves something' ||
    not_ok 'a firn that was killed leaves something'
guest_write vda 92 3M 2M
guest_write vdb 93 3M 2M
firn_is 0 'the next backup' backup qmp:"$v_mon"
says out '^read 4 MiB;' 'reads what was written since the last point'
restored "$(point)" '' 'is right'
clean 'and has removed it'
bitmaps 'with its bitmap'

# ---- at any moment, also while it removes what the one before has left ----
rounds=12 killed=0 wrong=0
[ -z "${FIRN_SOAK:-}" ] || rounds=500
for ((i = 0; i < rounds; i++)); do
    guest_write vda $((i % 200 + 1)) $((i % 40))M 192k
    guest_write vdb $((i % 200 + 1)) $((i % 40))M 64k
    "$firn" backup qmp:"$v_mon" > out 2> err < /dev/null &
    pid=$!
    read -r -t "0.$(printf '%03d' $((RANDOM % 500)))" _ <> <(:) || true
    kill -KILL $pid 2> /dev/null && killed=$((killed + 1))
    { wait $pid; } 2> /dev/null
    case $? in 0 | 137) ;; *) wrong=$((wrong + 1)); sed 's/^/# /' err ;; esac
done
[ $wrong -eq 0 ] && ok "$killed of $rounds were killed, no other failed" ||
    not_ok "$killed of $rounds were killed, no other failed" "$wrong failed"
firn_is 0 'the next backup' backup qmp:"$v_mon"
restored "$(point)" '' 'is right'
clean 'and nothing of theirs is left'
bitmaps 'nor any bitmap'

firn_is 0 'another vault' init --kdf-memory 8 gone
held --vault gone qmp:"$v_mon"
rm -rf gone
guest_write vda 94 5M 1M
held_ends 1 'the vault is gone'
clean 'nothing is left after it'
firn_is 0 'the vault that is there' backup qmp:"$v_mon"
restored "$(point)" '' 'and the next point is right'

held --reread qmp:"$v_mon"
v_end
kill -CONT $held_pid
wait $held_pid
[ $? -eq 1 ] && ok 'QEMU is killed in the copy' || not_ok 'QEMU is killed in the copy'
cp held.err err
code_is VmGone 'which has its code'
[ -z "$(ls -d "$t_dir"/.local/state/firn/firn-* 2> /dev/null)" ] &&
    ok 'no scratch file is left' || not_ok 'no scratch file is left'
vm_start || not_ok 'QEMU starts again'
firn_is 3 'the machine is on again' backup qmp:"$v_mon"
says err '(BitmapUnsaved,' 'the bitmap in the image was not saved'
says err '(BitmapLost,' 'the one in memory is gone'
restored "$(point)" '' 'and its point is right'
bitmaps 'with bitmaps again'

# ---- it is shut down in order ----
guest_write vda 95 9M 64k
guest_write vdb 95 9M 64k
ctl quit > /dev/null
tail --pid="$v_pid" -f /dev/null
v_pid=
vm_start || not_ok 'QEMU starts again'
guest_write vda 96 11M 64k
firn_is 3 'the machine was shut down and is on again' backup --json qmp:"$v_mon"
python3 - << 'END' && ok 'the image kept its bitmap, the raw disk has none' ||
import json
p = json.load(open("out"))
codes = [w["code"] for w in p["warnings"]]
assert codes == ["BitmapLost"], codes
assert p["warnings"][0]["facts"]["disk"] == "vdb"
END
    not_ok 'the image kept its bitmap, the raw disk has none'
restored latest '' 'and its point is right'

# ---- QEMU does not let the bitmap be read ----
between # a bitmap in memory is of that process
firn_is 3 'a monitor that something stands before' backup qmp:"$t_dir/between.sock"
guest_write vda 97 12M 64k
guest_write vdb 98 13M 64k
echo firn-copy- > refused
firn_is 3 'no bitmap can be copied' backup --json qmp:"$t_dir/between.sock"
python3 - << 'END' && ok 'each disk was read whole, and that is told' ||
import json
p = json.load(open("out"))
told = [(w["code"], w["facts"]["disk"]) for w in p["warnings"]]
assert told == [("ChangesUntold", "vda"), ("ChangesUntold", "vdb")], told
assert p["point"]["read_bytes"] > 1 << 20 and p["point"]["new_bytes"] == 2 << 16, p["point"]
END
    not_ok 'each disk was read whole, and that is told'
says err 'because: .* refused block-dirty-bitmap-add' 'with what QEMU said'
firn_is 3 'a rehearsal of that' doctor qmp:"$t_dir/between.sock"
says out 'ChangesUntold' 'says so, too'
rm refused
for disk in vda vdb; do
    firn_is 0 "$disk comes back" restore --force --disk $disk latest back/$disk.raw
    same back/$disk.raw ref-$disk.raw 'as it was written'
done
clean 'nothing is left after it'
bitmaps 'but the bitmaps of the new point'
guest_write vda 99 14M 64k
firn_is 0 'by which the next backup' backup qmp:"$t_dir/between.sock"
says out '^read 64 KiB; 64 KiB of it new' 'reads what was written'
between_end

# ---- which disks ----
firn_is 0 'one disk is chosen' backup --machine part --disk vdb qmp:"$v_mon"
says out '^part: 1 disk, 48 MiB' 'and no other'
firn_is 0 'one disk is left out' backup --machine part --exclude-disk vdb qmp:"$v_mon"
says out '^part: 1 disk, 72 MiB' 'and no other'
firn_is 2 'a disk that is not there' backup --disk vda,vdx qmp:"$v_mon"
code_is VmDiskUnknown 'has its code'
says err 'it has: vda, vdb' 'and is told which there are'
firn_is 1 'no disk at all' backup --exclude-disk vda,vdb qmp:"$v_mon"
code_is VmNoDisks 'has its code'
firn_is 2 'a machine beside a file' backup qmp:"$v_mon" vdb.raw
firn_is 2 'a list of changes for a machine' backup --changed pass qmp:"$v_mon"
firn_is 2 'a format for a machine' backup --format raw qmp:"$v_mon"
firn_is 2 'a scratch folder for a file' backup --scratch . vdb.raw
firn_is 0 'the vault is sound' verify --data
v_end

# ---- a disk that this QEMU cannot be read from ----
vm_start -object iothread,id=io -blockdev driver=null-co,node-name=vdd,size=1048576 \
    -device virtio-blk-pci,id=vdd,drive=vdd,iothread=io || not_ok 'QEMU starts with a thread'
case $(qemu-system-x86_64 --version) in
*' version '[78].*)
    firn_is 1 'a disk with an I/O thread' backup qmp:"$v_mon"
    code_is VmIothread 'has its code'
    clean 'and the machine was not touched' ;;
*) skip 'a disk with an I/O thread' 'this QEMU serves it' ;;
esac
firn_is 3 'the disks without one' backup --exclude-disk vdd qmp:"$v_mon"
restored "$(point)" '' 'can be backed up'

# ---- killed, and its machine after it ----
held --reread --exclude-disk vdd qmp:"$v_mon"
kill -KILL $held_pid
{ wait $held_pid; } 2> /dev/null
left=$(ls -d "$t_dir"/.local/state/firn/firn-*)
truncate -s 1M other.raw
firn_is 0 'a backup of something else' backup other.raw
[ -e "$left/0" ] && ok 'leaves scratch files alone that QEMU has open' ||
    not_ok 'leaves scratch files alone that QEMU has open' "$left"
v_end
firn_is 0 'and when QEMU has ended' backup other.raw
[ ! -e "$left" ] && ok 'removes them' || not_ok 'removes them' "$(ls "$left")"
mkdir "$left" && truncate -s 1M "$left/0"
"$firn" doctor root:"$t_dir" > out 2> err
[ ! -e "$left" ] && ok 'as a doctor does' || not_ok 'as a doctor does' "$(ls "$left")"
done_testing
