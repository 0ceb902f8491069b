#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The freeze helper of the extension on real file systems: ext4 and xfs on loop devices of the
# test's own, in a mount namespace of its own.  Nothing else is ever named to it, and a process
# that is started first thaws them when the test takes too long.
# usage: freeze.sh FIRN EXTENSION
here=$(cd "$(dirname "$0")" && pwd)
if [ "${FIRN_TEST_APART:-}" != 1 ]; then
    for tool in losetup mkfs.ext4 mkfs.xfs fsfreeze unshare setsid; do
        command -v $tool > /dev/null || { echo "1..0 # SKIP needs $tool"; exit 0; }
    done
    if [ "$(id -u)" -ne 0 ] || ! losetup -f > /dev/null 2>&1 || ! unshare -m true 2> /dev/null; then
        echo '1..0 # SKIP needs root, loop devices and mount namespaces'
        exit 0
    fi
    FIRN_TEST_APART=1 exec unshare -m --propagation private "$0" "$@"
fi
# shellcheck source=lib.sh
. "$here/lib.sh"
cp "$2" ext # a name that no other process has
mkdir run a b inner twin
mount -t tmpfs run run || exit 1
export FIRN_RUN=$t_dir/run
A=$t_dir/a B=$t_dir/b INNER=$t_dir/inner

# The dead man's switch, before anything can be frozen.
patience=240
[ -z "${FIRN_SOAK:-}" ] || patience=1800
cp "$(command -v fsfreeze)" run/fsfreeze
setsid bash -c 'sleep "$1"; shift; for m; do "$0" -u "$m"; done' "$t_dir/run/fsfreeze" \
    $patience "$INNER" "$A" "$B" > /dev/null 2>&1 &
deadman=$!

holders() { # process numbers of the helper's processes
    for p in /proc/[0-9]*; do
        [ "$(readlink "$p/exe" 2> /dev/null)" != "$t_dir/ext" ] || echo "${p#/proc/}"
    done
}
gone() { # wait for them to end
    for p in $(holders); do tail -s 0.02 --pid="$p" -f /dev/null; done
}
kill_all() {
    for p in $(holders); do kill -9 "$p"; done
    gone
}
end() {
    kill_all
    for m in "$INNER" "$A" "$B"; do run/fsfreeze -u "$m" 2> /dev/null; done
    for m in twin inner a b; do umount "$t_dir/$m" 2> /dev/null; done
    for loop in ${loops:-}; do losetup -d "$loop" 2> /dev/null; done
    kill -- "-$deadman" 2> /dev/null
    umount "$t_dir/run" 2> /dev/null
    t_end
}
trap end EXIT

loops=
loop() { # FILE: *device
    device=$(losetup -f --show "$1") || { echo '1..0 # SKIP no loop device'; exit 0; }
    loops="$device $loops"
}
truncate -s 64M a.img
truncate -s 320M b.img
mkfs.ext4 -q a.img && loop a.img && adev=$device && mount "$adev" a || exit 1
mkfs.xfs -q b.img && loop b.img && bdev=$device && mount "$bdev" b || exit 1
truncate -s 16M a/inner.img
mkfs.ext4 -q a/inner.img && loop a/inner.img && idev=$device && mount "$idev" inner || exit 1

# A write that waits while the file system is frozen.  It is another process, since it may hang.
writer=0
write_to() { # FOLDER
    writer=$((writer + 1))
    ( echo x > "$1/written-$writer" ) &
    write_pid=$!
}
is_frozen() { # FOLDER NAME: asked of the kernel: what is frozen cannot be frozen again
    if run/fsfreeze -f "$1" 2> /dev/null; then
        run/fsfreeze -u "$1"
        not_ok "$2"
    else
        ok "$2"
    fi
}
is_thawed() { # FOLDER NAME
    if run/fsfreeze -f "$1" 2> /dev/null && run/fsfreeze -u "$1"; then ok "$2"; else not_ok "$2"; fi
}
freeze() { # STATUS NAME ARGUMENT...
    want=$1 name=$2
    shift 2
    printf '%s' "$(./ext freeze "$@" 2> err)" > out # whole output: nobody may keep it open
    got=$(cat err | wc -l)
    if { [ "$want" = 0 ] && [ "$got" = 0 ]; } || { [ "$want" != 0 ] && [ "$got" != 0 ]; }; then
        ok "$name"
    else
        not_ok "$name"
    fi
}
thaw() { # NAME
    if ./ext thaw --json > out 2> err; then ok "$1"; else not_ok "$1"; fi
}

# ---- held until asked ----
freeze 0 'ext4 and xfs are frozen' --json --deadline 60 --mount "$A" --mount "$B"
says out '"frozen":2' 'both'
is_frozen "$A" 'ext4 is'
is_frozen "$B" 'xfs is'
write_to "$A" && pid1=$write_pid
write_to "$B" && pid2=$write_pid
e2fsck -fn "$adev" > fsck.txt 2>&1 && ok 'a frozen ext4 is clean' ||
    not_ok 'a frozen ext4 is clean' "$(cat fsck.txt)"
freeze 1 'a second freeze is refused' --mount "$A"
says err GuestOperationRunning 'by its code'
thaw 'they are thawed'
says out '"thawed":2' 'both'
says out '"held":true' 'and were held until then'
wait $pid1 $pid2 && [ -e a/written-1 ] && [ -e b/written-2 ] && ok 'what waited has been written' ||
    not_ok 'what waited has been written'
[ -z "$(ls run | grep frozen)" ] && ok 'nothing is left' || not_ok 'nothing is left'
thaw 'to thaw once more does no harm'
says out '"thawed":0' 'and thaws nothing'

# ---- nobody asks ----
freeze 0 'a short freeze' --json --deadline 1 --mount "$A" --mount "$B"
write_to "$B"
wait "$write_pid" && [ -e b/written-3 ] && ok 'ends by itself' || not_ok 'ends by itself'
thaw 'a late thaw'
says out '"held":false' 'says that it did not hold'

# ---- both processes are killed ----
freeze 0 'frozen' --deadline 60 --mount "$A" --mount "$B"
kill_all
is_frozen "$A" 'by a watchdog that is killed'
thaw 'the next call'
says out '"rescued":true' 'finds the marker'
says out '"thawed":2' 'and thaws'
is_thawed "$A" 'ext4 is'
is_thawed "$B" 'xfs is'
freeze 0 'frozen again' --deadline 60 --mount "$B"
kill_all
freeze 0 'the next freeze thaws first' --json --deadline 60 --mount "$B" --mount "$A"
says out '"frozen":2' 'and freezes all'
thaw 'and thaws'

# ---- what others froze ----
run/fsfreeze -f "$A"
freeze 0 'frozen beside another one' --json --deadline 60 --mount "$A" --mount "$B"
says out '"frozen":1,"others":1' 'whose part is told'
thaw 'thawed'
says out '"thawed":1' 'what is ours'
is_frozen "$A" 'not what is others'\'
run/fsfreeze -u "$A"

# ---- a loop device on a file of a file system that is frozen too ----
freeze 0 'a loop device within' --json --deadline 60 --mount "$A" --mount "$INNER"
says out '"frozen":2' 'and below'
thaw 'thawed in the other order'
says out '"held":true' 'held'

# ---- one file system at two places, read-only ----
mount --bind a twin
freeze 0 'a bind mount' --json --deadline 60 --mount "$t_dir/twin"
says out '"frozen":1' 'is the same file system, once'
is_frozen "$A" 'at its other place too'
thaw 'thawed'
umount twin
mount -o remount,ro b
freeze 1 'a read-only file system' --mount "$B"
says err MountUnopenable 'is told by its code'
mount -o remount,rw b
freeze 1 'what is no mount point' --mount "$t_dir/a.img"
says err MountUnopenable 'is told by its code'

# ---- killed at any moment ----
n=10
[ -z "${FIRN_SOAK:-}" ] || n=300
left=0
for ((i = 0; i < n; i++)); do
    ./ext freeze --deadline 60 --mount "$A" --mount "$INNER" --mount "$B" > /dev/null 2>&1 &
    pid=$!
    for ((j = RANDOM % 400; j > 0; j--)); do :; done
    kill -9 $pid
    wait $pid 2> /dev/null
    ./ext thaw > /dev/null 2>&1
    # a watchdog may be about to thaw by itself: then it ends
    gone
    for m in "$INNER" "$A" "$B"; do
        run/fsfreeze -f "$m" 2> /dev/null && run/fsfreeze -u "$m" || left=$((left + 1))
    done
done
[ $left = 0 ] && ok "killed $n times, never left frozen" ||
    not_ok "killed $n times, never left frozen" "$left times"
umount inner && losetup -d "$idev" && umount a && umount b && e2fsck -fn "$adev" > fsck.txt 2>&1 &&
    xfs_repair -n "$bdev" > /dev/null 2>&1 && ok 'all are clean' || not_ok 'all are clean' "$(cat fsck.txt)"
done_testing
