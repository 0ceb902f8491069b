# SPDX-License-Identifier: Apache-2.0
"""Machines to back up: a QEMU whose processor stands still, and one with a guest that writes.

Both are TCG on purpose: that an accelerator starts does not prove that guests run with it."""
import os
import select
import signal
import subprocess

from kit.monitor import Monitor


class Machine:
    """A QEMU with one disk, vda, behind a gate that can hold up those who read it."""
    device = '/machine/peripheral/vda/virtio-backend'

    def __init__(self, folder, disk, form, more=()):
        self.folder = folder
        self.socket = os.path.join(folder, 'mon')
        self.pidfile = os.path.join(folder, 'qemu.pid')
        for name in (self.socket, self.socket + '2', self.pidfile):
            if os.path.lexists(name):
                os.unlink(name)
        words = [
            'qemu-system-x86_64', '-accel', 'tcg', '-M', 'q35', '-nodefaults',
            '-display', 'none', '-no-reboot', '-name', 'bench',
            '-object', 'throttle-group,id=gate',
            '-blockdev', f'driver=file,node-name=file,filename={disk}',
            '-blockdev', 'driver=throttle,node-name=gated,throttle-group=gate,file=file',
            '-blockdev', f'driver={form},node-name=vda,file=gated',
            '-device', 'virtio-blk-pci,id=vda,drive=vda',
            '-qmp', f'unix:{self.socket},server=on,wait=off',
            '-qmp', f'unix:{self.socket}2,server=on,wait=off',
            '-daemonize', '-pidfile', self.pidfile, *(more or ('-S', '-m', '64'))]
        subprocess.run(words, check=True)
        with open(self.pidfile, encoding='ascii') as pid:
            self.pid = int(pid.read())
        self.monitor = Monitor(self.socket + '2')

    def gate(self, speed):
        """Bytes a second that may be read of the disk; 0: open."""
        self.monitor.call('qom-set', path='/objects/gate', property='limits',
                          value={'bps-read': speed})

    def end(self):
        self.monitor.close()
        end_process(self.pid)


def end_process(pid):
    try:
        ended = os.pidfd_open(pid)
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    select.select([ended], [], [], 60)
    os.close(ended)


def writer_guest(tree, unpacked, folder, program):
    """Kernel and initrd of a guest that does nothing but run the program ${program}: the small
    guest of the tests with another first program laid over it."""
    subprocess.run([os.path.join(tree, 'tests', 'guest', 'mkguest'), unpacked, folder],
                   check=True, stdout=subprocess.DEVNULL)
    over = os.path.join(folder, 'over')
    os.makedirs(over, exist_ok=True)
    with open(os.path.join(over, 'init'), 'w', encoding='ascii') as out:
        out.write('#!/bin/sh\n'
                  'mount -t proc proc /proc\nmount -t sysfs sys /sys\n'
                  'mount -t devtmpfs dev /dev\n'
                  'while read -r module; do insmod "$module"; done < /mod/list\n'
                  'until [ -b /dev/vda ]; do sleep 0.1; done\n'
                  '/latency /dev/vda\n'
                  'echo "the writer has ended"\n'
                  'while :; do sleep 60; done\n')
    os.chmod(os.path.join(over, 'init'), 0o755)
    subprocess.run(['cc', '-O2', '-static', '-o', os.path.join(over, 'latency'), program],
                   check=True)
    archive = subprocess.run(
        [os.path.join(unpacked, 'bin', 'busybox'), 'cpio', '-o', '-H', 'newc'], cwd=over,
        input=b'.\ninit\nlatency\n', stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        check=True)
    with open(os.path.join(folder, 'initrd'), 'ab') as out:
        out.write(bytes(-out.tell() % 4) + archive.stdout)     # it is laid over the first
    return os.path.join(folder, 'vmlinuz'), os.path.join(folder, 'initrd')
