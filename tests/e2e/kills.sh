#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Two processes back up into one vault and are killed at any moment, again and again.
# Afterwards the vault is sound and each listed point restores to a state that its disk had.
. "$(dirname "$0")/lib.sh"

rounds=20
[ -z "${FIRN_SLOW_BUILD:-}" ] || rounds=5
[ -z "${FIRN_SOAK:-}" ] || rounds=1000
new_vault v
disk one.raw 6000
disk two.raw 6000
killed=0 done=0
declare -A state
for ((i = 0; i < rounds; i++)); do
    pids=()
    for name in one two; do
        head -c 200000 /dev/urandom |
            dd of=$name.raw bs=64K seek=$((RANDOM * 150)) conv=notrunc status=none \
                iflag=fullblock oflag=seek_bytes
        state[$name $(sha256sum < $name.raw | cut -d ' ' -f 1)]=1
        "$firn" backup $name.raw > $name.out 2> $name.err &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do
        # a moment that grows from nothing to the time that a backup takes
        read -r -t "0.$(printf '%03d' $((RANDOM % 250)))" _ <> <(:) || true
        kill -KILL "$pid" 2> /dev/null && killed=$((killed + 1))
        wait "$pid" 2> /dev/null && done=$((done + 1))
    done
done
ok "$killed kills, $done backups came through"
firn_is 0 'a backup after all of it' backup one.raw
firn_is 0 'the vault is sound' verify --data
firn_is 0 'the points are listed' points --json
ids=$(python3 -c 'import json
for p in json.load(open("out"))["points"]: print(p["id"], p["machine"])') || ids=
[ -n "$ids" ] && ok "$(echo "$ids" | wc -l) points are there" || not_ok 'points are there'
while read -r id machine; do
    "$firn" restore --force "$id" back.raw > out 2> err ||
        { not_ok "point $id restores"; continue; }
    sum=$(sha256sum < back.raw | cut -d ' ' -f 1)
    [ -n "${state[$machine $sum]:-}" ] && ok "point $id is a state of $machine" ||
        not_ok "point $id is a state of $machine"
done <<< "$ids"
done_testing
