#!/bin/sh
# Complete the installed FreeRADIUS headers into DIR/include/freeradius.
#
# From 3.2.9 on the server's packages ship all of them.  Older ones, Debian's 3.2.1 among them, lack
# some that every module includes; those come from the source package of the installed version.
set -eu
dir=$1
installed=/usr/include/freeradius
need='automask.h clients.h connection.h log.h process.h tmpl.h xlat.h listen.h'

fail() {
	echo "headers.sh: $*" >&2
	exit 1
}

missing() {
	for h in $need; do
		[ -e "$installed/$h" ] || return 0
	done
	return 1
}

[ -d "$installed" ] || fail "no $installed: install libfreeradius-dev (make deps)"
rm -rf "$dir"
mkdir -p "$dir/include" "$dir/lists/partial"
cp -r "$installed" "$dir/include/freeradius"
missing || exit 0

version=$(dpkg-query -W -f '${source:Version}' freeradius-common 2>/dev/null) ||
	fail "FreeRADIUS is not installed from a Debian package: set FREERADIUS_INCLUDE to its headers"

# The machine's own Debian archives, as source archives, in a list of our own: its lists stay as they are.
dir=$(cd "$dir" && pwd)
apt-get indextargets --format 'deb-src $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 'Origin: Debian' |
	sort -u > "$dir/sources.list"
apt() {
	apt-get -qq -o Dir::Etc::sourcelist="$dir/sources.list" -o Dir::Etc::sourceparts=- \
		-o Dir::State::lists="$dir/lists" -o APT::Sandbox::User=root "$@"
}
{
	apt update
	cd "$dir"
	apt source --download-only "freeradius=$version"
	dpkg-source --no-check -x freeradius_*.dsc source
} >"$dir/log" 2>&1 || fail "cannot get the source package freeradius=$version (see $dir/log)"
for h in "$dir"/source/src/include/*.h; do
	[ -e "$dir/include/freeradius/${h##*/}" ] || cp "$h" "$dir/include/freeradius/"
done
ln -s freeradius "$dir/include/freeradius-devel" # the name that they use among themselves
rm -rf "$dir/source" "$dir"/freeradius_* "$dir/lists"
