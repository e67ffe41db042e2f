#!/bin/bash
# vmprov session and nas test, on sessions that sqlite3 has made: what needs no policyd first, then with one.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/daemon.sh"
t_begin vmprov_session

store=$T/policy.db
VMPROV_STORE=$store
POLICYD_STORE=$store
export VMPROV_STORE
ses() { sqlite3 -bail -cmd '.timeout 10000' "$T/session.db" "$@"; }
code() {
	"$@" >/dev/null 2>&1
	echo $?
}
# Of the JSON on standard input: query SQL has it as DOC, get PATH is one value, fields PATH one of each item; null is "-".
query() {
	cat > "$T/json"
	sqlite3 -nullvalue - :memory: "${1//DOC/readfile(\'$T/json\')}"
}
get() { query "SELECT DOC ->> '$1'"; }
fields() { query "SELECT value ->> '$1' FROM json_each(DOC)" | paste -sd ' '; }

vmprov init >/dev/null
vmprov nas add leaf1 address=192.0.2.1 dialect=cisco >/dev/null
vmprov nas add leaf2 address=2001:db8::2 >/dev/null
vmprov coi add web vlan=100 >/dev/null
vmprov vm add 52:54:00:00:01:01 name=w1 cois=web mab=yes >/dev/null
vmprov vm add 52:54:00:00:01:02 name=w2 cois=web mab=yes >/dev/null
vmprov vm add 52:54:00:00:01:03 name=w3 mab=yes >/dev/null
now=$(date +%s)
# lasting MAC NAS PORT_ID [COLUMN=VALUE...]
lasting() {
	ses "INSERT INTO session (mac, state, token, nas, nas_port_id, user_name, authorized_at, since, updated_at)
		VALUES ($1, 'started', 0xfedcba9876543210, '$2', '$3', '52-54-00', $now, $now, $now)"
	[ -z "${4:-}" ] || ses "UPDATE session SET $4 WHERE mac = $1"
}
# past MAC NAS STATE [PORT]
past() {
	ses "INSERT INTO past (mac, state, cause, token, nas, nas_port, authorized_at, since, updated_at, ended_at)
		VALUES ($1, '$3', 'User-Request', 1, '$2', ${4:-7}, $now, $now, $now, $now)"
}

# -- nothing there
is 'list of none' "$(vmprov --json session list)" '[]'
fails 'show of none' '52:54:00:00:01:01: has no session, and had none' vmprov session show w1
is 'exit code' "$(code vmprov session show w1)" 3
is 'disconnect of none' "$(code vmprov session disconnect w1)" 3
is 'of a NAS that has none' "$(code vmprov session disconnect --nas leaf1)" 3
is 'and no job' "$(sql 'SELECT count(*) FROM coa_job')" 0

# -- list
lasting 0x525400000101 192.0.2.1 Ethernet1/5 "vlan = 100, policy = (1 << 56) + 1, input_octets = 5, cert_name = '', method = 0"
lasting 0x525400000102 192.0.2.1 '' 'nas_port = 12, vlan = 100'
lasting 0x525400000103 2001:db8::2 1/1 'method = 3'
lasting 0x525400000199 192.0.2.9 x 'quarantined = 1, vlan = 666, policy = (1 << 56) + 7'
lasting 0x52540000019a 192.0.2.9 y "authorized_at = 0, token = 0, user_name = CAST(x'ff' AS TEXT)"
is 'list' "$(vmprov --json session list | fields mac)" \
	'52:54:00:00:01:01 52:54:00:00:01:02 52:54:00:00:01:03 52:54:00:00:01:99 52:54:00:00:01:9a'
is 'names of the VMs' "$(vmprov --json session list | fields vm)" 'w1 w2 w3 - -'
is 'names of the NASes' "$(vmprov --json session list | fields nas_name)" 'leaf1 leaf1 leaf2 - -'
is 'tokens' "$(vmprov --json session list --vm w1 | get '$[0].token')" fedcba9876543210
is 'counters' "$(vmprov --json session list --vm w1 | get '$[0].input_octets')" 5
is 'octets that are no text' "$(vmprov --json session list --vm 5254.0000.019a | get '$[0].user_name')" '?'
is 'what is not known' "$(vmprov --json session list --vm 52540000019a | get '$[0].method')" -
is 'what would be answered now' "$(vmprov --json session list | fields '$.now.verdict')" 'allow allow host-unknown unknown unknown'
is 'whether that is something else' "$(vmprov --json session list | fields '$.now.differs')" '1 - 1 0 -'
like 'for people' "$(vmprov session list --vm w1)" '^MAC +VM +STATE +NAS +PORT +VLAN +METHOD +SINCE +UPDATED +JOB.*52:54:00:00:01:01 +w1 +started +leaf1 +Ethernet1/5 +100 +mab +20.*Z +20.*Z +-'
like 'a NAS-Port' "$(vmprov session list --vm w2)" 'leaf1 +12 +100'
like 'an unknown NAS' "$(vmprov session list --nas 192.0.2.9)" '- +started +192.0.2.9 +x +666'
is '--nas, a name' "$(vmprov --json session list --nas leaf1 | fields vm)" 'w1 w2'
is '--nas, an address' "$(vmprov --json session list --nas 2001:DB8:0::2 | fields vm)" w3
is '--nas and --vm' "$(vmprov --json session list --nas leaf2 --vm w1)" '[]'
is 'no such NAS' "$(code vmprov session list --nas leaf9)" 3
is 'no such VM' "$(code vmprov session list --vm nobody)" 3
is 'past: none' "$(vmprov --json session list --past)" '[]'
past 0x525400000101 2001:db8::2 moved
past 0x525400000101 192.0.2.1 stopped
is '--past' "$(vmprov --json session list --past | fields state)" 'moved stopped'
is 'has no verdict' "$(vmprov --json session list --past | get '$[0].now')" -
like '--past for people' "$(vmprov session list --past --nas leaf2)" 'ENDED +CAUSE.*w1 +moved +leaf2 +7 +- +mab .* User-Request'
ses "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)
	INSERT INTO session (mac, state, token, nas, authorized_at, since, updated_at)
	SELECT 0x02aa00000000 + i, 'interim', i, '198.51.100.7', $now, $now, $now FROM n"
is 'more than a page' "$(vmprov --json session list | query "SELECT count(DISTINCT value ->> 'mac') FROM json_each(DOC)")" 2505
is 'for people, one headline' "$(vmprov session list | grep -c MAC) $(vmprov session list | wc -l)" '1 2506'

# -- show
like 'show' "$(vmprov session show w1)" 'state +started.*nas_name +leaf1.*nas_port_id +Ethernet1/5'
like 'what the policy says' "$(vmprov session show w1)" 'policy now: .* VLAN 100. This DIFFERS'
like 'where nothing is known' "$(vmprov session show w2)" 'policy now: .* VLAN 100. What was answered is not known'
like 'past ones' "$(vmprov session show w1)" 'past:.*moved.*stopped'
digest=$(vmprov --json session show w1 | get '$.session.now.policy')
like 'the policy as a number' "$digest" '^[0-9a-f]{16}$'
ses "UPDATE session SET policy = 0x$digest WHERE mac = 0x525400000101"
like 'the same' "$(vmprov session show 52:54:00:00:01:01)" 'The same as was answered'
is 'in JSON' "$(vmprov --json session show w1 | get '$.session.now.differs')" 0
vmprov coi set web vlan=101 >/dev/null
is 'after a change' "$(vmprov --json session show w1 | get '$.session.now.differs')" 1
vmprov vm set w1 enabled=no >/dev/null
like 'of one that is refused' "$(vmprov session show w1)" 'policy now: .*disabled.* This DIFFERS'
is 'its verdict' "$(vmprov --json session show w1 | get '$.session.now.verdict')" vm-disabled
vmprov vm set w1 enabled=yes >/dev/null
vmprov coi set web vlan=100 >/dev/null
is 'names' "$(vmprov --json session show w1 | get '$.mac') $(vmprov --json session show w1 | get '$.vm')" '52:54:00:00:01:01 w1'
is 'past, in JSON' "$(vmprov --json session show w1 | get '$.past[1].state')" stopped
for at in 1 2 3 4 5 6 7 8 9 10 11; do past 0x525400000102 192.0.2.1 stopped "$at"; done
is 'the last ten' "$(vmprov --json session show w2 | query "SELECT json_array_length(DOC, '$.past')")" 10
past 0x525400000155 192.0.2.1 expired
like 'past alone' "$(vmprov session show 52:54:00:00:01:55)" 'no session that lasts.*expired'
is 'exit code' "$(code vmprov session show 52:54:00:00:01:55)" 0

# -- disconnect, reauth
who="administrator $(logname 2>/dev/null || echo "${SUDO_USER:-$(id -un)}")"
like 'disconnect' "$(vmprov session disconnect w1)" '^52:54:00:00:01:01: job [0-9]+: disconnect, NAS 192.0.2.1: pending$'
is 'the job' "$(sql "SELECT action, reason, actor, mac, token, past_id, nas, nas_port_id, user_name, state FROM coa_job")" \
	"disconnect|administrator|$who|90520730730753|$((0xfedcba9876543210))|0|192.0.2.1|Ethernet1/5|52-54-00|pending"
is 'the event' "$(vmprov --json audit --event session-disconnect-asked | get '$.subject')" 'vm 52:54:00:00:01:01'
is 'who' "$(vmprov --json audit --event session-disconnect-asked | get '$.actor')" "$who"
like 'which job' "$(vmprov --json audit --event session-disconnect-asked | get '$.detail')" '^NAS 192.0.2.1, job [0-9]+$'
like 'list tells' "$(vmprov session list --vm w1)" 'disconnect: administrator'
is 'list --json' "$(vmprov --json session list --vm w1 | get '$[0].job.action')" disconnect
like 'show tells' "$(vmprov session show w1)" 'jobs:.*disconnect +administrator +192.0.2.1 .* pending'
is 'show --json' "$(vmprov --json session show w1 | get '$.jobs[0].actor')" "$who"
is 'again: the same job' "$(vmprov --json session disconnect w1 | get '$[0].id') $(sql 'SELECT count(*) FROM coa_job')" "$(sql 'SELECT id FROM coa_job') 1"
is 'reauth takes no disconnect back' "$(vmprov --json session reauth w1 | get '$[0].action')" disconnect
is 'reauth' "$(vmprov --json session reauth w2 5254.0000.0103 | fields action)" 'coa coa'
is 'its events' "$(vmprov --json audit --event session-reauth-asked | wc -l)" 3
is 'all or none' "$(code vmprov session disconnect w2 52:54:00:00:01:77)" 3
is 'none' "$(sql "SELECT action FROM coa_job WHERE mac = 0x525400000102")" coa
is 'one that is nobody' "$(code vmprov session disconnect w2 nobody)" 3
is 'reauth can become a disconnect' "$(vmprov --json session disconnect w2 | get '$[0].action')" disconnect
is 'all of a NAS' "$(vmprov --json session disconnect --nas 198.51.100.7 | query "SELECT count(DISTINCT value ->> 'id') FROM json_each(DOC)")" 2500
is 'one event' "$(vmprov --json audit --about 'nas 198.51.100.7' | get '$.detail')" 'all its sessions'
is 'by name' "$(vmprov --json session reauth --nas leaf1 | fields mac)" '52:54:00:00:01:01 52:54:00:00:01:02'
fails 'nobody does it' '^52:54:00:00:01:03: job [0-9]+: coa, NAS 2001:db8::2: pending.*vmprov: 1 of 1 not done' vmprov session reauth w3 --wait 1
is 'exit code' "$(code vmprov session reauth w3 --wait=1)" 1
# The first wait ends when another program finishes the job.
finish() { sql "UPDATE coa_job SET state = '$1', finished_at = 1 + created_at, outcome = '$2', error_cause = 406 WHERE mac = $3 AND finished_at IS NULL"; }
(sleep 0.3 && finish 'done' 'Disconnect-ACK' 0x525400000103) &
like 'somebody does it' "$(vmprov session disconnect w3 --wait 20)" ': done, Disconnect-ACK$'
wait $!
(sleep 0.3 && finish 'failed' 'Disconnect-NAK: 406 Unsupported-Extension' 0x525400000103) &
fails 'somebody cannot' ': failed, Disconnect-NAK: 406 Unsupported-Extension.*1 of 1 not done' vmprov session disconnect w3 --wait 20
wait $!
is 'finished jobs are shown' "$(vmprov --json session show w3 | query "SELECT group_concat(value ->> 'state') FROM json_each(DOC, '$.jobs')")" 'done,failed'
is 'and are no longer about to happen' "$(vmprov --json session list --vm w3 | get '$[0].job')" -
for words in '' frobnicate show 'show a b' 'list a' 'show w1 --past' 'show w1 --nas leaf1' disconnect reauth 'disconnect w1 --nas leaf1' \
	'disconnect w1 --past' 'disconnect --vm w1' 'list --wait' 'disconnect w1 --wait=0' 'disconnect w1 --wait 3601' 'disconnect w1 --wait=x' \
	'disconnect w1 --wait='; do
	# shellcheck disable=SC2086 # words
	is "wrong command line: session $words" "$(code vmprov session $words)" 2
done

# -- nas test
fails 'nas test without policyd' 'nas leaf1: policyd does not answer: is it running, is \[coa\] enabled\?.*1 of 1 failed' \
	vmprov nas test leaf1 --wait 1
is 'exit code' "$(code vmprov nas test leaf1 --wait 1)" 1
is 'its jobs are taken back' "$(sql "SELECT DISTINCT action, state, mac, nas FROM coa_job WHERE action = 'test'")" 'test|failed|0|192.0.2.1'
(sleep 0.3 && sql "UPDATE coa_job SET state = 'done', finished_at = created_at, outcome = 'answered in 1.2 ms: Disconnect-NAK: 503'
	WHERE action = 'test' AND finished_at IS NULL") &
is 'nas test, two' "$(vmprov nas test leaf1 2001:db8::2)" $'nas leaf1: answered in 1.2 ms: Disconnect-NAK: 503\nnas 2001:db8::2: answered in 1.2 ms: Disconnect-NAK: 503'
wait $!
is 'one of which is not there' "$(code vmprov nas test leaf1 leaf9)" 3
is 'none of them' "$(sql "SELECT count(*) FROM coa_job WHERE action = 'test' AND finished_at IS NULL")" 0
for words in 'nas test' 'nas list --wait 5' 'nas test leaf1 --wait=0' 'vm test w1' 'coi rotate web --wait'; do
	# shellcheck disable=SC2086 # words
	is "wrong command line: $words" "$(code vmprov $words)" 2
done
like 'help' "$(vmprov help nas)" 'vmprov nas test +KEY\.\.\. \[--wait \[SECONDS\]\]'

# -- the rest
complete_words() { vmprov complete -- "$@" | paste -sd ' '; }
is 'verbs' "$(complete_words session '')" 'list show disconnect reauth --nas --vm --past --wait'
is 'VMs' "$(complete_words session disconnect w)" 'w1 w2 w3'
is 'more of them' "$(complete_words session disconnect w1 w2 w)" 'w1 w2 w3'
is 'one to show' "$(complete_words session show w3)" w3
is 'NASes' "$(complete_words session list --nas '')" 'leaf1 leaf2'
is 'NASes to test' "$(complete_words nas test leaf1 leaf)" 'leaf1 leaf2'
is 'an option of test' "$(complete_words nas test leaf1 --w)" --wait
for words in 'session list' 'session show w1' 'session disconnect w1' 'nas test leaf1'; do
	# shellcheck disable=SC2086 # words
	is "$words without a store" "$(code vmprov --store "$T/none.db" $words)" 4
done
mkdir "$T/half"
sqlite3 "$store" "VACUUM INTO '$T/half/policy.db'"
fails 'without session.db' 'session.db.*vmprov migrate makes one' vmprov --store "$T/half/policy.db" session list
is 'exit code' "$(code vmprov --store "$T/half/policy.db" session disconnect w1)" 4
echo > "$T/secrets"
chmod 644 "$T/secrets"
like 'doctor: secrets for all to read' "$(vmprov doctor --secrets "$T/secrets")" 'WARN  NAS secrets: .*secrets has mode 0644; policyd refuses it: chmod 0600'
chmod 600 "$T/secrets"
like 'doctor: secrets' "$(vmprov doctor --secrets "$T/secrets")" 'OK    NAS secrets: .*secrets has mode 0600'
is 'doctor: none' "$(vmprov doctor --secrets "$T/nothing" | grep -c 'NAS secrets')" 0
t_end
