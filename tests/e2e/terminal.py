#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What firn asks at a terminal: a passphrase, twice where it is a new one, never shown.

usage: terminal.py FIRN
"""
import os
import pty
import select
import shutil
import sys
import tempfile
import termios
import time

firn = sys.argv[1]
number = failed = 0
SECONDS = 60


def check(good, name, *more):
    global number, failed
    number += 1
    failed += not good
    print(f"{'ok' if good else 'not ok'} {number} - {name}")
    for words in more if not good else ():
        print("# " + str(words).replace("\n", "\n# "))


class Terminal:
    """A program at a terminal of its own."""

    def __init__(self, *words):
        self.said = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.pop("FIRN_PASSPHRASE_FILE", None)
            os.execv(firn, [firn, *words])
        self.by = time.monotonic() + SECONDS

    def until(self, words):
        """Read until it says so; False at its end or the deadline."""
        while words not in self.said:
            ready = select.select([self.fd], [], [], max(0, self.by - time.monotonic()))[0]
            try:
                data = os.read(self.fd, 4096) if ready else b""
            except OSError:  # the other end is closed
                data = b""
            if not data:
                return False
            self.said += data.decode("utf-8", "replace")
        return True

    def answer(self, prompt, line):
        """Wait for the question and give the answer, which nothing may echo."""
        good = self.until(prompt)
        # the question stands there a moment before the terminal is silent
        while good and termios.tcgetattr(self.fd)[3] & termios.ECHO:
            if time.monotonic() > self.by:
                return False
            os.sched_yield()
        os.write(self.fd, line.encode() + b"\n")
        return good

    def end(self):
        self.until("\0 is never said")
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def asks_twice(vault, first, second):
    t = Terminal("init", "--kdf-memory", "8", vault)
    asked = t.answer(": ", first)
    t.said = ""
    again = t.answer("again: ", second)
    return asked and again, t.end(), t.said


folder = tempfile.mkdtemp(prefix="firn-e2e.")
try:
    os.environ["HOME"] = folder
    vault = os.path.join(folder, "v")
    asked, status, said = asks_twice(vault, "open sesame", "open sesam")
    check(asked, "a new passphrase is asked for twice", said)
    check(status == 2 and "SecretDiffers" in said, "two that differ are refused", status, said)
    check(not os.path.exists(vault), "and no vault is made")
    asked, status, said = asks_twice(vault, "open sesame", "open sesame")
    check(asked and status == 0, "two that agree make one", status, said)
    check("sesame" not in said, "and are not shown", said)
    t = Terminal("--vault", vault, "points")
    asked = t.answer(": ", "open sesame")
    status = t.end()
    check(asked and status == 0, "it opens the vault", status, t.said)
    t = Terminal("--vault", vault, "points")
    asked = t.answer(": ", "open barley")
    status = t.end()
    check(asked and status == 1, "another one does not", status, t.said)
finally:
    shutil.rmtree(folder)
print(f"1..{number}")
sys.exit(failed != 0)
