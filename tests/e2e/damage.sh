#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A vault that rots: found, named, mended from parity; what cannot be mended is named and
# costs only what it held.
. "$(dirname "$0")/lib.sh"

new_vault v
head -c 12000000 /dev/urandom > a.raw
firn_is 0 'backup' backup a.raw
head -c 300000 /dev/urandom > other.raw
firn_is 0 'backup of another' backup other.raw
pack=$(find v/packs -type f -printf '%s %p\n' | sort -rn | head -n 1 | cut -d ' ' -f 2)
chmod u+w "$pack"
cp -p "$pack" whole

spoil() { head -c 4096 /dev/urandom | dd of="$pack" bs=1 seek="$1" conv=notrunc status=none; }

spoil 1000000
firn_is 0 'the structure is sound' verify
firn_is 1 'verify --data finds it' verify --data
says out '^firn verify --data --repair mends' 'and says what mends it'
says out "$(basename "$pack")" 'it names the object'
[ "$(grep -o "$(basename "$pack")" out | wc -l)" = 1 ] && ok 'once' || not_ok 'once' "$(cat out)"
code_is VaultDamaged 'it says so'
"$firn" restore a b.raw > out 2> err
status=$?
[ $status -eq 3 ] || [ $status -eq 0 ] && ok 'it is mended while it is read' ||
    not_ok 'it is mended while it is read' "status $status"
same a.raw b.raw 'bit for bit'
firn_is 0 'repair' verify --data --repair
says out mended 'it says what it mended'
same "$pack" whole 'the pack is as it was'
firn_is 0 'all is well' verify --data

# far more than parity holds
head -c 6000000 /dev/urandom | dd of="$pack" bs=1M oflag=seek_bytes seek=1000000 conv=notrunc \
    status=none
firn_is 1 'more than parity can mend' verify --data --repair
code_is VaultDamaged 'it says so'
says out 'machine a, disk a' 'it names what is lost'
says out 'bytes at' 'and where'
rm -f b.raw
firn_is 1 'that disk does not restore' restore a b.raw
code_is BlockLost 'it says so'
says err "  because: frame 0 of $(echo "$pack" | cut -d / -f 2-) cannot be opened (FrameDamaged" \
    'and why'
[ ! -e b.raw ] && ok 'no file is left' || not_ok 'no file is left'
firn_is 0 'the other one does' restore other c.raw
same other.raw c.raw 'bit for bit'

rm "$pack"
firn_is 1 'a pack that is gone' verify
code_is VaultDamaged 'it says so'
says out "$(basename "$pack") is missing" 'it names the object'
firn_is 1 'for programs' verify --json
says out '"code": "ObjectMissing"' 'by its code'
cp whole "$pack"
firn_is 0 'put back from a copy' verify --data
done_testing
