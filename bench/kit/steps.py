# SPDX-License-Identifier: Apache-2.0
"""The steps of the benchmark: what is done, in which state, and what is kept of it.

A step is run by all tools in turn, then again, as often as there are rounds, so that a drift of
the machine touches all alike.  The limit is run first in every round and once more at the end;
its first and last run say how far the machine's own noise goes.  A step that changes a
repository starts every time from the same kept state."""
import collections
import os
import shutil
import sys

from kit import kept, measure
from kit.peers import Failed

LOOKUPS = 100000        # of each kind, in the step of the index

ORDER = ['full', 'untouched', 'reread', 'day', 'list', 'restore', 'verify', 'second', 'noise',
         'sparse', 'growth', 'empty', 'index']


class Steps:
    def __init__(self, data, work, peers, rounds, few, index_program, entries):
        self.data = data
        self.work = work
        self.peers = peers              # in the order of a round; the limit is the first
        self.index_program = index_program
        self.entries = entries          # sizes of index that are measured
        self.rounds = {name: few for name in ORDER}
        self.rounds.update(full=rounds, restore=rounds)
        self.sparse = sorted((int(name[7:-4]), name) for name in os.listdir(data)
                             if name.startswith('sparse-'))
        self.runs = collections.defaultdict(dict)       # step -> tool -> [Run]
        self.sizes = collections.defaultdict(dict)      # state -> tool -> (allocated, length)
        self.added = collections.defaultdict(dict)      # step -> tool -> bytes per point
        self.was_read = {}                              # tool -> bytes read of untouched file
        self.scaling = []                               # (GiB, data MiB, tool, Run)
        self.empty = {}
        self.index = []                                 # what bench-index said, a dict each
        self.failures = []
        self.broken = set()                             # tools without a first point

    def path(self, name):
        return os.path.join(self.data, name)

    def show(self, name, as_name):
        """Put an image where the tools look for it: the same path, another day's content."""
        folder = os.path.join(self.work, 'source')
        os.makedirs(folder, exist_ok=True)
        target = os.path.join(folder, as_name)
        if os.path.lexists(target):
            os.unlink(target)
        os.link(self.path(name), target)
        return target

    def attempt(self, step, peer, action):
        """One measured run; a failure is kept and told, and the others go on."""
        if self.runs[step].get(peer.name, self) is None:
            return None                 # it failed before in this step
        try:
            result = action(peer)
        except Failed as failure:
            self.failed(step, peer, str(failure))
            return None
        self.runs[step].setdefault(peer.name, []).append(result)
        print(f'  {step:<10}{peer.name:<8}{result.wall:8.2f} s {result.cpu:8.2f} s cpu'
              f'{result.rss_mib:8.0f} MiB', file=sys.stderr, flush=True)
        return result

    def failed(self, step, peer, words):
        self.runs[step][peer.name] = None
        self.failures.append(words)
        print(f'  {words}', file=sys.stderr, flush=True)

    def in_turn(self, step, action, peers=None):
        """All tools in turn, round after round; the limit once more at the end."""
        peers = peers or self.peers
        for peer in peers:
            if peer.name in self.broken and step != 'full':
                self.runs[step].setdefault(peer.name, None)
        for _ in range(self.rounds[step]):
            for peer in peers:
                self.attempt(step, peer, action)
        if peers[0] is self.peers[0]:
            self.attempt(step, peers[0], action)

    def note_sizes(self, state, step):
        for peer in self.peers:
            if self.runs[step].get(peer.name):
                self.sizes[state][peer.name] = peer.size()

    # Kept states.  full: one point of the first day; day: a point of the next day after it.
    # The steps full and day leave them; a run of single steps makes them without timing.

    def prepare_full(self):
        """The first day's file at its path, not touched since all tools stored it."""
        image = os.path.join(self.work, 'source', 'day.img')
        usable = [peer for peer in self.peers if peer.name not in self.broken]
        if not all(peer.has('full') for peer in usable):
            image = self.show('system.img', 'day.img')
            measure.settle(image)
            for peer in usable:
                try:
                    peer.start()
                    peer.backup(image, 'full', 'prepare')
                    peer.keep('full')
                except Failed as failure:
                    self.failed('full', peer, str(failure))
                    self.broken.add(peer.name)
        return image

    def expect_first_day(self):
        """Another day's file at the path: its times are not those that the tools stored."""
        image = os.path.join(self.work, 'source', 'day.img')
        if os.path.exists(image) and os.path.samefile(image, self.path('system.img')):
            return
        for peer in self.peers:
            peer.drop('full')

    def prepare_day(self):
        """The next day's file at the same path, not yet stored."""
        image = self.prepare_full()
        if not os.path.exists(image) or not os.path.samefile(image, self.path('nextday.img')):
            self.show('nextday.img', 'day.img')
        return image

    def bring_back(self, step, state):
        """All tools in a kept state; those that cannot get there are out of the step."""
        if state == 'full':
            self.expect_first_day()
        image = self.prepare_day() if state == 'day' else self.prepare_full()
        for peer in self.peers:
            if peer.name in self.broken:
                self.runs[step].setdefault(peer.name, None)
                continue
            try:
                if not peer.has(state):
                    peer.bring_back('full')
                    peer.backup(image, state, 'prepare')
                    peer.keep(state)
                peer.bring_back(state)
            except Failed as failure:
                self.failed(step, peer, str(failure))
        return image

    def backup(self, peer, image, label, step, changed=None):
        measure.warm(image)
        os.sync()
        return peer.backup(image, label, step, changed)

    def step_full(self):
        image = self.show('system.img', 'day.img')
        measure.settle(image)

        def action(peer):
            peer.start()
            return self.backup(peer, image, 'full', 'full')

        self.in_turn('full', action)
        self.note_sizes('full', 'full')
        for peer in self.peers:
            if self.runs['full'].get(peer.name):
                peer.keep('full')
            else:
                self.broken.add(peer.name)

    def unchanged(self, step, image, before):
        """Points of the same content: how long, and how much the repository grows by each."""
        counts = collections.Counter()
        starts = {peer.name: peer.size() for peer in self.peers}

        def action(peer):
            before()
            counts[peer.name] += 1
            return self.backup(peer, image, f'{step}{counts[peer.name]}', step)

        self.in_turn(step, action)
        for peer in self.peers:
            if self.runs[step].get(peer.name):
                grown = peer.size()
                self.added[step][peer.name] = tuple(
                    (now - then) / counts[peer.name]
                    for now, then in zip(grown, starts[peer.name]))

    def step_untouched(self):
        """The file is as the last point left it.  After the timed runs it is dropped from the
        page cache, and a further run shows by what is there later how much was read."""
        image = self.bring_back('untouched', 'full')
        self.unchanged('untouched', image, lambda: None)
        for peer in self.peers:
            if not self.runs['untouched'].get(peer.name):
                continue
            measure.chill(image)
            left = measure.resident(image)
            try:
                peer.backup(image, 'cold', 'untouched-cold')
            except Failed as failure:
                self.failed('untouched', peer, str(failure))
                continue
            self.was_read[peer.name] = max(0, measure.resident(image) - left)

    def step_reread(self):
        image = self.bring_back('reread', 'full')
        self.unchanged('reread', image, lambda: os.utime(image))

    def step_day(self):
        image = self.prepare_day()

        def action(peer):
            peer.bring_back('full')
            return self.backup(peer, image, 'day', 'day')

        self.in_turn('day', action)
        self.note_sizes('day', 'day')
        for peer in self.peers:
            if self.runs['day'].get(peer.name):
                peer.keep('day')

    def step_list(self):
        """By the list; restic, which cannot, reads all beside it: rounds are compared only
        with what ran in the same minutes."""
        image = self.prepare_day()
        beside = [peer for peer in self.peers if peer.by_list or peer.name == 'restic']

        def action(peer):
            peer.bring_back('full')
            return self.backup(peer, image, 'day', 'list',
                               self.path('nextday.list') if peer.by_list else None)

        self.in_turn('list', action, beside)
        for peer in beside:
            if peer.by_list and self.runs['list'].get(peer.name):
                self.check_restored('list', peer, 'day', image, 'nextday.img')

    def check_restored(self, step, peer, label, image, original):
        """An untimed restore: a fast point that is wrong is no point."""
        try:
            _, where = peer.restore(label, image, 'check')
            if not measure.same_content(where, self.path(original)):
                self.failed(step, peer, f'{peer.name}: step {step} restores other content')
        except Failed as failure:
            self.failed(step, peer, str(failure))
        peer.drop_restored()

    def step_restore(self):
        image = self.bring_back('restore', 'day')

        def action(peer):
            measure.warm_tree(peer.repo)
            os.sync()
            result, where = peer.restore('day', image, 'restore')
            same = measure.same_content(where, self.path('nextday.img'))
            peer.drop_restored()
            if not same:
                raise Failed(f'{peer.name}: what was restored differs')
            return result

        self.in_turn('restore', action)

    def step_verify(self):
        self.bring_back('verify', 'day')

        def action(peer):
            measure.warm_tree(peer.repo)
            os.sync()
            return peer.verify('verify')

        self.in_turn('verify', action)

    def step_second(self):
        self.bring_back('second', 'day')
        image = self.show('other.img', 'other.img')

        def action(peer):
            peer.bring_back('day')
            return self.backup(peer, image, 'other', 'second')

        self.in_turn('second', action)
        self.note_sizes('second', 'second')

    def alone(self, step, name):
        """A disk into an empty repository."""
        image = self.show(name, name)

        def action(peer):
            peer.start()
            return self.backup(peer, image, step, step)

        self.in_turn(step, action)
        for peer in self.peers:
            if peer.name == 'firn' and self.runs[step].get('firn'):
                self.check_restored(step, peer, step, image, name)

    def step_noise(self):
        self.alone('noise', 'noise.img')

    def step_sparse(self):
        self.alone('sparse', self.sparse[-1][1])

    def step_growth(self):
        """The limit and firn over disks of growing size, data growing alike."""
        for gib, name in self.sparse:
            image = self.show(name, name)
            for peer in self.peers:
                if peer.by_list:
                    def action(peer, image=image):
                        peer.start()
                        return self.backup(peer, image, 'grown', 'growth')
                    result = self.attempt('growth', peer, action)
                    if result:
                        data = os.stat(image).st_blocks * 512 >> 20
                        self.scaling.append((gib, data, peer.name, result))

    def step_empty(self):
        """1 TiB without a byte of data, there and back."""
        image = self.show('empty.img', 'empty.img')
        for peer in self.peers:
            if not peer.by_list:
                continue
            peer.start()
            start = peer.size()
            result = self.attempt('empty', peer, lambda p: p.backup(image, 'empty', 'empty'))
            if not result:
                continue
            grown = peer.size()
            try:
                back, where = peer.restore('empty', image, 'empty-restore')
            except Failed as failure:
                self.failed('empty', peer, str(failure))
                continue
            st = os.stat(where)
            if st.st_size != os.stat(image).st_size or st.st_blocks:
                self.failed('empty', peer, f'{peer.name}: the empty disk came back otherwise')
            self.empty[peer.name] = (result, back, grown[0] - start[0], grown[1] - start[1])
            peer.drop_restored()

    def step_index(self):
        """The index alone: one process builds it, another asks it, each of them once."""
        vault = os.path.join(self.work, 'index')
        for entries in self.entries:
            shutil.rmtree(vault, ignore_errors=True)
            try:
                built = measure.said(self.index_program, 'build', vault, str(entries))
                os.sync()
                asked = measure.said(self.index_program, 'ask', vault, str(entries),
                                     str(LOOKUPS))
            except (OSError, ValueError) as failure:
                self.failures.append(f'index of {entries} entries: {failure}')
                print(f'  {failure}', file=sys.stderr, flush=True)
                continue
            self.index.append({'entries': entries, 'built': built, 'asked': asked})
            print(f'  {entries} entries: built in {built["seconds"]:.1f} s, '
                  f'{asked["unknown"]:.0f} lookups/s', file=sys.stderr, flush=True)
        shutil.rmtree(vault, ignore_errors=True)

    def clear(self, but):
        for name in (os.listdir(self.work) if os.path.isdir(self.work) else []):
            if name not in but:
                shutil.rmtree(os.path.join(self.work, name), ignore_errors=True)

    def run(self, names, key, when, resume):
        """The steps in their order; *when* is today as it goes into the record.  With resume,
        what these very programs were measured in before is taken from there.  Returns the
        days on which the steps were measured."""
        self.clear(('floor.bin', 'states', 'source', kept.FOLDER)
                   if resume and kept.same(self.work, key) else ('floor.bin',))
        kept.begin(self.work, key)
        days = []
        for name in ORDER:
            if name not in names:
                continue
            day = kept.load(self, name) if resume else ''
            print(f'{name}: {"measured before" if day else ""}', file=sys.stderr, flush=True)
            days.append(day or when)
            if day:
                continue
            failed_before = len(self.failures)
            try:
                getattr(self, 'step_' + name)()
            except Failed as failure:
                self.failures.append(str(failure))
                print(f'  {failure}', file=sys.stderr, flush=True)
            if len(self.failures) == failed_before:
                kept.save(self, name, when)
        return days
