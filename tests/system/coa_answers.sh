#!/bin/bash
# What NASes answer: every Error-Cause; nothing; what is forged, replayed, cut or comes from elsewhere.  Alarms, and their end.
. "$(dirname "$0")/lib.sh"
. "$HERE/daemon.sh"
. "$HERE/server.sh"
. "$HERE/nas.sh"
own_netns "$@"
t_begin coa_answers

rfc=127.0.0.11 cisco=127.0.0.14 own=127.0.0.21 net=127.0.0.33 nosecret=127.0.0.99 wrong=127.0.0.22
away=127.0.0.51 gone=127.0.0.52
COA_SECRETS="[127.0.0.0/26]
secret = $DAS_SECRET
[own1]
secret = its own
[$wrong]
secret = a wrong one
[127.0.0.32/30]
secret = of a few"
network_make || exit 1
sql <<-SQL
	INSERT INTO nas (name, address, dialect) VALUES ('rfc1', '$rfc', 'rfc'), ('cisco1', '$cisco', 'cisco'), ('own1', '$own', 'rfc');
	INSERT INTO coi (name, vlan) VALUES ('web', 100);
	WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 96)
	INSERT INTO vm_record (mac, cois) SELECT printf('52540002%04x', i), 'web' FROM n;
SQL

# Each guest gets an answer of its own: the rules, and who is where.
n=0
rules() { printf 'match Calling-Station-Id=%s do %s\n' "$(guest_text "$1")" "$2"; }
: > "$T/das.das"
declare -A AT=() # guest of "NAS ANSWER"
declare -A UP=()
answers() { # NAS ANSWER
	n=$((n + 1))
	AT["$1 $2"]=$n
	UP[$1]="${UP[$1]:-} $n"
	rules $n "$2" >> "$T/das.das"
}
REFUSED='401 402 403 404 405 406 501 502 508' LATER='407 504 505 506 none 299'
CANNOT='401 402 404 405 406 407 508 none'
FALSE='wrong-secret forged truncated other-port wrong-id wrong-code'
nak() { [ "$1" = none ] && echo nak || echo "nak $1"; }
for cause in 503 $REFUSED $LATER; do answers $rfc "$(nak $cause)"; done
for cause in $CANNOT; do answers $cisco "coa-$(nak $cause) disconnect-ack"; done
for cause in 403 501 502 503 504 507; do answers $cisco "coa-nak $cause disconnect-ack"; done
for what in $FALSE; do answers $rfc "$what 2 then ack"; done
for what in 'bare ack' replay 'delay 450 ack' 'nak 504 times 2 then ack' 'silent 2 then ack'; do answers $rfc "$what"; done
i=40
for what in $FALSE; do
	i=$((i + 1))
	answers 127.0.0.$i "$what"
	FALSE_AT+=("127.0.0.$i:3799")
done
for nas in $own $net $nosecret $wrong; do answers $nas ack; done
for k in 1 2 3 4 5; do answers $away "silent 100$k then ack"; done
answers $gone silent
das_start das $rfc:3799 $cisco:1700 "${FALSE_AT[@]}" $wrong:3799 $away:3799 $gone:3799
DAS_SECRET='its own' das_start own $own:3799
DAS_SECRET='of a few' das_start few $net:3799
# radclient takes one source address in a run.
ups=0
for nas in "${!UP[@]}"; do
	for g in ${UP[$nas]}; do
		printf 'Packet-Src-IP-Address = %s\nUser-Name = "%s"\nUser-Password = "%s"\nService-Type = Call-Check\nCalling-Station-Id = "%s"\nNAS-Port = %d\nAcct-Session-Id = "s%d"\nMessage-Authenticator = 0x00\n\n' \
			"$nas" "$(guest_text "$g")" "$(guest_text "$g")" "$(guest_text "$g")" "$g" "$g"
		ups=$((ups + 1))
	done > "$T/up"
	radclient -q -p 8 -r 1 -t 3 -f "$T/up" "127.0.0.1:$RADIUS_PORT" auth "$RADIUS_SECRET"
done
session_is 'all guests are there' 'SELECT count(*) FROM session' "$ups"

sql "UPDATE coi SET vlan = 101"
at() { echo "${AT["$1 $2"]}"; }
lasts() { printf 'SELECT count(*) FROM session WHERE mac = %s' "$(guest "$1")"; }

# -- never a good one
silent() { sql "SELECT count(*) || ' ' || max(detail) FROM audit WHERE event = 'nas-silent' AND subject LIKE '%$1%'"; }
alarmed() { [[ $(silent "$1") == 1\ * ]]; }
i=40
for what in $FALSE; do
	i=$((i + 1))
	g=$(at 127.0.0.$i "$what")
	ok "always $what: as good as silent" wait_for 5 alarmed 127.0.0.$i
	is "always $what: the session stays, the job too" "$(sessions "$(lasts "$g")") $(job "$g")" '1 pending coa policy'
done
for nas in 127.0.0.41 127.0.0.42; do like "$nas: is the secret right?" "$(silent $nas)" 'secret'; done
like 'a NAS that has another secret is silent' "$(silent $wrong)" '^1 no answer'
ok 'requests with a wrong secret are nothing to a NAS' [ "$(das_count das "$wrong:3799 .*invalid:Request-Authenticator")" -ge 3 ]

# -- no answer, then it answers
like 'a NAS that is silent is an alarm, once' "$(silent $away)" '^1 .*answer'
asked=$(grep -c "^[0-9]* $away:3799 Disconnect-Request [0-9]* [^d]" "$T/das.log")
ok "it is probed, not flooded ($asked requests)" [ "$asked" -le 7 ]
sed -i 's/ do silent 100[1-5] then ack/ do ack/' "$T/das.das"
kill -HUP "${DAS_PID[das]}"

# -- Disconnect-NAK
g=$(at $rfc 'nak 503')
job_is '503: it is gone, and that is all that was wanted' 5 "$g" 'done coa policy 503'
is 'so it is over' "$(sessions "$(lasts "$g")")" 0
for cause in $REFUSED; do
	g=$(at $rfc "nak $cause")
	job_is "$cause: refused" 5 "$g" "failed coa policy $cause"
	is "$cause: asked once, told, and the session stays" "$(told_words $rfc "$g") $(audited coa-refused "$g") $(sessions "$(lasts "$g")")" "Disconnect:nak:$cause 1 1"
done
for cause in $LATER; do
	g=$(at $rfc "$(nak $cause)")
	[ $cause = none ] && words='' || words=" $cause"
	job_is "$cause: later" 5 "$g" "pending coa policy$words"
	ok "$cause: which is counted" [ "$(sql "SELECT attempts FROM coa_job WHERE mac = $(guest "$g")")" -ge 1 ]
done
g=$(at $rfc 'nak 506')
like 'the job says what the NAS said' "$(sql "SELECT outcome FROM coa_job WHERE mac = $(guest "$g")")" 'Disconnect-NAK: 506 '

# -- CoA-NAK
for cause in $CANNOT; do
	g=$(at $cisco "coa-$(nak $cause) disconnect-ack")
	[ $cause = none ] && words='nak' || words="nak:$cause"
	told_is "CoA, $cause: it cannot, so a Disconnect" 5 $cisco "$g" "CoA:$words Disconnect:ack"
	job_is "CoA, $cause: done" 3 "$g" 'done coa policy'
done
for cause in 403 501 502; do
	g=$(at $cisco "coa-nak $cause disconnect-ack")
	job_is "CoA, $cause: refused" 3 "$g" "failed coa policy $cause"
	is "CoA, $cause: no Disconnect" "$(told_words $cisco "$g")" "CoA:nak:$cause"
done
job_is 'CoA, 503: gone' 3 "$(at $cisco 'coa-nak 503 disconnect-ack')" 'done coa policy 503'
g=$(at $cisco 'coa-nak 507 disconnect-ack')
told_is 'CoA, 507: it is on its way, and when nothing follows, a Disconnect' 5 $cisco "$g" 'CoA:nak:507 Disconnect:ack'
g=$(at $cisco 'coa-nak 504 disconnect-ack')
is 'CoA, 504: later, and a CoA again' "$(told_words $cisco "$g" | tr ' ' '\n' | sort -u)" 'CoA:nak:504'

# -- answers that nobody may believe, then a good one
for what in $FALSE; do
	g=$(at $rfc "$what 2 then ack")
	told_is "$what: asked again" 3 $rfc "$g" "Disconnect:$what Disconnect:again:$what Disconnect:again:ack"
	job_is "$what: then done" 3 "$g" 'done coa policy'
done
for what in 'bare ack' replay 'delay 450 ack' 'silent 2 then ack'; do
	job_is "$what: done" 3 "$(at $rfc "$what")" 'done coa policy'
done
job_is '504 twice, then it does it' 12 "$(at $rfc 'nak 504 times 2 then ack')" 'done coa policy'

# -- secrets
job_is 'a secret by the name of the NAS' 3 "$(at $own ack)" 'done coa policy'
job_is 'a secret by its network' 3 "$(at $net ack)" 'done coa policy'
like 'none' "$(silent $nosecret)" '^1 .*no secret'

# -- no answer, and then it answers
for k in 1 2 3 4 5; do job_is "when it answers, guest $k is told at once" 12 "$(at $away "silent 100$k then ack")" 'done coa policy'; done
is 'and the alarm is over' "$(sql "SELECT count(*) FROM audit WHERE event = 'nas-answers' AND subject LIKE '%$away%'")" 1

# -- no answer, ever
gave_up() { [ "$(sql "SELECT count(*) FROM audit WHERE event = 'coa-gave-up' AND subject LIKE '%$1%'")" = 1 ]; }
ok 'one that never answers is given up, with an alarm' wait_for 20 gave_up $gone
like 'its jobs have failed' "$(job "$(at $gone silent)")" '^failed'
session_is 'its sessions are as they were' "$(lasts "$(at $gone silent)")" 1
g=$(at $gone silent)
sql "UPDATE vm SET vlan = 9 WHERE mac = $(guest "$g")"
is_open() { [ "$(sql "SELECT count(*) FROM coa_job WHERE mac = $(guest "$g") AND finished_at IS NULL")" = 1 ]; }
ok 'the next change is a job again, for when it answers' wait_for 8 is_open

# -- a secret is put right
sed -i "s/a wrong one/$DAS_SECRET/" "$T/nas-secrets.conf"
kill -HUP "$POLICYD_PID"
wait_for 5 policyd_ready
g=$(at $wrong ack)
sql "UPDATE vm SET vlan = 9 WHERE mac = $(guest "$g")"
told_is 'SIGHUP: the new secret is in use' 8 $wrong "$g" 'Disconnect:ack'
fails 'secrets stand nowhere' '^$' grep -qaF -e "$DAS_SECRET" -e 'its own' "$T/r/policy.db" "$T/r/policy.db-wal" "$T/r/session.db" "$POLICYD_LOG"
t_end
