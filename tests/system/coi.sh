# shellcheck shell=bash
# Machines of communities on one network, each in namespaces of its own with coid and wireguard-go, beside policyd; a gateway and a
# clear network.  Sourced after lib.sh, daemon.sh, nas.sh and virt.sh; the test calls own_machine first.
#
#	coi_world [SECTION.OPTION=VALUE...]     policyd in $T, at $COI_HOST, for machines on the bridge br0 (10.9.0.0/16, fd09::/64); tenant
#	                            acme, enclave east, host hv1; COIs web, app, db (priority 20) and admin (50); templates: web
#	                            (web, app), app (app, db), db (db), admin (admin), lone (none), gateway (web), client (web; outside
#	                            the enclave); IPv4 inside from 10.64.0.0/10.  Options are policyd's
#
#	machine_add NAME TEMPLATE [SECTION.OPTION=VALUE...]     a machine that its host has started: its bundle is in $T/NAME/join, its
#	                            options are coid's, in $T/NAME/coid.conf; /var/lib and /etc/hosts there are lib and hosts in $T/NAME;
#	                            coid is not started.  With COIS="app admin" it is in these from the beginning
#	machine_stop NAME           and all that runs there, at once: a power cut
#	on_machine NAME COMMAND...
#	machine_run NAME COMMAND... in the background; its process is $!
#	coid_start NAME...          until each says that all is well
#	coid_begin NAME, coid_well NAME     the two halves of that
#	coid_stop NAME [SIGNAL]     WireGuard stays as coid leaves it
#	coid_peer NAME PEER FIELD   what `coid status` there says of a peer, such as coi, epoch, state
#	coid_metric NAME METRIC     the sum over its labels
#	mac_of NAME, uuid_of NAME, under NAME, under6 NAME      addresses on the bridge
#	inner NAME, inner4 NAME     inside the communities; empty as long as it has none
#
#	peers_of NAME               the machines that are WireGuard peers there, in alphabetical order
#	psk_of NAME PEER            the preshared key of that peer; handshake_of NAME PEER: seconds since 1970
#	same_psk A B                both are peers, with the same preshared key
#	wg_key NAME                 its public key
#	pings A B                   one answer within a second; pings4: by its inner IPv4 address
#	keys_of NAME                its COI keys, as policyd gives them now: "COI EPOCH KEY NOT-AFTER" a line; keys_save NAME keeps
#	                            the answer in $T/NAME/coi-keys.json
#	cois NAME COI...            that it is in, from now on
#	epoch_of COI                the newest; at_epoch COI A B: both ends talk in it
#	knows NAME                  $T/NAME.world: all that it has had so far, for coi-play; more each time
#
#	flow_start NAME FROM TO [PACKETS/S [COIFLOW-ARGS...]]     UDP from one to the other until flow_stop NAME; several with other names
#	flow_stop NAME
#	flow_up NAME [SECONDS]      until packets come
#	flow_count NAME             packets that have come; flow_lost NAME: how many of those after flow_up have not, but for the last ones
#	                            and those that the machines were too busy to take
#	flow_losses NAME            where: [us] when the last one before was sent, its number, how many are missing
#	flow_gap NAME [SINCE]       [ms] the longest silence, since then ([us] since 1970; now_us)
#	flow_last NAME              [us] when the last packet came; flow_first NAME [SINCE]: the first one
#	flow_on NAME [SECONDS]      until more come
#
#	capture_start NAME [FILTER] what is on the bridge, as $T/NAME.pcap; capture_stop NAME
#	impair NAME PERCENT         of the messages between members that come to this machine are lost; 0: none
#
#	gateway_add NAME [SECTION.OPTION=VALUE...]      a machine with gatewayd, in template gateway; options are its own.  Its other
#	                            interface, clear0, is in the clear network: 198.51.100.1 and 2001:db8:c::1
#	gateway_start NAME, gateway_stop NAME [SIGNAL]
#	clear_add NAME              a machine there that knows nothing of all this: 198.51.100.N, 2001:db8:c::N; clear NAME tells the first

# shellcheck disable=SC2034 # for tests
COI_HOST=10.9.0.1
COI_PORT=51820
FLOWS=0
declare -A MACHINE_PID=() MACHINE_N=() COID_PID=() GATEWAYD_PID=() FLOW_PID=() CAPTURE_PID=() FLOW_FROM=() FLOW_ENDS=() FLOW_STARVED=()

now_us() { echo "${EPOCHREALTIME/./}"; }

# -- the world
# With an address of its own: else it is the lowest of its ports', another one whenever a port with a lower one comes.
coi_bridge() {
	echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad
	ip -batch - <<-EOF
		link add br0 address 02:00:00:00:00:01 type bridge stp_state 0 forward_delay 0 mcast_snooping 0
		link set br0 up
		address add $COI_HOST/16 dev br0
		address add fd09::1/64 dev br0 nodad
		link add clear type bridge stp_state 0 forward_delay 0 mcast_snooping 0
		link set clear up
	EOF
}

coi_records() {
	sql "INSERT INTO tenant (name) VALUES ('acme'); INSERT INTO enclave (name) VALUES ('east'); INSERT INTO host (name) VALUES ('hv1');
		INSERT INTO coi (name, tenant_id, priority)
			SELECT item.column1, tenant.id, item.column2 FROM tenant, (VALUES ('web', 20), ('app', 20), ('db', 20), ('admin', 50)) AS item
			WHERE tenant.name = 'acme';
		INSERT INTO template (name, kind, tenant_id, enclave_id, auto_create)
			SELECT item.column1, item.column2, tenant.id, enclave.id, 1 FROM tenant, enclave,
				(VALUES ('web', 'vm'), ('app', 'vm'), ('db', 'vm'), ('admin', 'vm'), ('lone', 'vm'), ('client', 'vm'), ('gateway', 'gateway')) AS item
			WHERE tenant.name = 'acme' AND enclave.name = 'east';
		UPDATE template SET remote = 1 WHERE name = 'client';
		INSERT INTO template_coi (template_id, coi_id) SELECT template.id, coi.id FROM template, coi
			WHERE template.name = coi.name OR (template.name, coi.name) IN (VALUES ('web', 'app'), ('app', 'db'), ('gateway', 'web'), ('client', 'web'));
		UPDATE site SET inner_prefix4 = '10.64.0.0/10'"
}

coi_world() {
	coi_bridge || return 1
	POLICYD_LISTEN=0.0.0.0 POLICYD_NAMES=$COI_HOST policyd_make "$T"
	POLICYD_URL=https://$COI_HOST:$POLICYD_PORT
	ini_set "$T/policyd.conf" "server.url=$POLICYD_URL" "$@"
	policyd_start "$T" && coi_records && wait_for 5 coi_keys_made && host_enrol hv1
}

# -- machines
mac_of() { printf '52:54:00:09:%02x:%02x' $((MACHINE_N[$1] / 256)) $((MACHINE_N[$1] % 256)); }
uuid_of() { printf '11111111-2222-4333-8444-%012d' "${MACHINE_N[$1]}"; }
under() { printf '10.9.%d.%d' $((1 + MACHINE_N[$1] / 250)) $((1 + MACHINE_N[$1] % 250)); }
under6() { printf 'fd09::1:%x' "${MACHINE_N[$1]}"; }

on_machine() {
	local name=$1
	shift
	nsenter --target "${MACHINE_PID[$name]}" --net --mount --uts -- "$@"
}

machine_run() {
	local name=$1
	shift
	# Not on_machine: a function in the background would be the one to kill.
	nsenter --target "${MACHINE_PID[$name]}" --net --mount --uts -- "$@" &
}

# /run is its own: wireguard-go's control sockets are there.
# shellcheck disable=SC2016 # for the shell inside
MACHINE_SETUP='
	mount --make-rprivate /
	hostname "$1"
	mkdir -p "$2/lib/vmprov"
	printf "127.0.0.1 localhost\n" > "$2/hosts"
	: > "$2/resolv.conf"
	mount --bind "$2/hosts" /etc/hosts
	mount --bind "$2/resolv.conf" /etc/resolv.conf || :
	mount --bind "$2/lib" /var/lib
	mount -t tmpfs run /run
	echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad
	: > "$2/made"
	exec sleep infinity'

machine_space() {
	local name=$1 dir=$T/$1
	MACHINE_N[$name]=$((${#MACHINE_N[@]} + 1))
	mkdir -p "$dir"
	unshare --net --mount --uts sh -ec "$MACHINE_SETUP" - "$name" "$dir" 2>"$dir/error" &
	MACHINE_PID[$name]=$!
	wait_for 5 test -e "$dir/made" || {
		cat "$dir/error" >&2
		return 1
	}
}

# machine_line NAME INTERFACE BRIDGE PEER ADDRESS... : a line to a bridge
machine_line() {
	local name=$1 interface=$2 bridge=$3 peer=$4 address
	shift 4
	ip -batch - <<-EOF
		link add $peer type veth peer name $interface netns ${MACHINE_PID[$name]}
		link set $peer master $bridge up
	EOF
	{
		printf 'link set %s up\n' lo "$interface"
		for address in "$@"; do
			[[ $address != *:* ]] || address+=' nodad'
			echo "address add ${address%% *} dev $interface${address#"${address%% *}"}"
		done
	} | on_machine "$name" ip -batch -
}

machine_link() {
	machine_line "$1" eth0 br0 "m${MACHINE_N[$1]}" "$(under "$1")/16" "$(under6 "$1")/64" || return 1
	printf 'route add default via %s\n' "$COI_HOST" fd09::1 | on_machine "$1" ip -batch -
}

# Its host says that it starts, and puts the bundle there.
machine_bundle() {
	local name=$1 template=$2 join=$T/$1/join
	mkdir -p "$join"
	as hv1 POST "/v1/vms/$(uuid_of "$name")/starting" -H 'Content-Type: application/json' \
		-d "{\"mac\": \"$(mac_of "$name")\", \"template\": \"$template\", \"name\": \"$name\"}" > "$join/join.json" || {
		cat "$join/join.json" >&2
		return 1
	}
	chmod 600 "$join/join.json"
	cp "$CA" "$join/policyd-ca.pem"
	# shellcheck disable=SC2086 # words
	[ -z "${COIS:-}" ] || cois "$name" $COIS
}

cois() {
	local name=$1
	shift
	sql "UPDATE vm_record SET cois = '$(IFS=, && echo "$*")' WHERE name = '$name'"
}

machine_add() {
	local name=$1 template=$2
	shift 2
	machine_space "$name" && machine_link "$name" && machine_bundle "$name" "$template" || return 1
	: > "$T/$name/coid.conf"
	ini_set "$T/$name/coid.conf" "join.directory=$T/$name/join" join.cidata=no "$@"
}

# All that is in its network.
machine_stop() {
	local pid=${MACHINE_PID[$1]:-} net p
	[ -n "$pid" ] || return 0
	net=$(readlink "/proc/$pid/ns/net" | tr -dc 0-9)
	for p in $(find /proc -maxdepth 3 -path '/proc/[0-9]*/ns/net' -lname "net:?$net?" 2>/dev/null | cut -d / -f 3); do
		kill -KILL "$p"
	done 2>/dev/null
	wait "$pid" 2>/dev/null
	MACHINE_PID[$1]=''
	COID_PID[$1]=''
	GATEWAYD_PID[$1]=''
}

# -- coid
coid_begin() {
	# shellcheck disable=SC2086 # COID_ENV is words
	machine_run "$1" env ${COID_ENV:-} coid -c "$T/$1/coid.conf" 2>>"$T/$1/coid.log" >&2
	COID_PID[$1]=$!
}
coid_ask() { on_machine "$1" coid status -c "$T/$1/coid.conf" "${@:2}"; }
coid_well() { coid_ask "$1" >/dev/null 2>&1; }

# until they are well, or say why not; each question starts a program, so there are fewer than wait_for would ask
coid_wait() {
	local name left
	for name in "$@"; do
		left=200
		until coid_well "$name" || [ $((--left)) = 0 ]; do sleep 0.15; done
		[ $left = 0 ] || continue
		echo "$name does not get well:" >&2
		coid_ask "$name" 2>&1 | head -n 5 >&2
		tail -n 5 "$T/$name/coid.log" >&2
		return 1
	done
}

coid_start() {
	local name
	for name in "$@"; do coid_begin "$name"; done
	coid_wait "$@"
}

coid_stop() {
	[ -n "${COID_PID[$1]:-}" ] || return 0
	process_stop "${COID_PID[$1]}" "${2:-TERM}"
	COID_PID[$1]=
	sane "$T/$1/coid.log"
}

sane() {
	if grep -qE 'AddressSanitizer|runtime error:' "$1"; then
		t_fail 'sanitizers are content' "$(grep -hEA 12 'AddressSanitizer|runtime error:' "$1")"
	fi
}

coid_peer() {
	coid_ask "$1" --json 2>/dev/null | tr -d '\n' | sed -E 's/\{ *"id"/\n&/g' | grep -E "\"name\": *\"$2\"" |
		sed 's/}.*//' | sed -nE "s/.*\"$3\": *\"?([^\",}]*).*/\1/p"
}
coid_peer_is() { [ "$(coid_peer "$1" "$2" "$3")" = "$4" ]; }
coid_metric() {
	on_machine "$1" curl -sf -m 5 --unix-socket /run/vmprov-coid/status.sock http://localhost/metrics |
		awk -v name="$2" '$1 ~ "^" name "([{]|$)" {n += $2} END {print n + 0}'
}

# -- what a machine has
inner_of() { on_machine "$1" ip -o "-$2" address show dev vmprov0 scope global 2>/dev/null | sed -nE 's|.* inet6? ([^/ ]+).*|\1|p' | head -n 1; }
inner() { inner_of "$1" 6; }
inner4() { inner_of "$1" 4; }
wg_key() { on_machine "$1" wg show vmprov0 public-key; }

peers_of() {
	local keys
	keys=$(on_machine "$1" wg show vmprov0 peers 2>/dev/null | sed "s/.*/'&'/" | paste -sd ,)
	sql "SELECT group_concat(name, ' ') FROM (SELECT name FROM vm JOIN guest USING (mac) WHERE wg_key IN ($keys) ORDER BY name)"
}
peer_is() { [ "$(peers_of "$1")" = "$2" ]; }
has_peer() { [[ " $(peers_of "$1") " = *" $2 "* ]]; }
has_no_peer() { ! has_peer "$@"; }

# wg_field NAME PEER WHAT
wg_field() { on_machine "$1" wg show vmprov0 "$3" | awk -v key="$(sql "SELECT wg_key FROM guest JOIN vm USING (mac) WHERE name = '$2'")" '$1 == key {print $2}'; }
psk_of() { wg_field "$1" "$2" preshared-keys; }
handshake_of() { wg_field "$1" "$2" latest-handshakes; }
same_psk() {
	local psk
	psk=$(psk_of "$1" "$2")
	[ -n "$psk" ] && [ "$psk" != '(none)' ] && [ "$psk" = "$(psk_of "$2" "$1")" ]
}
psk_is_not() { same_psk "$1" "$2" && [ "$(psk_of "$1" "$2")" != "$3" ]; }

pings() { on_machine "$1" busybox ping -c 1 -W "${3:-1}" "$(inner "$2")" >/dev/null 2>&1; }
pings4() { on_machine "$1" busybox ping -c 1 -W "${3:-1}" "$(inner4 "$2")" >/dev/null 2>&1; }

IDENTITY=lib/vmprov/coid/machine # .pem and .key in a machine's folder
keys_save() {
	curl -sf -m 5 --cacert "$CA" --cert "$T/$1/$IDENTITY.pem" --key "$T/$1/$IDENTITY.key" "$POLICYD_URL/v1/coi-keys" > "$T/$1/coi-keys.json"
}
keys_of() { keys_save "$1" && vmprov-open --show-key --ca "$CA" --cert "$T/$1/$IDENTITY.pem" --key "$T/$1/$IDENTITY.key" --json "$T/$1/coi-keys.json"; }

epoch_of() { sql "SELECT max(epoch) FROM coi_key JOIN coi ON coi.id = coi_id WHERE name = '$1'"; }
at_epoch() { coid_peer_is "$2" "$3" epoch "$(epoch_of "$1")" && coid_peer_is "$3" "$2" epoch "$(epoch_of "$1")" && same_psk "$2" "$3"; }

# All keys that it ever had, its own private key, and everybody's public keys, which are no secret; also of those who are gone.
knows() {
	keys_of "$1" | while read -r coi epoch key _; do
		echo "key $(sql "SELECT id FROM coi WHERE name = '$coi'") $epoch $key"
	done >> "$T/$1.keys"
	sql "SELECT 'machine ' || uuid || ' ' || wg_key || ' ' || name FROM guest JOIN vm USING (mac) WHERE wg_key IS NOT NULL" >> "$T/machines"
	{
		sort -u "$T/$1.keys" "$T/machines"
		echo "private $(cat "$T/$1/lib/vmprov/coid/wireguard.key")"
	} > "$T/$1.world"
}

# -- flows
flow_start() {
	local name=$1 from=$2 to=$3 rate=${4:-200} port=$((5000 + ++FLOWS))
	: > "$T/$name.flow"
	machine_run "$to" coiflow --listen "[::]:$port" --log "$T/$name.flow"
	FLOW_PID[$name.to]=$!
	wait_for 5 on_machine "$to" sh -c "ss -Hlun 'sport = :$port' | grep -q ." || return 1
	machine_run "$from" coiflow --to "[${FLOW_TO:-$(inner "$to")}]:$port" --rate "$rate" "${@:5}" > "$T/$name.sent" 2>&1
	FLOW_PID[$name.from]=$!
	FLOW_FROM[$name]=0
	FLOW_ENDS[$name]="$from $to"
	FLOW_STARVED[$name]=$(flow_starved "$name")
}
# More may have come before the two had a key than are held.
flow_up() {
	flow_on "$@" || return 1
	FLOW_FROM[$1]=$(now_us)
	FLOW_STARVED[$1]=$(flow_starved "$1")
}
flow_more() { [ "$(flow_count "$1")" -gt "$2" ]; }
flow_on() { wait_for "${2:-5}" flow_more "$1" "$(flow_count "$1")"; }
flow_stop() {
	process_stop "${FLOW_PID[$1.from]}"
	process_stop "${FLOW_PID[$1.to]}"
}
flow_count() { wc -l < "$T/$1.flow"; }
# Lines are: number, [us] when it was sent, [us] when it came.
# What a socket had no room for, since nobody had the time to read it, is the fault of a busy machine.
starved() { on_machine "$1" nstat -asz UdpRcvbufErrors Udp6RcvbufErrors | awk '{n += $2} END {print n + 0}'; }
flow_starved() {
	local name n=0
	for name in ${FLOW_ENDS[$1]}; do n=$((n + $(starved "$name"))); done
	echo "$n"
}
flow_lost() {
	awk -v since="${FLOW_FROM[$1]}" -v starved="$(($(flow_starved "$1") - FLOW_STARVED[$1]))" '$2 >= since && !($1 in seen) {seen[$1]; n++; if (n == 1 || $1 < low) low = $1; if ($1 > high) high = $1}
		END {lost = high - low + 1 - n; print n == 0 ? "all" : (lost > starved ? lost - starved : 0)}' "$T/$1.flow"
}
flow_losses() { sort -n "$T/$1.flow" | awk 'NR > 1 && $1 > last + 1 {print at, last, $1 - last - 1} {last = $1; at = $2}'; }
flow_twice() { awk '$1 in seen {n++} {seen[$1]} END {print n + 0}' "$T/$1.flow"; }
flow_gap() { awk -v since="${2:-0}" '$3 >= since {if (last && $3 - last > gap) gap = $3 - last; last = $3} END {printf "%d\n", gap / 1000}' "$T/$1.flow"; }
flow_last() { tail -n 1 "$T/$1.flow" | cut -d ' ' -f 3; }
flow_first() { awk -v since="${2:-0}" '$3 >= since {print $3; exit}' "$T/$1.flow"; }
flow_first_is() { [ -n "$(flow_first "$@")" ]; }
# Nothing has come for so long [ms].
flow_silent() { [ $(($(now_us) - $(flow_last "$1"))) -gt $(($2 * 1000)) ]; }

# -- the wire
capture_start() {
	tcpdump -i br0 --immediate-mode -U -Z root -s 0 -w "$T/$1.pcap" ${2:+"$2"} 2>"$T/$1.tcpdump" &
	CAPTURE_PID[$1]=$!
	T_CLEANUP+=("capture_stop $1")
	wait_for 5 grep -q 'listening on' "$T/$1.tcpdump" && wait_for 5 test -s "$T/$1.pcap"
}
capture_stop() {
	[ -n "${CAPTURE_PID[$1]:-}" ] || return 0
	process_stop "${CAPTURE_PID[$1]}" INT
	CAPTURE_PID[$1]=
}
capture_count() { tcpdump -r "$T/$1.pcap" -n ${2:+"$2"} 2>/dev/null | wc -l; }

impair() {
	on_machine "$1" nft -f - <<-EOF
		table inet impair
		delete table inet impair
		table inet impair {
			chain input { type filter hook input priority -300; udp dport $((COI_PORT + 1)) numgen random mod 100 < $2 counter drop; }
		}
	EOF
}

# -- the gateway and the clear network
gateway_add() {
	local name=$1
	shift
	machine_space "$name" && machine_link "$name" && machine_bundle "$name" gateway || return 1
	machine_line "$name" clear0 clear "c${MACHINE_N[$name]}" 198.51.100.1/24 2001:db8:c::1/64 || return 1
	(umask 077 && field token < "$T/$name/join/join.json" > "$T/$name/token")
	: > "$T/$name/gatewayd.conf"
	ini_set "$T/$name/gatewayd.conf" "identity.url=$POLICYD_URL" "identity.ca=$CA" "identity.token_file=$T/$name/token" \
		"identity.certificate=$T/$name/identity/gateway.pem" "identity.key=$T/$name/identity/gateway.key" process.user=news \
		coi.enabled=yes coi.clear=clear0 "$@"
	mkdir -p "$T/$name/identity" "$T/$name/lib/vmprov/gateway"
	chown -R news "$T/$name/identity" "$T/$name/lib/vmprov/gateway" "$T/$name/token"
}

gateway_ready() { on_machine "$1" curl -sf -m 5 http://127.0.0.1:8484/readyz >/dev/null; }
gateway_start() {
	machine_run "$1" gatewayd -c "$T/$1/gatewayd.conf" 2>>"$T/$1/gatewayd.log" >&2
	GATEWAYD_PID[$1]=$!
	wait_for 20 gateway_ready "$1" && return
	echo "$1 does not get ready:" >&2
	tail -n 5 "$T/$1/gatewayd.log" >&2
	return 1
}
gateway_stop() {
	[ -n "${GATEWAYD_PID[$1]:-}" ] || return 0
	process_stop "${GATEWAYD_PID[$1]}" "${2:-TERM}"
	GATEWAYD_PID[$1]=
	sane "$T/$1/gatewayd.log"
}

clear_add() {
	machine_space "$1" || return 1
	machine_line "$1" eth0 clear "c${MACHINE_N[$1]}" "$(clear "$1")/24" "$(clear6 "$1")/64" &&
		printf 'route add default via %s\n' 198.51.100.1 2001:db8:c::1 | on_machine "$1" ip -batch -
}
clear() { printf '198.51.100.%d' $((100 + MACHINE_N[$1])); }
clear6() { printf '2001:db8:c::%d' $((100 + MACHINE_N[$1])); }
