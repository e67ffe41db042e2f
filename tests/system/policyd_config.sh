#!/bin/bash
# policyd's configuration, its keys, its start, reload and end.
. "$(dirname "$0")/lib.sh"
. "$HERE/daemon.sh"
t_begin policyd_config
policyd_make "$T"
conf=$T/policyd.conf
cp "$conf" "$T/good.conf"

# with SECTION LINE: the good configuration with one line more, in its section
with() { sed "s|^\\[$1\\]|&\\n$2|" "$T/good.conf" > "$conf"; }
try() { policyd -t -c "$conf"; }

ok 'a good one' try
fails 'no file' 'missing.conf: cannot open' policyd -t -c "$T/missing.conf"
with process 'net_user = nobody2'
fails 'a user given twice' '[0-9]: \[process\] net_user: given twice' try
sed 's/net_user = nobody/net_user = nobody-at-all/' "$T/good.conf" > "$conf"
[ "$(id -u)" != 0 ] || fails 'a user who does not exist' 'nobody-at-all: there is no such user' try
with ca 'cretificate = x'
fails 'an option that does not exist' 'policyd.conf:[0-9]+: \[ca\] cretificate: there is no such option' try
with certificate 'x = 1'
echo '[certificate]
vm_life = 1m' >> "$conf"
fails 'a value out of range' 'vm_life: expected 300 to' try
sed 's/address = 127.0.0.1/address = localhost/' "$T/good.conf" > "$conf"
fails 'an address that is none' 'expected at most .* of ADDRESS:PORT' try
echo '[log]
level = loud' | cat "$T/good.conf" - > "$conf"
fails 'a level that is none' '\[log\] level: expected' try
fails 'and it does not start' '\[log\] level: expected' policyd -c "$conf"
policyd -c "$conf" 2>/dev/null
is 'with exit code 2' "$?" 2
fails 'an operand' 'expected no operands' policyd -c "$conf" more
like 'help' "$(policyd --help)" 'usage: policyd .*SIGHUP'
like 'version' "$(policyd --version)" 'policyd [0-9]'

# -- CoA: secrets and dialects
cp "$T/good.conf" "$conf"
ok 'no secrets, which is but a warning' try
printf '[leaf1]\nsecret = one that nobody should see\n' > "$T/nas-secrets.conf"
chmod 640 "$T/nas-secrets.conf"
fails 'secrets that others may read' 'nas-secrets.conf: others than its owner' try
chmod 600 "$T/nas-secrets.conf"
ok 'secrets' try
printf '[192.0.2.1/24]\nsecret = one that nobody should see\n' > "$T/nas-secrets.conf"
fails 'a prefix that is none' 'nas-secrets.conf:2: \[192.0.2.1/24\] secret: the address has bits beyond' try
is 'and no secret is told' "$(try 2>&1 | grep -c 'nobody should see')" 0
rm "$T/nas-secrets.conf"
printf '[rfc]\nidentify = User-Name\nport = 0\n' > "$T/dialects.conf"
sed "s|^dialects = .*|dialects = $T/dialects.conf|" "$T/good.conf" > "$conf"
fails 'a dialect that is wrong' 'dialects.conf:3: \[rfc\] port: expected a UDP port' try
printf '[rfc]\nidentify = User-Name\ncoa = No-Such-Attribute = 1\n' > "$T/dialects.conf"
fails 'an attribute that no dictionary has' 'dialects.conf:3: \[rfc\] coa: No-Such-Attribute: the dictionaries' try
with coa 'enabled = no'
sed -i "s|^dialects = .*|dialects = $T/dialects.conf|" "$conf"
ok 'which is nothing to those who do without' try
with coa 'address = 192.0.2.1 192.0.2.2'
fails 'two addresses of a kind' '\[coa\] address: 192.0.2.2: expected at most one' try
with coa 'dictionary = /nonexistent'
fails 'dictionaries that are not there' '/nonexistent' try

# -- keys
cp "$T/good.conf" "$conf"
policyd_start "$T" || exit 1
if [ "$(id -u)" = 0 ]; then
	is 'the CA key is root'\''s alone' "$(stat -c '%U %a' "$T/ca/ca.key")" 'root 600'
	is 'so is the master key' "$(stat -c '%U %a' "$T/ca/master.key")" 'root 600'
	is 'the store is not' "$(stat -c '%U %a' "$T/state/policy.db")" 'daemon 640'
	for p in net:nobody store:daemon signer:bin coa:games; do
		is "the ${p%:*} process is another user" "$(stat -c %U "/proc/$(policyd_process "${p%:*}")")" "${p#*:}"
	done
	empty() { [ -z "$(ls -A "/proc/$(policyd_process "$1")/root/")" ]; }
	ok 'net sees no files' empty net
	ok 'nor does the signer' empty signer
	ok 'nor does coa' empty coa
	for p in net store signer coa; do
		like "$p has no capabilities" "$(grep CapEff "/proc/$(policyd_process $p)/status")" '0000000000000000'
		like "$p has a filter of system calls" "$(grep '^Seccomp:' "/proc/$(policyd_process $p)/status")" '2'
	done
fi
policyd_stop
chmod 644 "$T/ca/ca.key"
fails 'a CA key that others may read' 'ca.key' try
chmod 600 "$T/ca/ca.key"
chmod 640 "$T/ca/master.key"
fails 'a master key that the group may read' 'master.key' try
chmod 600 "$T/ca/master.key"
ok 'both as they should be' try
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$T/wrong.key" 2>/dev/null
chmod 600 "$T/wrong.key"
sed "s|key = $T/ca/ca.key|key = $T/wrong.key|" "$T/good.conf" > "$conf"
fails 'a key that is not the certificate'\''s' 'key' try
sed "s|certificate = $T/ca/ca.pem|certificate = $T/good.conf|" "$T/good.conf" > "$conf"
fails 'a certificate that is none' 'good.conf' try

# -- an existing CA, with an intermediate
mkdir "$T/own"
req() { openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" -keyout "$T/own/$2.key" "${@:3}" 2>/dev/null; }
req Root root -x509 -days 30 -out "$T/own/root.pem"
req Issuing issuing -out "$T/own/issuing.csr"
printf 'basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n' > "$T/own/ext"
openssl x509 -req -in "$T/own/issuing.csr" -CA "$T/own/root.pem" -CAkey "$T/own/root.key" -days 20 -extfile "$T/own/ext" -out "$T/own/issuing.pem" 2>/dev/null
cat "$T/own/issuing.pem" "$T/own/root.pem" > "$T/own/chain.pem"
sed -e "s|certificate = $T/ca/ca.pem|certificate = $T/own/chain.pem|" -e "s|key = $T/ca/ca.key|key = $T/own/issuing.key|" "$T/good.conf" > "$conf"
ok 'an existing CA is taken' try
policyd_start "$T" || exit 1
CA=$T/own/root.pem
policyd_sample
ok 'clients that trust the root alone reach it' host_enrol hv1
openssl verify -CAfile "$T/own/root.pem" -untrusted "$T/own/issuing.pem" "$T/hv1.pem" >/dev/null
is 'and certificates come from the intermediate' "$?" 0
is 'cacerts gives both' "$(est cacerts | grep -c BEGIN)" 2
join hv1 11111111-2222-4333-8444-555555555501 52:54:00:00:09:01 web vm1
as vm1 GET /v1/coi-keys > "$T/keys.json"
ok 'COI keys verify up to the root' vmprov-open --ca "$T/own/root.pem" --cert "$T/vm1.pem" --key "$T/vm1.key" --json "$T/keys.json"
policyd_stop
sed -i "s|chain.pem|root.pem|" "$conf"
fails 'the root'\''s certificate with the intermediate'\''s key' 'key' try

# -- the master key from a systemd credential
mkdir "$T/credentials"
cp "$T/ca/master.key" "$T/credentials/coi-master"
sed "s|master_key = .*|master_key = credential:coi-master|" "$T/good.conf" > "$conf"
ok 'a credential' env CREDENTIALS_DIRECTORY="$T/credentials" policyd -t -c "$conf"
fails 'none given' 'CREDENTIALS_DIRECTORY|credential' try

# -- reload and end
cp "$T/good.conf" "$conf"
policyd_start "$T" || exit 1
net=$(policyd_process net)
is 'a connection that waits' "$(curl -s -o /dev/null -w '%{http_code}' "$POLICYD_STATUS/healthz")" 200
echo '[log]
level = debug' >> "$conf"
kill -HUP "$POLICYD_PID"
ok 'HUP: new processes' wait_for 10 sh -c "! kill -0 $net 2>/dev/null"
ok 'which answer' wait_for 10 policyd_ready
ok 'and log that' grep -q '"event":"reloaded"' "$POLICYD_LOG"
echo 'level = debug' >> "$conf"
net=$(policyd_process net)
kill -HUP "$POLICYD_PID"
ok 'HUP with a wrong configuration' wait_for 10 grep -q '"event":"reload-refused"' "$POLICYD_LOG"
is 'changes nothing' "$(policyd_process net)" "$net"
ok 'and it answers' policyd_ready
with coa 'rate = 100'
install -m 644 /dev/null "$T/nas-secrets.conf"
kill -HUP "$POLICYD_PID"
ok 'HUP with secrets that others may read' wait_for 10 grep -q '"event":"reload-refused".*nas-secrets.conf' "$POLICYD_LOG"
rm "$T/nas-secrets.conf"
cp "$T/good.conf" "$conf"
old=$POLICYD_STATUS
sed -i "s|address = 127.0.0.1:$((POLICYD_PORT + 1))|address = 127.0.0.1:$((POLICYD_PORT + 2))|" "$conf"
kill -HUP "$POLICYD_PID"
POLICYD_STATUS=http://127.0.0.1:$((POLICYD_PORT + 2))
ok 'HUP with another address' wait_for 10 policyd_ready
fails 'the old one is closed' '' curl -sf "$old/readyz"
pid=$POLICYD_PID
children=$(pgrep -P "$pid" | tr '\n' ' ')
kill "$pid"
wait "$pid"
is 'TERM ends it with 0' "$?" 0
POLICYD_PID=
for p in $children; do ok 'no process is left' sh -c "! kill -0 $p 2>/dev/null"; done

# -- a store of a newer version
sqlite3 "$T/state/policy.db" 'PRAGMA user_version = 9999'
cp "$T/good.conf" "$conf"
policyd -c "$conf" 2> "$T/newer.log" &
POLICYD_PID=$!
ok 'a newer store is refused' wait_for 10 grep -q 'newer than this program' "$T/newer.log"
policyd_stop
t_end
