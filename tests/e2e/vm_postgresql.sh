#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# PostgreSQL in a real Linux guest, its log of changes on the second disk, under pgbench and a
# client that says on the console which of its transactions were acknowledged.  Points are
# application-consistent.  Restored, one is booted in a guest again, where the server must
# start and have every transaction that was acknowledged before applications came to rest (which
# a script of the extension says on the console, too) and none that was begun after the thaw,
# whole tables and indexes, and balances that add up.
# usage: vm_postgresql.sh FIRN EXTENSION HOST PLUGIN MKPACKAGE UNPACKED
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
extension=$2 host=$3 plugin=$4 mkpackage=$5 unpacked=$6
. "$here/guest_lib.sh"
bin=$(ls -d "$unpacked"/usr/lib/postgresql/*/bin /usr/lib/postgresql/*/bin 2> /dev/null |
    head -n 1)
home=${bin%/lib/postgresql/*} version=${bin%/bin}
version=${version##*/}
"$bin/postgres" --version > version.txt 2>&1 && "$bin/psql" --version >> version.txt 2>&1 ||
    { echo "1..0 # SKIP there is no PostgreSQL in $unpacked"; exit 0; }
[ "$(id -u)" -eq 0 ] && have setpriv || { echo '1..0 # SKIP needs root, and setpriv'; exit 0; }
lib=/usr/lib/postgresql/$version share=/usr/share/postgresql/$version

# ---- what the guest has ----
umask 022 # there are users in it
put() { # FROM BELOW NAME...: into the guest's tree, at its own place
    local from=$1 below=$2 name
    shift 2
    for name; do
        mkdir -p "tree$below/$(dirname "$name")"
        cp -r "$from$below/$name" "tree$below/$name"
    done
}
put "${home%/usr}" "$lib" bin/{postgres,psql,pgbench,pg_dump,pg_amcheck} lib/{plpgsql,amcheck}.so
put "${home%/usr}" "$share" timezonesets extension
mkdir -p tree/usr/bin
ln -s $lib/bin/psql tree/usr/bin/psql
package=tree/var/lib/firn/plugins/Firn.VMSnapshot/1.0.0.0
mkdir -p $package/{bin,config} tree/etc/azure
cp "$extension" "$host" $package/bin/
cp "$plugin" $package/bin/postgresql.so
echo '"plugins": [{"name": "postgresql", "file": "bin/postgresql.so"}]' > parts.json
"$mkpackage" $package Firn.VMSnapshot 1.0.0.0 "linux-$(uname -m)" parts.json > digest
printf Enabled > $package/config/HandlerState
echo '{"preScriptLocation": "/etc/azure/say", "preScriptParams": ["RESTING"],
    "postScriptLocation": "/etc/azure/say", "postScriptParams": ["RESTED"]}' \
    > tree/etc/azure/VMSnapshotScriptPluginConfig.json
printf '#!/bin/sh\necho "$1" > /dev/console\n' > tree/etc/azure/say
chmod 600 tree/etc/azure/*.json
chmod 700 tree/etc/azure/say
cat > writer << END
export PATH=$lib/bin:/bin
as() { su nobody -c "PATH=\$PATH \$1"; }
mkdir -p /run/pg /dev/shm
mount -t tmpfs shm /dev/shm
[ -e /dev/fd ] || ln -s /proc/self/fd /dev/fd
chown nobody /run/pg
as "postgres -D /one/db -k /run/pg > /run/pg/log 2>&1" &
sql() { as "psql -X -q -A -t -h /run/pg -d postgres -c \"\$1\""; }
until sql 'SELECT 1' > /dev/null 2>&1; do sleep 0.2; done
END
cp writer checker
cat >> writer << 'END'
as "pgbench -h /run/pg -n -c 2 -T 100000 postgres" > /run/pgbench 2>&1 &
n=0
while :; do
    n=$((n + 1))
    echo "INSERT INTO told VALUES ($n, md5('$n firn')) RETURNING 'DONE ' || n;"
done | as "psql -X -q -A -t -h /run/pg -d postgres"
END
cat >> checker << 'END'
grep -E 'not properly shut down|redo (starts|done)' /run/pg/log
sql "SELECT 'TOLD ' || count(*) || ' ' || max(n) || ' ' || bool_and(digest = md5(n || ' firn'))
    FROM told"
sql "SELECT 'SUMS ' || (SELECT sum(abalance) FROM pgbench_accounts) || ' ' ||
    (SELECT sum(bbalance) FROM pgbench_branches) || ' ' ||
    (SELECT sum(tbalance) FROM pgbench_tellers) || ' ' ||
    (SELECT sum(delta) FROM pgbench_history) || ' ' ||
    (SELECT count(*) FROM pgbench_history)"
as "pg_amcheck -h /run/pg --heapallindexed postgres" && echo AMCHECK good
as "pg_dump -h /run/pg postgres" > /run/dump && grep -q 'dump complete' /run/dump && echo DUMP good
sync
poweroff -f
END
umask 077

# ---- its disks: the data directory on one, the log of changes on the other ----
as() { setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }
mkdir one two sock
chown 65534:65534 one two sock
as "$bin/initdb" -D one/db -U nobody -A peer --no-locale -E UTF8 -N --wal-segsize=1 \
    > initdb.txt 2>&1 || { not_ok 'a cluster can be made' "$(cat initdb.txt)"; done_testing; }
printf '%s\n' "listen_addresses = ''" 'shared_buffers = 16MB' 'min_wal_size = 8MB' \
    'max_wal_size = 32MB' 'timezone = GMT' 'log_timezone = GMT' 'jit = off' \
    'autovacuum_naptime = 5s' >> one/db/postgresql.conf
as "$bin/postgres" -D one/db -k "$t_dir/sock" > setup.log 2>&1 &
by=$((SECONDS + 60))
until as "$bin/psql" -h "$t_dir/sock" -d postgres -X -q -c 'CREATE EXTENSION amcheck' \
    -c 'CREATE TABLE told (n int PRIMARY KEY, digest text)' 2> psql.txt; do
    [ $SECONDS -lt $by ] || break
done
as "$bin/pgbench" -h "$t_dir/sock" -i -q postgres > pgbench.txt 2>&1 ||
    not_ok 'tables can be made' "$(cat setup.log psql.txt pgbench.txt)"
kill -INT "$(head -n 1 one/db/postmaster.pid)"
wait $!
mv one/db/pg_wal two/wal
ln -s /two/wal one/db/pg_wal
chmod 755 one two
truncate -s 192M one.raw
truncate -s 96M two.raw
mke2fs -q -t ext4 -d one one.raw && mke2fs -q -t ext4 -d two two.raw
mkdir checking
cp writer tree/writer && "$here/../guest/mkguest" "$unpacked" . tree > guest.txt 2>&1 &&
    cp checker tree/writer && "$here/../guest/mkguest" "$unpacked" checking tree >> guest.txt 2>&1 ||
    { not_ok 'a guest can be made' "$(cat guest.txt)"; done_testing; }

# start FOLDER ONE TWO: the guest whose kernel lies in the folder, with these disks
start() {
    g_disks=()
    g_disk vda raw "$2"
    g_disk vdb raw "$3"
    g_folder=$1 g_memory=512 g_ctl='' g_start "${g_disks[@]}"
}
new_vault v
start . one.raw two.raw && until_done 20 ||
    { not_ok 'the guest is up, and its server' "$(tail -n 20 console)"; done_testing; }
ok 'the guest is up, and its server'

# ---- points under load ----
for i in 0 1; do
    until_done $(($(done_so_far) + 20)) || not_ok 'the guest goes on' "$(tail -n 5 console)"
    firn_is 0 "backup $i" backup --consistency application --json qmp:"$g_mon",qga="$g_agent"
    id[i]=$(python3 -c 'import json
p = json.load(open("out"))["point"]
f = p["facts"]
assert p["consistency"] == "application" and f["window.held"] == "firn", p
assert f["window.filesystems"] == "2", p
print(p["id"], f["window.frozen_ns"], f["window.snapshot_ns"], p["read_bytes"])') &&
        ok "point $i is application-consistent" || not_ok "point $i is application-consistent"
    echo "# $i: frozen, QEMU in ns; read: ${id[i]#* }"
    id[i]=${id[i]%% *}
    until_done $(($(done_so_far) + 20)) && ok 'the server goes on' ||
        not_ok 'the server goes on' "$(tail -n 5 console)"
    # the last transaction that was told before it rested, and before it was said to go on
    told[i]=$(awk -v i=$i '/^DONE/ { n = $2 + 0 } /^RESTING/ { if (k++ == i) first = n }
        /^RESTED/ { if (l++ == i) { print first, n; exit } }' console)
done

# ---- a server that a snapshot would not hold is no application-consistent point ----
client="psql -X -q -h /run/pg -d postgres"
in_guest "su nobody -c \"$client -c 'ALTER SYSTEM SET fsync = off' -c 'SELECT pg_reload_conf()'\""
firn_is 1 'a careless server' backup --consistency application qmp:"$g_mon",qga="$g_agent"
code_is PostgresqlNotDurable 'is told as PostgresqlNotDurable'
firn_is 3 'less will do' backup --consistency application,filesystem --json \
    qmp:"$g_mon",qga="$g_agent"
says err '(PostgresqlNotDurable,' 'for the reason that is told'
says out '"consistency": *"filesystem"' 'and the point is called what it is'
g_end

# ---- and back: the incremental point, and in long tests the full one ----
for i in ${FIRN_SOAK:+0} 1; do
    rm -rf back
    mkdir back
    firn_is 0 "point $i is restored" restore --force "${id[i]}" back
    for disk in vda vdb; do
        # a file that the server had removed and not yet closed is given up, as by any mount;
        # what is more than that is no repair that -p makes
        cp --sparse=always back/$disk.raw fsck.raw
        e2fsck -fp fsck.raw > fsck.txt 2>&1
        [ $? -le 1 ] && ok "$disk is whole" || not_ok "$disk is whole" "$(cat fsck.txt)"
    done
    start checking back/vda.raw back/vdb.raw && tail --pid="$g_pid" -f /dev/null
    g_pid=
    if python3 - ${told[i]} > why.txt 2>&1 << 'END'
import sys
said = {}
for line in open("console", errors="replace"):
    word, *rest = line.split() or [""]
    said.setdefault(word, rest)
    if "redo" in line or "not properly" in line:
        print(line.strip())
before, after = int(sys.argv[1]), int(sys.argv[2])
count, last = int(said["TOLD"][0]), int(said["TOLD"][1])
print(f"{before} were told before it rested, {last} are there, {after} were told when it went on")
assert said["TOLD"][2] == "true" and count == last, "transactions are missing"
assert before <= last <= after + 1, "an acknowledged transaction is lost"
a, b, t, d, n = map(int, said["SUMS"])
print(f"pgbench did {n} transactions, whose sum is {d}")
assert a == b == t == d and n > 0, f"balances differ: {a} {b} {t} {d}"
assert said["AMCHECK"] == ["good"], "tables or indexes are damaged"
assert said["DUMP"] == ["good"], "it cannot be dumped"
END
    then ok "the server of point $i starts, with all that was acknowledged"
    else not_ok "the server of point $i starts, with all that was acknowledged" \
        "$(cat why.txt)" "$(tail -n 30 console)"; fi
    sed 's/^/# /' why.txt
done
done_testing
