#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A machine of libvirt's that boots with UEFI firmware, for which libvirt makes the file of variables.
# What the firmware wrote there comes back in a machine of another name, which has it for its own.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
for tool in qemu-system-x86_64 qemu-img python3; do
    have $tool || { echo "1..0 # SKIP $tool is not installed"; exit 0; }
done
. "$here/uefi_lib.sh"
. "$here/libvirt_lib.sh"
leave() {
    virsh destroy web1
    virsh destroy web2
    libvirt_end
    t_end
} > /dev/null 2>&1
trap leave EXIT
# has NAME SOCKET WORDS: what the shell there shows of the variable, and its NAME
has() {
    shell "$2" "setvar $variable" && says said.txt "$3" "$1" || not_ok "$1" "$(cat said.txt)"
}

mkdir fw scratch
qemu-img create -q -f qcow2 fw/vda.qcow2 16M
chown -R 64055:64055 fw
chmod 755 fw scratch
cat > web1.xml << END
<domain type='qemu'>
  <name>web1</name>
  <memory unit='MiB'>128</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type>
    <loader readonly='yes' type='pflash'>$code</loader>
    <nvram template='$template'>$t_dir/fw/vars.fd</nvram></os>
  <features><acpi/></features>
  <devices>
    <emulator>$(command -v qemu-system-x86_64)</emulator>
    <disk type='file'><driver name='qemu' type='qcow2'/><source file='$t_dir/fw/vda.qcow2'/>
      <target dev='vda' bus='virtio'/></disk>
    <serial type='unix'><source mode='bind' path='$t_dir/fw/serial.sock'/></serial>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
  </devices>
</domain>
END
libvirt_start || { not_ok 'libvirtd starts'; done_testing; }
virsh define web1.xml > virsh.txt 2>&1 && virsh start web1 >> virsh.txt 2>&1 && ok 'libvirt starts it' ||
    { not_ok 'libvirt starts it' "$(cat virsh.txt)"; done_testing; }
shell fw/serial.sock "setvar $variable $new" || { not_ok 'a variable can be set' "$(cat said.txt)"; done_testing; }
has 'firmware has a variable' fw/serial.sock "$value"
cp fw/vars.fd kept.fd
if cmp -s $template kept.fd; then not_ok 'which it keeps in its chip'; else ok 'which it keeps in its chip'; fi
new_vault v
firn_is 0 'the machine is backed up while it runs' backup --connect "$l_uri" --scratch scratch vm:web1
shell fw/serial.sock "setvar $variable =S\"of later\"" || not_ok 'it can be set again' "$(cat said.txt)"
has 'later it has another value' fw/serial.sock '^6F 66 20 6C 61 74 65 72'
firn_is 0 'it is restored under another name' restore "$(point)" --as web2
same web2/nvram.fd kept.fd 'with what its firmware kept then'
chown -R 64055:64055 web2 # which libvirt does where it may label
virsh define web2/machine.xml > virsh.txt 2>&1 && virsh start web2 >> virsh.txt 2>&1 &&
    ok 'libvirt defines and starts it beside the old one' ||
    not_ok 'libvirt defines and starts it beside the old one' "$(cat virsh.txt web2/machine.xml)"
has 'and its firmware has the variable' web2/serial.sock "$value"
has 'the old one has its own' fw/serial.sock '^6F 66 20 6C 61 74 65 72'
done_testing
