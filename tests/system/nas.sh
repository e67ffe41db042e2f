# shellcheck shell=bash
# NASes for the tests of sessions, CoA and Disconnect: one by script (das), and hostapd on a veth.  Sourced after lib.sh.
#
#	das_start NAME ADDR:PORT... [-- DAS-ARGS...]    its script is $T/NAME.das, its log $T/NAME.log; both may be absent
#	das_rules NAME < RULES      another script, in force from now on
#	das_stop NAME [SIGNAL]
#	das_lines NAME REGEX        what it logged that matches
#	das_count NAME REGEX
#	das_wait SECONDS NAME COUNT REGEX   until so many were logged
#
#	network_make                policyd and FreeRADIUS on one store, in $T and $T/r, both running, for NASes that are told
#	                            with DAS_SECRET, or as COA_SECRETS says; impatient: COA_VERIFY (1s), COA_TRIES (2).
#	                            COA_CONF has further lines of [coa], SWITCH_NETS is where switches are.  After daemon.sh and server.sh
#	guest N, guest_text N       MAC address of the Nth guest as a number in SQL, and as its NAS writes it
#	guest_up NAS N [LINES...]   authorized and started there, as Acct-Session-Id sN; prints the Class
#	told NAS N                  the requests that das "das" logged for the guest: each CODE ATTRIBUTES -> ACTION
#	told_is DESCRIPTION SECONDS NAS N WANTED    the words CODE>ACTION of these
#	job N                       state, action, reason and error cause of the guest's jobs, the same one after the other once
#	job_is DESCRIPTION SECONDS N WANTED
#	audited EVENT N             how often for the guest
#
#	session_is DESCRIPTION SQL WANTED   session.db says so within three seconds
#	sessions SQL                what session.db says; mac(TEXT) stands for the number of a MAC address
#	token_of < REPLY            what its Class ends with
#
#	own_netns "$@"              the test runs again in a network namespace of its own, if root runs it
#	switch_add NAME NET         a namespace of its own for a NAS, linked to this one: NET.1 is we, NET.2 the NAS
#	port_add SWITCH PORT MAC    a port of the switch, and the interface gPORT here with that MAC address
#	vlan_add SWITCH ID...       VLANs that the switch has; it refuses a guest that is to have another
#	hostapd_start SWITCH PORT   the authenticator there; RADIUS at NET.1.  HOSTAPD_LINES: more of its configuration
#	hostapd_stop SWITCH [SIGNAL]
#	hostapd_sta SWITCH MAC      what it knows of a station, as hostapd_cli shows it; fails if there is none
#	supplicant_start IFACE NETWORK-LINES...     wpa_supplicant there
#	supplicant_stop IFACE
#	supplicant_again IFACE      it starts anew, as a guest that comes up
#	supplicant_state IFACE      its EAPOL PAE's status: Authorized, Unauthorized

DAS_SECRET=coa-testing123
declare -A DAS_PID=() SWITCH_PID=() SWITCH_NET=() HOSTAPD_PID=() SUPPLICANT_PID=()

das_start() {
	local name=$1 args=()
	shift
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		args+=(--listen "$1")
		shift
	done
	[ $# = 0 ] || shift
	[ ! -e "$T/$name.das" ] || args+=(--script "$T/$name.das")
	: >> "$T/$name.log"
	das "${args[@]}" --secret "$DAS_SECRET" --log "$T/$name.log" "$@" &
	DAS_PID[$name]=$!
	T_CLEANUP+=("das_stop $name")
}

das_rules() {
	cat > "$T/$1.das"
	[ -z "${DAS_PID[$1]:-}" ] || kill -HUP "${DAS_PID[$1]}"
}

# process_stop PID [SIGNAL]: and its end; the shell says nothing of it.
process_stop() {
	{
		kill "-${2:-TERM}" "$1"
		wait "$1"
	} 2>/dev/null
	return 0
}

das_stop() {
	[ -n "${DAS_PID[$1]:-}" ] || return 0
	process_stop "${DAS_PID[$1]}" "${2:-TERM}"
	DAS_PID[$1]=
}

das_lines() { grep -E -- "$2" "$T/$1.log"; }
das_count() { grep -cE -- "$2" "$T/$1.log"; }
das_has() { [ "$(das_count "$1" "$3")" -ge "$2" ]; }
das_wait() {
	local seconds=$1
	shift
	wait_for "$seconds" das_has "$@"
}

# -- session.db
sessions() {
	local sql=$1
	while [[ $sql =~ mac\(([0-9a-fA-F:.-]+)\) ]]; do
		sql=${sql//"${BASH_REMATCH[0]}"/$((16#$(tr -d ':.-' <<<"${BASH_REMATCH[1]}")))}
	done
	sqlite3 -cmd '.timeout 5000' "file:${SESSION_DB:-$RADIUS_DIR/session.db}?mode=rw" "$sql" # and never makes it
}

session_says() { [ "$(sessions "$1")" = "$2" ]; }
session_is() {
	wait_for 3 session_says "$2" "$3"
	is "$1" "$(sessions "$2")" "$3"
}

token_of() { sed -n 's/^Class = 0x//p' | sed 's/../\\x&/g' | xargs -0 printf '%b' | sed 's/.*://'; }

# -- policyd, FreeRADIUS and das together
network_make() {
	mkdir "$T/r"
	if [ "$(id -u)" = 0 ]; then
		chown daemon:freerad "$T/r"
		chmod 2770 "$T/r"
	fi
	policyd_make "$T" "$((20002 + $$ % 20000))" "$T/r/policy.db"
	printf '%s\n' "${COA_SECRETS:-[default]
secret = $DAS_SECRET}" > "$T/nas-secrets.conf"
	chmod 600 "$T/nas-secrets.conf"
	printf '%s\n' 'timeout_ms = 100' 'transmissions = 3' "verify = ${COA_VERIFY:-1s}" "tries = ${COA_TRIES:-2}" ${COA_CONF:+"$COA_CONF"} > "$T/coa.conf"
	sed -i "/^\[coa\]/r $T/coa.conf" "$T/policyd.conf"
	policyd_start "$T" || return 1
	radius_make "$T/r" || return 1
	[ -z "${SWITCH_NETS:-}" ] || radius_for_switches
	RADIUS_NO_HOLD=1 radius_start "$T/r"
}

# The server answers more than loopback, and takes hosts' certificates of policyd as well.
radius_for_switches() {
	cat "$T/ca/ca.pem" >> "$T/r/raddb/certs/vmprov-ca.pem"
	sed -i 's/ipaddr = 127.0.0.1$/ipaddr = */' "$T/r/raddb/sites-available/vmprov"
	printf 'client switches {\n\tipaddr = %s\n\tsecret = %s\n\trequire_message_authenticator = yes\n}\n' "$SWITCH_NETS" "$RADIUS_SECRET" \
		>> "$T/r/raddb/clients-vmprov.conf"
}

guest() { echo $((0x525400020000 + $1)); }
guest_text() { printf '52-54-00-02-%02X-%02X' $(($1 / 256)) $(($1 % 256)); }

guest_up() {
	local nas=$1 n=$2 reply class
	shift 2
	reply=$(radius_mab "$nas" "$(guest_text "$n")" "$@")
	class=$(grep '^Class' <<<"$reply") || {
		printf '%s\n' "$reply"
		return 1
	}
	radius_acct "$nas" Start "$(guest_text "$n")" "s$n" "$@" "$class" >/dev/null
	printf '%s\n' "$class"
}

told() { grep -F "Calling-Station-Id=$(guest_text "$2") " "$T/das.log" | grep -E "^[0-9]+ $1:" | sed -E 's/^[0-9]+ [^ ]+ ([^ ]+) [0-9]+ /\1 /; s/ Event-Timestamp=[0-9]+//'; }
told_words() { told "$1" "$2" | sed -E -e 's/-Request//' -e 's/ (dup )?.* -> (.*)/ \1\2/' -e 's/ dup / again /' -e 's/ /:/g' | tr '\n' ' ' | sed 's/ $//'; }
told_says() { [ "$(told_words "$1" "$2")" = "$3" ]; }
told_is() {
	wait_for "$2" told_says "$3" "$4" "$5"
	is "$1" "$(told_words "$3" "$4")" "$5"
}

job() { sql "SELECT state || ' ' || action || ' ' || reason || CASE error_cause WHEN 0 THEN '' ELSE ' ' || error_cause END FROM coa_job WHERE mac = $(guest "$1") ORDER BY id" | uniq | tr '\n' ',' | sed 's/,$//'; }
job_says() { [ "$(job "$1")" = "$2" ]; }
job_is() {
	wait_for "$2" job_says "$3" "$4"
	is "$1" "$(job "$3")" "$4"
}
audited() { sql "SELECT count(*) FROM audit WHERE event = '$1' AND subject LIKE '%' || '$(printf '52:54:00:02:%02x:%02x' $(($2 / 256)) $(($2 % 256)))' || '%'"; }

# -- hostapd
own_netns() {
	[ -z "${OWN_NETNS:-}" ] || return 0
	[ "$(id -u)" = 0 ] || return 0
	OWN_NETNS=1 exec unshare --net --mount --propagation private bash -c 'ip link set lo up && exec bash "$@"' - "$0" "$@"
}

switch_stop() { process_stop "${SWITCH_PID[$1]}" KILL; }

switch_add() {
	local name=$1 net=$2
	unshare --net sleep infinity &
	SWITCH_PID[$name]=$!
	SWITCH_NET[$name]=$net
	T_CLEANUP+=("switch_stop $name")
	wait_for 5 switch_apart "$name" || return 1
	ip link add "up-$name" type veth peer name eth0 netns "${SWITCH_PID[$name]}"
	ip address add "$net.1/24" dev "up-$name"
	ip link set "up-$name" up
	on_switch "$name" sh -c "ip link set lo up; ip address add $net.2/24 dev eth0; ip link set eth0 up"
}

switch_apart() { [ "$(readlink "/proc/${SWITCH_PID[$1]}/ns/net")" != "$(readlink /proc/self/ns/net)" ]; }

on_switch() {
	local name=$1
	shift
	nsenter --net="/proc/${SWITCH_PID[$name]}/ns/net" -- "$@"
}

port_add() {
	ip link add "g$2" address "$3" type veth peer name "$2" netns "${SWITCH_PID[$1]}" || return 1
	on_switch "$1" ip link set "$2" up
	ip link set "g$2" up
}

# hostapd joins a VLAN's interface to a bridge; that it is one end of a veth matters to nobody.
vlan_add() {
	local name=$1 id
	shift
	for id in "$@"; do
		on_switch "$name" ip link add "v$id" type veth peer name "v${id}end"
		echo "$id v$id" >> "$T/$name.vlans"
	done
}

hostapd_start() {
	local name=$1 port=$2 net=${SWITCH_NET[$1]}
	cat > "$T/$name.conf" <<-EOF
		driver=wired
		interface=$port
		ctrl_interface=$T/hostapd
		ieee8021x=1
		eap_reauth_period=${HOSTAPD_REAUTH:-3600}
		dynamic_vlan=1
		vlan_file=$T/$name.vlans
		own_ip_addr=$net.2
		nas_identifier=$name
		auth_server_addr=$net.1
		auth_server_port=$RADIUS_PORT
		auth_server_shared_secret=$RADIUS_SECRET
		acct_server_addr=$net.1
		acct_server_port=$((RADIUS_PORT + 1))
		acct_server_shared_secret=$RADIUS_SECRET
		radius_das_port=3799
		radius_das_client=$net.1 $DAS_SECRET
		radius_das_require_event_timestamp=1
		radius_das_require_message_authenticator=1
		${HOSTAPD_LINES:-}
	EOF
	# Not on_switch: a function in the background would be the one to kill.
	nsenter --net="/proc/${SWITCH_PID[$name]}/ns/net" -- hostapd -t "$T/$name.conf" >> "$T/$name.log" 2>&1 &
	HOSTAPD_PID[$name]=$!
	T_CLEANUP+=("hostapd_stop $name")
	wait_for 5 hostapd_cli -p "$T/hostapd" -i "$port" ping
}

hostapd_stop() {
	[ -n "${HOSTAPD_PID[$1]:-}" ] || return 0
	process_stop "${HOSTAPD_PID[$1]}" "${2:-TERM}"
	HOSTAPD_PID[$1]=
}

hostapd_sta() {
	local out
	out=$(hostapd_cli -p "$T/hostapd" -i "$(sed -n 's/^interface=//p' "$T/$1.conf")" sta "$2")
	[[ $out != FAIL* ]] && printf '%s\n' "$out"
}

supplicant_start() {
	local iface=$1
	shift
	{
		printf 'ctrl_interface=%s\nap_scan=0\nnetwork={\n\tkey_mgmt=IEEE8021X\n\teapol_flags=0\n' "$T/supplicant"
		printf '\t%s\n' "$@"
		printf '}\n'
	} > "$T/$iface.supplicant"
	wpa_supplicant -D wired -i "$iface" -c "$T/$iface.supplicant" -t > "$T/$iface.log" 2>&1 &
	SUPPLICANT_PID[$iface]=$!
	T_CLEANUP+=("supplicant_stop $iface")
	wait_for 5 supplicant_cli "$iface" ping
}

supplicant_cli() {
	local iface=$1
	shift
	wpa_cli -p "$T/supplicant" -i "$iface" "$@"
}

supplicant_stop() {
	[ -n "${SUPPLICANT_PID[$1]:-}" ] || return 0
	process_stop "${SUPPLICANT_PID[$1]}"
	SUPPLICANT_PID[$1]=
}

supplicant_again() { supplicant_cli "$1" reassociate >/dev/null; }
supplicant_state() { supplicant_cli "$1" status | sed -n 's/^suppPortStatus=//p'; }
