#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What a user does: disks in, points listed, disks out, in every form.
. "$(dirname "$0")/lib.sh"

disk a.raw 6000 17
firn_is 0 'init' init --kdf-memory 8 --passphrase-file pass vault
firn_is 1 'init does not make a vault over a vault' init --passphrase-file pass vault
code_is VaultExists 'it says why'
new_vault v
firn_is 0 'an empty vault has no points' points
says err 'no recovery points' 'it says so'
firn_is 0 'backup' backup a.raw
first=$(point)
says out "^recovery point [0-9a-f]\{32\}\$" 'the last word is the id'
firn_is 0 'points' points
says out "$(echo "$first" | cut -c 1-8)" 'it is listed'
firn_is 0 'restore' restore latest b.raw
same a.raw b.raw 'bit for bit'
firn_is 1 'a file that is there is kept' restore latest b.raw
code_is RestoreTargetExists 'it says so'
firn_is 0 'force replaces it' restore --force latest b.raw
same a.raw b.raw 'bit for bit'

cp a.raw old.raw
printf 'changed' | dd of=a.raw bs=1 seek=3000000 conv=notrunc status=none
firn_is 0 'backup after a change' backup a.raw
second=$(point)
firn_is 0 'unchanged' backup --reread a.raw
firn_is 0 'restore of an id' restore "$first" c.raw
same old.raw c.raw 'the first state'
firn_is 0 'restore of some digits of an id' restore "$(echo "$second" | cut -c 1-10)" d.raw
same a.raw d.raw 'the second state'
firn_is 0 'in place' restore --in-place "$first" d.raw
same old.raw d.raw 'the first state'
firn_is 0 'in place to a new file' restore --in-place a e.raw
same a.raw e.raw 'the newest of the machine'
"$firn" restore "$first" - > f.raw 2> err
same old.raw f.raw 'standard output'
firn_is 1 'a point that is not there' restore ffffffffffff g.raw
code_is PointMissing 'it says so'
[ ! -e g.raw ] && ok 'no file is left' || not_ok 'no file is left'

for size in 0 1 511 65535 65536 65537; do
    head -c $size /dev/urandom > s.raw
    firn_is 0 "backup of $size bytes" backup --machine small s.raw
    rm -f t.raw
    firn_is 0 "restore of $size bytes" restore small t.raw
    same s.raw t.raw 'bit for bit'
done

disk x.raw 2000
disk y.raw 3000
firn_is 0 'several disks' backup --machine two vda=x.raw y.raw
firn_is 2 'one name twice' backup vda=x.raw vda=y.raw
mkdir folder
firn_is 0 'into a folder' restore two folder
set -- folder/vda* folder/y*
same x.raw "$1" 'the first disk'
same y.raw "$2" 'the second disk'
firn_is 0 'one disk of it' restore --disk y two only.raw
same y.raw only.raw 'it is that one'
firn_is 1 'a disk that the point has not' restore --disk z two no.raw
code_is RestoreDiskMissing 'it says so'
firn_is 0 'points of one machine' points two
[ "$(grep -c two out)" -eq 1 ] && ok 'it is one' || not_ok 'it is one'

if have qemu-img; then
    qemu-img convert -f raw -O qcow2 x.raw x.qcow2
    firn_is 0 'backup of qcow2' backup --machine image x.qcow2
    firn_is 0 'restore to raw' restore image from.raw
    same x.raw from.raw 'bit for bit'
    firn_is 0 'restore to qcow2' restore image to.qcow2
    qemu-img compare -f qcow2 -F raw to.qcow2 x.raw > out 2> err &&
        ok 'the image holds the disk' || not_ok 'the image holds the disk'
else
    skip 'qcow2' 'no qemu-img'
fi
if have nbdkit; then
    nbdkit -U "$t_dir/nbd.sock" -P nbd.pid file x.raw
    firn_is 0 'backup of NBD' backup --machine nbd "disk=nbd+unix:///?socket=$t_dir/nbd.sock"
    kill "$(cat nbd.pid)"
    firn_is 0 'restore of it' restore nbd nbd.raw
    same x.raw nbd.raw 'bit for bit'
else
    skip 'NBD' 'no nbdkit'
fi
exec 7>> x.raw
firn_is 3 'a disk that another program writes is less than was asked' backup --machine busy x.raw
says err DiskInUse 'and said'
exec 7>&-
firn_is 0 'the next backup of it is whole' backup --machine busy x.raw
firn_is 0 'verify' verify
firn_is 0 'verify --data' verify --data
firn_is 0 'verify of one point' verify --data "$first"
done_testing
