#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What cannot work must be said by the right code, and must leave nothing half-made.
. "$(dirname "$0")/lib.sh"

new_vault v
disk a.raw 1000
firn_is 0 'backup' backup a.raw

echo 'a wrong one' > wrong
firn_is 1 'a wrong passphrase' points --passphrase-file wrong
code_is VaultKeyWrong 'it says so'
says err ' vault in .*/v;' 'and of which vault'
mkdir empty
firn_is 1 'a folder that is no vault' points --vault empty
code_is VaultMissing 'it says so'
says err 'empty is no vault' 'and of which place'
firn_is 1 'a vault where one is' init v
code_is VaultExists 'it says so'
says err ' vault in v already' 'and of which place'
: > file
firn_is 1 'a file for a vault' points --vault file
firn_is 1 'a vault that is not there' points --vault nowhere
firn_is 1 'a disk that is not there' backup nowhere.raw
code_is SourceMissing 'it says so'
firn_is 1 'a folder for a disk' backup empty
code_is SourceIsFolder 'it says so'
firn_is 1 'a server that is not there' backup "d=nbd+unix:///?socket=$t_dir/none"
code_is NbdUnreachable 'it says so'
firn_is 1 'a folder that is not there' restore latest nowhere/b.raw
firn_is 1 'a folder that is not there, by a slash' restore latest nowhere/
code_is RestoreFolderMissing 'it says so'
firn_is 1 'a folder that is there' restore latest empty/
code_is RestoreTargetNotDisk 'is no place for one disk'
[ -z "$(ls empty)" ] && ok 'and stays as it was' || not_ok 'and stays as it was'
firn_is 2 'a name of two lines' backup --machine "$(printf 'a\nb')" a.raw
firn_is 2 'a name that steers a terminal' backup --machine "$(printf 'a\033[2J')" a.raw
for format in vmdk VHDX vhd vdi; do
    firn_is 2 "a raw disk under the name of a $format" restore latest b.$format
    [ ! -e b.$format ] && ok 'is not made' || not_ok 'is not made'
done
says err 'with --format' 'how to choose is told'
firn_is 0 'but where it is asked for' restore latest --format raw b.vhd
same b.vhd a.raw 'it is'
"$firn" restore latest - >&- 2> err
[ $? -eq 1 ] && ok 'a disk to a standard output that is closed' ||
    not_ok 'a disk to a standard output that is closed' "$(cat err)"
firn_is 1 'one that is missing of two' backup a.raw nowhere.raw
firn_is 0 'points' points
[ "$(grep -c ' a$' out)" -eq 1 ] && ok 'no refused backup is listed' ||
    not_ok 'no refused backup is listed'

# a disk with bad sectors
if have nbdkit; then
    "$firn" points > before.txt 2> /dev/null
    nbdkit -U - --filter=error file a.raw error=EIO error-pread-rate=1 \
        --run "\"$firn\" backup d=\$uri" > out 2> err
    [ $? -eq 1 ] && code_is SourceReadFailed 'a disk that cannot be read' ||
        not_ok 'a disk that cannot be read'
    says err 'cannot be read at byte [0-9]* ([0-9]* bytes)' 'the place is told'
    firn_is 0 'points' points
    same out before.txt 'nothing of it is listed'
else
    skip 'a disk with bad sectors' 'needs nbdkit'
fi

cp -r v newer
for copy in newer/firn.vault newer/firn.vault.copy; do
    chmod u+w $copy
    head -c 4000 /dev/zero | dd of=$copy bs=1 seek=8 count=2 conv=notrunc status=none
done
firn_is 0 'headers with bad bytes mend as they are read' points --vault newer
for copy in newer/firn.vault newer/firn.vault.copy; do
    head -c 4000 /dev/zero > $copy
done
firn_is 1 'headers that were written over' points --vault newer
code_is VaultHeaderDamaged 'it says so'

# who may read all cannot be refused: as somebody else
if [ "$(id -u)" -eq 0 ] && have setpriv && setpriv --reuid 65534 --clear-groups true; then
    as='setpriv --reuid 65534 --regid 65534 --clear-groups'
    chmod 644 pass
    cp -r v other
    chmod -R a+rX other
    cp a.raw closed.raw
    chmod 600 closed.raw
    cp "$firn" firn && chmod 755 firn
    asked="--passphrase-file $t_dir/pass --vault $t_dir/other"
    $as ./firn points $asked > out 2> err
    [ $? -eq 0 ] && ok 'a vault that can only be read lists' ||
        not_ok 'a vault that can only be read lists'
    chmod 644 a.raw
    $as ./firn backup $asked a.raw > out 2> err
    [ $? -eq 1 ] && code_is StorePermission 'a vault that cannot be written' ||
        not_ok 'a vault that cannot be written'
    chmod -R a+rwX other
    $as ./firn backup $asked closed.raw > out 2> err
    [ $? -eq 1 ] && code_is SourcePermission 'a disk that may not be read' ||
        not_ok 'a disk that may not be read'
    $as ./firn restore $asked latest closed2.raw > out 2> err
    [ $? -eq 1 ] && code_is RestoreTargetPermission 'a folder that may not be written' ||
        not_ok 'a folder that may not be written'
else
    skip 'without permission' 'needs root and setpriv'
fi

mkdir small
if [ "$(id -u)" -eq 0 ] && mount -t tmpfs -o size=3m tmpfs small 2> /dev/null; then
    t_mount=$t_dir/small
    firn_is 0 'a vault on a small disk' init --kdf-memory 8 small/v
    disk b.raw 200
    firn_is 0 'a backup that fits' backup --vault small/v b.raw
    head -c 8000000 /dev/urandom > big.raw
    firn_is 1 'one that does not' backup --vault small/v big.raw
    code_is StoreFull 'it says so'
    firn_is 0 'points' points --vault small/v
    [ "$(grep -c ' b$' out)" -eq 1 ] && ! grep -q big out && ok 'only what is whole is listed' ||
        not_ok 'only what is whole is listed'
    firn_is 0 'restore' restore --vault small/v b c.raw
    same b.raw c.raw 'bit for bit'
    head -c 4000000 /dev/zero > small/full 2> /dev/null
    firn_is 1 'a restore that does not fit' restore a small/a.raw
    umount small && t_mount=
else
    skip 'a full disk' 'needs root and tmpfs'
fi
# a check of a copy that nobody may write to was thrown away at its end
mkdir ro
if [ "$(id -u)" -eq 0 ] && mount -t tmpfs tmpfs ro 2> /dev/null; then
    t_mount=$t_dir/ro
    cp -a v ro/v
    mount -o remount,ro ro
    firn_is 0 'a copy that can only be read is checked' verify --data --vault ro/v
    says out 'all is well' 'and is whole'
    says err 'could not be noted as verified' 'that this is not noted is told'
    mount -o remount,rw ro
    pack=$(find ro/v/packs -type f -size +8k | head -n 1)
    chmod u+w "$pack"
    head -c 2000 /dev/urandom | dd of="$pack" bs=1 seek=3000 conv=notrunc status=none
    mount -o remount,ro ro
    firn_is 1 'and when it is damaged' verify --data --vault ro/v
    code_is VaultDamaged 'that is told'
    firn_is 1 'it cannot be mended there' verify --data --repair --vault ro/v
    umount ro && t_mount=
else
    skip 'a vault that can only be read' 'needs root and tmpfs'
fi
(ulimit -f 100; "$firn" restore a limited.raw > out 2> err)
[ $? -eq 1 ] && code_is RestoreFileTooLarge 'a limit on files' || not_ok 'a limit on files'
[ ! -e limited.raw ] && ok 'no file is left' || not_ok 'no file is left'
done_testing
