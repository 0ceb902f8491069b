#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A real Linux guest, backed up while it writes, is restored as a machine and boots: from disks
# that are clean, with each record that it had finished, and with an agent that answers; then
# under another name, while the old one still runs.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
unpacked=$2
export PATH=$PATH:/usr/sbin:/sbin
for tool in qemu-system-x86_64 qemu-img qemu-ga mke2fs e2fsck mkfs.xfs xfs_repair python3; do
    have $tool || { echo "1..0 # SKIP $tool is not installed"; exit 0; }
done
ls "$unpacked"/boot/vmlinuz-* "$unpacked"/bin/busybox > /dev/null 2>&1 ||
    { echo "1..0 # SKIP there is no kernel in $unpacked"; exit 0; }
g_pids=
g_end() { for pid in $g_pids; do kill -KILL "$pid"; tail --pid="$pid" -f /dev/null; done; g_pids=; } 2> /dev/null
trap 'g_end; t_end' EXIT

done_so_far() { awk '/^DONE/ { n = $2 + 0 } END { print n + 0 }' "$1"; }
# until_done CONSOLE NUMBER
until_done() {
    local by=$((SECONDS + 180))
    until [ -e "$1" ] && [ "$(done_so_far "$1")" -ge "$2" ]; do
        [ $SECONDS -lt $by ] || return 1
        read -r -t 0.1 _ <> <(:) || true
    done
}
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
    if "$1/machine.sh" > start.txt 2>&1; then g_pids="$g_pids $(cat "$1/qemu.pid")"
    else not_ok "$2" "$(cat start.txt "$1/machine.sh")"; return; fi
    if until_done "$1/console" 1; then ok "$2"; else not_ok "$2" "$(tail -n 5 "$1/console")"; fi
}

"$here/../guest/mkguest" "$unpacked" . > guest.txt 2>&1 ||
    { not_ok 'a guest can be made' "$(cat guest.txt)"; done_testing; }
truncate -s 64M one.raw
truncate -s 300M two.raw
mke2fs -q -t ext4 one.raw && mkfs.xfs -q two.raw > mkfs.txt 2>&1 ||
    { not_ok 'disks can be made' "$(cat mkfs.txt)"; done_testing; }
qemu-img convert -f raw -O qcow2 one.raw one.qcow2
new_vault v
qemu-system-x86_64 -accel tcg -M q35 -m 192 -nodefaults -display none -no-reboot -name web1 \
    -kernel vmlinuz -initrd initrd -append "console=ttyS0 quiet rdinit=/init mitigations=off \
tsc=reliable no_timer_check nokaslr random.trust_cpu=on" \
    -blockdev driver=file,node-name=one,filename=one.qcow2 \
    -blockdev driver=qcow2,node-name=vda,file=one -device virtio-blk-pci,id=vda,drive=vda \
    -drive if=none,id=vdb,format=raw,file=two.raw -device virtio-blk-pci,id=vdb,drive=vdb \
    -device virtio-serial -chardev socket,id=qga,path="$t_dir/qga.sock",server=on,wait=off \
    -device virtserialport,chardev=qga,name=org.qemu.guest_agent.0 \
    -qmp unix:"$t_dir/mon.sock",server=on,wait=off \
    -serial file:console -daemonize -pidfile qemu.pid && g_pids=$(cat qemu.pid)
until_done console 2 || { not_ok 'the guest is up' "$(tail -n 5 console)"; done_testing; }
ok 'the guest is up'
finished=$(done_so_far console)
firn_is 0 'it is backed up while it writes' backup --consistency filesystem \
    qmp:"$t_dir/mon.sock",qga="$t_dir/qga.sock"
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
answers "$t_dir/qga.sock" 'so does the agent of the old one'

firn_is 0 'it is restored under another name' restore "$point" --as web2 --format qcow2
starts "$t_dir/web2" 'it boots beside both'
answers "$t_dir/web2/qga.sock" 'its agent answers'
grep -q -- '-name web2' web2/machine.sh && ok 'by its own name' || not_ok 'by its own name'
done_testing
