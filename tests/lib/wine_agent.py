#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
r"""wine_agent.py SOCKET LAUNCHER [FORBIDDEN] -- the guest agent of a Windows machine that is
a prefix of Wine ($WINEPREFIX): QEMU's protocol on a local socket, the commands carried out.

Programs run in Wine, by LAUNCHER (wine_launch.exe), in whose folder programs of tests stand
for those that Wine lacks.  Files are those of the prefix.  A restart ends the prefix's
wineserver and boots it again; then the number of the boot, which Windows counts in the
registry and Wine does not, is one more.  Of taskkill.exe, Wine's knows no /T, so it is done
here.  FORBIDDEN is a list of commands with commas between them.

Two files in C:\firn make trouble that tests need at one certain moment: "held", a number, for
as many exports of reg.exe that fail as while a scanner has their file open; "kill", a line
"N WORDS", for a client that is killed when the N-th program with these words in its command
line has ended, before it is told so.

Ends with its standard input."""
import base64
import json
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile

WINE = os.environ.get("FIRN_WINE", "wine")
WINESERVER = os.environ.get("FIRN_WINESERVER", "wineserver")
HELD, KILL = r"C:\firn\held", r"C:\firn\kill"
WAIT_S = 120
BOOT_KEY = (r"HKLM\SYSTEM\CurrentControlSet\Control\Session Manager"
            r"\Memory Management\PrefetchParameters")
OUTPUT_MAX = 16 << 20


class Refused(Exception):
    def __init__(self, words, kind="GenericError"):
        super().__init__(words)
        self.kind = kind


TRIES = 5  # as in wine_launch.c


class Program:
    def __init__(self, argv, env, data, capture):
        self.folder = tempfile.mkdtemp(prefix="firn-agent-")
        self.exit = os.path.join(self.folder, "exit")
        self.streams = []
        for name in ("out", "err"):
            self.streams.append(open(os.path.join(self.folder, name), "w+b"))
        self.capture = capture
        self.killed = False
        self.argv = argv
        self.env = env
        self.data = data
        self.tries = 0
        self.start()

    def start(self):
        self.tries += 1
        full = [WINE, LAUNCHER, "Z:" + self.exit.replace("/", "\\")] + self.argv
        self.process = subprocess.Popen(full, env=self.env, stdin=subprocess.PIPE,
                                        stdout=self.streams[0], stderr=self.streams[1],
                                        start_new_session=True)
        self.process.stdin.write(self.data)
        self.process.stdin.close()

    def kill(self):
        """The launcher's end ends its job."""
        self.killed = True
        os.killpg(self.process.pid, signal.SIGKILL)

    def forget(self):
        for f in self.streams:
            f.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def exitcode(self):
        """The program's; for one that was ended, what taskkill.exe leaves.  Where the launcher
        wrote none, this harness failed and not the program: that is told as such."""
        if self.killed:
            return 1
        try:
            with open(self.exit, encoding="ascii") as f:
                return int(f.read())
        except (OSError, ValueError) as e:
            self.streams[1].seek(0)
            words = self.streams[1].read(2000).decode(errors="replace")
            raise Refused("the launcher of %s ended with %d and left no exit code: %s; %s" % (
                self.argv, self.process.returncode, e, words)) from e

    def status(self):
        if self.process.poll() is None:
            return {"exited": False}
        # Wine ended the launcher before its first instruction: nothing has run
        if not self.killed and not os.path.exists(self.exit) and self.tries < TRIES:
            self.start()
            return {"exited": False}
        answer = {"exited": True, "exitcode": self.exitcode()}
        for name, f in zip(("out", "err"), self.streams):
            f.seek(0)
            data = f.read(OUTPUT_MAX + 1)
            if self.capture and data:
                answer[name + "-data"] = base64.b64encode(data[:OUTPUT_MAX]).decode()
                if len(data) > OUTPUT_MAX:
                    answer[name + "-truncated"] = True
        return answer


def quietly(argv):
    subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, check=True, timeout=WAIT_S)


class Agent:
    def __init__(self, forbidden):
        self.forbidden = forbidden
        self.programs = {}
        self.files = {}
        self.next = 1000
        self.client = None
        self.boots = 1
        self.tell_boot()

    def commands(self):
        return sorted(n[3:].replace("_", "-") for n in dir(self) if n.startswith("do_guest"))

    def run(self, request):
        name = request.get("execute", "")
        method = getattr(self, "do_" + name.replace("-", "_"), None)
        if method is None:
            raise Refused("The command %s has not been found" % name, "CommandNotFound")
        if name in self.forbidden:
            raise Refused("Der Befehl ist gesperrt", "CommandNotFound")
        return method(request.get("arguments", {}))

    # -- the agent --
    def do_guest_ping(self, _):
        return {}

    def do_guest_sync_delimited(self, a):
        return a["id"]

    def do_guest_info(self, _):
        return {"version": "108.0.2", "supported_commands": [
            {"name": n, "enabled": n not in self.forbidden, "success-response": True}
            for n in self.commands()]}

    def do_guest_get_osinfo(self, _):
        return {"id": "mswindows", "name": "Microsoft Windows", "version-id": "2019",
                "kernel-release": "17763", "machine": "x86_64", "variant": "server"}

    def do_guest_fsfreeze_status(self, _):
        return "thawed"

    # -- the machine --
    def tell_boot(self):
        quietly([WINE, "reg.exe", "add", BOOT_KEY, "/v", "BootId", "/t", "REG_DWORD",
                 "/d", str(self.boots), "/f"])

    def do_guest_shutdown(self, a):
        if a.get("mode") != "reboot":
            raise Refused("this machine can only be restarted")
        for p in self.programs.values():
            if p.process.poll() is None:
                p.kill()
        self.files.clear()
        for end in "-k", "-w", "-p":
            subprocess.run([WINESERVER, end], check=False, timeout=WAIT_S)
        quietly([WINE, "wineboot"])
        self.boots += 1
        self.tell_boot()
        return None

    # -- programs --
    def do_guest_exec(self, a):
        argv = [a["path"]] + a.get("arg", [])
        env = dict(os.environ)
        for pair in a.get("env", []):
            name, _, value = pair.partition("=")
            env[name] = value
        if argv[0] == "taskkill.exe":
            victim = self.programs.get(int(argv[argv.index("/PID") + 1]))
            if victim is not None and victim.process.poll() is None:
                victim.kill()
            argv = ["cmd.exe", "/c", "exit", "0"]
        if argv[:2] == ["reg.exe", "export"] and self.count_down(HELD, "") > 0:
            argv = ["cmd.exe", "/c", "exit", "1"]
        if "\\" in argv[0] and not os.path.exists(self.real(argv[0])):
            raise Refused("Guest agent command failed, error was 'Datei nicht gefunden'")
        p = Program(argv, env, base64.b64decode(a.get("input-data", "")),
                    a.get("capture-output", False))
        self.next += 1
        self.programs[self.next] = p
        if self.count_down(KILL, " ".join(argv)) == 1:
            self.kill_client(p)
        return {"pid": self.next}

    def count_down(self, path, line):
        """Does the file at ${path} begin with a number above 0, and are its other words in
        ${line}?  Then the number, which is one less afterwards; else 0."""
        path = self.real(path)
        if not os.path.exists(path):
            return 0
        with open(path, encoding="utf-8") as f:
            number, _, words = f.read().strip().partition(" ")
        if int(number) < 1 or words not in line:
            return 0
        with open(path, "w", encoding="utf-8") as f:
            f.write("%d %s" % (int(number) - 1, words))
        return int(number)

    def kill_client(self, program):
        program.process.wait(timeout=WAIT_S)
        peer = self.client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        os.kill(struct.unpack("3i", peer)[0], signal.SIGKILL)

    def do_guest_exec_status(self, a):
        p = self.programs.get(a["pid"])
        if p is None:
            raise Refused("Invalid parameter 'pid'")
        try:
            status = p.status()
        except Refused:
            self.end_of(a["pid"])
            raise
        if status["exited"]:
            self.end_of(a["pid"])
        return status

    def end_of(self, pid):
        self.programs.pop(pid).forget()

    # -- files --
    @staticmethod
    def real(path):
        """Where it lies on this machine; names of Windows know no case."""
        if len(path) < 3 or path[1] != ":":
            raise Refused("kein Pfad")
        at = os.path.join(os.environ["WINEPREFIX"], "dosdevices", path[:2].lower())
        for part in filter(None, path[2:].replace("/", "\\").split("\\")):
            names = os.listdir(at) if os.path.isdir(at) else []
            found = [n for n in names if n.lower() == part.lower()]
            at = os.path.join(at, found[0] if found else part)
        return at

    def do_guest_file_open(self, a):
        try:
            f = open(self.real(a["path"]), a.get("mode", "r").replace("b", "") + "b")
        except OSError as e:
            raise Refused("Datei kann nicht geoeffnet werden: %d" % e.errno) from e
        self.next += 1
        self.files[self.next] = f
        return self.next

    def file(self, a):
        if a["handle"] not in self.files:
            raise Refused("handle %d" % a["handle"])
        return self.files[a["handle"]]

    def do_guest_file_read(self, a):
        data = self.file(a).read(a.get("count", 4096))
        return {"count": len(data), "buf-b64": base64.b64encode(data).decode(),
                "eof": len(data) < a.get("count", 4096)}

    def do_guest_file_write(self, a):
        data = base64.b64decode(a["buf-b64"])
        return {"count": self.file(a).write(data), "eof": False}

    def do_guest_file_seek(self, a):
        return {"position": self.file(a).seek(a["offset"], a["whence"]), "eof": False}

    def do_guest_file_flush(self, a):
        self.file(a).flush()
        return {}

    def do_guest_file_close(self, a):
        self.file(a).close()
        del self.files[a["handle"]]
        return {}


def answer(agent, line):
    marked = b"\xff" in line
    try:
        request = json.loads(line.rsplit(b"\xff", 1)[-1])
        value = agent.run(request)
        if value is None:
            return b""
        reply = {"return": value}
    except (ValueError, KeyError, TypeError, OSError, subprocess.SubprocessError) as e:
        print("%r: %r" % (line, e), flush=True)
        return json.dumps({"error": {"class": "GenericError", "desc": str(e)}}).encode() + b"\n"
    except Refused as e:
        print("%s: %s" % (request.get("execute"), e), flush=True)
        reply = {"error": {"class": e.kind, "desc": str(e)}}
    if "id" in request:
        reply["id"] = request["id"]
    return (b"\xff" if marked else b"") + json.dumps(reply).encode() + b"\n"


def serve(agent, client):
    rest = b""
    agent.client = client
    while True:
        ready, _, _ = select.select([client, sys.stdin], [], [])
        if sys.stdin in ready and not os.read(sys.stdin.fileno(), 4096):
            return False
        if client not in ready:
            continue
        try:
            data = client.recv(1 << 20)
        except OSError: # a client that was killed may leave a reset in place of an end
            data = b""
        if not data:
            return True
        rest += data
        while b"\n" in rest:
            line, rest = rest.split(b"\n", 1)
            try:
                client.sendall(answer(agent, line))
            except OSError:
                return True


def main():
    agent = Agent(set(sys.argv[3].split(",")) if len(sys.argv) > 3 else set())
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(sys.argv[1] + ".new")
    listening.listen(4)
    os.rename(sys.argv[1] + ".new", sys.argv[1])
    while True:
        ready, _, _ = select.select([listening, sys.stdin], [], [])
        if sys.stdin in ready and not os.read(sys.stdin.fileno(), 4096):
            break
        if listening in ready and not serve(agent, listening.accept()[0]):
            break
    for p in agent.programs.values():
        if p.process.poll() is None:
            p.kill()
        p.forget()


LAUNCHER = os.path.abspath(sys.argv[2]) if len(sys.argv) > 2 else ""
main()
