#!/bin/bash
# Every dialect, to the byte: what each make is told for the same policies.
#
# dialects/NAME.txt has a block for each case, written from the RFCs and manuals.  A line is an attribute
# in packet order: its type (26.VENDOR.TYPE inside Vendor-Specific), then its value as hex octets and
# "text" in any mixture.  `class` stands for the module's own Class of the VM, without its token.
. "$(dirname "$0")/lib.sh"
. "$HERE/server.sh"

declare -A SOURCE=([rfc]=127.0.0.11 [hpe]=127.0.0.12 [aruba-cx]=127.0.0.13 [cisco]=127.0.0.14 [juniper]=127.0.0.15
	[arista]=127.0.0.16 [extreme]=127.0.0.17 [huawei]=127.0.0.18 [mikrotik]=127.0.0.19 [ruckus]=127.0.0.20
	[edgecore]=127.0.0.21 [ovs]=127.0.0.22)
declare -A MAC=([full]=52:54:00:00:01:01 [minimal]=52:54:00:00:01:02 [tagged]=52:54:00:00:01:03
	[ingress]=52:54:00:00:01:04 [egress]=52:54:00:00:01:05)
CASES=(full minimal rules tagged ingress egress)
FILTER='permit in udp from any to any 53|deny in ip from any to 10.0.0.0/8' # IPFilterRules
# Rules are passed on as they are: each make has its own language.  | ends a line.
declare -A RULES=([rfc]=$FILTER [hpe]=$FILTER [aruba-cx]=$FILTER [arista]=$FILTER [ovs]=$FILTER
	[extreme]=$FILTER [ruckus]=$FILTER [edgecore]=$FILTER
	[cisco]='permit udp any any eq 53|deny ip any 10.0.0.0 0.255.255.255'
	[juniper]='Match Ip-protocol 17, Destination-port 53 Action allow|Match Destination-ip 10.0.0.0/8 Action deny'
	[huawei]='acl 10008 dest-port 53 protocol 17 permit|acl 10009 dest-ip 10.0.0.0 dest-ipmask 8 deny'
	[mikrotik]='protocol 17 dst-port 53 action allow|action drop')

rules_mac() {
	printf '52:54:00:00:02:%02x' "${SOURCE[$1]##*.}"
}

fixture() {
	local name
	cat <<-SQL
		.bail on
		INSERT INTO enclave (name, acct_interim_s) VALUES ('metered', 600);
		INSERT INTO vm_record (mac, name, enclave, vlan, tagged_vlans, cos, ingress_kbps, egress_kbps, acl, session_timeout_s)
		VALUES ('${MAC[full]}', 'full', 'metered', 100, '12,20', 3, 10000, 20000, 'web-in', 3600);
		INSERT INTO vm_record (mac, name, vlan) VALUES ('${MAC[minimal]}', 'minimal', 200);
		INSERT INTO vm_record (mac, name, tagged_vlans) VALUES ('${MAC[tagged]}', 'tagged', '30');
		INSERT INTO vm_record (mac, name, ingress_kbps) VALUES ('${MAC[ingress]}', 'ingress', 5000000);
		INSERT INTO vm_record (mac, name, egress_kbps) VALUES ('${MAC[egress]}', 'egress', 20000);
	SQL
	for name in "${!SOURCE[@]}"; do
		cat <<-SQL
			INSERT INTO nas (name, address, dialect) VALUES ('$name', '${SOURCE[$name]}', '$name');
			INSERT INTO vm_record (mac, name, acl)
			VALUES ('$(rules_mac "$name")', 'rules-$name', replace('${RULES[$name]}', '|', char(10)));
		SQL
	done
}

# expected NAME CASE CLASS: that block of dialects/NAME.txt as radhex prints it.
expected() {
	awk -v want="[$2]" -v class="$3" '
		BEGIN { for (i = 1; i < 128; i++) hex[sprintf("%c", i)] = sprintf("%02x", i) }
		function text(s,  i, out) {
			for (i = 1; i <= length(s); i++) out = out hex[substr(s, i, 1)]
			return out
		}
		/^\[/ { on = $0 == want; next }
		!on || /^#/ || /^$/ { next }
		$1 == "code" { print; next }
		{
			type = $1; rest = substr($0, length($1) + 2); value = ""
			while (rest !~ /^ *(#|$)/) {
				sub(/^ +/, "", rest)
				if (rest ~ /^"/) {
					match(rest, /^"[^"]*"/)
					value = value text(substr(rest, 2, RLENGTH - 2))
				} else {
					match(rest, /^[^ ]+/)
					word = substr(rest, 1, RLENGTH)
					value = value (word == "class" ? text(class) : word)
				}
				rest = substr(rest, RLENGTH + 1)
			}
			print type, value
		}' "$HERE/dialects/$1.txt"
}

# Behind the Class's last colon stand sixteen digits that are new each time.
without_token() { sed -E 's/^(25 .*3a)(3[0-9]|6[1-6]){16}$/\1/'; }

# answered NAME CASE: the dialect says what its file says.
answered() {
	local name=$1 case=$2 mac=${MAC[$2]:-} want
	[ -n "$mac" ] || mac=$(rules_mac "$name")
	want=$(expected "$name" "$case" "vmprov:${mac//:/}::")
	is "$name, $case" "$(radhex -p "$RADIUS_PORT" -b "${SOURCE[$name]}" -i 1/0/7 "$mac" 2>&1 | without_token)" "$want"
}

t_begin dialects
radius_make "$T"
ok "fixture" sqlite3 "$T/policy.db" < <(fixture)
radius_start "$T" || exit 1

for file in "$TOP"/raddb/mods-config/vmprov/dialects/*; do
	name=${file##*/}
	for case in "${CASES[@]}"; do answered "$name" "$case"; done
done

# A reply from somewhere else, or with another secret, is no reply.
fails "a false secret" 'false|no reply' radhex -p "$RADIUS_PORT" -b 127.0.0.11 -k wrong "${MAC[full]}"
is "an unknown MAC" "$(radhex -p "$RADIUS_PORT" -b 127.0.0.11 52:54:00:00:09:09 | head -n 1)" "code 3"
t_end
