# SPDX-License-Identifier: Apache-2.0
"""A QEMU's monitor, for benches: one connection, one command at a time."""
import json
import socket
import time


class Refused(Exception):
    """QEMU said no; its words."""


class Monitor:
    def __init__(self, path, seconds=60):
        by = time.monotonic() + seconds
        while True:
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                self.socket.connect(path)
                break
            except OSError:
                self.socket.close()
                if time.monotonic() > by:
                    raise
                time.sleep(0.02)
        self.socket.settimeout(600)
        self.lines = self.socket.makefile('r', encoding='utf-8')
        self.lines.readline()                              # its greeting
        self.call('qmp_capabilities')

    def call(self, command, **arguments):
        words = {'execute': command, 'arguments': arguments}
        self.socket.sendall(json.dumps(words).encode() + b'\n')
        while True:
            line = self.lines.readline()
            if not line:
                raise Refused(f'{command}: QEMU has ended')
            said = json.loads(line)
            if 'error' in said:
                raise Refused(f'{command}: {said["error"]["desc"]}')
            if 'return' in said:
                return said['return']

    def write(self, device, source, at, length):
        """What a guest would write with its device: length bytes of the file source.  QEMU
        prints where nobody reads; only a wrong command comes back."""
        said = self.call('human-monitor-command', **{
            'command-line': f'qemu-io -d {device} "write -s {source} {at} {length}"'})
        if said.strip():
            raise Refused(said.strip())

    def exports(self):
        return [export['id'] for export in self.call('query-block-exports')]

    def close(self):
        self.lines.close()
        self.socket.close()
