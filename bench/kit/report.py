# SPDX-License-Identifier: Apache-2.0
"""Tables of what was measured: the same text for the terminal and for RESULTS.md."""
import statistics
import textwrap

MIB = 1 << 20

# step -> what it is, how many times faster than restic firn must be, how many times as long as
# the limit it may take.
ROWS = {
    'full': ('first full backup', 2.0, 1.2),
    'reread': ('same content, changed time stamps', 4.2, None),
    'untouched': ('untouched file', None, None),
    'day': ('a day later, by re-reading', 3.6, None),
    'list': ('a day later, by a list of changed blocks', 5.0, None),
    'second': ('a second, different machine', 2.5, None),
    'noise': ('incompressible', 2.7, None),
    'sparse': ('large sparse disk', 10.0, None),
    'restore': ('restore, byte-identical', 2.2, None),
    'verify': ('verify every byte', 1.9, None),
}
STATES = {'full': 'after full', 'day': 'a day later', 'second': 'second machine'}
MEMORY_MIB = 64
GROWTH_MIB = 0.02
BLOCK = 64 << 10                # less than one: a look at what format the file has
SIZE_TO_FLOOR = 1.03            # 2 % parity and 1 %


def table(head, rows):
    """A Markdown table whose columns line up as plain text too."""
    cells = [head] + [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    def line(row):
        parts = [row[0].ljust(widths[0])]
        parts += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        return '| ' + ' | '.join(parts) + ' |'
    rule = '|' + '|'.join(['-' * (widths[0] + 2)] + ['-' * (w + 1) + ':' for w in widths[1:]])
    return [line(cells[0]), rule + '|', *map(line, cells[1:])]


def verdict(value, need, at_least=True):
    """Whether a required figure was reached, and else by how much it was missed."""
    if value is None:
        return 'not measured'
    if value >= need if at_least else value <= need:
        return 'reached'
    return f'missed by {abs(value - need):.2g} ({abs(value - need) / need:.0%})'


class Report:
    def __init__(self, steps, peers):
        self.steps = steps
        self.peers = peers

    def runs(self, step, name):
        return self.steps.runs[step].get(name) or []

    def ratio(self, step, upper, lower):
        """Median of upper's time by lower's, round by round where both ran in the same round;
        with its least and greatest."""
        pairs = [x.wall / y.wall
                 for x, y in zip(self.runs(step, upper), self.runs(step, lower))]
        return (statistics.median(pairs), min(pairs), max(pairs)) if pairs else None

    def times(self, step, name):
        if name not in [peer.name for peer in self.peers]:
            return '-'
        runs = self.runs(step, name)
        if not runs:
            return 'failed' if name in self.steps.runs[step] else '-'
        walls = [run.wall for run in runs]
        text = f'{statistics.median(walls):.2f}'
        return text + (f' ({min(walls):.2f}-{max(walls):.2f})' if len(walls) > 1 else '')

    def noise(self, step):
        runs = self.runs(step, 'floor')
        return f'{runs[0].wall:.2f} / {runs[-1].wall:.2f}' if len(runs) > 1 else '-'

    def speed(self):
        names = ['floor', 'restic', 'borg', 'firn']
        rows, misses = [], []
        for step, (title, need, limit) in ROWS.items():
            if step not in self.steps.runs:
                continue
            by_restic = {name: self.ratio(step, 'restic', name) for name in names}
            by_floor = self.ratio(step, 'firn', 'floor')
            value = by_restic['firn'] and by_restic['firn'][0]
            wants, said = [], []
            if need:
                wants.append(f'>= {need:g} x restic')
                said.append(verdict(value, need))
            if limit:
                wants.append(f'<= {limit:g} x floor')
                said.append(verdict(by_floor and by_floor[0], limit, False))
            if step == 'untouched':
                wants.append('no block read')
                read = self.steps.was_read.get('firn')
                said.append('not measured' if read is None else 'reached' if read < BLOCK else
                            f'missed by {read / MIB:.1f} MiB')
            if self.steps.runs[step].get('firn', self) is None:
                said = ['missed: it failed']
            misses += [title for words in said if words.startswith('missed')]
            rows.append([title, *(self.times(step, name) for name in names), self.noise(step),
                         *(f'{by_restic[n][0]:.2f}' if by_restic[n] else '-'
                           for n in ('floor', 'borg', 'firn')),
                         f'{by_floor[0]:.2f}' if by_floor else '-',
                         '; '.join(wants), '; '.join(said)])
        head = ['step', *(f'{name} s' for name in names), 'floor first / last',
                'floor x restic', 'borg x restic', 'firn x restic', 'firn time / floor',
                'required', 'firn']
        return table(head, rows), misses

    def ratios(self):
        """The spread of the paired ratios."""
        rows = []
        for step in ROWS:
            for upper, lower in (('restic', 'firn'), ('restic', 'floor'), ('firn', 'floor')):
                found = self.ratio(step, upper, lower)
                if found and found[1] != found[2]:
                    rows.append([ROWS[step][0], f'{upper} / {lower}',
                                 *(f'{found[i]:.2f}' for i in (1, 0, 2))])
        return table(['step', 'times of', 'least', 'median', 'greatest'], rows)

    def processor(self):
        rows = []
        for step in ROWS:
            row = [statistics.median(run.cpu for run in self.runs(step, peer.name))
                   if self.runs(step, peer.name) else None for peer in self.peers]
            if any(row):
                rows.append([ROWS[step][0],
                             *('-' if cpu is None else f'{cpu:.2f}' for cpu in row)])
        return table(['step', *(peer.name for peer in self.peers)], rows)

    def memory(self):
        rows = []
        for peer in self.peers:
            mib, step = peer.peak
            said = verdict(mib, MEMORY_MIB, False) if peer.name == 'firn' else ''
            by_step = ', '.join(
                f'{name} {max(run.rss_mib for run in self.runs(name, peer.name)):.0f}'
                for name in self.steps.runs if self.runs(name, peer.name))
            rows.append([peer.name, f'{mib:.0f}', step, by_step,
                         f'<= {MEMORY_MIB}' if said else '', said])
        return table(['tool', 'MiB', 'in step', 'by step', 'required', 'verdict'], rows)

    def sizes(self):
        rows = []
        floor = {state: self.steps.sizes[state].get('floor') for state in STATES}
        for peer in self.peers:
            row, said = [peer.name], []
            for state in STATES:
                size = self.steps.sizes[state].get(peer.name)
                row.append(f'{size[0] / MIB:.1f}' if size else '-')
                row.append(f'{size[0] / floor[state][0]:.3f}' if size and floor[state] else '-')
                if peer.name == 'firn' and size and floor[state]:
                    said.append(verdict(size[0] / floor[state][0], SIZE_TO_FLOOR, False))
            rows.append(row + [f'<= {SIZE_TO_FLOOR} x floor' if said else '', '; '.join(said)])
        head = ['tool']
        for title in STATES.values():
            head += [title + ' MiB', 'x floor']
        return table(head + ['required', 'verdict'], rows)

    def added(self):
        rows = []
        for peer in self.peers:
            row, said = [peer.name], []
            for step in ('untouched', 'reread'):
                grown = self.steps.added[step].get(peer.name)
                row.append(f'{grown[0] / MIB:.4f} ({grown[1]:.0f} bytes)' if grown else '-')
                if peer.name == 'firn' and grown:
                    said.append(verdict(grown[0] / MIB, GROWTH_MIB, False))
            read = self.steps.was_read.get(peer.name)
            row.append('-' if read is None else f'{read / MIB:.1f}')
            rows.append(row + [f'<= {GROWTH_MIB} MiB' if said else '', '; '.join(said)])
        return table(['tool', 'untouched: MiB added', 're-read: MiB added',
                      'untouched: MiB read', 'required', 'verdict'], rows)

    def growth(self):
        rows = [[f'{gib}', f'{data}', name, f'{run.wall:.2f}', f'{run.cpu:.2f}',
                 f'{run.rss_mib:.0f}'] for gib, data, name, run in self.steps.scaling]
        return table(['disk GiB', 'data MiB', 'tool', 'time s', 'cpu s', 'memory MiB'], rows)

    def empty(self):
        rows = [[name, f'{there.wall:.2f}', f'{there.rss_mib:.0f}', f'{back.wall:.2f}',
                 f'{back.rss_mib:.0f}', f'{grown[0] / 1024:.0f} ({grown[1]} bytes)']
                for name, (there, back, *grown) in self.steps.empty.items()]
        return table(['tool', 'backup s', 'memory MiB', 'restore s', 'memory MiB',
                      'KiB added'], rows)

    def index(self):
        rows = []
        for one in self.steps.index:
            entries, built, asked = one['entries'], one['built'], one['asked']
            rows.append([f'{entries}', f'{built["seconds"]:.2f}',
                         f'{built["bytes"] / entries:.0f}', f'{asked["runs"]:.0f}',
                         f'{asked["open"] * 1000:.1f}', f'{asked["memory_open"] / MIB:.1f}',
                         *(f'{asked[name] / 1000:.1f}' for name in
                           ('known', 'unknown', 'known_threads', 'unknown_threads')),
                         f'{asked["memory"] / MIB:.1f}'])
        return table(['entries', 'build s', 'bytes / entry', 'runs', 'open ms', 'opened MiB',
                      'known k/s', 'unknown k/s', 'two threads: known', 'unknown',
                      'after lookups MiB'], rows)

    def parts(self):
        """(title, remark, table) of everything that was measured, and the rows missed."""
        done = self.steps.runs
        lines, misses = self.speed()
        yield ('Speed', 'Seconds of wall clock, median (least-greatest). "x restic" is speed: '
               'restic\'s time divided by the tool\'s, the median over rounds; beside the '
               'list of changed blocks restic re-reads. floor is the limit; its '
               'first and last run in a step are the noise of the machine, and a difference '
               'smaller than theirs says nothing.', lines)
        spread = self.ratios()
        if len(spread) > 2:
            yield 'Spread of the ratios, round by round', '', spread
        yield 'Processor seconds', 'User and system, all threads, median.', self.processor()
        yield 'Peak memory', 'Largest resident set of any process in any step.', self.memory()
        if self.steps.sizes:
            yield 'Vault size', 'Allocated on the disk.', self.sizes()
        if self.steps.added:
            yield ('An unchanged point', 'Allocated on the disk, and in length, per point. '
                   'Read: how much of the file lies in the page cache after a run that found '
                   'none of it there.', self.added())
        if 'growth' in done:
            yield ('From small to large', 'Sparse disks into an empty vault; the data grows '
                   'with the disk, in extents of 4 KiB to 4 MiB at even places.',
                   self.growth())
        if 'empty' in done:
            yield '1 TiB without data', 'One point into an empty vault, and back.', self.empty()
        if self.steps.index:
            yield ('The index alone', 'Runs as backups leave them, of random ids. Thousands of '
                   'lookups in a second, of ids that are there and of ids that are not, by '
                   'one thread and by two. Memory is what the index adds to the process. Bytes '
                   'count the runs that merging has superseded.', self.index())
        self.misses = misses

    def text(self, heading):
        lines = []
        for title, remark, rows in self.parts():
            lines += [f'{heading} {title}', '']
            lines += [*textwrap.wrap(remark, 96), ''] if remark else []
            lines += [*rows, '']
        return lines
