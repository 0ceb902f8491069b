#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# firn puts the extension into a Windows guest, which Wine stands in for: over the guest agent's
# protocol, with the program for Windows that goes to guests.  The rights of folders are not
# Wine's to prove: its icacls does nothing.
# usage: extension_push_wine.sh FIRN BUILD MKPACKAGE LAUNCHER.EXE
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=lib.sh
. "$here/lib.sh"
# shellcheck source=../lib/wine.sh
. "$here/../lib/wine.sh"
build=$2 mkpackage=$3 launcher=$4
[ -n "$wine" ] || { echo '1..0 # SKIP no wine here'; exit 0; }
wine_prefix prefix || { echo '1..0 # SKIP wine cannot make a prefix here'; exit 0; }
trap 'wine_end; t_end' EXIT
export XDG_STATE_HOME=$t_dir/state
guest=qga:$t_dir/ga drive=$WINEPREFIX/drive_c pack=Firn.VMSnapshot
versions=$drive/Packages/Plugins/$pack
agent() { # [FORBIDDEN]
    wine_agent_end
    rm -f "$t_dir/ga"
    wine_agent "$t_dir/ga" "$launcher" "${1:-}" || { not_ok 'an agent' "$(cat agent.log)"; done_testing; }
}
is_gone() { if [ ! -e "$1" ]; then ok "$2"; else not_ok "$2" "$(find "$1" | head -n 20)"; fi; }

agent guest-file-write
firn_is 1 'an agent that forbids what it takes' extension install "$guest"
code_is ExtensionPushForbidden 'is told'
says err 'takes: guest-file-write ' 'with what is forbidden'
agent
firn_is 1 'a fresh guest' extension status "$guest"
code_is ExtensionMissing 'has no extension'
firn_is 0 'which firn puts there' extension install "$guest"
says out 'last .*Enable: success, ready' 'it is ready'
shipped=$(ls "$versions" | grep '^[0-9]')
for program in firn-extension firn-plugin-host; do
    same "$build/packages/windows-x86_64/$pack/$shipped/bin/$program.exe" \
        "$versions/$shipped/bin/$program.exe" "$program.exe is whole"
done
is_gone "$drive/Program Files/firn/incoming" 'what was sent is gone'
new_vault v
disk disk.raw 100
firn_is 0 'a backup asks it' backup disk.raw --guest "$guest"

mkdir -p new/bin
cp "$build"/packages/windows-x86_64/$pack/"$shipped"/bin/*.exe new/bin/
head -c 3000000 /dev/urandom > new/bin/data
"$mkpackage" new $pack 7.0.1 windows-x86_64 > digest
# a run that broke off: half a file, and one that is not what it should be
incoming="$drive/Program Files/firn/incoming/$(cut -c 1-16 digest)"
mkdir -p "$incoming/bin"
head -c 1000000 new/bin/data > "$incoming/bin/data"
echo 'something else' > "$incoming/bin/firn-extension.exe"
firn_is 0 'a newer version, of which some is there' extension install "$guest" --package new
same new/bin/data "$versions/7.0.1/bin/data" 'is whole'
says out "before it .*$shipped, which is kept" 'the one before it is kept'
firn_is 0 'the state' extension status "$guest"
says out '^  7.0.1 *Enabled, in force' 'says so'

echo more >> new/bin/firn-plugin-host.exe
sed -i 's/"7.0.1"/"7.0.2"/' new/HandlerManifest.json
cat > parts.json << 'END'
"prerequisites": [{"name": "none", "title": "what nobody has",
  "probe": {"libraries": ["firn-nobody-has.dll"]}, "failure": "PluginSharedLibraryMissing"}],
"plugins": [{"name": "needy", "file": "bin/data", "requires": ["none"]}]
END
"$mkpackage" new $pack 7.0.2 windows-x86_64 parts.json > digest
firn_is 1 'a version that cannot work' extension install "$guest" --package new
code_is ActivationRolledBack 'is taken back'
says err '(PluginSharedLibraryMissing,' 'for what is missing'
firn_is 0 'the state' extension status "$guest"
says out '^  7.0.1 *Enabled, in force' 'is as before'
says out '^  7.0.2 *FailedUpgrade' 'and tells of it'

firn_is 0 'it is removed' extension remove "$guest"
is_gone "$drive/Packages" 'with its folders'
is_gone "$drive/Program Files/firn" 'and what was made for it'
firn_is 0 'once more' extension remove "$guest"
says out 'nothing was to be removed' 'there is nothing'
sed 's/^/# agent: /' agent.log
done_testing
