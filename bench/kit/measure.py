# SPDX-License-Identifier: Apache-2.0
"""Running one command and saying what it took; page cache and machine."""
import dataclasses
import os
import platform
import re
import shutil
import signal
import subprocess
import threading
import time

LIMIT = 1200          # seconds after which a command is ended and counts as failed


@dataclasses.dataclass
class Run:
    """What one command took."""
    wall: float
    cpu: float
    rss_mib: float
    status: int
    last_word: str


def end_group(child):
    """End a command and what it started; it has a session of its own."""
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def run(argv, log, env=None, cwd=None):
    """Run argv, output to the file log.  GNU time counts, because a child of this process would
    be charged with its memory; the wall clock is read here, for more than two digits."""
    usage = log + '.usage'
    words = ['/usr/bin/time', '-q', '-f', '%U %S %M', '-o', usage, *argv]
    with open(log, 'wb') as output, open(log + '.errors', 'wb') as errors:
        start = time.perf_counter()
        child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=output, stderr=errors,
                                 env=env, cwd=cwd, start_new_session=True)
        # wait() with a limit would poll, up to 50 ms late; a timer does not
        guard = threading.Timer(LIMIT, end_group, [child])
        guard.start()
        try:
            status = child.wait()
        except BaseException:
            end_group(child)
            child.wait()
            raise
        finally:
            wall = time.perf_counter() - start
            guard.cancel()
    if status < 0:
        return Run(wall, 0.0, 0.0, status, '')
    with open(usage, encoding='ascii') as lines:
        user, system, rss = lines.read().split()[-3:]
    with open(log, encoding='utf-8', errors='replace') as lines:
        said = lines.read().split()
    return Run(wall, float(user) + float(system), int(rss) / 1024, status,
               said[-1] if said else '')


def warm(path):
    """Read what a file has of data, so that it lies in the page cache."""
    room = bytearray(4 << 20)
    fd = os.open(path, os.O_RDONLY)
    try:
        size, at = os.fstat(fd).st_size, 0
        while at < size:
            try:
                at = os.lseek(fd, at, os.SEEK_DATA)
            except OSError:               # only a hole is left
                break
            end = os.lseek(fd, at, os.SEEK_HOLE)
            while at < end:
                at += os.preadv(fd, [room], at) or end - at
    finally:
        os.close(fd)


def warm_tree(path):
    for folder, _, names in os.walk(path):
        for name in names:
            warm(os.path.join(folder, name))


def settle(path):
    """Wait until nothing has touched a file for so long that its times can be trusted."""
    while time.time() - os.stat(path).st_ctime < 3:
        time.sleep(0.25)


def chill(path):
    """Drop a file from the page cache: what is there later, somebody has read."""
    os.sync()
    fd = os.open(path, os.O_RDONLY)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(fd)


def resident(path):
    """Bytes of a file that lie in the page cache."""
    words = ['fincore', '--bytes', '--noheadings', '--output', 'RES', path]
    return int(subprocess.run(words, check=True, capture_output=True, text=True).stdout)


def tree_size(path):
    """Bytes of the files of a tree: as allocated on the disk, and as long as they are."""
    allocated = length = 0
    for folder, _, names in os.walk(path):
        for name in names:
            st = os.lstat(os.path.join(folder, name))
            allocated += st.st_blocks * 512
            length += st.st_size
    return allocated, length


def same_content(left, right):
    return subprocess.run(['cmp', '-s', left, right], check=False).returncode == 0


def first_line(*argv):
    """The first line that a command prints, or nothing when it cannot run."""
    try:
        done = subprocess.run(argv, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ''
    return (done.stdout.splitlines() or [''])[0]


def said(*argv):
    """What a command prints as NAME=VALUE, as a dict of numbers; ValueError when it fails."""
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=LIMIT)
    if done.returncode:
        raise ValueError(done.stderr.strip() or f'{argv[0]}: status {done.returncode}')
    return {name: float(value)
            for name, value in (word.split('=') for word in done.stdout.split())}


def field(path, name):
    try:
        with open(path, encoding='utf-8') as lines:
            for line in lines:
                key, _, value = line.partition('=' if '=' in line else ':')
                if key.strip() == name:
                    return value.strip().strip('"')
    except OSError:
        pass
    return ''


def machine(work):
    """Lines that describe where the figures come from."""
    wanted = ('sha_ni', 'aes', 'vaes', 'vpclmulqdq', 'gfni', 'avx2', 'avx512f', 'avx512bw',
              'sha2', 'pmull', 'sve')
    flags = set((field('/proc/cpuinfo', 'flags') or
                 field('/proc/cpuinfo', 'Features')).split())
    memory = int(re.sub(r'\D', '', field('/proc/meminfo', 'MemTotal')) or 0) / (1 << 20)
    where = first_line('df', '--output=fstype', work) and subprocess.run(
        ['df', '--output=fstype', work], capture_output=True, text=True,
        check=False).stdout.split()[-1]
    return [
        f'processor: {field("/proc/cpuinfo", "model name") or platform.machine()}, '
        f'{len(os.sched_getaffinity(0))} cores used; has '
        f'{", ".join(flag for flag in wanted if flag in flags) or "none of the useful flags"}',
        f'memory: {memory:.1f} GiB',
        f'system: {field("/etc/os-release", "PRETTY_NAME")}, kernel {platform.release()}, '
        f'{platform.machine()}',
        f'disk: {where}, images and repositories on the same file system',
        f'compiler: {first_line("cc", "--version")}',
        f'libcrypto {first_line("pkg-config", "--modversion", "libcrypto")}, '
        f'libzstd {first_line("pkg-config", "--modversion", "libzstd")}',
    ]


def copy_tree(source, target):
    shutil.rmtree(target, ignore_errors=True)
    subprocess.run(['cp', '-a', '--reflink=auto', source, target], check=True)
