#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every rule that the articles must keep ends the build when it is broken, in words that
# name the file and line; and what was generated makes wrong uses of a code not compile.
#
# usage: mkcodes.sh MKCODES SOURCE_ROOT CC...
set -eu
mkcodes=$1
root=$2
shift 2
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
n=0
bad=0

report() { # OK? TEXT
    n=$((n + 1))
    if [ "$1" = yes ]; then
        echo "ok $n - $2"
    else
        echo "not ok $n - $2"
        sed 's/^/# /' "$tmp/out"
        bad=1
    fi
}

# A folder of two good articles.
fresh() {
    rm -rf "$tmp/articles" "$tmp/src"
    mkdir -p "$tmp/articles/one" "$tmp/articles/two" "$tmp/src/deep"
    printf '%s\n' '# classes' 'internal 70 never fatal' 'host 1 never error' \
        'host.io 1 transient warning' > "$tmp/articles/classes"
    printf '%s\n' '# numbers' '1 OutOfMemory' '7 DiskOdd' '9 Gone retired' \
        > "$tmp/articles/NUMBERS"
    article OutOfMemory 1 host none '' 'Memory ran out' > "$tmp/articles/one/OutOfMemory.md"
    article DiskOdd 7 host.io errno 'disk:string at:int room:size' \
        '{disk} is odd at {at} of {room}' > "$tmp/articles/two/DiskOdd.md"
    printf 'int x;\n/* fail(Nothing) */\nchar *s = "fail(Nothing)";\n' > "$tmp/src/a.c"
    printf 'f() { return fail(OutOfMemory); }\n' >> "$tmp/src/a.c"
    printf 'struct m t[] = { { 5, E_DiskOdd }, };\n' > "$tmp/src/deep/b.c"
}

article() { # CODE NUMBER CLASS OS NEEDS MESSAGE
    cat <<END
<properties
    pageTitle="$1"
    description="What $1 means"
    infoBubbleText="$6"
    diagnosticScenario="firn-crc-$1"
    selfHelpType="diagnostics"
    resource="host"
    productPesIds=""
    cloudEnvironments="public"
    errorNumber="$2"
    errorClass="$3"
    errorOs="$4"
    needs="$5"
/>

# $1

<!--issueDescription-->
Something happened.
<!--/issueDescription-->

## **Probe**

* Look.

## **Recommended Steps**

* Mend.
END
}

generate() {
    "$mkcodes" generate "$tmp/articles" "${strict:-error}" "$tmp/d" "$tmp/codes.h" \
        "$tmp/err_table.c" "$tmp/catalog_table.c" "$tmp/man" > "$tmp/out" 2>&1
}

used() {
    "$mkcodes" used "$tmp/articles" "$tmp/src" "${strict:-error}" "$tmp/d2" "$tmp/stamp" \
        > "$tmp/out" 2>&1
}

# The folder as it is now must be refused, with this text in the reason.
refused() { # TEXT WHAT
    if ! generate && grep -qF -- "$1" "$tmp/out"; then
        report yes "$2"
    else
        report no "$2: no \"$1\""
    fi
    fresh
}

edit() { # FILE SED...
    file=$tmp/articles/$1
    shift
    sed -i "$@" "$file"
}

fresh
if generate; then report yes "good articles are taken"; else report no "good articles"; fi
if used; then report yes "used articles are found"; else report no "used articles"; fi
grep -q "articles/two" "$tmp/d" && grep -q "DiskOdd.md" "$tmp/d" && grep -q "src/deep" "$tmp/d2" &&
    report yes "folders and files stand in the depfiles" || report no "depfile"
touch -d '2001-01-01' "$tmp/codes.h"
generate
[ "$(stat -c %Y "$tmp/codes.h")" -lt 1000000000 ] &&
    report yes "what stays the same is not written again" || report no "written again"

edit two/DiskOdd.md 's/errorNumber="7"/errorNumber="1"/'
refused 'articles/two/DiskOdd.md:10: error: number 1 belongs to OutOfMemory' "a number of another code"
edit two/DiskOdd.md 's/errorNumber="7"/errorNumber="8"/'
refused 'errorNumber is 8, but articles/NUMBERS:3 says 7' "a number that changed"
edit NUMBERS '/DiskOdd/d'
refused 'articles/two/DiskOdd.md:10: error: number 7 is not in articles/NUMBERS' "a number that is not listed"
echo '7 Other' >> "$tmp/articles/NUMBERS"
refused 'articles/NUMBERS:5: error: number 7 was given to DiskOdd' "a number given twice"
echo '8 DiskOdd' >> "$tmp/articles/NUMBERS"
refused 'articles/NUMBERS:5: error: DiskOdd has number 7' "a code with two numbers"
edit NUMBERS 's/7 DiskOdd/7 DiskOdd retired/'
refused 'DiskOdd was retired' "a retired code"
edit two/DiskOdd.md 's/errorNumber="7"/errorNumber="9"/'
edit NUMBERS '/DiskOdd/d'
refused 'number 9 belongs to Gone' "the number of a retired code"
edit NUMBERS 's/7 DiskOdd/7 DiskOdd what/'
refused 'articles/NUMBERS:3: error: not NUMBER Code' "a line of NUMBERS that is none"
echo '8 Lost' >> "$tmp/articles/NUMBERS"
refused 'articles/NUMBERS:5: error: Lost has no sound article' "a number without article"
mv "$tmp/articles/two/DiskOdd.md" "$tmp/articles/two/DiskEven.md"
refused "the heading is DiskOdd, the file's name is DiskEven" "a file of another name"
edit two/DiskOdd.md 's/^# DiskOdd/# DiskEven/'
refused "articles/two/DiskOdd.md:16: error: the heading is DiskEven" "a heading of another name"
edit two/DiskOdd.md 's/pageTitle="DiskOdd/pageTitle="Diskodd/'
refused "articles/two/DiskOdd.md:2: error: pageTitle is Diskodd" "a pageTitle of another name"
edit two/DiskOdd.md 's/errorClass="host.io"/errorClass="host.oi"/'
refused 'articles/two/DiskOdd.md:11: error: class host.oi is not in' "an unknown class"
edit two/DiskOdd.md 's/errorOs="errno"/errorOs="vms"/'
refused 'articles/two/DiskOdd.md:12: error: errorOs vms' "an unknown errorOs"
edit two/DiskOdd.md 's/^Something happened/It is {disk} and {dusk}/'
refused 'articles/two/DiskOdd.md:19: error: {dusk} is used but not declared' "an undeclared variable in the text"
edit two/DiskOdd.md 's/{disk} is odd/{dusk} is odd/'
refused 'articles/two/DiskOdd.md:4: error: {dusk} is used' "an undeclared variable in the message"
edit two/DiskOdd.md 's/at:int/at:float/'
refused 'needs: at is string, int or size, not "float"' "an unknown type"
edit two/DiskOdd.md 's/at:int/disk:int/'
refused 'needs: disk stands here twice' "a variable declared twice"
edit two/DiskOdd.md 's/at:int/At:int/'
refused 'needs: At is no name' "a variable with capitals"
edit two/DiskOdd.md 's/needs=".*"/needs="a:int b:int c:int d:int e:int f:int g:int h:int i:int"/; s/{.*}/x/'
refused 'needs: more than 8 variables' "too many variables"
for field in pageTitle description infoBubbleText diagnosticScenario selfHelpType resource \
    cloudEnvironments productPesIds errorNumber errorClass errorOs needs; do
    edit two/DiskOdd.md "/ $field=/d"
    refused "the header has no $field" "no $field"
done
edit two/DiskOdd.md 's/description=".*"/description=""/'
refused 'articles/two/DiskOdd.md:3: error: description is empty' "an empty description"
edit two/DiskOdd.md 's/firn-crc-DiskOdd/firn-crc-outofmemory/'
refused 'diagnosticScenario firn-crc-outofmemory is also that of articles/one/OutOfMemory.md' "a scenario given twice"
cp "$tmp/articles/two/DiskOdd.md" "$tmp/articles/one/DiskOdd.md"
refused 'DiskOdd is also the code of' "a code in two areas"
edit two/DiskOdd.md 's/errorOs="errno"/errorOs="errno/'
refused '[quote-missing]' "a broken header"
edit two/DiskOdd.md '/properties/d'
refused '[no-header]' "no header"
edit two/DiskOdd.md '/issueDescription-->/d'
refused 'no text between <!--issueDescription-->' "no issue description"
edit two/DiskOdd.md '/^\* Look/d'
refused 'no list below a heading Probe' "no probe"
edit two/DiskOdd.md '/^\* Mend/d'
refused 'no list below a heading Recommended Steps' "no recommended step"
edit classes 's/^internal.*//'
refused 'class internal is missing' "no class internal"
edit classes 's/^host 1.*//'
refused 'class host.io must stand after its parent' "a class before its parent"
edit classes 's/host 1/host 300/'
refused 'class host: 300 is no exit status' "no exit status"
edit classes 's/transient/sometimes/'
refused 'articles/classes:4: error: class host.io: sometimes is unknown' "an unknown retry"
edit classes 's/host.io/host/'
refused 'class host stands here twice' "a class twice"

# an article that nothing uses
unused() { # WHAT
    if ! used && grep -qF "articles/two/DiskOdd.md:1: error: nothing gives DiskOdd" "$tmp/out"; then
        report yes "$1"
    else
        report no "$1"
    fi
    fresh
}
rm "$tmp/src/deep/b.c"
unused "an article that nothing uses"
echo '/* fail(DiskOdd) */ char *s = "fail(DiskOdd, E_DiskOdd)"; // E_DiskOdd' > "$tmp/src/deep/b.c"
unused "a code in comments and strings is not used"
echo 'x() { if (err_code(e) == E_DiskOdd || E_DiskOdd != y || err_has(e, E_DiskOdd)) switch (z) { case E_DiskOdd: ; } }' \
    > "$tmp/src/deep/b.c"
unused "a code that is only compared with is not used"
echo 'x() { return fail(DiskOddity, 1); }' > "$tmp/src/deep/b.c"
unused "another code that starts alike does not use it"
echo 'x() { return fail (
    DiskOdd, 1); }' > "$tmp/src/deep/b.c"
if used; then report yes "fail over two lines"; else report no "fail over two lines"; fi
rm "$tmp/src/deep/b.c"
strict=warn
if used && grep -q "warning: nothing gives DiskOdd" "$tmp/out"; then
    report yes "unused with warn"
else
    report no "unused with warn"
fi
strict=error

# what was generated
fresh
generate
try() { # yes|no WHAT CODE WORDS: compiles, or does not for a reason with these words
    printf '#include "codes.h"\nstruct err *f(void);\nstruct err *f(void) { %s }\n' "$3" > "$tmp/t.c"
    if $cc -std=gnu17 -Wall -Wextra -Wconversion -Wshadow -Werror -c -o /dev/null \
        -I"$tmp" -I"$root/src/base" "$tmp/t.c" > "$tmp/out" 2>&1; then got=yes; else got=no; fi
    if [ $got = "$1" ] && { [ $got = yes ] || grep -q "$4" "$tmp/out"; }; then
        report yes "$2"
    else
        report no "$2"
    fi
}
cc=$*
try yes "a code with its variables compiles" 'return fail(DiskOdd, "vda", -1, 5u);' ''
try yes "a code without variables compiles" 'return fail(OutOfMemory);' ''
try no "a code without article does not" 'return fail(DiskEven, "vda");' 'fail_DiskEven'
try no "a variable left out does not" 'return fail(DiskOdd, "vda", 1);' 'too few arguments'
try no "a variable of the wrong type does not" 'return fail(DiskOdd, 5, 1, 5u);' 'const char'
try no "a failure that is dropped does not" 'fail_OutOfMemory(0); return 0;' 'unused-result\|ignoring return'
grep -q 'E_DiskOdd = 7,' "$tmp/codes.h" && grep -q 'C_host_io,' "$tmp/codes.h" &&
    report yes "numbers and classes" || report no "numbers and classes"
grep -q 'DiskOdd \\*" (7)' "$tmp/man" && report yes "the manual page" || report no "the manual page"

echo "1..$n"
exit $bad
