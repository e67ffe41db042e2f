#!/bin/bash
# make lint: what a compiler does not say.  Prints each finding on a line; exits 1 if there is any.
cd "$(dirname "$0")/.." || exit 2
flag=$(mktemp)
trap 'rm -f "$flag"' EXIT

finding() {
	printf '%s\n' "$@"
	echo found >"$flag"
}

# none DESCRIPTION: what comes on standard input is wrong.
none() {
	local lines
	lines=$(cat)
	[ -z "$lines" ] || finding "$lines" "  ^ $1"
}

files() { git ls-files -- "$@" 2>/dev/null || find . -path ./build -prune -o -name "${1##*/}" -print; }

mapfile -t c < <(files '*.c' '*.h')
mapfile -t sh < <(files '*.sh'; ls .ci/run .ci/deps hostd/libvirt-hook)

# -- form
if command -v clang-format >/dev/null; then
	clang-format --dry-run "${c[@]}" 2>&1 | grep -E 'warning:|error:' | head -n 20 | none 'make format puts this right'
else
	finding 'clang-format is not installed (make deps)'
fi
wc -l "${c[@]}" | awk '$2 != "total" && $1 > 600 {print $2 ": " $1 " lines"}' | none 'a file past 600 lines holds more than one noun'
grep -nE '[ 	]+$' "${c[@]}" "${sh[@]}" | none 'trailing blanks'

# -- dangerous calls, and comparisons of secrets that take as long as they agree
grep -nE '\b(strcpy|strcat|sprintf|vsprintf|gets|strtok|alloca|system|popen)\(' "${c[@]}" | grep -v '^tests/unit/' | none 'a call with a safer twin'
grep -nE '\b(mem|str|strn|strcase)cmp\([^;]*(password|secret)' "${c[@]}" | none 'secrets are compared in constant time'
grep -nE '\b(atoi|atol|atof)\(' "${c[@]}" | none 'numbers are read with their errors (strtol)'

# -- each foreign header has one owner
owner() {
	local header=$1
	shift
	grep -lE "#[[:space:]]*include[[:space:]]*<$header" "${c[@]}" | grep -vE "$1" | none "<$header> belongs to $1"
}
owner 'sqlite3\.h' '^lib/store|^tests/(unit/scratch|bench/)'
owner 'freeradius' '^rlm_vmprov/|^policyd/coa/packet'
owner 'jansson\.h' '^vmprov/|^policyd/|^coid/|^gatewayd/|^relayd/|^hostd/|^hostctl/|^member/|^evlib/|^lib/(log|jsontext|store_record)|^tests/'
owner 'libsmartcols' '^lib/table'
owner 'openssl/' '^lib/(pki|ca|coi_(key|message)|est|cms|seal|eap_tls|eap_md5|tls_load)|^evlib/(tls_|http_server)|^policyd/net/tls|^relayd/|^tests/'
owner 'event2/' '^evlib/|^member/|^policyd/|^coid/|^gatewayd/|^relayd/|^hostd/|^tests/'
owner 'ini\.h' '^lib/inifile'
owner 'seccomp\.h' '^lib/sandbox'
owner 'cap-ng\.h' '^lib/privilege|^coid/run|^gatewayd/(proc|coi_run)|^hostd/proc'
owner 'nftables/' '^evlib/nft_linux'
owner 'curl/' '^evlib/http_(client|transfer)'
owner 'archive' '^(coid|hostd)/cidata|^tests/'
owner 'libxml/' '^hostd/domain_xml'
owner '(libmnl|linux)/' '_linux\.[ch]$|^tests/'
owner 'libvirt/' '_libvirt\.[ch]$|^tests/'
programs='vmprov|rlm_vmprov|policyd|gatewayd|relayd|hostd|hostctl|coid'
grep -nE "#include \"(\.\./)*($programs|evlib|member)/" lib/*.[ch] | none 'lib includes no program, nor evlib, nor member'
grep -nE "#include \"(\.\./)*($programs|member)/" evlib/*.[ch] | none 'evlib includes no program, nor member'
grep -nE "#include \"(\.\./)*($programs)/" member/*.[ch] | none 'member includes no program'
for program in ${programs//|/ }; do
	grep -nE "#include \"(\.\./)*($programs)/" "$program"/*.[ch] "$program"/*/*.[ch] 2>/dev/null
done | none 'programs do not include each other'
# Headers are named without their folder.
for h in lib/*.h evlib/*.h; do
	for d in evlib member; do
		[ "${h%/*}" = $d ] || [ ! -e "$d/${h##*/}" ] || echo "${h##*/} is in ${h%/*} and in $d"
	done
done | none 'a name stands for one header'

# -- every header compiles alone
while read -r h; do
	gcc -std=gnu11 -D_GNU_SOURCE -Ilib -Ievlib -Ipolicyd -Ihostd -Igatewayd -Irelayd -Imember -Icoid -fsyntax-only -x c "$h" 2>/dev/null || finding "$h: does not compile alone"
done < <(files 'lib/*.h' 'evlib/*.h' 'member/*.h' 'vmprov/*.h' 'policyd/*.h' 'coid/*.h' 'gatewayd/*.h' 'relayd/*.h' 'hostd/*.h' 'hostctl/*.h' 'tests/unit/*.h')

# -- what an operator can set is written down
grep -oE '^	\{ "[a-z_]+", FR_CONF' rlm_vmprov/rlm_vmprov.c | sed 's/.*"\(.*\)".*/\1/' | while read -r option; do
	grep -q "$option" docs/man/rlm_vmprov.5 || echo "rlm_vmprov option $option"
done | none 'not in rlm_vmprov(5)'
for column in mac name tenant enclave cois vlan tagged_vlans cos ingress_kbps egress_kbps acl session_timeout_s mab enabled \
	not_before not_after hosts comment; do
	grep -q "$column" docs/man/vmprov-policy.5 || echo "vm_record column $column"
done | none 'not in vmprov-policy(5)'
grep -ohE '^[[:space:]]*\{ ?"[a-z][a-z0-9-]+", *(no|required|optional)_argument' vmprov/*.c | sed 's/.*"\(.*\)".*/\1/' | sort -u |
	while read -r option; do
		grep -qE -- "(-|\\\\-)${option//-/(\\\\)?-}" docs/man/vmprov.1 || grep -q "Fl Fl $option" docs/man/vmprov.1 || echo "vmprov option --$option"
	done | none 'not in vmprov(1)'
grep -ohE '^[[:space:]]*\{ ?"[a-z][a-z0-9-]+", *(no|required|optional)_argument' hostctl/*.c | sed 's/.*"\(.*\)".*/\1/' | sort -u | while read -r option; do
	grep -q "Fl Fl $option" docs/man/vmprov-hostctl.1 || echo "vmprov-hostctl option --$option"
done | none 'not in vmprov-hostctl(1)'
sed -n '/^const struct cli_command cli_commands/,/^};/s/^	{ "\([a-z]*\)", ["N].*/\1/p' hostctl/main.c | grep -vx complete | while read -r command; do
	grep -q "Cm $command" docs/man/vmprov-hostctl.1 || echo "vmprov-hostctl $command"
done | none 'not in vmprov-hostctl(1)'
grep -oE '^ATTRIBUTE[[:space:]]+VMProv-[A-Za-z-]+' raddb/dictionary.vmprov | awk '{print $2}' | while read -r a; do
	grep -q "$a" docs/man/rlm_vmprov.5 || echo "$a"
done | none 'not in rlm_vmprov(5)'

for dialect in raddb/mods-config/vmprov/dialects/*; do
	grep -qx "\[${dialect##*/}\]" policyd/coa-dialects.conf || echo "dialect ${dialect##*/}"
done | none 'not in policyd/coa-dialects.conf'

# -- the daemons: options as "section name preset", metrics, words
# options NAME: the tables of NAME/config.c, the presets in NAME/NAME.conf, the options in NAME.conf(5)
options() {
	local table sample page
	table=$(sed -E 's/\), ([A-Z]+_(TEXT|NUM)\(|\{ NULL)/),\n\1/g' "$1/config.c" | sed -nE -e 's/^[[:space:]]*TEXT\("([a-z]+)", "([a-z_]+)", [a-z_]+, (VMPROV_STATEDIR |VMPROV_SYSCONFDIR )?"(.*)"\),$/\1 \2 \3\4/p' \
		-e 's/^[[:space:]]*NUM\("([a-z]+)", "([a-z_]+)", [A-Z_]+, [a-z_]+, "([^"]*)".*/\1 \2 \3/p' \
		-e 's/^[[:space:]]*([A-Z]+)_TEXT\("([a-z_]+)", [a-z_]+, (VMPROV_STATEDIR |VMPROV_SYSCONFDIR )?"([^"]*)"\),$/\L\1\E \2 \3\4/p' \
		-e 's/^[[:space:]]*([A-Z]+)_NUM\("([a-z_]+)", [A-Z_]+, [a-z_]+, "([^"]*)".*/\L\1\E \2 \3/p' |
		sed -e 's|VMPROV_STATEDIR |/var/lib/vmprov|' -e 's|VMPROV_SYSCONFDIR |/etc|' -e 's/ *$//' | sort)
	sample=$(awk '/^#?\[/ {s = $1; gsub(/[][#]/, "", s)}
		/^#[a-z_]+ =/ {name = substr($1, 2); sub(/^[^=]*= */, ""); print s " " name ($0 == "" ? "" : " " $0)}' "$1/$1.conf" | sort)
	diff <(echo "$table") <(echo "$sample") | grep '^[<>]' | none "$1/$1.conf (>) does not have the presets of $1/config.c (<)"
	page=$(awk '/^\.Ss / {s = ""} /^\.Ss \[/ {s = $2; gsub(/[][]/, "", s)} /^\.It Va/ && s {print s " " $3}' "docs/man/$1.conf.5" | sort)
	diff <(cut -d ' ' -f 1,2 <<<"$table") <(echo "$page") | grep '^[<>]' | none "$1.conf(5) (>) does not have the options of $1/config.c (<)"
}
for daemon in policyd hostd coid gatewayd relayd; do options $daemon; done
grep -oE '^	\{ "[a-z-]+", *(no|required|optional)_argument' lib/daemon.c | sed 's/.*"\(.*\)".*/\1/' | while read -r option; do
	for daemon in policyd hostd coid gatewayd relayd; do
		grep -q "Fl Fl $option" docs/man/$daemon.8 || echo "$daemon option --$option"
	done
done | none 'not in the manual of a daemon'
grep -ohE '\bvmprov_[a-z_]+' policyd/metrics.c policyd/net/status.c policyd/store/licences.c hostd/exposition.c member/*.c coid/*.c gatewayd/*.c relayd/*.c | grep -v '^vmprov_\(gatewayd\|gateway\|guard\|relayd\)$' | sort -u | while read -r metric; do
	grep -q "\`$metric" docs/OPERATING.md docs/PROTOCOL.md || echo "metric $metric"
done | none 'neither in docs/OPERATING.md nor in docs/PROTOCOL.md'
{
	grep -ohE '\b((state|actor)_)?audit\((a|s|store|[a-z]+->store), [^,]*' policyd/store/*.c vmprov/*.c | grep -oE '"[a-z-]+"'
	grep -ohE '\.event = "[a-z-]+"' lib/*.c | grep -oE '"[a-z-]+"'
	grep -ohE '\b(tell|outcome_tell|network_alarm|notice_alarm)\([a-z]+, (notice, )?"[a-z-]+"' policyd/store/*.c | grep -oE '"[a-z-]+"'
	grep -oE '^	\[M_[A-Z_]+\] = .*' policyd/store/state.c | grep -oE '"[a-z-]+"'
	grep -ohE '(vmp_log|say)\((VMP_LOG_[A-Z]+|.* \? VMP_LOG_[A-Z]+ : VMP_LOG_[A-Z]+), [^,]*' policyd/*.c policyd/*/*.c hostd/*.c coid/*.c gatewayd/*.c relayd/*.c member/*.c evlib/*.c lib/*.c | grep -oE '"[a-z-]+"'
	grep -ohE '\[HOLDER_[A-Z]+\] = \{ VMP_LOG_[A-Z]+, "[a-z-]+"' coid/licence.c | grep -oE '"[a-z-]+"'
	grep -ohE '\[(VMP_AUTH|GUEST)_[A-Z_]+\] = \{? ?"[a-z-]+"' hostd/nic.c hostd/guest.c | grep -oE '"[a-z-]+"'
	grep -ohE "INTO audit .* SELECT '[a-z-]+'" schema/policy/*.sql | sed "s/.*'\(.*\)'/\"\1\"/"
} | tr -d '"' | sort -u | while read -r word; do
	grep -q "\`$word\`" docs/PROTOCOL.md || echo "event $word"
done | none 'not in docs/PROTOCOL.md'

# -- programs that look for mistakes
shellcheck -S warning -x -P SCRIPTDIR "${sh[@]}" | none 'shellcheck'
for page in docs/man/*.[1-8]; do mandoc -Tlint -Wwarning "$page"; done | none 'mandoc'
cppcheck --quiet --enable=warning,portability --inline-suppr --suppress=missingIncludeSystem --suppress=preprocessorErrorDirective --std=c11 -Ilib -Ievlib -Ipolicyd -Ihostd -Igatewayd -Irelayd -Imember \
	-D_GNU_SOURCE '-DCC_HINT(x)=' '-Djson_array_foreach(a,i,v)=for(;;)' '-Djson_object_foreach(a,i,v)=for(;;)' lib evlib member vmprov policyd coid gatewayd relayd hostd hostctl rlm_vmprov tests/bench tests/unit tests/fuzz tests/system 2>&1 |
	grep -E '(error|warning|portability):' | none 'cppcheck'

# -- the project speaks of itself alone
grep -rnIE '(/home/|/root/|/work/)[a-z]' --exclude-dir=build --exclude-dir=.git . | grep -v 'tests/lint.sh' | none 'a path of somebody'"'"'s machine'
git grep -nIE '\b(TODO|FIXME|XXX)\b' -- . ':!tests/lint.sh' 2>/dev/null | none 'left open'

[ ! -s "$flag" ] && echo 'lint: nothing found'
