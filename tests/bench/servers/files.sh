# shellcheck shell=bash
# rlm_files, keyed by User-Name: every VM in the server's memory.

files_available() { :; }

# files_data VMS DIR
files_data() {
	[ -e "$2/users" ] && return
	awk -v n="$1" -v step="$MAC_STEP" 'BEGIN {
		for (i = 0; i < n; i++)
			printf "525400%06x Auth-Type := Accept\n\tTunnel-Type = VLAN, Tunnel-Medium-Type = IEEE-802, " \
			       "Tunnel-Private-Group-Id = \"100\", User-Priority-Table = 0x3333333333333333, " \
			       "Session-Timeout = 3600, Termination-Action = RADIUS-Request\n", i * step
	}' >"$2/users.new"
	mv "$2/users.new" "$2/users"
}

# files_modules DIR
files_modules() {
	cat <<-EOF
		files {
			key = "%{User-Name}"
			usersfile = "$1/users"
		}
	EOF
}

files_authorize() { echo files; }
