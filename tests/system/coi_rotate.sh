#!/bin/bash
# Keys change under load: nothing is lost beyond what the same WireGuard, configured by hand, loses at the same time.
# COI_LONG=1: also over WireGuard's own next handshakes, which take the new keys; that takes two and a half minutes.
. "$(dirname "$0")/lib.sh"
. "$HERE/daemon.sh"
. "$HERE/nas.sh"
. "$HERE/virt.sh"
. "$HERE/coi.sh"
own_machine "$@"
t_begin coi_rotate
if [ "$(id -u)" != 0 ]; then
	echo 'coi_rotate: left out: only root may make network namespaces'
	t_end
fi
RATE=${RATE:-500}

# Two machines without coid: hand_make A B, addresses fd77::N
hand_make() {
	local name
	for name in "$@"; do
		machine_space "$name" && machine_link "$name" || return 1
		on_machine "$name" sh -c 'mkdir -p /run/wireguard && wireguard-go vmprov0 >/dev/null 2>&1' || return 1
		(umask 077 && wg genkey > "$T/$name/private")
		on_machine "$name" wg set vmprov0 private-key "$T/$name/private" listen-port $COI_PORT || return 1
		on_machine "$name" ip -batch - <<-EOF || return 1
			address add fd77::${MACHINE_N[$name]}/64 dev vmprov0 nodad
			link set vmprov0 mtu 1420 up
		EOF
	done
	hand_peer "$1" "$2" && hand_peer "$2" "$1"
}
hand_peer() { on_machine "$1" wg set vmprov0 peer "$(wg_key "$2")" endpoint "$(under "$2"):$COI_PORT" allowed-ips "fd77::${MACHINE_N[$2]}/128"; }
# As coid does: first the one end, then the other.
hand_rotate() {
	(umask 077 && wg genpsk > "$T/psk")
	on_machine "$2" wg set vmprov0 peer "$(wg_key "$1")" preshared-key "$T/psk"
	on_machine "$1" wg set vmprov0 peer "$(wg_key "$2")" preshared-key "$T/psk"
}
epoch_at_both() { coid_peer_is web1 app1 epoch "$1" && coid_peer_is app1 web1 epoch "$1"; }
handshake_after() { [ "$(handshake_of web1 app1)" -gt "$1" ]; }

coi_world coi.grace=2s || exit 1
machine_add web1 web && machine_add app1 app && hand_make hand1 hand2 || exit 1
coid_start web1 app1 || exit 1
flow_start there web1 app1 $RATE
flow_start back app1 web1 $RATE
FLOW_TO=fd77::${MACHINE_N[hand2]} flow_start hand_there hand1 hand2 $RATE
FLOW_TO=fd77::${MACHINE_N[hand1]} flow_start hand_back hand2 hand1 $RATE
flows='there back hand_there hand_back'
for flow in $flows; do ok "flow $flow" flow_up $flow; done

ok 'both ends are in the first epoch' wait_for 5 epoch_at_both 1
for epoch in 2 3 4; do
	old=$(psk_of web1 app1)
	vmprov --store "$POLICYD_STORE" coi rotate app >/dev/null
	ok "epoch $epoch is agreed on" wait_for 10 epoch_at_both $epoch
	ok 'with another session key' wait_for 5 psk_is_not web1 app1 "$old"
	hand_rotate hand1 hand2
done
retired() { [ "$(sql "SELECT count(*) FROM coi_key JOIN coi ON coi.id = coi_id WHERE name = 'app' AND retired_at IS NULL")" = 1 ]; }
ok 'the old epochs are gone at the server' wait_for 8 retired
keys_left() { [ "$(coid_metric web1 vmprov_coi_keys)" = 2 ]; } # of web and app one each
ok 'and in the machines' wait_for 5 keys_left
if [ -n "${COI_LONG:-}" ]; then
	last=$(handshake_of web1 app1)
	ok 'the next handshake, with the last of the new keys' wait_for 130 handshake_after "$last"
	last=$(handshake_of web1 app1)
	wait_for 1 false
	ok 'has worked' same_psk web1 app1
fi
for flow in $flows; do
	ok "flow $flow flows" flow_on "$flow"
done
for flow in $flows; do flow_stop "$flow"; done
by_hand=$(($(flow_lost hand_there) + $(flow_lost hand_back)))
lost=$(($(flow_lost there) + $(flow_lost back)))
ok "of $(($(flow_count there) + $(flow_count back))) packets $lost are lost, $by_hand by hand" test "$lost" -le "$by_hand"
is 'none came twice' "$(flow_twice there) $(flow_twice back)" '0 0'
coid_stop web1
coid_stop app1
t_end
