#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The plug-in for PostgreSQL with real servers: a primary and its standby, on a loop device of
# the test's own.  Mounts and processes are seen by nobody else, and end with the test.
# usage: postgresql.sh FIRN EXTENSION HOST PLUGIN MKPACKAGE UNPACKED
here=$(cd "$(dirname "$0")" && pwd)
bin=$(ls -d "$6"/usr/lib/postgresql/*/bin /usr/lib/postgresql/*/bin 2> /dev/null | head -n 1)
if [ "${FIRN_TEST_APART:-}" != 1 ]; then
    export PATH=$PATH:/usr/sbin:/sbin
    for tool in losetup mkfs.ext4 unshare setpriv python3; do
        command -v $tool > /dev/null || { echo "1..0 # SKIP needs $tool"; exit 0; }
    done
    if [ "$(id -u)" -ne 0 ] || ! losetup -f > /dev/null 2>&1 ||
        ! unshare -m -p --fork true 2> /dev/null; then
        echo '1..0 # SKIP needs root, loop devices and namespaces'
        exit 0
    fi
    "$bin/postgres" --version > /dev/null 2>&1 && "$bin/psql" --version > /dev/null 2>&1 ||
        { echo "1..0 # SKIP there is no PostgreSQL in $6"; exit 0; }
    FIRN_TEST_APART=1 exec unshare -m -p --fork --kill-child --mount-proc \
        --propagation private "$0" "$@"
fi
# shellcheck source=lib.sh
. "$here/lib.sh"
extension=$2 host=$3 plugin=$4 mkpackage=$5
export FIRN_CONFIG=$t_dir/config FIRN_SCRIPT_CONFIG=$t_dir/none FIRN_RUN=$t_dir
A=$t_dir/a
loop=
servers() { pgrep -x postgres; }
end() {
    for p in $(servers); do kill -9 "$p"; done 2> /dev/null
    for m in a/space a; do umount -l "$m"; done 2> /dev/null
    [ -z "$loop" ] || losetup -d "$loop"
    t_end
}
trap end EXIT
mkdir a config package package/bin needs needs/bin
truncate -s 600M a.img
mkfs.ext4 -q -m 0 a.img && loop=$(losetup -f --show a.img) && mount "$loop" a || exit 1
mkdir a/space a/sock
chown -R 65534:65534 a
chmod 700 a/sock
chmod 755 config

as() { setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; } # nobody, who runs them
sql() {
    as "$bin/psql" -X -q -A -t -h "$A/sock" -p "${port:-5433}" -d postgres -c "$@" 2> sql.txt
}
until_up() { # PORT: a connection is possible
    local by=$((SECONDS + 120))
    until port=$1 sql 'SELECT 1' > /dev/null; do [ $SECONDS -lt $by ] || return 1; done
}
until_gone() { for p in $(servers); do tail -s 0.05 --pid="$p" -f /dev/null; done; }
until_says() { # FILE WORDS
    local by=$((SECONDS + 60))
    until grep -q "$2" "$1"; do [ $SECONDS -lt $by ] || return 1; done
}
up() { # FOLDER PORT OPTION...: a server
    local folder=$1 port=$2
    shift 2
    as "$bin/postgres" -D "$A/$folder" -p "$port" -k "$A/sock" -c listen_addresses= "$@" \
        > "$folder.log" 2>&1 &
}
head_pid() { head -n 1 "a/$1/postmaster.pid"; }
down() { # FOLDER
    local pid
    pid=$(head_pid "$1")
    kill -INT "$pid"
    tail -s 0.05 --pid="$pid" -f /dev/null
}
reload() { sql 'SELECT pg_reload_conf()' > /dev/null; }

cp "$extension" "$host" package/bin/
cp "$plugin" package/bin/postgresql.so
echo '"plugins": [{"name": "postgresql", "file": "bin/postgresql.so"}]' > parts.json
"$mkpackage" package Firn.VMSnapshot 1.0.0.0 "linux-$(uname -m)" parts.json > /dev/null

# rests STATUS NAME: bring to rest, let go on; its words go to ./said
rests() {
    "$extension" rehearse --folder package --json --deadline "${seconds:-10}" > out 2> err \
        < /dev/null
    got=$?
    python3 -c 'import json
d = json.load(open("out"))
print(d["error"]["code"], d["error"]["message"]) if "error" in d else \
    print(d["steps"][0]["words"])' > said
    if [ $got -eq "$1" ]; then ok "$2"; else not_ok "$2" "status $got, $(cat said)"; fi
}
fails() { # CODE NAME
    rests 1 "$2"
    says said "^$1 " "by $1"
}
config() { # LINE...: the plug-in's settings
    rm -f config/postgresql.conf
    [ $# -eq 0 ] || printf '%s\n' "$@" > config/postgresql.conf
}

rests 0 'without a server there is nothing to do'
says said 'no server of PostgreSQL runs here' 'which is said'

as "$bin/initdb" -D "$A/db" -U nobody -A peer --no-locale -E UTF8 -N > initdb.txt 2>&1 ||
    { not_ok 'a cluster can be made' "$(cat initdb.txt)"; done_testing; }
printf '%s\n' 'shared_buffers = 16MB' 'max_connections = 20' >> a/db/postgresql.conf
up db 5433
until_up 5433 && ok 'a server is up' || { not_ok 'a server is up' "$(cat db.log)"; done_testing; }

# ---- a server that is well ----
redo() { sql 'SELECT redo_lsn FROM pg_control_checkpoint()'; }
sql 'CREATE TABLE t (n int); INSERT INTO t SELECT generate_series(1, 10000)'
before=$(redo)
PGHOST=/nowhere PGOPTIONS=nonsense PGDATABASE=none rests 0 'a server comes to rest'
says said '^port 5433: a primary, checkpoint in ' 'which is said'
[ "$(redo)" != "$before" ] && ok 'with a checkpoint' || not_ok 'with a checkpoint' "$before"
sql 'ALTER SYSTEM SET synchronous_commit = off'
sql 'ALTER SYSTEM SET wal_writer_delay = 10000'
reload
sql 'INSERT INTO t VALUES (-1)'
rests 0 'one whose commits do not wait for the disk'
for p in $(servers); do kill -9 "$p"; done
until_gone
up db 5433
until_up 5433
[ "$(sql 'SELECT count(*) FROM t WHERE n = -1')" = 1 ] && ok 'has them on disk when it rests' ||
    not_ok 'has them on disk when it rests'
sql 'ALTER SYSTEM RESET ALL'
reload

# ---- beside a standby ----
as "$bin/pg_basebackup" -h "$A/sock" -p 5433 -D "$A/two" -R -c fast > basebackup.txt 2>&1 ||
    not_ok 'a standby can be made' "$(cat basebackup.txt)"
up two 5434
until_up 5434 || not_ok 'a standby is up' "$(cat two.log)"
rests 0 'a primary and its standby'
says said 'port 5433: a primary' 'both'
says said 'port 5434: a standby' 'are asked'
config '# not for backups' ' skip = 5434'
rests 0 'one is left alone'
says said '^port 5433: a primary.*; left alone as the settings say: 1$' 'as the settings say'
config 'skip = 5434' 'skipp = 5433'
fails DatabaseSettingsWrong 'a setting that is misspelt'
says err 'line 2 of ' 'with its line'
config 'skip = 5434'
chmod 666 config/postgresql.conf
fails DatabaseSettingsWrong 'settings that anybody may write'
config
down two
up two 5434 -c hot_standby=off
until_says two.log 'entering standby mode' || not_ok 'a standby starts' "$(cat two.log)"
fails PostgresqlNotReady 'a standby that takes no connections'
down two

# ---- who may ----
config 'user = nobody_else'
fails PostgresqlLoginRefused 'a role that is not'
sql 'CREATE ROLE firn LOGIN'
printf 'local all nobody peer\nlocal all firn trust\n' > a/db/pg_hba.conf
reload
config 'user = firn'
fails PostgresqlRightMissing 'a role that may not write a checkpoint'
sql 'GRANT pg_checkpoint TO firn'
rests 0 'one that may'
sql 'ALTER ROLE firn CONNECTION LIMIT 0'
fails PostgresqlConnectionsFull 'a role whose connections are taken'
sql "ALTER ROLE firn CONNECTION LIMIT -1 PASSWORD 'x'"
sed -i 's/firn trust/firn scram-sha-256/' a/db/pg_hba.conf
reload
fails PostgresqlLoginRefused 'a server that wants a password'
config 'database = none'
fails DatabaseSettingsWrong 'a database that is not'
config
echo 'quiesce 5000 9000' |
    setpriv --reuid 1 --regid 1 --clear-groups "$host" serve "$plugin" > out 2> err
says out '"number":506' 'who is not root cannot ask'

# ---- what a snapshot would not hold ----
sql 'ALTER SYSTEM SET fsync = off'
reload
fails PostgresqlNotDurable 'a server that does not survive a power cut'
"$extension" prepare --folder package --json > out 2> err
[ $? -eq 1 ] && ok 'is found before anything is frozen' ||
    not_ok 'is found before anything is frozen'
python3 -c 'import json
d = json.load(open("out"))
assert d["code"] == "PostgresqlNotDurable" and "fsync=off" in d["facts"]["why"], d' 2> err &&
    ok 'with its code and facts' || not_ok 'with its code and facts'
sql 'ALTER SYSTEM RESET fsync'
reload
mount -t tmpfs -o uid=65534,gid=65534,mode=700 tmpfs a/space
sql "CREATE TABLESPACE fast LOCATION '$A/space'"
fails PostgresqlFilesElsewhere 'a tablespace in memory'
sql 'DROP TABLESPACE fast'
umount a/space
sql "CREATE TABLESPACE fast LOCATION '$A/space'"
rests 0 'a tablespace on a disk'
sql 'DROP TABLESPACE fast'

# ---- a server that is not well ----
mv a/db/pg_logical/snapshots a/db/pg_logical/lost
fails DatabaseQuiesceFailed 'a server that cannot write a checkpoint'
mv a/db/pg_logical/lost a/db/pg_logical/snapshots
checkpointer=$(sql "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'")
kill -STOP "$checkpointer"
seconds=3 fails PostgresqlCheckpointSlow 'one that takes too long for it'
( seconds=60 rests 1 'it fails' > /dev/null ) &
asking=$!
by=$((SECONDS + 60))
until [ "$(sql "SELECT count(*) FROM pg_stat_activity WHERE query = 'CHECKPOINT'")" = 1 ]; do
    [ $SECONDS -lt $by ] || break
done
kill -QUIT "$(head_pid db)"
wait $asking
says said '^DatabaseChanged ' 'one that is stopped meanwhile is told as DatabaseChanged'
until_gone
up db 5433
until_up 5433
postmaster=$(head_pid db)
kill -STOP "$postmaster"
seconds=2 fails PostgresqlSilent 'one that does not answer'
[ -z "$(pgrep -x firn-plugin-hos)" ] && ok 'nobody waits for it any more' ||
    not_ok 'nobody waits for it any more' "$(pgrep -a firn-plugin-hos)"
kill -CONT "$postmaster"
rests 0 'one that answers again'

# ---- without its library ----
library=$(ldconfig -p | awk '$1 == "libpq.so.5" { print $NF; exit }')
if [ -n "$library" ]; then
    cp -r package/bin needs/
    echo '"prerequisites": [{"name": "libpq", "title": "the client library of PostgreSQL",
        "package": "libpq5", "probe": {"libraries": ["libpq.so.5"]},
        "failure": "PluginSharedLibraryMissing"}],
        "plugins": [{"name": "postgresql", "file": "bin/postgresql.so",
        "requires": ["libpq"]}]' > needs.json
    "$mkpackage" needs Firn.VMSnapshot 1.0.0.0 "linux-$(uname -m)" needs.json > /dev/null
    "$extension" prepare --folder needs --json > out 2> err && ok 'its library is there' ||
        not_ok 'its library is there'
    touch nothing
    mount --bind nothing "$(readlink -f "$library")" # for this test's processes alone
    fails PostgresqlLibraryMissing 'the library does not load'
    firn_is 1 'the doctor looks' doctor local PostgresqlLibraryMissing
    says out '^found$' 'and finds it'
    says out 'libpq5' 'with what would be installed'
    "$extension" prepare --folder needs --json > out 2> err
    says out '"code":"PluginSharedLibraryMissing"' 'a package that names it finds that first'
    down db
    rests 0 'without a server no library is needed'
    umount "$(readlink -f "$library")"
    firn_is 0 'with its library' doctor local PostgresqlLibraryMissing
    says out '^healthy$' 'all is well'
    record PostgresqlLibraryMissing verified
else
    skip 'the library does not load' 'libpq is not installed'
    down db
fi

# ---- a server that cannot be reached ----
unshare -m setpriv --reuid 65534 --regid 65534 --clear-groups "$bin/postgres" -D "$A/db" \
    -p 5433 -k "$A/sock" -c listen_addresses= > db.log 2>&1 &
until_up 5433
fails DatabaseUnreachable 'a server in a container'
says err 'runs in a container' 'which is said'
config 'skip = 5433'
rests 0 'it may be left alone'
config
down db
as "$bin/postgres" -D "$A/db" -p 5433 -k '' -c listen_addresses=127.0.0.1 > db.log 2>&1 &
until_says db.log 'ready to accept connections' || not_ok 'a server starts' "$(cat db.log)"
fails DatabaseUnreachable 'a server without a unix socket'
done_testing
