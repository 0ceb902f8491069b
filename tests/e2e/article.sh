#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# firn article over many generated articles (15,000 of 37 MB with FIRN_SOAK=1), over odd ones
# and over firn's own.
mkarticles=$2 corpus=$3 own=$4
. "$(dirname "$0")/lib.sh"
count=1500
[ -z "${FIRN_SOAK:-}" ] || count=15000

mkdir generated
"$mkarticles" generated $count 42
# The memory of one article, whatever their number: 200 MB hold for all of them.  A sanitizer
# takes terabytes of addresses for itself.
room=200000
[ -z "${FIRN_SLOW_BUILD:-}" ] || room=unlimited
if (ulimit -v $room && "$firn" article generated) > out 2> err; then
    ok "$count articles in memory of $room KiB"
else
    not_ok "$count articles in memory of $room KiB" "$(head -3 err)"
fi
tail -n 1 out > last && mv last out
says out "^$count articles, " 'all of them were read'

if have python3; then
    if "$firn" article --json generated "$corpus" 2> err | python3 -c 'import json, sys
d = json.load(sys.stdin)
a = d["articles"]
assert d["schema"] == 1 and len(a) > int(sys.argv[1])
for x in a:
    assert x["header"] is not None and isinstance(x["lint"], list), x["file"]
    assert x["blocks"] or x["file"].endswith("empty.md"), x["file"]
    ids = [s["id"] for s in x["plan"]]
    assert len(set(ids)) == len(ids), x["file"]
    for s in x["plan"]:
        when, _, of = s["condition"].partition(":")
        assert when in ("always", "failed", "unsolved", "instead", "each", "if", "after"), s
        assert when in ("always", "if") or of in ids, s
        assert not (s["runs"] and s["kind"].startswith("person.")), s
        assert "serviceName" not in json.dumps(s["params"]) or not s["runs"], s
        assert s["span"]["line"] >= 1 and s["span"]["column"] >= 1, s
    for m in x["ambiguities"]:
        assert m["step"] == "" or m["step"] in ids, m
' $count > py.txt 2>&1; then
        ok 'the document is whole'
    else
        not_ok 'the document is whole' "$(tail -3 py.txt)"
    fi
else
    skip 'the document is whole' 'no python3'
fi

# What an article says is quoted up to a length, which must not cut a character.
mkdir quoted
for pad in '' p pp ppp pppp ppppp; do
    printf 'They escape. Since people don\342\200\231t always look at all that they are given,' \
        > "quoted/cut$pad.md"
    printf ' then the access of each caf%s\303\251\303\251\303\251\303\251 too\n\n' "$pad" \
        >> "quoted/cut$pad.md"
    printf '```\nsystemctl restart nginx\n```\n' >> "quoted/cut$pad.md"
done
firn_is 0 'no quotation cuts a character' article --json quoted
says out '"surroundings"' 'and there are quotations'

firn_is 0 'nothing is wrong in the articles of firn' article --lint "$own"
tail -n 1 out > last && mv last out
says out "^$(find "$own" -name '*.md' | wc -l) articles, " 'and all of them were looked at'

cat > step.md << 'END'
<properties pageTitle="backup" errorNumber="1"/>

# T

1. Let it start.

```action
windows.service.start_type service=msiserver want=3
```

2. Run `firn nonsense`.
END
firn_is 1 'lint finds mistakes' article --lint step.md
code_is ArticleWrong 'and says so'
says out 'probe-missing' 'a step without a probe'
says out 'command-unknown' 'a command that firn does not have'
firn_is 0 'without lint they are shown' article step.md
dd if=/dev/zero bs=1024 count=1100 > large.md 2> dd.txt
firn_is 1 'a large file is refused' article large.md step.md
code_is ArticleTooLarge 'by its code'
says out 'T$' 'and the other file is read'
firn_is 1 'a missing file' article nothing.md
code_is FileUnreadable 'by its code'
printf '<properties cloudEnvironments="mooncake"/>\n# T\n\nRefer to [x](https://example.org).\n' \
    > other.md
firn_is 0 'an article for another cloud' article other.md
says err 'ArticleElsewhere' 'is a warning'
says out 'remedy is lost' 'a link is no remedy'
firn_is 0 'and none where it belongs' article --cloud mooncake other.md
if grep -q ArticleElsewhere err; then not_ok 'no warning there'; else ok 'no warning there'; fi

# Files in which there is nothing were read without a word.
printf '# Repair\n\nDo this.\n\n1. Restart the service **nginx**.\n' > plain.md
iconv -f UTF-8 -t UTF-16LE plain.md > utf16le.md
iconv -f UTF-8 -t UTF-16BE plain.md > utf16be.md
{ printf '\377\376' && cat utf16le.md; } > utf16.md
head -c 4096 /dev/urandom > noise.md
truncate -s 64 noise.md && head -c 4000 /dev/urandom >> noise.md
: > empty.md
printf ' \n\t\r\n' > white.md
for file in empty white; do
    firn_is 1 "nothing in $file.md" article $file.md
    code_is ArticleEmpty 'by its code'
done
for file in utf16le utf16be utf16 noise; do
    firn_is 1 "no text in $file.md" article $file.md plain.md
    code_is ArticleNotText 'by its code'
    says out '^plain.md: Repair$' 'and the other file is read'
done
printf '<properties pageTitle="X"/>\n\n# X\n' > header.md
for file in empty white utf16le utf16 noise header; do
    firn_is 1 "the doctor has no use for $file.md" doctor local --article "$t_dir/$file.md"
    says err "^firn: $t_dir/$file.md " 'and says of which file'
    says err 'firn explain Article[EN]' 'by its code'
done
firn_is 0 'an article without text' article header.md
says out 'neither what to look at nor what to do' 'is told'
printf '# X\n\n1. [a]()\n' > one.md
firn_is 1 'one mistake' article --lint one.md
says err 'looked at: 1 (ArticleWrong' 'is counted in words that fit'
mkdir single && cp plain.md single/a.md && cp header.md single/b.md
firn_is 0 'one step in two articles' article single
says out '^2 articles, 1 step, 0 of them' 'is one'

# What is left out is said: a folder that lies too deep was left out without a word, as were the
# failures beyond the 256 that one failure can hold.
deep=deep
for _ in $(seq 33); do deep=$deep/n; done
mkdir -p $deep
cp step.md deep/step.md
firn_is 1 'a folder that lies too deep' article deep
code_is InputInvalid 'is told of'
says out '^deep/step.md: T$' 'and the others are read'
mkdir many
(cd many && truncate -s 1100K $(seq -f 'n%g.md' 300))
firn_is 1 'more failures than one can hold' article many step.md
says err '^firn: 300 files and folders were not read; ' 'are counted'

# Nobody reads what is said: firn read on to the end, and lost the failures of what it had begun.
mkdir leak
{ echo '# T' && seq -f '%g. Restart the service msiserver.' 200; } > leak/a.md
(cd leak && truncate -s 1100K $(seq -f 'b%g.md' 20))
for way in --json --lint; do
    "$firn" article $way leak generated many/n1.md > /dev/full 2> err
    code_is OutputFailed "a full disk below the output, $way"
    if grep -q -e 'Sanitizer' -e 'many/n1' err; then
        not_ok "ends it, $way" "$(head -20 err)"
    else
        ok "ends it, $way"
    fi
done

# A pipe is waited for; one whose writer was slower than firn could not be read.
mkfifo slow
exec 5<> slow
begin() { # firn, and no shell any more, has opened the pipe, or is gone
    "$firn" article slow > out 2> err 5>&- &
    pid=$!
    until ! kill -0 $pid 2> /dev/null || { grep -q firn /proc/$pid/comm &&
        find /proc/$pid/fd -lname '*/slow' | grep -q .; } 2> find.txt; do
        true
    done
}
begin
cat step.md >&5
exec 5>&-
wait $pid && ok 'a pipe is read to its end' || not_ok 'a pipe is read to its end'
says out '^slow: T$' 'and is an article'
exec 5<> slow
begin
kill -TERM $pid
wait $pid && not_ok 'a pipe that never says anything' || ok 'a pipe that never says anything'
code_is Interrupted 'can be given up'
exec 5>&-

if ! have python3; then
    skip 'documents' 'no python3'
    done_testing
fi
document() { # NAME EXPRESSION: of the document d in ./out
    if python3 -c 'import json, sys
d = json.load(open("out"))
sys.exit(0 if eval(sys.argv[1]) else "false: " + sys.argv[1])' "$2" > py.txt 2>&1; then
        ok "$1"
    else
        not_ok "$1" "$(tail -1 py.txt)"
    fi
}
# A file's name that is no UTF-8 ended all with "Memory ran out".
mkdir odd
cp step.md "$(printf 'odd/a\377.md')"
cp step.md odd/b.md
firn_is 0 'a name that is no text' article --json odd
document 'is shown by its bytes' '[a["file"] for a in d["articles"]] == ["odd/a\\xff.md", "odd/b.md"]'

# Stopped while it waits for whoever reads: a pipe holds a few of so many.
mkfifo pipe
"$firn" article --json generated > pipe 2> err &
pid=$!
{ head -c 100 && kill -TERM $pid && cat; } < pipe > out
wait $pid
document 'stopped amid many, the document is whole' \
    "d['error']['code'] == 'Interrupted' and 0 < len(d['articles']) < $count"
done_testing
