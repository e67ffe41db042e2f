# shellcheck shell=bash
# The policyd of this build in a scratch directory, on loopback, and clients of its API.  Sourced after lib.sh by the tests; the
# demo and `make run` use it as well.
#
#	policyd_make DIR [PORT]      DIR/policyd.conf, DIR/state for the store and the keys; the file may be edited then.  POLICYD_LISTEN
#	                             for others than loopback, under POLICYD_NAMES
#	policyd_start DIR            until it is ready; sets POLICYD_PID and POLICYD_URL
#	policyd_stop
#	key_new FILE [P-256|P-384|rsa:BITS]    a private key and, beside it, FILE.csr (base64 DER, as EST wants it)
#	est PATH CURL-ARGS...        an EST request; prints the answer's certificates in PEM; fails with what the server said
#	api METHOD PATH CURL-ARGS... a request; prints the body, and fails unless the status is 2xx
#	host_enrol NAME              DIR/NAME.key and .pem, by a token that an administrator makes
#
# As root, its processes run as three ordinary users that every Debian has; otherwise as the one who calls.

POLICYD_PID=
COA_SECRET='what switches know policyd by'

policyd_make() {
	POLICYD_DIR=$1
	POLICYD_PORT=${2:-$((20002 + $$ % 20000))}
	POLICYD_URL=https://localhost:$POLICYD_PORT
	POLICYD_STATUS=http://127.0.0.1:$((POLICYD_PORT + 1))
	POLICYD_STORE=${3:-$1/state/policy.db}
	mkdir -p "$1/state"
	cat > "$1/policyd.conf" <<-EOF
		[process]
		net_user = nobody
		store_user = daemon
		signer_user = bin
		coa_user = games
		[listen]
		address = ${POLICYD_LISTEN:-127.0.0.1}:$POLICYD_PORT
		[status]
		address = 127.0.0.1:$((POLICYD_PORT + 1))
		[server]
		names = localhost 127.0.0.1 ${POLICYD_NAMES:-}
		[store]
		path = $POLICYD_STORE
		[ca]
		certificate = $1/ca/ca.pem
		key = $1/ca/ca.key
		crl_url = $POLICYD_STATUS/crl
		ocsp_url = $POLICYD_STATUS/ocsp
		[coi]
		master_key = $1/ca/master.key
		[session]
		path = $(dirname "$POLICYD_STORE")/session.db
		[coa]
		secrets = $1/nas-secrets.conf
		dialects = $TOP/policyd/coa-dialects.conf
	EOF
	(umask 077 && printf '[default]\nsecret = %s\n' "$COA_SECRET" > "$1/nas-secrets.conf")
	# What the store process makes beside its file.
	[ "$(id -u)" != 0 ] || chown daemon "$1/state"
}

policyd_ready() { curl -sf -m 5 "$POLICYD_STATUS/readyz" >/dev/null; }

policyd_start() {
	POLICYD_LOG=$1/policyd.log
	# shellcheck disable=SC2086 # POLICYD_ENV is words
	env ${POLICYD_ENV:-} policyd -c "$1/policyd.conf" 2>>"$POLICYD_LOG" &
	POLICYD_PID=$!
	T_CLEANUP+=(policyd_stop)
	if ! wait_for 15 policyd_ready; then
		echo 'policyd does not get ready:' >&2
		tail -n 5 "$POLICYD_LOG" >&2
		return 1
	fi
	CA=$1/ca/ca.pem
}

policyd_stop() {
	[ -n "$POLICYD_PID" ] || return 0
	kill "$POLICYD_PID" 2>/dev/null
	wait "$POLICYD_PID" 2>/dev/null
	POLICYD_PID=
	if grep -qE 'AddressSanitizer|runtime error:' "$POLICYD_LOG"; then
		t_fail 'sanitizers are content' "$(grep -hEA 12 'AddressSanitizer|runtime error:' "$POLICYD_LOG")"
	fi
}

# The process NAME (net, store, signer) of the running daemon.
policyd_process() { pgrep -P "$POLICYD_PID" -f . | while read -r pid; do
	[ "$(cat "/proc/$pid/comm")" = "policyd: $1" ] && echo "$pid"
done; }

key_new() {
	case ${2:-P-256} in
	rsa:*) openssl genpkey -algorithm RSA -pkeyopt "rsa_keygen_bits:${2#rsa:}" -out "$1" 2>/dev/null ;;
	*) openssl genpkey -algorithm EC -pkeyopt "ec_paramgen_curve:${2:-P-256}" -out "$1" 2>/dev/null ;;
	esac
	openssl req -new -key "$1" -subj /CN=ignored -outform DER | base64 > "$1.csr"
}

# Body to standard output; the status decides.
http() {
	local body status
	body=$(mktemp "$POLICYD_DIR/http.XXXXXX")
	status=$(curl -s -m 30 -o "$body" -w '%{http_code}' --cacert "$CA" "$@")
	cat "$body"
	rm -f "$body"
	[ "${status:0:1}" = 2 ] || { echo " (status $status)"; return 1; }
}

api() {
	local method=$1 path=$2
	shift 2
	http -X "$method" "$@" "$POLICYD_URL$path"
}

est() {
	local path=$1 out
	shift
	if out=$(http "$@" "$POLICYD_URL/.well-known/est/$path"); then
		printf '%s\n' "$out" | base64 -d | openssl pkcs7 -inform DER -print_certs | sed '/^subject\|^issuer\|^$/d'
	else
		printf '%s\n' "$out"
		return 1
	fi
}

# enrol LABEL TOKEN KEY: a first certificate in KEY's place with .pem
enrol() {
	est "$1/simpleenroll" -u "x:$2" -H 'Content-Type: application/pkcs10' --data-binary "@$3.csr" > "${3%.key}.pem" || {
		cat "${3%.key}.pem"
		return 1
	}
}

# renew LABEL OLD NEW: with the certificate OLD.pem and its key, one for NEW.key
renew() {
	est "$1/simplereenroll" --cert "$2.pem" --key "$2.key" -H 'Content-Type: application/pkcs10' --data-binary "@$3.key.csr" \
		> "$3.pem" || {
		cat "$3.pem"
		return 1
	}
}

host_enrol() {
	local token
	token=$(vmprov --store "$POLICYD_STORE" token --host "$1" 2>/dev/null) || return 1
	[ -e "$POLICYD_DIR/$1.key" ] || key_new "$POLICYD_DIR/$1.key"
	enrol host "$token" "$POLICYD_DIR/$1.key"
}

# as NAME METHOD PATH CURL-ARGS...: with the certificate of NAME
as() {
	local name=$1
	shift
	api "$@" --cert "$POLICYD_DIR/$name.pem" --key "$POLICYD_DIR/$name.key"
}

# starting HOST UUID MAC TEMPLATE: the host says so; prints the join bundle
starting() {
	as "$1" POST "/v1/vms/$2/starting" -H 'Content-Type: application/json' -d "{\"mac\": \"$3\", \"template\": \"$4\"}"
}

# sql STATEMENT...: as an administrator types it; waits for other writers, which the bare shell does not.
sql() { sqlite3 -bail -cmd '.timeout 10000' "$POLICYD_STORE" "$@"; }

# The demo's records: template web makes VMs that nobody registered, db does not.
policyd_sample() {
	sql ".read $TOP/tests/demo/sample.sql" && wait_for 5 coi_keys_made
}
coi_keys_made() { [ "$(sql 'SELECT count(*) FROM coi_rotation')" = 0 ]; }

# field NAME < JSON: one member of an object, as it stands
field() { sed -n "s/.*\"$1\":\"\\([^\"]*\\)\".*/\\1/p"; }

# join HOST UUID MAC TEMPLATE NAME: start, key, first certificate as NAME
join() {
	local token
	token=$(starting "$1" "$2" "$3" "$4" | field token) && [ -n "$token" ] || return 1
	[ -e "$POLICYD_DIR/$5.key" ] || key_new "$POLICYD_DIR/$5.key"
	enrol "$4" "$token" "$POLICYD_DIR/$5.key"
}
