#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# make.sh FIRN FOLDER -- make a golden vault: FOLDER gets the vault, what opens it, and the
# hashes of every disk of every point.  Run once for a format, by a firn that writes it; the
# result is kept as tests/golden/format-N.tar and must be read for ever (tests/e2e/golden.sh).
set -eu
umask 022
firn=$(realpath "$1")
mkdir "$2" && cd "$2"
export LC_ALL=C.UTF-8 FIRN_VAULT=vault FIRN_PASSPHRASE_FILE=passphrase
trap 'rm -f ./*.raw ./*.out second' EXIT

# noise SEED KIB: bytes that are the same everywhere
noise() { seq "$1" "$(($1 + $2 * 16 - 1))" | while read -r n; do echo "$n" | sha256sum; done |
    cut -c 1-64 | head -c "$(($2 * 1024))"; }
text() { seq -f 'line %.0f of a text that compresses well' "$1" 99999999 | head -c "$2"; }
keep() { # MACHINE ID: hashes of what that point must restore to
    for disk in *.raw; do
        case " $3 " in *" ${disk%.raw} "*) ;; *) continue ;; esac
        echo "$2 $1 ${disk%.raw} $(sha256sum < "$disk" | cut -c 1-64)" >> points
    done
}
back_up() { # MACHINE DISKS [OPTION...]
    machine=$1 disks=$2
    shift 2
    sources=
    for disk in $disks; do sources="$sources $disk.raw"; done
    # shellcheck disable=SC2086 # a list of words
    "$firn" backup --machine "$machine" "$@" $sources > backup.out
    keep "$machine" "$(awk 'END { print $NF }' backup.out)" "$disks"
}

echo 'a golden passphrase' > passphrase
echo 'one that is taken away' > second
"$firn" init --kdf-memory 8 --block-size 16K --label 'golden, format 1' vault > init.out
"$firn" key add --new-key-file key --label 'a key file' > key.out
"$firn" key add --new-passphrase-file second --label 'removed' > key.out
"$firn" key remove "$(awk '{ print $NF }' key.out)" > remove.out
"$firn" key export-writer writer web > writer.out

# holes, zeros, text, noise, a part twice, an odd end; one byte; none
{ noise 1 40; head -c 50000 /dev/zero; text 7 90000; noise 1 40; text 3 12345; } > root.raw
truncate -s 3000001 root.raw
printf x > tiny.raw
: > empty.raw
back_up web 'root tiny empty'
{ noise 1 40; text 9 40000; } | dd of=root.raw conv=notrunc status=none
truncate -s 3004000 root.raw
unset FIRN_PASSPHRASE_FILE
back_up web 'root' --writer-key writer
export FIRN_PASSPHRASE_FILE=passphrase
{ noise 5 30; noise 1 40; } > data.raw
back_up mail 'data'
printf 'more' >> data.raw
back_up mail 'data'
"$firn" verify --data > verify.out
