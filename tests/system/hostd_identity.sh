#!/bin/bash
# The host's certificate: enrolled by a token, renewed, kept whole whatever happens; a real policyd, and kills at any instant.
. "$(dirname "$0")/lib.sh"
. "$HERE/daemon.sh"
. "$HERE/nas.sh"
. "$HERE/virt.sh"
own_machine "$@"
t_begin hostd_identity
if [ "$(id -u)" != 0 ]; then
	echo 'hostd_identity: left out: only root may make network namespaces'
	t_end
fi
ip link add uplink0 type veth peer name sw0 && ip link set uplink0 up && ip link set sw0 up

policyd_make "$T"
printf '[certificate]\nhost_life = 300\n' >> "$T/policyd.conf"
policyd_start "$T" || exit 1
sql "INSERT INTO host (name, cert_name) VALUES ('hv1', 'hv1.example'), ('hv2', NULL)"

USER_OF=news
ID=$T/id
HOSTD_PID=
CLOCK=

# hostd_conf [CA]: a hostd without guests, and nothing on the disk of an earlier one.
hostd_conf() {
	rm -rf "$ID" "$T/host"
	install -d -o "$USER_OF" -m 700 "$ID"
	cp "${1:-$CA}" "$T/policyd-ca.pem"
	openssl x509 -in "$CA" -out "$T/radius-ca.pem"
	cat > "$T/hostd.conf" <<-EOF
		[process]
		user = $USER_OF
		fence = no
		[control]
		path = $T/hostd.sock
		[status]
		address =
		[policyd]
		url = $POLICYD_URL
		ca = $T/policyd-ca.pem
		token_file = $ID/token
		timeout = ${TIMEOUT:-5s}
		[identity]
		certificate = $ID/host.pem
		key = $ID/host.key
		[eap]
		ca = $T/radius-ca.pem
		[guests]
		libvirt = no
		[cidata]
		directory = $T/cidata
		[state]
		directory = $T/host
		[uplink uplink0]
	EOF
}

ctl() { vmprov-hostctl --socket "$T/hostd.sock" "$@"; }
status() { ctl status --json | tr -d '\n' | sed -nE "s/.*\"$1\": *(\"([^\"]*)\"|[^\",}]*).*/\1/p" | tr -d '"'; }
identity() { ctl status --json | tr -d '\n' | sed -nE 's/.*"identity": *\{([^}]*)\}.*/\1/p' | sed -nE "s/.*\"$1\": *(\"(([^\"\\\\]|\\\\.)*)\"|[^\",]*).*/\1/p" | tr -d '"'; }
identity_says() { [[ $(identity "$1") =~ $2 ]]; }
logged() { grep -cE "\"event\":\"$1\"" "$T/hostd.log"; }

hostd_run() {
	: > "$T/hostd.log"
	# shellcheck disable=SC2086 # CLOCK is words
	env $CLOCK hostd -c "$T/hostd.conf" 2>>"$T/hostd.log" &
	HOSTD_PID=$!
	wait_for 10 ctl status || t_fail 'hostd answers' "$(tail -n 5 "$T/hostd.log")"
}

# hostd_end [SIGNAL]
hostd_end() {
	[ -n "$HOSTD_PID" ] || return 0
	process_stop "$HOSTD_PID" "${1:-TERM}"
	HOSTD_PID=
	if grep -qE 'AddressSanitizer|runtime error:' "$T/hostd.log"; then
		t_fail 'sanitizers are content' "$(grep -hEA 12 'AddressSanitizer|runtime error:' "$T/hostd.log")"
	fi
}
T_CLEANUP=(hostd_end "${T_CLEANUP[@]}")

token_of() { vmprov --store "$POLICYD_STORE" token --host "$1" 2>/dev/null; }
token_write() {
	rm -f "$ID/token"
	(umask 077 && printf '%s\n' "$1" > "$ID/token.new") && chown "$USER_OF" "$ID/token.new" && mv "$ID/token.new" "$ID/token"
}
pair_fits() {
	[ "$(openssl x509 -in "$ID/host.pem" -noout -pubkey 2>&1)" = "$(openssl pkey -in "$ID/host.key" -pubout 2>&1)" ]
}
serial() { openssl x509 -in "$ID/host.pem" -noout -serial | sed 's/serial=//' | tr A-F a-f; }
enrolled() { [ "$(identity serial)" = "$(serial)" ] && pair_fits; }
certificates() { sql "SELECT count(*) FROM certificate WHERE host_id = (SELECT id FROM host WHERE name = '$1')"; }

# -- what can be said beforehand
check() { hostd -t -c "$T/hostd.conf"; }
hostd_conf
ok 'hostd -t without a certificate, which is to come' check
mv "$T/radius-ca.pem" "$T/away"
fails 'without the RADIUS server'\''s CA' 'radius-ca.pem: cannot open' check
mv "$T/away" "$T/radius-ca.pem"
echo none > "$T/policyd-ca.pem"
fails 'with a CA of policyd that is none' 'policyd-ca.pem: expected 1 to 64 certificates' check
sed -i 's/^key = .*/&\nenrol = no/' "$T/hostd.conf"
cp "$CA" "$T/policyd-ca.pem"
fails 'without one that somebody else makes' 'host.pem: cannot open' check

# -- by the token of a file
hostd_conf
token_write "$(token_of hv1)"
hostd_run
ok 'a host without a certificate gets one by the token of a file' wait_for 10 enrolled
is 'its name is what the store says' "$(identity name)" hv1.example
is 'the key is its own alone' "$(stat -c '%a %U' "$ID/host.key")" "600 $USER_OF"
ok 'the token is gone' test ! -e "$ID/token"
is 'nothing else is left' "$(ls "$ID" | tr '\n' ' ')" 'host.key host.pem '
is 'it is logged' "$(logged identity-enrolled)" 1
first=$(serial)
hostd_end
hostd_run
is 'started again, it has the same' "$(identity serial)" "$first"
is 'no other was asked for' "$(certificates hv1)" 1
hostd_end

# -- by the operator
hostd_conf
hostd_run
ok 'without a token it says what is missing' wait_for 5 identity_says error 'expected a token in .policyd. token_file, or vmprov-hostctl enrol'
fails 'a token that is not good' 'policyd: .*401' ctl enrol <<< 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'
fails 'what is no token at all' '.' ctl enrol <<< 'two words'
ok 'vmprov-hostctl enrol' ctl enrol < <(token_of hv1)
ok 'brings one' wait_for 10 enrolled
ok 'it replaces one that is there' ctl enrol < <(token_of hv2)
ok 'by another host'\''s' wait_for 10 identity_says name '^hv2$'
ok 'whole' pair_fits
ok 'no token in the log' bash -c "! grep -E '[A-Za-z0-9_-]{43}' '$T/hostd.log'"
hostd_end

# -- what is wrong with the file
hostd_conf
token_of hv1 > "$ID/token"
chmod 644 "$ID/token"
chown "$USER_OF" "$ID/token"
hostd_run
ok 'a token that others may read is not used' wait_for 5 identity_says error 'token: mode 644: expected'
chmod 600 "$ID/token"
ok 'made private, it is, soon' wait_for 10 enrolled
hostd_end
hostd_conf
token_write 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'
hostd_run
ok 'a wrong token is said' wait_for 5 identity_says error 'policyd: .*401'
sleep 3
is 'once, and not asked again' "$(logged identity-failed)" 1
token_write "$(token_of hv1)"
ok 'the next in its place is taken' wait_for 10 enrolled
hostd_end

# -- the wrong server
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/other.key" -out "$T/other.pem" -subj /CN=other -days 2 2>/dev/null
hostd_conf "$T/other.pem"
token_write "$(token_of hv1)"
hostd_run
ok 'a policyd of another CA gets no token' wait_for 5 identity_says error 'certificate'
is 'and no certificate' "$(identity there)" false
cp "$CA" "$T/policyd-ca.pem"
ok 'with the right one it goes on by itself' wait_for 10 enrolled
hostd_end
hostd_conf
sed -i 's|^url = .*|url = https://127.0.0.2:'"$POLICYD_PORT|" "$T/hostd.conf"
token_write "$(token_of hv1)"
hostd_run
ok 'a policyd under another name neither' wait_for 5 identity_says error '127.0.0.2'
hostd_end

# -- policyd is not there
hostd_conf
token_write "$(token_of hv1)"
policyd_stop
hostd_run
ok 'without policyd' wait_for 5 identity_says error '[Cc]onnect'
policyd_start "$T" || exit 1
ok 'it waits for it' wait_for 15 enrolled
is 'with one line about it' "$(logged identity-failed)" 1
hostd_end

# -- files that are damaged
: > "$ID/host.key"
token=$(token_of hv1)
hostd_run
ok 'an empty key is said' wait_for 5 identity_says error 'host.key: expected a private key'
token_write "$token"
ok 'a token gets a new pair' wait_for 10 enrolled
hostd_end
chmod 644 "$ID/host.key"
hostd_run
ok 'a key that others may read' wait_for 5 identity_says error 'host.key: mode 644'
is 'is not used' "$(identity there)" false
hostd_end
chmod 600 "$ID/host.key"
: > "$ID/host.key.next"
: > "$ID/host.pem.next"
echo partial > "$ID/host.key.next.tmp-AbCdEf"
chown "$USER_OF" "$ID"/*
hostd_run
ok 'leftovers do not harm' enrolled
ok 'and are swept' test ! -e "$ID/host.pem.next" -a ! -e "$ID/host.key.next.tmp-AbCdEf"
ok 'and a next key that is none is made anew' ctl enrol < <(token_of hv1)
ok 'for the next pair' wait_for 10 enrolled
hostd_end

# -- interrupted between the two renames
cp -p "$ID/host.pem" "$T/old.pem" && cp -p "$ID/host.key" "$T/old.key"
hostd_run && ctl enrol < <(token_of hv1) >/dev/null && wait_for 10 enrolled
hostd_end
mv "$ID/host.key" "$ID/host.key.next" && cp -p "$T/old.key" "$ID/host.key"
hostd_run
ok 'a kill between the two renames is mended' wait_for 5 enrolled
hostd_end
mv "$ID/host.key" "$ID/host.key.next" && mv "$ID/host.pem" "$ID/host.pem.next" && cp -p "$T/old.pem" "$ID/host.pem" && cp -p "$T/old.key" "$ID/host.key"
hostd_run
ok 'and one before them' wait_for 5 enrolled
ok 'with the new pair' bash -c "! cmp -s '$T/old.pem' '$ID/host.pem'"
hostd_end

# -- killed while it enrols
torn=0 lost=0
for ((i = 0; i < ${KILLS:-8}; i++)); do
	rm -f "$ID"/*
	before=$(certificates hv1)
	token_write "$(token_of hv1)"
	env hostd -c "$T/hostd.conf" 2>>"$T/hostd.log" &
	HOSTD_PID=$!
	sleep "0.$(printf '%02d' $((RANDOM % 40 + 2)))"
	hostd_end KILL
	wait_for 5 bash -c "! pgrep -f '^hostd: .*' >/dev/null || true"
	if [ -e "$ID/host.pem" ] && [ ! -e "$ID/host.key.next" ]; then pair_fits || torn=$((torn + 1)); fi
	hostd_run
	wait_for 10 enrolled || lost=$((lost + 1))
	[ "$(certificates hv1)" = $((before + 1)) ] || lost=$((lost + 1))
	hostd_end
done
is 'killed while it enrols, no pair is torn' $torn 0
is 'and the same token brings the one certificate' $lost 0

# -- renewal: a clock that can be set
faketime=$(ls /usr/lib/*/faketime/libfaketime.so.1 2>/dev/null | head -n 1)
if [ -n "$faketime" ] && [ -z "${SAN:-}" ]; then
	echo '+0' > "$T/clock"
	chmod 644 "$T/clock"
	CLOCK="LD_PRELOAD=$faketime FAKETIME_TIMESTAMP_FILE=$T/clock FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1 NO_FAKE_STAT=1"
	hostd_run
	old=$(serial)
	renew=$(($(identity renew_at) - $(date +%s)))
	ok 'renewal is due when two thirds of its life are over' test "$renew" -gt 150 -a "$renew" -lt 225
	hostd_end
	echo '+230' > "$T/clock"
	hostd_run
	renewed() { enrolled && [ "$(serial)" != "$old" ]; }
	ok 'then it is renewed' wait_for 10 renewed
	is 'by the certificate before' "$(logged identity-renewed)" 1
	is 'and policyd has it' "$(sql "SELECT count(*) FROM certificate WHERE serial = '$(serial)'")" 1
	hostd_end

	sql "UPDATE host SET enabled = 0 WHERE name = 'hv1'"
	echo '+0' > "$T/clock"
	sleep 1
	touch -d '-10 minutes' "$ID/host.pem"
	old=$(serial)
	echo '+270' > "$T/clock"
	hostd_run
	ok 'a host that is disabled is not renewed, and says why' wait_for 10 identity_says error 'policyd: .*403'
	is 'it keeps what it has' "$(identity serial)" "$old"
	sql "UPDATE host SET enabled = 1 WHERE name = 'hv1'"
	ok 'enabled, it is' wait_for 15 renewed
	hostd_end

	ok 'a certificate that is revoked' vmprov --store "$POLICYD_STORE" cert revoke host:hv1
	touch -d '-10 minutes' "$ID/host.pem"
	hostd_run
	ok 'is not renewed' wait_for 10 identity_says error 'policyd: .*403'
	token_write "$(token_of hv1)"
	old=$(serial)
	ok 'a new token replaces it' wait_for 20 renewed
	hostd_end

	echo '+400' > "$T/clock"
	hostd_run
	ok 'a certificate that has ended' wait_for 5 identity_says error 'has ended'
	is 'is not renewed' "$(logged identity-renewed)" 0
	hostd_end
	CLOCK=
else
	echo 'hostd_identity: left out: renewal, which needs libfaketime and no sanitizer'
fi

# -- no room
if mount -t tmpfs -o size=64k tmpfs "$ID" 2>/dev/null; then
	chown "$USER_OF" "$ID" && chmod 700 "$ID"
	token_write "$(token_of hv1)"
	dd if=/dev/zero of="$ID/filler" bs=1k count=64 2>/dev/null
	hostd_run
	ok 'a full disk is said' wait_for 5 identity_says error 'No space left'
	rm "$ID/filler"
	ok 'with room again it enrols' wait_for 15 enrolled
	hostd_end
	umount "$ID"
fi

# -- somebody else's certificate
hostd_conf
sed -i "s|^key = .*|&\nenrol = no|" "$T/hostd.conf"
other() { openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/x.key" -out "$T/x.pem" -subj "/CN=$1" -days 2 2>/dev/null && chmod 600 "$T/x.key" && chown "$USER_OF" "$T/x.key" && mv "$T/x.key" "$ID/host.key" && mv "$T/x.pem" "$ID/host.pem"; }
other here
hostd_run
ok 'enrol = no: what is there is used' wait_for 5 identity_says name '^here$'
fails 'and not replaced' 'enrol = no' ctl enrol < <(token_of hv1)
hostd_end
t_end
