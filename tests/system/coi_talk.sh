#!/bin/bash
# Who talks with whom: the three tiers of the seed's figure 3.  What is shared passes, at the first packet and in both families; what
# is not shared is refused at once.  Of several shared communities both ends take the same.  Idle peers go.
. "$(dirname "$0")/lib.sh"
. "$HERE/daemon.sh"
. "$HERE/nas.sh"
. "$HERE/virt.sh"
. "$HERE/coi.sh"
own_machine "$@"
t_begin coi_talk
if [ "$(id -u)" != 0 ]; then
	echo 'coi_talk: left out: only root may make network namespaces'
	t_end
fi

coi_world || exit 1
machine_add web1 web peers.idle=5s && machine_add web2 web && machine_add app1 app && machine_add app2 app peers.idle=5s && machine_add db1 db &&
	machine_add lone1 lone || exit 1
coid_start web1 web2 app1 app2 db1 lone1 || exit 1

# connects NAME ADDRESS PORT: "yes", or why not, and whether that took long
connects() {
	local began=$EPOCHREALTIME out
	out=$(on_machine "$1" timeout 5 bash -c "exec 3<>'/dev/tcp/$2/$3' && echo yes" 2>&1 | sed 's/.*: //' | tail -n 1)
	printf '%s%s' "${out:-no answer}" "$([ $(((${EPOCHREALTIME/./} - ${began/./}) / 1000)) -lt 500 ] || echo ', late')"
}
ADMIN='Permission denied|No route to host|Network is unreachable|Operation not permitted'
named() { on_machine "$1" getent hosts "$2" | cut -d ' ' -f 1; }
named_is() { [ "$(named "$1" "$2")" = "$3" ]; }
whole() { FLOW_FROM[$1]=0 && [ "$(head -n 1 "$T/$1.flow" | cut -d ' ' -f 1) $(flow_lost "$1")" = '1 0' ]; }
talks() { ok "$1 reaches $2" pings "$1" "$2" 3; }

# -- before anybody talks
like 'an inner address of the site, from its MAC address' "$(inner web1)" '^fd[0-9a-f:]+:5054:ff:fe09:1$'
for name in web1 app1 db1 lone1; do is "$name has no WireGuard peer" "$(peers_of $name)" ''; done
ok "web1 knows app1's name" wait_for 5 named_is web1 app1 "$(inner app1)"
is 'and not that of db1, with which it shares nothing' "$(named web1 db1)" ''
is 'its own /etc/hosts is otherwise as it was' "$(on_machine web1 getent hosts localhost | awk '{print $NF}')" localhost

# -- shared
flow_start first web1 app1 20
ok 'packets come' flow_up first
flow_on first
ok 'with the very first' whole first
flow_stop first
is 'web1 has this peer alone' "$(peers_of web1)" app1
is 'app1 as well' "$(peers_of app1)" web1
ok 'with one preshared key' same_psk web1 app1
is 'in the community that they share' "$(coid_peer web1 app1 coi) $(coid_peer app1 web1 coi)" 'app app'
talks app1 db1
talks db1 app2
talks app1 app2
talks web1 web2
is 'the name is enough' "$(on_machine web1 busybox ping -c 1 -W 2 app1 | grep -c ' 0% packet loss')" 1
on_machine app1 busybox nc -ll -p 8080 -e busybox cat &
wait_for 5 on_machine app1 sh -c "ss -Hltn 'sport = :8080' | grep -q ."
is 'TCP' "$(connects web1 "$(inner app1)" 8080)" yes
is 'a large datagram' "$(on_machine web1 busybox ping -c 1 -W 2 -s 8000 "$(inner app1)" | grep -c ' 0% packet loss')" 1
if [ -n "$(inner4 web1)" ]; then
	ok 'IPv4 inside as well' pings4 web1 app1 3
	ok 'the other way' pings4 app1 web1 3
	like 'and refused at once where nothing is shared' "$(connects web1 "$(inner4 db1)" 22)" "^($ADMIN)$"
fi

# -- not shared
for pair in 'web1 db1' 'db1 web2' 'lone1 web1' 'web1 lone1' 'lone1 db1'; do
	read -r from to <<<"$pair"
	like "$from is refused at once when it wants $to" "$(connects "$from" "$(inner "$to")" 22)" "^($ADMIN)$"
	fails "$from gets nothing from $to" '' pings "$from" "$to"
	ok 'and there is no peer' has_no_peer "$from" "$to"
	ok 'at either end' has_no_peer "$to" "$from"
done
on_machine web1 ip route add "$(inner db1)" dev vmprov0 2>/dev/null
fails 'a route by hand changes nothing: there is no peer for it' '' pings web1 db1
on_machine web1 ip route del "$(inner db1)" dev vmprov0 2>/dev/null
like 'an address that nobody has' "$(connects web1 "$(inner web1 | sed 's/[^:]*$/ffff/')" 22)" "^($ADMIN)$"

# -- several shared: web and app have the same priority, and web has fewer members
is 'two shared: the one with fewer members' "$(coid_peer web1 web2 coi) $(coid_peer web2 web1 coi)" 'web web'
flow_start several web1 web2 200
flow_up several
sql "UPDATE coi SET priority = 10 WHERE name = 'app'"
ok 'another one gets a better priority' wait_for 5 coid_peer_is web1 web2 coi app
ok 'at the other end as well' wait_for 5 coid_peer_is web2 web1 coi app
ok 'one key' wait_for 5 same_psk web1 web2
sql "UPDATE coi SET priority = 20 WHERE name = 'app'"
ok 'and back' wait_for 5 coid_peer_is web2 web1 coi web
cois web2 web
sql "UPDATE coi SET priority = 10 WHERE name = 'app'"
ok 'one that only one of them has does not count' wait_for 5 coid_peer_is web1 web2 coi web
ok 'they talk all the while' flow_on several
flow_stop several
is 'without a lost packet' "$(flow_lost several)" 0

# -- idle
ok 'who is idle is no peer any more' wait_for 25 peer_is app2 ''
ok 'at the other end neither' has_no_peer db1 app2
ok 'until it is needed' pings db1 app2 3

# -- the end
coid_stop db1
ok 'one that leaves has told its peers' wait_for 2 has_no_peer app1 db1
fails 'its interface is gone' '' on_machine db1 ip link show vmprov0
is 'and the names that it was told' "$(grep -c app "$T/db1/hosts")" 0
for name in web1 web2 app1 app2 lone1; do coid_stop $name; done
is 'no WireGuard is left behind' "$(pgrep -c wireguard-go)" 0
t_end
