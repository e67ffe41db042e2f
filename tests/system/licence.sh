# shellcheck shell=bash
# The licence server, brokers, forwarders and guests of this build together on loopback, and what each of them believes.  Sourced
# after lib.sh, daemon.sh and nas.sh.
#
#	licence_world [SECTION.OPTION=VALUE...]     policyd in $T, perhaps with its store at LICENCE_STORE and at LICENCE_PORT (the
#	                            others have those after it), with an address for forwarders ($FORWARDED); tenant acme with the
#	                            enclaves east and west; host hv1; templates web-ENCLAVE (VMs of product web-std behind the enclave's
#	                            gateway), web-lone (VMs without a gateway), gw-ENCLAVE (brokers), relay (forwarders)
#	pool NAME OWNED [COLUMN VALUE]...    of product web-std; a lease of 8 s and a grace of 4 s, unless columns say otherwise
#	server_copy NAME            another licence server: a copy of the store as it is, with the same CA; not started.  URL[NAME]
#	server_start NAME           until it is ready
#
#	gateway_add NAME ENCLAVE [SECTION.OPTION=VALUE...]      a broker: enrolled, $T/NAME/gatewayd.conf, not started
#	gateway_start NAME          until it is ready
#	gateway_metric NAME METRIC  the sum over its labels
#	gateway_ends_within NAME SECONDS    its own lease
#	relay_add NAME ROLE [SECTION.OPTION=VALUE...]   a forwarder: enrolled, $T/NAME/relayd.conf, not started; role proxy or relay
#	relay_start NAME            until it is well
#	link_add NAME TARGET-PORT BADLINK-ARGS...       a bad link to a port of loopback; PORT[NAME]
#	proc_stop NAME [SIGNAL]     of these; they end with the test as well
#
#	vm_join N [ENCLAVE]         guest vmN of the enclave (east; lone: of none) has its certificate; asks the enclave's gateway,
#	                            or policyd
#	vms_join FIRST LAST [ENCLAVE]
#	vm_stop N                   its host reports the stop
#	uuid N, mac N
#
#	lease WHO WANTS [MEMBER...] ask for so many, as the protocol wants it; prints STATUS GRANTED and the reason.  MEMBER is JSON
#	                            that stands instead of what it would be, such as '"least":2'.  The answer is $T/WHO.answer
#	lease_again WHO             the same request once more
#	answer WHO MEMBER           of the last answer
#	has WHO                     so many were granted in the last answer
#
#	occupied                    what leases hold, by the server's store
#	watch_occupied SECONDS OWNED        prints each sample beyond what is owned, of 20 a second
#	boot                        seconds since boot, as leases count
#	most_at_once < LINES        of "SECONDS NUMBER", each a change: the highest sum at any time
#
# A holder's own view: guest_life N writes such lines to $T/vmN.life until the file $T/enough is there: it asks, uses what it gets
# for a moment, and gives it back.

declare -A PID=() PORT=() AT=() GATE=() GATEWAY_AT=()
# shellcheck disable=SC2034 # for tests
declare -A URL=()
BROKER_USER=news
LICENCE_PORTS=0

port_next() {
	LICENCE_PORTS=$((LICENCE_PORTS + 1))
	PORT[$1]=$((POLICYD_PORT + 2 + LICENCE_PORTS))
}

proc_run() {
	local name=$1
	shift
	"$@" 2>>"$T/$name.log" >&2 &
	PID[$name]=$!
	T_CLEANUP+=("proc_stop $name")
}

proc_stop() {
	[ -n "${PID[$1]:-}" ] || return 0
	process_stop "${PID[$1]}" "${2:-TERM}"
	PID[$1]=
	if grep -qE 'AddressSanitizer|runtime error:' "$T/$1.log"; then
		t_fail 'sanitizers are content' "$(grep -hEA 12 'AddressSanitizer|runtime error:' "$T/$1.log")"
	fi
}

# until it answers, or says why not
proc_ready() {
	local name=$1
	shift
	wait_for 15 "$@" && return
	echo "$name does not get ready:" >&2
	tail -n 5 "$T/$name.log" >&2
	return 1
}

status_is() { [ "$(curl -s -m 5 -o /dev/null -w '%{http_code}' "$1")" = "$2" ]; }

# -- the licence server
licence_world() {
	# In a network of our own nobody's outgoing connection takes a port that somebody is going to listen on.
	[ -z "${OWN_NETNS:-}" ] || echo '45000 60999' > /proc/sys/net/ipv4/ip_local_port_range
	policyd_make "$T" "${LICENCE_PORT:-}" ${LICENCE_STORE:+"$LICENCE_STORE"}
	[ "$(id -u)" != 0 ] || chown daemon "$(dirname "$POLICYD_STORE")"
	port_next forwarded
	FORWARDED=localhost:${PORT[forwarded]}
	ini_set "$T/policyd.conf" "forwarded.address=127.0.0.1:${PORT[forwarded]}" coa.enabled=no "$@"
	policyd_start "$T" || return 1
	sql <<-'SQL'
		INSERT INTO tenant (name) VALUES ('acme'), ('other');
		INSERT INTO enclave (name) VALUES ('east'), ('west'), ('lone');
		INSERT INTO host (name) VALUES ('hv1');
		INSERT INTO coi (name, tenant_id, vlan) VALUES ('web', 2, 100);
		INSERT INTO template (name, tenant_id, enclave_id, auto_create, gateway, licence_product)
			SELECT 'web-' || name, 2, id, 1, CASE name WHEN 'lone' THEN '' ELSE 'gw-' || name || '.example' END, 'web-std'
			FROM enclave WHERE name IN ('east', 'west', 'lone');
		INSERT INTO template_coi (template_id, coi_id) SELECT template.id, coi.id FROM template, coi;
		INSERT INTO template (name, kind, broker, tenant_id, enclave_id, auto_create)
			SELECT 'gw-' || name, 'gateway', 1, 2, id, 1 FROM enclave WHERE name IN ('east', 'west');
		INSERT INTO template (name, kind, tenant_id, auto_create) VALUES ('relay', 'gateway', 2, 1);
	SQL
	wait_for 5 coi_keys_made && host_enrol hv1
}

pool() {
	local columns='lease_s, grace_s' values='8, 4' name=$1 owned=$2
	shift 2
	[ $# = 0 ] || columns='' values=''
	while [ $# -gt 1 ]; do
		columns+=${columns:+, }$1
		values+=${values:+, }$2
		shift 2
	done
	sql "INSERT INTO licence_pool (name, product, owned, $columns) VALUES ('$name', 'web-std', $owned, $values)"
}

server_copy() {
	local dir=$T/$1
	mkdir -p "$dir/state"
	sqlite3 "$POLICYD_STORE" ".backup '$dir/state/policy.db'"
	[ "$(id -u)" != 0 ] || chown -R daemon "$dir/state"
	port_next "$1"
	port_next "$1-status"
	port_next "$1-forwarded"
	URL[$1]=https://localhost:${PORT[$1]}
	cp "$T/policyd.conf" "$dir/policyd.conf"
	ini_set "$dir/policyd.conf" "listen.address=127.0.0.1:${PORT[$1]}" "status.address=127.0.0.1:${PORT[$1-status]}" \
		"forwarded.address=127.0.0.1:${PORT[$1-forwarded]}" "store.path=$dir/state/policy.db" "session.path=$dir/state/session.db"
}

server_start() {
	proc_run "$1" policyd -c "$T/$1/policyd.conf"
	proc_ready "$1" curl -sf -m 5 "http://127.0.0.1:${PORT[$1-status]}/readyz"
}

# -- guests
uuid() { printf '11111111-2222-4333-8444-5555555%05d' "$1"; }
mac() { printf '52:54:00:03:%02x:%02x' $(($1 / 256)) $(($1 % 256)); }

vm_join() {
	local enclave=${2:-east}
	AT[vm$1]=${GATE[$enclave]:-$POLICYD_URL}
	named_join "$(uuid "$1")" "$(mac "$1")" "web-$enclave" "vm$1"
}

named_join() { join hv1 "$@" && sql "UPDATE vm_record SET name = '$4' WHERE mac = '$2'"; }

vms_join() {
	local n pids=()
	for ((n = $1; n <= $2; n++)); do
		vm_join "$n" "${3:-east}" &
		pids+=($!)
		AT[vm$n]=${GATE[${3:-east}]:-$POLICYD_URL}
	done
	wait "${pids[@]}"
	for ((n = $1; n <= $2; n++)); do [ -s "$T/vm$n.pem" ] || return 1; done
}

vm_stop() { as hv1 POST "/v1/vms/$(uuid "$1")/stopped" -d '' >/dev/null; }

# -- brokers and forwarders: guests as well, numbered from 900 on.  Their users read the key.
MEMBERS=900
member_join() {
	local dir=$T/$1
	MEMBERS=$((MEMBERS + 1))
	mkdir -p "$dir"
	named_join "$(uuid "$MEMBERS")" "$(mac "$MEMBERS")" "$2" "$1" || return 1
	install -m 644 "$T/$1.pem" "$dir/member.pem"
	install -m 600 "$T/$1.key" "$dir/member.key"
	install -d "$dir/state"
	install -m 644 "$CA" "$dir/ca.pem"
	[ "$(id -u)" != 0 ] || chown "$BROKER_USER" "$dir" "$dir"/member.* "$dir/state"
	openssl pkey -in "$T/$1.key" -pubout -out "$T/$1.pub"
	port_next "$1"
	port_next "$1-status"
}

gateway_add() {
	local name=$1 enclave=$2
	shift 2
	member_join "$name" "gw-$enclave" || return 1
	URL[$name]=https://127.0.0.1:${PORT[$name]}
	GATE[$enclave]=${URL[$name]}
	GATEWAY_AT[${URL[$name]}]=$name
	cat > "$T/$name/gatewayd.conf" <<-END
		[process]
		user = $BROKER_USER
		[listen]
		address = 127.0.0.1:${PORT[$name]}
		[status]
		address = 127.0.0.1:${PORT[$name-status]}
		[store]
		path = $T/$name/state/gateway.db
		[identity]
		certificate = $T/$name/member.pem
		key = $T/$name/member.key
		ca = $T/$name/ca.pem
		enrol = no
		[broker]
		lease = 4s
		refresh = 1s
		wait = 2s
		timeout = 2s
		[log]
		level = debug
		[server home]
		url = $POLICYD_URL
	END
	ini_set "$T/$name/gatewayd.conf" "$@"
}

gateway_start() {
	# shellcheck disable=SC2086 # GATEWAY_ENV is words
	proc_run "$1" env ${GATEWAY_ENV:-} gatewayd -c "$T/$1/gatewayd.conf"
	proc_ready "$1" curl -sf -m 5 "http://127.0.0.1:${PORT[$1-status]}/readyz"
}

gateway_metric() {
	curl -s -m 5 "http://127.0.0.1:${PORT[$1-status]}/metrics" |
		awk -v name="$2" '{n = $1; sub(/\{.*/, "", n)} n == name {sum += $2; there = 1} END {print there ? sum : "none"}'
}

gateway_ends_within() {
	local left
	left=$(curl -s -m 5 "http://127.0.0.1:${PORT[$1-status]}/v1/status" | sed -nE 's/.*"ends_in_s": ?([0-9]+).*/\1/p')
	[ "${left:-99}" -le "$2" ]
}

relay_add() {
	local name=$1 role=$2
	shift 2
	member_join "$name" relay || return 1
	URL[$name]=https://127.0.0.1:${PORT[$name]}
	cat > "$T/$name/relayd.conf" <<-END
		[process]
		user = $BROKER_USER
		[relay]
		role = $role
		[listen]
		address = 127.0.0.1:${PORT[$name]}
		[status]
		address = 127.0.0.1:${PORT[$name-status]}
		[policyd]
		ca = $T/$name/ca.pem
		[identity]
		certificate = $T/$name/member.pem
		key = $T/$name/member.key
		ca = $T/$name/ca.pem
		enrol = no
		[log]
		level = debug
		[service licences]
		target = $FORWARDED
	END
	ini_set "$T/$name/relayd.conf" "$@"
}

relay_start() {
	proc_run "$1" relayd -c "$T/$1/relayd.conf"
	proc_ready "$1" curl -sf -m 5 "http://127.0.0.1:${PORT[$1-status]}/healthz"
}

link_add() {
	local name=$1 to=$2
	shift 2
	[ -n "${PORT[$name]:-}" ] || port_next "$name"
	: > "$T/$name.log"
	proc_run "$name" badlink --listen "127.0.0.1:${PORT[$name]}" --to "127.0.0.1:$to" "$@"
	proc_ready "$name" grep -q ready "$T/$name.log"
}

# -- leases
new_id() { cat /proc/sys/kernel/random/uuid; }

answer() { tr -d '\n' < "$T/$1.answer" | sed -nE "s/.*\"$2\": ?(\"([^\"]*)\"|(-?[0-9]+|true|false)).*/\2\3/p"; }
has() { cat "$T/$1.has" 2>/dev/null || echo 0; }

lease_body() {
	local who=$1 wants=$2 members='' member
	shift 2
	for member in "\"product\":\"web-std\"" "\"request_id\":\"$(new_id)\"" "\"seen\":$(cat "$T/$who.seq" 2>/dev/null || echo 0)" \
		"\"has\":$(has "$who")" "\"wants\":$wants"; do
		[[ " $*" == *" ${member%%:*}:"* ]] || members+=${members:+,}$member
	done
	for member; do members+=,$member; done
	printf '{%s}' "$members" > "$T/$who.request"
}

# A gateway's certificate has no DNS name: its key is known.
lease_curl() {
	local who=$1 gateway=${GATEWAY_AT[${AT[$1]}]:-}
	shift
	curl -s -m 20 --cacert "$CA" --cert "$T/$who.pem" --key "$T/$who.key" ${gateway:+-k --pinnedpubkey "$T/$gateway.pub"} "$@"
}

lease_send() {
	local who=$1 status seq
	: > "$T/$who.answer"
	status=$(lease_curl "$who" -o "$T/$who.answer" -w '%{http_code}' -H 'Content-Type: application/json' --data-binary "@$T/$who.request" \
		"${AT[$who]}/v1/licences/lease")
	seq=$(answer "$who" seq)
	if [ -n "$seq" ]; then
		echo "$seq" > "$T/$who.seq"
		answer "$who" granted > "$T/$who.has"
	fi
	echo "$status"
}

lease_shown() {
	local text
	text="$2 $(answer "$1" granted) $(answer "$1" reason)"
	[ -n "$(answer "$1" granted)" ] || text="$2 $(answer "$1" error)"
	echo "${text%"${text##*[! ]}"}"
}

lease_again() { lease_shown "$1" "$(lease_send "$1")"; }

lease() {
	local status
	lease_body "$@"
	status=$(lease_send "$1")
	if [ "$(answer "$1" stale)" = true ]; then
		lease_body "$@"
		status=$(lease_send "$1")
	fi
	lease_shown "$1" "$status"
}

lease_is() { [ "$(lease "$1" "$2")" = "$3" ]; }

occupied() { sql 'SELECT coalesce(sum(count + lapsing), 0) FROM lease_part'; }
occupied_is() { [ "$(occupied)" = "$1" ]; }

watch_occupied() {
	local n got
	for ((n = $1 * 20; n > 0; n--)); do
		got=$(occupied)
		[ "${got:-0}" -le "$2" ] || echo "$got of $2"
		sleep 0.05
	done
}

boot() {
	local up rest
	read -r up rest < /proc/uptime
	echo "$up"
}

most_at_once() { sort -n -k 1,1 -k 2,2 | awk '{sum += $2; if (sum > most) most = sum} END {print most + 0}'; }

guest_life() {
	local who=vm$1
	while [ ! -e "$T/enough" ]; do
		lease "$who" 1 >/dev/null
		if [ "$(has "$who")" = 1 ]; then
			echo "$(boot) 1" >> "$T/$who.life"
			sleep "0.$((RANDOM % 5))"
			echo "$(boot) -1" >> "$T/$who.life"
			lease "$who" 0 >/dev/null
		fi
		sleep "0.$((RANDOM % 3))"
	done
}
