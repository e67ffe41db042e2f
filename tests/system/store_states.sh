#!/bin/bash
# A store that is locked, missing, corrupt, of a newer schema, replaced or changed while the server runs;
# one that the server may only read.  Nothing is invented: the server is silent until it knows again.
. "$(dirname "$0")/lib.sh"
. "$HERE/server.sh"
t_begin store_states

radius_make "$T/r" || exit 1
store=$T/r/policy.db
sql() { sqlite3 -bail "$store" "$@"; }
sql "INSERT INTO coi (name, vlan) VALUES ('web', 100); INSERT INTO vm_record (mac, cois) VALUES ('525400000101', 'web')"
answer() { radius_mab 127.0.0.1 525400000101 | sed -n -e 's/^Tunnel-Private-Group-Id:0 = "\(.*\)"$/VLAN \1/p' -e '/^Access-Reject/p' -e '/^No-Reply/p'; }
answers() { [ "$(answer)" = "$1" ]; }
logged() { grep -q "$1" "$T/r/log/radius.log"; }

# -- changed while running
radius_start "$T/r" || exit 1
is 'it answers' "$(answer)" 'VLAN 100'
for n in $(seq 101 110); do
	sql "UPDATE coi SET vlan = $n WHERE name = 'web'"
	is "the very next request sees VLAN $n" "$(answer)" "VLAN $n"
done
sql "DELETE FROM vm_record WHERE mac = '52:54:00:00:01:01'"
is 'and a deletion' "$(answer)" Access-Reject
sql "INSERT INTO vm_record (mac, cois) VALUES ('525400000101', 'web')"
is 'and an insertion' "$(answer)" 'VLAN 110'
ok 'vmprov changes it' vmprov --store "$store" vm set 525400000101 vlan=7
is 'and one by vmprov' "$(answer)" 'VLAN 7'
ok 'the server has the store open read-only' \
	sh -c "[ \$(id -u) != 0 ] || ! setpriv --reuid=freerad --regid=freerad --clear-groups test -w '$store'"

# -- locked: a writer that is writing keeps nobody from reading; one that locks it whole does
{ echo 'BEGIN IMMEDIATE; UPDATE coi SET vlan = 55;'; sleep 2; echo 'ROLLBACK;'; } | sqlite3 "$store" &
writer=$!
is 'a writer in its transaction does not disturb' "$(answer)" 'VLAN 7'
kill "$writer" 2>/dev/null
wait "$writer" 2>/dev/null

# -- missing
mkdir "$T/away"
store_release
mv "$store" "$store-wal" "$store-shm" "$T/away/" 2>/dev/null
ok 'missing: silence' wait_for 5 answers No-Reply
ok 'and the log says so' wait_for 5 logged 'policy.db: .*\(removed\|No such file\)'
mv "$T/away"/policy.db* "$T/r/"
store_hold "$T/r"
ok 'back: it answers again without a restart' wait_for 5 answers 'VLAN 7'

# -- replaced by another file
cp "$store" "$T/new.db"
sqlite3 "$T/new.db" "PRAGMA journal_mode = DELETE; UPDATE vm_record SET vlan = 8; PRAGMA journal_mode = WAL" >/dev/null
store_release
chmod --reference="$store" "$T/new.db"
chown --reference="$store" "$T/new.db"
mv "$T/new.db" "$store"
rm -f "$store-wal" "$store-shm"
store_hold "$T/r"
ok 'replaced: the new one answers' wait_for 5 answers 'VLAN 8'

# -- restored in place, as docs/OPERATING.md says
sql ".backup $T/backup.db"
sql 'UPDATE vm_record SET vlan = 9'
is 'before the restore' "$(answer)" 'VLAN 9'
sql ".restore $T/backup.db"
is 'restored: the next request sees it' "$(answer)" 'VLAN 8'

# -- a newer schema
sql 'PRAGMA user_version = 1000'
is 'newer schema: silence' "$(answer)" No-Reply
ok 'and the log says so' logged 'schema version'
sql "PRAGMA user_version = $(sqlite3 "$T/backup.db" 'PRAGMA user_version')"
is 'known again: it answers' "$(answer)" 'VLAN 8'

# -- corrupt
radius_stop
store_release
cp "$store" "$T/good.db"
rm -f "$store-wal" "$store-shm"
dd if=/dev/urandom of="$store" bs=4096 count=4 conv=notrunc 2>/dev/null
RADIUS_NO_HOLD=1 radius_start "$T/r" || exit 1
is 'corrupt from the start: the server runs and is silent' "$(answer)" No-Reply
ok 'and says why' logged 'not a database'
cp "$T/good.db" "$store"
store_hold "$T/r"
ok 'mended: it answers' wait_for 5 answers 'VLAN 8'
radius_stop

# -- no store at start
store_release
rm -f "$store" "$store-wal" "$store-shm"
RADIUS_NO_HOLD=1 radius_start "$T/r" || exit 1
is 'no store at start: the server runs and is silent' "$(answer)" No-Reply
cp "$T/good.db" "$store"
chmod 640 "$store"
[ "$(id -u)" != 0 ] || chgrp freerad "$store" 2>/dev/null
store_hold "$T/r"
ok 'it appears: it answers' wait_for 5 answers 'VLAN 8'
radius_stop

# -- read-only, with nobody who may write: slower, and right
vmprov --store "$store" migrate >/dev/null
store_release
RADIUS_NO_HOLD=1 radius_start "$T/r" || exit 1
is 'nobody holds the store: it answers' "$(answer)" 'VLAN 8'
ok 'vmprov writes' vmprov --store "$store" vm set 525400000101 vlan=10
is 'and sees the next commit' "$(answer)" 'VLAN 10'
if [ "$(id -u)" = 0 ] && id freerad >/dev/null 2>&1; then
	is 'as another user than the owner' "$(stat -c %U "$store") $(ps -o user= -p "$RADIUS_PID")" 'root freerad'
fi
radius_stop
t_end
