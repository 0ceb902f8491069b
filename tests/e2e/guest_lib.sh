# SPDX-License-Identifier: Apache-2.0
# A small Linux guest (tests/guest/mkguest) that writes numbered records to two disks, for
# whoever starts its QEMU; sourced after lib.sh, with "unpacked" set.
#
# The starter sets g_pid to QEMU's process; "console" is what the guest says.
export PATH=$PATH:/usr/sbin:/sbin
for tool in qemu-system-x86_64 qemu-img qemu-ga mke2fs e2fsck debugfs; do
    have $tool || { echo "1..0 # SKIP $tool is not installed"; exit 0; }
done
ls "$unpacked"/boot/vmlinuz-* "$unpacked"/bin/busybox > /dev/null 2>&1 ||
    { echo "1..0 # SKIP there is no kernel in $unpacked"; exit 0; }
g_pid=
g_words="console=ttyS0 quiet rdinit=/init mitigations=off tsc=reliable no_timer_check nokaslr \
random.trust_cpu=on"

done_so_far() { awk '/^DONE/ { n = $2 + 0 } END { print n + 0 }' console; }
# until_done NUMBER: the guest has finished this record
until_done() {
    local by=$((SECONDS + 180))
    until [ "$(done_so_far)" -ge "$1" ]; do
        kill -0 "$g_pid" 2> /dev/null && [ $SECONDS -lt $by ] || return 1
        read -r -t 0.1 _ <> <(:) || true
    done
}
# whole POINT FINISHED NAME: it restores to clean disks of one moment with all these records
whole() {
    rm -rf back
    mkdir back
    "$firn" restore --force "$1" back > out 2> err || { not_ok "$3"; return; }
    for disk in vda vdb; do
        e2fsck -fn back/$disk.raw > fsck.txt 2>&1 || not_ok "$3: $disk is clean" "$(cat fsck.txt)"
        debugfs -R 'cat /log' back/$disk.raw > $disk.log 2> /dev/null
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
# new_guest: vmlinuz, initrd and two disks, one.qcow2 and two.raw
new_guest() {
    "$here/../guest/mkguest" "$unpacked" . > guest.txt 2>&1 ||
        { not_ok 'a guest can be made' "$(cat guest.txt)"; done_testing; }
    truncate -s 64M one.raw
    truncate -s 48M two.raw
    mke2fs -q -t ext4 one.raw && mke2fs -q -t ext4 two.raw
    qemu-img convert -f raw -O qcow2 one.raw one.qcow2
}
