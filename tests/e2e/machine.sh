#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A machine that runs is backed up, and made again from its point: with its firmware's variables,
# beside the old one under another name, out of names that are hard to quote; and never half.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
monitor=$2
for tool in qemu-system-x86_64 qemu-img qemu-io python3; do
    have $tool || { echo "1..0 # SKIP $tool is not installed"; exit 0; }
done
. "$here/vm_lib.sh"
m_pids=
m_end() { for pid in $m_pids; do kill -KILL "$pid"; tail --pid="$pid" -f /dev/null; done; m_pids=; } 2> /dev/null
trap 'm_end; v_end; t_end' EXIT
# starts FOLDER NAME: the restored machine runs
starts() {
    if "$1/machine.sh" > start.txt 2>&1; then
        m_pids="$m_pids $(cat "$1/qemu.pid")"
        ok "$2"
    else
        not_ok "$2" "$(cat start.txt "$1/machine.sh")"
    fi
}
# asks FOLDER COMMAND WORDS NAME: its monitor answers with these words
asks() {
    if "$monitor" "$1/ctl.sock" "$2" > answer.txt 2>&1 && grep -q -- "$3" answer.txt; then ok "$4"
    else not_ok "$4" "$(cat answer.txt)"; fi
}
# The variables lie in a qcow2 with hostile words in its name; QEMU counts 64 KiB blocks of them.
vars="it's \"the\" vars, \$(false)
of web1.qcow2"
doubled=${vars//,/,,}
truncate -s 528K vars.raw
printf 'boot order' | dd of=vars.raw bs=1 seek=1000 conv=notrunc 2> /dev/null
qemu-img convert -f raw -O qcow2 vars.raw "$vars"
truncate -s 3564K code.fd

new_vault v
new_disks
vm_start -blockdev driver=file,node-name=code,filename=code.fd,read-only=on \
    -drive if=none,id=vars,format=qcow2,file="$doubled" -machine pflash0=code,pflash1=vars \
    -uuid 6fdc2a33-87f8-4c69-9bbc-5f2fb0df3d22 -netdev user,id=net0,hostfwd=tcp:127.0.0.1:0-:22 \
    -device virtio-net-pci,id=net0,netdev=net0,mac=52:54:00:01:02:03 ||
    { not_ok 'QEMU starts'; done_testing; }
guest_write vda 1 0 3M
guest_write vdb 2 5M 3M
firn_is 0 'a machine is backed up' backup qmp:"$v_mon"
first=$(point)
says out '^web1: 2 disks, 112 MiB' 'and what defines it counts as no disk'
firn_is 0 'the point' points --json
python3 -c 'import json
p = json.load(open("out"))["points"][0]
d = p["definition"]
assert d["kind"] == "qemu-arguments" and d["size"] > 500 and d["nvram"] == 1, d
assert [x["name"] for x in p["disks"]] == ["vda", "vdb"], p' && ok 'says what it has' ||
    not_ok 'says what it has'
firn_is 0 'the vault is sound' verify --data

# ---- the machine again ----
mkdir "new, one"
firn_is 0 'it is restored' restore "$first" "new, one"
says out 'defined in new, one/machine.sh' 'as a machine'
same "new, one/vda.raw" ref-vda.raw 'with its first disk'
same "new, one/vdb.raw" ref-vdb.raw 'its second'
same "new, one/nvram.fd" vars.raw 'and what its firmware kept'
starts "$t_dir/new, one" 'it starts beside the old one'
asks "$t_dir/new, one" query-block 'new, one/vda.raw' 'from the restored disk'
asks "$t_dir/new, one" query-block 'new, one/nvram.fd' 'with the restored variables'
if grep -q "$t_dir/vd[ab]\|vars, " answer.txt; then not_ok 'and no image of the old one' "$(cat answer.txt)"
else ok 'and no image of the old one'; fi
ctl query-status > /dev/null && ok 'whose monitor is its own still' || not_ok 'whose monitor is its own still'
eval "set -- $(tr '\n' ' ' < "new, one/machine.args")"
case " $* " in *"$doubled"*) ok 'machine.args has the arguments as they were' ;;
*) not_ok 'machine.args has the arguments as they were' "$(cat "new, one/machine.args")" ;; esac
m_end

firn_is 0 'it is restored under another name' restore "$first" --as web2 --format qcow2 --json
python3 -c 'import json
r = json.load(open("out"))["restored"]
words = " ".join(r["changed"])
assert r["definition"] == "machine.sh", r
for word in "name is web2", "UUID", "52:54:00:01:02:03", "no port": assert word in words, words' &&
    ok 'and says what is not as it was' || not_ok 'and says what is not as it was'
starts "$t_dir/web2" 'it starts'
asks "$t_dir/web2" query-name web2 'by that name'
asks "$t_dir/web2" query-block 'web2/vda.qcow2' 'from a disk of another format'
if grep -q '6fdc2a33\|52:54:00:01:02:03\|hostfwd' web2/machine.sh; then not_ok 'as another machine'
else ok 'as another machine'; fi
m_end
firn_is 2 'a name that is no folder' restore "$first" --as ../web3
firn_is 2 'a name for one disk' restore "$first" --as web3 --disk vda
firn_is 2 'neither a place nor a name' restore "$first"

# ---- what cannot be carried over ----
firn_is 0 'one disk is left out' backup --machine part --exclude-disk vdb qmp:"$v_mon"
mkdir part
firn_is 3 'its point is restored' restore part part
says err '(MachineDiskAbsent,' 'and says that the other is missing'
starts "$t_dir/part" 'it starts without it'
if grep -q vdb part/machine.sh; then not_ok 'and without its device'; else ok 'and without its device'; fi
m_end
truncate -s 8M vdc.raw
ctl blockdev-add '{"driver": "raw", "node-name": "vdc", "file": {"driver": "file",
    "filename": "'"$t_dir"'/vdc.raw"}}' > /dev/null
ctl device_add '{"driver": "scsi-hd", "id": "vdc", "drive": "vdc", "bus": "scsi.0"}' > /dev/null
firn_is 0 'a disk was attached meanwhile' backup --machine more qmp:"$v_mon"
mkdir more
rm code.fd
firn_is 3 'its point is restored' restore more more
says err '(MachineDiskUnused,' 'and says that the definition does not have it'
says err '(MachinePathMissing,.*' 'and that the firmware is not here'
same more/vdc.raw vdc.raw 'the disk is there'
firn_is 0 'a point of files' backup --machine files ref-vda.raw ref-vdb.raw
firn_is 1 'which is no machine' restore files --as web4
code_is DefinitionMissing 'has its code'
[ ! -e web4 ] && ok 'and makes nothing' || not_ok 'and makes nothing'

# ---- never half ----
firn_is 1 'a folder that has a machine' restore "$first" "new, one"
code_is RestoreTargetExists 'is left alone'
[ -e "new, one/machine.sh" ] && ok 'as it is' || not_ok 'as it is'
killed=0 half=0 rounds=6
[ -z "${FIRN_SOAK:-}" ] || rounds=200
for ((i = 0; i < rounds; i++)); do
    "$firn" restore --force "$first" "new, one" > out 2> err < /dev/null &
    pid=$!
    read -r -t "0.$(printf '%03d' $((RANDOM % 150)))" _ <> <(:) || true
    kill -KILL $pid 2> /dev/null && killed=$((killed + 1))
    { wait $pid; } 2> /dev/null
    [ ! -e "new, one/machine.sh" ] ||
        cmp -s "new, one/vda.raw" ref-vda.raw && cmp -s "new, one/vdb.raw" ref-vdb.raw || half=$((half + 1))
done
[ $half -eq 0 ] && ok "$killed of $rounds were killed, none left half a machine" ||
    not_ok "$killed of $rounds were killed, none left half a machine" "$half did"
firn_is 3 'the next restore there' restore --force "$first" "new, one"
[ -x "new, one/machine.sh" ] && ok 'is whole' || not_ok 'is whole'
same "new, one/vda.raw" ref-vda.raw 'and right'
v_end

# ---- firmware that cannot be read: after QEMU itself has read it once ----
bad=driver=blkdebug,node-name=bad,image=file,set-state.0.event=read_aio,set-state.0.state=1
bad+=,set-state.0.new_state=2,inject-error.0.event=read_aio,inject-error.0.state=2
bad+=,inject-error.0.once=off
truncate -s 3564K code.fd
vm_start -blockdev driver=file,node-name=code,filename=code.fd,read-only=on \
    -blockdev driver=file,node-name=file,filename=vars.raw \
    -blockdev "$bad" \
    -blockdev driver=raw,node-name=vars,file=bad -machine pflash0=code,pflash1=vars ||
    { not_ok 'QEMU starts with a bad chip'; done_testing; }
firn_is 3 'firmware that cannot be read' backup --machine bad qmp:"$v_mon"
says err '(NvramUnread,' 'is a warning'
firn_is 0 'the point' points --json bad
python3 -c 'import json
p = json.load(open("out"))["points"][0]
assert p["definition"]["nvram"] == 0 and "NvramUnread" in p["facts"], p' &&
    ok 'says so, too' || not_ok 'says so, too'
clean 'nothing of ours is left'
done_testing
