#!/bin/bash
# Somebody sets the clock, by hours, both ways, on either side: leases last as long as they were to, and only the dates of a pool
# follow the wall clock.
. "$(dirname "$0")/lib.sh"
. "$HERE/daemon.sh"
. "$HERE/nas.sh"
. "$HERE/licence.sh"
own_netns "$@"
t_begin licence_clock
faketime_so=$(echo /usr/lib/*/faketime/libfaketime.so.1)
if [ -n "${SAN:-}" ] || [ ! -e "$faketime_so" ]; then
	t_end # it and a sanitizer's runtime both want to be first
fi
# step WHO HOURS: its clock, from ours
step() { echo "${2}h" > "$T/$1.clock.new" && mv "$T/$1.clock.new" "$T/$1.clock"; }
clock_of() { echo "LD_PRELOAD=$faketime_so FAKETIME_TIMESTAMP_FILE=$T/$1.clock FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1"; }

# Certificates are good from eight hours ago on, for two days.
step policyd -8
POLICYD_ENV=$(clock_of policyd)
licence_world || exit 1
sql 'UPDATE template SET cert_life_s = 172800'
pool web 2 lease_s 5 grace_s 2
gateway_add gw-east east || exit 1
vms_join 1 3 && vm_join 4 lone && vm_join 5 lone || exit 1
step policyd +0
step gw-east +0
GATEWAY_ENV=$(clock_of gw-east)
gateway_start gw-east || exit 1

is 'a guest of the broker' "$(lease vm1 1)" '200 1'
ok 'one that asks the server' wait_for 8 lease_is vm4 1 '200 1'
for at in policyd:+5 policyd:-5 gw-east:+5 gw-east:-5; do
	step "${at%:*}" "${at#*:}"
	is "${at%:*} at ${at#*:} h: the broker's guest renews" "$(lease vm1 1)" '200 1'
	is 'so does the other' "$(lease vm4 1)" '200 1'
	like 'for as long as ever' "$(answer vm4 duration_s)" '^[45]$'
	like 'and there is nothing for a third' "$(lease vm5 1)" '^409 0 '
	is 'as many are out as are owned' "$(occupied)" 2
	step "${at%:*}" +0
done

# -- a lease ends when it was to, whatever the clock says
step policyd +5
lease vm4 1 >/dev/null
began=$(boot)
step policyd -5
renewing() {
	lease vm1 1 >/dev/null
	lease_is vm5 1 '200 1'
}
ok 'another gets it when life and grace are over' wait_for 12 renewing
took=$(awk -v a="$began" -v b="$(boot)" 'BEGIN {printf "%.1f", b - a}')
ok "and not before ($took s)" awk -v t="$took" 'BEGIN {exit !(t >= 6.8 && t < 10)}'

# -- dates follow the wall clock
step policyd +0
sql "UPDATE licence_pool SET not_after = CAST(strftime('%s', 'now') AS INTEGER) + 3600"
is 'within its dates' "$(lease vm5 1)" '200 1'
lease vm5 0 >/dev/null
step policyd +2
closed() { [[ $(lease vm5 1) =~ ^409\ 0\ [a-z] ]]; }
ok 'beyond them nothing is granted' wait_for 5 closed
step policyd -2
ok 'within them again' wait_for 5 lease_is vm5 1 '200 1'

# -- the broker starts anew, five hours off
proc_stop gw-east KILL
step gw-east -5
gateway_start gw-east || exit 1
is 'its guests are as they were' "$(lease vm1 1)" '200 1'
is 'and never more than are owned' "$(occupied)" 2
t_end
