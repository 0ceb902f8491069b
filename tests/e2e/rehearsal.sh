#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The rehearsal of a backup on a machine without a guest system: what stands in the way of the
# copy and of the vault, each by its code, and that nothing is left anywhere.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
monitor=$2
for tool in qemu-system-x86_64 qemu-img qemu-io; do
    have $tool || { echo "1..0 # SKIP $tool is not installed"; exit 0; }
done
. "$here/vm_lib.sh"
. "$here/rehearsal_lib.sh"

rehearse() { # STATUS NAME ARGUMENT...
    want=$1 name=$2
    shift 2
    firn_is "$want" "$name" doctor --json qmp:"$v_mon" "$@"
}
picture() { find "$1" -type f -exec sha256sum {} + | sort; } # of a vault
bitmaps_left() { ctl query-named-block-nodes '{"flat": true}' | grep -c '"name": "firn-'; }

new_disks
new_vault v
vm_start || { not_ok 'a machine'; done_testing; }
guest_write vda 0x61 1M 20M

# ---- all is well ----
picture v > before
firn_is 0 'a machine that is ready' doctor qmp:"$v_mon"
[ "$(tail -n 1 out)" = ready ] && ok 'its last word' || not_ok 'its last word'
says out 'vault write *ok *1 MiB written in [0-9]* ms, read back, removed again' 'the vault was written to'
says out 'freeze *ok *crash-consistent.*QEMU took [0-9.]* ms' 'the disks were held still'
says out 'bitmaps *ok *vda: in the image' 'a bitmap that lasts'
says out 'bitmaps *ok *vdb: in QEMU' 'and one that does not'
says out 'agent *- *there is none, or none was named' 'what nobody asked for is told once'
clean 'nothing is left in the machine'
[ "$(bitmaps_left)" -eq 0 ] && ok 'not a bitmap either' || not_ok 'not a bitmap either'
picture v > after
same before after 'nothing is left in the vault'
rehearse 0 'for programs'
row copy ok '' 'the disks were read'
row 'vault room' ok '' 'the room was looked at'
grep -q '"outcome": "ready"' out && ok 'ready' || not_ok 'ready'
env -u FIRN_VAULT "$firn" doctor qmp:"$v_mon" > out 2> err && ok 'without a vault' || not_ok 'without a vault'
says out 'vault *- *no vault was named' 'which is said'
"$firn" backup qmp:"$v_mon" > out 2> err || not_ok 'a backup'
guest_write vda 0x62 4M 64K
rehearse 0 'after a backup'
grep -q 'next backup reads is 64 KiB at most' out && ok 'its bitmap counts' || not_ok 'its bitmap counts'
bitmaps 'the bitmaps of the backup stay, and no others'
"$firn" backup qmp:"$v_mon" > out 2> err && ok 'and the next one goes by them' || not_ok 'and the next one goes by them'

# ---- the vault ----
"$firn" key export-writer writer web1 > out 2> err && "$firn" key export-writer other web2 >> out 2>> err ||
    not_ok 'writer keys'
picture v > before
rehearse 0 'a key that can only write' --writer-key writer
grep -q 'this key may write, and not read' out && ok 'is told' || not_ok 'is told'
row 'vault write' ok '' 'and is enough'
picture v > after
same before after 'nothing is left with it either'
rehearse 1 'a key of another machine' --writer-key other
row 'vault write' fails WriterMachineDenied 'is told by its code'
echo wrong > wrong
rehearse 1 'a wrong passphrase' --passphrase-file wrong
row vault fails VaultKeyWrong 'is told by its code'
finding RehearsalFails 'as the failure of the command' vm=web1 n=1
row 'vault write' impossible '' 'and hides nothing else'
row copy ok '' 'the machine is looked at all the same'
firn_is 1 'for people' doctor qmp:"$v_mon" --passphrase-file wrong
[ "$(tail -n 1 out)" = fails ] && ok 'its last word' || not_ok 'its last word'
says err 'a backup of web1 would fail: 1 of the looks found why; nothing was stored' 'the message'
code_is RehearsalFails 'the code'
rehearse 1 'no vault there' --vault nowhere
row vault fails StoreUnreachable 'is told by its code'

# ---- the machine ----
firn_is 1 'no machine there' doctor --json qmp:nowhere.sock
row machine fails QmpUnreachable 'is told by its code'
row scratch impossible '' 'and what needs it is not possible'
rehearse 1 'a disk that is not there' --disk vdz
row machine fails VmDiskUnknown 'is told by its code'
between # no disk can be made to refuse a bitmap in memory
echo block-dirty-bitmap-add '"vdb"' firn-rehearsal- > refused
firn_is 3 'a disk of which QEMU keeps no bitmap' doctor --json qmp:between.sock
row bitmaps weaker 'vdb: none' 'is seen'
finding DiskUntracked 'is told by its code' vm=web1 disk=vdb
finding RehearsalWeaker 'as a warning' vm=web1 n=1
row bitmaps ok 'vda: in the image' 'the other has one'
row copy ok '' 'both are read'
clean 'nothing is left in the machine'
between_end
firn_is 2 'a code does not go with it' doctor qmp:"$v_mon" StoreFull
firn_is 2 'nor a repair' doctor qmp:"$v_mon" --apply
firn_is 2 'nor its options with anything else' doctor local --scratch .
clean 'nothing is left in the machine'

# ---- small and closed file systems ----
if [ "$(id -u)" -ne 0 ] || ! unshare -m true 2> /dev/null; then
    skip 'file systems that are too small' 'needs root'
    done_testing
fi
mkdir small
t_mount=$t_dir/small
mount -t tmpfs -o size=1m tmpfs small || { not_ok 'a small file system'; done_testing; }
rehearse 1 'too little room for scratch files' --scratch small
row scratch fails VmScratchSmall 'is told by its code'
row freeze impossible '' 'and the disks are not touched'
row bitmaps impossible '' 'nor anything else that needs it'
[ -z "$(ls small)" ] && ok 'nothing stays there' || not_ok 'nothing stays there'
umount small && mount -t tmpfs -o size=4m tmpfs small || exit 1
"$firn" init --kdf-memory 8 small/v > out 2> err || not_ok 'a small vault'
rehearse 3 'a vault that may be too small' --vault small/v
row 'vault room' weaker VaultRoomShort 'is told by its code'
grep -q '"code": "RehearsalWeaker"' out && ok 'as a warning' || not_ok 'as a warning'
head -c 8M /dev/zero > small/fill 2> /dev/null
rehearse 1 'a full vault' --vault small/v
row 'vault write' fails StoreFull 'is told by its code'
ls small/v > out
grep -q trial out && not_ok 'nothing stays there' || ok 'nothing stays there'
rm small/fill && mount -o remount,ro small || not_ok 'a read-only file system'
rehearse 1 'a vault that is read-only' --vault small/v
row 'vault write' fails StorePermission 'is told by its code'
mount -o remount,rw small
mkdir append && cp -r small/v append/ && chattr +a append/v 2> /dev/null && {
    rehearse 0 'a vault from which nothing can be removed' --vault append/v
    grep -q 'write-only: ' out && ok 'is write-only, which is no finding' ||
        not_ok 'is write-only, which is no finding'
    chattr -a append/v
    rehearse 0 'when it can be' --vault append/v
    ls append/v > out
    grep -q trial out && not_ok 'what stayed is removed' || ok 'what stayed is removed'
}
v_end
vm_start -runas nobody || { not_ok 'a machine of another user'; done_testing; }
mkdir -m 700 closed
rehearse 1 'a folder that QEMU may not enter' --scratch closed
row scratch fails VmScratchDenied 'is told by its code'
clean 'nothing is left in the machine'
[ -z "$(ls closed)" ] && ok 'nor there' || not_ok 'nor there'
done_testing
