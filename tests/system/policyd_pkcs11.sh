#!/bin/bash
# Keys in a PKCS#11 token: the CA's, and one that opens the master key's file.  The token is SoftHSM's, reached through OpenSSL's
# engine pkcs11.
. "$(dirname "$0")/lib.sh"
. "$HERE/daemon.sh"
t_begin policyd_pkcs11
policyd_make "$T"
conf=$T/policyd.conf
pin=730551
engine=$(openssl version -e | sed 's/^ENGINESDIR: "\(.*\)"$/\1/')/pkcs11.so
module=/usr/lib/softhsm/libsofthsm2.so
if [ ! -e "$engine" ] || [ ! -e "$module" ]; then
	echo "$t_name: softhsm2 and libengine-pkcs11-openssl are needed" >&2
	exit 1
fi

# -- a token with two keys, which are nowhere else
mkdir "$T/tokens" "$T/empty" "$T/ca"
softhsm() { printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' "$1"; }
softhsm "$T/tokens" > "$T/softhsm2.conf"
softhsm "$T/empty" > "$T/no-token.conf"
export SOFTHSM2_CONF=$T/softhsm2.conf
token() { softhsm2-util "$@" >/dev/null || exit 1; }
token --init-token --free --label vmprov --pin "$pin" --so-pin 98765432
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$T/ca.key" 2>/dev/null
openssl genpkey -algorithm RSA -out "$T/unlock.key" 2>/dev/null
openssl req -new -x509 -key "$T/ca.key" -subj '/CN=CA in a token' -days 30 -addext keyUsage=critical,keyCertSign,cRLSign,digitalSignature \
	-out "$T/ca/ca.pem"
openssl req -new -x509 -key "$T/unlock.key" -subj /CN=unlock -days 30 -out "$T/unlock.pem"
token --import "$T/ca.key" --token vmprov --label ca --id 01 --pin "$pin"
token --import "$T/unlock.key" --token vmprov --label unlock --id 02 --pin "$pin"
rm "$T/ca.key" "$T/unlock.key"
openssl rand -hex 32 | openssl cms -encrypt -binary -aes-256-cbc -outform DER -out "$T/ca/master.cms" "$T/unlock.pem"
# The engine takes the file's first line with its line end, if there is one.
(umask 077 && printf %s "$pin" > "$T/pin" && printf 730552 > "$T/wrong-pin")
# The signer reads the token's files for each signature, as its user; it need not write them.
if [ "$(id -u)" = 0 ]; then
	chown -R root:bin "$T/tokens"
	chmod -R u=rwX,g=rX,o= "$T/tokens"
fi

cat > "$T/openssl.cnf" <<-END
	openssl_conf = init
	[init]
	engines = engines
	[engines]
	pkcs11 = token
	[token]
	engine_id = pkcs11
	dynamic_path = $engine
	MODULE_PATH = $module
	init = 0
END
# libp11 forgets memory of its own.
with=("OPENSSL_CONF=$T/openssl.cnf" "ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0")
POLICYD_ENV=${with[*]}
uri() { printf 'org.openssl.engine:pkcs11:pkcs11:token=%s;object=%s;type=private%s' "$1" "$2" "${3-?pin-source=file:$T/pin}"; }
# keys CA UNLOCK: the configuration with these
keys() { sed -e "s|^key = .*|key = $1|" -e "s|^master_key = .*|master_key = $T/ca/master.cms\nmaster_unlock = $2|" "$T/files.conf" > "$conf"; }
cp "$conf" "$T/files.conf"
ca=$(uri vmprov ca)
unlock=$(uri vmprov unlock)
try() { env "${with[@]}" policyd -t -c "$conf"; }

# -- it works
keys "$ca" "$unlock"
ok 'keys in a token, the PIN in a file' try
keys "$(uri vmprov ca "?pin-value=$pin")" "$(uri vmprov unlock "?pin-value=$pin")"
ok 'the PIN in the URI' try
policyd_start "$T" || exit 1
ok 'it starts with that as well' policyd_ready
policyd_stop
keys "$ca" "$unlock"
policyd_start "$T" || exit 1
policyd_sample || t_fail 'COI keys are sealed' "$(tail -n 5 "$POLICYD_LOG")"
if [ "$(id -u)" = 0 ]; then
	is 'the signer is not root' "$(stat -c %U "/proc/$(policyd_process signer)")" bin
	like 'and has a filter of system calls' "$(grep '^Seccomp:' "/proc/$(policyd_process signer)/status")" 2
	is 'the PIN'\''s file is root'\''s alone' "$(stat -c '%U %a' "$T/pin")" 'root 600'
fi

# works N: what the signer does, with all that is new
works() {
	local uuid=11111111-2222-4333-8444-55555555550$1 mac=52:54:00:00:09:0$1
	ok 'a host gets a certificate' host_enrol "hv$1"
	ok 'which verifies' openssl verify -purpose sslclient -CAfile "$CA" "$T/hv$1.pem"
	ok 'so does a VM' join "hv$1" "$uuid" "$mac" web "vm$1"
	ok 'with the same CA' openssl verify -purpose sslclient -CAfile "$CA" "$T/vm$1.pem"
	as "vm$1" GET /v1/coi-keys > "$T/vm$1.json"
	like 'its COI key opens' "$(vmprov-open --ca "$CA" --cert "$T/vm$1.pem" --key "$T/vm$1.key" --json "$T/vm$1.json" 2>&1)" '^web [0-9]+ [0-9a-f]{64} '
}
coi_digest() { vmprov-open --ca "$CA" --cert "$T/vm$1.pem" --key "$T/vm$1.key" --json "$T/vm$1.json" | cut -d' ' -f 1-3; }

works 1
like 'the certificates are the token'\''s' "$(openssl x509 -in "$T/vm1.pem" -noout -issuer)" 'CN = CA in a token'
like 'OCSP' "$(openssl ocsp -issuer "$CA" -CAfile "$CA" -cert "$T/vm1.pem" -url "$POLICYD_STATUS/ocsp" 2>&1)" 'Response verify OK.*vm1.pem: good'
ok 'a CRL' sh -c "curl -sf '$POLICYD_STATUS/crl' | openssl crl -inform DER -CAfile '$CA' -noout"

# -- again, after each way to start anew
before=$(coi_digest 1)
pid=$(policyd_process signer)
keys "$(uri vmprov ca '?pin-value=730552')" "$unlock"
kill -HUP "$POLICYD_PID"
ok 'HUP with a wrong PIN is refused' wait_for 10 grep -q '"event":"reload-refused".*PIN incorrect' "$POLICYD_LOG"
is 'and changes nothing' "$(policyd_process signer)" "$pid"
keys "$ca" "$unlock"
kill -HUP "$POLICYD_PID"
ok 'HUP: another signer' wait_for 10 sh -c "! kill -0 $pid 2>/dev/null"
ok 'which has its keys' wait_for 10 policyd_ready
works 2
is 'the master key is the one it was' "$(coi_digest 2)" "$before"
pid=$(policyd_process signer)
kill -KILL "$pid"
ok 'a signer that was killed has a successor' wait_for 10 sh -c "! kill -0 $pid 2>/dev/null && curl -sf '$POLICYD_STATUS/readyz'"
vmprov --store "$POLICYD_STORE" coi rotate web >/dev/null
as vm1 GET /v1/coi-keys > "$T/vm1.json"
like 'which seals and signs' "$(coi_digest 1)" 'web [0-9]+ [0-9a-f]{64}'

# -- who could see the PIN
for p in "$POLICYD_PID" $(pgrep -P "$POLICYD_PID"); do
	is "not on the command line of $(cat "/proc/$p/comm")" "$(tr '\0' ' ' < "/proc/$p/cmdline" | grep -c "$pin")" 0
	is "nor in its environment" "$(tr '\0' ' ' < "/proc/$p/environ" | grep -c "$pin")" 0
done
is 'nor in the store' "$(sql .dump | grep -cE "$pin|pin-")" 0
policyd_stop

# refused WHAT REGEX: one line that says so, and nothing that follows the URI's scheme
refused() {
	local said rc
	said=$(try 2>&1)
	rc=$?
	is "$1: exit code" "$rc" 2
	is "$1: one line" "$(printf '%s\n' "$said" | wc -l)" 1
	like "$1: which says why" "$said" "^policyd: $2\$"
	is "$1: and no secret" "$(printf '%s\n' "$said" | grep -cE "$pin|730552|pin-|object=")" 0
}
key="the key's URI: no private key there"
keys "$(uri vmprov ca "?pin-value=730552")" "$unlock"
refused 'a wrong PIN' "$key: PIN incorrect"
keys "$(uri vmprov ca "?pin-source=file:$T/wrong-pin")" "$unlock"
refused 'a wrong PIN in a file' "$key: PIN incorrect"
keys "$(uri vmprov ca "?pin-source=file:$T/no-pin")" "$unlock"
refused 'no file with the PIN' "$key"
keys "$(uri vmprov ca '')" "$unlock"
refused 'no PIN, and nobody to ask for it' "$key.*"
keys "$(uri other ca "?pin-value=$pin")" "$unlock"
refused 'another token' "$key: object not found"
keys "$(uri vmprov nothing "?pin-value=$pin")" "$unlock"
refused 'another object' "$key: object not found"
keys "$(uri vmprov unlock "?pin-value=$pin")" "$unlock"
refused 'the key of another certificate' ".*/ca/ca.pem: the private key is not this certificate's"
keys "$(uri vmprov ca "?pin-value=$pin")" "$(uri vmprov ca "?pin-value=$pin")"
refused 'a key that does not open the master key' "the master key's file does not open with this key.*"
keys "$(uri vmprov ca "?pin-value=$pin")" "$(uri vmprov unlock "?pin-value=$pin")"
SOFTHSM2_CONF=$T/no-token.conf refused 'no token' "$key: object not found"
keys "org.openssl.engine:nothing:pkcs11:object=ca?pin-value=$pin" "$unlock"
refused 'another engine' "$key.*"
mv "$T/ca/ca.pem" "$T/ca/away.pem"
refused 'no certificate: none is made for a key that is not a file' '.*/ca/ca.pem: .*'
mv "$T/ca/away.pem" "$T/ca/ca.pem"

# -- the master key alone; to a token that one key has opened, the other's PIN does not matter
openssl req -new -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=CA -days 30 -keyout "$T/ca/file.key" -out "$T/ca/file.pem" \
	-addext keyUsage=critical,keyCertSign,cRLSign,digitalSignature 2>/dev/null
sed "s|ca/ca.pem|ca/file.pem|" "$T/files.conf" > "$T/file-ca.conf"
cp "$T/file-ca.conf" "$T/files.conf"
keys "$T/ca/file.key" "$unlock"
ok 'the master key alone by a token' try
keys "$T/ca/file.key" "$(uri vmprov unlock '?pin-value=730552')"
refused 'a wrong PIN for the master key' "$key: PIN incorrect"
sed -i '/^master_unlock/d' "$conf"
refused 'nothing to open it with' '.*master.cms: expected a private key to open it with'
sed -i 's|ca/file.pem|ca/ca.pem|' "$T/files.conf"

# -- and it does not start
for wrong in "$(uri vmprov ca '?pin-value=730552')" "$(uri vmprov nothing "?pin-value=$pin")"; do
	keys "$wrong" "$unlock"
	timeout 20 env "${with[@]}" policyd -c "$conf" 2>> "$T/refused.log"
	is 'a start with a wrong key ends' "$?" 2
done
is 'each with a line of its own' "$(grep -c '"event":"cannot-start".*no private key there: [^"]*"' "$T/refused.log")" 2
is 'and nothing but lines of the log' "$(grep -vc '^{"time":' "$T/refused.log")" 0

# -- a token that root can read and the signer cannot
if [ "$(id -u)" = 0 ]; then
	keys "$ca" "$unlock"
	chown -R root:root "$T/tokens"
	env "${with[@]}" policyd -c "$conf" 2>> "$T/unreadable.log" &
	POLICYD_PID=$!
	ok 'a token that the signer'\''s user cannot read is said' wait_for 10 grep -q "the CA's key does not sign" "$T/unreadable.log"
	fails 'and it does not get ready' '' policyd_ready
	policyd_stop
fi
is 'no log has a PIN or a URI' "$(cat "$POLICYD_LOG" "$T"/refused.log "$T"/unreadable.log 2>/dev/null |
	grep -cE "$pin|730552|pin-value|pin-source|org.openssl.engine")" 0
t_end
