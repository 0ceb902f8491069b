# SPDX-License-Identifier: Apache-2.0
"""A machine of libvirt's, by a libvirtd of the bench's own: for tools that know machines only
by libvirt.

It lives in a mount namespace in which libvirt's folders are empty and go with it, so that
neither another libvirtd nor its machines are touched.  No service manager is needed."""
import os
import shutil
import subprocess
import time

from kit.monitor import Monitor

NEEDED = ('libvirtd', 'virsh', 'virtnbdbackup')

# libvirt does not begin without the user that its package makes; only its name is needed.
START = r'''set -e
for folder in /etc/libvirt /run/libvirt /var/lib/libvirt /var/log/libvirt /var/cache/libvirt; do
    mkdir -p "$folder"
    mount -t tmpfs none "$folder"
done
for list in passwd group; do
    cp "/etc/$list" "$1/$list"
    grep -q '^libvirt-qemu:' "$1/$list" || case $list in
        passwd) echo 'libvirt-qemu:x:64055:64055::/nonexistent:/bin/false' >> "$1/$list" ;;
        group) echo 'libvirt-qemu:x:64055:' >> "$1/$list" ;;
    esac
    mount --bind "$1/$list" "/etc/$list"
done
cat > /etc/libvirt/qemu.conf <<END
user = "root"
group = "root"
security_driver = "none"
namespaces = []
cgroup_controllers = []
remember_owner = 0
stdio_handler = "file"
END
cat > "$1/libvirtd.conf" <<END
unix_sock_dir = "$1"
auth_unix_rw = "none"
END
exec libvirtd -f "$1/libvirtd.conf" -p "$1/libvirtd.pid"
'''

DOMAIN = '''<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>bench</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <devices>
    <emulator>{emulator}</emulator>
    <disk type='file' device='disk'>
      <driver name='qemu' type='{form}'/><source file='{disk}'/>
      <target dev='vda' bus='virtio'/><alias name='ua-vda'/>
    </disk>
    <controller type='usb' model='none'/><memballoon model='none'/>
  </devices>
  <qemu:commandline>
    <qemu:arg value='-qmp'/><qemu:arg value='unix:{folder}/mon,server=on,wait=off'/>
  </qemu:commandline>
</domain>
'''


def missing():
    """What of it is not installed."""
    return [name for name in NEEDED if not shutil.which(name)]


class Domain:
    """A machine whose processor stands still, with one disk, vda."""
    device = '/machine/peripheral/ua-vda/virtio-backend'

    def __init__(self, folder, disk, form):
        self.folder = folder
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        self.uri = f'qemu:///system?socket={folder}/libvirt-sock'
        self.monitor = None
        self.log = open(os.path.join(folder, 'libvirtd.log'), 'wb')
        self.daemon = subprocess.Popen(
            ['unshare', '-m', '--propagation', 'private', 'sh', '-c', START, 'sh', folder],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        try:
            self.start(disk, form)
        except BaseException:
            self.end()
            raise

    def start(self, disk, form):
        self.wait()
        xml = os.path.join(self.folder, 'bench.xml')
        with open(xml, 'w', encoding='ascii') as out:
            out.write(DOMAIN.format(emulator=shutil.which('qemu-system-x86_64'), form=form,
                                    disk=disk, folder=self.folder))
        self.virsh('define', xml)
        self.virsh('start', '--paused', 'bench')
        self.monitor = Monitor(os.path.join(self.folder, 'mon'))
        with open(f'/proc/{self.daemon.pid}/root/run/libvirt/qemu/bench.pid',
                  encoding='ascii') as pid:
            self.pid = int(pid.read())

    def wait(self):
        by = time.monotonic() + 60
        while subprocess.run(['virsh', '-q', '-c', self.uri, 'list'], check=False,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode:
            if self.daemon.poll() is not None or time.monotonic() > by:
                raise RuntimeError(f'libvirtd does not answer, see {self.log.name}')
            time.sleep(0.1)

    def virsh(self, *words):
        subprocess.run(['virsh', '-q', '-c', self.uri, *words], check=True,
                       stdout=subprocess.DEVNULL)

    def backup(self, level, to):
        """The command that backs the machine up into the folder ${to}: with lz4, which is the
        compression that the tool has."""
        return ['virtnbdbackup', '-U', self.uri, '-d', 'bench', '-l', level, '-n', '-z', '1',
                '-S', self.folder, '-f', os.path.join(self.folder, 'nbd'), '-o', to]

    def end(self):
        if self.monitor:
            self.monitor.close()
            self.virsh('destroy', 'bench')
        self.daemon.terminate()
        self.daemon.wait()
        self.log.close()
