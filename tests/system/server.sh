# shellcheck shell=bash
# The installed FreeRADIUS with our raddb in a scratch directory, on loopback.  Sourced after lib.sh
# by the tests; the demo and `make run` use it as well.
#
#	radius_make DIR      DIR/raddb from ours, DIR/policy.db, certificates; DIR/raddb may be edited then
#	radius_start DIR     until it answers; exports RADIUS_PORT and RADIUS_PID
#	radius_check RADDB   whether it would start
#	radius_stop          the store stays held until the test ends
#	radius_acct SRC STATUS MAC SESSION-ID [LINES...]    one Accounting-Request; prints Accounting-Response or No-Reply
#	radius_sessions SQL         what session.db says
#	radius_send SRC LINES...    one Access-Request of "Attribute = value" lines from address SRC; prints
#	                            the reply as radclient shows it
#
# It runs as an ordinary user: the one who calls, or freerad when root calls.

RADIUS_SECRET=testing123
RADIUS_PID=
STORE_PID=

radius_conf() {
	local dir=$1 port=$2 user=
	[ "$(id -u)" = 0 ] && id freerad >/dev/null 2>&1 && user=freerad
	cp -r "$TOP/raddb" "$dir/raddb"
	sed -i -e "s|^localstatedir = .*|localstatedir = $dir|" -e "s|^logdir = .*|logdir = $dir/log|" \
		-e "s|^raddbdir = .*|raddbdir = $dir/raddb|" -e "s|^run_dir = .*|run_dir = $dir/run|" \
		-e "s|^libdir = .*|libdir = $dir/lib:/usr/lib/freeradius|" -e 's|reject_delay = 1|reject_delay = 0|' \
		"$dir/raddb/vmprov.conf"
	[ -n "$user" ] || sed -i -e '/^	user = /d' -e '/^	group = /d' "$dir/raddb/vmprov.conf"
	sed -i -e "s|ipaddr = \*|ipaddr = 127.0.0.1|" -e "0,/port = 0/s|port = 0|port = $port|" \
		-e "s|port = 0|port = $((port + 1))|" "$dir/raddb/sites-available/vmprov"
	sed -i -e "s|filename = .*policy.db|filename = $dir/policy.db|" \
		-e "s|filename = .*session.db|filename = ${RADIUS_SESSIONS-$dir/session.db}|" "$dir/raddb/mods-available/vmprov"
	sed -i -e 's|ipaddr = 127.0.0.1|ipaddr = 127.0.0.0/8|' "$dir/raddb/clients-vmprov.conf"
}

# One CA; certificates for the server, the hosts hv1 and hv2, and one that nobody registered.
radius_certs() {
	local certs=$1 name
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/CN=vmprov test CA" \
		-keyout "$certs/vmprov-ca.key" -out "$certs/vmprov-ca.pem" 2>/dev/null
	for name in vmprov-server hv1 hv2 stranger; do
		openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$name.example" \
			-keyout "$certs/$name.key" -out "$certs/$name.csr" 2>/dev/null
		printf 'subjectAltName=DNS:%s\nextendedKeyUsage=serverAuth,clientAuth\n' "$name" > "$certs/$name.ext"
		openssl x509 -req -in "$certs/$name.csr" -CA "$certs/vmprov-ca.pem" -CAkey "$certs/vmprov-ca.key" \
			-days 30 -extfile "$certs/$name.ext" -out "$certs/$name.pem" 2>/dev/null
	done
	chmod 644 "$certs"/*.key # of this scratch directory only
}

radius_make() {
	local dir=$1
	RADIUS_PORT=${2:-$((20000 + $$ % 20000))}
	export RADIUS_PORT
	mkdir -p "$dir/log" "$dir/run" "$dir/lib"
	radius_conf "$dir" "$RADIUS_PORT"
	mkdir -p "$dir/raddb/certs"
	radius_certs "$dir/raddb/certs"
	cp "$B/rlm_vmprov.so" "$dir/lib/"
	[ -e "$dir/policy.db" ] || vmprov --store "$dir/policy.db" init >/dev/null || return 1
	if [ "$(id -u)" = 0 ] && id freerad >/dev/null 2>&1; then
		chown -R freerad "$dir/log" "$dir/run"
		chmod -R go+rX "$dir/raddb" "$dir/lib"
	fi
}

radius_ask() {
	printf 'User-Name = "probe"\nUser-Password = "probe"\nMessage-Authenticator = 0x00\n' |
		radclient -r 1 -t 1 "127.0.0.1:$RADIUS_PORT" auth "$RADIUS_SECRET" 2>&1 | grep -q 'Received Access-'
}

# What vmprov-store.service does on an installed system: a read-only server needs somebody who may write to
# have the store open.
store_hold() {
	store_release
	vmprov --store "$1/policy.db" hold >"$1/log/hold" 2>&1 &
	STORE_PID=$!
	wait_for 10 grep -q holding "$1/log/hold"
}

store_release() {
	[ -n "$STORE_PID" ] || return 0
	kill "$STORE_PID" 2>/dev/null
	wait "$STORE_PID" 2>/dev/null
	STORE_PID=
}

# A build with sanitizers: their runtime goes into the server first, and what they find into its log.
radius_sanitizers() {
	[ -e "$B/nodeepbind.so" ] || return 0
	printf '%s\n' "LD_PRELOAD=$B/nodeepbind.so $(gcc -print-file-name=libasan.so) $(gcc -print-file-name=libubsan.so)" \
		'ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0' 'UBSAN_OPTIONS=print_stacktrace=1'
}

# radius_check RADDB: would the server start with this configuration?
radius_check() {
	local env
	mapfile -t env < <(radius_sanitizers)
	env ${env[@]+"${env[@]}"} freeradius -XC -n vmprov -d "$1"
}

radius_start() {
	local dir=$1 env
	RADIUS_DIR=$dir
	T_CLEANUP+=(radius_stop store_release)
	[ -n "${RADIUS_NO_HOLD:-}" ] || store_hold "$dir"
	mapfile -t env < <(radius_sanitizers)
	env ${env[@]+"${env[@]}"} freeradius -f -n vmprov -d "$dir/raddb" -l "$dir/log/radius.log" ${RADIUS_FLAGS:-} \
		>"$dir/log/stdout" 2>&1 &
	RADIUS_PID=$!
	if ! wait_for 20 radius_ask; then
		echo "freeradius did not start:" >&2
		tail -n 20 "$dir/log/stdout" "$dir/log/radius.log" >&2
		return 1
	fi
}

radius_stop() {
	[ -n "$RADIUS_PID" ] || return 0
	kill "$RADIUS_PID" 2>/dev/null
	wait "$RADIUS_PID" 2>/dev/null
	RADIUS_PID=
	if grep -hE -d skip 'ERROR: AddressSanitizer|runtime error:' "$RADIUS_DIR"/log/*; then
		t_fail 'sanitizers are content' "see above"
	fi
}

radius_send() {
	local src=$1
	shift
	{
		printf 'Packet-Src-IP-Address = %s\nMessage-Authenticator = 0x00\n' "$src"
		printf '%s\n' "$@"
	} | radclient -x -r 1 -t 3 "127.0.0.1:$RADIUS_PORT" auth "$RADIUS_SECRET" 2>&1 |
		awk '/^Received/ {on = 1; print $2; next} /^Sent|^\(/ {on = 0} on && !/Message-Authenticator/ {sub(/^[ \t]+/, ""); print}
			/No reply/ {print "No-Reply"}'
}

# radius_acct SRC STATUS MAC SESSION-ID [LINES...]: Accounting-Request; prints Accounting-Response, or No-Reply.
radius_acct() {
	local src=$1 status=$2 mac=$3 session=$4
	shift 4
	{
		printf 'Packet-Src-IP-Address = %s\nAcct-Status-Type = %s\n' "$src" "$status"
		[ -z "$mac" ] || printf 'User-Name = "%s"\nCalling-Station-Id = "%s"\n' "$(printf '%s' "$mac" | tr -d ':.-' | tr 'A-F' 'a-f')" "$mac"
		[ -z "$session" ] || printf 'Acct-Session-Id = "%s"\n' "$session"
		[ $# = 0 ] || printf '%s\n' "$@"
	} | radclient -x -r 1 -t "${RADIUS_WAIT:-3}" "127.0.0.1:$((RADIUS_PORT + 1))" acct "$RADIUS_SECRET" 2>&1 |
		awk '/^Received/ {print $2; n++} END {if (!n) print "No-Reply"}'
}

# radius_sessions SQL: what session.db says.
radius_sessions() { sqlite3 -cmd '.timeout 5000' "$RADIUS_DIR/session.db" "$1"; }

# radius_mab SRC MAC [LINES...]: the usual MAB request.
radius_mab() {
	local src=$1 mac=$2 bare
	shift 2
	bare=$(printf '%s' "$mac" | tr -d ':.-' | tr 'A-F' 'a-f')
	radius_send "$src" "User-Name = \"$bare\"" "User-Password = \"$bare\"" 'Service-Type = Call-Check' \
		"Calling-Station-Id = \"$mac\"" 'NAS-Port-Type = Ethernet' "$@"
}

# Print the outcome of an eapol_test run: the reply's name, and its VLAN.
radius_eap() {
	local src=$1 mac=$2 conf=$3
	shift 3
	eapol_test -n -c "$conf" -a 127.0.0.1 -p "$RADIUS_PORT" -s "$RADIUS_SECRET" -A "$src" -M "$mac" -t 5 "$@" 2>&1 |
		awk '/^RADIUS message: code=2 / {reply = "Access-Accept"} /^RADIUS message: code=3 / {reply = "Access-Reject"}
			/^   Attribute / {attr = $2} /^      Value:/ && attr == 81 {
				for (i = 2; i <= length($2); i += 2) vlan = vlan substr($2, i, 1) }
			END {print (reply == "" ? "No-Reply" : reply) (reply == "Access-Accept" && vlan != "" ? " VLAN " vlan : "")}'
}

# radius_eap_md5 SRC MAC PASSWORD
radius_eap_md5() {
	printf 'network={\n key_mgmt=IEEE8021X\n eap=MD5\n identity="%s"\n password="%s"\n}\n' "$2" "$3" > "$RADIUS_DIR/eap.conf"
	radius_eap "$1" "$2" "$RADIUS_DIR/eap.conf"
}

# radius_eap_tls SRC MAC CERTIFICATE [NAS-Port-Id]: the host's certificate, the guest's MAC.
radius_eap_tls() {
	local certs=$RADIUS_DIR/raddb/certs
	cat > "$RADIUS_DIR/eap.conf" <<-EOF
		network={
			key_mgmt=IEEE8021X
			eap=TLS
			identity="$2"
			ca_cert="$certs/vmprov-ca.pem"
			client_cert="$certs/$3.pem"
			private_key="$certs/$3.key"
		}
	EOF
	radius_eap "$1" "$2" "$RADIUS_DIR/eap.conf" ${4:+-N "87:s:$4"}
}
