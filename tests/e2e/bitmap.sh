#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Images at rest and NBD servers that have a dirty bitmap: only what it names is read, and
# whatever happens to it has a name, and costs time, never a block.
. "$(dirname "$0")/lib.sh"

for tool in qemu-img qemu-io qemu-nbd; do
    have $tool || { echo "1..0 # SKIP no $tool"; exit 0; }
done

# back_up STATUS NAME ARGUMENT...: of d.qcow2 as machine m, into a point with its JSON in out
back_up() {
    local status=$1 name=$2
    shift 2
    firn_is "$status" "$name" backup --json --machine m "$@" vda=d.qcow2
}
json_code() { # CODE NAME: the document of the last backup has it
    if grep -q "\"code\": *\"$1\"" out; then ok "$2"; else not_ok "$2" "no $1"; fi
}
# field NAME: a number of the last point
field() { grep -o "\"$1\": *[0-9]*" out | head -n 1 | tr -dc 0-9; }
read_is() { # BYTES NAME
    if [ "$(field read_bytes)" -eq "$1" ]; then ok "$2"; else
        not_ok "$2" "read $(field read_bytes) bytes, not $1"
    fi
}
read_all() { # NAME: an image of 64 MiB has 8 MiB in it
    if [ "$(field read_bytes)" -ge 8388608 ]; then ok "$1"; else
        not_ok "$1" "read $(field read_bytes) bytes only"
    fi
}
no_event() { grep -q '"warnings": *\[\]' out && ok 'that is no event' || not_ok 'that is no event'; }
comes_back() { # NAME
    rm -f back.raw
    if "$firn" restore m back.raw > restore.log 2>&1 < /dev/null &&
        qemu-img compare -q -f qcow2 -F raw d.qcow2 back.raw > restore.log 2>&1; then
        ok "$1"
    else
        not_ok "$1" "$(cat restore.log)"
    fi
}
write() { qemu-io -f qcow2 -c "write -P $1 $2 $3" "${4:-d.qcow2}" > io.log 2>&1; }
new_image() { # FILE
    disk whole.raw 16384
    rm -f "$1"
    qemu-img convert -f raw -O qcow2 whole.raw "$1" && qemu-img resize -q "$1" 64M
}

new_vault v
new_image d.qcow2
back_up 0 'without a bitmap'
read_all 'all is read'
back_up 1 'a bitmap that is not there' --bitmap b
json_code SourceBitmapMissing 'it says so'
qemu-img bitmap --add d.qcow2 b
qemu-img bitmap --add --disable d.qcow2 lazy
back_up 1 'a bitmap that does not record' --bitmap lazy
json_code SourceBitmapMissing 'it cannot tell'
back_up 0 'the first with a bitmap' --bitmap b
read_all 'all is read'

# from here on the newest point goes by it
back_up 0 'nothing was written'
read_is 0 'nothing is read'
write 7 1M 64k
write 8 20M 128k
back_up 0 'three blocks were written'
read_is 196608 'three are read'
comes_back 'the disk comes back'
qemu-io -f qcow2 -c 'discard 2M 64k' -c 'write -z 21M 64k' d.qcow2 > io.log 2>&1
back_up 0 'discarded and zeroed'
comes_back 'the disk comes back'
mv d.qcow2 e.qcow2 && mv e.qcow2 d.qcow2
back_up 0 'moved away and back' --bitmap b
no_event
back_up 0 'all of it, on request' --reread
read_all 'all is read'
firn_is 2 'a list and a bitmap' backup --json --changed x --bitmap b d.qcow2

# what breaks a chain
qemu-img bitmap --clear d.qcow2 b
write 9 30M 64k
back_up 3 'cleared'
json_code BitmapCleared 'it says so'
read_all 'all is read'
comes_back 'the disk comes back'
back_up 0 'and on from there'
read_is 65536 'the block that it names is read again'
qemu-img bitmap --disable d.qcow2 b
write 10 31M 64k
back_up 3 'disabled'
json_code BitmapStopped 'it says so'
comes_back 'the disk comes back'
back_up 0 'no bitmap, no chain, no warning'
read_all 'all is read'
qemu-img bitmap --enable d.qcow2 b
back_up 0 'named anew' --bitmap b
qemu-img bitmap --add d.qcow2 c
back_up 3 'another bitmap is named' --bitmap c
json_code BitmapReplaced 'it says so'
qemu-img bitmap --remove d.qcow2 c
write 11 32M 64k
back_up 3 'removed'
json_code BitmapRemoved 'it says so'
comes_back 'the disk comes back'
qemu-img bitmap --add d.qcow2 c
back_up 0 'made again' --bitmap c
qemu-img bitmap --remove d.qcow2 c && qemu-img bitmap --add -g 32k d.qcow2 c
write 12 33M 64k
back_up 3 'made anew with another granularity'
json_code BitmapReplaced 'it says so'
comes_back 'the disk comes back'
qemu-img resize -q d.qcow2 72M
write 13 70M 64k
back_up 3 'resized'
json_code DiskResized 'it says so'
comes_back 'the disk comes back'
cp d.qcow2 copy.qcow2
write 14 34M 64k
mv copy.qcow2 d.qcow2
back_up 3 'an older copy was put back'
json_code DiskRestored 'it says so'
comes_back 'the disk comes back'
cp d.qcow2 other.qcow2
write 15 35M 64k other.qcow2
firn_is 3 'another image' backup --json --machine m vda=other.qcow2
json_code DiskSwapped 'it says so'
mv other.qcow2 d.qcow2
back_up 0 'which got the first name: the same file'
no_event
comes_back 'the disk comes back'

# a QEMU that is killed leaves its bitmaps inconsistent
mkfifo to from
qemu-io -f qcow2 d.qcow2 < to > from 2>&1 &
victim=$!
exec 3> to 4< from
echo 'write -P 16 36M 64k' >&3
while read -r -t 60 line <&4 && [[ $line != *wrote* ]]; do :; done
echo 'flush' >&3
firn_is 1 'while it is in use' backup --json --machine m vda=d.qcow2
json_code ImageInUse 'it says so'
kill -9 $victim
wait $victim 2> /dev/null
exec 3>&- 4<&-
back_up 3 'after a kill'
json_code BitmapInconsistent 'it says so'
comes_back 'the disk comes back'
qemu-img info d.qcow2 | grep -q in-use && ok 'the image was not touched' ||
    not_ok 'the image was not touched'

# something writes to the image beside QEMU: the bitmap cannot know
new_image d.qcow2
qemu-img bitmap --add d.qcow2 b
back_up 0 'a new image' --bitmap b
at=$(qemu-img map --output=json d.qcow2 | sed -n 's/.*"data": true.*"offset": \([0-9]*\).*/\1/p' | head -n 1)
printf 'unseen' | dd of=d.qcow2 bs=1 seek=$((at + 5000)) conv=notrunc status=none
write 7 40M 64k
firn_is 2 'no such share' backup --audit 101 --machine m vda=d.qcow2
back_up 3 'an audit of all of it' --audit 100
json_code BitmapFalse 'it finds that'
comes_back 'the new point is right'
back_up 0 'and on from there' --audit 100
firn_is 0 'points' points m
! grep -q suspect out && ok 'none was made by the bitmap before' || not_ok 'none was'
printf 'again' | dd of=d.qcow2 bs=1 seek=$((at + 6000)) conv=notrunc status=none
back_up 3 'once more' --audit 100
json_code BitmapFalse 'it is found'
firn_is 0 'points' points m
[ "$(grep -c suspect out)" -eq 1 ] && ok 'one is suspect' || not_ok 'one is suspect'
suspect=$(awk '/suspect/ { print $1 }' out)
rm -f back.raw
firn_is 3 'restore of it' restore --json "$suspect" back.raw
json_code PointSuspect 'it says so'
firn_is 0 'points as JSON' points --json m
[ "$(grep -A 1 '"suspect": \[$' out | grep -c '"vda"')" -eq 1 ] && ok 'it names the disk' ||
    not_ok 'it names the disk'
comes_back 'the newest is right'

# an NBD server with a bitmap: by name each time
new_image n.qcow2
qemu-img bitmap --add n.qcow2 b
serve() { qemu-nbd -t -r -f qcow2 -k "$t_dir/sock" --fork --pid-file=nbd.pid "$@" n.qcow2; }
end_server() { kill "$(cat nbd.pid)" && timeout 20 tail --pid="$(cat nbd.pid)" -f /dev/null; }
from_nbd() { # STATUS NAME ARGUMENT...
    local status=$1 name=$2
    shift 2
    firn_is "$status" "$name" backup --json --machine n "$@" "disk=nbd+unix:///?socket=$t_dir/sock"
}
serve -B b
from_nbd 0 'the first from a server' --bitmap b
read_all 'all is read'
end_server
write 7 3M 64k n.qcow2
serve -B b
from_nbd 0 'one block was written' --bitmap b
read_is 65536 'one is read'
from_nbd 0 'without its name'
read_all 'all is read'
from_nbd 1 'a bitmap that it does not offer' --bitmap c
json_code SourceBitmapMissing 'it says so'
from_nbd 0 'named again' --bitmap b
end_server
serve
from_nbd 3 'it offers the bitmap no more' --bitmap b
json_code BitmapRemoved 'it says so'
end_server
rm -f back.raw
"$firn" restore n back.raw > restore.log 2>&1 < /dev/null
qemu-img compare -q -f qcow2 -F raw n.qcow2 back.raw && ok 'the disk comes back' ||
    not_ok 'the disk comes back'

# a disk that got another form, in which nothing can keep a bitmap
qemu-img convert -f qcow2 -O raw d.qcow2 d.raw
firn_is 3 'a raw file under the name of an image' backup --json --machine m vda=d.raw
json_code DiskSwapped 'it says so'
comes_back 'the disk comes back'
firn_is 0 'and again' backup --json --machine m vda=d.raw
no_event
firn_is 1 'a raw file has no bitmap' backup --json --bitmap b whole.raw
json_code SourceBitmapMissing 'it says so'
firn_is 0 'all points are whole' verify --data
done_testing
