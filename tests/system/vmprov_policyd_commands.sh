#!/bin/bash
# The commands of vmprov that go with policyd, on a store without one: token, cert, coi rotate and keys, audit, template.
. "$(dirname "$0")/lib.sh"
t_begin vmprov_policyd_commands

store=$T/policy.db
VMPROV_STORE=$store
export VMPROV_STORE
sql() { sqlite3 -bail "$store" "$@"; }
code() {
	"$@" >/dev/null 2>&1
	echo $?
}
# json FIELD: of the object, or of the objects one a line, on standard input.
json() { sed -nE "s/.*\"$1\": ?(\"[^\"]*\"|[^],}]*).*/\\1/p" | tr -d '"'; }
token_form='^[A-Za-z0-9_-]{43}$'

vmprov init >/dev/null
vmprov coi add web vlan=100 >/dev/null
vmprov coi add db >/dev/null
vmprov host add hv1 >/dev/null
vmprov vm add 52:54:00:00:01:01 name=w1 >/dev/null

# -- templates are a noun
ok 'template add' vmprov template add webt cois=web,db auto_create=yes cert_life_s=3600 gateway=192.0.2.9
ok 'another' vmprov template add gate kind=gateway
is 'template list' "$(vmprov --json template list kind=gateway | json name)" gate
fails 'host is no name for one' 'name: expected 1 to 64' vmprov template add host
fails 'a kind that is none' 'kind: expected vm or gateway' vmprov template set gate kind=router
fails 'a COI in use by a template' 'still in templates' vmprov coi rm db

# -- token
fails 'a VM that is no guest yet' 'is no guest yet: expected --template' vmprov token w1
is 'exit code' "$(code vmprov token w1)" 1
like 'a token, alone on standard output' "$(vmprov token w1 --template webt 2>/dev/null)" "$token_form"
like 'what it is for, on standard error' "$(vmprov token w1 2>&1 >/dev/null)" '^vm w1, uuid [0-9a-f-]{36}, label webt, for 600 s:$'
uuid=$(sql "SELECT uuid FROM guest")
is 'the guest keeps its UUID' "$(vmprov --json token 5254.0000.0101 2>&1 | json uuid)" "$uuid"
is 'it joined the COIs of the template' "$(sql "SELECT cois FROM vm_record WHERE name = 'w1'")" 'web,db'
is 'older tokens are void' "$(sql 'SELECT count(*) FROM token')" 1
token=$(vmprov --json token w1 --life 60 | json token)
like '--json' "$token" "$token_form"
is 'its life' "$(sql 'SELECT expires_at - issued_at FROM token')" 60
is 'the store has its hash alone' "$(sql 'SELECT lower(hex(hash)) FROM token')" "$(printf %s "$token" | sha256sum | cut -d ' ' -f 1)"
is 'and nobody else has the token' "$(cat "$T"/policy.db* | grep -caF -e "$token")" 0
fails 'another UUID' 'is guest .*, not' vmprov token w1 --uuid 11111111-2222-4333-8444-555555555555
is 'a VM that nobody registered' "$(vmprov --json token 52:54:00:00:01:02 --template webt --uuid 11111111-2222-4333-8444-555555555555 | json uuid)" \
	11111111-2222-4333-8444-555555555555
fails 'a template that makes none' 'not found, and template gate makes none' vmprov token 52:54:00:00:01:03 --template gate
is 'exit code' "$(code vmprov token 52:54:00:00:01:03 --template gate)" 3
is 'no such template' "$(code vmprov token w1 --template nope)" 3
is 'no such VM' "$(code vmprov token nobody)" 3
fails 'another template' 'made from another template' vmprov token w1 --template gate
is 'exit code' "$(code vmprov token w1 --template gate)" 1
fails 'no UUID' 'expected a UUID' vmprov token w1 --uuid 1
like 'a host' "$(vmprov token --host hv1 2>/dev/null)" "$token_form"
is 'a host, --json' "$(vmprov --json token --host hv1 | json host)" hv1
is 'no such host' "$(code vmprov token --host nobody)" 3
vmprov host set hv1 enabled=no >/dev/null
fails 'a host that is disabled' 'disabled' vmprov token --host hv1
vmprov host set hv1 enabled=yes >/dev/null
for words in '' 'w1 w2' '--host hv1 w1' '--host hv1 --template webt' '--host hv1 --uuid 1' 'w1 --life 9' 'w1 --life 601' 'w1 --life 1m' \
	'w1 --life ' 'w1 --frobnicate'; do
	# shellcheck disable=SC2086 # words
	is "wrong command line: token $words" "$(code vmprov token $words)" 2
done
before=$(sql 'SELECT count(*) FROM audit')
code vmprov token w1 --uuid 1 >/dev/null
is 'what was refused left no event' "$(sql 'SELECT count(*) FROM audit')" "$before"

# -- coi rotate, coi keys
is 'no keys yet' "$(vmprov --json coi keys)" '[]'
sql "INSERT INTO coi_key (coi_id, epoch, sealed, created_at) SELECT id, 1, randomblob(69), 1700000000 FROM coi;
	DELETE FROM coi_rotation"
is 'coi rotate' "$(vmprov coi rotate web db)" $'coi web rotating\ncoi db rotating'
is 'policyd is told' "$(sql 'SELECT count(*) FROM coi_rotation')" 2
is 'to ask again is harmless' "$(vmprov --json coi rotate web)" '{"rotating": 1}'
sql 'DELETE FROM coi_rotation'
is 'one of which is not there' "$(code vmprov coi rotate web nobody)" 3
is 'none of them' "$(sql 'SELECT count(*) FROM coi_rotation')" 0
is 'none named' "$(code vmprov coi rotate)" 2
fails 'another noun has no keys' 'expected add, set, list, show or rm' vmprov vm rotate w1
fails 'a verb that is none' 'expected add, set, list, show, rm, rotate or keys' vmprov coi frobnicate
like 'coi keys' "$(vmprov coi keys web)" 'web +1 2023-11-14T22:13:20Z - +2 +0'
is 'coi keys --json' "$(vmprov --json coi keys web | json epoch) $(vmprov --json coi keys web | json current)" '1 true'
is 'coi keys of none' "$(code vmprov coi keys nobody)" 3
is 'coi keys of two' "$(code vmprov coi keys web db)" 2

# -- cert
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /dev/null -outform DER -out "$T/c.der" -subj /CN=w1 2>/dev/null
# certificate SERIAL KIND MAC HOST USED NOT_AFTER
certificate() {
	sql "INSERT INTO certificate (serial, kind, mac, host_id, subject, not_before, not_after, issued_at, used_at, key_digest, der)
		VALUES ('$1', '$2', $3, $4, 'w1', 1700000000, $6, 1700000000, $5, randomblob(32), readfile('$T/c.der'))"
}
later=$(($(date +%s) + 86400))
a=4abcdef0abcdef0abcdef0abcdef0abc b=4bcdef0abcdef0abcdef0abcdef0abcd c=4cdef0abcdef0abcdef0abcdef0abcde d=4def0abcdef0abcdef0abcdef0abcdef
certificate $a vm 0x525400000101 NULL 1700000001 $later
certificate $b vm 0x525400000101 NULL NULL $later
certificate $c host NULL "$(sql "SELECT id FROM host")" 1700000001 $later
certificate $d vm 0x525400000102 NULL NULL 1700000100
states() { vmprov --json cert list "$@" | sed -nE 's/.*"serial": "(..).*"state": "([a-z]*)".*/\1 \2/p' | sort | paste -sd ,; }
is 'cert list' "$(states)" '4a good,4b prepared,4c good'
is 'cert list --all' "$(states --all)" '4a good,4b prepared,4c good,4d expired'
is 'of a VM' "$(states w1)" '4a good,4b prepared'
is 'of a host' "$(states host:hv1)" '4c good'
is 'one' "$(states $a)" '4a good'
like 'for people' "$(vmprov cert list host:hv1)" "^SERIAL.*$c host +host:hv1 +w1 +20.*Z good +-"
is 'of nobody' "$(code vmprov cert list nobody)" 3
is 'of no host' "$(code vmprov cert list host:nobody)" 3
is 'cert show' "$(vmprov cert show $a | openssl x509 -outform DER | sha256sum)" "$(sha256sum < "$T/c.der")"
like 'in upper case' "$(vmprov cert show "${a^^}")" '^-----BEGIN CERTIFICATE-----'
is 'cert show --json' "$(vmprov --json cert show $d | json state)" expired
is 'cert show of one that is not there' "$(code vmprov cert show 45555555555555555555555555555555)" 3
fails 'cert show of a VM' 'expected a serial number of 32' vmprov cert show w1
fails 'a reason that is none' 'reason tired: expected unspecified, keyCompromise' vmprov cert revoke $a --reason tired
is 'and nothing was revoked' "$(states w1)" '4a good,4b prepared'
is 'cert revoke, a serial number' "$(vmprov cert revoke $b --reason superseded)" "$b: 1 certificate revoked, superseded"
is 'which makes no new keys' "$(sql 'SELECT count(*) FROM coi_rotation')" 0
is 'cert revoke, a VM' "$(vmprov --json cert revoke w1 --reason keyCompromise)" '{"revoked": 1, "reason": "keyCompromise"}'
is 'its states' "$(states --all w1)" '4a revoked,4b superseded'
is 'its COIs get new keys' "$(sql 'SELECT count(*) FROM coi_rotation')" 2
is 'once is enough' "$(vmprov cert revoke w1)" 'w1: 0 certificates revoked, unspecified'
is 'cert revoke, a host' "$(vmprov cert revoke host:hv1)" 'host:hv1: 1 certificate revoked, unspecified'
is 'cert revoke of nobody' "$(code vmprov cert revoke nobody)" 3
for words in '' frobnicate show 'show a b' revoke 'revoke w1 w2' 'revoke w1 --all' 'list --reason keyCompromise' 'list a b' "show $a --all"; do
	# shellcheck disable=SC2086 # words
	is "wrong command line: cert $words" "$(code vmprov cert $words)" 2
done

# -- audit
who="administrator $(logname 2>/dev/null || echo "${SUDO_USER:-$(id -un)}")"
events() { vmprov --json audit "$@" | json event | sort | uniq -c | awk '{print $2 "=" $1}' | paste -sd ,; }
like 'who did it' "$(vmprov --json audit --last 1 | json actor)" "^$who$"
is 'each revocation is an event' "$(events --event revoked)" 'revoked=3'
is 'each token' "$(events --event token-made --about hv1)" 'token-made=2'
is 'a VM that was made' "$(events --about 52:54:00:00:01:02)" 'created=1,token-made=1'
is 'rotations that were asked for' "$(events --event rotation-asked)" 'rotation-asked=3'
is '--last' "$(vmprov --json audit --last 2 | wc -l)" 2
is '--since' "$(events --since 1h)" "$(events)"
is '--since, a time to come' "$(vmprov --json audit --since 2099-01-01)" ''
like 'for people' "$(vmprov audit --last 1)" "^TIME +EVENT .*revoked +$who +host hv1 +serial $c, reason unspecified"
is 'no token in any of them' "$(vmprov audit | grep -cF -e "$token")" 0
for words in x '--last 0' '--last x' '--since x' '--since 99999999999d' '--since 5y' '--since'; do
	# shellcheck disable=SC2086 # words
	is "wrong command line: audit $words" "$(code vmprov audit $words)" 2
done
vmprov --json audit --follow > "$T/follow" &
follower=$!
T_CLEANUP+=("kill $follower")
ok '--follow begins with the last' wait_for 5 grep -q hv1 "$T/follow"
vmprov coi rotate db >/dev/null
# shellcheck disable=SC2317 # through wait_for
followed() { [ "$(wc -l < "$T/follow")" = "$1" ]; }
ok 'and goes on: ten, and one' wait_for 5 followed 11
like 'which is the new one' "$(tail -n 1 "$T/follow")" '"rotation-asked".*"subject":"coi db"'
kill -INT "$follower"
wait "$follower"
is 'until SIGINT' $? 0
T_CLEANUP=()

# -- the rest
for words in 'token w1' 'cert list' audit 'coi keys' 'coi rotate web' 'template list'; do
	# shellcheck disable=SC2086 # words
	is "$words without a store" "$(code vmprov --store "$T/none.db" $words)" 4
done
complete_words() { vmprov complete -- "$@" | paste -sd ' '; }
is 'verbs of cert' "$(complete_words cert '')" 'list show revoke --all --reason'
is 'verbs of a COI' "$(complete_words coi '')" 'add set list show rm rotate keys'
is 'COIs to rotate' "$(complete_words coi rotate web d)" db
is 'templates for a token' "$(complete_words token w1 --template '')" 'gate webt'
is 'hosts' "$(complete_words token --host '')" hv1
like 'VMs' "$(complete_words cert revoke w)" 'w1'
doctor() { vmprov doctor 2>&1; }
like 'doctor: a template without COIs' "$(doctor)" 'WARN  templates: gate has no COIs'
vmprov coi add late >/dev/null
like 'doctor: a COI without a key' "$(doctor)" 'WARN  COI keys: late has none'
sql "INSERT INTO certificate (serial, kind, host_id, subject, not_before, not_after, issued_at, used_at, key_digest, der)
	SELECT '46666666666666666666666666666666', 'host', id, 'hv1', $later - 7776000, $later, 1, 1, randomblob(32), x'00' FROM host"
like 'doctor: a host that does not renew' "$(doctor)" 'WARN  host certificates: hv1: ends'
t_end
