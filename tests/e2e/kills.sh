#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Two processes back up into one vault and are killed at any moment, again and again.
# Afterwards the vault is sound and each listed point restores to a state that its disk had.
# Then init, key add and verify --repair are killed: what they had not finished hurts nobody.
. "$(dirname "$0")/lib.sh"

rounds=20
[ -z "${FIRN_SLOW_BUILD:-}" ] || rounds=5
[ -z "${FIRN_SOAK:-}" ] || rounds=1000
# after a moment that grows from nothing to the time that the work takes, at most $1 ms
a_moment() { read -r -t "0.$(printf '%03d' $((RANDOM % $1)))" _ <> <(:) || true; }
# killed MS ARGUMENT...: run firn and kill it; true when it was done before
killed() {
    local most=$1 pid
    shift
    "$firn" "$@" > out 2> err < /dev/null &
    pid=$!
    a_moment "$most"
    kill -KILL "$pid" 2> /dev/null
    wait "$pid" 2> /dev/null
}
# restored NAME: machine one restores to the disk that it has, mended on the way or not
restored() {
    "$firn" restore --force one back.raw > out 2> err
    case $? in
    0 | 3) same one.raw back.raw "$1" ;;
    *) not_ok "$1" ;;
    esac
}

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
        a_moment 250
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

# a repair: the pack is the damaged one or the mended one, and restores either way
firn_is 0 'a backup to repair' backup --reread one.raw
big=$(find v/packs -type f -printf '%s %p\n' | sort -rn | head -n 1 | cut -d ' ' -f 2)
cp "$big" whole
finished=0
for ((i = 0; i < rounds; i++)); do
    chmod u+w "$big"
    printf damage | dd of="$big" bs=1 seek=$((5000 + RANDOM)) conv=notrunc status=none
    killed 500 verify --data --repair && finished=$((finished + 1))
    if [ $((i % 5)) -eq 0 ]; then # so that damage does not add up beyond parity
        restored "after a killed repair ($i)"
        "$firn" verify --data --repair > out 2> err || not_ok 'repair after a killed repair'
    fi
done
ok "$finished of $rounds repairs came through"
restored 'after all of them'
firn_is 0 'one that is not killed' verify --data --repair
same "$big" whole 'the pack is as it was'
firn_is 0 'all is well' verify --data

# keys: one that was added opens, whatever else is half there
added=()
for ((i = 0; i < rounds && i < 20; i++)); do
    killed 150 key add --new-key-file "key$i" && added+=("key$i")
done
ok "${#added[@]} keys were added"
for key in "${added[@]}"; do
    firn_is 0 "$key opens the vault" points --key-file "$key"
done
firn_is 0 'the passphrase opens it' points
"$firn" verify --repair > out 2> err # a second copy of a slot may be missing
firn_is 0 'the vault is sound' verify
firn_is 0 'a key more' key add --new-key-file another
firn_is 0 'it opens the vault' points --key-file another
restored 'the disk is still there'

# init: there is a vault, or none, or remains that are told
made=0 none=0 remains=0
for ((i = 0; i < rounds; i++)); do
    export FIRN_VAULT=$t_dir/new$i
    if killed 150 init --kdf-memory 8 --passphrase-file pass "new$i"; then
        made=$((made + 1))
        "$firn" points > out 2> err || not_ok 'a vault that was made opens'
        continue
    fi
    if "$firn" init --kdf-memory 8 --passphrase-file pass "new$i" > out 2> err; then
        none=$((none + 1))
    elif grep -q -e 'explain VaultExists$' -e 'explain VaultRemains$' err; then
        remains=$((remains + 1))
        "$firn" points > out 2> err || grep -q 'explain VaultMissing$' err ||
            not_ok 'what is there opens or is none'
        continue
    else
        not_ok 'init after a killed init'
    fi
    "$firn" backup one.raw > out 2> err || not_ok 'the second init made a vault'
done
ok "$made vaults made, $none begun anew, $remains left as they were"
done_testing
