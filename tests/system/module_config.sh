#!/bin/bash
# The module's configuration: what is refused at start and how that is said, what a HUP changes, what unlang
# can ask for.
. "$(dirname "$0")/lib.sh"
. "$HERE/server.sh"
t_begin module_config

radius_make "$T/r" || exit 1
store=$T/r/policy.db
raddb=$T/r/raddb
conf=$raddb/mods-available/vmprov
sqlite3 -bail "$store" ".read $TOP/tests/demo/sample.sql"
cp -r "$raddb" "$T/good"

# refused DESCRIPTION REGEX SED-EXPRESSION: the module's file, edited so, keeps the server from starting
refused() {
	sed "$3" "$T/good/mods-available/vmprov" > "$conf"
	fails "$1" "$2" radius_check "$raddb"
	cp "$T/good/mods-available/vmprov" "$conf"
}
# dialect_refused DESCRIPTION REGEX LINE...: a dialect with these lines in its update section
dialect_refused() {
	local what=$1 regex=$2
	shift 2
	{
		printf 'dialect bad {\n\tupdate reply {\n'
		printf '\t\t%s\n' "$@"
		printf '\t}\n}\n'
	} > "$raddb/mods-config/vmprov/dialects/bad"
	fails "$what" "$regex" radius_check "$raddb"
	rm "$raddb/mods-config/vmprov/dialects/bad"
}

ok 'as shipped it is accepted' radius_check "$raddb"
refused 'no filename' 'filename' '/filename/d'
refused 'a relative filename' 'filename: expected an absolute path' 's|filename = .*|filename = policy.db|'
refused 'busy_timeout' 'busy_timeout: expected 0 to 10000' 's|busy_timeout = .*|busy_timeout = 20000|'
refused 'quarantine_vlan' 'quarantine_vlan: expected a VLAN id' 's|quarantine_vlan = .*|quarantine_vlan = 5000|'
refused 'default_dialect' 'default_dialect: expected the name of a configured dialect, got "klingon"' \
	's|default_dialect = .*|default_dialect = klingon|'
refused 'dictionary' 'dictionary: cannot read' 's|dictionary = .*|dictionary = /nonexistent/dictionary.vmprov|'
refused 'a counter cannot be set' 'stat_allow: is a counter' 's|export = no|stat_allow = 5|'
refused 'export' 'export|boolean|yes' 's|export = no|export = perhaps|'
dialect_refused 'an attribute that no dictionary has' 'Colour-Of-Cable: no dictionary has this attribute' '&Colour-Of-Cable := 1'
dialect_refused 'a literal of the wrong type' 'Session-Timeout: expected a value of its type' '&Session-Timeout := soon'
dialect_refused 'an attribute that cannot hold the value' 'Framed-IP-Address: its type cannot hold VMProv-VLAN-Id' \
	'&Framed-IP-Address := &VMProv-VLAN-Id'
dialect_refused 'an attribute of somebody else' 'expected a literal, a string, or one of &VMProv' '&Filter-Id := &User-Name'
dialect_refused 'an operator that means something else' 'expected one of the operators' '&Filter-Id -= "x"'
dialect_refused 'another list than the reply' 'expected an attribute of the reply' '&control:Filter-Id := "x"'
printf 'dialect rfc {\n}\n' > "$raddb/mods-config/vmprov/dialects/twice"
fails 'a dialect twice' 'dialect rfc: defined twice' radius_check "$raddb"
printf 'dialect odd {\n\tcolour = blue\n}\n' > "$raddb/mods-config/vmprov/dialects/twice"
fails 'something else than update in a dialect' 'expected nothing but update sections' radius_check "$raddb"
rm "$raddb/mods-config/vmprov/dialects/twice"

# -- unlang
insert_after() { # after the line that matches $1 in file $2, the text $3
	awk -v at="$1" -v text="$3" '{print} $0 ~ at && !done {print text; done = 1}' "$2" > "$T/edit" && cp "$T/edit" "$2"
}
insert_after '^	post-auth \{' "$raddb/sites-available/vmprov" '
		if (&User-Name == "525400000102") {
			update reply {
				&Reply-Message += "vlan %{vmprov:vlan-id}"
				&Reply-Message += "%{vmprov:join , <vlan-id>u <tagged-vlan>t <acl-rule>x}"
				&Reply-Message += "%{vmprov:verdict} %{vmprov:vm-name} %{vmprov:coi}"
				&Reply-Message += "none <%{vmprov:acl-rule}>"
				&Reply-Message += "exported %{control:VMProv-COI[*]} %{control:VMProv-VLAN-Id}"
				&Reply-Message += "count %{vmprov:stat unknown}"
			}
		}'
sed -i 's|export = no|export = yes|' "$conf"
radius_start "$T/r" || exit 1
radius_mab 127.0.0.1 52:54:00:ff:ff:ff >/dev/null
got=$(radius_mab 127.0.0.1 52:54:00:00:01:02)
like 'one value' "$got" 'Reply-Message = "vlan 100"'
like 'joined, items without a value left out' "$got" 'Reply-Message = "100u,40t"'
like 'the verdict and names' "$got" 'Reply-Message = "allow web2 web,admin"'
like 'no value is empty' "$got" 'Reply-Message = "none <>"'
like 'the exported attributes' "$got" 'Reply-Message = "exported web(\\n|,)admin 100"'
like 'a counter' "$got" 'Reply-Message = "count 1"'

# -- HUP
stat_allow() { radmin -f "$T/r/run/vmprov.sock" -e 'show module config vmprov' | sed -n 's/.*stat_allow = //p'; }
vlan_is() { radius_mab 127.0.0.99 52:54:00:ff:ff:ff | grep -q "Group-Id:0 = \"$1\""; }
# The server ignores a HUP within some seconds of the last one and of the start, and one without a changed
# file: change it and ask again until it has worked.
hup_until() {
	printf '\n' >> "$conf"
	kill -HUP "$RADIUS_PID"
	"$@"
}
before=$(stat_allow)
sed -i 's|quarantine_vlan = .*|quarantine_vlan = 777|' "$conf"
is 'before the HUP' "$(radius_mab 127.0.0.99 52:54:00:ff:ff:ff | head -n 1)" Access-Reject
ok 'HUP: the new quarantine VLAN is in force' wait_for 20 hup_until vlan_is 777
ok 'and the counters went on' test "$(stat_allow)" -ge "$before"
printf 'dialect rfc {\n}\n' > "$raddb/mods-config/vmprov/dialects/twice"
sed -i 's|quarantine_vlan = .*|quarantine_vlan = 778|' "$conf"
ok 'HUP with a wrong configuration is reported' wait_for 20 hup_until grep -q 'defined twice' "$T/r/log/radius.log"
ok 'and the old one stays in force' vlan_is 777

# -- a value that an attribute cannot hold whole is not sent in part
rm "$raddb/mods-config/vmprov/dialects/twice"
sqlite3 -bail "$store" "UPDATE nas SET dialect = 'edgecore' WHERE name = 'leaf1';
	UPDATE vm_record SET tagged_vlans = '$(seq -s, 4000 4063)' WHERE name = 'web1'"
is 'a list of VLANs that does not fit: no answer' "$(radius_mab 127.0.0.1 52:54:00:00:01:01)" No-Reply
ok 'and the log says why' grep -q 'Tunnel-Private-Group-Id: a value of .* octets does not fit' "$T/r/log/radius.log"
radius_stop
t_end
