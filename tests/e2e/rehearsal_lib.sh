# SPDX-License-Identifier: Apache-2.0
# What a rehearsal found, by its document in ./out; sourced after lib.sh.

# row LOOK RESULT CODE-OR-WORDS NAME: it has such a line
row() {
    if python3 - "$1" "$2" "$3" > why.txt 2>&1 << 'END'; then ok "$4"; else not_ok "$4" "$(cat why.txt)"; fi
import json, sys
look, result, what = sys.argv[1:]
def codes(e):
    while e:
        yield e["code"]
        e = e["cause"]
rows = json.load(open("out"))["rehearsal"]
for row in rows:
    assert set(row) == {"look", "seen", "result", "error", "explain", "doctor"}, row
    assert row["seen"] and (row["error"] is None) == (row["explain"] is None), row
for row in rows:
    if row["look"] == look and row["result"] == result and (
            what in row["seen"] or what in codes(row["error"])):
        sys.exit(0)
sys.exit(f"no row {look} {result} {what}: " + "; ".join(
    f"{r['look']} {r['result']} {r['seen']}" for r in rows))
END
}
# finding CODE NAME FACT=VALUE...: a line, a warning or the failure has this code, with these
# facts and no others, and its message tells each of them
finding() {
    local code=$1 name=$2
    shift 2
    if python3 - "$code" "$@" > why.txt 2>&1 << 'END'; then ok "$name"; else not_ok "$name" "$(cat why.txt)"; fi
import json, sys
code, want = sys.argv[1], dict(fact.split("=", 1) for fact in sys.argv[2:])
doc = json.load(open("out"))
found = []
for e in [row["error"] for row in doc["rehearsal"]] + doc["warnings"] + [doc.get("error")]:
    while e:
        found += [e] if e["code"] == code else []
        e = e.get("cause")
for e in found:
    if {name: str(value) for name, value in e["facts"].items()} == want and all(
            value in e["message"] for value in want.values()):
        sys.exit(0)
sys.exit(f"no {code} with {want}: {found}")
END
}
