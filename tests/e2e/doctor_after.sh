#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A procedure of which a person does a part, on a Linux tree that is not running: firn does its
# first step, waits, says what is to be done, and goes on when it is told that it is done.
# usage: doctor_after.sh FIRN
. "$(dirname "$0")/lib.sh"
export XDG_STATE_HOME=$t_dir/state
root=$t_dir/root
mkdir -p "$root"/var/lib/dpkg "$root"/etc/spool "$root"/usr/lib/systemd/system
: > "$root"/var/lib/dpkg/status
tree() {
    rm -rf "$XDG_STATE_HOME"
    printf '[a]\nhold=no\nready=no\n' > "$root"/etc/app.conf
}
set_() { printf 'config.set file=/etc/app.conf format=ini section=a key=%s value=%s' "$1" "$2"; }
cat > held.md <<END
<properties
 pageTitle="HeldUp"
/>
# HeldUp

## **Probe**

* Is it so?

  \`\`\`probe
  config.is file=/etc/app.conf format=ini section=a key=ready value=yes
  \`\`\`

## **Recommended Steps**

1. Hold it.

   \`\`\`action
   $(set_ hold yes)
   \`\`\`
2. Delete all files in the spool.

   \`\`\`action
   person.do text="Delete all files in the spool."
   \`\`\`
3. Make it ready.

   \`\`\`action after:2
   $(set_ ready yes)
   \`\`\`
4. Let it go.

   \`\`\`action after:2
   $(set_ hold no)
   \`\`\`
END
state() { cat "$root"/etc/app.conf; }
journal() { ls "$XDG_STATE_HOME"/firn/journal | sed -n 's/\.jsonl$//p'; }
doctor() { # STATUS NAME ARGUMENT...
    status=$1 what=$2
    shift 2
    firn_is "$status" "$what" doctor "root:$root" --article held.md "$@"
}

tree
state > before
firn_is 0 'nothing is wrong in the article' article held.md
says out 'after:2' 'its condition is shown'
doctor 1 'the plan is shown'
says out 'when a person has done step 2' 'with what step 3 waits for'
doctor 1 'the first part is done' --apply --yes=config
code_is RepairBlocked 'then a person is needed'
says err 'step 2 is yours: Delete all files in the spool' 'who is told what to do'
says out '--article=held.md --apply --yes=config --done=2' 'and how to go on'
says "$root"/etc/app.conf 'hold=yes' 'what was made ready for it stays'
says "$root"/etc/app.conf 'ready=no' 'and no more is done'
id=$(journal)
state > held
doctor 1 'who only looks'
code_is RepairBlocked 'is told that it waits'
says err 'step 2 is yours: Delete all files in the spool' 'in the last word, for which step'
says out '^blocked$' 'it is blocked'
says out '--article=held.md --apply --yes=config --done=2' 'how to go on'
says out "--undo $id" 'and how to take it back'
firn_is 1 'whatever is looked for' doctor "root:$root" --json
says out '"waits": "2"' 'also as a document'
says out '"blocked": "a repair of held.md is not at its end' 'with what is repaired'
says out "\"journal\": \"$id\"" 'and where it is written down'
state > now
same held now 'a look changes nothing'
doctor 1 'the same again' --apply --yes=config
state > now
same held now 'changes nothing'
[ "$(journal)" = "$id" ] && ok 'and is the same run' || not_ok 'and is the same run' "$(journal)"
"$firn" doctor --json "root:$root" --article held.md --apply > json 2> err < /dev/null
says json '"waits": "2"' 'a script is told which step it is'
says json '"condition": "after:2"' 'and what waits for it'
says json '"outcome": "blocked"' 'and that it is blocked'
sed 's/HeldUp/Other/' held.md > other.md
firn_is 1 'another cause' doctor "root:$root" --article other.md --apply --yes=config
says err "$id" 'is not treated meanwhile: it names the run that is not at its end'
state > now
same held now 'and nothing is touched'

doctor 2 'a step of firn is no step of a person' --apply --done=1
says err 'those of this plan: 2' 'it names those that are'
doctor 2 'a step that is not there' --apply --done=2,7
doctor 2 'no number' --apply --done=
firn_is 2 'steps of no plan' doctor "root:$root" --apply --done=2
firn_is 2 'undo and done' doctor "root:$root" --undo "$id" --done=2
state > now
same held now 'after all of this nothing is touched'

doctor 1 'with too little consent' --apply --yes=service --done=2
code_is RepairBlocked 'it waits'
says err 'allow step 3 (--yes=config)' 'for that which it needs'
says out '--apply --yes=config,service --done=2' 'and says how to go on'
says out "--undo $id" 'or take it back'
state > now
same held now 'and nothing is taken back, or done'
[ "$(journal)" = "$id" ] && ok 'it is the same run' || not_ok 'it is the same run' "$(journal)"

doctor 0 'when it is done, the rest is done' --apply --yes=config --done=2
says out '^repaired$' 'it is repaired'
says out 'done, as a person says' 'by a person, too'
says "$root"/etc/app.conf 'ready=yes' 'it is ready'
says "$root"/etc/app.conf 'hold=no' 'and goes'
[ "$(journal)" = "$id" ] && ok 'it was one run' || not_ok 'it was one run' "$(journal)"
firn_is 0 'which can be taken back' doctor "root:$root" --undo "$id"
state > now
same before now 'all of it'

tree
doctor 1 'it waits again' --apply --yes=config
firn_is 0 'and is taken back while it waits' doctor "root:$root" --undo "$(journal)"
state > now
same before now 'all is as before'

# what the person writes into the same file is the person's
tree
doctor 1 'it waits once more' --apply --yes=config
echo 'licence=L1' >> "$root"/etc/app.conf
doctor 0 'the person has written to the file, too' --apply --yes=config --done=2
firn_is 0 'all is taken back' doctor "root:$root" --undo "$(journal)"
{ cat before; echo 'licence=L1'; } > mine
state > now
same mine now 'but for what the person wrote'

# a file that firn has replaced, and the person has written to since
tree
cat > copied.md <<END
<properties
 pageTitle="Copied"
/>
# Copied

## **Probe**

* Is it so?

  \`\`\`probe
  config.is file=/etc/app.conf format=ini section=a key=ready value=yes
  \`\`\`

## **Recommended Steps**

1. Put the new one into its place.

   \`\`\`action
   file.copy from=/etc/app.new to=/etc/app.conf
   \`\`\`
END
sed 's/ready=no/ready=yes/' "$root"/etc/app.conf > "$root"/etc/app.new
chmod 640 "$root"/etc/app.conf
copied() { firn_is "$1" "$2" doctor "root:$root" --article copied.md --apply --yes=config; }
copied 0 'a file is replaced'
cp "$root"/etc/app.conf mine
firn_is 0 'it is taken back' doctor "root:$root" --undo "$(journal)"
state > now
same before now 'and is as it was'
rm -r "$XDG_STATE_HOME"
copied 0 'it is replaced again'
echo 'licence=L1' | tee -a mine >> "$root"/etc/app.conf
firn_is 3 'what a person wrote to it is not taken back' doctor "root:$root" --undo "$(journal)"
says out 'firn-old' 'where the old one lies is told'
says err '(UndoKept,' 'by its code, as a warning'
grep -q 'is undone' out && not_ok 'and it is not called undone' || ok 'and it is not called undone'
same mine "$root"/etc/app.conf 'the file is the person'"'"'s'
grep -q ready=no "$root"/etc/app.conf.firn-old && ok 'the old one lies beside it' ||
    not_ok 'the old one lies beside it'
[ "$(stat -c %a "$root"/etc/app.conf.firn-old)" = 600 ] && ok 'and is nobody else'"'"'s to read' ||
    not_ok 'and is nobody else'"'"'s to read'
copied 0 'and the next run is no worse for it'

# at a terminal the person is asked
tree
cat > ask.py <<'END'
import os, pty, sys
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[2], sys.argv[2:])
answers, said = sys.argv[1], b""
while True:
    try:
        part = os.read(fd, 4096)
    except OSError:
        break
    if not part:
        break
    said += part
    if said.endswith(b"[y/N] ") and answers:
        os.write(fd, answers[0].encode() + b"\n")
        answers = answers[1:]
print(said.decode())
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
END
if have python3; then
    python3 ask.py n "$firn" doctor "root:$root" --article held.md --apply --yes=config > said
    [ $? = 1 ] && ok 'a no waits' || not_ok 'a no waits' "$(cat said)"
    says said 'step 2 is yours: Delete all files in the spool' 'the question has the words'
    state > now
    same held now 'what was made ready for it stays'
    python3 ask.py y "$firn" doctor "root:$root" --article held.md --apply --yes=config > said
    [ $? = 0 ] && ok 'a yes goes on' || not_ok 'a yes goes on' "$(cat said)"
    says said 'repaired' 'and it is repaired'
else
    skip 'a person is asked' 'no python3'
fi
done_testing
