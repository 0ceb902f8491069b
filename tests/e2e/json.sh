#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# With --json each command prints one document, whatever happens.
. "$(dirname "$0")/lib.sh"

if ! have python3; then
    echo '1..0 # SKIP no python3'
    exit 0
fi
# json STATUS NAME EXPRESSION ARGUMENT...: the expression, over the document d, must be true
json() {
    want=$1 name=$2 expression=$3
    shift 3
    "$firn" "$@" --json > out 2> err < /dev/null
    got=$?
    if [ $got -ne "$want" ]; then
        not_ok "$name" "status $got, not $want"
    elif why=$(python3 -c 'import json, sys
d = json.load(open("out"))
assert d["schema"] == 1 and isinstance(d["warnings"], list)
sys.exit(0 if eval("(" + sys.argv[1] + ")") else "false: " + sys.argv[1])' "$expression" 2>&1); then
        ok "$name"
    else
        not_ok "$name" "$why"
    fi
}

disk a.raw 500
json 0 init 'len(d["vault"]["id"]) == 32' init --kdf-memory 8 --passphrase-file pass v
export FIRN_VAULT="$t_dir/v" FIRN_PASSPHRASE_FILE="$t_dir/pass"
json 0 'no points' 'd["points"] == []' points
json 0 backup 'len(d["point"]["id"]) == 32 and d["point"]["machine"] == "a"' backup a.raw
json 0 points 'len(d["points"]) == 1 and d["points"][0]["disks"][0]["size"] == 512000' points
json 0 'time' 'd["points"][0]["time"].endswith("Z") and d["points"][0]["verified"] is None' \
    points
json 0 'consistency' 'd["points"][0]["consistency"] in ("crash", "filesystem")' points
json 0 restore 'd["restored"]["disks"] == 1 and d["restored"]["bytes"] == 512000' \
    restore latest b.raw
json 1 'a failure' 'd["error"]["code"] == "RestoreTargetExists" and d["error"]["number"] == 400
    and d["error"]["class"] == "restore.target" and isinstance(d["error"]["facts"], dict)
    and isinstance(d["error"]["also"], list) and "cause" in d["error"]' restore latest b.raw
json 2 'wrong usage' 'd["error"]["code"] == "UsageWrong"' restore
json 2 'an unknown command' 'd["error"]["code"] == "UsageWrong"' bakup
json 0 verify 'd["damaged"] == [] and d["points"] == 1' verify --data
json 0 'verified' 'd["points"][0]["verified"].endswith("Z")' points
json 0 'keys' 'len(d["keys"]) == 1 and d["keys"][0]["kind"] == "passphrase"' key list
json 0 explain 'd["article"]["code"] == "VaultKeyWrong"' explain 205
json 0 codes 'len(d["codes"]) > 50' explain
json 0 help '"firn backup" in d["help"]' help
json 0 version 'd["version"]' --version
odd=$(printf 'm\377\033x')
cp a.raw "$odd.raw"
"$firn" backup "$odd.raw" --json > out 2> err
python3 -c 'import json; json.load(open("out", encoding="utf-8"))' &&
    ok 'a name that is no text' || not_ok 'a name that is no text'
pack=$(find v/packs -type f -printf '%s %p\n' | sort -rn | head -n 1 | cut -d ' ' -f 2)
rm -f "$pack"
json 1 'damage' 'd["error"]["code"] == "VaultDamaged" and d["damaged"][0]["points"]
    and d["damaged"][0]["disk"] == "a" and d["damaged"][0]["repaired"] is False
    and d["damaged"][0]["ranges"][0][1] > 0' verify
done_testing
