#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The rehearsal of a backup with a real Linux guest and its own agent: what is found in the guest,
# each by its code, and that the guest goes on writing as if nothing had been.
# usage: rehearsal_guest.sh FIRN MONITOR UNPACKED EXTENSION HOST MARKER MKPACKAGE
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
monitor=$2 unpacked=$3 extension=$4 host=$5 marker=$6 mkpackage=$7
. "$here/guest_lib.sh"
. "$here/rehearsal_lib.sh"

start_guest() { # WORDS for its kernel, which /setup reads
    g_words="$g_words $1" g_start "${g_disks[@]}"
}
# rehearse STATUS NAME ARGUMENT...
rehearse() {
    local status=$1 name=$2
    shift 2
    firn_is "$status" "$name" doctor --json qmp:"$g_mon",qga="$g_agent" "$@"
}
goes_on() { until_done $(($(done_so_far) + 1)) && ok "$1" || not_ok "$1"; }

# ---- the guest: as its kernel's words say ----
v=extra/var/lib/firn/plugins/Firn.VMSnapshot/1.0.0.0
mkdir -p $v/bin $v/config extra/inner extra/twin extra/fat extra/etc/qemu/fsfreeze-hook.d
cp "$extension" "$host" $v/bin/ && cp "$marker" $v/bin/marker.so
for file in $(ldd "$host" | grep -o '/[^ ]*'); do
    mkdir -p "extra$(dirname "$file")" && cp -L "$file" "extra$file"
done
echo '"plugins": [{"name": "marker", "file": "bin/marker.so"}]' > parts.json
"$mkpackage" $v Firn.VMSnapshot 1.0.0.0 "linux-$(uname -m)" parts.json > digest
printf Enabled > $v/config/HandlerState
printf '#!/bin/sh\n' > extra/etc/qemu/fsfreeze-hook
chmod 755 extra/etc/qemu/fsfreeze-hook extra/etc/qemu/fsfreeze-hook.d
chmod -R go-w extra
cat > extra/setup << 'END'
busybox chown -R 0:0 /var/lib/firn /etc/qemu
export FIRN_MARKER=/run/at-rest
read -r words < /proc/cmdline
case $words in
*forbidden*) agent_options="-b guest-fsfreeze-freeze,guest-fsfreeze-freeze-list" ;;
esac
busybox dd if=/dev/zero of=/one/disk.img bs=1M count=8 2> /dev/null
busybox mke2fs -F /one/disk.img > /dev/null 2>&1
busybox dd if=/dev/zero of=/one/fat.img bs=1M count=4 2> /dev/null
busybox mkdosfs /one/fat.img > /dev/null
END
new_guest extra
g_disk vda qcow2 one.qcow2
g_disk vdb raw two.raw
new_vault v

# ---- with the extension ----
start_guest extended && until_done 1 || { not_ok 'the guest is up' "$(tail -n 5 console)"; done_testing; }
rehearse 0 'a guest that is ready'
row freeze ok application-consistent 'its applications come to rest'
row extension ok 'Firn.VMSnapshot 1.0.0.0 is ready' 'the extension is'
row commands ok 'all that' 'the agent may do all'
row mounts ok 'held by a freeze: /one (ext4), /two (ext4)' 'what is held is listed'
row scripts ok '2 of the agent' 'its scripts are sound'
row clock ok 'this host' 'its clock is right'
row end ok nothing 'nothing is left'
goes_on 'the guest goes on'
in_guest '[ ! -e /var/lib/firn/plugins/Firn.VMSnapshot/1.0.0.0/status/prepare.status ] &&
    [ ! -e /run/at-rest ]' && ok 'and nothing is left in it' || not_ok 'and nothing is left in it'

# ---- scripts, and whether a backup goes on after one of them ----
configure() { # RULE FIRST_LINE: the pre-script fails
    in_guest "mkdir -p /etc/azure && cd /etc/azure && [ -e /dev/fd ] || ln -s /proc/self/fd /dev/fd
        printf '%s\nexit 7\n' '$2' > pre && printf 'echo \$1 >> /run/post\n' > post &&
        chmod 700 pre post && echo '{\"preScriptLocation\": \"/etc/azure/pre\",
            \"postScriptLocation\": \"/etc/azure/post\", \"postScriptParams\": [\"ran\"],
            \"continueBackupOnFailure\": $1}' > VMSnapshotScriptPluginConfig.json &&
        chmod 600 VMSnapshotScriptPluginConfig.json && rm -f /run/post"
}
backup() { firn_is "$1" "$2" backup --json qmp:"$g_mon",qga="$g_agent"; }
if [ -z "${FIRN_SLOW_BUILD:-}" ]; then # each is a run through the guest, of seconds
    configure true '#!/bin/sh'
    rehearse 3 'a script fails, and may'
    row freeze weaker ScriptFailed 'which makes a weaker point'
fi
configure false '#!/bin/sh'
rehearse 1 'one that may not'
row extension ok ready 'is as it should be'
row freeze fails ScriptFailed 'until it runs'
backup 1 'no backup'
says out '"code": "ScriptFailed"' 'goes on'
"$firn" points --json > out && ! grep -q web1 out && ok 'and there is no point' ||
    not_ok 'and there is no point' "$(cat out)"
in_guest '[ "$(wc -l < /run/post)" = 2 ] && [ ! -e /run/at-rest ]' &&
    ok 'the post-script ran, each time' || not_ok 'the post-script ran, each time'
configure false '#!/bin/sh'
in_guest "cd /etc/azure && echo exit 0 > pre && printf 'echo too bad\\nexit 9\\n' > post"
rehearse 3 'a post-script that fails'
row freeze ok application-consistent 'is no weakness of the point'
row freeze weaker ApplicationsNotResumed 'but of what comes after it'
backup 3 'a backup with it'
says out '"consistency": *"application"' 'is application-consistent all the same'
says out '"code": "ApplicationsNotResumed"' 'and warns'
"$firn" points --json > out && grep -q web1 out && ok 'and there is its point' ||
    not_ok 'and there is its point' "$(cat out)"
if [ -z "${FIRN_SLOW_BUILD:-}" ]; then
    configure false '#!/no/such'
    rehearse 1 'one that cannot be started'
    row extension fails ScriptUnstartable 'is found without running it'
    configure true '#!/no/such'
    rehearse 3 'the same, which may'
    row extension weaker ScriptUnstartable 'makes a weaker point'
fi
goes_on 'the guest goes on'
in_guest 'rm -r /etc/azure'
"$firn" doctor qmp:"$g_mon",qga="$g_agent" > out 2> err
grep '^  freeze' out | sed 's/^/#/'
in_guest 'busybox mount -t ext2 -o loop /one/disk.img /inner'
rehearse 0 'a loop device'
row mounts ok '/inner is a file on /one' 'is seen'
in_guest 'busybox mount -t vfat -o loop /one/fat.img /fat'
rehearse 3 'a file system that cannot be frozen'
row mounts weaker '/fat is not held still' 'is seen'
finding MountNotFrozen 'is told by its code' vm=web1 mount=/fat type=vfat
finding RehearsalWeaker 'as a warning' vm=web1 n=1
row freeze ok application-consistent 'the others are frozen all the same'
rehearse 0 'when no file system is to be held' --consistency crash
row mounts ok MountNotFrozen 'it is no weakness'
in_guest 'busybox umount /fat'
in_guest 'busybox mount --bind /one /twin && busybox chmod 666 /etc/qemu/fsfreeze-hook'
rehearse 3 'what is below is mounted once more; a script that anybody can change'
row mounts ok 'the extension goes by that' 'the first would hang the agent, not the extension'
row scripts weaker FreezeHookOpen 'the other would be root'
row freeze ok application-consistent 'the extension does not mind'
goes_on 'the guest goes on'
in_guest 'busybox chmod 755 /etc/qemu/fsfreeze-hook && busybox mv /var/lib/firn /tmp/firn'
rehearse 3 'the same without the extension'
row extension weaker ExtensionMissing 'which is missing'
row freeze ok crash-consistent 'the agent is not asked to freeze'
rehearse 1 'when no less will do' --consistency filesystem
row mounts fails MountOrderUnsafe 'a backup would fail'
row freeze impossible level 'and the freeze is not possible'
goes_on 'the guest goes on'
in_guest 'busybox umount /twin && busybox date -s "2031-01-01 00:00" > /dev/null'
rehearse 3 'mounted once; the clock is wrong' --consistency filesystem,crash
row clock weaker GuestClockWrong 'which is told'
row freeze ok file-system-consistent 'and the agent freezes'
row freeze ok 'thawed by firn' 'and is thawed'
goes_on 'the guest goes on'
g_end

# ---- an agent that may not freeze ----
start_guest forbidden && until_done 1 || { not_ok 'the guest is up' "$(tail -n 5 console)"; done_testing; }
rehearse 3 'an agent that may not freeze'
row freeze ok application-consistent 'the extension may'
in_guest 'busybox mv /var/lib/firn /tmp/firn'
rehearse 3 'neither of the two'
row commands weaker AgentCommandForbidden 'is told by its code'
row freeze ok crash-consistent 'and not found twice'
rehearse 1 'when the file systems must be held' --consistency filesystem
row commands fails AgentCommandForbidden 'a backup would fail'
in_guest 'busybox kill -STOP $(busybox pidof qemu-ga); echo STOPPED > /dev/console' > /dev/null 2>&1 &
asker=$!
by=$((SECONDS + 60))
until grep -q STOPPED console || [ $SECONDS -ge $by ]; do read -r -t 0.1 _ <> <(:) || true; done
kill $asker
wait $asker 2> /dev/null
rehearse 3 'an agent that says nothing'
row agent weaker AgentSilent 'is told by its code'
row mounts impossible 'does not answer' 'and hides nothing else'
row copy ok MiB 'the disks are looked at all the same'
goes_on 'the guest goes on'
done_testing
