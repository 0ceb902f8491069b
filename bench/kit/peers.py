# SPDX-License-Identifier: Apache-2.0
"""The tools that are compared.  Each is a set of command lines over one folder of its own."""
import os
import re
import shutil
import subprocess

from kit import measure

PASSPHRASE = 'only for benchmarks'


class Failed(Exception):
    """A tool's command failed; its words are in the log that is named."""


class Peer:
    """A tool with its live folder, of which states are kept and brought back.

    The live folder has the same path all the time: repo/ is what is measured as the vault,
    home/ is what the tool remembers about it."""
    name = ''
    by_list = False                 # can take a list of changed blocks

    def __init__(self, work):
        self.live = os.path.join(work, self.name)
        self.states = os.path.join(work, 'states')
        self.logs = os.path.join(work, 'logs')
        self.repo = os.path.join(self.live, 'repo')
        self.home = os.path.join(self.live, 'home')
        self.peak = (0.0, '')       # MiB, and in which step

    # What a tool has to say

    def version(self):
        """Its version, or nothing when it is not there."""
        raise NotImplementedError

    def init_words(self):
        return None

    def backup_words(self, image, label, changed):
        raise NotImplementedError

    def restore_words(self, label, out, image):
        """The command, to out if it may say, and where it leaves the disk."""
        raise NotImplementedError

    def verify_words(self):
        raise NotImplementedError

    def environment(self):
        return {}

    # What is the same for all

    def command(self, words, step, cwd=None):
        """Run one command of this tool; Failed when it does."""
        os.makedirs(self.logs, exist_ok=True)
        log = os.path.join(self.logs, f'{self.name}.{step}')
        env = dict(os.environ, LC_ALL='C', TZ='UTC', HOME=self.home,
                   XDG_CACHE_HOME=f'{self.home}/cache', XDG_STATE_HOME=f'{self.home}/state',
                   XDG_DATA_HOME=f'{self.home}/data', XDG_CONFIG_HOME=f'{self.home}/config',
                   **self.environment())
        result = measure.run(words, log, env, cwd)
        if result.status != 0:
            raise Failed(f'{self.name}: status {result.status} in step {step}, '
                         f'see {log}.errors')
        if result.rss_mib > self.peak[0]:
            self.peak = (result.rss_mib, step)
        return result

    def start(self):
        """An empty repository."""
        shutil.rmtree(self.live, ignore_errors=True)
        os.makedirs(self.home)
        with open(self.passphrase_file(), 'w', encoding='ascii') as out:
            out.write(PASSPHRASE + '\n')
        os.chmod(self.passphrase_file(), 0o600)
        words = self.init_words()
        if words:
            self.command(words, 'init')

    def passphrase_file(self):
        return os.path.join(self.home, 'passphrase')

    def backup(self, image, label, step, changed=None):
        result = self.command(self.backup_words(image, label, changed), step)
        with open(os.path.join(self.live, label + '.point'), 'w', encoding='utf-8') as out:
            out.write(result.last_word)
        return result

    def point(self, label):
        with open(os.path.join(self.live, label + '.point'), encoding='utf-8') as source:
            return source.read()

    def restore(self, label, image, step):
        out = os.path.join(self.live, 'out')
        shutil.rmtree(out, ignore_errors=True)
        os.makedirs(out)
        words, where = self.restore_words(label, os.path.join(out, 'disk.img'), image)
        return self.command(words, step, cwd=out), where

    def drop_restored(self):
        shutil.rmtree(os.path.join(self.live, 'out'), ignore_errors=True)

    def verify(self, step):
        return self.command(self.verify_words(), step)

    def size(self):
        os.sync()
        return measure.tree_size(self.repo)

    def keep(self, state):
        os.makedirs(self.states, exist_ok=True)
        measure.copy_tree(self.live, os.path.join(self.states, f'{self.name}.{state}'))

    def has(self, state):
        return os.path.isdir(os.path.join(self.states, f'{self.name}.{state}'))

    def drop(self, state):
        shutil.rmtree(os.path.join(self.states, f'{self.name}.{state}'), ignore_errors=True)

    def bring_back(self, state):
        measure.copy_tree(os.path.join(self.states, f'{self.name}.{state}'), self.live)


class Floor(Peer):
    """The limit: bench/floor.c."""
    name = 'floor'
    by_list = True

    def __init__(self, work, program):
        super().__init__(work)
        self.program = program

    def version(self):
        return 'floor.c of this tree'

    def start(self):
        super().start()
        os.makedirs(self.repo)

    def map_of(self, label):
        return os.path.join(self.repo, label + '.map')

    def backup_words(self, image, label, changed):
        words = [self.program, 'backup', f'{self.repo}/store', image, self.map_of(label)]
        return words + [changed, self.map_of('full')] if changed else words

    def restore_words(self, label, out, image):
        return [self.program, 'restore', f'{self.repo}/store', self.map_of(label), out], out

    def verify_words(self):
        return [self.program, 'verify', f'{self.repo}/store']


class Firn(Peer):
    name = 'firn'
    by_list = True

    def __init__(self, work, program):
        super().__init__(work)
        self.program = program

    def version(self):
        if not os.access(self.program, os.X_OK):
            return ''
        tree = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        said = measure.first_line(self.program, '--version')
        commit = measure.first_line('git', '-C', tree, 'rev-parse', '--short', 'HEAD')
        return ' '.join(filter(None, [said if re.search(r'\d', said) else '',
                                      commit and f'commit {commit}'])) or 'unknown version'

    def environment(self):
        return {'FIRN_PASSPHRASE_FILE': self.passphrase_file()}

    def init_words(self):
        return [self.program, 'init', self.repo]

    def backup_words(self, image, label, changed):
        words = [self.program, 'backup', image, '--vault', self.repo]
        return words + ['--changed', changed] if changed else words

    def restore_words(self, label, out, image):
        return [self.program, 'restore', self.point(label), out, '--vault', self.repo], out

    def verify_words(self):
        return [self.program, 'verify', '--data', '--vault', self.repo]


class Restic(Peer):
    name = 'restic'

    def version(self):
        return measure.first_line('restic', 'version')

    def environment(self):
        return {'RESTIC_REPOSITORY': self.repo, 'RESTIC_PASSWORD_FILE': self.passphrase_file(),
                'RESTIC_CACHE_DIR': f'{self.home}/cache'}

    def init_words(self):
        return ['restic', '-q', 'init']

    def backup_words(self, image, label, changed):
        return ['restic', '-q', 'backup', '--host', machine_of(image), '--tag', label, image]

    def restore_words(self, label, out, image):
        target = os.path.dirname(out)
        return ['restic', '-q', 'restore', 'latest', '--tag', label, '--target',
                target], target + image

    def verify_words(self):
        return ['restic', '-q', 'check', '--read-data']


class Borg(Peer):
    """With what its manual advises for disks, at the compression of the others."""
    name = 'borg'

    def version(self):
        return measure.first_line('borg', '--version')

    def environment(self):
        return {'BORG_REPO': self.repo, 'BORG_PASSPHRASE': PASSPHRASE,
                'BORG_BASE_DIR': self.home}

    def init_words(self):
        return ['borg', 'init', '-e', 'repokey']

    def backup_words(self, image, label, changed):
        return ['borg', 'create', '-C', 'zstd,3', '--sparse', '--chunker-params',
                'fixed,4194304', '::' + label, image]

    def restore_words(self, label, out, image):
        return ['borg', 'extract', '--sparse', '::' + label], os.path.dirname(out) + image

    def verify_words(self):
        return ['borg', 'check', '--verify-data']


def machine_of(image):
    return os.path.splitext(os.path.basename(image))[0]


def build_floor(source, target):
    """Compile the limit for this very processor: a limit that is too slow would flatter."""
    words = [os.environ.get('CC', 'cc'), '-std=gnu17', '-O3', '-march=native', '-D_GNU_SOURCE',
             '-D_FILE_OFFSET_BITS=64', '-Wall', '-Wextra', '-o', target, source, '-lzstd',
             '-lcrypto', '-lpthread']
    subprocess.run(words, check=True)
