#!/bin/bash
# hostd among guests that send with others' addresses, neighbours that forge a switch's frames, a disk that is full and a policyd
# that hangs: whoever has done nothing keeps its network, and the log stays readable.
. "$(dirname "$0")/lib.sh"
. "$HERE/daemon.sh"
. "$HERE/server.sh"
. "$HERE/nas.sh"
. "$HERE/virt.sh"
. "$HERE/hostd.sh"
own_machine "$@"
t_begin hostd_trouble
if [ "$(id -u)" != 0 ]; then
	echo 'hostd_trouble: left out: only root may make network namespaces'
	t_end
fi

hostd_world || exit 1
hypervisor_world || exit 1
host_add hv1 sw1 p1
hostapd_start sw1 p1 || { cat "$T/sw1.log"; exit 1; }
hostd_make hv1 guests.mac_from=frame log.level=info cidata.enabled=yes policyd.timeout=3s
hostd_enrols hv1
state=$T/hv1/state

# frames GUEST COUNT [MAC]: broadcast frames from that address, or each from another one
frames() {
	# shellcheck disable=SC2016 # perl's
	on_guest "$1" perl -e 'use Socket; my ($n, $mac) = @ARGV;
		socket(my $s, 17, SOCK_RAW, 0x0300) or die;
		open my $f, "/sys/class/net/eth0/ifindex" or die; my $index = <$f>;
		my $to = pack("S n i S C C a8", 17, 3, $index, 0, 0, 6, "\xff" x 6);
		for my $i (1 .. $n) {
			my $from = $mac ? pack("H12", $mac =~ s/://gr) : pack("C2 N", 2, 9, $i);
			send($s, ("\xff" x 6) . $from . "\x88\xb5" . ("\0" x 46), 0, $to);
		}' "$2" "${3:-}"
}
port_is() { [ "$(hostctl hv1 show "$(mac "$1")" --json 2>/dev/null | tr -d '\n' | sed -nE 's/.*"port": *"([^"]*)".*/\1/p')" = "$2" ]; }
lines() { grep -c . "$T/hv1/hostd.log"; }
lives() { hostctl hv1 status >/dev/null && [ "$(hostd_process hv1 guests)" = "$process" ]; }

hostd_start hv1 || exit 1
enrolled() { hostctl hv1 status --json | tr -d '\n ' | grep -q '"identity":{[^}]*"there":true'; }
ok 'a host with policyd' wait_for 10 enrolled
process=$(hostd_process hv1 guests)
tap_add hv1 t1 "$(mac 1)" 192.168.77.11/24
tap_add hv1 t2 "$(mac 2)" 192.168.77.12/24
frames t1 1 "$(mac 1)"
ok 'a guest is let in by its first frame' wait_for 10 auth_is hv1 sw1 1

# -- another guest sends with its address
frames t2 3 "$(mac 1)"
frames t2 1 "$(mac 2)"
frames t2 3 "$(mac 1)"
ok 'the address stays with the port that had it first' port_is 1 t1
is 'there is one guest of it' "$(hostctl hv1 list | grep -c "$(mac 1)")" 1
ok 'it is in' auth_is hv1 sw1 1
frames t1 1 "$(mac 1)"
tap_del t1
out() { ! auth_is hv1 sw1 1 || port_is 1 t2; }
ok 'when its guest goes, it goes; or is seen to be the other'\''s' wait_for 10 out
tap_del t2

# -- ever new addresses behind a port
tap_add hv1 t3 "$(mac 3)" 192.168.77.13/24
frames t3 1 "$(mac 3)"
ok 'a guest' wait_for 10 auth_is hv1 sw1 3
before=$(lines)
frames t3 60000
ok 'it floods its bridge with addresses: hostd lives' lives
ok 'and is in' auth_is hv1 sw1 3
ok 'a line or two tell of it' [ $(($(lines) - before)) -le 6 ]
tap_add hv1 t4 "$(mac 4)" 192.168.77.14/24
frames t4 1 "$(mac 4)"
ok 'a guest that starts meanwhile is let in' wait_for 15 auth_is hv1 sw1 4
is 'none of the addresses has become a guest' "$(hostctl hv1 list | grep -c '02:09:')" 0

# -- a neighbour begins conversations and refuses them, as fast as it can
before=$(lines)
on_switch sw1 eapol-play p1 "$(mac 1)" 9 3 5000 1 identity failure >/dev/null
echo "# forged conversations: $(($(lines) - before)) lines" >&2
ok 'forged conversations: hostd lives' lives
ok 'and says no more than anybody can read' [ $(($(lines) - before)) -le 200 ]
ok 'both are in when it is over' wait_for 30 auth_is hv1 sw1 3
ok 'both' wait_for 30 auth_is hv1 sw1 4

# -- policyd hangs, and is not merely away
hostd_stop hv1
hostd_set hv1 guests.mac_from=alias
hostd_start hv1 || exit 1
told() { hostctl hv1 list | grep "$(mac "$1")" | grep -q " $2 "; }
alias_of() { alias_set hv1 "$1" "vmprov mac=$(mac "$2") name=vm$2 template=web"; }
pids=$(pgrep -P "$POLICYD_PID"; echo "$POLICYD_PID")
# shellcheck disable=SC2086 # process ids
kill -STOP $pids
tap_add hv1 t5 "$(mac 5)" 192.168.77.15/24
alias_of t5 5
ok 'policyd hangs: a guest is let in all the same' wait_for 8 auth_is hv1 sw1 5
# shellcheck disable=SC2086
kill -CONT $pids
ok 'and is reported when it goes on' wait_for 20 told 5 reported

# -- the disk is full
hostd_stop hv1
if on_host hv1 mount -t tmpfs -o size=64k tmpfs "$state" 2>/dev/null; then
	on_host hv1 install -d -o "$HOSTD_USER" -m 700 "$state" "$state/reported"
	hostd_start hv1
	on_host hv1 sh -c "head -c 100k /dev/zero > '$state/filler'" 2>/dev/null
	tap_add hv1 t6 "$(mac 6)" 192.168.77.16/24
	alias_of t6 6
	ok 'a full disk: a guest is let in all the same' wait_for 10 auth_is hv1 sw1 6
	like 'its error is said' "$(hostctl hv1 list | grep "$(mac 6)")" 'No space left'
	on_host hv1 rm "$state/filler"
	ok 'with room again it is reported' wait_for 30 told 6 reported
	ok 'and stands in the ledger' on_host hv1 grep -rq "$(mac 6)" "$state/reported"
	hostd_stop hv1
else
	echo 'hostd_trouble: left out: a full disk, which needs a mount'
fi
ok 'no token in the log' bash -c "! grep -E '[A-Za-z0-9_-]{43}' '$T/hv1/hostd.log'"
t_end
