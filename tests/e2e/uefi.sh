#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Real UEFI firmware in flash: what it wrote there is in the point, and the machine that is restored
# from it has it.  The firmware's own shell sets and shows a variable.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
for tool in qemu-system-x86_64 qemu-img python3; do
    have $tool || { echo "1..0 # SKIP $tool is not installed"; exit 0; }
done
. "$here/uefi_lib.sh"
u_pids=
u_end() { for pid in $u_pids; do kill -KILL "$pid"; tail --pid="$pid" -f /dev/null; done; u_pids=; } 2> /dev/null
trap 'u_end; t_end' EXIT

cp $template vars.fd
truncate -s 16M vda.raw
qemu-system-x86_64 -accel tcg -M q35 -m 128 -nodefaults -display none -name web1 \
    -blockdev driver=file,node-name=code,filename=$code,read-only=on \
    -blockdev driver=file,node-name=vars,filename=vars.fd -machine pflash0=code,pflash1=vars \
    -blockdev driver=file,node-name=vda,filename=vda.raw -device virtio-blk-pci,id=vda,drive=vda \
    -serial unix:"$t_dir/serial.sock",server=on,wait=off \
    -qmp unix:"$t_dir/mon.sock",server=on,wait=off -daemonize -pidfile qemu.pid &&
    u_pids=$(cat qemu.pid)
shell serial.sock "setvar $variable $new" "setvar $variable" &&
    says said.txt "$value" 'firmware has a variable' || not_ok 'firmware has a variable' "$(cat said.txt)"
if cmp -s $template vars.fd; then not_ok 'which it keeps in its chip'; else ok 'which it keeps in its chip'; fi
new_vault v
firn_is 0 'the machine is backed up' backup qmp:"$t_dir/mon.sock"
firn_is 0 'and restored under another name' restore "$(point)" --as web2
same web2/nvram.fd vars.fd 'with what its firmware kept'
u_end
if web2/machine.sh > start.txt 2>&1; then u_pids=$(cat web2/qemu.pid) && ok 'it starts'
else not_ok 'it starts' "$(cat start.txt web2/machine.sh)"; fi
shell web2/serial.sock "setvar $variable" && says said.txt "$value" 'and its firmware has the variable' ||
    not_ok 'and its firmware has the variable' "$(cat said.txt)"
done_testing
