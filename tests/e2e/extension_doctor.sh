#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# firn-extension doctor on Linux, inside of the machine: prepare fails for want of a library,
# its cause is verified, repaired with consent and proved by prepare; taken back; nothing helps;
# a run is killed in the middle; a journal is damaged; words and documents are firn doctor's.
# The machine is this one in a mount namespace, where packages and /opt belong to the test.
# usage: extension_doctor.sh FIRN EXTENSION HOST MKPACKAGE NEEDY RUNTIME
here=$(cd "$(dirname "$0")" && pwd)
if [ "${FIRN_TEST_APART:-}" != 1 ]; then
    if [ "$(id -u)" -ne 0 ] || ! command -v dpkg-deb > /dev/null ||
        ! mkdir -p /var/lib/firn /opt 2> /dev/null || ! unshare -m true 2> /dev/null; then
        echo '1..0 # SKIP needs root, mount namespaces and dpkg'
        exit 0
    fi
    FIRN_TEST_APART=1 exec unshare -m "$0" "$@"
fi
# shellcheck source=lib.sh
. "$here/lib.sh"
extension=$2 host=$3 mkpackage=$4 needy=$5 runtime=$6
for place in /var/lib/firn /var/lib/dpkg /var/log /opt; do
    mount -t tmpfs tmpfs $place || exit 1
    chmod 755 $place
done
mkdir /var/lib/dpkg/{updates,info} /opt/{lib,etc}
touch /var/lib/dpkg/{status,available}
export LD_LIBRARY_PATH=/opt/lib FIRN_CONFIG=$t_dir/config
export XDG_STATE_HOME=$t_dir/state
code=PluginSharedLibraryMissing
name=Firn.VMSnapshot
v=/var/lib/firn/plugins/$name/1.0.9120.0

is() { # STATUS NAME PROGRAM ARGUMENT...
    want=$1 about=$2
    shift 2
    "$@" > out 2> err < /dev/null
    got=$?
    if [ $got -eq "$want" ]; then ok "$about"; else not_ok "$about" "status $got: $*"; fi
}
doctor() { # STATUS NAME ARGUMENT...
    want=$1 about=$2
    shift 2
    is "$want" "$about" "$v/bin/firn-extension" doctor "$@"
}
journal() { ls -t "$XDG_STATE_HOME"/firn/journal/*.jsonl | head -n 1 | sed 's/.*\///; s/\.jsonl$//'; }
runtime_is() { # there|missing NAME
    [ -f /opt/lib/libfirn-test-runtime.so.1 ] && got=there || got=missing
    if [ $got = "$1" ]; then ok "$2"; else not_ok "$2" "the runtime is $got"; fi
}
article() { # NAME PROBE ACTION...: write NAME.md
    local file=$1.md
    printf '<properties\n pageTitle="%s"\n/>\n# %s\n\n## **Probe**\n\n* Is it so?\n\n' "$1" "$1" \
        > "$file"
    printf '  ```probe\n  %s\n  ```\n\n## **Recommended Steps**\n\n' "$2" >> "$file"
    shift 2
    for action; do printf '* Do it.\n\n  ```action\n  %s\n  ```\n\n' "$action" >> "$file"; done
}

# the package, whose runtime lies beside it as a Debian package; it can be installed only while
# /opt/works is there, so that prepare fails first and the repair does not
mkdir -p deb/DEBIAN deb/opt/lib "$v/bin" "$v/config"
cp "$runtime" deb/opt/lib/libfirn-test-runtime.so.1
printf 'Package: firn-test-runtime\nVersion: 1.0\nArchitecture: all\nMaintainer: x <x@x.example>\n%s\n' \
    'Description: a library for tests' > deb/DEBIAN/control
printf '#!/bin/sh\n[ -f /opt/works ]\n' > deb/DEBIAN/preinst
chmod +x deb/DEBIAN/preinst
chmod -R u=rwX,go=rX deb
dpkg-deb -b deb "$v/firn-test-runtime_1.0_all.deb" > /dev/null || exit 1
cp "$extension" "$host" "$v/bin/"
cp "$needy" "$v/bin/needy.so"
cat > parts.json << 'END'
"prerequisites": [{"name": "runtime", "title": "the test runtime",
  "probe": {"libraries": ["libfirn-test-runtime.so.1"]},
  "installer": {"file": "firn-test-runtime_1.0_all.deb", "kind": "dpkg", "arguments": [], "deadlineSeconds": 20},
  "failure": "PluginSharedLibraryMissing"}],
"plugins": [{"name": "needy", "file": "bin/needy.so", "requires": ["runtime"]}]
END
"$mkpackage" "$v" $name 1.0.9120.0 "linux-$(uname -m)" parts.json > digest
printf Enabled > "$v/config/HandlerState"

# found and repaired
doctor 1 'before anything failed' $code
says out 'its probe needs what only the failure tells' 'only the failure tells what to look at'
is 1 'prepare' "$v/bin/firn-extension" prepare
says out $code 'fails by its code'
doctor 1 'the cause is looked at' $code
says out "^cause: $code in local$" 'and verified'
says out 'libfirn-test-runtime.so.1 does not load' 'by the library that the failure names'
says out '^found$' 'the last word is found'
says err 'CauseFound' 'the exit status has a code'
runtime_is missing 'nothing was changed'
[ -z "$(ls "$XDG_STATE_HOME/firn/journal")" ] && ok 'no journal was begun' || not_ok 'no journal'
doctor 1 'without consent' $code --apply --yes=config
says err 'RepairBlocked' 'it is blocked'
runtime_is missing 'and nothing is changed'
touch /opt/works
doctor 0 'with consent' $code --apply --yes install
says out '^repaired$' 'it is repaired'
says out '^prepare works again$' 'prepare was run again'
runtime_is there 'the library is there'
grep -q '"status":"success"' "$v/status/prepare.status" &&
    ok 'the status of prepare says so too' || not_ok 'the status of prepare' "$(cat "$v/status/prepare.status")"
says out "firn-extension doctor --undo $(journal) takes it back" 'it says how to take it back'
is 0 'prepare' "$v/bin/firn-extension" prepare
record $code verified repaired proved

# taken back
rm /opt/works
doctor 0 'undo' --undo "$(journal)"
says out "the repair $(journal) is undone" 'says so'
runtime_is missing 'the library is gone'
doctor 1 'undo of what is not known' --undo 0123456789abcdef
says err JournalMissing 'has a code'
record $code undone

# as a document
is 1 'prepare fails again' "$v/bin/firn-extension" prepare
doctor 1 'as a document' $code --json
python3 - << 'END' && ok 'it has outcome, plan and error' || not_ok 'the document'
import json
d = json.load(open("out"))
assert d["schema"] == 1 and d["warnings"] == [] and d["outcome"] == "found"
assert d["plan"][0]["kind"] == "linux.package.install_file"
assert d["error"]["code"] == "CauseFound" and d["error"]["number"] == 680
END
touch /opt/works
doctor 0 'and repaired' $code --apply --yes=install --json
python3 -c 'import json; d = json.load(open("out")); assert d["retry"]["error"] is None, d
assert d["outcome"] == "repaired" and "error" not in d' &&
    ok 'the retry is in it' || not_ok 'the retry is in it'
doctor 0 'undone' --undo "$(journal)" --json
python3 -c 'import json; assert json.load(open("out"))["undone"] is True' &&
    ok 'as a document' || not_ok 'as a document'
doctor 2 'wrong words' $code --undo 0123456789abcdef --json
python3 -c 'import json; assert json.load(open("out"))["error"]["code"] == "UsageWrong"' &&
    ok 'are one too' || not_ok 'are one too'

# the words of firn doctor: text, document, exit status
article Waits 'linux.library.loads name=libnowhere.so.9' \
    'config.set file=/opt/etc/app.conf format=ini section=a key=level value=5' \
    'machine.wait seconds=600'
printf '[a]\nlevel=1\n' > /opt/etc/app.conf
for words in '--article Waits.md' '--article Waits.md --json' '--article Waits.md --apply' \
    '--article Waits.md --order=article' 'PackageDatabaseInterrupted' '' '--json' 'Nonsense' \
    '--yes=everything' '--article nowhere.md' '--order=other' "$code --article Waits.md" \
    '--undo 0123456789abcdef' '--undo x' '--article Waits.md --done=1' '--done=1' \
    '--undo x --done=1'; do
    # shellcheck disable=SC2086
    "$firn" doctor $words > theirs 2> their_err < /dev/null
    their=$?
    # shellcheck disable=SC2086
    doctor $their "the same status: doctor $words" $words
    case $words in
    *Nonsense* | *everything* | *nowhere* | *other* | *"$code --"* | *undo* | *done*) ;; # no report
    *) same out theirs 'and the same words' ;;
    esac
done

# a part of it is a person's: it waits, and goes on when it is told that it is done
article Part 'linux.library.loads name=libnowhere.so.9' \
    'config.set file=/opt/etc/app.conf format=ini section=a key=level value=5' \
    'person.do text="Look at it."' \
    'config.set file=/opt/etc/app.conf format=ini section=a key=level value=6'
awk '/```action/ && ++n == 3 { $0 = $0 " after:2" } 1' Part.md > Part2.md
doctor 1 'a part is done' --article Part2.md --apply --yes=config
says err RepairBlocked 'then a person is needed'
says out 'step 2 is yours: Do it' 'who is told what to do'
says out 'firn-extension doctor --article=Part2.md --apply --yes=config --done=2' 'and how to go on'
says /opt/etc/app.conf 'level=5' 'what was done stays'
doctor 1 'who only looks' --article Part2.md
says err 'step 2 is yours: Do it' 'is told that it waits, and for what'
says out "firn-extension doctor --undo $(journal)" 'and how to take it back'
doctor 1 'too little consent' --article Part2.md --apply --yes=service --done=2
says err 'allow step 3 (--yes=config)' 'is asked for'
says out 'doctor --article=Part2.md --apply --yes=config,service --done=2' 'with how to go on'
says /opt/etc/app.conf 'level=5' 'and nothing is taken back'
doctor 1 'the rest is done' --article Part2.md --apply --yes=config --done=2
says err RepairEscalated 'and did not help'
says out 'done, as a person says' 'what a person said is told'
says /opt/etc/app.conf 'level=1' 'all of it is taken back'

# nothing helps
rm /opt/works
is 1 'prepare' "$v/bin/firn-extension" prepare
article NeverThere 'linux.library.loads name=libnowhere.so.9' \
    'config.set file=/opt/etc/app.conf format=ini section=a key=level value=5'
doctor 1 'nothing helps' --article NeverThere.md --apply --yes=config
says err RepairEscalated 'it is handed on'
says /opt/etc/app.conf 'level=1' 'and undone'
says "$XDG_STATE_HOME/firn/journal/$(journal).json" '"outcome": "escalated"' 'the bundle tells'

# killed in the middle
"$v/bin/firn-extension" doctor --article Waits.md --apply --yes=config > /dev/null 2>&1 &
pid=$!
until grep -qs '"result":0' "$XDG_STATE_HOME/firn/journal/"*.jsonl && grep -q level=5 /opt/etc/app.conf; do
    [ -d /proc/$pid ] || break
    read -r -t 0.05 <> <(:) || :
done
says /opt/etc/app.conf 'level=5' 'a change was made'
id=$(journal)
doctor 1 'a second one at the same time' --undo "$id"
says err JournalBusy 'stops'
kill -9 $pid
wait $pid 2> /dev/null
article Waits 'linux.library.loads name=libnowhere.so.9' \
    'linux.package.install_file path=/opt/nothing_1_all.deb'
doctor 1 'the next run takes it up' --article Waits.md --apply
says out "$id, which was broken off, is undone" 'and says so'
says /opt/etc/app.conf 'level=1' 'what was half done is undone'

# a damaged journal changes nothing
sed -i 's/"intent":0/"intent":7/' "$XDG_STATE_HOME/firn/journal/$id.jsonl"
doctor 1 'a damaged journal' --undo "$id"
says err JournalDamaged 'is said to be one'

# a package that is not there; a program that lies in none
doctor 1 'of a package that is not there' $code --package Nobody.Nothing
says err PackageMissing 'it is told'
is 1 'out of a package' "$extension" doctor --article NeverThere.md
says out '^found$' 'it looks all the same'

# asked to end, it does so in order
article Waits 'linux.library.loads name=libnowhere.so.9' \
    'config.set file=/opt/etc/app.conf format=ini section=a key=level value=5' \
    'machine.wait seconds=600'
"$v/bin/firn-extension" doctor --article Waits.md --apply --yes=config > out 2> err &
pid=$!
until grep -q level=5 /opt/etc/app.conf; do
    [ -d /proc/$pid ] || break
    read -r -t 0.05 <> <(:) || :
done
kill $pid
wait $pid
[ $? -ne 0 ] && ok 'one that is asked to end does' || not_ok 'one that is asked to end does'
says err Interrupted 'and says why'
doctor 0 'what it did can be taken back' --undo "$(journal)"
says /opt/etc/app.conf 'level=1' 'and is'
done_testing
