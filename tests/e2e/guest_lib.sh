# SPDX-License-Identifier: Apache-2.0
# A small Linux guest (tests/guest/mkguest) that writes numbered records to two disks; sourced
# after lib.sh, with "unpacked" set.
#
# g_start runs it, and who does so by other means sets g_pid to QEMU's process; "console" is what
# the guest says.  It ends with the test.
export PATH=$PATH:/usr/sbin:/sbin
for tool in qemu-system-x86_64 qemu-img qemu-ga mke2fs e2fsck debugfs python3; do
    have $tool || { echo "1..0 # SKIP $tool is not installed"; exit 0; }
done
ls "$unpacked"/boot/vmlinuz-* "$unpacked"/bin/busybox > /dev/null 2>&1 ||
    { echo "1..0 # SKIP there is no kernel in $unpacked"; exit 0; }
g_pid=
g_end() { [ -z "$g_pid" ] || { kill -KILL "$g_pid"; tail --pid="$g_pid" -f /dev/null; }; g_pid=; } 2> /dev/null
trap 'g_end; t_end' EXIT
g_mon=$t_dir/mon.sock g_ctl=$t_dir/ctl.sock g_agent=$t_dir/qga.sock
g_folder=. g_memory=192
g_words="console=ttyS0 quiet rdinit=/init mitigations=off tsc=reliable no_timer_check nokaslr \
random.trust_cpu=on"

# g_disk NAME FORMAT FILE: a disk of the guest's, for g_start
g_disks=()
g_disk() {
    g_disks+=(-blockdev "driver=$2,node-name=$1,file.driver=file,file.filename=$3"
        -device "virtio-blk-pci,id=$1,drive=$1")
}
# g_start ARGUMENT...: QEMU with these disks, g_memory MiB, and the kernel that lies in g_folder and
# gets g_words; monitors are g_mon (for firn) and g_ctl (for the test; none where that is empty)
g_start() {
    rm -f console
    qemu-system-x86_64 -accel tcg -M q35 -m "$g_memory" -nodefaults -display none -no-reboot \
        -name web1 -kernel "$g_folder/vmlinuz" -initrd "$g_folder/initrd" -append "$g_words" \
        "$@" \
        -device virtio-serial -chardev socket,id=qga,path="$g_agent",server=on,wait=off \
        -device virtserialport,chardev=qga,name=org.qemu.guest_agent.0 \
        -qmp unix:"$g_mon",server=on,wait=off \
        ${g_ctl:+-qmp "unix:$g_ctl,server=on,wait=off"} \
        -serial file:console -daemonize -pidfile qemu.pid || return 1
    g_pid=$(cat qemu.pid)
}
in_guest() { # WORDS: run by its shell, through its agent
    python3 - "$g_agent" "$1" << 'END' || not_ok "in the guest: $1"
import json, socket, sys
s = socket.socket(socket.AF_UNIX)
s.settimeout(60)
s.connect(sys.argv[1])
f = s.makefile("rwb", 0)
def ask(command, **arguments):
    f.write((json.dumps({"execute": command, "arguments": arguments}) + "\n").encode())
    reply = json.loads(f.readline().lstrip(b"\xff"))
    assert "return" in reply, reply
    return reply["return"]
f.write(b'\xff{"execute": "guest-sync-delimited", "arguments": {"id": 7}}\n')
while b'"return": 7' not in f.readline():
    pass
pid = ask("guest-exec", path="/bin/busybox", arg=["sh", "-c", sys.argv[2]])["pid"]
while not (state := ask("guest-exec-status", pid=pid))["exited"]:
    pass
sys.exit(state["exitcode"])
END
}

# done_so_far [CONSOLE]: the last record that the guest has finished
done_so_far() { awk '/^DONE/ { n = $2 + 0 } END { print n + 0 }' "${1:-console}"; }
# until_done NUMBER [CONSOLE]: it has finished this one
until_done() {
    local by=$((SECONDS + 180))
    until [ -e "${2:-console}" ] && [ "$(done_so_far "${2:-console}")" -ge "$1" ]; do
        kill -0 "$g_pid" 2> /dev/null && [ $SECONDS -lt $by ] || return 1
        read -r -t 0.1 _ <> <(:) || true
    done
}
# whole POINT FINISHED NAME: it restores to clean disks of one moment with all these records
whole() {
    rm -rf back
    mkdir back
    "$firn" restore --force "$1" back > out 2> err || { not_ok "$3"; return; }
    sound back "$2" "$3"
}
# sound FOLDER FINISHED NAME: the same of disks that lie there
sound() {
    for disk in vda vdb; do
        e2fsck -fn "$1/$disk.raw" > fsck.txt 2>&1 || not_ok "$3: $disk is clean" "$(cat fsck.txt)"
        debugfs -R 'cat /log' "$1/$disk.raw" > $disk.log 2> /dev/null
    done
    if python3 - "$2" > why.txt 2>&1 << 'END'; then ok "$3"; else not_ok "$3" "$(cat why.txt)"; fi
import hashlib, sys
last = []
for disk in "vda", "vdb":
    n = 0
    for line in open(disk + ".log"):
        number, digest = line.split()
        n += 1
        assert int(number) == n, f"{disk}: record {n} is {number}"
        assert digest == hashlib.md5(f"{n} firn\n".encode()).hexdigest(), f"{disk}: {n}"
    last.append(n)
one, two = last
print(f"{sys.argv[1]} were finished, {one} and {two} are there")
assert two >= int(sys.argv[1]), "a finished record is lost"
assert two <= one <= two + 1, "the disks are of different moments"
END
}
# new_guest [TREE]: vmlinuz, initrd (with what lies in TREE) and two disks, one.qcow2 and two.raw
new_guest() {
    "$here/../guest/mkguest" "$unpacked" . "$@" > guest.txt 2>&1 ||
        { not_ok 'a guest can be made' "$(cat guest.txt)"; done_testing; }
    truncate -s 64M one.raw
    truncate -s 48M two.raw
    mke2fs -q -t ext4 one.raw && mke2fs -q -t ext4 two.raw
    qemu-img convert -f raw -O qcow2 one.raw one.qcow2
}
