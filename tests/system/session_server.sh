#!/bin/bash
# session.db as the living server writes it: what EAP leaves there; a reload and a stop while the file is locked; a file that is taken
# away; accounting over TCP and by way of a proxy; NASes of IPv6 and behind proxies; counters that add up.
. "$(dirname "$0")/lib.sh"
. "$HERE/server.sh"
. "$HERE/nas.sh"
t_begin session_server

one=127.0.0.10 two=127.0.0.20
radius_make "$T/r" || exit 1
# The server makes session.db itself.
if [ "$(id -u)" = 0 ]; then
	chgrp freerad "$T/r"
	chmod 775 "$T/r"
fi
raddb=$T/r/raddb
conf=$raddb/mods-available/vmprov
site=$raddb/sites-available/vmprov
sqlite3 -bail "$T/r/policy.db" <<-'SQL'
	INSERT INTO coi (name, vlan) VALUES ('web', 100);
	INSERT INTO host (name) VALUES ('hv1');
	WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 240)
	INSERT INTO vm_record (mac, cois) SELECT printf('5254000001%02x', i), 'web' FROM n;
	UPDATE vm_record SET enabled = 0 WHERE mac = '52:54:00:00:01:03';
	INSERT INTO eap_md5 (mac, password) VALUES (0x525400000102, 'lamp table river');
SQL

# More ways in: RADIUS over TCP, and over IPv6; a home server that keeps what it is sent; a NAS whose guests the site refuses.
TCP_PORT=$((RADIUS_PORT + 2)) FAR_PORT=$((RADIUS_PORT + 4))
{
	printf 'listen {\n\ttype = acct\n\tproto = tcp\n\tipaddr = 127.0.0.1\n\tport = %d\n}\n' "$TCP_PORT"
	printf 'listen {\n\ttype = auth\n\tipv6addr = ::1\n\tport = %d\n}\n' "$RADIUS_PORT"
	printf 'listen {\n\ttype = acct\n\tipv6addr = ::1\n\tport = %d\n}\n' $((RADIUS_PORT + 1))
} > "$T/listen"
sed -i -e "/^server vmprov {/r $T/listen" \
	-e 's/^	post-auth {/&\n\t\tif (\&NAS-Identifier == "barred") {\n\t\t\treject\n\t\t}/' \
	-e 's/^	preacct {/&\n\t\tif (\&NAS-Identifier == "behind") {\n\t\t\tupdate control {\n\t\t\t\t\&Proxy-To-Realm := "far"\n\t\t\t}\n\t\t}/' "$site"
cat >> "$raddb/clients-vmprov.conf" <<-EOF
	client tcp {
		ipaddr = 127.0.0.0/8
		proto = tcp
		secret = $RADIUS_SECRET
	}
EOF
sed -i 's/^proxy_requests = no/proxy_requests = yes/' "$raddb/vmprov.conf"
cat >> "$raddb/vmprov.conf" <<-EOF
	home_server far {
		type = acct
		ipaddr = 127.0.0.1
		port = $FAR_PORT
		secret = $RADIUS_SECRET
	}
	home_server_pool far {
		home_server = far
	}
	realm far {
		acct_pool = far
	}
	server far {
		listen {
			type = acct
			ipaddr = 127.0.0.1
			port = $FAR_PORT
		}
		accounting {
			detail
		}
	}
EOF

vm() { printf '52:54:00:00:01:%02X' "$1"; }
silence() { RADIUS_WAIT=0.7 "$@"; }
logged() { grep -q "$1" "$T/r/log/radius.log"; }
# account STATUS N [LINES...]: from NAS one
account() {
	local status=$1 n=$2
	shift 2
	radius_acct $one "$status" "$(vm "$n")" "s$n" "$@"
}
# requests NAS FROM TO LINE...: for radclient, one for each guest
requests() {
	local nas=$1 n
	for n in $(seq "$2" "$3"); do
		printf 'Packet-Src-IP-Address = %s\nUser-Name = "%s"\nCalling-Station-Id = "%s"\n' "$nas" "$(vm "$n" | tr -d :)" "$(vm "$n")"
		# shellcheck disable=SC2059 # the lines are a format
		printf "$4\n\n" "$n"
	done
}
# answered CODE RADCLIENT-ARGS...: how many of the requests on standard input
answered() {
	local code=$1
	shift
	radclient -x -p 50 -r 1 "$@" "$RADIUS_SECRET" 2>&1 | grep -c "^Received $code"
}
# authorize NAS FROM TO: how many are accepted, each within two seconds
authorize() { requests "$@" 'Service-Type = Call-Check\nMessage-Authenticator = 0x00' | answered Access-Accept -t 2 "127.0.0.1:$RADIUS_PORT" auth; }
# account_tcp FROM TO [SECONDS]: how many are answered
account_tcp() {
	requests $one "$1" "$2" 'Acct-Status-Type = Start\nAcct-Session-Id = "tcp%d"' | sed '/^Packet-Src/d' |
		answered Accounting-Response -P tcp -t "${3:-3}" "127.0.0.1:$TCP_PORT" acct
}
between() { printf 'mac BETWEEN mac(%s) AND mac(%s)' "$(vm "$1")" "$(vm "$2")"; }
of() { printf 'mac = mac(%s)' "$(vm "$1")"; }

# counters: accounted, not_accounted, session_written, session_lost; grown BEFORE: by how much since
counters() {
	radmin -f "$T/r/run/vmprov.sock" -e 'show module config vmprov' |
		awk '/stat_/ {n[$1] = $3} END {print n["stat_accounted"], n["stat_not_accounted"], n["stat_session_written"], n["stat_session_lost"]}'
}
grown() { paste -d ' ' <(echo "$1") <(counters) | awk '{print $5 - $1, $6 - $2, $7 - $3, $8 - $4}'; }
grown_says() { [ "$(grown "$1")" = "$2" ]; }
grown_is() {
	wait_for 3 grown_says "$2" "$3"
	is "$1" "$(grown "$2")" "$3"
}
# how many Accounting-Requests the server has got
acct_received() { radmin -f "$T/r/run/vmprov.sock" -e 'stats client acct' | awk '$1 == "requests" {print $2}'; }
acct_received_since() { [ "$(acct_received)" -gt "$1" ]; }

# lock, unlock: somebody else writes to session.db and takes his time.  Not within ok, which is a shell of its own.
LOCK_PID=
mkfifo "$T/lock"
lock() {
	rm -f "$T/locked"
	sqlite3 "$T/r/session.db" < "$T/lock" &
	LOCK_PID=$!
	exec 9> "$T/lock"
	printf '%s\n' '.bail on' '.timeout 5000' 'BEGIN IMMEDIATE;' ".shell touch '$T/locked'" >&9
	wait_for 6 test -e "$T/locked"
}
unlock() {
	[ -n "$LOCK_PID" ] || return 0
	printf '%s\n' 'ROLLBACK;' '.quit' >&9
	exec 9>&-
	wait "$LOCK_PID"
	LOCK_PID=
}
T_CLEANUP+=(unlock)

radius_start "$T/r" || exit 1

# -- EAP, and who is refused
start=$(counters)
is 'EAP-TLS' "$(radius_eap_tls $one "$(vm 1)" hv1)" 'Access-Accept VLAN 100'
session_is 'is one authorization, with the certificate' "SELECT method, cert_name, vlan, quarantined FROM session WHERE $(of 1)" '3|hv1|100|0'
is 'EAP-MD5' "$(radius_eap_md5 $one "$(vm 2)" 'lamp table river')" 'Access-Accept VLAN 100'
session_is 'is another, without' "SELECT method, cert_name, vlan, quarantined FROM session WHERE $(of 2)" '2||100|0'
is 'a wrong password' "$(radius_eap_md5 $one "$(vm 2)" 'lamp table lake')" Access-Reject
is 'EAP-TLS of a disabled VM' "$(radius_eap_tls $one "$(vm 3)" hv1)" Access-Reject
is 'MAB of a disabled VM' "$(radius_mab $one "$(vm 3)" | head -n 1)" Access-Reject
is 'MAB that the site refuses in post-auth, before us' "$(radius_mab $one "$(vm 8)" 'NAS-Identifier = "barred"' | head -n 1)" Access-Reject
is 'MAB' "$(authorize $one 4 4)" 1
session_is 'what came last is there' "SELECT method FROM session WHERE $(of 4)" 0
is 'and nothing of those who were refused, nor of the check of the certificate' \
	"$(sessions 'SELECT count(*) FROM session; SELECT count(*) FROM past; SELECT count(*) FROM notice' | paste -sd ' ')" '3 0 0'
is 'three reports' "$(grown "$start")" '0 0 3 0'
is 'a host that nobody knows' "$(radius_eap_tls $one "$(vm 5)" stranger)" Access-Reject
session_is 'leaves one alarm' "SELECT kind, nas FROM notice WHERE $(of 5)" "refused|$one"
is 'and no session' "$(sessions "SELECT count(*) FROM session WHERE $(of 5)")" 0

# -- a NAS of IPv6
six() { radclient -x -r 1 -t 3 "[::1]:$1" "$2" "$RADIUS_SECRET" 2>&1 | grep -c '^Received Acc.*\(Accept\|Response\)'; }
is 'MAB over IPv6' "$(requests ::1 6 6 'Service-Type = Call-Check\nMessage-Authenticator = 0x00\nNAS-IPv6-Address = 2001:db8::6' | sed '/^Packet/d' | six "$RADIUS_PORT" auth)" 1
is 'accounting' "$(requests ::1 6 6 'Acct-Status-Type = Start\nAcct-Session-Id = "s%d"' | sed '/^Packet/d' | six $((RADIUS_PORT + 1)) acct)" 1
is 'is the same session, of the address that it comes from' \
	"$(sessions "SELECT state, nas, nas_ip, acct_session_id FROM session WHERE $(of 6)")" 'started|::1|2001:db8::6|s6'

# -- proxied
before=$(counters)
is 'proxied accounting is answered once' "$(account Start 7 'NAS-Identifier = "behind"')" Accounting-Response
is 'it is durable then' "$(sessions "SELECT state FROM session WHERE $(of 7)")" started
is 'and the home server has it, once' "$(grep -rhc 'Acct-Session-Id = "s7"' "$T/r/log/radacct" | paste -sd +)" 1
grown_is 'it is counted once' "$before" '1 0 1 0'

# -- a reload while session.db is locked
before=$(counters)
lock || exit 1
is 'guests are authorized' "$(authorize $one 20 39)" 20
vlan_is() { radius_mab $two 52:54:00:00:09:01 | grep -q "Group-Id:0 = \"$1\""; }
# A HUP that comes too soon, or without a changed file, is ignored.
hup_until() {
	printf '\n' >> "$conf"
	kill -HUP "$RADIUS_PID"
	"$@"
}
sed -i -e 's/quarantine_vlan = .*/quarantine_vlan = 777/' -e 's/nas_from_attributes = .*/nas_from_attributes = yes/' "$conf"
ok 'the server is reloaded' wait_for 20 hup_until vlan_is 777
is 'others are authorized, some of them again and elsewhere' "$(authorize $two 30 49)" 20
unlock
session_is 'all of them are there' "SELECT count(*) FROM session WHERE $(between 20 49)" 30
# Wrong in most runs: the old writer and the new one wait for the lock side by side.  Where the old one gets it last, its
# authorizations, older by their tokens too, take the guests back.
session_is 'each where it was last' "SELECT nas, count(*) FROM session WHERE $(between 20 49) GROUP BY nas" "$one|10
$two|20"
session_is 'the quarantined too' 'SELECT vlan, quarantined FROM session WHERE mac = mac(525400000901)' '777|1'
grown_is 'counters went on' "$before" '0 0 41 0'

# -- a NAS behind a proxy
proxied='NAS-IP-Address = 192.0.2.50'
radius_mab $one "$(vm 50)" "$proxied" >/dev/null
radius_mab $one "$(vm 51)" 'NAS-IPv6-Address = 2001:db8::51' >/dev/null
radius_mab $one "$(vm 52)" >/dev/null
session_is 'nas_from_attributes: the NAS is what it says' "SELECT group_concat(nas) FROM (SELECT nas FROM session WHERE $(between 50 52) ORDER BY mac)" \
	"192.0.2.50,2001:db8::51,$one"
account Start 50 "$proxied" >/dev/null
is 'for accounting too' "$(sessions "SELECT state, nas FROM session WHERE $(of 50)")" 'started|192.0.2.50'

# -- session.db is removed, moved aside, put back
files() { printf '%s\n' "$T/r"/session.db{,-wal,-shm}; }
mapfile -t files < <(files)
rm "${files[@]}"
is 'session.db is removed: accounting is answered' "$(account Start 60)" Accounting-Response
is 'when it is in the new one' "$(sessions 'SELECT mac = mac(52540000013c), state FROM session')" '1|started'
is 'MAB' "$(authorize $one 61 61)" 1
session_is 'likewise' "SELECT count(*) FROM session WHERE $(between 60 61)" 2
mkdir "$T/aside"
mv "${files[@]}" "$T/aside"
is 'it is moved aside: accounting is answered' "$(account Start 62)" Accounting-Response
is 'when it is in the next one' "$(sessions "SELECT count(*), count(*) FILTER (WHERE $(of 62)) FROM session")" '1|1'
rm "${files[@]}"
mv "$T/aside"/* "$T/r"
is 'it is put back: accounting is answered' "$(account Start 63)" Accounting-Response
is 'when it is there' "$(sessions "SELECT count(*) FROM session WHERE $(between 60 63)")" 3
is 'which is whole' "$(sessions 'PRAGMA integrity_check')" ok

# -- accounting over TCP
is 'accounting over TCP is answered' "$(account_tcp 70 73)" 4
is 'once it is durable' "$(sessions "SELECT count(*) FROM session WHERE $(between 70 73) AND acct_session_id LIKE 'tcp%'")" 4
lock || exit 1
before=$(counters)
for n in 80 81 82 83; do
	account_tcp $n $n 1 >> "$T/tcp" &
	tcp+=($!)
done
is 'MAB goes on' "$(authorize $one 84 99)" 16
# What a worker has given up is without a response for good, though it is written in the end.
grown_is 'accounting is not answered' "$before" '0 4 0 0'
unlock
wait "${tcp[@]}"
session_is 'no authorization is lost' "SELECT count(*) FROM session WHERE $(between 84 99)" 16
is 'sent again, accounting is answered' "$(account_tcp 80 83)" 4
is 'once it is durable' "$(sessions "SELECT count(*) FROM session WHERE $(between 80 83)")" 4
is 'none of the first was' "$(sort "$T/tcp" | uniq -c | sed 's/^ *//')" '4 0'
# Wrong: those that workers had given up count as answered too when they are written, 8 4 24 0.
grown_is 'counted are four without and four with a response' "$before" '4 4 24 0'

# -- counters add up, through an outage
before=$(counters)
is 'authorizations' "$(authorize $one 100 119)" 20
is 'accounting' "$(for n in 100 101 102; do account Start $n; done | grep -c Response)" 3
is 'over TCP' "$(account_tcp 103 106)" 4
grown_is 'each is counted' "$before" '7 0 27 0'
ln "${files[0]}" "$T/aside"
ln -s /nonexistent/session.db "$T/link"
before=$(counters)
mv -T "$T/link" "${files[0]}"
is 'session.db leads nowhere: no response' "$(silence account Interim-Update 100)" No-Reply
ok 'the log says why' wait_for 3 logged 'sessions are not written, accounting is not answered'
is 'authorization goes on' "$(authorize $one 120 129)" 10
grown_is 'what was not answered is counted' "$before" '0 1 0 0'
before=$(counters)
is 'over TCP neither' "$(account_tcp 107 107 1)" 0
# Wrong: both the worker and the writer count it, 0 2 0 0.
grown_is 'that is counted, once' "$before" '0 1 0 0'
before=$(counters)
mv -T "$T/aside/session.db" "${files[0]}"
session_is 'it is back: authorizations of meanwhile are there' "SELECT count(*) FROM session WHERE $(between 120 129)" 10
grown_is 'and counted' "$before" '0 0 10 0'

# -- a stop while session.db is locked
lock || exit 1
is 'guests are authorized' "$(authorize $two 200 219)" 20
received=$(acct_received)
RADIUS_WAIT=10 account Start 100 > "$T/last" &
last=$!
ok 'accounting has come in' wait_for 5 acct_received_since "$received"
kill "$RADIUS_PID"
ok 'the server is to stop' wait_for 5 logged 'Signalled to terminate\|Exiting normally'
unlock
wait $last
radius_stop
is 'accounting is answered yet' "$(cat "$T/last")" Accounting-Response
is 'what was queued is written' "$(sessions "SELECT count(*) FROM session WHERE $(between 200 219) AND nas = '$two'")" 20
is 'session.db is whole' "$(sessions 'PRAGMA integrity_check')" ok
t_end
