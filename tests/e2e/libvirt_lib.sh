# SPDX-License-Identifier: Apache-2.0
# A libvirtd of the test's own; sourced after lib.sh.  It sees folders of the test's instead of
# libvirt's own, and a user for its QEMU, in a mount namespace: nothing of it stays, and no other
# libvirt is touched.
for tool in libvirtd virsh unshare; do
    PATH=$PATH:/usr/sbin:/sbin have $tool || { echo "1..0 # SKIP $tool is not installed"; exit 0; }
done
[ "$(id -u)" -eq 0 ] || { echo '1..0 # SKIP only root can have a libvirtd of its own'; exit 0; }
unshare -m true 2> /dev/null || { echo '1..0 # SKIP there are no mount namespaces'; exit 0; }
l_pid= l_uri="qemu:///system?socket=$t_dir/lv/sock/libvirt-sock"
# A sanitizer puts stand-ins for XDR's functions into firn, which look for the real ones when firn
# starts and never again: libvirt's library, which comes later, would call what is not there.
l_sanitized=
if grep -q '__[at]san_init' "$firn"; then
    l_sanitized=yes LD_PRELOAD="$(ldd "$firn" | awk '/lib[at]san/ { print $3 }') libtirpc.so.3"
    export LD_PRELOAD
fi
virsh() { command virsh -q -c "$l_uri" "$@"; }

libvirt_start() {
    local d by=$((SECONDS + 120))
    mkdir -p lv/{sock,etc,lib,run,log,cache}
    chmod 711 . lv lv/*/
    printf 'unix_sock_dir = "%s"\nauth_unix_ro = "none"\nauth_unix_rw = "none"\n' \
        "$t_dir/lv/sock" > lv/etc/libvirtd.conf
    printf '%s\n' 'security_driver = "none"' 'stdio_handler = "file"' \
        'cgroup_controllers = [ ]' 'namespaces = [ ]' > lv/etc/qemu.conf
    { grep -v '^libvirt-qemu:' /etc/passwd; echo 'libvirt-qemu:x:64055:64055::/:/bin/false'; } > lv/passwd
    { grep -v '^libvirt-qemu:' /etc/group; echo 'libvirt-qemu:x:64055:'; } > lv/group
    chmod 644 lv/passwd lv/group
    # where root alone may use KVM, libvirt believes nothing that it learned of QEMU, and asks again
    [ ! -c /dev/kvm ] || [ -e lv/kvm ] || { mknod -m 666 lv/kvm c $(stat -c '0x%t 0x%T' /dev/kvm); }
    unshare -m bash -c 'cd "$1" && for d in lib run log cache etc; do
            case $d in etc) to=/etc/libvirt ;; run) to=/run/libvirt ;; *) to=/var/$d/libvirt ;; esac
            mkdir -p $to && mount --bind $d $to || exit 1
        done
        { [ ! -e kvm ] || mount --bind kvm /dev/kvm; } &&
        mount --bind passwd /etc/passwd && mount --bind group /etc/group &&
        exec libvirtd -f "$1/etc/libvirtd.conf" -p "$1/pid"' - "$t_dir/lv" > lv/out 2>&1 &
    l_pid=$!
    until virsh version > /dev/null 2>&1; do
        kill -0 $l_pid 2> /dev/null && [ $SECONDS -lt $by ] || { cat lv/out >&2; return 1; }
        read -r -t 0.1 _ <> <(:) || true
    done
}
libvirt_end() {
    [ -z "$l_pid" ] || { kill $l_pid; tail --pid="$l_pid" -f /dev/null; }
    l_pid=
} 2> /dev/null

# domain_xml NAME [SOCKET]: two disks of the guest, and before them one that it does not use, three.raw
# itself or as it is served there.  Its firmware lies in flash, and keeps its variables beside.
domain_xml() {
    local third="<disk type='file'><driver name='qemu' type='raw'/><source file='$t_dir/three.raw'/>"
    [ -z "${2:-}" ] || third="<disk type='network'><driver name='qemu' type='raw'/>
      <source protocol='nbd'><host transport='unix' socket='$2'/></source>"
    cat << END
<domain type='qemu'>
  <name>$1</name>
  <memory unit='MiB'>192</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type>
    <loader readonly='yes' type='pflash'>$t_dir/code.fd</loader><nvram>$t_dir/vars.fd</nvram>
    <kernel>$t_dir/vmlinuz</kernel><initrd>$t_dir/initrd</initrd><cmdline>$g_words</cmdline></os>
  <features><acpi/></features>
  <devices>
    <emulator>$(command -v qemu-system-x86_64)</emulator>
    $third
      <target dev='sdb' bus='sata'/></disk>
    <disk type='file'><driver name='qemu' type='qcow2'/><source file='$t_dir/one.qcow2'/>
      <target dev='vda' bus='virtio'/></disk>
    <disk type='file'><driver name='qemu' type='qcow2'/><source file='$t_dir/two.qcow2'/>
      <target dev='vdb' bus='virtio'/></disk>
    <disk type='file' device='cdrom'><target dev='sda' bus='sata'/><readonly/></disk>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    <serial type='file'><source path='$t_dir/console'/></serial>
    <controller type='usb' model='qemu-xhci'/>
    <memballoon model='none'/>
  </devices>
</domain>
END
}
# domain_on: it is started, and g_pid its QEMU
domain_on() {
    : > console
    virsh start web1 > virsh.txt 2>&1 || { sed 's/^/# /' virsh.txt; return 1; }
    g_pid=$(cat lv/run/qemu/web1.pid)
}
# job: which backup is at work, if any
job() { virsh backup-dumpxml web1 2> /dev/null; }
until_no_job() { # with a deadline
    local by=$((SECONDS + 60))
    while [ -n "$(job)" ]; do
        [ $SECONDS -lt $by ] || return 1
        read -r -t 0.05 _ <> <(:) || true
    done
}
checkpoints() { virsh checkpoint-list web1 --name | grep .; }
