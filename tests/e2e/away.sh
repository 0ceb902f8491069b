#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The file system of the vault goes away in the middle of a backup of a running machine, and
# comes back as another mount: the backup waits and goes on from the same moment.  Then it does
# not come back; and an NBD server goes away.
# usage: away.sh FIRN MONITOR
here=$(cd "$(dirname "$0")" && pwd)
if [ "${FIRN_TEST_APART:-}" != 1 ]; then
    for tool in losetup mkfs.ext4 xfs_io unshare qemu-system-x86_64 qemu-nbd qemu-io; do
        PATH=$PATH:/usr/sbin:/sbin command -v $tool > /dev/null ||
            { echo "1..0 # SKIP needs $tool"; exit 0; }
    done
    if [ "$(id -u)" -ne 0 ] || ! unshare -m true 2> /dev/null; then
        echo '1..0 # SKIP needs root, loop devices and mount namespaces'
        exit 0
    fi
    FIRN_TEST_APART=1 exec unshare -m --propagation private "$0" "$@"
fi
export PATH=$PATH:/usr/sbin:/sbin
. "$here/lib.sh"
monitor=$2
. "$here/vm_lib.sh"
loops= server=
end() {
    v_end
    [ -z "$server" ] || kill -9 "$server" 2> /dev/null
    umount -l "$t_dir/mnt" 2> /dev/null
    for loop in $loops; do losetup -d "$loop" 2> /dev/null; done
    t_end
}
trap end EXIT
export FIRN_RETRIES=12
truncate -s 256M vault.img
mkfs.ext4 -q vault.img && mkdir mnt || exit 1
# Each time by a loop device of its own: to the kernel it is another disk.
come() {
    local device
    device=$(losetup -f --show vault.img) || { echo '1..0 # SKIP no loop device'; exit 0; }
    loops="$device $loops"
    mount "$device" mnt || { echo '1..0 # SKIP a loop device cannot be mounted here'; exit 0; }
}
go_away() { sync; xfs_io -x -c shutdown mnt; } # as a disk that is pulled out
told() { # WORDS NAME: firn says so while it runs
    local by=$((SECONDS + 90))
    until grep -q -- "$1" held.err; do
        kill -0 $held_pid 2> /dev/null && [ $SECONDS -lt $by ] || break
        read -r -t 0.1 _ <> <(:) || true
    done
    says held.err "$1" "$2"
}
come
new_vault mnt/v
new_disks
for i in 1 2 3; do # two packs and more
    head -c 16M /dev/urandom > noise
    dd if=noise of=vdb.raw bs=1M seek=$((i * 15 - 15)) conv=notrunc status=none
done
dd if=vdb.raw of=ref-vdb.raw conv=notrunc status=none
vm_start || { not_ok 'QEMU starts'; done_testing; }
guest_write vda 1 1M 3M

# ---- it comes back ----
keep_reference .then
held qmp:"$v_mon"
guest_write vda 2 1M 3M
guest_write vdb 3 0 4M
go_away
kill -CONT $held_pid
told 'StoreAway may be gone after a while: trying again in' 'the vault is away: firn waits, and says so'
umount -l mnt
come
held_ends 0 'the vault is mounted again: the backup goes on'
says err '(StoreAway,' 'it has told why it waited'
restored "$(point)" .then 'the point is of the moment before'
clean 'nothing is left in the machine'
firn_is 0 'the whole vault' verify --data
bitmaps 'with the bitmaps of that point'
firn_is 0 'the next backup' backup qmp:"$v_mon"
restored "$(point)" '' 'has what was written meanwhile'

# ---- it does not ----
held --retries 1 --reread --json qmp:"$v_mon"
go_away
held_ends 1 'a vault that stays away'
python3 -c 'import json
d = json.load(open("out"))
assert d["error"]["code"] == "StoreAway", d["error"]
assert [a["code"] for a in d["error"]["also"]][:1] == ["TriesSpent"], d["error"]["also"]
assert d["error"]["also"][0]["facts"]["times"] == 1
assert [w["code"] for w in d["warnings"]] == ["TriedAgain"], d["warnings"]
assert d["warnings"][0]["facts"]["code"] == "StoreAway"' 2> why.txt &&
    ok 'ends by its code, with how often it was tried' ||
    not_ok 'ends by its code, with how often it was tried' "$(cat why.txt)"
clean 'nothing is left in the machine'
umount -l mnt
come
firn_is 0 'the next backup, in the vault as it is' backup qmp:"$v_mon"
restored "$(point)" '' 'is right'
held --retries 0 --reread qmp:"$v_mon"
go_away
held_ends 1 'without patience it fails at once'
code_is StoreAway 'by the same code'
umount -l mnt
come

# ---- a server of disks ----
serve() {
    rm -f nbd nbd.pid
    qemu-nbd -t -r -k "$t_dir/nbd" --pid-file="$t_dir/nbd.pid" \
        --image-opts "driver=raw,file.driver=throttle,file.throttle-group=slow,file.file.driver=file,file.file.filename=$t_dir/vdb.raw" \
        --object "throttle-group,id=slow,x-bps-read=$1" > /dev/null 2>&1 &
    server=$!
    until [ -s nbd.pid ]; do kill -0 $server 2> /dev/null || return 1; done
}
v_end
serve 8388608 || not_ok 'a server runs'
"$firn" backup --machine served "vdb=nbd+unix:///?socket=$t_dir/nbd" > held.out 2> held.err < /dev/null &
held_pid=$!
until grep -q "$t_dir/nbd$" /proc/net/unix && [ "$(grep -c "$t_dir/nbd$" /proc/net/unix)" -gt 1 ]; do
    kill -0 $held_pid 2> /dev/null || break
done
kill -9 $server
wait $server 2> /dev/null
told 'SourceVanished may be gone after a while' 'a server that goes away is waited for'
serve 0 || not_ok 'the server runs again'
wait $held_pid
got=$?
cp held.err err && cp held.out out
[ $got -eq 0 ] && ok 'it comes back, and the disk is read' ||
    not_ok 'it comes back, and the disk is read' "status $got"
rm -f back.raw
firn_is 0 'the point' restore "$(point)" back.raw
same vdb.raw back.raw 'is right'
done_testing
