#!/bin/bash
# 10,000 random VMs, COIs and policies: what the real server answers is what an independent model of the
# rule, written in SQL, says.  SEED=n tries another store.
. "$(dirname "$0")/lib.sh"
. "$HERE/server.sh"
t_begin model
VMS=${VMS:-10000}
SEED=${SEED:-1}

radius_make "$T/r" || exit 1
cp "$HERE/model/dialect" "$T/r/raddb/mods-config/vmprov/dialects/model"
{
	echo 'CREATE TABLE ask (mac INTEGER PRIMARY KEY, nas_id INTEGER, port TEXT);'
	awk -v seed="$SEED" -v vms="$VMS" -f "$HERE/model/random.awk"
} > "$T/random.sql"
ok 'the random store loads' sqlite3 -bail "$T/r/policy.db" ".read $T/random.sql"
ok 'the model computes' sqlite3 -bail "$T/r/policy.db" ".read $HERE/model/model.sql"
radius_start "$T/r" || exit 1

total=0
for nas in 1 2 3; do
	sqlite3 -noheader "$T/r/policy.db" "SELECT printf('%012x', mac), port FROM ask WHERE nas_id = $nas ORDER BY mac" |
		awk -F'|' -v src="127.0.0.$((20 + nas))" '{
			print "Packet-Src-IP-Address = " src "\nUser-Name = \"" $1 "\"\nUser-Password = \"" $1 "\"\nService-Type = Call-Check"
			print "Calling-Station-Id = \"" $1 "\"\nNAS-Port-Id = \"" $2 "\"\nMessage-Authenticator = 0x00\n" }' > "$T/ask.$nas"
	sqlite3 -noheader "$T/r/policy.db" "SELECT lines FROM expected WHERE nas_id = $nas ORDER BY mac" > "$T/expect.$nas"
	radclient -p 64 -s -r 3 -t 5 -f "$T/ask.$nas:$T/expect.$nas" "127.0.0.1:$RADIUS_PORT" auth "$RADIUS_SECRET" > "$T/out.$nas" 2>&1
	n=$(awk '/Passed filter/ {print $NF}' "$T/out.$nas")
	asked=$(sqlite3 "$T/r/policy.db" "SELECT count(*) FROM ask WHERE nas_id = $nas")
	is "NAS $nas: every answer is the model's" "$n" "$asked"
	[ "$n" = "$asked" ] || grep -m 8 -iE 'failed|expected' "$T/out.$nas"
	total=$((total + n))
done
is 'all were asked' "$total" "$VMS"
is 'more than one in four is refused and more than one in four accepted' \
	"$(sqlite3 "$T/r/policy.db" "SELECT min(sum(lines LIKE '%Accept%'), sum(lines LIKE '%Reject%')) > $VMS / 4 FROM expected")" 1
radius_stop
t_end
