# SPDX-License-Identifier: Apache-2.0
# UEFI firmware for machines of the tests, and its shell on the serial line; sourced after lib.sh.
code=/usr/share/OVMF/OVMF_CODE_4M.fd template=/usr/share/OVMF/OVMF_VARS_4M.fd
[ -r $code ] && [ -r $template ] || { echo '1..0 # SKIP ovmf is not installed'; exit 0; }
variable='Firn -guid 4d0d9b5c-4f0e-4e57-9d0c-7a2f6a1c0e11'
new='-bs -nv =S"kept by firn"' # what it becomes,
value='^6B 65 70 74 20 62 79 20 66 69 72 6E' # and how the shell shows it
# shell SOCKET WORDS...: what the firmware's shell answers to each, on the serial line
shell() {
    python3 - "$@" << 'END_OF_TALK' > said.txt 2>&1
import re, socket, sys, time
line = socket.socket(socket.AF_UNIX)
line.connect(sys.argv[1])
line.settimeout(2)
end = time.monotonic() + 240

def plain(heard):
    return re.sub(r"\x1b\[[0-9;=]*[A-Za-z]", "", heard.decode("ascii", "replace"))

def ask(words):
    line.sendall(words.encode() + b"\r")
    heard = b""
    # a prompt behind the echo: others may come from what it was sent before it was up
    answer = re.compile(re.escape(words[:6]) + ".*Shell> ", re.DOTALL)
    while not answer.search(plain(heard)):
        assert time.monotonic() < end, heard
        try:
            more = line.recv(65536)
            assert more, "the machine has ended"
            heard += more
        except TimeoutError:  # before it is up it hears nothing
            if not words:
                line.sendall(b"\r")
    return plain(heard)

ask("")
for words in sys.argv[2:]:
    print(ask(words))
END_OF_TALK
}
