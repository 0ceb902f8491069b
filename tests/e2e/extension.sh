#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The extension on Linux as an agent and as firn use it: packages, verbs, status files,
# prerequisites that are missing and installed, plug-ins, and a new version that does not
# work.
# usage: extension.sh FIRN EXTENSION HOST MARKER MKPACKAGE BROKEN RUNTIME
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
extension=$2 host=$3 marker=$4 mkpackage=$5 needy=$6 runtime=$7
platform=linux-$(uname -m)
export FIRN_PLUGINS=$t_dir/plugins FIRN_CONFIG=$t_dir/config FIRN_MARKER=$t_dir/at-rest
export FIRN_SCRIPT_CONFIG=$t_dir/scripts.json LD_LIBRARY_PATH=$t_dir/lib
mkdir -p plugins config lib
name=Firn.VMSnapshot

# is STATUS NAME PROGRAM ARGUMENT...
is() {
    want=$1 about=$2
    shift 2
    "$@" > out 2> err < /dev/null
    got=$?
    if [ $got -eq "$want" ]; then ok "$about"; else not_ok "$about" "status $got: $*"; fi
}
# in_json FILE PATH VALUE NAME
in_json() {
    got=$(python3 -c '
import json, sys
v = json.load(open(sys.argv[1]))
for p in sys.argv[2].split("."):
    v = v[int(p) if p.isdigit() else p]
print(v.rstrip("\n") if isinstance(v, str) else json.dumps(v))' "$1" "$2" 2>&1)
    if [ "$got" = "$3" ]; then ok "$4"; else not_ok "$4" "$2 is $got, not $3"; fi
}
# package FOLDER VERSION [PARTS]: sets digest
package() {
    mkdir -p "$1/bin"
    cp "$extension" "$host" "$1/bin/"
    cp "$marker" "$1/bin/marker.so"
    digest=$("$mkpackage" "$1" $name "$2" "$platform" ${3:+"$3"})
}
plain() { echo '"plugins": [{"name": "marker", "file": "bin/marker.so"}]' > plain.json; }

plain
package first 1.0.9120.0 plain.json
is 0 'a package is as its manifest says' "$extension" verify first --digest "$digest"
is 1 'a package without its digest is refused' "$extension" activate first --digest "${digest//[0-9]/a}"
says err 'PackageDigestWrong' 'its code says so'
is 0 'it is put into place' "$extension" activate first --digest "$digest"
is 0 'it is the latest' "$extension" latest $name
says out 1.0.9120.0 'by its number'

# refused as a whole
refused() { # CODE NAME
    is 1 "$2 is refused" "$extension" activate bad --digest "$digest"
    says err "$1" "by $1"
    [ ! -e plugins/$name/2.0.0.0 ] && [ ! -e plugins/$name/new-2.0.0.0 ] &&
        ok 'nothing of it is left' || not_ok 'nothing of it is left' "$(ls plugins/$name)"
}
fresh() { rm -rf bad; package bad 2.0.0.0 plain.json; }
fresh; echo x >> bad/bin/marker.so; refused PackageFileChanged 'a changed file'
fresh; echo x > bad/bin/extra.so; refused PackageFileUnlisted 'a file beside'
fresh; rm bad/bin/marker.so; refused PackageFileMissing 'a lost file'
fresh; mv bad/bin/marker.so real.so; ln -s ../../real.so bad/bin/marker.so
refused PackageLinkRefused 'a link'
fresh; ln bad/bin/marker.so second-name.so; refused PackageLinkRefused 'a second name'
fresh; mkfifo bad/bin/pipe; refused PackageLinkRefused 'a pipe'
mkdir elsewhere
for own in config status mrseq heartbeat.log; do
    fresh; ln -s "$t_dir/elsewhere" bad/$own
    refused PackageLinkRefused "a link $own, which is the handler's own name,"
done
fresh; mkfifo bad/mrseq; refused PackageLinkRefused 'a pipe of such a name'
fresh; ln -s "$t_dir/elsewhere" bad/status
is 1 'a verb of one whose status would be written elsewhere' "$extension" install --folder bad
[ -z "$(ls elsewhere)" ] && ok 'writes nothing there' || not_ok 'writes nothing there'
fresh; sed -i 's|"bin/marker.so": {|"../marker.so": {|' bad/firn-package.json
digest=$(sha256sum < bad/firn-package.json | cut -d ' ' -f 1)
refused PackageNameRefused 'a name that leads upwards'
fresh; sed -i 's/linux-/windows-/' bad/firn-package.json
digest=$(sha256sum < bad/firn-package.json | cut -d ' ' -f 1)
refused PackageForeign 'a package for another platform'
fresh; rm bad/firn-package.json; refused PackageManifestInvalid 'one without a manifest'
fresh; sed -i 's/"schema": *1/"schema": 0/' bad/firn-package.json
digest=$(sha256sum < bad/firn-package.json | cut -d ' ' -f 1)
refused PackageManifestInvalid 'a manifest of another form'
is 0 'what is in use is as before' "$extension" latest $name
says out 1.0.9120.0 'the first version'

# a newer one by number, not by text; junk beside
package second 1.0.10000.0 plain.json
is 0 'a newer version is put into place' "$extension" activate second --digest "$digest"
mkdir -p "plugins/$name/1.0.99999.0" plugins/$name/latest plugins/$name/2 "plugins/$name/9.9.9.9-old"
is 0 'there is a latest' "$extension" latest $name
says out '/1.0.10000.0$' 'it is the highest number that is installed'
says plugins/$name/1.0.9120.0/config/HandlerState Installed 'the one before is kept'
is 1 'an older one is refused' "$extension" activate first --digest "$(sha256sum < first/firn-package.json | cut -d ' ' -f 1)"
says err PackageOlder 'by PackageOlder'
is 0 'the same once more does nothing' "$extension" activate second --digest "$digest"
says out already 'and says so'
rm -rf other; cp -r second other; echo >> other/bin/marker.so
other=$("$mkpackage" other $name 1.0.10000 "$platform" plain.json)
is 1 'another package of its number' "$extension" activate other --digest "$other"
says err PackageOlder 'is refused, and not said to be there'
says err 'PackageDigestWrong' 'since its files are others'
v=$t_dir/plugins/$name/1.0.10000.0
echo x >> "$v/bin/marker.so"
is 0 'one that was damaged' "$extension" activate second --digest "$digest"
says out 'was damaged' 'is put into place anew'
is 0 'and is whole' "$extension" verify "$v" --digest "$digest"
is 0 'and in force' "$extension" latest $name
says out '/1.0.10000.0$' 'with its number'
in_json "$v/status/0.status" 0.status.status success 'enabling left a status'
in_json "$v/heartbeat.log" 0.heartbeat.status ready 'and a heartbeat'

# once for each sequence
echo '{"runtimeSettings":[{"handlerSettings":{"publicSettings":{"deadlineSeconds":60}}}]}' > "$v/config/7.settings"
is 0 'new settings are carried out' "$v/bin/firn-extension" enable
in_json "$v/status/7.status" 0.status.operation Enable 'with a status of their number'
stat -c %i "$v/status/7.status" > inode
is 0 'once more' "$v/bin/firn-extension" enable
says out 'carried out before' 'does nothing'
[ "$(stat -c %i "$v/status/7.status")" = "$(cat inode)" ] && ok 'and leaves the status alone' ||
    not_ok 'and leaves the status alone'
echo '{"runtimeSettings":7}' > "$v/config/8.settings"
is 1 'settings of a wrong form fail' "$v/bin/firn-extension" enable
in_json "$v/status/8.status" 0.status.substatus.0.code SettingsInvalid 'with their code in the status'
rm "$v/config/8.settings"
is 0 'what was done is forgotten' "$v/bin/firn-extension" reset
is 0 'and done anew' "$v/bin/firn-extension" enable

# a status that was not asked for is owed all the same
head -c 100 /dev/zero | tr '\0' 9 > "$v/mrseq"
is 1 'what was done last cannot be read' "$v/bin/firn-extension" enable
in_json "$v/status/7.status" 0.status.substatus.0.code InputInvalid 'the status says so'
rm "$v/mrseq"
rm -r "$v/status"
echo '[{"handlerEnvironment": 7}]' > "$v/HandlerEnvironment.json"
is 1 'nor can the words of the agent' "$v/bin/firn-extension" enable
in_json "$v/status/7.status" 0.status.substatus.0.code HandlerEnvironmentInvalid 'so does the status'
rm "$v/HandlerEnvironment.json"
rm -r "$v/status"
exec 6> "$v/config/lock"
flock 6
is 1 'another verb is at work' "$v/bin/firn-extension" enable
in_json "$v/status/7.status" 0.status.substatus.0.code HandlerBusy 'a number without a status gets one'
exec 6>&-
is 0 'and is carried out later' "$v/bin/firn-extension" enable
in_json "$v/status/7.status" 0.status.status success 'with its own status'

# killed while it writes what is its own: what that leaves is no other's file
touch "$v/mrseq.4711.new" "$v/heartbeat.log.4712.new"
is 0 'files that a killed verb had not finished' "$v/bin/firn-extension" prepare
says out ready 'are no reason to refuse the package'
rm "$v/mrseq.4711.new" "$v/heartbeat.log.4712.new"
touch "$v/other.4711.new"
is 1 'one of another name' "$v/bin/firn-extension" prepare
rm "$v/other.4711.new"

# plug-ins come to rest and go on
is 0 'a rehearsal' "$extension" rehearse --package $name --json
in_json out steps.0.step quiesce 'brings the plug-in to rest'
in_json out steps.1.step resume 'and lets it go on'
[ ! -e at-rest ] && ok 'no mark is left' || not_ok 'no mark is left'

# a script that fails and is passed over is told of; only root's scripts are run
if [ "$(id -u)" -eq 0 ]; then
    printf '#!/bin/sh\nexit 7\n' > pre.sh
    chmod 700 pre.sh
    printf '{"preScriptLocation": "%s"}' "$t_dir/pre.sh" > scripts.json
    chmod 600 scripts.json
    is 3 'a script that fails, and may,' "$extension" rehearse --package $name
    says out 'went on, but .*ended with status 7' 'is told'
    is 3 'as a document' "$extension" rehearse --package $name --json
    in_json out steps.1.step quiesce 'and the plug-in came to rest all the same'
    is 1 'it freezes nothing as if all were at rest' "$extension" freeze --applications \
        --mount "$t_dir/nothing" --package $name --json
    in_json out error.code ScriptFailed 'but says why'
    [ ! -e at-rest ] && ok 'and what came to rest goes on' ||
        not_ok 'and what came to rest goes on'
    is 0 'one that is only looked at' "$extension" prepare --package $name --look --json
    in_json out result ready 'is ready'
    printf '#!/no/such\nexit 0\n' > pre.sh
    is 1 'one that could not be started' "$extension" prepare --package $name --look --json
    in_json out code ScriptUnstartable 'is not'
    in_json out facts.goes_on true 'and says that the backup may go on'
    says out '/no/such is not there' 'with the reason'
    printf 'exit 0\n' > pre.sh
    is 0 'one that names no interpreter' "$extension" prepare --package $name --look
    is 0 'is run by the shell' "$extension" rehearse --package $name
    rm scripts.json
else
    skip 'a script that fails, and may, is told' 'it needs root'
fi

# a host whose extension is gone lets its application go on
mkfifo ask
"$host" serve "$marker" < ask > answers 2> err &
exec 7> ask
echo 'quiesce 5000 60000' >&7
began=$SECONDS
until [ "$(wc -l < answers)" -ge 2 ]; do [ $((SECONDS - began)) -lt 20 ] || break; done
[ -s at-rest ] && ok 'a plug-in at rest leaves its mark' || not_ok 'a plug-in at rest leaves its mark' "$(cat answers)"
exec 7>&-
wait $!
[ ! -e at-rest ] && ok 'its host lets it go on when nobody is left' ||
    not_ok 'its host lets it go on when nobody is left' "$(cat answers)"
"$host" serve "$marker" < ask > answers 2> err &
exec 7> ask
echo 'quiesce 100 100' >&7
wait $!
exec 7>&-
[ "$(wc -l < answers)" = 3 ] && [ ! -e at-rest ] && ok 'and at its deadline, asked or not' ||
    not_ok 'and at its deadline, asked or not' "$(cat answers)"

# plug-ins that crash and hang
for how in crash hang refuse; do
    rm -rf odd
    mkdir -p odd/bin
    cp "$(dirname "$needy")/odd.so" odd/bin/
    echo '"plugins": [{"name": "odd", "file": "bin/odd.so"}]' > odd.json
    "$mkpackage" odd $name 3.0.0.0 "$platform" odd.json > digest
    export FIRN_TEST_ODD=$how
    is 1 "a plug-in that is to $how" "$extension" rehearse --folder odd --deadline 1
    case $how in
    crash) says err PluginDied 'is told as dead' ;;
    hang) says err PluginTooSlow 'is told as too slow' ;;
    refuse) says err 'I do not want to' 'is told with its words' ;;
    esac
done
# a plug-in of a database names its failure by a number that others know
while read -r number code; do
    export FIRN_TEST_ODD=$number
    is 1 "a plug-in that refuses with $number" "$extension" rehearse --folder odd --deadline 9
    says err "$code" "is told as $code"
    says err 'I do not want to' 'with its words'
done << 'END'
500 DatabaseQuiesceFailed
501 DatabaseSettingsWrong
505 DatabaseRightMissing
506 DatabaseUnreachable
508 DatabaseChanged
510 DatabaseQuiesceTimeout
511 DatabaseArchiveOff
513 PluginQuiesceFailed
121 PluginQuiesceFailed
END
export FIRN_TEST_ODD=load
is 1 'a plug-in that crashes when it is loaded' "$extension" prepare --folder odd --json
in_json out code PluginUnloadable 'cannot be loaded'
in_json out facts.why crashed 'since it crashed'

export FIRN_TEST_ODD=abi
is 1 'a plug-in of another generation' "$extension" prepare --folder odd --json
in_json out code PluginAbiWrong 'is told as that'
in_json out facts.abi 99 'with its number'
export FIRN_TEST_ODD=unready
is 1 'a plug-in that is not ready' "$extension" prepare --folder odd --json
in_json out code PluginQuiesceFailed 'is told long before it matters'
in_json out facts.why 'I am not ready' 'with its words'
is 1 'which is found in time' "$extension" rehearse --folder odd --deadline 9
says err 'I do not want to' 'also when nobody asked before'
export FIRN_TEST_ODD=old
is 0 'one that was made before plug-ins were asked' "$extension" prepare --folder odd --json
in_json out result ready 'is not asked'
export FIRN_TEST_ODD=stay
is 1 'a plug-in that does not go on' "$extension" rehearse --folder odd --deadline 9
says err PluginResumeFailed 'is told'
says err 'I like it here' 'with its words'
unset FIRN_TEST_ODD
FIRN_PLUGIN_HOST=$t_dir/nowhere is 1 'without the host of plug-ins' "$extension" prepare \
    --folder odd --json
in_json out code PluginHostFailed 'nothing can be tried'

# two that want the same package
mkdir -p plugins/Firn.VMSnapshot
exec 6> plugins/Firn.VMSnapshot/lock
flock 6
is 1 'while another one activates' "$extension" activate odd --digest "$(cat digest)" --deadline 1
says err HandlerBusy 'this one waits, then says so'
exec 6>&-

# a prerequisite that is missing, and its installer
mkdir -p needy/bin
cp "$needy" needy/bin/needy.so
cp "$runtime" needy/bin/libfirn-test-runtime.so.1
cat > needy/bin/installer << 'END'
#!/bin/sh
echo "installing for $1"
[ ! -f ../../../../busy ] || { rm ../../../../busy; exit 7; }
[ -f ../../../../status ] && exit "$(cat ../../../../status)"
[ -f ../../../../hang ] && { sleep "$(cat ../../../../hang)" & sleep "$(cat ../../../../hang)"; }
cp libfirn-test-runtime.so.1 "$LD_LIBRARY_PATH/"
exit 102
END
chmod +x needy/bin/installer
cat > needy.json << 'END'
"prerequisites": [{"name": "runtime", "title": "the test runtime",
  "probe": {"libraries": ["libfirn-test-runtime.so.1"]},
  "installer": {"file": "bin/installer", "arguments": ["a b"], "deadlineSeconds": 2,
    "exitCodes": {"9": "service", "7": "busy", "102": "ok-restart"}},
  "override": {"key": "SOFTWARE\\Microsoft\\BcdrAgentPersistentKeys", "value": "IsRuntimeInstalled"},
  "failure": "ExtensionVCRedistInstallationFailure"}],
"plugins": [{"name": "needy", "file": "bin/needy.so", "requires": ["runtime"]}]
END
name=Contoso.Backup
package needy 1.0.0.0 needy.json
mkdir -p plugins/$name
cp -r needy plugins/$name/1.0.0.0
mkdir -p plugins/$name/1.0.0.0/config
echo -n Enabled > plugins/$name/1.0.0.0/config/HandlerState
prepare() { "$extension" prepare --package $name --json; }
echo 9 > status
is 1 'a runtime that its installer cannot bring is a failure' prepare
in_json out result failed 'the result says so'
in_json out code ExtensionVCRedistInstallationFailure 'by the code of the manifest'
in_json out facts.exit 9 'with the exit code'
in_json out facts.class service 'and what it means'
in_json out facts.plugin needy 'and for whom'
in_json out facts.reason missing 'and why the library was not loaded'
in_json out prerequisites.0.installer.words 'installing for a b' 'and the words of the installer'
in_json plugins/$name/1.0.0.0/status/prepare.status 0.status.substatus.0.code \
    ExtensionVCRedistInstallationFailure 'the status has the code'
hang=6$$$RANDOM
rm status; echo $hang > hang
is 1 'an installer that hangs is ended' prepare
in_json out facts.class hung 'and said to hang'
[ -z "$(pgrep -xf "sleep $hang")" ] && ok 'with all that it started' || not_ok 'with all that it started'
rm hang
echo 'IsRuntimeInstalled = true' > config/persistent.conf
is 1 'a skipped check does not load the plug-in' prepare
in_json out code PluginUnloadable 'which is the failure then'
in_json out prerequisites.0.state skipped 'and the skipping is on record'
rm config/persistent.conf
touch busy
is 0 'an installer that was busy is run again, and the plug-in loads' prepare
in_json out result ready 'the result is ready'
in_json out prerequisites.0.state installed 'it was installed'
in_json out prerequisites.0.installer.runs 2 'in two runs'
in_json out prerequisites.0.installer.class ok-restart 'and would like a reboot'
is 0 'then it is there' prepare
in_json out prerequisites.0.state present 'and no installer runs'
echo 'IsRuntimeInstalled = True' > config/persistent.conf
is 3 'a skipped check is less than was asked' prepare
in_json out result skipped 'and said'
rm config/persistent.conf lib/*

# an upgrade that does not work
package needy 1.0.1.0 needy.json
echo 9 > status
is 1 'a version that does not work is taken back' "$extension" activate needy --digest "$digest"
says err ActivationRolledBack 'by ActivationRolledBack'
says err ExtensionVerbFailed 'since its own prepare failed'
says plugins/$name/1.0.1.0/config/HandlerState FailedUpgrade 'it is marked'
is 0 'the one before' "$extension" latest $name
says out '/1.0.0.0$' 'is in use'
rm status

# the supervisor: killed, and too slow
echo $hang > hang
old=plugins/$name/1.0.0.0
"$extension" prepare --package $name > out 2> err &
while [ "$(pgrep -cxf "sleep $hang")" -lt 2 ]; do [ -d /proc/$! ] || break; done
kill -9 $!
wait $! 2> /dev/null
began=$SECONDS
until grep -q ExtensionDied $old/status/prepare.status; do
    [ $((SECONDS - began)) -lt 20 ] || break
done
in_json $old/status/prepare.status 0.status.status error 'a killed verb has a final status'
in_json $old/status/prepare.status 0.status.substatus.0.code ExtensionDied 'that says so'
[ -z "$(pgrep -xf "sleep $hang")" ] && ok 'and nothing that it started goes on' ||
    not_ok 'and nothing that it started goes on'
slow=$t_dir/plugins/$name/1.0.5.0
cp -r needy $slow
sed 's/"deadlineSeconds": 2/"deadlineSeconds": 900/' needy.json > slow.json
"$mkpackage" $slow $name 1.0.5.0 "$platform" slow.json > digest
mkdir $slow/config
echo '{"runtimeSettings":[{"handlerSettings":{"publicSettings":{"deadlineSeconds":4}}}]}' \
    > $slow/config/1.settings
"$extension" enable --folder $slow > out 2> err &
while [ "$(pgrep -cxf "sleep $hang")" -lt 2 ]; do [ -d /proc/$! ] || break; done
kill -STOP $!
wait $! 2> /dev/null
began=$SECONDS
until grep -q ExtensionTooSlow $slow/status/1.status; do
    [ $((SECONDS - began)) -lt 20 ] || break
done
in_json $slow/status/1.status 0.status.substatus.0.code ExtensionTooSlow \
    'one that stands still is ended at its deadline, with a final status'
done_testing
