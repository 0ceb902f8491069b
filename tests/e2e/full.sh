#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# File systems that are really full: backups, a repair and a restore that do not fit.  The
# code says so, what is listed is whole, and with room again everything works.
. "$(dirname "$0")/lib.sh"

if [ "$(id -u)" -ne 0 ]; then
    echo '1..0 # SKIP needs root, to mount'
    exit 0
fi
try_mount() { # KIND
    mkdir -p small
    case $1 in
    tmpfs) mount -t tmpfs -o size=12m tmpfs small ;;
    ext4)
        truncate -s 16M image && mkfs.ext4 -q -m 0 image && mount -o loop image small
        ;;
    esac > mount.txt 2>&1 && t_mount=$t_dir/small
}
disk a.raw 1000
disk change.raw 400
head -c 20000000 /dev/urandom > big.raw
tried=0
for kind in tmpfs ext4; do
    if ! try_mount $kind; then
        skip "a full $kind" "$(head -n 1 mount.txt)"
        continue
    fi
    export FIRN_VAULT=$t_dir/small/v FIRN_PASSPHRASE_FILE=$t_dir/pass
    firn_is 0 "$kind: init" init --kdf-memory 8 small/v
    firn_is 0 "$kind: a backup that fits" backup a.raw
    pack=$(find small/v/packs -type f -printf '%s %p\n' | sort -rn | head -n 1 | cut -d ' ' -f 2)
    firn_is 1 "$kind: one that does not" backup big.raw
    code_is StoreFull 'it says so'
    head -c 30000000 /dev/zero > small/filler 2> /dev/null
    # a vault that is full to the last byte
    firn_is 1 "$kind: no room at all" backup --machine b change.raw
    code_is StoreFull 'it says so'
    firn_is 0 "$kind: the points are listed" points
    [ "$(grep -c ' a$' out)" -eq 1 ] && ! grep -q -e ' b$' -e big out && ok 'what failed is not' ||
        not_ok 'what failed is not'
    firn_is 0 "$kind: the vault is sound" verify
    firn_is 0 "$kind: restore" restore --force a back.raw
    same a.raw back.raw 'bit for bit'
    firn_is 1 "$kind: a restore that does not fit" restore a small/back.raw
    code_is RestoreTargetFull 'it says so'
    [ ! -e small/back.raw ] && ok 'no file is left' || not_ok 'no file is left'
    cp "$pack" whole
    chmod u+w "$pack"
    printf damage | dd of="$pack" bs=1 seek=100000 conv=notrunc status=none
    firn_is 1 "$kind: a repair that does not fit" verify --data --repair
    code_is StoreFull 'it says so'
    "$firn" restore --force a back.raw > out 2> err
    case $? in
    0 | 3) ok "$kind: it restores all the same" ;;
    *) not_ok "$kind: it restores all the same" ;;
    esac
    same a.raw back.raw 'bit for bit'
    rm -f small/filler
    firn_is 0 "$kind: with room again it is mended" verify --data --repair
    same "$pack" whole 'as it was'
    firn_is 0 "$kind: and takes backups" backup --machine b change.raw
    firn_is 0 "$kind: all is well" verify --data
    umount small && t_mount=
    tried=$((tried + 1))
done
[ $tried -gt 0 ] || skip 'a full disk' 'nothing can be mounted here'
done_testing
