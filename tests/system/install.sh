#!/bin/bash
# make install and uninstall: files, modes, an administrator's changes; and the result in a copy of the stock
# configuration, as Debian's own FreeRADIUS reads it.
. "$(dirname "$0")/lib.sh"
. "$HERE/server.sh"

t_begin install
R=$T/root
RADDB=/etc/freeradius/3.0
LIBDIR=/usr/lib/freeradius

# What is built in $B, with no say of the make that called us; prints what is not a step.
make_it() {
	local out rc
	out=$(env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -s -C "$TOP" B="$B" "$@" 2>&1) && rc=0 || rc=$?
	printf '%s' "$out" | sed '/^  [A-Z][A-Z]* /d'
	return $rc
}
mk() { make_it DESTDIR="$R" PREFIX=/usr STATEDIR=/srv/vmprov "$@"; }
files() { (cd "$R" && find . -type f | sort); }
mode() { stat -c %a "$R$1"; }

# -- what is installed ----------------------------------------------------------------------------
out=$(mk install)
is 'make install' "$? $out" '0 '
for f in "$LIBDIR/rlm_vmprov.so" /usr/bin/vmprov /usr/share/bash-completion/completions/vmprov \
	/usr/lib/systemd/system/vmprov-store.service /usr/lib/systemd/system/freeradius.service.d/vmprov.conf \
	/usr/lib/sysctl.d/60-vmprov.conf /usr/bin/policyd /etc/vmprov/policyd.conf /etc/vmprov/coa-dialects.conf /etc/vmprov/nas-secrets.conf \
	/usr/lib/systemd/system/vmprov-policyd.service /usr/lib/{sysusers,tmpfiles}.d/vmprov.conf \
	/usr/bin/{hostd,vmprov-hostctl} /etc/vmprov/{hostd,guests,eap-md5}.conf /etc/libvirt/hooks/qemu.d/vmprov \
	/usr/lib/systemd/system/vmprov-hostd.service /usr/lib/{sysusers,tmpfiles}.d/vmprov-hostd.conf \
	/usr/bin/{coid,gatewayd,relayd} /etc/vmprov/{coid,gatewayd,relayd}.conf /usr/lib/systemd/system/vmprov-{coid,gatewayd,relayd}.service \
	/usr/lib/{sysusers,tmpfiles}.d/vmprov-{gatewayd,relayd}.conf /usr/lib/tmpfiles.d/vmprov-coid.conf; do
	ok "$f is installed" test -f "$R$f"
done
for f in vmprov.conf clients-vmprov.conf dictionary.vmprov mods-available/vmprov{,_eap} {sites-available,policy.d}/vmprov; do
	ok "$f is installed" test -f "$R$RADDB/$f"
done
is 'every dialect is installed' \
	"$(ls "$R$RADDB/mods-config/vmprov/dialects")" "$(ls "$TOP/raddb/mods-config/vmprov/dialects")"
is 'no program of the tests' "$(ls "$R/usr/bin")" $'coid\ngatewayd\nhostd\npolicyd\nrelayd\nvmprov\nvmprov-hostctl'
for page in "$TOP"/docs/*.[1-8] "$TOP"/docs/man/*.[1-8]; do
	[ ! -e "$page" ] || ok "${page##*/} is installed" test -f "$R/usr/share/man/man${page##*.}/${page##*/}"
done
is 'modes: a program, the module, secrets, the state folder' \
	"$(mode /usr/bin/vmprov) $(mode $LIBDIR/rlm_vmprov.so) $(mode $RADDB/clients-vmprov.conf) $(mode /srv/vmprov)" '755 644 640 750'
is 'modes: passwords, the hook' "$(mode /etc/vmprov/eap-md5.conf) $(mode /etc/vmprov/nas-secrets.conf) $(mode /etc/libvirt/hooks/qemu.d/vmprov)" '600 600 755'
ok 'the hook calls what is installed' grep -q '^/usr/bin/vmprov-hostctl hook' "$R/etc/libvirt/hooks/qemu.d/vmprov"
ok 'the program runs' "$R/usr/bin/vmprov" version
like 'STATEDIR is the store that the module reads' "$(cat "$R$RADDB/mods-available/vmprov")" \
	$'\n\t''filename = /srv/vmprov/policy.db'$'\n'
is 'no other place is left, nor a placeholder' "$(grep -rlE '/var/lib/vmprov|@[a-z]+@' "$R/etc" "$R/usr/lib/"{systemd,sysusers.d,tmpfiles.d})" ''
if [ -x /usr/bin/systemd-analyze ]; then
	for unit in vmprov-store vmprov-policyd vmprov-hostd vmprov-coid vmprov-gatewayd vmprov-relayd; do
		sed "s|/usr/bin/|$R&|" "$R/usr/lib/systemd/system/$unit.service" > "$T/$unit.service"
		like "systemd understands $unit" "$(systemd-analyze verify --man=no "$T/$unit.service" 2>&1 |
			grep "$unit")," '^,$'
	done
fi
if [ -x /usr/bin/systemd-sysusers ] && [ -r /etc/shadow ]; then
	like 'systemd makes the users' "$(systemd-sysusers --dry-run "$R/usr/lib/sysusers.d/vmprov.conf" 2>&1)$(getent passwd)" \
		'vmprov.*vmprov-net.*vmprov-signer.*vmprov-coa'
	for user in hostd:host gatewayd:gateway relayd:relay; do
		like "and ${user%:*}'s" "$(systemd-sysusers --dry-run "$R/usr/lib/sysusers.d/vmprov-${user%:*}.conf" 2>&1)$(getent passwd)" "vmprov-${user#*:}"
	done
fi
printf '[process]\nnet_user =\nstore_user =\nsigner_user =\ncoa_user =\n' > "$T/users"
sed '1,/^\[listen/{/^\[listen/!d}' "$R/etc/vmprov/policyd.conf" >> "$T/users"
ok 'policyd takes the configuration' "$R/usr/bin/policyd" -t -c "$T/users"
for f in policyd hostd coid gatewayd relayd; do
	is "$f.conf says what is the default anyway" "$(grep -cvE '^(#.*|\[[a-z]+\]|)$' "$R/etc/vmprov/$f.conf")" 0
done
fails 'hostd needs to be told of its uplink' 'hostd.conf: expected at least one section' "$R/usr/bin/hostd" -t -c "$R/etc/vmprov/hostd.conf"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=ca -keyout /dev/null -out "$T/ca.pem" 2>/dev/null
printf '[process]\nuser =\n[eap]\nca = %s\n[uplink eth1]\n' "$T/ca.pem" > "$T/host"
sed '1,/^\[control/{/^\[control/!d}; /^\[eap/d' "$R/etc/vmprov/hostd.conf" >> "$T/host"
ok 'and takes it then' "$R/usr/bin/hostd" -t -c "$T/host"

ok 'coid takes its own as it is' "$R/usr/bin/coid" -t -c "$R/etc/vmprov/coid.conf"
fails 'gatewayd needs to be told of a server' 'gatewayd.conf: expected at least one section' "$R/usr/bin/gatewayd" -t -c "$R/etc/vmprov/gatewayd.conf"
fails 'relayd needs to be told of a service' 'relayd.conf: expected at least one section' "$R/usr/bin/relayd" -t -c "$R/etc/vmprov/relayd.conf"

# A client without require_message_authenticator can be lied to (BlastRADIUS).
is 'every client that we ship requires Message-Authenticator' "$(find "$R$RADDB" -type f -exec awk '
	/^[# \t]*client[ \t]+[^ ]+[ \t]*{/ {name = $2; has = 0}
	/^[# \t]*require_message_authenticator = yes$/ {has = 1}
	/^[# \t]*}/ && name != "" {if (!has) print FILENAME ": " name; name = ""}' {} +)" ''

# -- an administrator's changes -------------------------------------------------------------------
first=$(files)
is 'installing again says and adds nothing' "$(mk install)$(files)" "$first"
changed=(clients-vmprov.conf mods-config/vmprov/dialects/rfc policy.d/vmprov)
for f in "${changed[@]}"; do echo '# mine' >> "$R$RADDB/$f"; done
out=$(mk install)
is 'changed files are kept, in a line each' "$(sort <<< "$out")" \
	"$(for f in "${changed[@]}"; do echo "kept $R$RADDB/$f, which differs; the new one is $R$RADDB/$f.new~"; done)"
is 'it is as it was' "$(tail -n 1 "$R$RADDB/clients-vmprov.conf")" '# mine'
ok 'the new one is beside it' cmp "$TOP/raddb/clients-vmprov.conf" "$R$RADDB/clients-vmprov.conf.new~"
is 'and has no more readers' "$(mode "$RADDB/clients-vmprov.conf.new~")" 640

echo '# mine' >> "$R/etc/vmprov/policyd.conf"
is "policyd's as well" "$(mk install | grep policyd)" \
	"kept $R/etc/vmprov/policyd.conf, which differs; the new one is $R/etc/vmprov/policyd.conf.new~"
like 'it is as it was' "$(tail -n 1 "$R/etc/vmprov/policyd.conf")" '^# mine$'
hook=$R/etc/libvirt/hooks/qemu.d/vmprov
echo '# mine' >> "$hook"
is 'the hook as well' "$(mk install | grep hooks)" "kept $hook, which differs; the new one is $hook.new~"
like 'libvirt does not run the new one' "$(stat -c %a "$hook" "$hook.new~" | tr '\n' ' ')" '^755 644 $'

# An earlier version's file that nobody changed: what was shipped last is what is there.
echo '# earlier' | tee -a "$R/usr/share/vmprov/raddb/vmprov.conf" >> "$R$RADDB/vmprov.conf"
mk install >/dev/null
ok 'a file that nobody changed is brought up to date' cmp "$TOP/raddb/vmprov.conf" "$R$RADDB/vmprov.conf"
ok 'quietly' test ! -e "$R$RADDB/vmprov.conf.new~"
ln -sf clients-vmprov.conf "$R$RADDB/dictionary.vmprov"
mk install >/dev/null
ok 'a symbolic link is a change too' test -L "$R$RADDB/dictionary.vmprov"
rm "$R$RADDB/dictionary.vmprov"
mk install >/dev/null
ok 'a lost file comes back' test -f "$R$RADDB/dictionary.vmprov"
ok 'and needs no second one' test ! -e "$R$RADDB/dictionary.vmprov.new~"

# -- in the stock configuration -------------------------------------------------------------------
# stock DIR: the stock configuration with ours, as make install leaves them, all in DIR.
stock() {
	mkdir -p "$1/lib" "$1/log" "$1/run"
	cp -r "$RADDB" "$1/raddb"
	cp -r "$R$RADDB/." "$1/raddb"
	ln -s "$LIBDIR"/*.so "$1/lib/"
	ln -sf "$R$LIBDIR/rlm_vmprov.so" "$1/lib/"
	radius_certs "$1/raddb/certs"
	grep -rlE "$RADDB|$LIBDIR|/srv/vmprov|/var/log/freeradius|/var/run/freeradius" "$1/raddb" |
		xargs sed -i -e "s|$RADDB|$1/raddb|g" -e "s|$LIBDIR|$1/lib|g" -e "s|/srv/vmprov|$1|g" \
			-e "s|/var/log/freeradius|$1/log|g" -e "s|/var/run/freeradius|$1/run|g"
	sed -i -e "s|^localstatedir = .*|localstatedir = $1|" -e "s|^run_dir = .*|run_dir = $1/run|" "$1/raddb/"{radiusd,vmprov}.conf
	[ -e "$1/policy.db" ] || vmprov --store "$1/policy.db" init >/dev/null
	chown -R freerad "$1"
}

if [ "$(id -u)" != 0 ] || ! id freerad >/dev/null 2>&1 || [ ! -r "$RADDB/radiusd.conf" ]; then
	echo "install: not root, or no stock $RADDB: what needs them is left out"
elif [ -n "${SAN:-}" ]; then
	echo "install: FreeRADIUS has no sanitizers: what needs it is left out"
else
	stock "$T/own"
	ok 'freeradius -n vmprov accepts it, .new~ files beside it' freeradius -XC -n vmprov -d "$T/own/raddb"
	echo 'vmprov {' >> "$T/own/raddb/mods-available/vmprov"
	fails 'and reads what is installed' 'mods-available/vmprov' freeradius -XC -n vmprov -d "$T/own/raddb"

	# As raddb/vmprov.conf says: three links in the stock folders.
	stock "$T/dropin"
	for f in mods-enabled/vmprov mods-enabled/vmprov_eap sites-enabled/vmprov; do
		ln -s "../${f/enabled/available}" "$T/dropin/raddb/$f"
	done
	echo "\$INCLUDE clients-vmprov.conf" >> "$T/dropin/raddb/clients.conf"
	# Both say what localhost is.
	sed -i '/^client localhost/,/^}/d' "$T/dropin/raddb/clients-vmprov.conf"
	ok 'the stock radiusd.conf accepts it as a drop-in' freeradius -XC -d "$T/dropin/raddb"
	out=$(freeradius -XC -d "$T/dropin/raddb" 2>&1)
	like 'and loads it' "$out" 'Loaded module rlm_vmprov.*server vmprov \{.*appears to be OK'
	is 'from the changed files alone' "$(grep 'including.*new' <<< "$out")" ''
fi

# -- on a live system -----------------------------------------------------------------------------
owner() { stat -c '%U:%G %a' "$L/$1"; }
# shellcheck disable=SC2317 # through ok and fails
as_server() { setpriv --reuid freerad --regid freerad --clear-groups "$@"; }
# As vmprov-store.service has it: root with two capabilities, in the server's group.
as_unit() { setpriv --regid freerad --clear-groups --inh-caps=-all --bounding-set=-all,+dac_override,+chown "$@"; }

if [ "$(id -u)" = 0 ] && id freerad >/dev/null 2>&1; then
	L=$T/live
	ok 'make install without DESTDIR' make_it PREFIX="$L" RADDB="$L/raddb" STATEDIR="$L/state" \
		FREERADIUS_LIBDIR="$L/lib/freeradius" install
	is 'the configuration is for the server to read' "$(owner raddb/clients-vmprov.conf), $(owner raddb/policy.d/vmprov)" \
		'root:freerad 640, root:freerad 640'
	is 'so is the state folder' "$(owner state)" 'root:freerad 750'
	ok 'a store is made there' "$L/bin/vmprov" --store "$L/state/policy.db" init
	fails 'the server cannot write there' 'Permission denied' as_server touch "$L/state/new"
	rm -f "$L"/state/policy.db-*
	as_unit "$L/bin/vmprov" --store "$L/state/policy.db" migrate >/dev/null
	is 'the unit may migrate' $? 0
	as_unit "$L/bin/vmprov" --store "$L/state/policy.db" hold >/dev/null 2>&1 &
	unit=$!
	T_CLEANUP+=("kill $unit")
	ok 'the unit holds the store' wait_for 5 test -e "$L/state/policy.db-shm"
	is 'what is beside the store is for the server to read' "$(owner state/policy.db-shm), $(owner state/policy.db-wal)" \
		'root:freerad 640, root:freerad 640'
	ok 'the server reads the store' as_server "$L/bin/vmprov" --store "$L/state/policy.db" vm list
	kill "$unit"
	wait "$unit"
	# policyd gives the store to a user of its own.
	rm -f "$L"/state/policy.db-*
	chown nobody "$L/state" "$L/state/policy.db"
	as_unit "$L/bin/vmprov" --store "$L/state/policy.db" migrate >/dev/null
	is 'the unit may migrate a store that is not its own' $? 0
	is 'and leaves what is beside it to the owner' "$(owner state/policy.db-shm), $(owner state/policy.db-wal)" \
		'nobody:freerad 640, nobody:freerad 640'
	T_CLEANUP=()
fi

# -- a newer FreeRADIUS ---------------------------------------------------------------------------
if [ -n "${FREERADIUS_NEW_INCLUDE:-}" ]; then
	mkdir "$T/new"
	ok "the module compiles with the headers in $FREERADIUS_NEW_INCLUDE" env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS \
		make -s -C "$TOP" B="$T/new" FREERADIUS_INCLUDE="$FREERADIUS_NEW_INCLUDE" "$T/new/rlm_vmprov.so"
fi

# -- what is left ---------------------------------------------------------------------------------
touch "$R/srv/vmprov/policy.db"
ok 'make uninstall' mk uninstall
is 'changed files and the store are left, nothing else' "$(files)" \
	"$(printf '.%s\n' "${changed[@]/#/$RADDB/}" /etc/vmprov/policyd.conf /etc/libvirt/hooks/qemu.d/vmprov /srv/vmprov/policy.db | sort)"
is 'twice is once' "$(mk uninstall | grep -v '^rm')" "kept $R/srv/vmprov"
t_end
