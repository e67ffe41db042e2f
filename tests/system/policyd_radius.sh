#!/bin/bash
# FreeRADIUS and policyd on one store: certificates that policyd issues and revokes are what the server goes by, and a VM that a
# host has just started is authorized.
. "$(dirname "$0")/lib.sh"
. "$HERE/daemon.sh"
. "$HERE/server.sh"
t_begin policyd_radius

got=
# -- one store, which policyd writes and the server reads
store=$T/r/policy.db
mkdir "$T/r"
if [ "$(id -u)" = 0 ]; then
	chown daemon:freerad "$T/r"
	chmod 2750 "$T/r"
fi
policyd_make "$T" $((20002 + $$ % 20000)) "$store"
policyd_start "$T" || exit 1
policyd_sample
for h in hv1 hv2; do host_enrol $h || exit 1; done
radius_make "$T/r" || exit 1
if [ "$(id -u)" = 0 ]; then
	for f in policy.db policy.db-wal policy.db-shm; do
		is "$f: policyd's, and for the server to read" "$(stat -c '%U %G %a' "$T/r/$f")" 'daemon freerad 640'
	done
fi
certs=$T/r/raddb/certs
eap=$T/r/raddb/mods-available/vmprov_eap
site=$T/r/raddb/sites-available/vmprov

# The clients' certificates are policyd's; the server's own is not.
sed -i "s|^\(\t*\)ca_file = .*|\1ca_file = $CA|" "$eap"
cp "$eap" "$T/eap"
# By OCSP, at the address that the certificate names.
sed -i 's|^\(\t*\)cache {|\1ocsp {\n\1\tenable = yes\n\1\toverride_cert_url = no\n\1\tuse_nonce = yes\n\1\ttimeout = 5\n\1}\n&|' "$eap"
# A VM speaks for itself: nothing is against it but that its certificate is no host's, and that names the MAC address that asks.
awk -v own="if (\"%{vmprov:verdict}\" == 'host-unknown' && &TLS-Client-Cert-Common-Name == \"%{vmprov:mac}\") {" '
	function either(then, otherwise) { print "\t\t" own; print then; print "\t\t}\n\t\telse {\n\t\t\t" otherwise "\n\t\t}" }
	/^server vmprov_certificate/ { inner = 1 }
	inner && /^\t\tvmprov_authorize$/ { either("\t\t\tok", "vmprov_authorize"); next }
	/^\t\tvmprov_post_auth$/ {
		either("\t\t\tupdate reply {\n\t\t\t\t&Tunnel-Type := VLAN\n\t\t\t\t&Tunnel-Medium-Type := IEEE-802\n" \
			"\t\t\t\t&Tunnel-Private-Group-Id := \"%{vmprov:vlan-id}\"\n\t\t\t}", "vmprov_post_auth")
		next
	}
	{ print }' "$site" > "$T/site"
cp "$T/site" "$site"
[ "$(id -u)" != 0 ] || chmod -R go+rX "$T/r/raddb"
if ! radius_check "$T/r/raddb" > "$T/check"; then
	tail -n 5 "$T/check"
	exit 1
fi
export RADIUS_NO_HOLD=1 # policyd has the store open
radius_start "$T/r" || exit 1

# tls MAC NAME [PORT]: EAP-TLS for MAC with the certificate of NAME as it is now
tls() {
	cp "$T/$2.pem" "$certs/now.pem"
	cp "$T/$2.key" "$certs/now.key"
	radius_eap_tls 127.0.0.1 "$1" now "${3:-}"
}
# vlan REPLY: its untagged VLAN; why REPLY: its name and message
vlan() { printf '%s\n' "$1" | sed -n 's/^Tunnel-Private-Group-Id:0 = "\(.*\)"$/\1/p'; }
why() { printf '%s\n' "$1" | sed -n -e '1p' -e 's/^Reply-Message = "\(.*\)"$/\1/p' | paste -sd ' '; }
serial() { openssl x509 -in "$T/$1.pem" -noout -serial | cut -d= -f2 | tr A-F a-f; }
revoke() { vmprov --store "$store" cert revoke "$(serial "$1")" --reason keyCompromise; }
uuid_of() { printf '11111111-2222-4333-8444-5555555555%02d' "$1"; }
mac_of() { printf '52:54:00:00:09:%02d' "$1"; }

# -- a VM that nobody registered is authorized from its start on
is 'before it is started' "$(why "$(radius_mab 127.0.0.1 "$(mac_of 1)")")" 'Access-Reject No VM is registered with this MAC address.'
like 'its host starts it' "$(starting hv1 "$(uuid_of 1)" "$(mac_of 1)" web)" '"created":true'
is 'the next request has its COI'\''s VLAN' "$(vlan "$(radius_mab 127.0.0.1 "$(mac_of 1)")")" 100
sql "UPDATE template SET auto_create = 1 WHERE name = 'app'"
for n in $(seq 2 13); do
	template=web
	[ $((n % 2)) = 0 ] || template=app
	starting hv1 "$(uuid_of "$n")" "$(mac_of "$n")" $template >/dev/null
	got="$got $template:$(vlan "$(radius_mab 127.0.0.1 "$(mac_of "$n")")")"
done
is 'a dozen more, of two templates' "$(echo "$got" | xargs -n 1 | sort | uniq -c | tr -s ' \n' ' ')" ' 6 app:200 6 web:100 '
is 'a start that is refused lets nobody in' "$(starting hv1 "$(uuid_of 20)" "$(mac_of 20)" db >/dev/null
	why "$(radius_mab 127.0.0.1 "$(mac_of 20)")")" 'Access-Reject No VM is registered with this MAC address.'

# -- the host's certificate
is 'a host that policyd knows speaks for a VM' "$(tls 52:54:00:00:03:01 hv1 p1)" 'Access-Accept VLAN 300'
is 'also for one that it has started' "$(tls "$(mac_of 1)" hv1 p1)" 'Access-Accept VLAN 100'
is 'another host too' "$(tls 52:54:00:00:03:01 hv2)" 'Access-Accept VLAN 300'
is 'but not for a VM that is bound to the first' "$(tls 52:54:00:00:04:01 hv2)" Access-Reject
is 'which that one may speak for' "$(tls 52:54:00:00:04:01 hv1 p1)" 'Access-Accept VLAN 400'
is 'a certificate of another CA with a host'\''s name' "$(radius_eap_tls 127.0.0.1 52:54:00:00:03:01 hv1 p1)" Access-Reject

# -- OCSP
cp "$T/hv2.pem" "$T/old.pem"
cp "$T/hv2.key" "$T/old.key"
ok 'policyd revokes a host'\''s certificate' revoke old
is 'OCSP: it is rejected at once' "$(tls 52:54:00:00:03:01 old)" Access-Reject
is 'the other host is not' "$(tls 52:54:00:00:03:01 hv1 p1)" 'Access-Accept VLAN 300'
rm "$T/hv2.key"
ok 'the host enrols again' host_enrol hv2
is 'and is accepted again' "$(tls 52:54:00:00:03:01 hv2)" 'Access-Accept VLAN 300'
policyd_stop
is 'no policyd, no answer, nobody in' "$(tls 52:54:00:00:03:01 hv1 p1)" Access-Reject
is 'MAC authentication does not need it' "$(vlan "$(radius_mab 127.0.0.1 "$(mac_of 1)")")" 100
policyd_start "$T" || exit 1
is 'with it, in again' "$(tls 52:54:00:00:03:01 hv1 p1)" 'Access-Accept VLAN 300'

# -- a VM's own certificate
for n in 1 2; do ok "vm$n enrols" join hv1 "$(uuid_of $n)" "$(mac_of $n)" web "vm$n"; done
ok 'so does one of another template' join hv1 "$(uuid_of 3)" "$(mac_of 3)" app vm3
is 'its name is the canonical MAC address' "$(openssl x509 -in "$T/vm1.pem" -noout -subject -nameopt RFC2253)" "subject=CN=$(mac_of 1)"
is 'it speaks for its own' "$(tls "$(mac_of 1)" vm1)" 'Access-Accept VLAN 100'
is 'with its COI'\''s VLAN' "$(tls "$(mac_of 3)" vm3)" 'Access-Accept VLAN 200'
is 'not for another VM of its template' "$(tls "$(mac_of 2)" vm1)" Access-Reject
is 'nor for one of another' "$(tls "$(mac_of 3)" vm1)" Access-Reject
is 'nor for a MAC address that no VM has' "$(tls "$(mac_of 20)" vm1)" Access-Reject
sql "UPDATE vm_record SET enabled = 0 WHERE mac = '$(mac_of 1)'"
is 'nor when it is disabled' "$(tls "$(mac_of 1)" vm1)" Access-Reject
sql "UPDATE vm_record SET enabled = 1 WHERE mac = '$(mac_of 1)'"
ok 'it enrols anew' join hv1 "$(uuid_of 1)" "$(mac_of 1)" web vm1
is 'and is in' "$(tls "$(mac_of 1)" vm1)" 'Access-Accept VLAN 100'
ok 'its host stops it' as hv1 POST "/v1/vms/$(uuid_of 1)/stopped" -d ''
is 'then its certificate is revoked' "$(tls "$(mac_of 1)" vm1)" Access-Reject
ok 'a VM renews' sh -c "cp '$T/vm2.key' '$T/was.key' && cp '$T/vm2.pem' '$T/was.pem'"
key_new "$T/vm2.key"
ok 'with a new key' renew web "$T/was" "$T/vm2"
is 'the new certificate has the same name' "$(tls "$(mac_of 2)" vm2)" 'Access-Accept VLAN 100'

# -- CRL
radius_stop
sed 's|^\(\t*\)#ca_path = .*|\1ca_path = ${cadir}/vmprov|; s|^\(\t*\)#check_crl = yes|\1check_crl = yes|' "$T/eap" > "$eap"
mkdir "$certs/vmprov"
crl_fetch() {
	curl -sf "$(openssl x509 -in "$T/hv1.pem" -noout -ext crlDistributionPoints | sed -n 's/^ *URI://p')" |
		openssl crl -inform DER > "$certs/vmprov/crl.pem" && cp "$CA" "$certs/vmprov/ca.pem" &&
		openssl rehash "$certs/vmprov" && chmod -R go+rX "$certs/vmprov"
}
ok 'policyd revokes the other host'\''s new certificate' revoke hv2
crl_has() { crl_fetch && openssl crl -in "$certs/vmprov/crl.pem" -noout -text | grep -qi "$(serial hv2)"; }
ok 'the CRL, from where the certificate says that it is' wait_for 5 crl_has
radius_start "$T/r" || exit 1
is 'CRL: one that is not on it' "$(tls 52:54:00:00:03:01 hv1 p1)" 'Access-Accept VLAN 300'
is 'one that is' "$(tls 52:54:00:00:03:01 hv2)" Access-Reject
is 'one that was revoked long ago' "$(tls 52:54:00:00:03:01 old)" Access-Reject
is 'a VM that was stopped' "$(tls "$(mac_of 1)" vm1)" Access-Reject
is 'one that runs' "$(tls "$(mac_of 3)" vm3)" 'Access-Accept VLAN 200'

# -- to be a host again takes policyd's word, not the certificate's
sql "UPDATE host SET enabled = 0 WHERE name = 'hv1'"
is 'a good certificate of a host that is disabled' "$(tls 52:54:00:00:03:01 hv1 p1)" Access-Reject
radius_stop
t_end
