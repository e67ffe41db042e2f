#!/bin/bash
# Every dialect: by which attributes each make is told of a session, and whether by CoA or Disconnect.
#
# coa/NAME.txt has what a NAS of that make must get when a guest's VLAN changes and when the guest is disabled: the request's
# name and its attributes, sorted here; Event-Timestamp and Message-Authenticator are in each, and das looks at them.
# BARE and RAW stand for the guest's MAC address as in User-Name and in Calling-Station-Id, SESSION for its Acct-Session-Id, NAS for
# the NAS's address; PORT=N is the UDP port, 3799 where it is left out.
. "$(dirname "$0")/lib.sh"
. "$HERE/daemon.sh"
. "$HERE/server.sh"
. "$HERE/nas.sh"
own_netns "$@"
t_begin coa_dialects

COA_VERIFY=10s network_make || exit 1
n=0
declare -A N=() NAS=()
args=()
for file in "$TOP"/raddb/mods-config/vmprov/dialects/*; do
	name=${file##*/}
	n=$((n + 1))
	N[$name]=$n
	NAS[$name]=127.0.0.$((10 + n))
	args+=("${NAS[$name]}:1700" "${NAS[$name]}:3799")
	sql "INSERT INTO nas (name, address, dialect) VALUES ('$name', '${NAS[$name]}', '$name');
		INSERT INTO vm_record (mac, name, vlan) VALUES ('$(guest_text $n | tr - :)', '$name', 100)"
done
das_start das "${args[@]}"

# As different from each other, and from any canonical form, as NASes have them.
for name in "${!N[@]}"; do
	guest_up "${NAS[$name]}" "${N[$name]}" 'NAS-Port = 7' 'NAS-Port-Id = "1/0/7"' "NAS-IP-Address = ${NAS[$name]}" \
		'NAS-Identifier = "leaf 1"' 'Framed-IP-Address = 198.51.100.7' >/dev/null || echo "$name: refused"
done
all_started() { [ "$(sessions "SELECT count(*) FROM session WHERE state = 'started' AND framed_ip <> ''")" = "${#N[@]}" ]; }
ok 'a session at each' wait_for 5 all_started

# expected NAME BLOCK: sorted, on one line, the port first
expected() {
	local raw
	raw=$(guest_text "${N[$1]}")
	awk -v want="[$2]" '/^\[/ { on = $0 == want; next } on && NF && !/^#/' "$HERE/coa/$1.txt" |
		sed -e "s/=BARE\$/=$(tr -d - <<<"$raw" | tr A-F a-f)/" -e "s/=RAW\$/=$raw/" -e "s/=SESSION\$/=s${N[$1]}/" -e "s/=NAS\$/=${NAS[$1]}/" |
		awk '/^PORT=/ { port = substr($0, 6); next } { line[++n] = $0 } END { print "PORT=" (port ? port : 3799); for (i = 1; i <= n; i++) print line[i] }' | sort | tr '\n' ' '
}
# got NAME INDEX: the request with that number for its guest
got() {
	grep -F "Calling-Station-Id=$(guest_text "${N[$1]}") " "$T/das.log" | grep -v ' dup ' | sed -n "$2p" |
		sed -E 's/^[0-9]+ [^ ]+:([0-9]+) ([^ ]+) [0-9]+ (.*) -> .*/PORT=\1 \2 \3/; s/ Event-Timestamp=[0-9]+//' | tr ' ' '\n' | sort | tr '\n' ' '
}
has() { [ -n "$(got "$1" "$2")" ]; }

sql 'UPDATE vm SET vlan = 200'
for name in "${!N[@]}"; do
	wait_for 5 has "$name" 1
	is "$name, another VLAN" "$(got "$name" 1)" "$(expected "$name" change)"
done
for name in "${!N[@]}"; do
	guest_up "${NAS[$name]}" "${N[$name]}" 'NAS-Port = 7' 'NAS-Port-Id = "1/0/7"' "NAS-IP-Address = ${NAS[$name]}" \
		'NAS-Identifier = "leaf 1"' 'Framed-IP-Address = 198.51.100.7' >/dev/null || echo "$name: refused"
done
no_jobs() { [ "$(sql 'SELECT count(*) FROM coa_job WHERE finished_at IS NULL')" = 0 ]; }
ok 'all are authorized again, and the jobs done' wait_for 10 no_jobs
is 'one request for each' "$(grep -c 'Calling-Station-Id=' "$T/das.log")" "${#N[@]}"
sql 'UPDATE vm SET enabled = 0'
for name in "${!N[@]}"; do
	wait_for 5 has "$name" 2
	is "$name, disabled" "$(got "$name" 2)" "$(expected "$name" disable)"
done
ok 'all are done' wait_for 5 no_jobs
is 'and all sessions over' "$(sessions 'SELECT count(*) FROM session')" 0
is 'each request verified' "$(das_count das invalid)" 0
t_end
