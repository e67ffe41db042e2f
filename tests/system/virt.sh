# shellcheck shell=bash
# Hypervisor hosts for the tests of hostd: a network namespace with an uplink to a switch whose ports are closed, guests with and
# without QEMU, libvirtd.  Sourced after lib.sh, daemon.sh, server.sh and nas.sh.
#
#	own_machine "$@"            as own_netns, with process ids of its own as well: whatever the test leaves dies with it
#
#	switch_bridge SWITCH [ADDR/BITS]    the switch forwards between its ports; its own address among the guests answers pings
#	switch_trunk SWITCH SWITCH  a line between the two, open for all
#	switch_fdb SWITCH           the addresses that hostapd opened: MAC PORT a line
#
#	host_add NAME SWITCH PORT   a host: bridge br0 with the port uplink0, whose other end is PORT of the switch.  Closed, until
#	                            hostapd_start SWITCH PORT: each station that it authorizes may pass.  Its own /run, /var/lib, /var/log,
#	                            /var/cache and /etc/libvirt are run, lib, log, cache and libvirt in $T/host/NAME.  A line to us:
#	                            HOST_ADDR[NAME] is the host's address, HOST_GATE[NAME] ours.  Hosts reach each other
#	host_stop NAME              and everything that runs there, at once: a power cut
#	on_host NAME COMMAND...
#	host_run NAME COMMAND...    in the background; its process is $!
#	host_pid NAME               of the host: /proc/PID/ns and /proc/PID/root are what it sees
#
#	tap_add HOST NAME MAC [ADDR/BITS]   a guest as containers are: a namespace of its own behind port NAME of br0
#	tap_del NAME
#	taps_add HOST COUNT PREFIX MAC      many at once, without addresses: PREFIX1 has MAC, PREFIX2 the next
#	on_guest NAME COMMAND...
#	guest_pings NAME ADDR       one answer within a second
#
#	guest_make                  a kernel and an initrd for the following: before own_machine, as it may download them
#	guest_kernel                after t_begin: they are in $T/guest; fails, and says why, if they or QEMU or libvirt are not here
#	qemu_start HOST NAME MAC [ADDR/BITS]    a guest in QEMU without libvirt, behind the tap NAME; its console is $T/NAME.console
#	qemu_stop NAME [SIGNAL]
#
#	libvirtd_start HOST         until it answers; qemu:///system there, qemu+tcp://ADDR/system for other hosts
#	libvirtd_stop HOST [SIGNAL] the guests stay.  As after installation, but for systemd; hooks go into $T/host/HOST/libvirt
#	on_virsh HOST ARGS...       virsh there
#	domain_xml NAME MAC [OPTIONS...] > FILE     a domain with libvirt: pc, TCG, 128 MiB, one virtio interface on br0.  Options:
#	                            ip=ADDR/BITS of it, ping=ADDR that the guest pings all the time, nic=MAC for one more interface,
#	                            'cdrom=PATH [optional]', which then may be absent; disk= the same as a read-only virtio disk;
#	                            metadata=XML in <metadata>, memory=MIB
#	domain_start HOST NAME [define]     from $T/NAME.xml, transient unless defined, its console $T/NAME.console
#	domain_wait SECONDS NAME REGEX      until the console says it
#	domain_state HOST NAME
#	domain_pid HOST NAME        of its QEMU
#	domain_migrate NAME FROM TO [VIRSH-OPTIONS...]
#	domain_events HOST          what libvirtd says from now on, in $T/HOST.events: YYYY-MM-DD HH:MM:SS.mmm+0000: event ...
#	domain_answers NAME         how many pings the guest has had an answer to; domain_gap NAME: the longest series without one

# shellcheck disable=SC2034 # HOST_GATE is for tests#
#	hypervisor_world            after hostd_world: FreeRADIUS takes the certificates of policyd; template web
#	hypervisor_add HOST SWITCH PORT [SECTION.OPTION=VALUE...]   a host with hostd that takes its guests from libvirt, has enrolled
#	                            with policyd, writes cidata to /run/vmprov/cidata, and is libvirt's hook; neither is started
#	cidata_of NAME              the path of a domain's
#	metadata_of TEMPLATE        what names it, in a domain's XML
#	guest_field HOST WHAT FIELD of the guest, as vmprov-hostctl shows it

# shellcheck disable=SC2034 # HOST_GATE is for tests
declare -A HOST_PID=() HOST_ADDR=() HOST_GATE=() HOST_RUNS=() GUEST_PID=() QEMU_PID=() LIBVIRTD_PID=()
HOST_COUNT=0
GUEST_DIR=$TOP/build/guest

own_machine() {
	[ -z "${OWN_NETNS:-}" ] || return 0
	[ "$(id -u)" = 0 ] || return 0
	# The first process only waits: the test gets signals, and orphans find somebody.
	# shellcheck disable=SC2016 # for the inner shell
	OWN_NETNS=1 exec unshare --net --mount --pid --fork --kill-child --mount-proc --propagation private \
		bash -c 'ip link set lo up && bash "$@"; exit $?' - "$0" "$@"
}

# -- switches
switch_bridge() {
	on_switch "$1" ip -batch - <<-EOF
		link add sw type bridge stp_state 0 forward_delay 0 ageing_time 30000
		link set sw up
		${2:+address add $2 dev sw}
	EOF
}

switch_trunk() {
	on_switch "$1" ip link add "to-$2" type veth peer name "to-$1" netns "${SWITCH_PID[$2]}"
	on_switch "$1" ip link set "to-$2" master sw up
	on_switch "$2" ip link set "to-$1" master sw up
}

switch_fdb() { on_switch "$1" bridge fdb show br sw | sed -n 's/^\([0-9a-f:]*\) dev \([^ ]*\) .*static$/\1 \2/p' | grep -v ' to-'; }

# What hostapd says opens and closes its port: one process for all, as "hostapd_cli -a" loses events when many come together.  They
# end with the switch.
switch_gate() {
	local switch=$1 port=$2 event="^[0-9.: ]*$2: AP"
	on_switch "$switch" ip link set "$port" master sw
	on_switch "$switch" bridge link set dev "$port" locked on learning off
	: >> "$T/$switch.log"
	tail -n 0 --pid="${SWITCH_PID[$switch]}" -s 0.2 -F "$T/$switch.log" 2>/dev/null |
		sed -un "s/$event-STA-CONNECTED \([0-9a-f:]*\).*/fdb replace \1 dev $port master static/p
			s/$event-STA-DISCONNECTED \([0-9a-f:]*\).*/fdb del \1 dev $port master/p
			s/$event-ENABLED.*/fdb flush dev $port master static/p" |
		nsenter --net="/proc/${SWITCH_PID[$switch]}/ns/net" -- bridge -force -batch - 2>/dev/null &
	disown
}

# -- hosts
on_host() {
	local name=$1
	shift
	nsenter --target "${HOST_PID[$name]}" --net --mount --uts -- "$@"
}

host_run() {
	local name=$1
	shift
	# Not on_host: a function in the background would be the one to kill.
	nsenter --target "${HOST_PID[$name]}" --net --mount --uts -- "$@" &
	HOST_RUNS[$name]+=" $!"
}

host_pid() { echo "${HOST_PID[$1]}"; }

# shellcheck disable=SC2016 # for the shell inside
HOST_SETUP='
	mount --make-rprivate /
	mount -t sysfs sysfs /sys
	hostname "$1"
	mkdir -p "$2/run/libvirt" "$2/run/lock" "$2/run/vmprov" "$2/lib/libvirt" "$2/lib/vmprov" "$2/log" "$2/cache"
	# Its own name is found; for another, no name server is asked.
	printf "127.0.0.1 localhost %s\n" "$1" > "$2/hosts"
	: > "$2/resolv.conf"
	mount --bind "$2/hosts" /etc/hosts
	mount --bind "$2/resolv.conf" /etc/resolv.conf || :
	mkdir "$2/libvirt"
	[ ! -d /etc/libvirt ] || mount --bind "$2/libvirt" /etc/libvirt
	for dir in lib log cache; do mount --bind "$2/$dir" "/var/$dir"; done
	mount --bind "$2/run" /run
	: > "$2/made"
	exec sleep infinity'

host_add() {
	local name=$1 switch=$2 port=$3 n dir=$T/host/$1
	n=$((++HOST_COUNT))
	mkdir -p "$dir"
	chmod 755 "$T/host" "$dir"
	unshare --net --mount --uts sh -ec "$HOST_SETUP" - "$name" "$dir" 2>"$dir/error" &
	HOST_PID[$name]=$!
	HOST_GATE[$name]=10.98.$n.1
	HOST_ADDR[$name]=10.98.$n.2
	T_CLEANUP+=("host_stop $name")
	wait_for 5 test -e "$dir/made" || {
		cat "$dir/error" >&2
		return 1
	}
	host_links "$name" "$switch" "$port" "$n"
	switch_gate "$switch" "$port"
}

host_links() {
	local name=$1 switch=$2 port=$3 n=$4
	ip -batch - <<-EOF
		link add m$n type veth peer name mgmt0 netns ${HOST_PID[$name]}
		address add 10.98.$n.1/24 dev m$n
		link set m$n up
	EOF
	echo 1 > /proc/sys/net/ipv4/ip_forward
	on_switch "$switch" ip link add "$port" type veth peer name uplink0 netns "${HOST_PID[$name]}"
	on_switch "$switch" ip link set "$port" up
	on_host "$name" sh -c 'echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6' 2>/dev/null
	on_host "$name" ip -batch - <<-EOF
		link set lo up
		address add 10.98.$n.2/24 dev mgmt0
		link set mgmt0 up
		route add default via 10.98.$n.1
		link add br0 type bridge stp_state 0 forward_delay 0
		link set uplink0 master br0
		link set uplink0 up
		link set br0 up
	EOF
}

# Whatever is in its network, libvirtd's guests as well: they are nobody's children.
host_stop() {
	local pid=${HOST_PID[$1]:-} net p
	[ -n "$pid" ] || return 0
	net=$(readlink "/proc/$pid/ns/net")
	{
		for p in /proc/[0-9]*; do
			[ "$(readlink "$p/ns/net")" != "$net" ] || kill -KILL "${p#/proc/}"
		done
		# shellcheck disable=SC2086 # some of ours
		wait "$pid" ${HOST_RUNS[$1]:-}
	} 2>/dev/null
	HOST_PID[$1]=
	LIBVIRTD_PID[$1]=
}

# -- guests without QEMU
on_guest() {
	local name=$1
	shift
	nsenter --net="/proc/${GUEST_PID[$name]}/ns/net" -- "$@"
}

guest_apart() { [ "$(readlink "/proc/${GUEST_PID[$1]}/ns/net")" != "$(readlink /proc/self/ns/net)" ]; }

tap_add() {
	local host=$1 name=$2 mac=$3 addr=${4:-}
	unshare --net sleep infinity &
	GUEST_PID[$name]=$!
	T_CLEANUP+=("tap_del $name")
	wait_for 5 guest_apart "$name" || return 1
	on_host "$host" ip -batch - <<-EOF
		link add $name type veth peer name eth0 address $mac netns ${GUEST_PID[$name]}
		link set $name master br0
		link set $name up
	EOF
	on_guest "$name" ip -batch - <<-EOF
		link set lo up
		${addr:+address add $addr dev eth0}
		link set eth0 up
	EOF
}

tap_del() {
	[ -n "${GUEST_PID[$1]:-}" ] || return 0
	process_stop "${GUEST_PID[$1]}" KILL
	GUEST_PID[$1]=
}

taps_add() {
	local host=$1 count=$2 prefix=$3 first n mac
	first=$((16#${4//:/}))
	for ((n = 1; n <= count; n++)); do
		mac=$(printf '%012x' $((first + n - 1)) | sed 's/../&:/g; s/:$//')
		echo "link add $prefix$n type veth peer name g$prefix$n address $mac"
		echo "link set g$prefix$n up"
		echo "link set $prefix$n master br0"
		echo "link set $prefix$n up"
	done | on_host "$host" ip -batch -
}

guest_pings() { on_guest "$1" busybox ping -c 1 -W 1 "$2"; }

# -- guests in QEMU
guest_make() {
	[ -z "${OWN_NETNS:-}" ] || return 0
	GUEST_WHY=$(sh "$HERE/guest/make.sh" "$GUEST_DIR" 2>&1 | tail -n 1)
	export GUEST_WHY
}

guest_kernel() {
	local program
	for program in qemu-system-x86_64 libvirtd virsh; do
		command -v $program >/dev/null || {
			echo "there is no $program"
			return 1
		}
	done
	mkdir -p "$T/guest"
	cp "$GUEST_DIR/vmlinuz" "$GUEST_DIR/initrd" "$T/guest/" 2>/dev/null || {
		echo "no kernel for guests: ${GUEST_WHY:-}"
		return 1
	}
}

guest_cmdline() {
	local option words='console=ttyS0 quiet panic=1'
	for option in "$@"; do
		case $option in
		ip=* | ping=*) words+=" guest.$option" ;;
		esac
	done
	printf '%s\n' "$words"
}

qemu_start() {
	local host=$1 name=$2 mac=$3 addr=${4:-}
	on_host "$host" ip tuntap add dev "$name" mode tap || return 1
	on_host "$host" ip link set "$name" master br0 up
	host_run "$host" qemu-system-x86_64 -accel tcg -machine pc -m 128 -nodefaults -display none -no-reboot \
		-kernel "$T/guest/vmlinuz" -initrd "$T/guest/initrd" -append "$(guest_cmdline ${addr:+ip="$addr"})" -serial "file:$T/$name.console" \
		-netdev "tap,id=n,ifname=$name,script=no,downscript=no" -device "virtio-net-pci,netdev=n,romfile=,mac=$mac" 2>"$T/$name.qemu"
	QEMU_PID[$name]=$!
}

qemu_stop() {
	[ -n "${QEMU_PID[$1]:-}" ] || return 0
	process_stop "${QEMU_PID[$1]}" "${2:-TERM}"
	QEMU_PID[$1]=
}

# -- libvirtd
libvirtd_conf() {
	local name=$1 etc=$T/host/$1/libvirt user=libvirt-qemu group=libvirt-qemu
	id libvirt-qemu >/dev/null 2>&1 || user=nobody group=nogroup
	cat > "$etc/libvirtd.conf" <<-EOF
		listen_tls = 0
		listen_tcp = 1
		auth_tcp = "none"
		listen_addr = "${HOST_ADDR[$name]}"
		auth_unix_ro = "none"
		auth_unix_rw = "none"
		unix_sock_group = "${HOSTD_USER:-root}"
		unix_sock_rw_perms = "0770"
		host_uuid = "$(uuid_of "$name")"
		log_outputs = "3:stderr"
	EOF
	# Without systemd nobody keeps control groups, nor virtlogd.  Both hosts have the same files.
	cat > "$etc/qemu.conf" <<-EOF
		security_driver = "none"
		namespaces = []
		cgroup_controllers = []
		stdio_handler = "file"
		remember_owner = 0
		user = "$user"
		group = "$group"
	EOF
}

# The same for the same name, as the libvirtd of a host that comes again.
uuid_of() { md5sum <<<"$1" | sed -E 's/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*/\1-\2-4\3-8\4-\5/'; }

libvirtd_start() {
	local name=$1
	[ -e "$T/host/$name/libvirt/qemu.conf" ] || libvirtd_conf "$name"
	host_run "$name" libvirtd --listen >> "$T/$name.libvirtd.log" 2>&1
	LIBVIRTD_PID[$name]=$!
	wait_for 20 on_virsh "$name" list || {
		tail -n 5 "$T/$name.libvirtd.log" >&2
		return 1
	}
}

libvirtd_stop() {
	[ -n "${LIBVIRTD_PID[$1]:-}" ] || return 0
	process_stop "${LIBVIRTD_PID[$1]}" "${2:-TERM}"
	LIBVIRTD_PID[$1]=
}

on_virsh() {
	local host=$1
	shift
	on_host "$host" virsh -q -c qemu:///system "$@"
}

# -- domains
domain_nic() { printf "<interface type='bridge'><source bridge='br0'/><mac address='%s'/><model type='virtio'/><rom enabled='no'/></interface>\n" "$1"; }

# domain_disk DEVICE BUS TARGET 'PATH [optional]'
domain_disk() {
	local policy=''
	[[ $4 != *' optional' ]] || policy=" startupPolicy='optional'"
	printf "<disk type='file' device='%s'><driver name='qemu' type='raw'/><source file='%s'%s/><target dev='%s' bus='%s'/><readonly/></disk>\n" \
		"$1" "${4%% *}" "$policy" "$3" "$2"
}

domain_xml() {
	local name=$1 mac=$2 option metadata='' memory=128 devices
	devices=$(domain_nic "$mac")
	for option in "${@:3}"; do
		case $option in
		nic=*) devices+=$(domain_nic "${option#*=}") ;;
		cdrom=*) devices+=$(domain_disk cdrom ide hda "${option#*=}") ;;
		disk=*) devices+=$(domain_disk disk virtio vda "${option#*=}") ;;
		metadata=*) metadata=${option#*=} ;;
		memory=*) memory=${option#*=} ;;
		esac
	done
	cat <<-EOF
		<domain type='qemu'>
		<name>$name</name><uuid>$(uuid_of "domain $name")</uuid>
		<metadata>$metadata</metadata>
		<memory unit='MiB'>$memory</memory><vcpu>1</vcpu>
		<os><type arch='x86_64' machine='pc'>hvm</type><kernel>$T/guest/vmlinuz</kernel><initrd>$T/guest/initrd</initrd>
		<cmdline>$(guest_cmdline "${@:3}")</cmdline></os>
		<features><acpi/></features>
		<on_poweroff>destroy</on_poweroff><on_reboot>restart</on_reboot><on_crash>destroy</on_crash>
		<devices><emulator>/usr/bin/qemu-system-x86_64</emulator>
		$devices
		<serial type='file'><source path='$T/$name.console' append='on'/></serial>
		<controller type='usb' model='none'/><memballoon model='none'/>
		</devices>
		</domain>
	EOF
}

domain_start() {
	if [ "${3:-}" = define ]; then
		on_virsh "$1" define "$T/$2.xml" && on_virsh "$1" start "$2"
	else
		on_virsh "$1" create "$T/$2.xml"
	fi
}

domain_wait() { wait_for "$1" grep -qE -- "$3" "$T/$2.console"; }
domain_state() { on_virsh "$1" domstate "$2" | head -n 1; }
domain_pid() { on_host "$1" cat "/run/libvirt/qemu/$2.pid"; }

domain_migrate() {
	local name=$1 from=$2 to=${HOST_ADDR[$3]}
	shift 3
	on_virsh "$from" migrate --live --unsafe "$@" "$name" "qemu+tcp://$to/system" "tcp://$to"
}

domain_events() {
	host_run "$1" virsh -q -r -c qemu:///system event --all --loop --timestamp >> "$T/$1.events" 2>&1
	sleep 0.2 # nothing tells when it has registered
}

domain_answers() { grep -c '^64 bytes from' "$T/$1.console"; }
domain_gap() { sed -n 's/^64 bytes from .*: seq=\([0-9]*\) .*/\1/p' "$T/$1.console" | awk 'NR > 1 && $1 - last - 1 > gap { gap = $1 - last - 1 } { last = $1 } END { print gap + 0 }'; }

# -- hostd beside libvirtd.  After hostd.sh.
hypervisor_world() {
	sed -i "s|^\(\t*\)ca_file = .*|\1ca_file = $CA|" "$T/r/raddb/mods-available/vmprov_eap"
	radius_stop
	RADIUS_NO_HOLD=1 radius_start "$T/r" || return 1
	sql "INSERT INTO template (name, auto_create) VALUES ('web', 1)" \
		"INSERT INTO template_coi (template_id, coi_id) SELECT template.id, coi.id FROM template, coi WHERE template.name = coi.name"
}

hypervisor_add() {
	local host=$1 hook=$T/host/$1/libvirt/hooks/qemu.d/vmprov
	host_add "$1" "$2" "$3" || return 1
	shift 3
	hostd_make "$host" guests.libvirt=yes guests.netlink=no cidata.enabled=yes cidata.directory=/run/vmprov/cidata \
		"policyd.url=https://${HOST_GATE[$host]}:$POLICYD_PORT" policyd.timeout=3s identity.enrol=yes "$@"
	rm -f "$T/$host/identity"/*
	cp "$CA" "$T/$host/policyd-ca.pem"
	(umask 077 && vmprov --store "$POLICYD_STORE" token --host "$host" > "$T/$host/token" 2>/dev/null)
	chown "$HOSTD_USER" "$T/$host/token"
	on_host "$host" install -d -o "$HOSTD_USER" -m 711 /run/vmprov/cidata
	mkdir -p "${hook%/*}"
	# As it is installed: it finds vmprov-hostctl by PATH, and that finds hostd where it is by default.
	install -m 755 "$TOP/hostd/libvirt-hook" "$hook"
	on_host "$host" ln -s "$T/$host/hostd.sock" /run/vmprov/hostd.sock
}

cidata_of() { echo "/run/vmprov/cidata/$(uuid_of "domain $1").iso"; }
metadata_of() { printf "<vmprov:guest xmlns:vmprov='https://vmprov.example/ns/guest/1' template='%s'/>" "$1"; }
guest_field() { hostctl "$1" show "$2" --json 2>/dev/null | tr -d '\n' | sed -nE "s/^[^[]*\"$3\": *\"?([^\",}]*).*/\1/p"; }
