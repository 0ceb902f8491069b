# SPDX-License-Identifier: Apache-2.0
"""What each step measured, kept in a file, so that one table can be made in several sittings.

A file counts only for the very same programs, data and rounds: all of it stands in its key."""
import dataclasses
import hashlib
import json
import os

from kit import measure

FOLDER = 'measured'


def key_of(files, words):
    """A digest of these files' bytes and of these words."""
    digest = hashlib.sha256()
    for path in files:
        with open(path, 'rb') as source:
            digest.update(hashlib.sha256(source.read()).digest())
    digest.update(json.dumps(words).encode())
    return digest.hexdigest()


def begin(work, key):
    """From now on what is kept belongs to this key."""
    os.makedirs(os.path.join(work, FOLDER), exist_ok=True)
    with open(os.path.join(work, FOLDER, 'key'), 'w', encoding='ascii') as out:
        out.write(key)


def same(work, key):
    """Does what was kept before belong to this key?"""
    try:
        with open(os.path.join(work, FOLDER, 'key'), encoding='ascii') as source:
            return source.read() == key
    except OSError:
        return False


def path_of(work, step):
    return os.path.join(work, FOLDER, step + '.json')


def save(steps, name, when):
    """All that the step has left in steps, which nothing else has touched."""
    content = {
        'when': when,
        'runs': {tool: runs and [dataclasses.asdict(run) for run in runs]
                 for tool, runs in steps.runs[name].items()},
        'sizes': steps.sizes.get(name, {}),
        'added': steps.added.get(name, {}),
        'peaks': {peer.name: peer.peak for peer in steps.peers},
        'was_read': steps.was_read if name == 'untouched' else {},
        'scaling': [[gib, data, tool, dataclasses.asdict(run)]
                    for gib, data, tool, run in steps.scaling] if name == 'growth' else [],
        'empty': {tool: [dataclasses.asdict(there), dataclasses.asdict(back), *grown]
                  for tool, (there, back, *grown) in steps.empty.items()}
        if name == 'empty' else {},
        'index': steps.index if name == 'index' else [],
    }
    with open(path_of(steps.work, name), 'w', encoding='utf-8') as out:
        json.dump(content, out, indent=1)


def load(steps, name):
    """Put a kept step into steps; when it was measured, or nothing when there is none."""
    try:
        with open(path_of(steps.work, name), encoding='utf-8') as source:
            content = json.load(source)
    except OSError:
        return ''
    run = lambda fields: measure.Run(**fields)
    for tool, runs in content['runs'].items():
        steps.runs[name][tool] = runs and [run(fields) for fields in runs]
    if content['sizes']:
        steps.sizes[name] = content['sizes']
    if content['added']:
        steps.added[name] = content['added']
    for peer in steps.peers:
        peer.peak = max(peer.peak, tuple(content['peaks'].get(peer.name, (0.0, ''))))
    steps.was_read.update(content['was_read'])
    steps.scaling += [(gib, data, tool, run(fields))
                      for gib, data, tool, fields in content['scaling']]
    steps.empty.update({tool: (run(there), run(back), *grown)
                        for tool, (there, back, *grown) in content['empty'].items()})
    steps.index += content['index']
    return content['when']
