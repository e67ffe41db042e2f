#!/bin/bash
# The machine of the server, or of the broker, boots: nobody knows for how long it was off, so what was granted counts anew for its
# whole life and grace, and nothing is given twice meanwhile.
. "$(dirname "$0")/lib.sh"
. "$HERE/daemon.sh"
. "$HERE/nas.sh"
. "$HERE/licence.sh"
own_netns "$@"
t_begin licence_boot
[ -n "${OWN_NETNS:-}" ] && unshare --time true 2>/dev/null || t_end # only root may

# Programs after it live in another boot, whose clock began half as long ago.
other_boot() {
	local up dir
	read -r up _ < /proc/uptime
	dir=$(mktemp -d "$T/boot.XXXX")
	new_id > "$dir/id"
	printf '#!/bin/sh\nmount --bind %s /proc/sys/kernel/random/boot_id && exec "$@"\n' "$dir/id" > "$dir/run"
	chmod 755 "$dir" "$dir/run"
	echo "unshare --time --boottime -$((${up%.*} / 2)) --mount $dir/run"
}

licence_world || exit 1
pool web 3 lease_s 5 grace_s 2
gateway_add gw-east east && gateway_start gw-east || exit 1
vm_join 1 && vm_join 2 && vm_join 3 && vm_join 5 lone && vm_join 6 lone || exit 1
is 'vm5 of the server' "$(lease vm5 1)" '200 1'
ok 'vm1 of the broker' wait_for 8 lease_is vm1 1 '200 1'
ok 'vm2' wait_for 8 lease_is vm2 1 '200 1'

# -- the server's machine
lease vm5 1 >/dev/null
sleep 3 # of its life of five seconds, which is what this is about
policyd_stop
POLICYD_ENV=$(other_boot)
policyd_start "$T" || exit 1
began=$(boot)
is 'what was granted in another boot counts' "$(occupied)" 3
sql 'UPDATE licence_pool SET owned = 4; UPDATE licence_pool SET owned = 3' # all is read anew
like 'and there is nothing for another' "$(lease vm6 1)" '^409 0 '
ok 'the broker'\''s are renewed' wait_for 8 lease_is vm1 1 '200 1'
renewing() {
	lease vm1 1 >/dev/null
	lease vm2 1 >/dev/null
	lease_is vm6 1 '200 1'
}
ok 'and vm5, that is silent, keeps its own for a whole life and grace' wait_for 12 renewing
took=$(awk -v a="$began" -v b="$(boot)" 'BEGIN {printf "%.1f", b - a}')
ok "from the start on ($took s)" awk -v t="$took" 'BEGIN {exit !(t >= 6.5 && t < 10)}'
ok 'no more are out than are owned' [ "$(occupied)" -le 3 ]

# -- the broker's
lease vm6 0 >/dev/null
lease vm1 1 >/dev/null
lease vm2 1 >/dev/null
proc_stop gw-east KILL
GATEWAY_ENV=$(other_boot)
gateway_start gw-east || exit 1
ok 'vm1 renews' wait_for 5 lease_is vm1 1 '200 1'
ok 'vm3 gets one' wait_for 5 lease_is vm3 1 '200 1'
like 'vm2, that is silent, has its own still' "$(lease vm6 1)" '^409 0 '
ok 'no more are out than are owned' [ "$(occupied)" -le 3 ]
quiet() {
	lease vm1 1 >/dev/null
	lease_is vm6 1 '200 1'
}
ok 'and not for ever' wait_for 20 quiet
t_end
