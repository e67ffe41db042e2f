#!/bin/bash
# Killed at any instant, the disk full, the clock stepped: nothing granted is lost or doubled, and policyd says what happened.
. "$(dirname "$0")/lib.sh"
. "$HERE/daemon.sh"
t_begin policyd_crash

uuid_of() { printf '11111111-2222-4333-8444-5555555%05d' "$1"; }
mac_of() { printf '52:54:00:01:%02x:%02x' $(($1 / 256)) $(($1 % 256)); }

# -- kill -9 of each process while VMs enrol
policyd_make "$T"
policyd_start "$T" || exit 1
policyd_sample
host_enrol hv1 || exit 1
N=${VMPROV_STORM:-48}
for n in $(seq "$N"); do key_new "$T/vm$n.key"; done

# A guest as it is in life: asks until it has what it wants.
guest() {
	local n=$1 token=''
	for _ in $(seq 100); do
		[ -n "$token" ] || token=$(starting hv1 "$(uuid_of "$n")" "$(mac_of "$n")" web 2>/dev/null | field token)
		[ -n "$token" ] && enrol web "$token" "$T/vm$n.key" >/dev/null 2>&1 && break
		# Refused means that a token is no good any more: never here, since no one else has it.
		grep -qs 'status 401' "$T/vm$n.pem" && echo "$n: $(cat "$T/vm$n.pem")" >> "$T/refused" && token=''
		sleep 0.05
	done
	as "vm$n" GET /v1/coi-keys > "$T/keys$n" 2>/dev/null || sleep 0.2
}
export -f guest
(
	for slot in 0 1 2 3 4 5; do
		(for n in $(seq $((slot + 1)) 6 "$N"); do guest "$n"; done) &
	done
	wait
	touch "$T/all"
) &
storm=$!
kills=0
for victim in store net signer store signer net store; do
	[ ! -e "$T/all" ] || break
	pid=$(policyd_process $victim)
	[ -n "$pid" ] && kill -9 "$pid" 2>/dev/null && kills=$((kills + 1))
	wait_for 10 sh -c "! kill -0 ${pid:-0} 2>/dev/null"
	wait_for 20 policyd_ready
done
wait "$storm"
ok "processes were killed meanwhile ($kills times)" [ "$kills" -ge 3 ]
got=0 unknown=0
for n in $(seq "$N"); do
	serial=$(openssl x509 -in "$T/vm$n.pem" -noout -serial 2>/dev/null | cut -d= -f2 | tr A-F a-f)
	[ -n "$serial" ] || continue
	got=$((got + 1))
	echo "$serial" >> "$T/serials"
	[ "$(sql "SELECT count(*) FROM certificate WHERE serial = '$serial'")" = 1 ] || unknown=$((unknown + 1))
done
is 'every guest got its certificate' "$got" "$N"
is 'no token was refused to its guest' "$(cat "$T/refused" 2>/dev/null)" ''
is 'no serial number was given twice' "$(sort "$T/serials" | uniq -d | wc -l)" 0
is 'no certificate is unknown to the store' "$unknown" 0
is 'no token gave two certificates' "$(sql 'SELECT count(*) FROM (SELECT serial FROM token WHERE serial IS NOT NULL GROUP BY serial HAVING count(*) > 1)')" 0
is 'and each has its token or one since voided' "$(sql "SELECT count(*) FROM token WHERE used_at IS NOT NULL AND serial NOT IN (SELECT serial FROM certificate)")" 0
is 'certificates are no more than guests and their keys' "$(sql "SELECT count(*) FROM (SELECT key_digest FROM certificate WHERE kind = 'vm' GROUP BY key_digest HAVING count(*) > 1 AND count(DISTINCT mac) > 1)")" 0
is 'the store is whole' "$(sql 'PRAGMA integrity_check')" ok
is 'each COI has every epoch once' "$(sql 'SELECT count(*) FROM coi_key WHERE epoch > 1')" 0
for n in 1 "$N"; do ok "guest $n is a member" as "vm$n" GET /v1/coi-keys; done
ok 'policyd said that processes ended' grep -q '"event":"process-ended"' "$POLICYD_LOG"

# -- the parent killed: nobody is left, and the next start finds everything
children=$(pgrep -P "$POLICYD_PID" | tr '\n' ' ')
{
	kill -9 "$POLICYD_PID"
	wait "$POLICYD_PID"
} 2>/dev/null
POLICYD_PID=
gone() { local p; for p in $children; do kill -0 "$p" 2>/dev/null && return 1; done; return 0; }
ok 'its processes end with it' wait_for 5 gone
policyd_start "$T" || exit 1
ok 'and knows its guests' as vm1 GET /v1/coi-keys

# -- a revocation is not lost
revoke() { vmprov --store "$POLICYD_STORE" cert revoke "$(mac_of 2)"; }
ok 'revoked' revoke
kill -9 "$(policyd_process store)"
wait_for 5 sh -c '! curl -sf "$1/readyz"' - "$POLICYD_STATUS"
ok 'after a kill it answers' wait_for 20 policyd_ready
fails 'and refuses still' 'revoked' as vm2 GET /v1/coi-keys
policyd_stop

# -- a full disk
if [ "$(id -u)" = 0 ] && mkdir "$T/small" && mount -t tmpfs -o size=6m,mode=755 tmpfs "$T/small" 2>/dev/null; then
	unmount() { policyd_stop; umount "$T/small" 2>/dev/null; }
	T_CLEANUP+=(unmount)
	mkdir "$T/disk"
	policyd_make "$T/disk" '' "$T/small/policy.db"
	POLICYD_DIR=$T/disk
	chown daemon "$T/small"
	policyd_start "$T/disk" || exit 1
	policyd_sample
	host_enrol hv1
	join hv1 "$(uuid_of 1)" "$(mac_of 1)" web vm1
	before=$(sql 'SELECT count(*) FROM certificate')
	dd if=/dev/zero of="$T/small/fill" bs=4k 2>/dev/null
	refused() { ! curl -sf "$POLICYD_STATUS/healthz" >/dev/null; }
	ok 'a full disk: health says so' wait_for 20 refused
	like 'and why' "$(curl -s "$POLICYD_STATUS/healthz")" 'full'
	fails 'a start is refused' 'status 503' starting hv1 "$(uuid_of 3)" "$(mac_of 3)" web
	key_new "$T/disk/vm3.key"
	fails 'a renewal too' 'status 503' renew web "$T/disk/vm1" "$T/disk/vm3"
	ok 'what needs no disk is served' as vm1 GET /v1/coi-keys
	rm "$T/small/fill"
	healthy() { curl -sf "$POLICYD_STATUS/healthz" >/dev/null; }
	ok 'with room again, it is well by itself' wait_for 20 healthy
	is 'nothing was granted meanwhile' "$(sql "SELECT count(*) FROM certificate WHERE kind <> 'server'")" "$(sql "SELECT count(*) FROM certificate WHERE kind <> 'server' AND issued_at <= (SELECT max(at) FROM audit)")"
	ok 'no certificate more' [ "$(sql 'SELECT count(*) FROM certificate')" -le $((before + 1)) ]
	ok 'and the start is granted' starting hv1 "$(uuid_of 3)" "$(mac_of 3)" web
	is 'the store is whole' "$(sql 'PRAGMA integrity_check')" ok
	unmount
fi

# -- the clock
faketime_so=$(echo /usr/lib/*/faketime/libfaketime.so.1)
if [ -z "${SAN:-}" ] && [ -e "$faketime_so" ]; then
	mkdir "$T/clock"
	policyd_make "$T/clock"
	POLICYD_DIR=$T/clock
	echo '+0' > "$T/now"
	chmod 644 "$T/now"
	POLICYD_ENV="LD_PRELOAD=$faketime_so FAKETIME_TIMESTAMP_FILE=$T/now FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1"
	policyd_start "$T/clock" || exit 1
	policyd_sample
	host_enrol hv1
	token=$(starting hv1 "$(uuid_of 1)" "$(mac_of 1)" web | field token)
	stepped() { [ "$(sql "SELECT count(*) FROM audit WHERE event = 'clock-stepped'")" -ge "$1" ]; }
	echo '+2h' > "$T/now"
	ok 'a step forward is noticed' wait_for 10 stepped 1
	key_new "$T/clock/vm1.key"
	ok 'a token of this boot lives on' enrol web "$token" "$T/clock/vm1.key"
	token=$(starting hv1 "$(uuid_of 2)" "$(mac_of 2)" web | field token)
	echo '-2h' > "$T/now"
	ok 'a step back too' wait_for 10 stepped 2
	key_new "$T/clock/vm2.key"
	ok 'and then as well' enrol web "$token" "$T/clock/vm2.key"
	ok 'the log says how far' grep -q '"event":"clock-stepped","seconds":"-' "$POLICYD_LOG"
	echo '+0' > "$T/now"
	wait_for 10 stepped 3
	fails 'a used token stays used' 'status 401' enrol web "$token" "$T/clock/vm1.key"
	POLICYD_ENV=
fi
t_end
