#!/bin/bash
# hostd's configuration, its processes and what each may do, its sockets, the fence; start, reload, crash and end.
. "$(dirname "$0")/lib.sh"
. "$HERE/nas.sh"
own_netns "$@"
t_begin hostd_process
conf=$T/hostd.conf
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=0}

req() { openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" -keyout "$T/$1.key" "${@:2}" 2>/dev/null; }
req ca -x509 -days 30 -out "$T/ca.pem"
req hv1 -out "$T/hv1.csr"
openssl x509 -req -in "$T/hv1.csr" -CA "$T/ca.pem" -CAkey "$T/ca.key" -days 20 -out "$T/hv1.pem" 2>/dev/null
[ "$(id -u)" != 0 ] || chown news "$T/hv1.key"

cat > "$T/good.conf" <<EOF
[process]
user = news
[control]
path = $T/run/hostd.sock
[status]
address = 127.0.0.1:8481
[identity]
certificate = $T/hv1.pem
key = $T/hv1.key
enrol = no
[eap]
ca = $T/ca.pem
[pae]
start_period = 1s
[guests]
libvirt_uri = test:///default
netlink = yes
serve = $T/guests.conf
[cidata]
directory = $T/state/cidata
[state]
directory = $T/state/hostd
[log]
level = debug
[uplink up0]
bridge = br0
[uplink mv0]
host = yes
EOF

# with SECTION LINE...: the good configuration with these lines, in that section, in the place of others for the same options.
with() {
	local section=$1 line
	shift
	cp "$T/good.conf" "$conf"
	grep -qxF "[$section]" "$conf" || echo "[$section]" >> "$conf"
	for line; do
		awk -v section="[$section]" -v line="$line" '
			$0 == section { print; print line; here = 1; next }
			/^\[/ { here = 0 }
			!here || $1 != substr(line, 1, index(line " ", " ") - 1)' "$conf" > "$conf.new"
		mv "$conf.new" "$conf"
	done
}
try() { hostd -t -c "$conf"; }
wrong() {
	local what=$1 regex=$2
	shift 2
	with "$@"
	fails "$what" "^hostd: [^ ]*hostd\\.conf:? ?.*$regex" try
	is "$what: one line" "$(try 2>&1 | wc -l)" 1
}

# -- the command line
like 'help' "$(hostd --help)" 'usage: hostd .*SIGHUP'
like 'version' "$(hostd --version)" 'hostd [0-9]'
fails 'an operand' 'expected no operands' hostd -c "$conf" more
fails 'an option that does not exist' 'Try: hostd --help' hostd --bogus
hostd --bogus 2>/dev/null
is 'is exit code 2' "$?" 2

# -- the configuration
cp "$T/good.conf" "$conf"
ok 'a good one' try
fails 'no file' 'missing.conf: cannot open' hostd -t -c "$T/missing.conf"
wrong 'an option that does not exist' '[0-9]+: \[pae\] start_peroid: there is no such option' pae 'start_peroid = 3s'
sed 's/^user = news/&\n&/' "$T/good.conf" > "$conf"
fails 'an option given twice' 'hostd.conf:3: \[process\] user: given twice' try
wrong 'a section that does not exist' '[0-9]+: \[uplnik up0\]: there is no such section' 'uplnik up0' 'host = yes'
[ "$(id -u)" != 0 ] || wrong 'a user who does not exist' 'user: nobody-at-all: there is no such user' process 'user = nobody-at-all'
wrong 'a group that does not exist' 'group: nobody-at-all: there is no such group' control 'group = nobody-at-all'
wrong 'a word for the stop' '\[process\] on_stop: stay: expected one of: leave logoff' process 'on_stop = stay'
wrong 'a control socket without a slash' '\[control\] path: expected a path' control 'path = hostd.sock'
wrong 'one that is too long' '\[control\] path: expected at most 107' control "path = /$(printf '%0110d' 1)"
wrong 'an address that is none' '\[status\] address: localhost:8481: expected ADDRESS:PORT' status 'address = localhost:8481'
wrong 'a URL without TLS' '\[policyd\] url: expected https://' policyd 'url = http://policyd.example'
wrong 'a method that there is not' '\[eap\] methods: ttls: expected one or more of: tls md5' eap 'methods = tls ttls'
wrong 'no method' '\[eap\] methods: expected' eap 'methods ='
wrong 'a version of TLS' '\[eap\] tls_versions: 1.1: expected' eap 'tls_versions = 1.1 1.2'
wrong 'no identity' '\[eap\] identity: expected' eap 'identity ='
wrong 'a number out of range' '\[pae\] jitter: expected 0 to 50' pae 'jitter = 51'
wrong 'a longest pause shorter than the first' '\[pae\] held_max: expected' pae 'held_period = 1h'
wrong 'a source of addresses' '\[guests\] mac_from: tap: expected' guests 'mac_from = tap'
wrong 'the same one twice' '\[guests\] mac_from: frame: expected' guests 'mac_from = frame frame'
wrong 'a moment of a migration' '\[migration\] authenticate: end: expected' migration 'authenticate = end'
wrong 'a level that is none' '\[log\] level: loud: expected' log 'level = loud'
wrong 'an uplink with a slash' '\[uplink a/b\]: expected the name of an interface' 'uplink a/b' 'host = yes'
wrong 'one that is too long' '\[uplink sixteen-octets-x\]: expected the name' 'uplink sixteen-octets-x' 'host = yes'
wrong 'one with a quote' '\[uplink a"\]: expected the name' 'uplink a"' 'host = yes'
wrong 'a bridge that is none' '\[uplink up0\] bridge: expected the name' 'uplink up0' 'bridge = a;b'
wrong 'a bridge of two uplinks' '\[uplink mv0\] bridge: br0 is \[uplink up0\]'\''s already' 'uplink mv0' 'bridge = br0'
wrong 'replies' '\[uplink up0\] replies: all: expected one of: auto unicast group' 'uplink up0' 'replies = all'
wrong 'an option of an uplink' '[0-9]+: \[uplink up0\] rate: expected 1 to 100000' 'uplink up0' 'rate = 0'
sed '/^\[uplink/,$d' "$T/good.conf" > "$conf"
fails 'no uplink' 'hostd.conf: expected at least one section \[uplink INTERFACE\]' try
for ((i = 0; i < 17; i++)); do echo "[uplink e$i]"; done >> "$conf"
fails 'too many' 'hostd.conf:[0-9]+: \[uplink e16\]: expected at most 16 sections' try
sed '/^\[uplink mv0/a [uplink up0]' "$T/good.conf" > "$conf"
fails 'an uplink given twice' 'hostd.conf:[0-9]+: \[uplink up0\]: given twice' try
with eap "ca = $T/missing.pem"
fails 'a CA that is not there' 'missing.pem' try
with identity "key = $T/ca.key"
fails 'a key that is not the certificate'\''s' 'key' try
printf '[serve]\nmac = rubbish\n' > "$T/guests.conf"
cp "$T/good.conf" "$conf"
fails 'a file of guests that is wrong' 'guests.conf:2: \[serve\] mac: ' try
rm "$T/guests.conf"
printf '[default]\npassword = one that nobody should see\n' > "$T/md5.conf"
with eap "passwords = $T/md5.conf" 'methods = tls md5'
chmod 644 "$T/md5.conf"
fails 'passwords that others may read' 'md5.conf: others than its owner' try
chmod 600 "$T/md5.conf"
ok 'passwords' try
with log 'level = loud'
timeout 10 hostd -c "$conf" 2>/dev/null
is 'it does not start with a wrong one: 2' "$?" 2
cp "$T/good.conf" "$conf"

[ -n "${OWN_NETNS:-}" ] || {
	echo 'hostd_process: not root: what needs interfaces is left out'
	t_end
}
timeout 10 setpriv --reuid news --regid news --clear-groups "$(command -v hostd)" -c "$conf" 2> "$T/user.log"
is 'nor as an ordinary user' "$?" 1
like 'and says what is missing' "$(cat "$T/user.log")" '"event":"cannot-start","why":"expected to be started as root, or with the capability net_raw"'

# -- a host with two uplinks: of a bridge with a guest, and below one with macvlan
apart() { [ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ]; }
holder() {
	unshare --net sleep infinity &
	HOLDER=$!
	T_CLEANUP+=("process_stop $HOLDER KILL")
	wait_for 5 apart "$HOLDER"
}
holder
guest=$HOLDER
holder
switch=$HOLDER
in_ns() { nsenter --net="/proc/$1/ns/net" -- "${@:2}"; }
ip link add br0 type bridge
ip link add up0 type veth peer name sw0 netns "$switch"
ip link add mv0 type veth peer name sw1 netns "$switch"
ip link add g0 type veth peer name eth0 netns "$guest"
ip link set up0 master br0
ip link set g0 alias 'vmprov mac=52:54:00:02:00:01 name=g0' master br0
for i in br0 up0 mv0 g0; do ip link set "$i" up; done
ip link add link mv0 name mvg address 52:54:00:02:00:02 type macvlan mode bridge
ip link set mvg netns "$guest"
in_ns "$switch" sh -c 'ip link set sw0 address 52:54:00:02:99:01; ip link set sw1 up; ip address add 192.168.77.1/24 dev sw0; ip link set sw0 up'
in_ns "$guest" sh -c 'ip link set eth0 address 52:54:00:02:00:01 up; ip address add 192.168.77.2/24 dev eth0; ip link set mvg up'

# -- start
pid=
start() {
	"$@" hostd -c "$conf" 2>>"$T/log" &
	pid=$!
	T_CLEANUP+=("process_stop $pid KILL")
	wait_for 10 ready
}
# shellcheck disable=SC2317 # through wait_for
ready() { ctl status && fenced; }
ctl() { vmprov-hostctl --socket "$T/run/hostd.sock" "$@"; }
process() {
	local p
	for p in $(pgrep -P "$pid"); do
		[ "$(cat "/proc/$p/comm" 2>/dev/null)" != "hostd: $1" ] || echo "$p"
	done
}
of() { sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"; }
fence() { nft list table "$1" vmprov_hostd 2>/dev/null; }
fenced() { fence bridge && fence netdev; }
fenceless() { ! fence bridge && ! fence netdev; }
logged() { grep -q "$1" "$T/log"; }
start
is 'it starts' "$?" 0
ok 'with both processes' wait_for 5 sh -c "[ \$(pgrep -c -P $pid) = 2 ]"

# -- who is who
is 'the parent is root' "$(of "$pid" Uid | tr '\t' ' ')" '0 0 0 0'
like 'with CAP_NET_RAW, NET_ADMIN, SETUID, SETGID, KILL, CHOWN, DAC_READ_SEARCH alone' "$(of "$pid" CapEff) $(of "$pid" CapPrm) $(of "$pid" CapBnd)" \
	'^00000000000030e5 00000000000030e5 00000000000030e5$'
is 'and gains none' "$(of "$pid" NoNewPrivs)" 1
news=$(id -u news)
for p in guests libvirt; do
	child=$(process $p)
	is "$p is another user" "$(of "$child" Uid | tr '\t' ' ')" "$news $news $news $news"
	is "$p is in no group" "$(of "$child" Groups)" ''
	is "$p has no capabilities" "$(of "$child" CapEff) $(of "$child" CapPrm) $(of "$child" CapInh) $(of "$child" CapAmb)" \
		"$(printf '%016d %016d %016d %016d' 0 0 0 0)"
	is "$p has a filter of system calls" "$(of "$child" Seccomp)" 2
done
is 'the control socket is for root alone' "$(stat -c '%U %G %a' "$T/run/hostd.sock")" 'root root 660'
is 'the state is its user'\''s alone' "$(stat -c '%U %a' "$T/state/hostd")" 'news 700'
is 'volumes are found by their name alone' "$(stat -c '%U %a' "$T/state/cidata")" 'news 711'
is 'the status socket answers' "$(curl -s -o /dev/null -w '%{http_code}' -m 5 http://127.0.0.1:8481/metrics)" 200
like 'no file descriptor of the parent'\''s is left to libvirt' "$(find "/proc/$(process libvirt)/fd" -lname '*signalfd*' | wc -l)" '^0$'

# -- the fence
listen() {
	local name=$1 ns=$2 dev=$3
	in_ns "$ns" tcpdump -i "$dev" --immediate-mode -U -Z root -w "$T/$name.pcap" ether proto 0x888e 2>"$T/$name.err" &
	T_CLEANUP+=("process_stop $!")
	wait_for 5 grep -q 'listening on' "$T/$name.err"
}
frames() { tcpdump -e -n -r "$T/$1.pcap" "${@:2}" 2>/dev/null | wc -l; }
count() { fence "$1" | awk '/counter packets/ {sub(/.*counter packets /, ""); n += $1} END {print n + 0}'; }
play() { in_ns "$1" "$BUILD/bin/eapol-play" "$2" "$3" 1 1 40 1 identity >/dev/null; }
ok 'both fences stand' fenced
like 'round the uplinks of the configuration' "$(fence bridge | tr -d '\n\t ')" 'elements=\{"up0"\}'
like 'and macvlan'\''s' "$(fence netdev)" 'device "mv0"'
listen guest "$guest" eth0
listen macvlan "$guest" mvg
listen switch "$switch" sw0
ok 'what is no EAPOL passes' in_ns "$guest" busybox ping -c 2 -W 2 192.168.77.1
play "$switch" sw0 52:54:00:02:00:01
play "$switch" sw1 52:54:00:02:00:02
is 'of the switch'\''s EAPOL the guest sees nothing' "$(frames guest ether src 52:54:00:02:99:01)" 0
is 'nor does macvlan' "$(frames macvlan)" 0
play "$guest" eth0 52:54:00:02:99:01
ok 'the switch has sent some' [ "$(frames switch ether src 52:54:00:02:99:01)" -gt 10 ]
is 'of a guest'\''s own EAPOL to an address the switch sees nothing' \
	"$(frames switch ether src 52:54:00:02:00:01 and ether dst 52:54:00:02:99:01)" 0
listen below "$switch" sw1
play "$guest" mvg 52:54:00:02:99:01
is 'nor of macvlan'\''s' "$(frames below ether src 52:54:00:02:00:02)" 0
ip link set mv0 address 52:54:00:02:00:77
host_speaks() { [ "$(frames below ether src 52:54:00:02:00:77)" -gt 0 ]; }
ok 'but what hostd sends there' wait_for 10 host_speaks
ok 'it is the fence that keeps them' [ "$(count bridge)" -gt 10 ]
ok 'on both' [ "$(count netdev)" -gt 10 ]
ok 'hostd itself has seen the switch'\''s' sh -c "curl -s -m 5 http://127.0.0.1:8481/metrics | grep -qE '^vmprov_hostd_frames_total.* [1-9][0-9]*'"

# -- one after the other, another one beside it
timeout 10 hostd -c "$conf" 2> "$T/second.log"
is 'a second one does not start' "$?" 1
like 'and says why' "$(cat "$T/second.log")" 'cannot listen on 127.0.0.1:8481'
sed 's/:8481/:8482/' "$conf" > "$T/second.conf"
timeout 10 hostd -c "$T/second.conf" 2> "$T/second.log"
like 'nor does it take the control socket' "$(cat "$T/second.log")" 'hostd.sock: somebody listens there already'
ok 'the first answers' ctl status
ok 'and has its fence' fenced

# -- reload
guests=$(process guests) libvirt=$(process libvirt)
with control 'group = news'
sed -i 's/:8481/:8482/' "$conf"
kill -HUP "$pid"
ok 'HUP: that is logged' wait_for 10 logged '"event":"reloaded"'
ok 'with another address' wait_for 10 curl -sf -m 5 -o /dev/null http://127.0.0.1:8482/metrics
fails 'the old one is closed' '' curl -sf -m 5 http://127.0.0.1:8481/metrics
is 'and another group' "$(stat -c '%G %a' "$T/run/hostd.sock")" 'news 660'
ok 'it answers' wait_for 10 ready
ok 'new processes' [ "$(process guests)" != "$guests" ]
fails 'the old ones are gone' '' kill -0 "$guests" "$libvirt"
guests=$(process guests)
echo 'level = debug' >> "$conf"
kill -HUP "$pid"
ok 'HUP with a wrong configuration is refused' wait_for 10 logged '"event":"reload-refused"'
is 'and changes nothing' "$(process guests)" "$guests"
with eap "ca = $T/missing.pem"
kill -HUP "$pid"
ok 'HUP with a CA that is not there too' wait_for 10 logged '"event":"reload-refused".*missing.pem'
with control "path = $T/elsewhere/hostd.sock"
kill -HUP "$pid"
ok 'HUP with another path' wait_for 10 test -S "$T/elsewhere/hostd.sock"
ok 'the old socket goes' wait_for 10 test ! -e "$T/run/hostd.sock"
with process 'fence = no'
kill -HUP "$pid"
ok 'HUP with no fence takes it down' wait_for 10 fenceless
cp "$T/good.conf" "$conf"
kill -HUP "$pid"
ok 'HUP with all as it was' wait_for 10 ready

# -- crashes
libvirt=$(process libvirt) guests=$(process guests)
kill -KILL "$libvirt"
another() { local p; p=$(process "$1") && [ -n "$p" ] && [ "$p" != "$2" ]; }
ok 'libvirt'\''s process comes back' wait_for 10 another libvirt "$libvirt"
is 'the guests'\'' stays' "$(process guests)" "$guests"
ok 'that is logged' logged '"event":"process-ended","process":"hostd/libvirt","signal":"9"'
connected() { ctl status --json | grep -q '"libvirt": *"connected"'; }
ok 'and they talk' wait_for 10 connected
kill -KILL "$guests"
ok 'the guests'\'' process comes back' wait_for 10 another guests "$guests"
ok 'and answers' wait_for 10 ready
guests=$(process guests) libvirt=$(process libvirt)
process_stop "$pid" KILL
gone() { ! kill -0 "$1" 2>/dev/null; }
ok 'without their parent both end' wait_for 5 gone "$guests"
ok 'both' wait_for 5 gone "$libvirt"
ok 'the fence stays' fenced
ok 'so does the socket' test -S "$T/run/hostd.sock"
nft add rule bridge vmprov_hostd forward counter
start
is 'it starts again all the same' "$?" 0
is 'with a fence of its own' "$(fence bridge | grep -c counter)" 2
ok 'interfaces that go and come' sh -c 'ip link delete mvg 2>/dev/null; ip link set mv0 down && ip link set mv0 up'
ok 'leave it as it is' ready

# -- the end
guests=$(process guests) libvirt=$(process libvirt)
kill "$pid"
wait "$pid"
is 'TERM ends it with 0' "$?" 0
fails 'no process is left' '' kill -0 "$guests" "$libvirt"
ok 'nor a fence' fenceless
ok 'nor the socket' test ! -e "$T/run/hostd.sock"

# -- without what a process needs
with state 'directory = /proc/nowhere'
timeout 10 hostd -c "$conf" 2> "$T/second.log"
is 'a state directory that cannot be: 1' "$?" 1
like 'it says which' "$(cat "$T/second.log")" '"event":"cannot-start","why":"cannot make /proc/nowhere'
with cidata 'enabled = no'
with guests 'libvirt = no'
start
is 'without libvirt' "$?" 0
is 'there is one process' "$(pgrep -c -P "$pid")" 1
kill -INT "$pid"
wait "$pid"
is 'INT ends it with 0' "$?" 0
with cidata 'attach = yes'
start
is 'with a libvirt that may be written to' "$?" 0
ok 'there is its process' wait_for 5 another libvirt 0
sandboxed() { [ "$(of "$(process "$1")" Seccomp)" = 2 ]; }
ok 'which ends up' wait_for 5 sandboxed libvirt
is 'in the groups of its user' "$(of "$(process libvirt)" Groups | sed 's/ *$//')" "$(id -G news)"
is 'and no other process' "$(of "$(process guests)" Groups)" ''
kill "$pid"
wait "$pid"

# -- an ordinary user with the two capabilities that it cannot do without
install -d -o news "$T/run" "$T/state/own"
chown news "$T/log"
with control "path = $T/run/hostd.sock"
sed -i "s|$T/state|&/own|" "$conf"
start setpriv --reuid news --regid news --clear-groups --inh-caps=+net_raw,+net_admin --ambient-caps=+net_raw,+net_admin
is 'it starts as an ordinary user' "$?" 0
guests=$(process guests)
is 'who stays that' "$(of "$guests" Uid | tr '\t' ' ')" "$news $news $news $news"
is 'without capabilities' "$(of "$guests" CapEff) $(of "$guests" CapPrm) $(of "$guests" CapInh) $(of "$guests" CapAmb)" \
	"$(printf '%016d %016d %016d %016d' 0 0 0 0)"
kill "$pid"
wait "$pid"
is 'and ends with 0' "$?" 0
ok 'its fence too' fenceless
is 'sanitizers are content' "$(grep -cE 'AddressSanitizer|runtime error:' "$T/log")" 0
t_end
