#!/bin/bash
# How a machine joins: by a bundle in a folder, as a credential or on a cidata volume; what becomes of its token; bundles that are
# none, or for another machine; the certificate renewed; the daemon's own behaviour.
# shellcheck disable=SC2317 # functions that wait_for and ok call
. "$(dirname "$0")/lib.sh"
. "$HERE/daemon.sh"
. "$HERE/nas.sh"
. "$HERE/virt.sh"
. "$HERE/coi.sh"
own_machine "$@"
t_begin coid_join
if [ "$(id -u)" != 0 ]; then
	echo 'coid_join: left out: only root may make network namespaces'
	t_end
fi
# Behind its filter nobody can look for leaks.
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=0}

state() { echo "$T/$1/lib/vmprov/coid"; }
logged() { grep -c "\"event\":\"$2\".*${3:-}" "$T/$1/coid.log"; }
has_logged() { [ "$(logged "$@")" -gt 0 ]; }
certificate_is_of() { openssl x509 -in "$(state "$1")/machine.pem" -noout -ext subjectAltName | grep -q "urn:uuid:$2"; }
serial() { openssl x509 -in "$(state "$1")/machine.pem" -noout -serial | cut -d = -f 2; }
# the CA's own base64 may have as many characters between two others
no_token() { ! sed '/"ca":/d' "$(state "$1")/join.json" "$T/$1/coid.log" | grep -qE '[^A-Za-z0-9_-][A-Za-z0-9_-]{43}[^A-Za-z0-9_=-]'; }
http_is() { [ "$(on_machine "$1" curl -s -m 5 -o /dev/null -w '%{http_code}' "${@:3}")" = "$2" ]; }
SOCKET=/run/vmprov-coid/status.sock

# -- the command line
printf '[log]\nlevel = loud\n' > "$T/bad.conf"
fails 'a wrong configuration is refused' '\[log\] level' coid -t -c "$T/bad.conf"
coid -c "$T/bad.conf" 2>/dev/null
is 'with its own exit code' $? 2
: > "$T/good.conf"
is 'a good one is' "$(coid -t -c "$T/good.conf")" "$T/good.conf: good"
printf '[identity]\nca = %s/none.pem\n' "$T" > "$T/bad.conf"
fails 'a CA that is not there' 'none.pem' coid -t -c "$T/bad.conf"
coid status -c "$T/good.conf" --what >/dev/null 2>&1
is 'a wrong command line' $? 2
coid status -c "$T/good.conf" >/dev/null 2>&1
is 'no daemon is not well' $? 1
like 'and that is said' "$(coid status -c "$T/good.conf" 2>&1)" 'does coid run'

coi_world certificate.vm_life=300 || exit 1

# -- a folder that fills later
machine_add web1 web status.address=127.0.0.1:8485 || exit 1
mv "$T/web1/join/join.json" "$T/web1/bundle"
coid_begin web1
ok 'without a bundle it waits, and says so' wait_for 5 has_logged web1 bundle-missing
is 'it is not well then' "$(coid_ask web1 >/dev/null 2>&1 || echo $?)" 1
install -m 644 "$T/web1/bundle" "$T/web1/join/join.json"
ok 'a bundle that all may read is not taken, and that is said' wait_for 5 has_logged web1 bundle-bad 'join.json.*read'
echo '{"uuid":' > "$T/web1/join/new" && chmod 600 "$T/web1/join/new" && mv "$T/web1/join/new" "$T/web1/join/join.json"
ok 'nor one that is none' wait_for 5 has_logged web1 bundle-bad 'expected a join bundle'
install -m 600 "$T/web1/bundle" "$T/web1/join/new" && mv "$T/web1/join/new" "$T/web1/join/join.json"
ok 'a good one is taken' wait_for 15 coid_well web1
ok 'the certificate is this machine'\''s' certificate_is_of web1 "$(uuid_of web1)"
is 'modes of what it keeps' "$(cd "$(state web1)" && stat -c '%n %a' . join.json machine.key wireguard.key | tr '\n' ' ')" \
	'. 700 join.json 600 machine.key 600 wireguard.key 600 '
ok 'the token is wiped, and never logged' no_token web1
is 'it is enrolled once' "$(logged web1 identity-enrolled)" 1

# -- what it says of itself
like 'for people' "$(coid_ask web1)" "state +well.*machine +web1.*address +fd.*, 10\.64\..*engine +[a-z-]+.*licence +-: not-needed"
like 'as JSON' "$(coid_ask web1 --json | tr -d '\n')" '"well": true.*"state": "not-needed"'
ok 'over its socket, its health' http_is web1 200 --unix-socket $SOCKET http://localhost/healthz
ok 'and over TCP' http_is web1 200 http://127.0.0.1:8485/readyz
ok 'root can have it ask anew' http_is web1 200 --unix-socket $SOCKET -X POST -d '' http://localhost/v1/renew
ok 'and nobody else' http_is web1 404 -X POST -d '' http://127.0.0.1:8485/v1/renew
is 'the socket is root'\''s' "$(on_machine web1 stat -c '%a %U' $SOCKET)" '660 root'
is 'metrics' "$(coid_metric web1 vmprov_coid_well) $(coid_metric web1 vmprov_coid_enrolments_total)" '1 1'
process() { tr '\t' ' ' < "/proc/$(pgrep -x coid --ns "${MACHINE_PID[$1]}" --nslist net)/status" | sed -n "s/^$2: *//p"; }
is 'it has two capabilities, for good' "$(process web1 CapEff) $(process web1 CapBnd)" '0000000000003000 0000000000003000'
is 'and is behind its filter' "$(process web1 Seccomp) $(process web1 NoNewPrivs)" '2 1'
kill -HUP "$(pgrep -x coid --ns "${MACHINE_PID[web1]}" --nslist net)"
ok 'SIGHUP is nothing, and that is said' wait_for 5 has_logged web1 not-reloaded

# -- a credential, a volume
machine_add web2 web && machine_add web3 web join.directory= "join.cidata=$T/web3/volume" && machine_add web4 web join.directory= || exit 1
mkdir "$T/web2/credentials"
mv "$T/web2/join/join.json" "$T/web2/credentials/vmprov.join"
mkdir -p "$T/web3/tree/vmprov"
cp "$T/web3/join/join.json" "$T/web3/tree/vmprov/join.json"
echo 'instance-id: web3' > "$T/web3/tree/meta-data"
(cd "$T/web3/tree" && bsdtar --format iso9660 --options 'volume-id=cidata' -cf "$T/web3/volume" meta-data vmprov)
COID_ENV="CREDENTIALS_DIRECTORY=$T/web2/credentials" coid_begin web2
coid_begin web3
ok 'by a credential' coid_wait web2
ok 'by a volume' coid_wait web3
mkdir -p "$T/web4/tree/vmprov"
cp "$T/web4/join/join.json" "$T/web4/tree/vmprov/join.json"
(cd "$T/web4/tree" && bsdtar --format iso9660 --options 'volume-id=CIDATA' -cf "$T/web4/volume" vmprov)
truncate -s 1M "$T/web4/volume"
loop=$(losetup -f --show -r "$T/web4/volume" 2>/dev/null)
if [ -n "$loop" ]; then
	detach() { losetup -d "$loop"; }
	T_CLEANUP+=(detach)
	ini_set "$T/web4/coid.conf" "join.cidata=$loop"
else
	ini_set "$T/web4/coid.conf" "join.cidata=$T/web4/volume"
fi
coid_begin web4
ok 'by a device' coid_wait web4
ok 'and they are machines like others' wait_for 10 pings web2 web4
ok 'no token stays' no_token web3

# -- restarts
stop_code() {
	local pid=${COID_PID[$1]}
	kill -TERM "$pid"
	wait "$pid"
	local code=$?
	COID_PID[$1]=
	echo $code
}
before=$(serial web1)
rm "$T/web1/join/join.json"
stop_code web1 > "$T/code"
is 'it stops' "$(cat "$T/code")" 0
fails 'its interface is gone' 'does not exist' on_machine web1 ip link show vmprov0
is 'and nothing runs on' "$(pgrep --ns "${MACHINE_PID[web1]}" --nslist net -l . | awk '$2 != "sleep" {print $2}')" ''
COID_PID[web1]=
coid_begin web1
ok 'it starts without any bundle' coid_wait web1
is 'with the certificate that it had' "$(serial web1)" "$before"

# -- it is turned away, and its host starts it anew
as hv1 POST "/v1/vms/$(uuid_of web2)/stopped" -d '' >/dev/null
not_well() { ! coid_well "$1"; }
ok 'a machine that has stopped is out at once' wait_for 5 not_well web2
like 'and says why' "$(coid_ask web2 2>/dev/null | sed -n 's/^state *//p')" '[a-z]'
before=$(serial web2)
as hv1 POST "/v1/vms/$(uuid_of web2)/starting" -H 'Content-Type: application/json' \
	-d "{\"mac\": \"$(mac_of web2)\", \"template\": \"web\"}" > "$T/web2/new"
chmod 600 "$T/web2/new"
mv "$T/web2/new" "$T/web2/join/join.json"
ok 'a new bundle brings it back, while it runs' wait_for 20 coid_well web2
isnt_before() { [ "$(serial web2)" != "$before" ]; }
ok 'with another certificate' isnt_before
ok 'by a token that is wiped as well' no_token web2

# -- a bundle for another machine
coid_stop web3
cp "$T/web4/join/join.json" "$T/web3/tree/vmprov/join.json"
(cd "$T/web3/tree" && bsdtar --format iso9660 --options 'volume-id=cidata' -cf "$T/web3/volume" meta-data vmprov)
key=$(cat "$(state web3)/wireguard.key")
coid_begin web3
ok 'does not keep one that has joined from starting' coid_wait web3
is 'it is refused' "$(logged web3 bundle-bad 'another machine')" 1
ok 'and it is who it was' certificate_is_of web3 "$(uuid_of web3)"
coid_stop web3
# An image that was copied: told to, it becomes another machine, with nothing of the old one.
machine_add web5 web || exit 1
cp "$T/web5/join/join.json" "$T/web3/tree/vmprov/join.json"
(cd "$T/web3/tree" && bsdtar --format iso9660 --options 'volume-id=cidata' -cf "$T/web3/volume" meta-data vmprov)
ini_set "$T/web3/coid.conf" join.again=yes
coid_begin web3
ok 'told to, it is taken' coid_wait web3
ok 'the certificate is of that machine' certificate_is_of web3 "$(uuid_of web5)"
differs() { [ "$(cat "$(state web3)/wireguard.key")" != "$key" ]; }
ok 'and the key of the old one is gone' differs

# -- a token that is over, and a policyd that is away
machine_add web6 web || exit 1
sed -E 's/"token": ?"[^"]*"/"token":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"/' "$T/web6/join/join.json" > "$T/web6/new"
mv "$T/web6/join/join.json" "$T/web6/bundle"
install -m 600 "$T/web6/new" "$T/web6/join/join.json"
policyd_stop
coid_begin web6
ok 'it tries while policyd is away' wait_for 10 has_logged web6 identity-failed 'onnect'
policyd_start "$T" || exit 1
ok 'and is refused with a token that nobody knows' wait_for 20 has_logged web6 identity-failed 401
install -m 600 "$T/web6/bundle" "$T/web6/join/new" && mv "$T/web6/join/new" "$T/web6/join/join.json"
ok 'until there is another' wait_for 25 coid_well web6

# -- renewal
faketime=$(ls /usr/lib/*/faketime/libfaketime.so.1 2>/dev/null | head -n 1)
if [ -n "$faketime" ] && [ -z "${SAN:-}" ]; then
	coid_stop web1
	before=$(serial web1)
	COID_ENV="LD_PRELOAD=$faketime FAKETIME=+230 FAKETIME_DONT_FAKE_MONOTONIC=1 NO_FAKE_STAT=1" coid_begin web1
	renewed() { [ "$(serial web1)" != "$before" ]; }
	ok 'when two thirds of its life are over the certificate is renewed' wait_for 15 renewed
	ok 'and the machine goes on with it' wait_for 10 coid_well web1
	is 'nothing is left over' "$(find "$(state web1)" -name '*.next' | wc -l)" 0
else
	echo 'coid_join: left out: renewal, which needs libfaketime and no sanitizer'
fi
for name in web1 web2 web3 web4 web6; do coid_stop $name; done
t_end
