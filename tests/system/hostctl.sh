#!/bin/bash
# vmprov-hostctl, hostd's control socket and libvirt's hook, /metrics and /healthz: each command, and what is wrong with each.
. "$(dirname "$0")/lib.sh"
. "$HERE/daemon.sh"
. "$HERE/nas.sh"
own_netns "$@"
t_begin hostctl

export VMPROV_HOSTD=$T/run/hostd.sock
ctl() { timeout 20 vmprov-hostctl "$@"; }
# code COMMAND...: its exit code alone
code() { "$@" >/dev/null 2>&1 </dev/null; echo $?; }

# -- without hostd
fails 'no hostd' "hostd cannot be reached: $T/run/hostd.sock: No such file" ctl list
is 'which has an exit code of its own' "$(code ctl status)" 4
is 'an unknown command' "$(code ctl frob)" 2
is 'no command' "$(code ctl)" 2
is 'an unknown option' "$(code ctl list --frob)" 2
is 'a guest too many' "$(code ctl show a b)" 2
is 'no guest' "$(code ctl reauth)" 2
is 'all, and a guest' "$(code ctl logoff --all web1)" 2
fails 'all is no name of a guest' 'expected --all' ctl logoff all
is 'operands that are none' "$(code ctl enrol token)" 2
fails 'a socket path that is too long' 'expected a path of at most' ctl --socket "/$(printf '%0200d' 0)" list
like 'help' "$(ctl help)" 'usage: vmprov-hostctl.*Exit: 0 done'
like 'help for one' "$(ctl hook --help)" 'usage: vmprov-hostctl hook'
like 'version' "$(ctl --version)" '^vmprov-hostctl [0-9]'
ok 'completion' bash -c 'vmprov-hostctl completion bash | bash -n'
is 'completion of a command' "$(ctl complete -- re)" reauth
is 'of an option' "$(ctl complete -- hook --s)" --strict
is 'of guests, without hostd' "$(ctl complete -- show '')" ''

# domain NAME UUID-END TEMPLATE MAC-END: as libvirt gives it to a hook
uuid() { echo "11111111-2222-4333-8444-5555555555$1"; }
domain() {
	printf '<domain type="kvm"><name>%s</name><uuid>%s</uuid>' "$1" "$(uuid "$2")"
	[ -z "$3" ] || printf '<metadata><v:guest xmlns:v="https://vmprov.example/ns/guest/1" template="%s"/></metadata>' "$3"
	printf '<devices><interface type="bridge"><mac address="52:54:00:00:00:%s"/><source bridge="br0"/></interface></devices></domain>\n' "$4"
}
hook() { ctl hook "$@"; }
hook_with() { # FILE ARGS...
	local file=$1
	shift
	ctl hook "$@" < "$file"
}
domain web1 01 web 01 > "$T/web1.xml"
ok 'the hook lets a guest start without hostd' hook_with "$T/web1.xml" web1 prepare begin -
like 'and says so' "$(hook_with "$T/web1.xml" web1 prepare begin - 2>&1)" 'hostd cannot be reached'
is 'unless it is to be strict' "$(code hook --strict web1 prepare begin -)" 4
for call in 'start begin' 'started begin' 'stopped end' 'reconnect begin' 'attach begin' 'restore begin' 'prepare end' 'frob begin'; do
	# shellcheck disable=SC2086 # two words
	is "nothing is asked for at $call" "$(code hook --strict web1 $call -)" 0
done
is 'a name like an option' "$(code hook --strict -- --help start begin -)" 0
is 'words missing' "$(code hook web1 prepare)" 2
is 'a wait that is none' "$(code hook --timeout 0 web1 prepare begin -)" 2
is 'the script for libvirt' "$(code sh "$TOP/hostd/libvirt-hook" web1 started begin -)" 0
is 'its exit code is the command'"'"'s' "$(code sh "$TOP/hostd/libvirt-hook" web1 prepare)" 2
is 'without the command it keeps nobody from starting' "$(code env PATH=/usr/bin:/bin sh "$TOP/hostd/libvirt-hook" web1 prepare begin -)" 0

if [ "$(id -u)" != 0 ]; then
	echo 'hostctl: the rest left out: only root may make network namespaces'
	t_end
fi

# -- policyd, an uplink without a switch, hostd
policyd_make "$T/p" && policyd_start "$T/p" || exit 1
sql "INSERT INTO coi (name, vlan) VALUES ('web', 100); INSERT INTO host (name) VALUES ('hv1')"
vmprov --store "$POLICYD_STORE" template add web cois=web auto_create=yes >/dev/null
ip link add uplink0 type veth peer name far
ip link add br0 type bridge
ip link set uplink0 master br0
for i in uplink0 far br0; do ip link set "$i" up; done
cat > "$T/hostd.conf" <<-EOF2
	[process]
	user = news
	[control]
	path = $VMPROV_HOSTD
	group = games
	[status]
	address = 127.0.0.1:$((POLICYD_PORT + 2))
	[policyd]
	url = $POLICYD_URL
	ca = $CA
	token_file = $T/token
	timeout = 2s
	[identity]
	certificate = $T/host/host.pem
	key = $T/host/host.key
	[eap]
	ca = $CA
	[pae]
	start_period = 1s
	max_start = 1
	[guests]
	libvirt = no
	netlink = yes
	serve = $T/guests.conf
	[cidata]
	directory = $T/cidata
	[state]
	directory = $T/state
	[uplink uplink0]
EOF2
hostd_end() {
	process_stop "$HOSTD_PID"
	if grep -qE 'AddressSanitizer|runtime error:' "$T/hostd.log"; then
		t_fail 'sanitizers are content' "$(grep -hEA 12 'AddressSanitizer|runtime error:' "$T/hostd.log")"
	fi
}
hostd_begin() {
	hostd -c "$T/hostd.conf" 2>>"$T/hostd.log" &
	HOSTD_PID=$!
	T_CLEANUP+=(hostd_end)
	wait_for 10 ctl status || { cat "$T/hostd.log"; exit 1; }
}
hostd_begin
STATUS=http://127.0.0.1:$((POLICYD_PORT + 2))
logged() { grep -q "$1" "$T/hostd.log"; }
# value MEMBER COMMAND...: the first of this name in its JSON
value() {
	local name=$1
	shift
	ctl --json "$@" 2>/dev/null | sed -nE "s/^ *\"$name\": \"?([^\",]*)\"?,?$/\\1/p" | head -n 1
}
value_is() { [ "$(value "$2" "${@:3}")" = "$1" ]; }

is 'the socket is root and its group only' "$(stat -c '%a %U:%G' "$VMPROV_HOSTD")" '660 root:games'
ok 'a member of the group' setpriv --reuid nobody --regid games --clear-groups vmprov-hostctl list
fails 'somebody else' 'Permission denied' setpriv --reuid nobody --regid nogroup --clear-groups vmprov-hostctl list
ok 'no guests' ctl list
is 'as JSON' "$(ctl list --json | tr -d ' \n')" '{"guests":[]}'

# -- the identity
health() { curl -s -m 5 -o "$T/health" -w '%{http_code}' "$STATUS/healthz"; }
is 'not well without a certificate' "$(health)" 503
like 'and says why' "$(cat "$T/health")" '"identity": "the host has no certificate'
fails 'no token' 'expected a join token' ctl enrol < /dev/null
fails 'two words' 'expected a join token' ctl enrol <<< 'one two'
fails 'a token that is too long' 'at most' ctl enrol <<< "$(printf '%02000d' 0)"
fails 'a token that is not good' 'token' ctl enrol <<< 'not-a-token-of-policyd-at-all'
is 'refused' "$(ctl enrol <<< 'not-a-token-of-policyd-at-all' >/dev/null 2>&1; echo $?)" 1
token=$(vmprov --store "$POLICYD_STORE" token --host hv1 2>/dev/null)
like 'a good one' "$(ctl enrol <<< "$token" 2>&1)" '^hv1, serial number [0-9a-f]+, good until 20'
is 'is in no log' "$(grep -c -- "$token" "$T/hostd.log")" 0
like 'status' "$(ctl status)" 'certificate +hv1'
is 'the certificate of status' "$(value name status)" hv1
is 'well' "$(health)" 200
is 'all of it' "$(cat "$T/health")" '{"identity": "ok", "uplinks": "ok", "policyd": "ok", "libvirt": "ok"}'
token=$(vmprov --store "$POLICYD_STORE" token --host hv1 2>/dev/null)
before=$(value serial status)
ok 'another, not waited for' ctl enrol --no-wait <<< "$token"
changed() { [ "$(value serial status)" != "$before" ]; }
ok 'comes all the same' wait_for 10 changed

# -- guests that nobody lets in
guest_port() {
	ip link add "$1" type veth peer name "$1g"
	ip link set "$1" alias "vmprov mac=52:54:00:aa:bb:$2 name=$3"
	ip link set "$1" master br0
	ip link set "$1" up
}
guest_port tap1 01 one
guest_port tap2 02 two
ok 'a guest comes' wait_for 5 value_is running state show 52:54:00:aa:bb:01
state_of() { ctl list --json | tr -d '\n' | sed 's/"mac"/\n&/g' | sed -n "s/^\"mac\": \"52:54:00:aa:bb:$1\".*\"state\": \"\\([a-z-]*\\)\", *\"held.*/\\1/p"; }
state_is() { [ "$(state_of "$1")" = "$2" ]; }
ok 'its port stays shut' wait_for 10 state_is 01 silent
like 'list' "$(ctl list)" 'one +52:54:00:aa:bb:01 tap1 uplink0 silent'
like 'show by name' "$(ctl show one)" 'mac +52:54:00:aa:bb:01'
like 'show by MAC address' "$(ctl show 5254.00aa.bb01)" 'guest +one'
like 'show by UUID' "$(ctl show "$(value uuid show one)")" 'guest +one'
fails 'show of nobody' 'nobody: no such guest' ctl show nobody
is 'has an exit code of its own' "$(code ctl show nobody)" 3
is 'logoff' "$(ctl logoff one)" '1 interface'
ok 'is shown' state_is 01 logged-off
ok 'and nobody else is' wait_for 5 state_is 02 silent
is 'it stays so' "$(ctl --json reauth two | tr -d ' \n')" '{"done":1}'
is 'logged off' "$(state_of 01)" logged-off
is 'reauth' "$(ctl reauth 525400aabb01)" '1 interface'
ok 'takes it back' wait_for 5 state_is 01 silent
is 'of several' "$(ctl reauth one two)" '2 interfaces'
is 'of all' "$(ctl logoff --all)" '2 interfaces'
ok 'one' state_is 01 logged-off
ok 'and two' state_is 02 logged-off
is 'of nobody' "$(code ctl reauth one nobody)" 3
ctl reauth --all >/dev/null
ok 'who did it is logged' logged '"event":"logoff-asked","what":"all","uid":"0"'
is 'completion of guests' "$(ctl complete -- show t)" two
is 'of addresses' "$(ctl complete -- show 52 | sort | tr '\n' ' ')" '52:54:00:aa:bb:01 52:54:00:aa:bb:02 '
ip link del tap2
gone() { [ "$(code ctl show "$1")" = 3 ]; }
ok 'one goes' wait_for 5 gone two

# -- libvirt's hook
guest_state() { sql "SELECT state FROM guest WHERE uuid = '$(uuid "$1")'"; }
guest_state_is() { [ "$(guest_state "$1")" = "$2" ]; }
ok 'prepare' hook_with "$T/web1.xml" web1 prepare begin -
is 'says nothing, which libvirt would take for XML' "$(hook_with "$T/web1.xml" web1 prepare begin - 2>&1)" ''
is 'the guest waits to be started' "$(value state show web1)" prepared
is 'policyd knows of it' "$(value report show web1)" reported
ok 'its volume is there' test -s "$T/cidata/$(uuid 01).iso"
is 'reauth does nothing yet' "$(ctl reauth web1)" '0 interfaces'
ok 'release: the start has failed' hook_with "$T/web1.xml" web1 release end -
ok 'it is forgotten' gone web1
ok 'and policyd hears of it' wait_for 10 guest_state_is 01 stopped
domain bad1 02 nothing 02 > "$T/bad1.xml"
fails 'a template that policyd does not have' 'template' hook_with "$T/bad1.xml" bad1 prepare begin -
is 'keeps the guest from starting' "$(ctl hook bad1 prepare begin - < "$T/bad1.xml" >/dev/null 2>&1; echo $?)" 1
is 'and is shown' "$(value report show bad1)" refused
ok 'release' hook_with "$T/bad1.xml" bad1 release end -
domain plain 03 '' 03 > "$T/plain.xml"
ok 'a guest without template' hook_with "$T/plain.xml" plain prepare begin -
is 'is nothing to policyd' "$(value report show plain)" unreported
hook_with "$T/plain.xml" plain release end -

domain mover 04 web 04 > "$T/mover.xml"
ok 'a migration brings one' hook_with "$T/mover.xml" mover migrate begin -
ok 'prepare of it' hook_with "$T/mover.xml" mover prepare begin -
is 'it is on its way' "$(value state show mover)" incoming
is 'and not reported here' "$(guest_state 04)" ''
ok 'it fails' hook_with "$T/mover.xml" mover release end -
ok 'and is forgotten' gone mover

echo 'no XML' > "$T/no.xml"
ok 'XML that is none keeps nobody from starting' hook_with "$T/no.xml" web9 prepare begin -
ok 'and is logged' logged '"event":"hook-unreadable","guest":"web9"'
head -c 600000 /dev/zero | tr '\0' ' ' > "$T/long.xml"
like 'XML that is too long' "$(hook_with "$T/long.xml" web9 prepare begin - 2>&1)" 'more than 524288 octets'
is 'fails when it is to be strict' "$(ctl hook --strict web9 prepare begin - < "$T/long.xml" >/dev/null 2>&1; echo $?)" 4
{ domain big 05 '' 05 | sed 's|</domain>||'; head -c 500000 /dev/zero | tr '\0' '"'; echo '</domain>'; } > "$T/big.xml"
ok 'XML that grows beyond the limit on its way' hook_with "$T/big.xml" big prepare begin -
like 'which is said' "$(hook_with "$T/big.xml" big prepare begin - 2>&1)" 'at most 655360 octets'
is 'is no better' "$(ctl hook --strict big prepare begin - < "$T/big.xml" >/dev/null 2>&1; echo $?)" 4
policyd_stop
begin=$(date +%s)
ok 'policyd away' hook_with "$T/web1.xml" web1 prepare begin -
took=$(($(date +%s) - begin))
ok 'the guest waits no longer than [policyd] timeout' test "$took" -le 4
like 'the error is shown' "$(value last_error show web1)" .
is 'health tells it' "$(health)" 200
like 'of policyd' "$(cat "$T/health")" '"policyd": "[^o]'
hook_with "$T/web1.xml" web1 release end -

# -- the socket itself
# shellcheck disable=SC2016 # perl's
say() { timeout 20 perl -MIO::Socket::UNIX -e '$SIG{PIPE} = "IGNORE"; my $s = IO::Socket::UNIX->new(Peer => shift) or die; local $/; print $s <STDIN>; shutdown($s, 1); print <$s>' "$VMPROV_HOSTD"; }
is 'no JSON' "$(say <<< nonsense)" '{"error":"expected a line of JSON, an object","code":"invalid"}'
is 'no object' "$(say <<< '["list"]')" '{"error":"expected a line of JSON, an object","code":"invalid"}'
like 'nothing to do' "$(say <<< '{}')" '"do: expected list, show'
like 'nothing known' "$(say <<< '{"do": "stop"}')" '"do: expected list, show'
like 'a member missing' "$(say <<< '{"do": "show"}')" 'show: expected \\"what\\", text'
like 'no text' "$(say <<< '{"do": "show", "what": 1}')" 'show: expected \\"what\\", text'
like 'a member too many' "$(say <<< '{"do": "list", "what": "x"}')" 'a member that it does not take'
like 'a member twice' "$(say <<< '{"do": "list", "do": "logoff"}')" 'expected a line of JSON'
like 'a text with a NUL' "$(say <<< '{"do": "show", "what": "one\u0000"}')" 'expected a line of JSON'
is 'two in one' "$(printf '{"do": "frob"}\n{"do": "show", "what": "one"}\n' | say | wc -l)" 2
is 'no line' "$(printf '{"do": "list"}' | say)" ''
like 'a line that is too long' "$(head -c 700000 /dev/zero | tr '\0' x | say)" 'at most 655360 octets'
like 'with an end' "$({ head -c 700000 /dev/zero | tr '\0' x; echo; } | say)" 'at most 655360 octets'
like 'octets that are no text' "$(head -c 2000 /dev/urandom | tr -d '\n' | { cat; echo; } | say)" 'expected a line of JSON'
is 'a hook that waits, of one who only listens' \
	"$(printf '{"do":"hook","object":"w","operation":"prepare","sub":"begin","extra":"-","xml":"%s"}\n{"do":"frob"}\n' "$(sed 's/"/\\"/g' "$T/web1.xml")" | say | grep -c '"done":1\|expected list')" 2
say <<< '{"do":"hook","object":"w","operation":"release","sub":"end","extra":"-","xml":"'"$(sed 's/"/\\"/g' "$T/web1.xml")"'"}' >/dev/null
# One who asks and asks, and does not listen: answers are kept for it up to a limit, and the others get theirs.
# shellcheck disable=SC2016 # perl's
perl -MIO::Socket::UNIX -e 'my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die; $s->blocking(0); my ($n, $idle) = (0, 0);
	while ($n < 3e6 && $idle < 100) {
		my $w = syswrite $s, "{\"do\": \"status\"}\n" x 500;
		if ($w) { $n += $w; $idle = 0 } else { $idle++; select undef, undef, undef, 0.01 }
	}
	open my $f, ">", $ARGV[1]; close $f; sleep 60' "$VMPROV_HOSTD" "$T/deaf" &
deaf=$!
wait_for 20 test -e "$T/deaf"
ok 'one who does not listen' ctl list
is 'takes little memory' "$(for p in $(pgrep -P "$HOSTD_PID"); do awk -v max="$([ -n "${SAN:-}" ] && echo 900000 || echo 60000)" '/^VmRSS/ && $2 > max' "/proc/$p/status"; done)" ''
process_stop "$deaf" KILL
# Seventy connections that say nothing: those beyond the limit wait, and get their turn.
perl -MIO::Socket::UNIX -e 'my @s = map { IO::Socket::UNIX->new(Peer => $ARGV[0]) or die } 1 .. 70; open my $f, ">", $ARGV[1]; close $f; sleep 60' \
	"$VMPROV_HOSTD" "$T/seventy" &
seventy=$!
wait_for 10 test -e "$T/seventy"
is 'too many connections wait' "$(timeout 1 vmprov-hostctl list >/dev/null 2>&1; echo $?)" 124
process_stop "$seventy" KILL
ok 'and get on when others end' ctl list

# -- for monitoring
metric() { curl -s -m 5 "$STATUS/metrics" | sed -n "s/^$1 //p"; }
like 'metrics' "$(curl -s -m 5 -D - -o /dev/null "$STATUS/metrics")" 'text/plain; version=0.0.4'
is 'each has a type' "$(curl -s "$STATUS/metrics" | grep -v '^#' | sed 's/[{ ].*//; s/_bucket$\|_sum$\|_count$//' | sort -u | while read -r m; do
	[ "$(curl -s "$STATUS/metrics" | grep -c "^# TYPE $m ")" = 1 ] || echo "$m"
done)" ''
is 'interfaces' "$(metric 'vmprov_hostd_interfaces{state="silent"}')" 1
is 'uplinks' "$(metric 'vmprov_hostd_uplink_up{uplink="uplink0"}')" 1
is 'certificates' "$(metric 'vmprov_hostd_certificates_total{by="token"}')" 2
ok 'hook calls' test "$(metric vmprov_hostd_hook_calls_total)" -ge 10
ok 'the end of the certificate' test "$(metric vmprov_hostd_certificate_expiry_timestamp_seconds)" -gt "$(date +%s)"
like 'another method' "$(curl -s -m 5 -o /dev/null -w '%{http_code}' -X POST -d x "$STATUS/metrics")" '^(4|5)'
is 'another path' "$(curl -s -m 5 -o /dev/null -w '%{http_code}' "$STATUS/x")" 404
is 'a header that is too long' "$(curl -s -m 5 -o /dev/null -w '%{http_code}' -H "X: $(printf '%020000d' 0)" "$STATUS/metrics")" 400
ip link set far down
down() { [ "$(health)" = 503 ]; }
ok 'an uplink that is down' wait_for 5 down
like 'by name' "$(cat "$T/health")" '"uplinks": "uplink0: down'
is 'is shown' "$(value up status)" false
ip link set far up
up() { [ "$(health)" = 200 ]; }
ok 'and comes up' wait_for 5 up
is 'nothing went wrong' "$(grep '"level":"error"' "$T/hostd.log")" ''
t_end
