# shellcheck shell=bash
# What the system tests share: counting, and comparing.  Sourced.
#
#	t_begin NAME                    a scratch directory in $T, gone at the end
#	ok DESCRIPTION COMMAND...       passes when the command does
#	fails DESCRIPTION REGEX COMMAND...   the command must fail, and say something that matches
#	is DESCRIPTION GOT WANTED
#	like DESCRIPTION TEXT REGEX
#	wait_for SECONDS COMMAND...     until the command succeeds
#	ini_set FILE SECTION.OPTION=VALUE...    in that file; an empty value leaves the preset
#	t_end                           "N passed, N failed"; fails if any failed

set -u
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
TOP=$(cd "$HERE/../.." && pwd)
B=$(cd "$TOP" && cd "${B:-${BUILD:-build/gcc}}" && pwd) || exit 2
BUILD=$B
export BUILD
PATH=$B/bin:$PATH:/usr/sbin:/sbin
passed=0
failed=0
T_CLEANUP=()

t_begin() {
	t_name=$1
	T=$(mktemp -d "${TMPDIR:-/tmp}/vmprov-test.XXXXXX")
	chmod 755 "$T"
	trap 't_cleanup' EXIT
	trap 'exit 130' INT TERM
}

t_cleanup() {
	local c
	for c in ${T_CLEANUP[@]+"${T_CLEANUP[@]}"}; do $c; done
	T_CLEANUP=()
	rm -rf "$T"
}

t_pass() {
	passed=$((passed + 1))
	[ -z "${VERBOSE:-}" ] || printf '    ok    %s: %s\n' "$t_name" "$1"
}

t_fail() {
	failed=$((failed + 1))
	printf '    FAIL  %s: %s\n' "$t_name" "$1"
	shift
	printf '          %s\n' "$@" | tail -n 20
}

ok() {
	local what=$1 out
	shift
	if out=$("$@" 2>&1); then t_pass "$what"; else t_fail "$what" "command: $*" "said: $out"; fi
}

fails() {
	local what=$1 regex=$2 out
	shift 2
	if out=$("$@" 2>&1); then
		t_fail "$what" "expected to fail: $*" "said: $out"
	elif [[ ! $out =~ $regex ]]; then
		t_fail "$what" "said: $out" "expected: $regex"
	else
		t_pass "$what"
	fi
}

is() {
	if [ "$2" = "$3" ]; then t_pass "$1"; else t_fail "$1" "got:      $2" "expected: $3"; fi
}

like() {
	if [[ $2 =~ $3 ]]; then t_pass "$1"; else t_fail "$1" "got:      $2" "expected: $3"; fi
}

# Asks 20 times a second.
wait_for() {
	local left=$(($1 * 20))
	shift
	until "$@" >/dev/null 2>&1; do
		left=$((left - 1))
		[ "$left" -gt 0 ] || return 1
		sleep 0.05
	done
}

ini_set() {
	local file=$1 word
	shift
	for word in "$@"; do
		awk -v section="[${word%%.*}]" -v option="${word#*.}" '
			BEGIN { eq = index(option, "="); name = substr(option, 1, eq - 1); value = substr(option, eq + 1) }
			$0 == section { print; if (value != "") print name " = " value; at = 1; there = 1; next }
			/^\[/ { at = 0 }
			!(at && $1 == name) { print }
			END { if (!there) { print section; if (value != "") print name " = " value } }' \
			"$file" > "$file.new" && mv "$file.new" "$file"
	done
}

t_end() {
	t_cleanup
	trap - EXIT
	printf '%s: %d passed, %d failed\n' "$t_name" "$passed" "$failed"
	[ "$failed" -eq 0 ]
	exit
}
