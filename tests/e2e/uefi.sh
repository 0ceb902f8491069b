#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Real UEFI firmware in flash: what it wrote there is in the point, and the machine that is restored
# from it has it.  The firmware's own shell sets and shows a variable.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
for tool in qemu-system-x86_64 qemu-img python3; do
    have $tool || { echo "1..0 # SKIP $tool is not installed"; exit 0; }
done
code=/usr/share/OVMF/OVMF_CODE_4M.fd template=/usr/share/OVMF/OVMF_VARS_4M.fd
[ -r $code ] && [ -r $template ] || { echo '1..0 # SKIP ovmf is not installed'; exit 0; }
u_pids=
u_end() { for pid in $u_pids; do kill -KILL "$pid"; tail --pid="$pid" -f /dev/null; done; u_pids=; } 2> /dev/null
trap 'u_end; t_end' EXIT
# shell SOCKET WORDS...: what the firmware's shell answers to each, on the serial line
shell() {
    python3 - "$@" << 'END_OF_TALK' > said.txt 2>&1
import re, socket, sys, time
line = socket.socket(socket.AF_UNIX)
line.connect(sys.argv[1])
line.settimeout(2)
end = time.monotonic() + 240

def ask(words):
    line.sendall(words.encode() + b"\r")
    heard = b""
    while b"Shell> " not in heard:
        assert time.monotonic() < end, heard
        try:
            more = line.recv(65536)
            assert more, "the machine has ended"
            heard += more
        except TimeoutError:  # before it is up it hears nothing
            if not words:
                line.sendall(b"\r")
    return re.sub(r"\x1b\[[0-9;=]*[A-Za-z]", "", heard.decode("ascii", "replace"))

ask("")
for words in sys.argv[2:]:
    print(ask(words))
END_OF_TALK
}

cp $template vars.fd
truncate -s 16M vda.raw
qemu-system-x86_64 -accel tcg -M q35 -m 128 -nodefaults -display none -name web1 \
    -blockdev driver=file,node-name=code,filename=$code,read-only=on \
    -blockdev driver=file,node-name=vars,filename=vars.fd -machine pflash0=code,pflash1=vars \
    -blockdev driver=file,node-name=vda,filename=vda.raw -device virtio-blk-pci,id=vda,drive=vda \
    -serial unix:"$t_dir/serial.sock",server=on,wait=off \
    -qmp unix:"$t_dir/mon.sock",server=on,wait=off -daemonize -pidfile qemu.pid &&
    u_pids=$(cat qemu.pid)
variable='Firn -guid 4d0d9b5c-4f0e-4e57-9d0c-7a2f6a1c0e11'
value='^6B 65 70 74 20 62 79 20 66 69 72 6E' # as the shell shows it
shell serial.sock "setvar $variable -bs -nv =S\"kept by firn\"" "setvar $variable" &&
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
