#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A backup asks the extension of a Linux guest first, through the real guest agent: what is
# missing there is the backup's failure, and no point is listed.  The guest is this machine in
# a mount namespace of its own, where /var/lib/firn belongs to the test.
# usage: guest.sh FIRN EXTENSION HOST MKPACKAGE NEEDY RUNTIME
here=$(cd "$(dirname "$0")" && pwd)
if [ "${FIRN_TEST_APART:-}" != 1 ]; then
    if [ "$(id -u)" -ne 0 ] || ! command -v qemu-ga > /dev/null ||
        ! unshare -m true 2> /dev/null; then
        echo '1..0 # SKIP needs root, mount namespaces and qemu-ga (package qemu-guest-agent)'
        exit 0
    fi
    FIRN_TEST_APART=1 exec unshare -m "$0" "$@"
fi
# shellcheck source=lib.sh
. "$here/lib.sh"
extension=$2 host=$3 mkpackage=$4 needy=$5 runtime=$6
# nothing else that lies in /var/lib is needed, and the real one is not touched
mount -t tmpfs tmpfs /var/lib || exit 1
mkdir /var/lib/firn
mkdir -p lib plugins
export LD_LIBRARY_PATH=$t_dir/lib FIRN_CONFIG=$t_dir/config

start_agent() {
    rm -f ga.sock
    qemu-ga -m unix-listen -p "$t_dir/ga.sock" -t "$t_dir" -l ga.log \
        -b guest-fsfreeze-freeze,guest-fsfreeze-freeze-list,guest-shutdown &
    agent=$!
    until grep -q " 00010000 .* $t_dir/ga.sock\$" /proc/net/unix; do [ -d /proc/$agent ] || break; done
}
stop_agent() { kill "$agent"; wait "$agent" 2> /dev/null; }
trap 'stop_agent; t_end' EXIT

new_vault v
disk d.raw 1000
guest=qga:$t_dir/ga.sock
firn_is 1 'no agent' backup d.raw --guest "$guest"
code_is AgentUnreachable 'is told'
firn_is 2 'another kind of target' backup d.raw --guest somewhere
start_agent
firn_is 1 'no extension' backup d.raw --guest "$guest"
code_is ExtensionMissing 'is told'

# package VERSION: its installer brings the runtime only while the file `works` is there
package() {
    local v=/var/lib/firn/plugins/Firn.VMSnapshot/$1
    mkdir -p "$v/bin"
    cp "$extension" "$host" "$v/bin/"
    cp "$needy" "$v/bin/needy.so"
    cp "$runtime" "$v/bin/runtime"
    printf '%s\n' '#!/bin/sh' "[ -f $t_dir/works ] || exit 9" \
        "cp '$v/bin/runtime' $t_dir/lib/libfirn-test-runtime.so.1" > "$v/bin/installer"
    chmod +x "$v/bin/installer"
    cat > parts.json << 'END'
"prerequisites": [{"name": "runtime", "title": "the test runtime",
  "probe": {"libraries": ["libfirn-test-runtime.so.1"]},
  "installer": {"file": "bin/installer", "arguments": [], "deadlineSeconds": 20},
  "override": {"key": "k", "value": "IsRuntimeInstalled"},
  "failure": "PluginSharedLibraryMissing"}],
"plugins": [{"name": "needy", "file": "bin/needy.so", "requires": ["runtime"]}]
END
    "$mkpackage" "$v" Firn.VMSnapshot "$1" "linux-$(uname -m)" parts.json > digest
    mkdir -p "$v/config"
    printf Enabled > "$v/config/HandlerState"
}
package 1.0.9120.0
package 1.0.10000.0
mkdir -p /var/lib/firn/plugins/Firn.VMSnapshot/{latest,1.0.99999.0}/bin
cp "$extension" /var/lib/firn/plugins/Firn.VMSnapshot/latest/bin/

firn_is 1 'a runtime that is missing' backup d.raw --guest "$guest"
code_is PluginSharedLibraryMissing 'is the failure of the backup'
says err 'the test runtime' 'it names the runtime'
says err libfirn-test-runtime.so.1 'and the library'
firn_is 0 'no point is listed' points
[ ! -s out ] || ! grep -q ' d$' out && ok 'none' || not_ok 'none'
firn_is 0 'its article' explain PluginSharedLibraryMissing
says out 'libfirn-test-runtime.so.1' 'is filled with the facts'
touch works
firn_is 0 'when the installer can do its work the backup comes through' backup d.raw \
    --guest "$guest"
firn_is 0 'the point is there' restore latest back.raw
same d.raw back.raw 'bit for bit'
[ -f /var/lib/firn/plugins/Firn.VMSnapshot/1.0.10000.0/status/prepare.status ] &&
    ok 'the latest version by number was asked' || not_ok 'the latest version was asked'

# an extension that answers nonsense
for words in 'echo' 'echo []' 'echo "{\"result\": \"maybe\"}"' 'head -c 3000000 /dev/zero' \
    'echo "{\"result\":"'; do
    printf '%s\n' '#!/bin/sh' "$words" \
        > /var/lib/firn/plugins/Firn.VMSnapshot/1.0.10000.0/bin/firn-extension
    firn_is 1 "an extension that does: $words" backup d.raw --guest "$guest"
    code_is ExtensionAnswerWrong 'is not believed'
done
printf '%s\n' '#!/bin/sh' \
    'echo "{\"result\": \"failed\", \"code\": \"Odd\", \"message\": \"it is odd\", \"facts\": 7}"' \
    > /var/lib/firn/plugins/Firn.VMSnapshot/1.0.10000.0/bin/firn-extension
firn_is 1 'a code that firn does not know' backup d.raw --guest "$guest"
code_is ExtensionNotReady 'is told as it is'
says err Odd 'with its name'
# what an extension reports is the failure of that code, by our name or by another's
answer() { # CODE FACTS
    printf '%s\n' '#!/bin/sh' "echo '{\"result\": \"failed\", \"code\": \"$1\"," \
        "\"message\": \"its own words\", \"facts\": {${2:-}}}'" \
        > /var/lib/firn/plugins/Firn.VMSnapshot/1.0.10000.0/bin/firn-extension
}
reports() { # CODE OURS [FACTS [WORDS]]
    answer "$1" "${3:-}"
    firn_is 1 "an extension that reports $1" backup d.raw --machine web1 --guest "$guest"
    code_is "$2" "is told as $2"
    says err "${4:-web1}" 'with what it says'
}
reports ScriptFailed ScriptFailed '"script": "/opt/pre", "status": 7, "words": "no room"' \
    'no room'
reports VssWriterBad VssWriterBad '"writer": "SqlServerWriter", "vm": "another"' \
    'SqlServerWriter in web1'
reports 0x80042306 VssProviderVeto '"provider": "Contoso"' 'provider Contoso in web1'
reports status:122 FreezeTimeout '"seconds": 70' 'within 70 s '
while read -r elsewhere ours; do
    reports "$elsewhere" "$ours"
    says err 'its own words' 'and its words'
done << 'END'
0x80042302 VssFailed
0x80042304 VssProviderUnregistered
0x8004230C VssVolumeUnsupported
0x80042313 VssFlushTimeout
-2147212522 VssSnapshotInProgress
0x8004231F VssStorageShort
2147754993 VssWriterBusy
0x80070422 VssServiceBad
0x80110401 ExtensionRuntimeMismatch
0x80310000 GuestVolumeLocked
status:13 GuestClockWrong
status:14 GuestOperationRunning
status:16 ExtensionConfigUnreadable
status:121 FreezeFailed
status:123 MountUnopenable
status:124 FreezeHelperMissing
status:402 GuestCommandLate
status:500 DatabaseQuiesceFailed
status:501 DatabaseSettingsWrong
status:505 DatabaseRightMissing
status:506 DatabaseUnreachable
status:508 DatabaseChanged
status:510 DatabaseQuiesceTimeout
status:511 DatabaseArchiveOff
ExtensionCommandExecFailure ExtensionProviderBroken
ExtensionInstallationFailedCOM ComServiceBroken
ExtensionInstallationFailedMDTC DtcBroken
ExtensionInstallProviderCOMMemoryQuotaReached ComMemoryQuota
GuestAgentPluginInstallCommandProcessingFailed GuestFrameworkMissing
UserErrorGuestAgentVersionUnsupported GuestAgentOutdated
GuestAgentSnapshotTaskStatusError GuestStatusMissing
VMBackupLinuxExtensionConfFileWrongEncodingFormat FreezeConfigEncoding
AgentShadowCopyMissing VssShadowLost
ExtensionFailedOutOfMemoryError GuestMemoryShort
UserErrorJobCancelledOnMachineReboot GuestRestarted
END
# a guest speaks of itself only
for elsewhere in VaultDamaged InternalError KeyRevoked status:0 0x80070005; do
    answer $elsewhere
    firn_is 1 "an extension that reports $elsewhere" backup d.raw --guest "$guest"
    code_is ExtensionNotReady 'is told as not ready'
done
printf '%s\n' '#!/bin/sh' 'echo "{\"result\": \"skipped\"}"' \
    > /var/lib/firn/plugins/Firn.VMSnapshot/1.0.10000.0/bin/firn-extension
firn_is 3 'a check that was skipped is less than was asked' backup d.raw --guest "$guest"
says err ExtensionCheckSkipped 'and said'
firn_is 0 'its point' points --json
says out '"ExtensionCheckSkipped": "' 'says it for ever'
done_testing
