#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A real Linux guest writes numbered records to two disks and syncs each; it is frozen by its
# own agent for a full backup and ten incremental ones.  Every point restores to clean file
# systems that have each record which the guest had finished before, with both disks of one
# moment.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
monitor=$2 unpacked=$3
. "$here/guest_lib.sh"

g_disk vdb raw two.raw
start_guest() {
    g_start -object throttle-group,id=gate \
        -blockdev driver=file,node-name=one,filename=one.qcow2 \
        -blockdev driver=throttle,node-name=slow,throttle-group=gate,file=one \
        -blockdev driver=qcow2,node-name=vda,file=slow \
        -device virtio-blk-pci,id=vda,drive=vda "${g_disks[@]}"
}
new_guest
new_vault v
start_guest && until_done 1 ||
    { not_ok 'the guest is up' "$(tail -n 5 console)"; done_testing; }
ok 'the guest is up'

# ---- a full backup and ten that read what changed ----
for i in 0 1 2 3 4 5 6 7 8 9 10; do
    until_done $(($(done_so_far) + 1)) || not_ok 'the guest goes on'
    finished[i]=$(done_so_far)
    firn_is 0 "backup $i" backup --consistency filesystem --json qmp:"$g_mon",qga="$g_agent"
    id[i]=$(python3 -c 'import json
p = json.load(open("out"))["point"]
f = p["facts"]
assert p["consistency"] == "filesystem" and f["window.held"] == "firn", p
assert f["window.filesystems"] == "2" and int(f["window.own_ns"]) > 0, p
print(p["id"], f["window.frozen_ns"], f["window.snapshot_ns"], f["window.own_ns"],
    p["read_bytes"])') || not_ok "point $i says how it was made"
    echo "# $i: frozen, QEMU, firn in ns; read: ${id[i]#* }"
    id[i]=${id[i]%% *}
done
until_done $((finished[10] + 2)) && ok 'the guest goes on after it' || not_ok 'the guest goes on after it'
for i in 0 1 2 3 4 5 6 7 8 9 10; do
    whole "${id[i]}" "${finished[i]}" "point $i is whole"
done

# ---- another reader sees the same ----
gate() { # BYTES A SECOND: so that the copy is not over before firn is stopped in it; 0: open
    "$monitor" "$g_ctl" qom-set "{\"path\": \"/objects/gate\", \"property\": \"limits\",
        \"value\": {\"bps-read\": $1}}" > /dev/null
}
gate 262144
"$firn" backup --reread --consistency filesystem qmp:"$g_mon",qga="$g_agent" > held.out 2> err &
firn_pid=$!
by=$((SECONDS + 60)) exports=
until [ "$(wc -w <<< "$exports")" -eq 2 ] || [ $SECONDS -ge $by ]; do
    exports=$("$monitor" "$g_ctl" query-block-exports |
        grep -o '"id": "firn-[^"]*"' | cut -d '"' -f 4 | sort)
    read -r -t 0.02 _ <> <(:) || true
done
kill -STOP $firn_pid
gate 0
run=$(echo "$exports" | head -n 1 | cut -d - -f 2)
for i in 0 1; do
    qemu-img convert -f raw -O raw \
        "nbd+unix:///firn-$run-a$i?socket=$t_dir/.local/state/firn/firn-$run/nbd" other$i.raw ||
        not_ok 'another reader can read'
done
kill -CONT $firn_pid
wait $firn_pid && ok 'a backup beside another reader' || not_ok 'a backup beside another reader'
rm -rf back
mkdir back
firn_is 0 'is restored' restore --force "$(awk 'END { print $NF }' held.out)" back
same back/vda.raw other0.raw 'as the other reader saw the first disk'
same back/vdb.raw other1.raw 'and the second'

# ---- power is cut, and comes back ----
g_end
start_guest && until_done 1 || not_ok 'the guest is up again' "$(tail -n 5 console)"
firn_is 3 'a backup after the power cut' backup --consistency filesystem \
    qmp:"$g_mon",qga="$g_agent"
says err '(BitmapUnsaved,' 'says that the bitmap was not saved'
says err '(BitmapLost,' 'and that the other was lost'
rm -rf back
mkdir back
firn_is 0 'is restored' restore --force latest back
e2fsck -fn back/vda.raw > fsck.txt 2>&1 && e2fsck -fn back/vdb.raw >> fsck.txt 2>&1 &&
    ok 'to clean file systems' || not_ok 'to clean file systems' "$(cat fsck.txt)"
done_testing
