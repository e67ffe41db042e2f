#!/bin/bash
# Requests in another's name, reports about others' guests, replays, and a link that alters octets: nothing is granted to whom it
# does not belong, nothing counts twice, and nothing is lost.
. "$(dirname "$0")/lib.sh"
. "$HERE/daemon.sh"
. "$HERE/nas.sh"
. "$HERE/licence.sh"
own_netns "$@"
t_begin licence_forged
licence_world || exit 1
pool web 8 lease_s 30 grace_s 5
for enclave in east west; do gateway_add gw-$enclave $enclave && gateway_start gw-$enclave || exit 1; done
relay_add relay1 relay || exit 1
vm_join 1 east && vm_join 2 east && vm_join 3 east && vm_join 11 west && vm_join 5 lone && vm_join 6 lone || exit 1
licensed() { sql "SELECT group_concat(uuid) FROM (SELECT uuid FROM licensed ORDER BY uuid)"; }

# -- who asks is who the certificate says
AT[gw]=$POLICYD_URL
for kind in pem key; do cp "$T/gw-east.$kind" "$T/gw.$kind"; done
AT[relay1]=$POLICYD_URL AT[hv1]=$POLICYD_URL
like 'a forwarder, as if it were a gateway' "$(lease relay1 2)" '^403 '
like 'a host' "$(lease hv1 1)" '^403 '
AT[vm1]=$POLICYD_URL
like 'a guest whose gateway has its licences' "$(lease vm1 1)" '^403 .*gateway'
like 'a guest that wants two' "$(lease vm5 2)" '^40[0-9] '
like 'of a product that is not its own' "$(lease vm5 1 '"product":"db-std"')" '^40[0-9] '
like 'in the name of another' "$(lease vm5 1 "\"holder\":\"$(uuid 6)\"")" '^400 '
like 'with guests of its own' "$(lease vm5 1 "\"started\":[\"$(uuid 6)\"]")" '^40[0-9] '
lease_body vm5 1
is 'nobody' "$(curl -s -o /dev/null -w '%{http_code}' --cacert "$CA" --data-binary "@$T/vm5.request" "$POLICYD_URL/v1/licences/lease")" 401
is 'nothing was granted' "$(sql 'SELECT count(*) FROM lease_part WHERE count > 0')" 0

# -- a guest of another enclave at a gateway's door
AT[vm11]=${URL[gw-east]}
is_out() { [[ $(lease vm11 1) =~ ^40[39]\ 0?\ ?[a-z] ]]; }
ok 'loses what it was given, as soon as the server hears of it' wait_for 8 is_out
is 'and is on no record' "$(sql "SELECT count(*) FROM licensed WHERE uuid = '$(uuid 11)'")" 0
fails 'so it gets no keys' 'status 403' as vm11 GET /v1/coi-keys
AT[vm11]=${URL[gw-west]}
rm -f "$T/vm11.seq" "$T/vm11.has"
ok 'its own gateway grants' wait_for 5 lease_is vm11 1 '200 1'
on_record() { licensed | grep -q "$(uuid "$1")"; }
ok 'and reports it' wait_for 5 on_record 11

# -- a gateway that reports what is not so.  gw is the gateway of the east, with a client of our own.
proc_stop gw-east
sql "DELETE FROM lease WHERE holder = '$(openssl x509 -in "$T/gw-east.pem" -noout -ext subjectAltName | grep -oE '[0-9a-f-]{36}')'"
rm -f "$T/gw.seq"
is 'it has two' "$(lease gw 2)" '200 2'
report() { lease gw 2 "\"started\":[\"$1\"]" >/dev/null && tr -d '\n' < "$T/gw.answer"; }
like 'a guest of another enclave' "$(report "$(uuid 11)")" "\"refused\":\[\{\"id\":\"$(uuid 11)\",\"reason\":\"[^\"]+\"\}\]"
like 'one of none' "$(report "$(uuid 5)")" "\"refused\":\[\{\"id\":\"$(uuid 5)\""
like 'one that does not exist' "$(report "$(uuid 99)")" "\"refused\":\[\{\"id\":\"$(uuid 99)\""
like 'itself' "$(report "$(uuid 901)")" "\"refused\":\[\{\"id\":\"$(uuid 901)\""
like 'its own' "$(report "$(uuid 1)")" '"refused":\[\]'
lease gw 1 "\"started\":[\"$(uuid 2)\"]" >/dev/null
like 'more than it was granted' "$(tr -d '\n' < "$T/gw.answer")" "\"refused\":\[\{\"id\":\"$(uuid 2)\""
is 'the guest of the other enclave is still on record by its own gateway' "$(sql "SELECT holder FROM licensed WHERE uuid = '$(uuid 11)'")" "$(uuid 902)"
lease gw 2 "\"stopped\":[\"$(uuid 11)\"]" >/dev/null
ok 'and cannot be taken from there' on_record 11
vm_stop 2
like 'one that does not run' "$(report "$(uuid 2)")" "\"refused\":\[\{\"id\":\"$(uuid 2)\""
is 'on record are those that are so' "$(licensed)" "$(uuid 1),$(uuid 11)"

# -- a gateway that gives licences back while its guests keep them
lease gw 2 "\"started\":[\"$(uuid 3)\"]" >/dev/null
is 'two are on record' "$(licensed)" "$(uuid 1),$(uuid 3),$(uuid 11)"
is 'one of two is not given back while two guests have one' "$(lease gw 1)" '200 2'
is 'also while they are listed anew' "$(lease gw 1 '"all":true')" '200 2'
lease gw 2 "\"started\":[\"$(uuid 3)\"]" >/dev/null
is 'but with the guest' "$(lease gw 1 "\"stopped\":[\"$(uuid 3)\"]")" '200 1'
is 'who is gone then' "$(licensed)" "$(uuid 1),$(uuid 11)"
lease gw 1 "\"all\":true,\"started\":[\"$(uuid 3)\",\"$(uuid 1)\"]" >/dev/null
like 'a list of two with one licence: the second has no place' "$(tr -d '\n' < "$T/gw.answer")" "\"refused\":\[\{\"id\":\"$(uuid 1)\""
lease gw 1 "\"stopped\":[\"$(uuid 3)\"],\"started\":[\"$(uuid 1)\"]" >/dev/null
is 'on record is who has it' "$(licensed)" "$(uuid 1),$(uuid 11)"

# -- replays
is 'a guest without a gateway' "$(lease vm5 1)" '200 1'
cp "$T/vm5.request" "$T/vm5.first"
seq=$(answer vm5 seq)
is 'the same once more: the same answer' "$(lease_again vm5) $(answer vm5 seq)" "200 1 $seq"
is 'it gives back' "$(lease vm5 0)" '200 0'
seq=$(answer vm5 seq)
cp "$T/vm5.first" "$T/vm5.request"
is 'the first request, replayed' "$(lease_send vm5)" 409
is 'is from before the last answer' "$(answer vm5 stale) $(answer vm5 granted) $(answer vm5 seq)" "true 0 $seq"
is 'and gives nothing' "$(sql "SELECT count(*) FROM lease_part WHERE holder = '$(uuid 5)' AND count > 0")" 0
cp "$T/vm5.first" "$T/vm6.request"
is "vm5's request from vm6 is vm6's own" "$(lease_send vm6) $(answer vm6 granted)" '200 1'
sql "DELETE FROM licensed WHERE uuid = '$(uuid 6)'"
is 'a guest whose record another has taken away' "$(lease vm6 1 '"seen":'"$(answer vm6 seq)")" '200 1'
ok 'has it again with the next renewal' on_record 6
lease vm6 0 >/dev/null
like 'a seq that was never given' "$(lease vm6 1 '"seen":99999999')" '^409 '
t_recovery=$(sql "SELECT count(*) FROM audit WHERE event = 'licence-recovery'")
is 'a guest alone brings no recovery about' "$t_recovery" 0

# -- a link that alters octets
link_add wire "$POLICYD_PORT"
direct=$POLICYD_URL
lease_body vm6 1
AT[vm6]=https://localhost:${PORT[wire]}
is 'a link without faults' "$(lease vm6 1) $(lease vm6 0)" '200 1 200 0'
ended() { grep -q '^closed' "$T/wire.log"; }
wait_for 5 ended
read -r _ up down <<< "$(grep '^closed' "$T/wire.log" | tail -n 1)"
altered() {
	proc_stop wire
	link_add wire "$POLICYD_PORT" "$@"
	lease vm6 1
}
for part in 1 2 3 4 5 6 7 8; do
	at=$((up * part / 8 - up / 16))
	is "octet $at of $up to the server altered: no answer" "$(altered --flip $at)" '000'
	is 'and nothing granted' "$(sql "SELECT count(*) FROM lease_part WHERE holder = '$(uuid 6)' AND count > 0")" 0
done
is 'octets of the answer altered: the guest believes none of it' "$(altered --flip-back $((down - 60)))" '000'
AT[vm6]=$direct
is 'and asks again: it is the same licence' "$(lease_again vm6)" '200 1'
is 'once' "$(sql "SELECT sum(count) FROM lease_part WHERE holder = '$(uuid 6)'")" 1
t_end
