#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A real Linux guest, backed up while it writes, is restored as a machine and boots: from disks
# that are clean, with each record that it had finished, and with an agent that answers; then
# under another name, while the old one still runs.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
unpacked=$2
export PATH=$PATH:/usr/sbin:/sbin
for tool in mkfs.xfs xfs_repair; do
    have $tool || { echo "1..0 # SKIP $tool is not installed"; exit 0; }
done
. "$here/guest_lib.sh"
g_ctl= g_pids= # a restored machine has all monitors of the old one
g_end() { for pid in $g_pids; do kill -KILL "$pid"; tail --pid="$pid" -f /dev/null; done; } 2> /dev/null

# answers SOCKET NAME: the guest's agent does
answers() {
    if python3 - "$1" > why.txt 2>&1 << 'END'; then ok "$2"; else not_ok "$2" "$(cat why.txt)"; fi
import json, socket, sys
s = socket.socket(socket.AF_UNIX)
s.settimeout(120)
s.connect(sys.argv[1])
f = s.makefile()
s.sendall(b'{"execute": "guest-sync", "arguments": {"id": 4711}}\n')
while json.loads(f.readline()).get("return") != 4711: pass
s.sendall(b'{"execute": "guest-ping"}\n')
assert json.loads(f.readline()) == {"return": {}}
END
}
# starts FOLDER NAME: the restored machine boots and writes on
starts() {
    if "$1/machine.sh" > start.txt 2>&1; then g_pid=$(cat "$1/qemu.pid") g_pids="$g_pids $g_pid"
    else not_ok "$2" "$(cat start.txt "$1/machine.sh")"; return; fi
    if until_done 1 "$1/console"; then ok "$2"; else not_ok "$2" "$(tail -n 5 "$1/console")"; fi
}

"$here/../guest/mkguest" "$unpacked" . > guest.txt 2>&1 ||
    { not_ok 'a guest can be made' "$(cat guest.txt)"; done_testing; }
truncate -s 64M one.raw
truncate -s 300M two.raw
mke2fs -q -t ext4 one.raw && mkfs.xfs -q two.raw > mkfs.txt 2>&1 ||
    { not_ok 'disks can be made' "$(cat mkfs.txt)"; done_testing; }
qemu-img convert -f raw -O qcow2 one.raw one.qcow2
new_vault v
g_start -blockdev driver=file,node-name=one,filename=one.qcow2 \
    -blockdev driver=qcow2,node-name=vda,file=one -device virtio-blk-pci,id=vda,drive=vda \
    -drive if=none,id=vdb,format=raw,file=two.raw -device virtio-blk-pci,id=vdb,drive=vdb &&
    g_pids=$g_pid
until_done 2 || { not_ok 'the guest is up' "$(tail -n 5 console)"; done_testing; }
ok 'the guest is up'
finished=$(done_so_far)
firn_is 0 'it is backed up while it writes' backup --consistency filesystem \
    qmp:"$g_mon",qga="$g_agent"
point=$(point)

mkdir new
firn_is 0 'it is restored' restore "$point" new
e2fsck -fn new/vda.raw > fsck.txt 2>&1 && ok 'its first file system is clean' ||
    not_ok 'its first file system is clean' "$(cat fsck.txt)"
# A frozen XFS keeps counters in its log, which a mount replays.
firn_is 0 'its second disk alone' restore --disk vdb "$point" second.raw
mkdir mounted
if mount -t xfs -o loop second.raw mounted 2> /dev/null; then
    umount mounted
    xfs_repair -n second.raw > fsck.txt 2>&1 && ok 'its file system is clean, too' ||
        not_ok 'its file system is clean, too' "$(cat fsck.txt)"
else
    skip 'its file system is clean, too' 'cannot mount XFS here'
fi
debugfs -R 'cat /log' new/vda.raw > log 2> /dev/null
python3 - "$finished" > why.txt 2>&1 << 'END' && ok 'each finished record is there' ||
import hashlib, sys
n = 0
for line in open("log"):
    number, digest = line.split()
    n += 1
    assert int(number) == n and digest == hashlib.md5(f"{n} firn\n".encode()).hexdigest(), line
assert n >= int(sys.argv[1]), f"{n} of {sys.argv[1]}"
END
    not_ok 'each finished record is there' "$(cat why.txt)"
starts "$t_dir/new" 'it boots from machine.sh while the old one runs, and writes'
answers "$t_dir/new/qga.sock" 'its agent answers'
answers "$g_agent" 'so does the agent of the old one'

firn_is 0 'it is restored under another name' restore "$point" --as web2 --format qcow2
starts "$t_dir/web2" 'it boots beside both'
answers "$t_dir/web2/qga.sock" 'its agent answers'
grep -q -- '-name web2' web2/machine.sh && ok 'by its own name' || not_ok 'by its own name'
done_testing
