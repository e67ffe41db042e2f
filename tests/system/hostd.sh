# shellcheck shell=bash
# The hostd of this build on the hosts of virt.sh, and what its guests, their switch and the wire say.  Sourced after lib.sh,
# daemon.sh, server.sh, nas.sh and virt.sh.
#
#	hostd_world [SWITCH...]     policyd and FreeRADIUS (network_make), and switches (sw1), each with VLANs 100 and 200 and an
#	                            address among the guests: $GATEWAY, that of the first.  Guests are 1 to 9 in VLAN 100, named
#	                            vm1 to vm9; hosts hv1 and hv2 are known
#	world_guests FIRST LAST     more guests that the store knows
#
#	hostd_make HOST [SECTION.OPTION=VALUE...]   $T/HOST/hostd.conf: plain taps, no libvirt, the certificate of HOST that
#	                            radius_certs made (it is not policyd's), short timers
#	hostd_set HOST SECTION.OPTION=VALUE...      in that file; an empty value leaves the preset
#	hostd_identity HOST NAME    the certificate and key of NAME, of radius_certs
#	hostd_enrols HOST           it tells policyd of its guests, and has its certificate from there, by a token
#	hostd_start HOST            until it answers vmprov-hostctl
#	hostd_stop HOST [SIGNAL]    and its end
#	hostd_process HOST NAME     the process id of one of its processes
#	hostctl HOST ARGS...        vmprov-hostctl there
#	hostd_log HOST REGEX        lines of its log
#
#	alias_set HOST PORT TEXT    the alias of a guest's port
#	mac N                       the Nth guest's MAC address, as Linux writes it
#	nic_field HOST N FIELD      of the guest's interface, as vmprov-hostctl shows it; N may be a MAC address
#	nic_is HOST N STATE
#	auth_is HOST SWITCH N       authorized, as both ends see it
#	sta_in SWITCH N, sta_out SWITCH N           as the switch sees it
#	sta_vlan SWITCH N
#	lasts N                     SQL for the guest's session
#	host_count HOST STATE       how many of its interfaces are in it
#
#	wire_start NAME PID IFACE [TCPDUMP-OPTIONS...]    EAPOL there, in the network of process PID, into $T/NAME.pcap
#	wire_stop NAME
#	wire_count NAME [FILTER]    so many frames
#	wire_show NAME [FILTER]     a frame a line: SECONDS SOURCE DESTINATION WHAT

declare -A HOSTD_PID=() WIRE_PID=()
HOSTD_USER=news
# shellcheck disable=SC2034 # for tests
GATEWAY=192.168.77.1

hostd_world() {
	local n=0 name
	POLICYD_LISTEN=0.0.0.0 POLICYD_NAMES='10.98.1.1 10.98.2.1' SWITCH_NETS=10.99.0.0/16 network_make || return 1
	sql "INSERT INTO host (name) VALUES ('hv1'), ('hv2'); INSERT INTO coi (name, vlan) VALUES ('web', 100)"
	world_guests 1 9
	for name in "${@:-sw1}"; do
		n=$((n + 1))
		sql "INSERT INTO nas (name, address) VALUES ('$name', '10.99.$n.2')"
		switch_add "$name" "10.99.$n" && switch_bridge "$name" "192.168.77.$n/24" || return 1
		vlan_add "$name" 100 200
	done
}

world_guests() {
	local n
	for ((n = $1; n <= $2; n++)); do
		echo "INSERT INTO vm_record (mac, name, cois) VALUES ('$(guest_text "$n")', 'vm$n', 'web');"
	done | { echo 'BEGIN;'; cat; echo 'COMMIT;'; } | sql
}

# -- the daemon
hostd_make() {
	local host=$1 dir=$T/$1 certs=$T/r/raddb/certs
	mkdir -p "$dir"
	install -d -o "$HOSTD_USER" -m 700 "$dir/identity"
	# The RADIUS server's alone: policyd's stands behind it.
	openssl x509 -in "$certs/vmprov-ca.pem" -out "$dir/radius-ca.pem"
	cat > "$dir/hostd.conf" <<-EOF
		[process]
		user = $HOSTD_USER
		[control]
		path = $dir/hostd.sock
		[policyd]
		ca = $dir/policyd-ca.pem
		token_file = $dir/token
		[identity]
		certificate = $dir/identity/host.pem
		key = $dir/identity/host.key
		enrol = no
		[eap]
		ca = $dir/radius-ca.pem
		passwords = $dir/eap-md5.conf
		[pae]
		start_period = 1s
		max_start = 2
		auth_period = 3s
		held_period = 1s
		held_max = 2s
		silent_period = 2s
		[guests]
		libvirt = no
		netlink = yes
		serve = $dir/guests.conf
		[cidata]
		enabled = no
		directory = $dir/cidata
		[state]
		directory = $dir/state
		[log]
		level = debug
		[uplink uplink0]
	EOF
	hostd_identity "$host" "$host"
	hostd_set "$@"
}

hostd_set() {
	local host=$1
	shift
	ini_set "$T/$host/hostd.conf" "$@"
}

hostd_identity() {
	local kind
	for kind in pem key; do
		install -o "$HOSTD_USER" -m 600 "$T/r/raddb/certs/$2.$kind" "$T/$1/identity/host.$kind"
	done
}

hostd_enrols() {
	local host=$1
	rm -f "$T/$host/identity"/*
	install -m 644 "$CA" "$T/$host/policyd-ca.pem"
	(umask 077 && vmprov --store "$POLICYD_STORE" token --host "$host" > "$T/$host/token" 2>/dev/null) || return 1
	chown "$HOSTD_USER" "$T/$host/token"
	hostd_set "$host" "policyd.url=https://${HOST_GATE[$host]}:$POLICYD_PORT" identity.enrol=yes
}

hostctl() {
	local host=$1
	shift
	on_host "$host" vmprov-hostctl --socket "$T/$host/hostd.sock" "$@"
}

hostd_start() {
	host_run "$1" hostd -c "$T/$1/hostd.conf" 2>>"$T/$1/hostd.log"
	HOSTD_PID[$1]=$!
	T_CLEANUP+=("hostd_stop $1")
	wait_for 10 hostctl "$1" status || {
		echo 'hostd does not answer:' >&2
		tail -n 5 "$T/$1/hostd.log" >&2
		return 1
	}
}

hostd_stop() {
	[ -n "${HOSTD_PID[$1]:-}" ] || return 0
	process_stop "${HOSTD_PID[$1]}" "${2:-TERM}"
	HOSTD_PID[$1]=
	if grep -qE 'AddressSanitizer|runtime error:' "$T/$1/hostd.log"; then
		t_fail 'sanitizers are content' "$(grep -hEA 12 'AddressSanitizer|runtime error:' "$T/$1/hostd.log")"
	fi
}

hostd_process() {
	pgrep -P "${HOSTD_PID[$1]}" | while read -r pid; do
		[ "$(cat "/proc/$pid/comm")" != "hostd: $2" ] || echo "$pid"
	done
}

hostd_log() { grep -E -- "$2" "$T/$1/hostd.log"; }

# -- guests
alias_set() { on_host "$1" ip link set dev "$2" alias "$3"; }
mac() { printf '52:54:00:02:%02x:%02x' $(($1 / 256)) $(($1 % 256)); }
mac_of() { if [[ $1 == *:* ]]; then echo "$1"; else mac "$1"; fi; }

nic_field() {
	hostctl "$1" show "$(mac_of "$2")" --json 2>/dev/null | tr -d '\n' | sed 's/{/\n{/g' | grep -F "\"$(mac_of "$2")\"" |
		sed -nE "s/.*\"$3\": *(\"([^\"]*)\"|[^\",}]*).*/\1/p" | tr -d '"'
}
nic_is() { [ "$(nic_field "$1" "$2" state)" = "$3" ]; }
host_count() { hostctl "$1" list --json | grep -oE "\"state\": *\"$2\"" | wc -l; }

sta_in() { hostapd_sta "$1" "$(mac_of "$2")" | grep -q '^flags=.*\[AUTHORIZED\]'; }
sta_out() { ! sta_in "$@"; }
sta_vlan() { hostapd_sta "$1" "$(mac_of "$2")" | sed -n 's/^vlan_id=//p'; }
auth_is() { nic_is "$1" "$3" authorized && sta_in "$2" "$3"; }
lasts() { printf "SELECT state || ' vlan ' || vlan || ' method ' || method || ' ' || cert_name FROM session WHERE mac = %s" "$(guest "$1")"; }

# -- the wire
wire_start() {
	local name=$1 pid=$2 iface=$3
	shift 3
	nsenter --net="/proc/$pid/ns/net" -- tcpdump -i "$iface" --immediate-mode -U -Z root -w "$T/$name.pcap" "$@" 'ether proto 0x888e' 2>"$T/$name.tcpdump" &
	WIRE_PID[$name]=$!
	T_CLEANUP+=("wire_stop $name")
	wait_for 5 grep -q 'listening on' "$T/$name.tcpdump" && wait_for 5 test -s "$T/$name.pcap"
}

wire_stop() {
	[ -n "${WIRE_PID[$1]:-}" ] || return 0
	process_stop "${WIRE_PID[$1]}"
	WIRE_PID[$1]=
}

wire_show() {
	tcpdump -r "$T/$1.pcap" -e -tt -n -v ${2:+"$2"} 2>/dev/null |
		sed -nE 's/^([0-9.]+) ([^ ]+) > ([^ ]+), ethertype EAPOL [^:]*: (.*)/\1 \2 \3 \4/p'
}
wire_count() { wire_show "$@" | wc -l; }
