#!/bin/sh
# Run the named system tests, one after the other; print a line each and the sum.  Fails if any failed.
cd "$(dirname "$0")/system" || exit 2
passed=0 failed=0 broken=
for name in "$@"; do
	out=$(bash "./$name.sh" 2>&1) && rc=0 || rc=$?
	printf '%s\n' "$out"
	sum=$(printf '%s\n' "$out" | sed -n "s/^[^ ]*: \([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p" | tail -n 1)
	passed=$((passed + ${sum% *} + 0))
	failed=$((failed + ${sum#* } + 0))
	[ "$rc" = 0 ] && [ -n "$sum" ] || broken="$broken $name"
done
[ -z "$broken" ] || echo "failed:$broken"
echo "$passed passed, $failed failed"
[ -z "$broken" ]
