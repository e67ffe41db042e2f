# shellcheck shell=bash
# Servers: configuration, start, stop, what they use.  Sourced by bench.sh and sessions.sh.

# shellcheck source=tests/bench/common.sh
. "$HERE/common.sh"

SECRET=testing123
MAC_STEP=13
# Accounting comes to a server's port and so many more; empty: not at all.
ACCT_OFFSET=
# The six attributes of every reply, as they are in a packet.
EXPECT=40060000000d41060000000651053130303b0a33333333333333331b0600000e101d0600000001

declare -A PID=() PORT_OF=() START_MS=()

# First existing of the given paths.
first_of() {
	local path
	for path in "$@"; do
		[ -e "$path" ] && echo "$path" && return
	done
	return 1
}

find_server() {
	RADIUSD=${RADIUSD:-$(command -v freeradius radiusd /usr/sbin/freeradius /usr/sbin/radiusd | head -n 1)}
	[ -x "$RADIUSD" ] || die "FreeRADIUS is not installed (set RADIUSD)"
	LIBDIR=${LIBDIR:-$(first_of /usr/lib/freeradius /usr/lib64/freeradius /usr/local/lib)} || die "set LIBDIR to FreeRADIUS's modules"
	RADDB=${RADDB:-$(first_of /etc/freeradius/3.0 /etc/freeradius /etc/raddb /usr/local/etc/raddb)} || die "set RADDB to FreeRADIUS's configuration"
	command -v sqlite3 >/dev/null || die "sqlite3 is not installed"
	[ -x "$RADLOAD" ] || die "$RADLOAD is missing: run make bench"
}

# One directory to load modules from: the server's and ours.
link_modules() {
	mkdir -p "$WORK/lib"
	ln -sf "$LIBDIR"/*.so "$WORK/lib/"
	[ -e "$B/rlm_vmprov.so" ] && ln -sf "$(realpath "$B/rlm_vmprov.so")" "$WORK/lib/"
	return 0
}

settings_stock() {
	T_START=5 T_MAX=32 T_MIN_SPARE=3 T_MAX_SPARE=10
	MAX_REQUESTS=16384 CLEANUP_DELAY=5 RECV_BUFF='' MAX_QUEUE=65536 POOL_SIZE=8192 SERVER_ENV=()
}

# shipped KEY DEFAULT: what raddb/ sets; the first of several.
shipped() {
	local value
	value=$(awk -v key="$1" '$1 == key && $2 == "=" { print $3; exit }' "$REPO"/raddb/{vmprov.conf,sites-available/vmprov})
	echo "${value:-$2}"
}

# As raddb/ ships them; docs/OPERATING.md has the reasons.
settings_shipped() {
	T_START=$(shipped start_servers 5) T_MAX=$(shipped max_servers 32)
	T_MIN_SPARE=$(shipped min_spare_servers 3) T_MAX_SPARE=$(shipped max_spare_servers 10)
	MAX_REQUESTS=$(shipped max_requests 16384) CLEANUP_DELAY=$(shipped cleanup_delay 5)
	RECV_BUFF=$(shipped recv_buff '') MAX_QUEUE=$(shipped max_queue_size 65536)
	POOL_SIZE=$(shipped talloc_pool_size 8192)
	SERVER_ENV=("$(sed -n 's/^Environment=//p' "$REPO/vmprov/systemd/freeradius.service.d/vmprov.conf")")
}

# Run a function that a server kind may have.
optional() { if declare -F "$1" >/dev/null; then "$1"; fi; }

# listen_acct PORT
listen_acct() {
	cat <<-EOF
		listen {
			type = acct
			ipaddr = 127.0.0.1
			port = $1
			${RECV_BUFF:+recv_buff = $RECV_BUFF}
		}
	EOF
}

# server_write NAME KIND VMS PORT: a configuration of its own for each server.
server_write() {
	local run=$WORK/run/$1 data=$WORK/data/$3
	mkdir -p "$run" "$data"
	: >"$run/radius.log"
	cat >"$run/radiusd.conf" <<-EOF
		name = radiusd
		prefix = "$run"
		localstatedir = "$run"
		libdir = "$WORK/lib"
		logdir = "$run"
		run_dir = "$run"
		pidfile = "$run/radiusd.pid"
		max_request_time = 30
		cleanup_delay = $CLEANUP_DELAY
		max_requests = $MAX_REQUESTS
		hostname_lookups = no
		proxy_requests = no
		log {
			destination = files
			file = "$run/radius.log"
		}
		security {
			max_attributes = 200
			reject_delay = 0
			status_server = no
			allow_core_dumps = no
		}
		resources {
			talloc_pool_size = $POOL_SIZE
		}
		thread pool {
			start_servers = $T_START
			max_servers = $T_MAX
			min_spare_servers = $T_MIN_SPARE
			max_spare_servers = $T_MAX_SPARE
			max_queue_size = $MAX_QUEUE
			max_requests_per_server = 0
			auto_limit_acct = no
		}
		client bench {
			ipaddr = 127.0.0.1
			secret = $SECRET
			require_message_authenticator = yes
		}
		modules {
			$("$2_modules" "$data")
		}
		policy {
			$(optional "$2_policies")
		}
		server bench {
			listen {
				type = auth
				ipaddr = 127.0.0.1
				port = $4
				${RECV_BUFF:+recv_buff = $RECV_BUFF}
			}
			${ACCT_OFFSET:+$(listen_acct $(($4 + ACCT_OFFSET)))}
			authorize {
				$("$2_authorize")
			}
			post-auth {
				$(optional "$2_post_auth")
			}
			preacct {
				$(optional "$2_preacct")
			}
			accounting {
				$(optional "$2_accounting")
			}
		}
	EOF
}

# Nobody is bound to the port: another server's answers would pass for ours.

# server_start NAME KIND VMS PORT: sets PID[NAME] and START_MS[NAME], from fork to the first good reply.
server_start() {
	local name=$1 began=${EPOCHREALTIME/./} tries=0
	PORT_OF[$name]=$4
	port_free "$4" udp || die "UDP port $4 is in use: set BENCH_PORT"
	server_write "$@"
	env "${SERVER_ENV[@]}" "$RADIUSD" -f -d "$WORK/run/$name" -n radiusd >"$WORK/run/$name/stdout" 2>&1 &
	PID[$name]=$!
	until load "$name" "$3" --probe --wait 1 2>"$WORK/run/$name/probe"; do
		kill -0 "${PID[$name]}" 2>/dev/null || die "$name did not start: $(grep -h . "$WORK/run/$name"/{stdout,radius.log} | tail -n 1)"
		((++tries < 120)) || die "$name does not answer: $(cat "$WORK/run/$name/probe")"
	done
	START_MS[$name]=$(((${EPOCHREALTIME/./} - began) / 1000))
}

server_stop() {
	[ -n "${PID[$1]:-}" ] || return 0
	kill "${PID[$1]}" 2>/dev/null || true
	timeout 20 tail -s 0.1 --pid="${PID[$1]}" -f /dev/null || kill -9 "${PID[$1]}" 2>/dev/null || true
	wait "${PID[$1]}" 2>/dev/null || true
	unset "PID[$1]"
}

servers_stop() {
	local name
	for name in "${!PID[@]}"; do server_stop "$name"; done
	return 0
}

# CPU that the server has used, user and kernel [ticks].
server_ticks() {
	local stat
	read -r stat <"/proc/${PID[$1]}/stat"
	read -ra stat <<<"${stat##*) }"
	echo $((stat[11] + stat[12]))
}

# VmRSS or VmHWM [KiB]
server_memory() { awk -v key="$2:" '$1 == key { print $2 }' "/proc/${PID[$1]}/status"; }

# load NAME VMS OPTION...  Class (25) is a reply's own: rlm_vmprov sends one beside the six attributes.
load() {
	local name=$1 vms=$2
	shift 2
	"$RADLOAD" --server "127.0.0.1:${PORT_OF[$name]}" --secret "$SECRET" \
		--macs "525400000000,$vms,$MAC_STEP" --expect-attrs "$EXPECT" --vary 25 "$@"
}

# account NAME VMS OPTION...: the same with accounting.
account() {
	local name=$1 vms=$2
	shift 2
	"$RADLOAD" --server "127.0.0.1:$((PORT_OF[$name] + ACCT_OFFSET))" --secret "$SECRET" \
		--macs "525400000000,$vms,$MAC_STEP" --accounting "$@"
}

# measure SECTION KIND NAME VMS SETTINGS ROUND OPTION...: one row to ROUNDS_FILE, rounds.tsv.  LOAD=account: of accounting.
measure() {
	local section=$1 kind=$2 name=$3 vms=$4 settings=$5 round=$6 before result cpu hertz
	shift 6
	hertz=$(getconf CLK_TCK)
	before=$(server_ticks "$name")
	result=$("${LOAD:-load}" "$name" "$vms" --tsv "$@") || die "$name, $vms VMs: wrong replies or none: $result"
	kill -0 "${PID[$name]}" 2>/dev/null || die "$name died: $(tail -n 1 "$WORK/run/$name/radius.log")"
	cpu=$((($(server_ticks "$name") - before) * 1000000 / hertz))
	printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$section" "$kind" "$vms" "$settings" "$round" "$result" "$cpu" \
		"$(server_memory "$name" VmRSS)" "${START_MS[$name]}" >>"${ROUNDS_FILE:-$WORK/rounds.tsv}"
}
