#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Checks the protocol of writers and collectors (vault.pml) with spin; README.md explains.
#
#   run.sh            all checks; exit status 0 when all are as they must be, else 1
#   run.sh WORD...    only the checks whose line in the table below has one of the WORDs
#   run.sh --long     also the large ones (some minutes, 5 GB of memory)
#   run.sh --trace N  the shortest counterexample of check N, step by step
#
# Output is TAP; at a terminal each check is told on stderr as it ends.  JOBS (default: the
# number of processors, at most 2) checks run at a time.
set -u
LC_ALL=C
export LC_ALL

here=$(cd "$(dirname "$0")" && pwd)
model=$here/vault.pml

# hold: no claim fails in any order of steps.  see: the thing does happen (a mark of the
# model is reached).  bug: with one rule broken, the named claim fails.
# KIND CLAIM NAME FLAG... ; a flag X=1 is -DX=1
table()
{
    sed -e '/^#/d' -e '/^$/d' <<'END'
hold - two-writers-two-sessions-each TRIES=2 START=3
hold - two-writers-two-tombs TOMBS=2
hold - two-rounds-two-forgets-reader WRITERS=1 TRIES=2 ROUNDS=2 FORGETS=2 READERS=1 START=3
hold - rewrite-and-reader WRITERS=1 REWRITES=1 READERS=1 START=3
hold - two-collectors-shared-block WRITERS=1 COLLECTORS=2
hold - two-collectors-two-needed-blocks WRITERS=1 COLLECTORS=2 START=5
hold - two-collectors-two-writers COLLECTORS=2 START=4 FORGETS=0
hold - two-collectors-clear-for-others WRITERS=1 TRIES=2 COLLECTORS=2 START=4 CLEAR
hold - two-collectors-merger-reader WRITERS=0 TRIES=0 COLLECTORS=2 START=2 MERGER READERS=1
hold - two-collectors-rewrite-reader WRITERS=0 TRIES=0 COLLECTORS=2 TOMBS=0 REWRITES=1 READERS=1 START=3
hold - slow-listings-two-writers WEAK=2 START=3
hold - slow-listings-reader WRITERS=1 WEAK=2 REWRITES=1 READERS=1 START=3
hold - slow-listings-two-collectors WRITERS=1 COLLECTORS=2 WEAK=1 START=3
hold - slow-listings-two-rewrites-reader WRITERS=0 TRIES=0 COLLECTORS=2 TOMBS=0 REWRITES=1 READERS=1 WEAK=1 START=3
hold - slow-listings-all-two-collectors WRITERS=0 TRIES=0 COLLECTORS=2 WEAK=2 START=2
hold - slow-listings-merger WRITERS=1 WEAK=1 MERGER START=3
hold - two-crashes-and-sweep WRITERS=1 TRIES=2 CRASHES=2 SWEEP=1 START=3
hold - two-crashed-collectors-and-sweep WRITERS=0 TRIES=0 COLLECTORS=2 CRASHES=2 SWEEP=1 START=2
hold - crashed-rewrite-and-sweep WRITERS=1 REWRITES=1 CRASHES=2 SWEEP=1
hold - points-first-while-sessions-stay WRITERS=1 TRIES=2 BUG_POINTS_FIRST SESSIONS_STAY START=3
see 1 a-pack-is-deleted WRITERS=1 START=3
see 2 a-session-is-aborted WRITERS=1 START=3
see 3 a-second-session-becomes-a-point WRITERS=1 TRIES=2 START=3
see 4 a-reached-pack-is-kept WRITERS=1 START=3
see 5 a-round-is-aborted WRITERS=0 TRIES=0 COLLECTORS=2 START=2
see 6 a-rewritten-pack-is-deleted WRITERS=1 REWRITES=1 START=3
see 7 a-point-shares-a-pack WRITERS=1 START=3
see 8 a-reader-lists-again WRITERS=1 REWRITES=1 READERS=1 START=3
see 9 a-parent-is-gone WRITERS=1 START=3
see 10 a-pack-is-deleted-beside-a-session WRITERS=1 START=3
see 11 the-sweep-clears-up-after-crashes WRITERS=1 CRASHES=2 SWEEP=1 START=3
see 12 a-round-gives-up-where-a-home-is-missing WRITERS=1 WEAK=1 MERGER START=3
bug WHOLE BUG_TOMBS_BEFORE_SESSION WRITERS=1
bug WHOLE BUG_RUNS_BEFORE_TOMBS WRITERS=1
bug WHOLE BUG_PACKS_BEFORE_TOMBS WRITERS=1 MERGER START=3
bug WHOLE BUG_WRITER_TRUSTS_RUNS WRITERS=1 MERGER START=3
bug WHOLE BUG_PARENT_UNCHECKED WRITERS=1 START=3
bug WHOLE BUG_FORGETS_BEFORE_SESSION WRITERS=1 START=3
bug WHOLE BUG_POINT_BEFORE_PACKS WRITERS=1
bug WHOLE BUG_SESSION_REMOVED_FIRST WRITERS=1 START=3
bug WHOLE BUG_SAME_BYTES WRITERS=1 TRIES=2 COLLECTORS=2 START=4 FORGETS=0
bug WHOLE BUG_SESSIONS_BEFORE_TOMBS WRITERS=1
bug WHOLE BUG_NO_ABORT WRITERS=1
bug ONCE BUG_ABORT_OVERWRITES WRITERS=1
bug WHOLE BUG_CLEAR_WITHOUT_ABORT WRITERS=0 TRIES=0 COLLECTORS=2 START=2
bug WHOLE BUG_ROUND_NAME_FREED WRITERS=0 TRIES=0 COLLECTORS=2 START=2
bug WHOLE BUG_GO_UNASKED WRITERS=0 TRIES=0 COLLECTORS=2 START=2
bug WHOLE BUG_SESSIONS_BEFORE_FORGETS WRITERS=1 START=3
bug WHOLE BUG_POINTS_FIRST WRITERS=1 START=3
bug WHOLE BUG_POINTS_FIRST SESSIONS_STAY CLEAR WRITERS=1 COLLECTORS=2 START=4
bug WHOLE BUG_PARENT_NO_ROOT WRITERS=1 START=3
bug WHOLE BUG_RUNS_OF_FIRST_MARK WRITERS=1 START=4
bug WHOLE BUG_TOMBS_BEFORE_RUNS WRITERS=1 COLLECTORS=2 START=5 FORGETS=0
bug WHOLE BUG_COLLECTOR_TRUSTS_RUNS WRITERS=0 TRIES=0 COLLECTORS=2 MERGER START=2
bug WHOLE BUG_OTHERS_TOMBS_IGNORED WRITERS=0 TRIES=0 COLLECTORS=2 START=2
bug WHOLE BUG_OWN_TOMBS_COUNT WRITERS=1
bug WHOLE BUG_LOST_IGNORED WRITERS=1 WEAK=1 MERGER START=3
bug WHOLE BUG_LOST_OF_POINTS_ONLY WRITERS=1 WEAK=1 MERGER START=3
bug WHOLE BUG_OLD_RUNS_FIRST WRITERS=1
bug WHOLE BUG_OWN_TOMBS_FIRST WRITERS=1 MERGER START=3
bug SWEEP BUG_GO_NOT_TAKEN_OVER WRITERS=1 CRASHES=1 SWEEP=1 START=3
bug READ BUG_READER_LISTS_TWICE WRITERS=0 TRIES=0 ROUNDS=2 REWRITES=1 READERS=1 START=3
END
    [ "$long" = 0 ] || sed -e '/^$/d' <<'END'
long - two-collectors-two-sessions-forget WRITERS=1 TRIES=2 COLLECTORS=2 START=3
long - two-collectors-two-writers-forget COLLECTORS=2 START=4
END
}

# What pan prints when the claim fails.
pattern()
{
    case $1 in
    WHOLE) echo '((t2& ~(t1))==0)' ;;
    ONCE) echo '((listed&aborted)==0)' ;;
    READ) echo '(turns<=' ;;
    SWEEP) echo 'assertion violated (t0==0)' ;;
    *) echo "assertion violated ($1!=$1)" ;;
    esac
}

# Build the checker of one line in the current folder.
build()
{
    kind=$1 claim=$2 name=$3
    shift 3
    case $kind in
    bug) set -- "$name" "$@" ;;
    see) set -- "WITNESS=$claim" "$@" ;;
    esac
    flags=
    for flag; do
        flags="$flags -D$flag"
    done
    memory=1000
    [ "$kind" != long ] || memory=6000
    # shellcheck disable=SC2086 -- flags are words without blanks
    spin $flags -a "$model" > spin.log 2>&1 &&
        ${CC:-cc} -O1 -w -DSAFETY -DCOLLAPSE -DMEMLIM="$memory" -o pan pan.c > cc.log 2>&1
}

# one N KIND CLAIM NAME FLAG...: leaves a line of TAP and the number of states.
one()
{
    number=$1
    shift
    mkdir "$work/$number" && cd "$work/$number" || exit 1
    problem= found=
    if ! build "$@"; then
        problem="does not build: $(cat spin.log cc.log 2>/dev/null | head -n 1)"
    else
        timeout 3600 ./pan -m20000 -w22 > pan.log 2>&1
        states=$(sed -n 's/^ *\([0-9]*\) states, stored.*/\1/p' pan.log)
        errors=$(sed -n 's/.*errors: \([0-9]*\)$/\1/p' pan.log)
        case $1 in
        hold | long)
            if [ "${errors:-none}" != 0 ]; then
                problem="a claim fails: $(sed -n 's/^pan:1: //p' pan.log)"
            elif grep -q -e 'not completed' -e 'too small' pan.log; then
                problem='the search was cut short'
            fi ;;
        *)
            if ! grep -q -F "$(pattern "$2")" pan.log; then
                problem="not found; errors: ${errors:-none}"
            fi
            found=', found' ;;
        esac
        echo "${states:-0}" > states
    fi
    if [ -z "$problem" ]; then
        echo "ok $number - $1 $3 (${states:-0} states$found)" > line
    else
        echo "not ok $number - $1 $3: $problem" > line
    fi
    [ ! -t 2 ] || cat line >&2
    rm -f pan pan.[a-z] ./*.trail
}

trace()
{
    line=$(table | sed -n "$1p")
    cd "$work" || exit 1
    # shellcheck disable=SC2086 -- the words of the line
    build $line || exit 1
    echo "$line"
    ./pan -m20000 -w22 -i > pan.log 2>&1
    if [ ! -e vault.pml.trail ]; then
        echo 'no counterexample'
        return
    fi
    # shellcheck disable=SC2086
    spin $flags -t -p -g -l -k vault.pml.trail "$model" | shorten
}

# One line for each step of a trail: who, which line of the model, what changed.
shorten()
{
    awk '
/^ *[0-9]+:\tproc/ {
    if ($1 != step)
        tell()
    step = $1
    if (where == "" && match($0, /vault\.pml:[0-9]+/)) {
        where = substr($0, RSTART + 10, RLENGTH - 10)
        who = $4
        sub(/^\(:*/, "", who)
        sub(/:.*/, "(" $3 ")", who)
    }
    next
}
/^\t\t/ { set[$1] = $3 }
/^spin: [^t]/ { tell(); sub(/.*:/, "", $2); print "in line " $2 + 0 " an assertion fails" }
function tell(   v, text, name) {
    for (v in set) {
        name = v
        sub(/.*:/, "", name)
        if (name !~ /^([ti][012]|i|n|k|wi|slow)$/ && set[v] != old[v])
            text = text " " name "=" set[v]
        old[v] = set[v]
    }
    if (text != "")
        print step, who, "line " where ":" text
    where = ""
    split("", set)
}'
}

long=0
case ${1:-} in
--one)
    work=$2
    shift 2
    one "$@"
    exit 0 ;;
--long)
    long=1
    shift ;;
esac

for tool in spin "${CC:-cc}"; do
    if ! command -v "$tool" > /dev/null; then
        echo "1..0 # SKIP $tool is not installed"
        exit 0
    fi
done

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

if [ "${1:-}" = --trace ]; then
    trace "$2"
    exit 0
fi

words=
for word; do
    words="$words -e $word"
done
jobs=${JOBS:-$(nproc)}
[ "$jobs" -le 2 ] || jobs=${JOBS:-2}
# shellcheck disable=SC2086 -- words have no blanks
table | { [ -z "$words" ] && cat || grep -F $words; } |
    awk -v work="$work" '{ print "--one", work, NR, $0 }' > "$work/list"
total=$(($(wc -l < "$work/list")))
echo "1..$total"
if [ "$total" -eq 0 ]; then
    echo '# no check has such a word' >&2
    exit 1
fi
xargs -P "$jobs" -L 1 sh "$here/run.sh" < "$work/list"

number=1
states=0
failed=0
while [ "$number" -le "$total" ]; do
    line=$(cat "$work/$number/line" 2> /dev/null) || line="not ok $number - did not end"
    echo "$line"
    case $line in
    ok*) ;;
    *) failed=$((failed + 1)) ;;
    esac
    states=$((states + $(cat "$work/$number/states" 2> /dev/null || echo 0)))
    number=$((number + 1))
done
echo "# $total checks, $failed failed, $states states explored"
[ "$failed" -eq 0 ]
