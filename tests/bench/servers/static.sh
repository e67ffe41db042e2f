# shellcheck shell=bash
# The ceiling: accept everybody with the same six attributes, look nothing up.  Accounting is answered and forgotten.

static_available() { :; }
static_data() { :; }
static_modules() { printf 'always ok {\n\trcode = ok\n}\n'; }

static_authorize() {
	cat <<-'EOF'
		update control {
			Auth-Type := Accept
		}
		update reply {
			Tunnel-Type := VLAN
			Tunnel-Medium-Type := IEEE-802
			Tunnel-Private-Group-Id := "100"
			User-Priority-Table := 0x3333333333333333
			Session-Timeout := 3600
			Termination-Action := RADIUS-Request
		}
	EOF
}

static_accounting() { echo ok; }
