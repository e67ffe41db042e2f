# shellcheck shell=bash
# What all benches share: messages, options, ports.  Sourced.
#
# A bench names its options in OPTIONS: ([--rounds]=ROUNDS) has `--rounds N` set ROUNDS.  Those without a value are functions:
# option_quick for --quick, option_no_cliff for --no-cliff.

die() {
	echo "bench: $*" >&2
	exit 2
}

note() { echo "bench: $*" >&2; }

options() {
	local word
	while [ $# -gt 0 ]; do
		word=option_${1#--}
		if [ -n "${OPTIONS[$1]:-}" ]; then
			[ $# -ge 2 ] || die "$1 needs a value"
			printf -v "${OPTIONS[$1]}" '%s' "$2"
			shift
		elif [[ $1 == --* ]] && declare -F "${word//-/_}" >/dev/null; then
			"${word//-/_}"
		else
			die "unknown option $1 (the head of ${0##*/} lists them)"
		fi
		shift
	done
}

# port_free PORT TABLE...: in /proc/net's tables, such as tcp, tcp6, udp.
port_free() {
	local port=$1
	shift
	! grep -q ":$(printf '%04X' "$port") [0-9A-F]*:0000 " "${@/#//proc/net/}"
}
