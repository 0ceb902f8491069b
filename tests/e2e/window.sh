#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The freeze window with the real guest agent, whose guest is this machine in a mount namespace
# of the test's own.  The agent may only freeze what it is told by name, and is told the test's
# own loop mounts alone; a process that is started first thaws them whatever happens.
# usage: window.sh FIRN HOLD EXTENSION HOST MARKER ORDER MKPACKAGE
here=$(cd "$(dirname "$0")" && pwd)
if [ "${FIRN_TEST_APART:-}" != 1 ]; then
    for tool in losetup mkfs.ext4 mkfs.xfs fsfreeze unshare setsid qemu-ga; do
        command -v $tool > /dev/null || { echo "1..0 # SKIP needs $tool"; exit 0; }
    done
    if [ "$(id -u)" -ne 0 ] || ! losetup -f > /dev/null 2>&1 ||
        ! mkdir -p /var/lib/firn 2> /dev/null || ! unshare -m true 2> /dev/null; then
        echo '1..0 # SKIP needs root, loop devices and mount namespaces'
        exit 0
    fi
    FIRN_TEST_APART=1 exec unshare -m --propagation private "$0" "$@"
fi
# shellcheck source=lib.sh
. "$here/lib.sh"
hold=$2 extension=$3 host=$4 marker=$5 order=$6 mkpackage=$7
mkdir a b run
mount -t tmpfs tmpfs /var/lib/firn && mount -t tmpfs run run || exit 1
export FIRN_RUN=$t_dir/run FIRN_CONFIG=$t_dir/config FIRN_MARKER=$t_dir/a/at-rest
export FIRN_SCRIPT_CONFIG=$t_dir/none FIRN_TEST_ORDER=$t_dir/order
A=$t_dir/a B=$t_dir/b
export XDG_STATE_HOME=$t_dir/state
setsid bash -c 'sleep 240; for m; do fsfreeze -u "$m"; done' deadman "$A" "$B" > /dev/null 2>&1 &
deadman=$!
agent= holding=
end() {
    [ -z "$holding" ] || kill -9 "$holding" 2> /dev/null
    for p in $(guards) $(watchdogs); do kill -9 "$p"; done
    for m in "$A" "$B"; do fsfreeze -u "$m" 2> /dev/null; done
    [ -z "$agent" ] || kill -9 "$agent"
    for m in a b run; do umount "$t_dir/$m" 2> /dev/null; done
    for loop in $loops; do losetup -d "$loop" 2> /dev/null; done
    kill -- "-$deadman" 2> /dev/null
    t_end
}
guards() { # process numbers of the guards of this test's socket
    for p in /proc/[0-9]*; do
        ! { tr '\0' ' ' < "$p/cmdline" | grep -q 'freeze-guard ga.sock guest' &&
            [ "$(readlink "$p/cwd")" = "$t_dir" ]; } 2> /dev/null || echo "${p#/proc/}"
    done 2> /dev/null
}
watchdogs() { # of the extension, in the guest
    for p in /proc/[0-9]*; do
        [[ $(readlink "$p/exe") != /var/lib/firn/plugins/*/bin/firn-extension ]] || echo "${p#/proc/}"
    done 2> /dev/null
}
rests() { # until no watchdog is left: applications go on after the thaw
    for p in $(watchdogs); do tail -s 0.02 --pid="$p" -f /dev/null; done
}
loops=
trap end EXIT
truncate -s 64M a.img
truncate -s 320M b.img
mkfs.ext4 -q a.img && mkfs.xfs -q b.img || exit 1
for m in a b; do
    device=$(losetup -f --show $m.img) || { echo '1..0 # SKIP no loop device'; exit 0; }
    loops="$device $loops"
    mount "$device" $m || exit 1
done
start_agent() { # its state, by which it knows that it has frozen, outlives it
    rm -f ga.sock
    qemu-ga -m unix-listen -p "$t_dir/ga.sock" -t "$t_dir" -l ga.log \
        -b guest-fsfreeze-freeze,guest-shutdown 5>&- 6<&- &
    agent=$!
    until grep -q " 00010000 .* $t_dir/ga.sock\$" /proc/net/unix; do [ -d /proc/$agent ] || break; done
}
start_agent

# hold_now MS [LEVEL]: freeze; it holds when this returns.  Its words go to ./held, its input is
# fd 5.
hold_now() {
    rm -f in held
    mkfifo in held
    "$hold" ga.sock "$firn" "$1" "${2:-2}" "$A" "$B" < in > held 2> err &
    holding=$!
    exec 5> in 6< held
    read -r word <&6
    [ "$word" = holding ]
}
hold_ends() { # let it end; its last line goes to ./out
    exec 5>&-
    cat <&6 > out
    exec 6<&-
    wait "$holding"
    holding=
}
write_to() { ( echo x > "$1/written" ) 5>&- 6<&- & write_pid=$!; }
is_frozen() { # FOLDER NAME: what is frozen cannot be frozen again
    if fsfreeze -f "$1" 2> /dev/null; then fsfreeze -u "$1"; not_ok "$2"; else ok "$2"; fi
}
is_thawed() { # FOLDER NAME: whoever thaws may be at it: what is written waits for that
    write_to "$1"
    wait "$write_pid"
    if fsfreeze -f "$1" 2> /dev/null && fsfreeze -u "$1"; then ok "$2"; else not_ok "$2"; fi
}

hold_now 60000 && ok 'the real agent freezes' || not_ok 'the real agent freezes'
is_frozen "$A" 'ext4'
is_frozen "$B" 'and xfs'
write_to "$B"
hold_ends
says out '^2 frozen 2 by firn' 'both were held, and firn thawed them'
awk '{ exit !($7 > 0 && $7 < 200000) }' out && ok 'in less than 0.2 s of its own' ||
    not_ok 'in less than 0.2 s of its own'
sed 's/^/# /' out
wait $write_pid && ok 'what waited is written' || not_ok 'what waited is written'
is_thawed "$A" 'ext4 goes on'

hold_now 60000
kill -9 "$holding"
wait "$holding" 2> /dev/null
exec 5>&- 6<&-
write_to "$A"
wait $write_pid
is_thawed "$A" 'firn is killed: its guard thaws'
is_thawed "$B" 'both'

hold_now 60000
for p in $(guards); do kill -STOP "$p"; done
hold_ends
says out '^2 frozen 2 by direct' 'the guard is stopped: firn thaws past it'
is_thawed "$B" 'xfs goes on'

hold_now 1000
write_to "$A" # until the deadline
kill -STOP "$holding"
wait $write_pid
is_thawed "$A" 'firn is stopped: its guard thaws at the deadline'
kill -CONT "$holding"
hold_ends
says out '^1 frozen 2 by guard' 'and firn calls the snapshot what it is'
says err FreezeLost 'with the reason'

hold_now 60000
for p in $(guards) "$holding"; do kill -9 "$p"; done # a guard that is left would thaw
wait "$holding" 2> /dev/null
exec 5>&- 6<&-
is_frozen "$A" 'both are killed'
"$firn" --version > out 2> err
says err GuestThawedLate 'any call of firn thaws'
is_thawed "$A" 'ext4'
is_thawed "$B" 'and xfs'
"$firn" --version > out 2> err
[ ! -s err ] && ok 'once' || not_ok 'once'

hold_now 60000
kill -9 "$agent" # frozen: nobody in the guest knows of it but its state
wait "$agent" 2> /dev/null
start_agent
hold_ends
is_thawed "$A" 'the agent dies frozen, and comes back: firn thaws'
sed 's/^/# /' out

hold_now 60000
fsfreeze -u "$A"
hold_ends
says out '^1 frozen 2 by guest' 'somebody in the guest thaws: the snapshot is called what it is'

fsfreeze -f "$A"
hold_now 60000
hold_ends
says out '^2 frozen 1 by firn' 'what others froze does not count'
fsfreeze -u "$A" 2> /dev/null # the agent thaws all there is
is_thawed "$A" 'nothing is left frozen'

# ---- applications at rest, by the extension ----
hold_now 60000 3
hold_ends
says out '^2 ' 'without the extension the level is one lower'
says err ExtensionMissing 'for that reason'
v=/var/lib/firn/plugins/Firn.VMSnapshot/1.0.0.0
mkdir -p new/bin
cp "$extension" "$host" new/bin/
cp "$marker" new/bin/marker.so
echo '"plugins": [{"name": "marker", "file": "bin/marker.so"}]' > parts.json
"$mkpackage" new Firn.VMSnapshot 1.0.0.0 "linux-$(uname -m)" parts.json > digest
firn_is 0 'firn puts it there' extension install qga:ga.sock --package new
hold_now 20000 3 && ok 'the extension brings applications to rest' ||
    not_ok 'the extension brings applications to rest'
[ -e a/at-rest ] && ok 'as a plug-in does' || not_ok 'as a plug-in does'
is_frozen "$A" 'ext4 is frozen'
is_frozen "$B" 'and xfs'
hold_ends
says out '^3 frozen 2 by firn' 'the snapshot is application-consistent'
[ ! -s err ] && ok 'with nothing to say' || not_ok 'with nothing to say'
sed 's/^/# /' out
is_thawed "$A" 'ext4 goes on'
rests
[ ! -e a/at-rest ] && ok 'and so does the application' || not_ok 'and so does the application'

rests
mkdir a/at-rest # where the plug-in writes
hold_now 20000 3
hold_ends
says out '^2 frozen 2 by firn' 'an application that does not come to rest'
says err ApplicationsNotQuiesced 'is why'
says err '(PluginQuiesceFailed,' 'by the code that the extension gives'
rmdir a/at-rest

mv $v/bin/firn-extension ext
printf '%s\n' '#!/bin/sh' '[ "$1" = prepare ] || exit 2' 'echo "{\"result\": \"ready\"}"' \
    > $v/bin/firn-extension
chmod +x $v/bin/firn-extension
hold_now 20000 3
hold_ends
says out '^2 frozen 2 by firn' 'an older extension, which cannot freeze'
says err ApplicationsNotQuiesced 'is told'
mv ext $v/bin/firn-extension

rests
hold_now 20000 3
kill -9 "$holding"
wait "$holding" 2> /dev/null
exec 5>&- 6<&-
write_to "$A"
wait $write_pid
is_thawed "$B" 'firn is killed: its guard thaws by the extension'

rests
hold_now 2000 3
for p in $(guards) "$holding"; do kill -9 "$p"; done
wait "$holding" 2> /dev/null
exec 5>&- 6<&-
write_to "$B"
wait $write_pid
is_thawed "$A" 'both are killed: the watchdog in the guest thaws'
"$firn" --version > out 2> err && [ ! -s err ] && [ -z "$(ls state/firn/frozen)" ] &&
    ok 'the next call of firn finds nothing frozen' ||
    not_ok 'the next call of firn finds nothing frozen' "$(ls state/firn/frozen)"

rests
hold_now 2000 2 && [ ! -e a/at-rest ] && ok 'the extension freezes file systems alone, too' ||
    not_ok 'the extension freezes file systems alone, too'
[ -n "$(watchdogs)" ] && ok 'with its watchdog in the guest' ||
    not_ok 'with its watchdog in the guest'
for p in $(guards) "$holding"; do kill -9 "$p"; done
wait "$holding" 2> /dev/null
exec 5>&- 6<&-
write_to "$B"
wait $write_pid
is_thawed "$A" 'both are killed at that level: the watchdog in the guest thaws'
is_thawed "$B" 'xfs, too'
"$firn" --version > out 2> err && [ ! -s err ] && ok 'and the next call of firn has nothing to do' ||
    not_ok 'and the next call of firn has nothing to do'

rests
hold_now 20000 3
for p in $(watchdogs); do kill -9 "$p"; done
hold_ends
says out '^3 frozen 2 by firn' 'the watchdog dies: all was held until firn thawed it'
is_thawed "$A" 'ext4 goes on'
is_thawed "$B" 'and xfs'

# ---- scripts, and whether the next level is tried after one that failed ----
scripts() { # RULE PRE: its first line
    printf '%s\n' "$2" 'echo no room' 'exit 7' > pre.sh
    printf 'echo ran >> %s\n' "$t_dir/post-ran" > post.sh # for the shell, by the contract
    printf '{"preScriptLocation": "%s", "postScriptLocation": "%s",
        "continueBackupOnFailure": %s}' "$t_dir/pre.sh" "$t_dir/post.sh" "$1" > none
    chmod 600 none && chmod 700 pre.sh post.sh
    rm -f post-ran
}
rests
scripts true '#!/bin/sh'
hold_now 20000 3
hold_ends
says out '^2 frozen 2 by firn' 'a script that fails, and may: one level lower'
says err '(ScriptFailed,' 'for that reason'
[ "$(cat post-ran)" = ran ] && ok 'and the post-script ran' || not_ok 'and the post-script ran'
rests
scripts false '#!/bin/sh'
hold_now 20000 3
hold_ends
[ ! -s out ] && ok 'one that may not: no level is tried' ||
    not_ok 'one that may not: no level is tried' "$(cat out)"
head -n 1 err | grep -q 'no room (ScriptFailed,' && ok 'by its code and words' ||
    not_ok 'by its code and words' "$(cat err)"
is_thawed "$A" 'nothing is frozen'
is_thawed "$B" 'nowhere'
[ "$(cat post-ran)" = ran ] && [ ! -e a/at-rest ] && ok 'and the post-script ran' ||
    not_ok 'and the post-script ran'
scripts false '#!/no/such'
hold_now 20000 3
hold_ends
[ ! -s out ] && ok 'one that could not start ends it, too' ||
    not_ok 'one that could not start ends it, too' "$(cat out)"
says err '(ScriptUnstartable,' 'before anything comes to rest'
[ ! -e post-ran ] && ok 'and nothing was run' || not_ok 'and nothing was run'
hold_now 20000 2
hold_ends
says out '^2 frozen 2 by firn' 'where no application is to rest, no script counts'
scripts false '#!/bin/sh'
echo 'exit 0' > pre.sh
resumed() { # STATUS WORDS NAME
    $v/bin/firn-extension resumed --json > out 2> err
    [ $? = "$1" ] && grep -q "$2" out && ok "$3" || not_ok "$3" "$(cat out err)"
}
rests
hold_now 20000 3
hold_ends
says out '^3 frozen 2 by firn' 'scripts that work'
resumed 0 '"resumed"' 'the extension says that all has gone on'
echo 'exit 9' > post.sh
rests
hold_now 20000 3
$v/bin/firn-extension resumed --json --deadline 1 > out 2> err
says out '"busy"' 'it has not while all is held'
hold_ends
says out '^3 frozen 2 by firn' 'a post-script that fails does not spoil the snapshot'
resumed 1 '"ScriptFailed"' 'but is told to who asks'
resumed 1 'status 9' 'also again'
$v/bin/firn-extension resumed > out 2> err
says out 'post-script .* ended with status 9' 'in words, too'
rm none
rests
hold_now 20000 3
for p in /proc/[0-9]*; do # the marker's host: what it had at rest is let go on by nobody
    [[ $(readlink "$p/exe") != /var/lib/firn/plugins/*/bin/firn-plugin-host ]] ||
        kill -9 "${p#/proc/}"
done 2> /dev/null
hold_ends
resumed 1 '"PluginDied"' 'a plug-in that was killed is told, too'
rm -f a/at-rest

# ---- several packages: one freeze, in the order of their names ----
rests
for name in Firn.Second Firn.First; do
    rm -rf new
    mkdir -p new/bin
    cp "$extension" "$host" new/bin/
    cp "$order" new/bin/order.so
    echo '"plugins": [{"name": "order", "file": "bin/order.so"}]' > parts.json
    "$mkpackage" new $name 1.0.0.0 "linux-$(uname -m)" parts.json > digest
    firn_is 0 "$name is put beside it" extension install qga:ga.sock --package new
done
order_is() { # NAME LINES
    printf '%s\n' "${@:2}" | diff - order > diff && ok "$1" || not_ok "$1" "$(cat diff)"
}
rm -f order
hold_now 20000 3 && ok 'three packages' || not_ok 'three packages'
order_is 'come to rest one after the other' 'quiesce Firn.First' 'quiesce Firn.Second'
[ -e a/at-rest ] && ok 'and the third' || not_ok 'and the third'
is_frozen "$A" 'while the file systems are frozen'
hold_ends
says out '^3 frozen 2 by firn' 'the snapshot is application-consistent'
[ ! -s err ] && ok 'with nothing to say' || not_ok 'with nothing to say' "$(cat err)"
rests
order_is 'they go on in the reverse order' 'quiesce Firn.First' 'quiesce Firn.Second' \
    'resume Firn.Second' 'resume Firn.First'
[ ! -e a/at-rest ] && ok 'all of them' || not_ok 'all of them'

rm -f order
touch order.Firn.Second
hold_now 20000 3
hold_ends
says out '^2 frozen 2 by firn' 'one of them does not come to rest'
says err 'ApplicationsNotQuiesced' 'which is told'
says err '(PluginQuiesceFailed,' 'by its code'
order_is 'and the one before it goes on' 'quiesce Firn.First' 'quiesce Firn.Second' \
    'resume Firn.Second' 'resume Firn.First'
rm order.Firn.Second

rests
rm -f order
first=/var/lib/firn/plugins/Firn.First/1.0.0.0/bin
mv $first/firn-extension ext
cat > $first/firn-extension << END
#!/bin/sh
[ "\$1" = prepare ] && echo '{"result": "ready"}' && exit
for word; do [ "\$word" != --with ] || exit 2; done
exec $t_dir/ext "\$@"
END
chmod +x $first/firn-extension
hold_now 20000 3
hold_ends
says out '^2 frozen 2 by firn' 'the first knows nothing of several packages'
says err 'older than what was asked' 'which is told'
[ ! -e order ] && ok 'and nothing was brought to rest' || not_ok 'nothing was brought to rest' "$(cat order)"
mv ext $first/firn-extension
is_thawed "$B" 'nothing is left frozen'

for words in "--with Firn.Second" "--applications --with Firn.First" "--applications --with"; do
    # shellcheck disable=SC2086
    $first/firn-extension freeze $words --mount "$A" > out 2> err
    [ $? = 2 ] && ok "refused: $words" || not_ok "refused: $words" "$(cat err)"
done
$first/firn-extension freeze --applications --with Firn.None --mount "$A" > out 2> err
says err PackageMissing 'a package that is not there'

for i in 1 2 3 4 5 6; do
    other=/var/lib/firn/plugins/Firn.Other$i/1.0.0.0/bin
    mkdir -p $other
    printf '%s\n' '#!/bin/sh' 'echo "{\"result\": \"ready\"}"' > $other/firn-extension
    chmod +x $other/firn-extension
done
rests
hold_now 20000 3
hold_ends
says out '^2 frozen 2 by firn' 'of more packages than it can take none comes to rest'
says err ApplicationsNotQuiesced 'which is told'
[ ! -e order ] && ok 'not even some of them' || not_ok 'not even some of them' "$(cat order)"
done_testing
