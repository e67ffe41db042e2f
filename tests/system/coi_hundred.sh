#!/bin/bash
# A hundred machines: they join, each talks with a few others, keys change, and all agree.  MACHINES: another number.
. "$(dirname "$0")/lib.sh"
. "$HERE/daemon.sh"
. "$HERE/nas.sh"
. "$HERE/virt.sh"
. "$HERE/coi.sh"
own_machine "$@"
t_begin coi_hundred
if [ "$(id -u)" != 0 ]; then
	echo 'coi_hundred: left out: only root may make network namespaces'
	t_end
fi
MACHINES=${MACHINES:-100}
TOGETHER=8
NEAR=2 # each talks with the next two

names() { printf 'app%s\n' $(seq 1 "$MACHINES"); }
next() { echo "app$((($1 + $2 - 1) % MACHINES + 1))"; }
# To ask coid itself so often would cost more than what it does.
joined() { grep -q '"event":"keys-fetched"' "$T/$1/coid.log"; }
seconds() { echo "$(((${EPOCHREALTIME/./} - $1) / 1000000)).$((((${EPOCHREALTIME/./} - $1) / 100000) % 10)) s"; }

# Everybody's keys and peers at once: "NAME PUBLIC-KEY" lines, and "PUBLIC-KEY PEER-KEY PRESHARED-KEY" lines.
look() {
	local name
	for name in $(names); do
		on_machine "$name" wg show all dump | awk 'NF == 5 {own = $3} NF == 9 {print own, $2, $3}'
	done > "$T/peers"
}
# Each pair from both sides, with the same key.
all_agree() {
	look
	awk '$3 == "(none)" {bad++} {psk[$1 " " $2] = $3} END {
		for (pair in psk) {
			n++
			split(pair, end, " ")
			if (psk[end[2] " " end[1]] != psk[pair]) bad++
		}
		exit !(n >= wanted && bad == 0)
	}' wanted="$((MACHINES * NEAR * 2))" "$T/peers"
}
all_new() { all_agree && [ "$(cut -d ' ' -f 3 "$T/peers" | sort -u | grep -cFf "$T/psks.old")" = 0 ]; }
memory() { ps -C "$1" -o rss= | awk '{n++; sum += $1} END {printf "%d KiB", sum / n}'; }

coi_world || exit 1
began=$(now_us)
n=0
for name in $(names); do
	machine_add "$name" app || exit 1
	coid_begin "$name"
	[ $((++n)) -le $TOGETHER ] || wait_for 30 joined "app$((n - TOGETHER))" || coid_wait "app$((n - TOGETHER))" || exit 1
done
all_joined() { for name in $(names); do joined "$name" || return 1; done; }
ok "all $MACHINES have joined" wait_for 30 all_joined
ok 'the last one is well' coid_wait "app$MACHINES"
[ -z "${VERBOSE:-}" ] || echo "          after $(seconds "$began"); policyd's net process $(ps -o rss= -p "$(policyd_process net)") KiB, coid $(memory coid), wireguard-go $(memory wireguard-go)"
knows_all() { [ "$(on_machine "$1" grep -c ' app[0-9]' /etc/hosts)" -ge $((MACHINES - 1)) ]; }
for name in app1 "app$MACHINES"; do ok "$name knows all others" wait_for 10 knows_all $name; done

began=$(now_us)
reach() {
	local name=$1 n
	for n in $(seq 1 $NEAR); do
		on_machine "$name" busybox ping -c 1 -W 10 "$(next "${name#app}" "$n")" >/dev/null 2>&1 || echo "$name $n" >> "$T/silent"
	done
}
asking=()
for name in $(names); do
	reach "$name" &
	asking+=($!)
	[ ${#asking[@]} -lt $TOGETHER ] || { wait "${asking[@]}"; asking=(); }
done
wait_for 20 all_agree
is 'each has reached the next two' "$(cat "$T/silent" 2>/dev/null)" ''
ok "all pairs agree" all_agree
is 'and nobody has others as peers' "$(wc -l < "$T/peers")" "$((MACHINES * NEAR * 2))"
[ -z "${VERBOSE:-}" ] || echo "          after $(seconds "$began"); coid $(memory coid), wireguard-go $(memory wireguard-go)"

cut -d ' ' -f 3 "$T/peers" | sort -u > "$T/psks.old"
began=$(now_us)
vmprov --store "$POLICYD_STORE" coi rotate app >/dev/null
ok 'a new epoch: all pairs agree on new keys' wait_for 20 all_new
[ -z "${VERBOSE:-}" ] || echo "          after $(seconds "$began")"
acknowledged() { [ "$(sql "SELECT count(*) FROM coi_ack WHERE epoch = 2")" = "$MACHINES" ]; }
ok 'and all have told policyd' wait_for 20 acknowledged

began=$(now_us)
cois app2
cut_off() { for name in app1 app3 app4; do has_no_peer $name app2 || return 1; done; }
ok 'one leaves: those who had it as a peer have it no more' wait_for 3 cut_off
[ -z "${VERBOSE:-}" ] || echo "          after $(seconds "$began")"
t_end
