#!/bin/bash
# What authentication comes to with hostd: TLS 1.2 and 1.3, resumption, EAP-MD5, servers and hosts that are not to be trusted,
# Reject and what follows it, a switch that is silent, Disconnect, and what an operator asks for.
. "$(dirname "$0")/lib.sh"
. "$HERE/daemon.sh"
. "$HERE/server.sh"
. "$HERE/nas.sh"
. "$HERE/virt.sh"
. "$HERE/hostd.sh"
own_machine "$@"
t_begin hostd_eap
if [ "$(id -u)" != 0 ]; then
	echo 'hostd_eap: left out: only root may make network namespaces'
	t_end
fi

hostd_world || exit 1
sql "INSERT INTO eap_md5 (mac, password) VALUES ($(guest 5), 'lamp table river')"
host_add hv1 sw1 p1
hostd_make hv1 guests.mac_from=alias
guest_is_in() { ok "$1" wait_for "${4:-8}" auth_is hv1 "$2" "$3"; }
says() { [[ $(nic_field hv1 "$1" "$2") =~ $3 ]]; }
sends() { [ "$(wire_count up "ether src $(mac "$1")")" -gt "$2" ]; }
sent() { wire_count up "ether src $(mac "$1")"; }
starts() { wire_show up "ether src $(mac "$1")" | grep -c 'start (1)'; }
starts_are() { [ "$(starts "$1")" -ge "$2" ]; }
token() { sessions "SELECT token FROM session WHERE mac = $(guest "$1")"; }
anew() { [ "$(token "$1")" != "$2" ]; }

# port N: a guest that only has an alias
port() {
	on_host hv1 ip link add "t$1" type veth peer name "gt$1"
	alias_set hv1 "t$1" "vmprov mac=$(mac "$1") name=vm$1"
	on_host hv1 ip link set "gt$1" up
	on_host hv1 ip link set "t$1" master br0 up
}
unport() { on_host hv1 ip link del "t$1"; }

# tls_conf NAME VALUE: of the server's tls-config
tls_conf() { sed -i -E "s/^(\t*)$1 = .*/\1$1 = $2/" "$T/r/raddb/mods-available/vmprov_eap"; }
radius_again() {
	radius_stop
	RADIUS_NO_HOLD=1 radius_start "$T/r"
}
hostd_again() {
	hostd_stop hv1
	hostd_set hv1 "$@"
	hostd_start hv1
}

# once_more DESCRIPTION: guest 2 authenticates by command
once_more() {
	local before
	wait_for 5 nic_is hv1 2 authorized
	before=$(token 2)
	hostctl hv1 reauth vm2 >/dev/null
	ok "$1" wait_for 20 anew 2 "$before"
	ok "$1: the guest is in" wait_for 8 auth_is hv1 sw1 2
}

# -- nobody answers
wire_start up "$(host_pid hv1)" uplink0
hostd_start hv1 || exit 1
port 1
ok 'a switch that says nothing: the guest is silent' wait_for 8 nic_is hv1 1 silent
ok 'and is started again from time to time' wait_for 8 starts_are 1 3
hostapd_start sw1 p1 || { cat "$T/sw1.log"; exit 1; }
guest_is_in 'the switch has come to itself: the guest is let in' sw1 1
is 'by EAP-TLS' "$(nic_field hv1 1 method | tr 'a-z' 'A-Z' | sed 's/^EAP-//')" TLS
session_is 'it has a session' "$(lasts 1)" 'started vlan 100 method 3 hv1'

# -- what an operator asks for
before=$(token 1)
ok 'hostctl reauth' hostctl hv1 reauth vm1
ok 'authenticates it once more' wait_for 5 anew 1 "$before"
ok 'without a gap' sta_in sw1 1
ok 'hostctl logoff' hostctl hv1 logoff vm1
ok 'closes its port' wait_for 3 sta_out sw1 1
ok 'it is logged off until it is started again' nic_is hv1 1 logged-off
ok 'hostctl reauth of it' hostctl hv1 reauth vm1
guest_is_in 'lets it in again' sw1 1 20

# -- a MAC address that the store does not have, and then has
sql "DELETE FROM vm_record WHERE name = 'vm2'"
port 2
ok 'a guest that nobody registered is held' wait_for 8 nic_is hv1 2 held
ok 'and the operator can see why' says 2 error .
ok 'the switch keeps it out' sta_out sw1 2
ok 'it is tried again' wait_for 20 starts_are 2 2
sql "INSERT INTO vm_record (mac, name, cois) VALUES ('$(guest_text 2)', 'vm2', 'web')"
hostctl hv1 reauth vm2 >/dev/null
guest_is_in 'it is registered, and let in' sw1 2 20

# -- Disconnect: a guest hears nothing of it
hostd_again pae.reauth_period=4s
guest_is_in 'guests authenticate again after four seconds' sw1 1
sql "UPDATE vm SET vlan = 200 WHERE mac = $(guest 1)"
ok 'its VLAN changes, and the switch takes it out' wait_for 5 sta_out sw1 1
guest_is_in 'it is back by itself' sw1 1 15
is 'with the new VLAN' "$(sta_vlan sw1 1)" 200
hostapd_stop sw1 KILL
hostapd_start sw1 p1
ok 'the switch restarts and knows nobody' sta_out sw1 2
guest_is_in 'they come back as well' sw1 2 15

# -- a host that is disabled, and certificates that are not to be trusted
hostd_again pae.reauth_period=
sql "UPDATE host SET enabled = 0 WHERE name = 'hv1'"
port 3
ok 'the host is disabled: its guest is refused' wait_for 8 nic_is hv1 3 held
sql "UPDATE host SET enabled = 1 WHERE name = 'hv1'"
guest_is_in 'enabled, it comes in by itself' sw1 3 25
hostd_stop hv1
hostd_identity hv1 stranger
hostd_start hv1
port 4
ok 'a certificate of the right CA that is no host'"'"'s is refused' wait_for 8 nic_is hv1 4 held
ok 'and the switch keeps the guest out' sta_out sw1 4
unport 4
hostd_stop hv1
hostd_identity hv1 hv1
hostd_set hv1 eap.server_name=radius.example
hostd_start hv1
port 6
ok 'the server has another name: we refuse it' wait_for 8 nic_is hv1 6 held
ok 'and say that it is the name' says 6 error 'name'
hostd_again eap.server_name=vmprov-server
guest_is_in 'its own name is right' sw1 6 25
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj '/CN=another CA' -keyout "$T/other.key" -out "$T/other.pem" 2>/dev/null
cp "$T/hv1/radius-ca.pem" "$T/radius-ca.pem"
install -m 644 "$T/other.pem" "$T/hv1/radius-ca.pem"
hostd_again eap.server_name=
port 7
ok 'a server of a CA that we do not trust: refused as well' wait_for 8 nic_is hv1 7 held
ok 'and the operator sees that it is the certificate' says 7 error 'certificate'
unport 7
install -m 644 "$T/radius-ca.pem" "$T/hv1/radius-ca.pem"

# -- EAP-MD5: the server offers EAP-TLS, and is told that we would rather not
printf '[%s]\npassword = lamp table river\n' "$(mac 5)" > "$T/hv1/eap-md5.conf"
chown "$HOSTD_USER" "$T/hv1/eap-md5.conf"
chmod 600 "$T/hv1/eap-md5.conf"
hostd_again eap.methods=md5
port 5
guest_is_in 'EAP-MD5' sw1 5
session_is 'is what the session has' "$(lasts 5)" 'started vlan 100 method 2 '
printf '[default]\npassword = lamp table pond\n' > "$T/hv1/eap-md5.conf"
hostd_again
ok 'with a wrong password it is refused' wait_for 8 nic_is hv1 5 held
is 'and the password is in no log' "$(grep -cE 'lamp|pond' "$T/hv1/hostd.log")" 0
unport 5

# -- resumption, where the server keeps sessions (with TLS 1.3, FreeRADIUS 3.2.1 forgets whose they are)
install -d -o freerad -m 700 "$T/r/cache"
sed -i "/^\t\tcache {/,/}/ s|enable = no|enable = yes\n\t\t\tname = vmprov\n\t\t\tpersist_dir = $T/r/cache|" "$T/r/raddb/mods-available/vmprov_eap"
radius_again
hostd_again eap.methods=
once_more 'TLS 1.2, and the server keeps sessions'
is 'the session was resumed' "$(nic_field hv1 2 resumed)" true
session_is 'as the same host'"'"'s' "$(lasts 2)" 'started vlan 100 method 3 hv1'
hostd_again eap.resumption=no
once_more 'a host that is not to resume'
is 'does not' "$(nic_field hv1 2 resumed)" false

# -- a Reject after EAP has come to its end: a resumed TLS 1.3 session, of which FreeRADIUS 3.2.1 does not know whose it is
agree() { if nic_is hv1 2 authorized; then sta_in sw1 2; else sta_out sw1 2; fi; }
tls_conf tls_max_version '"1.3"'
radius_again
hostd_again eap.resumption= eap.tls_versions=1.3
guest_is_in 'TLS 1.3, and the server keeps sessions' sw1 2
hostctl hv1 reauth vm2 >/dev/null
ended() { [[ $(nic_field hv1 2 last_event) =~ ^(succeeded|rejected)$ ]]; }
wait_for 5 ended
ok 'hostd knows what became of it' wait_for 3 agree
guest_is_in 'whatever that is, it is in at last' sw1 2 25

# -- TLS 1.3
sed -i '/^\t\tcache {/,/}/ s/enable = yes/enable = no/' "$T/r/raddb/mods-available/vmprov_eap"
radius_again
hostd_again eap.resumption= eap.tls_versions=1.3
once_more 'TLS 1.3'
session_is 'the session has the certificate of its host' "$(lasts 2)" 'started vlan 100 method 3 hv1'
tls_conf tls_min_version '"1.3"'
radius_again
hostd_again eap.tls_versions=
once_more 'a server that speaks TLS 1.3 alone, and hostd either'
hostd_again eap.tls_versions=1.2
hostctl hv1 reauth vm2 >/dev/null
ok 'no version in common: it fails, and the operator sees where' wait_for 8 says 2 error 'EAP-TLS'
hostd_stop hv1
t_end
