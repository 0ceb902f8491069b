# SPDX-License-Identifier: Apache-2.0
# A QEMU without a guest system, for tests of running machines; sourced after lib.sh.
#
# Its processor never runs (-S): what a guest would write is written to the guest's devices
# by the test, through a second monitor, and to a reference file each.  Between disks and
# files stands a throttle, so that a copy is not over before the test can stop firn in it.
v_mon=$t_dir/mon.sock v_ctl=$t_dir/ctl.sock v_pid= v_between=
v_end() {
    [ -z "$v_pid" ] || { kill -KILL "$v_pid"; tail --pid="$v_pid" -f /dev/null; }
    between_end
    v_pid=
} 2> /dev/null
trap 'v_end; t_end' EXIT

# vm_start OPTION...: web1 with vda (qcow2) and vdb (raw), more by the options
vm_start() {
    rm -f "$v_mon" "$v_ctl"
    qemu-system-x86_64 -accel tcg -S -M q35 -m 64 -nodefaults -display none -name web1 \
        -object throttle-group,id=gate \
        -blockdev driver=file,node-name=vda-file,filename=vda.qcow2 \
        -blockdev driver=throttle,node-name=vda-gate,throttle-group=gate,file=vda-file \
        -blockdev driver=qcow2,node-name=vda,file=vda-gate \
        -device virtio-blk-pci,id=vda,drive=vda \
        -blockdev driver=file,node-name=vdb-file,filename=vdb.raw \
        -blockdev driver=throttle,node-name=vdb-gate,throttle-group=gate,file=vdb-file \
        -blockdev driver=raw,node-name=vdb,file=vdb-gate \
        -device virtio-blk-pci,id=vdb,drive=vdb \
        -device virtio-scsi-pci,id=scsi -drive if=ide,media=cdrom \
        -qmp unix:"$v_mon",server=on,wait=off -qmp unix:"$v_ctl",server=on,wait=off \
        -daemonize -pidfile qemu.pid "$@" 2> qemu.err || { cat qemu.err >&2; return 1; }
    v_pid=$(cat qemu.pid)
}
# between: between.sock is the machine's monitor, but refuses commands that have all words of the file
# "refused" in them, where there is one.  To firn its process is QEMU, which it asks the socket for.
between() {
    "$here/../lib/monitor_refuses.py" "$t_dir/between.sock" "$v_mon" "$t_dir/refused" 2> between.err &
    v_between=$!
    until [ -S between.sock ] || ! kill -0 $v_between 2> /dev/null; do read -r -t 0.02 _ <> <(:) || true; done
}
between_end() {
    [ -z "$v_between" ] || { kill $v_between; wait $v_between; }
    v_between=
} 2> /dev/null
ctl() { "$monitor" "$v_ctl" "$@"; }

# guest_write DISK BYTE OFFSET LENGTH: by the guest's device, and to the reference
guest_write() {
    case $1 in vdc) path=/machine/peripheral/vdc ;; *) path=/machine/peripheral/$1/virtio-backend ;; esac
    ctl hmp "qemu-io -d $path \"write -P $2 $3 $4\"" > io.out || return 1
    qemu-io -f raw -c "write -P $2 $3 $4" "ref-$1.raw" > /dev/null
}
gate() { # BYTES A SECOND, 0: open
    ctl qom-set "{\"path\": \"/objects/gate\", \"property\": \"limits\",
        \"value\": {\"bps-read\": $1}}" > /dev/null
}
nodes() { ctl query-named-block-nodes '{"flat": true}' | grep -o '"node-name": "firn-[^"]*"'; }
exports() { ctl query-block-exports | grep -o '"id": "firn-[^"]*"'; }
# until_copying: firn ($held_pid) has passed the moment and serves both disks
until_copying() {
    local by=$((SECONDS + 60))
    until [ "$(exports | wc -l)" -ge 2 ]; do
        kill -0 $held_pid 2> /dev/null && [ $SECONDS -lt $by ] || return 1
        read -r -t 0.02 _ <> <(:) || true
    done
}
# clean NAME: nothing of ours is in the machine, and no scratch file is left
clean() {
    local left
    left="$(nodes; exports; ls -d "$t_dir"/.local/state/firn/firn-* "$t_dir"/scratch/* 2> /dev/null)"
    if [ -z "$left" ]; then ok "$1"; else not_ok "$1" "$left"; fi
}
# bitmaps NAME: each disk has one bitmap of ours, that of the newest point
bitmaps() {
    local n
    n=$(ctl query-named-block-nodes '{"flat": true}' | grep -o '"name": "firn-[^"]*"' | sort | uniq -c)
    case "$n" in
    *2\ *) [ "$(echo "$n" | wc -l)" -eq 1 ] && { ok "$1"; return; } ;;
    esac
    not_ok "$1" "$n"
}
# restored POINT REFERENCE-SUFFIX NAME: both disks are as the references were
restored() {
    rm -rf back
    mkdir back
    "$firn" restore --force "$1" back > out 2> err || { not_ok "$3"; return 1; }
    same back/vda.raw "ref-vda.raw$2" "$3 (vda)"
    same back/vdb.raw "ref-vdb.raw$2" "$3 (vdb)"
}
keep_reference() { cp --sparse=always ref-vda.raw "ref-vda.raw$1"; cp --sparse=always ref-vdb.raw "ref-vdb.raw$1"; }
# held ARGUMENT...: firn backup in the background, stopped after the moment
held() {
    gate ${gate_at:-2097152}
    "$firn" backup "$@" > held.out 2> held.err < /dev/null &
    held_pid=$!
    until_copying || not_ok 'a copy is under way' "$(cat held.err)"
    kill -STOP $held_pid
    gate 0 # only firn is held up, not what the guest does
}
# held_ends STATUS NAME: it goes on and ends
held_ends() {
    kill -CONT "$held_pid"
    wait "$held_pid"
    got=$?
    cp held.out out
    cp held.err err
    if [ $got -eq "$1" ]; then ok "$2"; else not_ok "$2" "status $got, not $1"; fi
}
new_disks() {
    qemu-img create -q -f qcow2 vda.qcow2 64M
    truncate -s 48M vdb.raw
    rm -f ref-*.raw
    truncate -s 64M ref-vda.raw
    truncate -s 48M ref-vdb.raw
}
