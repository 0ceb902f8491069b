# SPDX-License-Identifier: Apache-2.0
# What the end-to-end tests share; sourced, with the path of firn as the script's first
# argument.  Output is TAP.  Each script works in a folder of its own, which is removed.
set -u
firn=$1
t_number=0 t_failed=0
t_dir=$(mktemp -d "${TMPDIR:-/tmp}/firn-e2e.XXXXXX") || exit 1
t_end() { [ -z "${t_mount:-}" ] || umount "$t_mount" 2> /dev/null; rm -rf "$t_dir"; }
trap t_end EXIT
trap 'exit 1' INT TERM HUP
cd "$t_dir" || exit 1
chmod 755 .
export HOME=$t_dir LC_ALL=C.UTF-8
unset FIRN_VAULT FIRN_PASSPHRASE_FILE
export FIRN_RETRIES=0 # failures come at once; who wants to see firn wait says so
umask 077
echo 'a passphrase of the tests' > pass

ok() { t_number=$((t_number + 1)); echo "ok $t_number - $1"; }
not_ok() {
    t_number=$((t_number + 1)) t_failed=$((t_failed + 1))
    echo "not ok $t_number - $1"
    shift
    printf '%s\n' "$@" | sed 's/^/# /'
    sed 's/^/# out: /' out 2> /dev/null
    sed 's/^/# err: /' err 2> /dev/null
}
skip() { t_number=$((t_number + 1)); echo "ok $t_number - $1 # SKIP $2"; }
done_testing() { echo "1..$t_number"; [ $t_failed -eq 0 ]; exit; }
have() { command -v "$1" > /dev/null; }

# firn_is STATUS NAME ARGUMENT...: run firn; its words go to ./out and ./err.
firn_is() {
    want=$1 name=$2
    shift 2
    "$firn" "$@" > out 2> err < /dev/null
    got=$?
    if [ $got -eq "$want" ]; then ok "$name"; return 0; fi
    not_ok "$name" "status $got, not $want: firn $*"
    return 1
}
# code_is CODE NAME: the last failure had this code, and was told how to learn more.
code_is() {
    if grep -q "firn explain $1\$" err; then ok "$2"; else not_ok "$2" "no $1"; fi
}
says() { # FILE WORDS NAME
    if grep -q -- "$2" "$1"; then ok "$3"; else not_ok "$3" "no \"$2\" in $1"; fi
}
same() { # FILE FILE NAME
    if cmp "$1" "$2" > cmp.txt 2>&1; then ok "$3"; else not_ok "$3" "$(cat cmp.txt)"; fi
}
# record CODE STAGE...: what this test showed of a code for real; make failures reads it.
# Stages: verified repaired proved undone.  A test in which something failed shows nothing.
record() {
    [ -n "${FIRN_FAILURES:-}" ] && [ $t_failed -eq 0 ] || return 0
    t_code=$1
    shift
    for t_stage; do printf '%s\t%s\treal\n' "$t_code" "$t_stage" >> "$FIRN_FAILURES"; done
}
point() { awk 'END { print $NF }' out; } # of the last backup
new_vault() { # NAME: make it, and let firn use it from here on
    "$firn" init --kdf-memory 8 --passphrase-file pass "$1" > out 2> err || {
        not_ok "a vault can be made"
        done_testing
    }
    export FIRN_VAULT=$t_dir/$1 FIRN_PASSPHRASE_FILE=$t_dir/pass
}
# disk FILE KIB: noise, zeros, text and a hole
disk() {
    rm -f "$1"
    head -c "$(($2 * 256))" /dev/urandom > "$1"
    yes 'a line of text' | head -c "$(($2 * 256))" >> "$1"
    truncate -s "$(($2 * 1024 + ${3:-0}))" "$1"
}
