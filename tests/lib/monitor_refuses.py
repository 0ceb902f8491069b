#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Between firn and the monitor of a real QEMU: passes everything on, but for commands that have all
the words in them that are in FILE, where there is one: these it refuses as QEMU would.  One client
after the other, until it is killed, or nobody has come for a while.

usage: monitor_refuses.py LISTEN REAL FILE"""
import json
import os
import socket
import sys
import threading

IDLE_S = 300


def pump(firn, qemu):
    """What QEMU says, to firn."""
    try:
        while said := qemu.recv(65536):
            firn.sendall(said)
    except OSError:
        pass  # firn may go at any time


def is_refused(line, path):
    """Is it a command that is to be refused now?"""
    if not os.path.exists(path):
        return False
    with open(path, encoding="utf-8") as file:
        return all(word in line.decode() for word in file.read().split())


def serve(firn, qemu, path):
    """What firn asks, to QEMU or straight back."""
    for line in firn.makefile("rb"):
        if not is_refused(line, path):
            qemu.sendall(line)
            continue
        refusal = {"class": "GenericError", "desc": "the test says no"}
        answer = {"error": refusal, "id": json.loads(line)["id"]}
        firn.sendall(json.dumps(answer).encode() + b"\r\n")


def between(firn, qemu, path):
    """Until one of them goes."""
    back = threading.Thread(target=pump, args=(firn, qemu))
    back.start()
    try:
        serve(firn, qemu, path)
        qemu.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    back.join()


def main():
    """Listen, and serve."""
    listening = socket.socket(socket.AF_UNIX)
    listening.settimeout(IDLE_S)
    listening.bind(sys.argv[1] + ".new")
    listening.listen()
    os.rename(sys.argv[1] + ".new", sys.argv[1])
    while True:
        firn, _ = listening.accept()
        with firn, socket.socket(socket.AF_UNIX) as qemu:
            qemu.connect(sys.argv[2])
            between(firn, qemu, sys.argv[3])


main()
