#!/bin/bash
# Real authenticators and supplicants: hostapd on the ports of two switches, wpa_supplicant for the guests, FreeRADIUS and policyd.
. "$(dirname "$0")/lib.sh"
. "$HERE/daemon.sh"
. "$HERE/server.sh"
. "$HERE/nas.sh"
own_netns "$@"
t_begin coa_hostapd
if [ "$(id -u)" != 0 ]; then
	echo 'coa_hostapd: left out: only root may make network namespaces'
	t_end
fi

SWITCH_NETS=10.99.0.0/16 network_make || exit 1
sw1=10.99.1.2 sw2=10.99.2.2
sql <<-SQL
	INSERT INTO nas (name, address) VALUES ('sw1', '$sw1'), ('sw2', '$sw2');
	INSERT INTO host (name) VALUES ('hv1');
	INSERT INTO coi (name, vlan) VALUES ('web', 100), ('app', 200);
	INSERT INTO vm_record (mac, name, cois) VALUES ('$(guest_text 1)', 'one', 'web'), ('$(guest_text 2)', 'two', 'app');
	INSERT INTO eap_md5 (mac, password) VALUES ($(guest 2), 'lamp table river');
SQL
mac() { guest_text "$1" | tr 'A-F-' 'a-f:'; }
switch_add sw1 10.99.1 || exit 1
switch_add sw2 10.99.2 || exit 1
# Guest 1 has its interface on each host; guest 2 shares the port with it.
port_add sw1 p1 "$(mac 1)"
port_add sw2 p2 "$(mac 1)"
ip link add link gp1 name gp1b address "$(mac 2)" type macvlan mode bridge
ip link set gp1b up
for n in 1 2; do
	vlan_add sw$n 100 150 200
	hostapd_start sw$n p$n || { cat "$T/sw$n.log"; exit 1; }
done

certs=$T/r/raddb/certs
tls() {
	supplicant_start "$1" 'eap=TLS' "identity=\"$(mac 1)\"" "ca_cert=\"$certs/vmprov-ca.pem\"" "client_cert=\"$certs/hv1.pem\"" \
		"private_key=\"$certs/hv1.key\""
}
md5() { supplicant_start "$1" 'eap=MD5' "identity=\"$(guest_text 2)\"" 'password="lamp table river"'; }
is_in() { hostapd_sta "$1" "$(mac "$2")" | grep -q '^flags=.*\[AUTHORIZED\]'; }
is_out() { ! is_in "$@"; }
vlan() { hostapd_sta "$1" "$(mac "$2")" | sed -n 's/^vlan_id=//p'; }
lasts() { printf "SELECT state || ' ' || nas || ' vlan ' || vlan || ' method ' || method FROM session WHERE mac = %s" "$(guest "$1")"; }
token() { sessions "SELECT token FROM session WHERE mac = $(guest "$1")"; }
# A Disconnect tells the supplicant nothing: it starts anew.
in_again() {
	supplicant_again "$1"
	ok "$2" wait_for 12 is_in "$3" "$4"
}

# -- start
tls gp1
md5 gp1b
ok 'a guest is let in, by its host with EAP-TLS' wait_for 8 is_in sw1 1
ok 'and another on the same port, with EAP-MD5' wait_for 8 is_in sw1 2
session_is 'it has a session' "$(lasts 1)" "started $sw1 vlan 100 method 3"
session_is 'the other too' "$(lasts 2)" "started $sw1 vlan 200 method 2"
is 'as the switch calls it' "$(sessions "SELECT nas_ip, nas_identifier, user_name, calling_station_id, length(acct_session_id) > 0, cert_name FROM session WHERE mac = $(guest 1)")" \
	"$sw1|sw1|$(mac 1)|$(guest_text 1)|1|hv1"

# -- re-authentication
before=$(token 1)
in_again gp1 'it authenticates again' sw1 1
anew() { [ "$(token 1)" != "$before" ]; }
ok 'which is a new authorization' wait_for 8 anew
session_is 'in the same place' "SELECT nas, since < authorized_at, (SELECT count(*) FROM past WHERE mac = $(guest 1)) FROM session WHERE mac = $(guest 1)" "$sw1|1|0"

# -- another VLAN
sql "UPDATE vm SET vlan = 150 WHERE mac = $(guest 1)"
ok 'another VLAN: the switch takes the guest out' wait_for 3 is_out sw1 1
session_is 'the session is over' "SELECT count(*) FROM session WHERE mac = $(guest 1)" 0
job_is 'the job is done' 3 1 'done coa policy'
ok 'its neighbour stays' is_in sw1 2
in_again gp1 'it is let in again' sw1 1
session_is 'with the new VLAN' "$(lasts 1)" "started $sw1 vlan 150 method 3"
is 'which the switch has' "$(vlan sw1 1)" 150

# -- disabled
sql "UPDATE vm SET enabled = 0 WHERE mac = $(guest 2)"
ok 'disabled: the port is closed to it' wait_for 3 is_out sw1 2
session_is 'and its session over' "SELECT count(*) FROM session WHERE mac = $(guest 2)" 0
supplicant_again gp1b
failed() { grep -q EAP-FAILURE "$T/gp1b.log"; }
ok 'it is refused' wait_for 8 failed
ok 'and stays out' is_out sw1 2
ok 'its neighbour stays' is_in sw1 1
supplicant_stop gp1b

# -- the switch restarts
hostapd_stop sw1 KILL
hostapd_start sw1 p1
session_is 'a switch that restarts has no sessions' "SELECT state || ' ' || cause FROM past WHERE mac = $(guest 1) ORDER BY id DESC LIMIT 1" 'stopped nas-restart'
in_again gp1 'the guest is let in again' sw1 1
session_is 'and has a session' "$(lasts 1)" "started $sw1 vlan 150 method 3"

# -- to the other host, and nobody logs off
process_stop "${SUPPLICANT_PID[gp1]}" KILL
tls gp2
ok 'it moves: the other switch lets it in' wait_for 8 is_in sw2 1
session_is 'its session is there' "$(lasts 1)" "started $sw2 vlan 150 method 3"
ok 'the first switch takes it out' wait_for 3 is_out sw1 1
job_is 'by a Disconnect' 3 1 'done coa policy,done disconnect moved'
session_is 'the place that it left is closed' "SELECT state || ' ' || (closed_at > 0) FROM past WHERE mac = $(guest 1) ORDER BY id DESC LIMIT 1" 'moved 1'
is 'which the audit trail has' "$(audited guest-moved 1)" 1
ok 'where it is, it stays' is_in sw2 1

# -- logoff
supplicant_cli gp2 logoff >/dev/null
session_is 'a logoff ends the session' "SELECT (SELECT count(*) FROM session WHERE mac = $(guest 1)) || ' ' || state FROM past WHERE mac = $(guest 1) ORDER BY id DESC LIMIT 1" '0 stopped'
like 'the switch answers a test' "$(vmprov --store "$POLICYD_STORE" nas test sw2 --wait 10 2>&1)" '503'
t_end
