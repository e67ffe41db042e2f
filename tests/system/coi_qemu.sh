#!/bin/bash
# coid in guests of QEMU whose kernel has WireGuard: they find their join bundle on the volume that hostd makes, enrol, and talk; also
# with a machine whose WireGuard is wireguard-go.  Whoever shares nothing does not; keys change, members go, coid dies and comes again.
. "$(dirname "$0")/lib.sh"
. "$HERE/daemon.sh"
. "$HERE/nas.sh"
. "$HERE/virt.sh"
. "$HERE/coi.sh"
guest_make
own_machine "$@"
t_begin coi_qemu

left_out() {
	echo "coi_qemu: left out: $1"
	t_end
}
[ "$(id -u)" = 0 ] || left_out 'only root may make network namespaces'
[ "$(uname -m)" = x86_64 ] || left_out 'the guest is for x86_64'
for need in qemu-system-x86_64 busybox bsdtar nft wg; do
	command -v $need >/dev/null || left_out "there is no $need"
done
[ -z "${GUEST_WHY:-}" ] && [ -e "$GUEST_DIR/lib/order-coi" ] || left_out "no guest with WireGuard: ${GUEST_WHY:-no modules}"

# -- guests: machines of coi.sh, but that on_machine asks a shell in the guest
SHELL_PORT=1023
declare -A GUEST=() # process ids of QEMU

# What follows the kernel's first archive: programs, and what init reads.
guest_archive() {
	local root=$T/root program
	mkdir -p "$root/bin" "$root/coi" "$root/etc/vmprov" "$root/run" "$root/tmp" "$root/var/lib"
	ln -s /run "$root/var/run"
	: > "$root/etc/vmprov/coid.conf"
	printf '127.0.0.1 localhost\n' > "$root/etc/hosts"
	for program in coid wg ip nft; do
		program=$(command -v $program)
		cp -L "$program" "$root/bin/"
		ldd "$program" | grep -o '/[^ ]*' | while read -r library; do
			mkdir -p "$root${library%/*}"
			[ -e "$root$library" ] || cp -L "$library" "$root$library"
		done
	done
	cat > "$root/coi/init" <<-'EOF'
		# shellcheck shell=dash
		for m in $($b cat /lib/order-coi); do $b insmod "/lib/$m.ko"; done
		# busybox's shell prefers its own ip: the other one has its path.
		export PATH=/bin
		$b --install -s /bin
		hostname "$(option name)"
		for n in default eth0; do echo 0 > "/proc/sys/net/ipv6/conf/$n/accept_dad"; done
		/bin/ip address add "$(option ip6)" dev eth0 nodad
		/bin/ip route add default via "$(option via)"
		nc -ll -p 1023 -e /bin/sh &
		coid &
	EOF
	(cd "$root" && bsdtar -c --format newc --uid 0 --gid 0 .) | gzip -1 > "$T/more"
	cat "$GUEST_DIR/initrd" "$T/more" > "$T/initrd"
}

# guest_add NAME TEMPLATE: it starts, its host having made its volume
guest_add() {
	local name=$1 n=$((${#MACHINE_N[@]} + 1))
	MACHINE_N[$name]=$n
	mkdir -p "$T/$name"
	machine_bundle "$name" "$2" && cidata-make "$T/$name/cidata.iso" "$(uuid_of "$name")" "$name" < "$T/$name/join/join.json" || return 1
	ip tuntap add dev "m$n" mode tap && ip link set "m$n" master br0 up || return 1
	qemu-system-x86_64 -accel tcg -machine pc -m "${GUEST_MEMORY:-512}" -nodefaults -display none -no-reboot \
		-kernel "$GUEST_DIR/vmlinuz" -initrd "$T/initrd" -serial "file:$T/$name.console" \
		-append "console=ttyS0 quiet panic=1 guest.name=$name guest.ip=$(under "$name")/16 guest.ip6=$(under6 "$name")/64 guest.via=$COI_HOST" \
		-netdev "tap,id=n,ifname=m$n,script=no,downscript=no" -device "virtio-net-pci,netdev=n,romfile=,mac=$(mac_of "$name")" \
		-drive "file=$T/$name/cidata.iso,format=raw,if=virtio,readonly=on" < /dev/null 2>"$T/$name.qemu" &
	GUEST[$name]=$!
}

guests_stop() {
	local name
	for name in "${!GUEST[@]}"; do process_stop "${GUEST[$name]}" KILL; done
}

# The guest's shell does all that one connection says; its last line is the status.
on_guest() {
	local name=$1 out
	shift
	out=$(printf 'exec 2>&1\n%s\necho "= $?"\n' "$*" | timeout 30 busybox nc "$(under "$name")" $SHELL_PORT) || return 1
	printf '%s\n' "$out" | sed '$d'
	return "$(printf '%s\n' "$out" | sed -n '$s/^= //p' | grep . || echo 1)"
}

eval "on_namespace$(declare -f on_machine | sed 1s/on_machine//)"
on_machine() {
	if [ -n "${GUEST[$1]:-}" ]; then
		on_guest "$1" "$(printf '%q ' "${@:2}")"
	else
		on_namespace "$@"
	fi
}
coid_ask() {
	if [ -n "${GUEST[$1]:-}" ]; then
		on_guest "$1" coid status "${@:2}"
	else
		on_namespace "$1" coid status -c "$T/$1/coid.conf" "${@:2}"
	fi
}

# As wait_for, but by the clock: a question to a guest takes its time.
wait_guest() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.1
	done
}

answers() { on_guest "$1" 'ping -c 1 -W 5 '"$2" >/dev/null; }
connects() { on_guest "$1" "nc -w 5 $2 22 </dev/null"; }
# ping_start NAME GUEST TO: until ping_stop NAME; ping_on NAME: more answers come
ping_start() {
	PING_OF[$1]=$2
	on_guest "$2" "ping -i 0.2 $(inner "$3") >/tmp/$1 2>&1 </dev/null & echo \$! >/tmp/$1.pid" >/dev/null
}
declare -A PING_OF=()
ping_stop() { on_guest "${PING_OF[$1]}" "kill \$(cat /tmp/$1.pid)"; }
ping_count() { on_guest "${PING_OF[$1]}" "grep -c seq= /tmp/$1"; }
ping_more() { [ "$(ping_count "$1")" -gt "$2" ]; }
ping_on() { wait_guest 20 ping_more "$1" "$(($(ping_count "$1") + 2))"; }
ping_lost() { on_guest "${PING_OF[$1]}" "cat /tmp/$1" | awk -F 'seq=| ttl' '/seq=/ {if (n++ == 0) first = $2; last = $2} END {print last - first + 1 - n}'; }
engine_of() { coid_ask "$1" --json | sed -nE 's/.*"engine": *"([^"]*)".*/\1/p'; }
guest_well() { grep -q 'guest: ready' "$T/$1.console" && coid_well "$1"; }

# -- the world
T_CLEANUP+=(guests_stop)
guest_archive && coi_world coi.grace=2s && guest_add web1 web && guest_add app1 app && guest_add lone1 lone && machine_add app2 app || exit 1
coid_start app2
for name in web1 app1 lone1; do
	ok "$name boots, finds its volume, enrols" wait_guest 120 guest_well $name || tail -n 5 "$T/$name.console"
done
like 'from the volume' "$(grep bundle-found "$T/web1.console")" '"name":"web1"'
is "the kernel's WireGuard" "$(engine_of web1) $(engine_of app1)" 'kernel kernel'
is 'wireguard-go in the other machine' "$(engine_of app2)" wireguard-go
like 'and no other' "$(on_guest web1 '/bin/ip -d link show vmprov0')" 'wireguard'

# -- shared
is 'before anybody talks there is no peer' "$(peers_of web1)$(peers_of app1)" ''
ok 'web1 reaches app1, with the first packet' answers web1 "$(inner app1)"
ok 'app1 web1' answers app1 "$(inner web1)"
ok 'in IPv4' answers web1 "$(inner4 app1)"
ok 'by its name' answers web1 app1
ok 'with one preshared key' same_psk web1 app1
ok 'web1 reaches app2, whose WireGuard is the other' answers web1 "$(inner app2)"
ok 'and is reached' pings app2 web1 5
ok 'with one preshared key' same_psk web1 app2
is 'these are its peers' "$(peers_of web1)" 'app1 app2'

# -- not shared
like 'lone1 is refused at once' "$(connects lone1 "$(inner web1)" 2>&1)" 'Permission denied|No route to host|unreachable'
fails 'it reaches nobody' '' answers lone1 "$(inner app1)"
fails 'and is not reached' '' answers app1 "$(inner lone1)"
is 'it has no peer' "$(peers_of lone1)" ''
like 'the guard is there' "$(on_guest web1 nft list table inet vmprov_guard)" 'drop'
echoes() { on_guest web1 "awk '/^Icmp6InEchos /{print \$2}' /proc/net/snmp6"; }
spoof() {
	on_guest lone1 "/bin/ip address add $(inner app1)/128 dev lo nodad; /bin/ip -6 rule add pref 1 to $(inner web1) lookup 99
		/bin/ip route replace $(inner web1) via $(under6 web1) dev eth0 table 99; ping -c 3 -W 1 -I $(inner app1) $(inner web1)"
}
before=$(echoes)
on_guest lone1 "ping -c 3 -W 5 $(under6 web1)" >/dev/null
is 'what comes from outside is counted' "$(echoes)" $((before + 3))
before=$(echoes)
fails 'a clear packet with an inner address has no answer' '' spoof
is 'and does not come through' "$(echoes)" "$before"

# -- keys change
ping_start run web1 app1
ping_start other web1 app2
ok 'packets flow' ping_on run
for name in app1 app2; do
	ok "web1 and $name are in the first epoch" at_epoch app web1 $name
done
for epoch in 2 3; do
	old=$(psk_of web1 app1)
	vmprov --store "$POLICYD_STORE" coi rotate app >/dev/null
	ok "epoch $epoch, kernel and kernel" wait_guest 20 at_epoch app web1 app1
	is 'it is that one' "$(epoch_of app)" $epoch
	ok "epoch $epoch, kernel and wireguard-go" wait_guest 20 at_epoch app web1 app2
	ok 'with another session key' psk_is_not web1 app1 "$old"
done
ok 'packets flow' ping_on run
ok 'there too' ping_on other

# -- coid dies: WireGuard goes on
on_guest web1 'kill -9 $(pidof coid)'
ok 'coid is killed: packets flow' ping_on run
on_guest web1 'coid >/dev/ttyS0 2>&1 </dev/null &'
ok 'it comes again' wait_guest 60 coid_well web1
is 'with its peers' "$(peers_of web1)" 'app1 app2'
for name in app1 app2; do
	ok "web1 and $name agree anew" wait_guest 30 at_epoch app web1 $name
done
ok 'packets flow' ping_on run
is 'and none was lost in all that' "$(ping_lost run) $(ping_lost other)" '0 0'

# -- a member goes
cois web1
ok 'a member goes: it has no peer' wait_guest 10 peer_is web1 ''
ok 'its peers have removed it' wait_guest 5 has_no_peer app1 web1
fails 'and nothing comes through' '' answers app1 "$(inner web1)"
ok 'the others talk on' answers app1 "$(inner app2)"
cois web1 app
ok 'it comes in again' wait_guest 20 answers web1 "$(inner app1)"

# -- the end
on_guest web1 'kill $(pidof coid)'
ok 'coid stops: its peers have been told' wait_guest 10 has_no_peer app1 web1
no_interface() { ! on_guest "$1" ip link show vmprov0; }
ok 'its interface is gone' wait_guest 5 no_interface web1
like 'what is sent to an inner address is refused' "$(connects web1 "$(inner app1)" 2>&1)" 'Permission denied|No route to host|unreachable'
for name in web1 app1 lone1; do
	is "no complaint of $name's kernel or of sanitizers" "$(grep -cE 'AddressSanitizer|runtime error:|BUG:|Oops|Call Trace' "$T/$name.console")" 0
done
coid_stop app2
t_end
