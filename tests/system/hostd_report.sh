#!/bin/bash
# What policyd hears of a host's guests, and what they get: join bundles, the ledger, policyd or hostd away.
. "$(dirname "$0")/lib.sh"
. "$HERE/daemon.sh"
. "$HERE/nas.sh"
. "$HERE/virt.sh"
own_machine "$@"
t_begin hostd_report
if [ "$(id -u)" != 0 ]; then
	echo 'hostd_report: left out: only root may make network namespaces'
	t_end
fi
ip link add br0 type bridge && ip link add uplink0 type veth peer name sw0 && ip link set uplink0 master br0 || exit 1
for i in br0 uplink0 sw0; do ip link set $i up; done

policyd_make "$T"
policyd_start "$T" || exit 1
policyd_sample

USER_OF=news
HOSTD_PID=
install -d -o "$USER_OF" -m 700 "$T/id" "$T/host"
install -d -o "$USER_OF" -m 711 "$T/cidata"
cp "$CA" "$T/policyd-ca.pem"
cat > "$T/hostd.conf" <<-EOF
	[process]
	user = $USER_OF
	fence = no
	[control]
	path = $T/hostd.sock
	[status]
	address =
	[policyd]
	url = $POLICYD_URL
	ca = $T/policyd-ca.pem
	token_file = $T/id/token
	timeout = 3s
	[identity]
	certificate = $T/id/host.pem
	key = $T/id/host.key
	[eap]
	ca = $T/policyd-ca.pem
	[pae]
	silent_period = 1h
	[guests]
	libvirt = no
	netlink = yes
	[cidata]
	directory = $T/cidata
	[state]
	directory = $T/host
	[uplink uplink0]
EOF
hostd_end() {
	[ -n "$HOSTD_PID" ] || return 0
	process_stop "$HOSTD_PID" "${1:-TERM}"
	HOSTD_PID=
	if grep -qE 'AddressSanitizer|runtime error:' "$T/hostd.log"; then
		t_fail 'sanitizers are content' "$(grep -hEA 12 'AddressSanitizer|runtime error:' "$T/hostd.log")"
	fi
}
T_CLEANUP=(hostd_end "${T_CLEANUP[@]}")
ctl() { vmprov-hostctl --socket "$T/hostd.sock" "$@"; }
hostd_run() {
	hostd -c "$T/hostd.conf" 2>>"$T/hostd.log" &
	HOSTD_PID=$!
	wait_for 10 ctl status || t_fail 'hostd answers' "$(tail -n 5 "$T/hostd.log")"
}
token_of() { vmprov --store "$POLICYD_STORE" token --host "$1" 2>/dev/null; }
has_certificate() { ctl status --json | tr -d '\n ' | grep -q '"identity":{[^}]*"there":true'; }
(umask 077 && token_of hv1 > "$T/id/token") && chown "$USER_OF" "$T/id/token"
hostd_run
wait_for 10 has_certificate || { t_fail 'the host enrols' "$(tail -n 5 "$T/hostd.log")"; t_end; }

uuid_of() { printf '11111111-2222-4333-8444-6666666666%02d' "$1"; }
mac_of() { printf '52:54:00:00:09:%02d' "$1"; }
# guest_up N [TEMPLATE]
guest_up() {
	ip link add "tap$1" type veth peer name "eth$1" &&
		ip link set "tap$1" alias "vmprov mac=$(mac_of "$1") uuid=$(uuid_of "$1") name=guest$1 template=${2:-web}" &&
		ip link set "tap$1" master br0 && ip link set "tap$1" up && ip link set "eth$1" up
}
guest_down() { ip link del "tap$1"; }
state_of() { sql "SELECT state FROM guest WHERE uuid = '$(uuid_of "$1")'"; }
state_is() { [ "$(state_of "$1")" = "$2" ]; }
ledger() { find "$T/host/reported" -type f -printf '%f\n' | sort | tr '\n' ' '; }
ledger_is() { [ "$(ledger)" = "$1" ]; }
pending() { ctl status --json | tr -d '\n ' | sed -nE 's/.*"pending":([0-9]+).*/\1/p'; }
pending_is() { [ "$(pending)" = "$1" ]; }
says() { ctl show "guest$1" --json | grep -qE "$2"; }
iso() { bsdtar -xOf "$T/cidata/$(uuid_of "$1").iso" "$2" 2>/dev/null; }

# -- a guest comes, and goes
guest_up 1
ok 'a guest that starts is reported' wait_for 5 state_is 1 started
is 'as what its alias says' "$(sql "SELECT name, tenant, cois FROM vm_record WHERE mac = '$(mac_of 1)'")" 'guest1|acme|web'
ok 'it is in the ledger' wait_for 5 ledger_is "$(uuid_of 1) "
is 'which names it' "$(cat "$T/host/reported/$(uuid_of 1)")" "{\"mac\":\"$(mac_of 1)\",\"name\":\"guest1\",\"source\":\"netlink\",\"state\":\"running\"}"
ok 'its volume is there' wait_for 5 test -e "$T/cidata/$(uuid_of 1).iso"
like 'with the bundle' "$(iso 1 vmprov/join.json)" '"token":"[A-Za-z0-9_-]{43}"'
is 'labelled as NoCloud wants it' "$(blkid -p -o value -s LABEL "$T/cidata/$(uuid_of 1).iso")" cidata
key_new "$T/vm.key"
ok 'whose token is good' enrol web "$(iso 1 vmprov/join.json | field token)" "$T/vm.key"
ok 'no token in the log' bash -c "! grep -E '[A-Za-z0-9_-]{43}' '$T/hostd.log'"
guest_down 1
ok 'its end is reported' wait_for 5 state_is 1 stopped
ok 'and it leaves the ledger' wait_for 5 ledger_is ''

# -- refused
guest_up 2 nothing
ok 'a template that does not exist' wait_for 5 says 2 'policyd: .*template.*404'
is 'leaves nothing in the ledger' "$(ledger)" ''
guest_down 2

# -- policyd away
guest_up 3
wait_for 5 ledger_is "$(uuid_of 3) "
policyd_stop
guest_down 3
ok 'an end that policyd does not take' wait_for 5 pending_is 1
stands() { grep -q '"state":"stopped"' "$T/host/reported/$(uuid_of 3)"; }
ok 'stands on the disk' wait_for 8 stands
hostd_end KILL
hostd_run
is 'also for the next hostd' "$(pending)" 1
policyd_start "$T" || exit 1
ok 'which tells it' wait_for 20 state_is 3 stopped
ok 'once' wait_for 5 ledger_is ''

# -- hostd away
guest_up 4
guest_up 5
ok 'two guests' wait_for 5 ledger_is "$(uuid_of 4) $(uuid_of 5) "
hostd_end KILL
guest_down 4
hostd_run
ok 'one that ended while nobody looked is reported' wait_for 10 state_is 4 stopped
ok 'the other is known' wait_for 5 ledger_is "$(uuid_of 5) "
is 'and not reported again' "$(sql "SELECT count(*) FROM audit WHERE event IN ('started', 'created') AND detail LIKE '%$(uuid_of 5)%'")" 1
hostd_end
is 'a stop of hostd is no end of its guests' "$(state_of 5)" started

# -- a ledger that is damaged
echo '{"mac":' > "$T/host/reported/$(uuid_of 6)"
echo half > "$T/host/reported/$(uuid_of 7).tmp-AbCdEf"
hostd_run
ok 'a damaged file is set aside' test -e "$T/host/reported/$(uuid_of 6).bad"
ok 'and said' grep -q '"event":"ledger-bad"' "$T/hostd.log"
ok 'half a file is swept' test ! -e "$T/host/reported/$(uuid_of 7).tmp-AbCdEf"
rm -f "$T/host/reported"/*.bad

# -- the next certificate is used at once, not with the connections of the one before
old=$(openssl x509 -in "$T/id/host.pem" -noout -serial | sed 's/serial=//' | tr A-F a-f)
ok 'another certificate' ctl enrol < <(token_of hv1)
ok 'the old one revoked' vmprov --store "$POLICYD_STORE" cert revoke "$old"
guest_down 5
ok 'an end is reported with the new one' wait_for 5 state_is 5 stopped

# -- another host's guest, and one that nobody knows any more
guest_up 8
wait_for 5 ledger_is "$(uuid_of 8) "
host_enrol hv2
as hv2 POST "/v1/vms/$(uuid_of 8)/starting" -d "{\"mac\": \"$(mac_of 8)\", \"template\": \"web\"}" >/dev/null
guest_down 8
ok 'the end of a guest that runs on another host' wait_for 5 ledger_is ''
is 'is not its end' "$(state_of 8)" started
ok 'and that is logged' grep -q '"event":"report-dropped"' "$T/hostd.log"

# -- many at once, with policyd away in between
for i in $(seq 20 49); do guest_up "$i"; done
started() { [ "$(sql "SELECT count(*) FROM guest WHERE state = 'started' AND uuid LIKE '11111111-2222-4333-8444-66666666%' AND uuid <> '$(uuid_of 8)'")" = "$1" ]; }
ok 'thirty guests' wait_for 20 started 30
policyd_stop
for i in $(seq 20 49); do guest_down "$i"; done
ok 'their ends' wait_for 10 pending_is 30
policyd_start "$T" || exit 1
ok 'are told later' wait_for 40 started 0
ok 'all' wait_for 5 ledger_is ''
hostd_end
t_end
