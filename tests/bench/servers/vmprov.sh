# shellcheck shell=bash
# rlm_vmprov on the project's store.  The reply's six attributes come from one COI's policy.

vmprov_available() { [ -e "$BUILD/rlm_vmprov.so" ] && [ -x "$BUILD/bin/vmprov" ]; }

# vmprov_data VMS DIR
vmprov_data() {
	[ -e "$2/policy.db" ] && return
	rm -f "$2/policy.new"*
	awk -v n="$1" -v step="$MAC_STEP" 'BEGIN {
		print "mac,name,tenant,enclave,vlan,cos,session_timeout_s"
		for (i = 0; i < n; i++) printf "525400%06x,vm%d,bench,bench,100,3,3600\n", i * step, i
	}' >"$2/vms.csv"
	"$BUILD/bin/vmprov" --db "$2/policy.new" init >/dev/null
	"$BUILD/bin/vmprov" --db "$2/policy.new" tenant add bench >/dev/null
	"$BUILD/bin/vmprov" --db "$2/policy.new" enclave add bench --tenant bench >/dev/null
	"$BUILD/bin/vmprov" --db "$2/policy.new" import "$2/vms.csv" >/dev/null
	rm -f "$2/vms.csv"
	mv "$2/policy.new" "$2/policy.db"
}

# vmprov_modules DIR
vmprov_modules() {
	cat <<-EOF
		vmprov {
			filename = "$1/policy.db"
		}
	EOF
}

vmprov_authorize() { echo vmprov; }
